"""From the decision on a row to the changes that carry it out; a row that they would leave useless is removed instead."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from unmoor.errors import UsageError
from unmoor.layouts import (
    LABEL_KEY,
    Change,
    Layout,
    ParsedRow,
    RemoveItems,
    SetKey,
    SetSlice,
    apply_to_row,
    leaves_media_behind,
    package_of_layout,
)
from unmoor.policy import cut_spans, turns_to_remove
from unmoor.records import Conversation, Decision, Path, Piece, Row

__all__ = ["ReadRow", "carried_out", "mended_text"]

_UNKNOWN = "und"
_MEND_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row that could be read: its number in the input, its values, and what it says."""

    number: int
    parsed: ParsedRow
    layout: Layout
    conversation: Conversation


class _CannotRewrite(Exception):
    """The layout has no way to leave the turn out."""


def carried_out(read: ReadRow, decision: Decision, *, holds_floor: bool = False) -> tuple[Decision, tuple[Change, ...]]:
    """Return the changes that carry out a decision; a row that they would leave useless is removed instead, or kept as it is where
    it `holds_floor`, a refusal that is never removed.
    """
    try:
        changes = _changes(read, decision)
    except _CannotRewrite:
        return _instead(decision, "the layout cannot spare the turn", holds_floor), ()
    _hold_places(read, changes)
    if decision.outcome == "mended" and (why := _why_useless(read, apply_to_row(read.parsed.row, changes))):
        return _instead(decision, why, holds_floor), ()
    return decision, changes


def _why_useless(read: ReadRow, changed: Row) -> str:
    """Say why a changed row is of no use to a trainer; the empty string of one that is."""
    if read.layout.has_equal_sides(changed):
        return "both sides of the pair would say the same, and nothing would be preferred"
    if leaves_media_behind(read.parsed.row, changed):
        return "an image, video or sound of the row has its place in what would go"
    return ""


def mended_text(conversation: Conversation, decision: Decision) -> str | None:
    """Return the text of the first turn that a decision mends, up to 20,000 code points; None where it mends none."""
    edit = next((edit for edit in decision.edits if edit.action == "mend"), None)
    if edit is None:
        return None
    return cut_spans(conversation.turns[edit.turn].text, edit.spans, _language_cut(decision, edit.turn))[:_MEND_CHARS]


def _instead(decision: Decision, why: str, holds_floor: bool) -> Decision:
    said = f"{decision.reason.removeprefix(f'{decision.outcome}: ')}; {why}"
    if holds_floor:
        reason = f"kept: {said}; the row holds a refusal of the floor too, and stays as it is"
        left = (*decision.left_alone, *((finding, "whole") for finding in decision.acted_on))
        kept = replace(decision, outcome="kept", edits=(), labels=(), is_floor=True, reason=reason)
        return replace(kept, acted_on=(), left_alone=left)
    return replace(decision, outcome="removed", edits=(), labels=(), waits_for=(), reason=f"removed: {said}")


def _changes(read: ReadRow, decision: Decision) -> tuple[Change, ...]:
    if decision.outcome == "removed":
        return ()
    changes: list[Change] = []
    gone = turns_to_remove(read.conversation, decision.edits)
    for edit in decision.edits:
        if edit.action == "mend" and edit.turn not in gone:
            changes += _mend(read, edit.turn, edit.spans, _language_cut(decision, edit.turn))
        elif edit.action == "mask":
            changes += read.layout.mask(read.parsed.row, read.conversation.turns[edit.turn].position) or ()
    if gone:
        removal = read.layout.remove(
            read.parsed.row, tuple(sorted(read.conversation.turns[turn].position for turn in gone))
        )
        if removal is None:
            raise _CannotRewrite
        changes += removal
    if decision.labels:
        _hold_labels(read.parsed.row.get(LABEL_KEY))
        changes.append(SetKey((), LABEL_KEY, list(decision.labels)))
    return tuple(changes)


def _hold_labels(there: Any) -> None:
    """Raise UsageError where a row has something else than labels under the name that they are to have."""
    if there is not None and not (isinstance(there, list) and all(isinstance(label, str) for label in there)):
        raise UsageError(
            f"The action label writes a list of names into `{LABEL_KEY}`, and a row has something else there already. "
            "Next: rename that key, or take another action than label"
        )


def _mend(read: ReadRow, turn_index: int, spans: tuple[tuple[int, int], ...], language: str) -> list[Change]:
    """Cut the spans from each piece of the turn; the row's own text is cut, so that what cannot be shown still survives."""
    changes: list[Change] = []
    turn = read.conversation.turns[turn_index]
    for piece in turn.pieces:
        inside = [
            (max(s, piece.start_char) - piece.start_char, min(e, piece.end_char) - piece.start_char) for s, e in spans
        ]
        inside = [(start, end) for start, end in inside if start < end]
        if inside:
            if not _says(read.parsed.readable, piece, turn.text):
                _blame(read, f"a turn's text does not stand at {_shown(piece.path)}, where it points")
            value = _at(read.parsed.row, piece.path)
            end = piece.offset + piece.end_char - piece.start_char
            said = cut_spans(value[piece.offset : end], inside, language)
            changes.append(SetSlice(piece.path, piece.offset, end, said))
    if not changes:
        _blame(read, "a turn points at no place of the row for words of its text")
    return changes


def _says(row: Row, piece: Piece, text: str) -> bool:
    """Return whether a slice of a turn's text is what stands at its place in the row."""
    value = _at(row, piece.path)
    end = piece.offset + piece.end_char - piece.start_char
    return isinstance(value, str) and value[piece.offset : end] == text[piece.start_char : piece.end_char]


def _hold_places(read: ReadRow, changes: tuple[Change, ...]) -> None:
    """Raise UsageError where another package's layout would remove or mark what is not there."""
    for change in changes:
        there = _at(read.parsed.row, change.path)
        if isinstance(change, SetKey) and not isinstance(there, dict):
            _blame(read, f"there is no turn to mark at {_shown(change.path)}")
        if isinstance(change, RemoveItems):
            count = len(there) if isinstance(there, list) else 0
            if not all(0 <= position < count for position in change.positions):
                _blame(read, f"there are no turns {change.positions} to remove at {_shown(change.path)}")


def _at(row: Row, path: Path) -> Any:
    """Return what stands at a path of keys; None if nothing does."""
    value: Any = row
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def _blame(read: ReadRow, why: str) -> None:
    """Raise UsageError that names the package of the row's layout; one that ships knows its places."""
    if package := package_of_layout(read.layout.name):
        raise UsageError(
            f'The layout "{read.layout.name}" of {package}, row {read.number}: {why}, and another text would be damaged. '
            "Next: mend that package"
        )


def _shown(path: Path) -> str:
    return ".".join(map(str, path)) or "the row itself"


def _language_cut(decision: Decision, turn: int) -> str:
    """Return the language of what is cut from a turn, or the empty string."""
    said = (finding.language for finding in decision.findings if finding.turn == turn)
    return next((code for code in said if code != _UNKNOWN), "")
