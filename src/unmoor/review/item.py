"""From a finding's place in the run's files to everything that is shown of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmoor.records import LEFT_ALONE, Conversation, Edit, Finding, Turn
from unmoor.records.verdict import Verdict

__all__ = ["Item", "ItemLine", "ReadRow", "conversation_of", "what_followed"]

ReadRow = Callable[[bytes], Conversation | None]
"""From the bytes of a row to what it says, None where they cannot be read; the layouts' room has one."""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """What a list shows of an item; `verdict` is the looking person's judgement, None where there is none."""

    id: int
    row: int
    behaviour: str
    probability: float
    request: str
    verdict: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One finding with all around it. `finding`, `findings` and `edits` point into `turns`; `verdict` is the looking person's own.

    `findings` are those that can be marked in `turns`, `others` (item, finding) the other findings of the row. `missing` says in a
    sentence why `turns` are not the whole conversation, and is empty where they are. `file` is empty where the input is one file.
    """

    id: int
    row: int
    language: str
    outcome: str
    reason: str
    needs_review: bool
    is_floor: bool
    finding: Finding
    findings: tuple[Finding, ...]
    others: tuple[tuple[int, Finding], ...]
    turns: tuple[Turn, ...]
    edits: tuple[Edit, ...]
    history: tuple[Verdict, ...]
    verdict: Verdict | None
    missing: str = ""
    first_turn: int = 0
    """The number of the first of `turns` in the conversation, from 0; it is another only where `turns` are an excerpt."""
    file: str = ""
    row_in_file: int = 0
    followed: str = ""
    """What followed from this finding where the row has others too, or why nothing did; empty where the row's reason says it."""
    is_rewritten_by_apply: bool = True
    """False in an audit, which has no rows that a verdict could mend or drop."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of an item that says what was said."""

    finding: Finding
    findings: tuple[Finding, ...]
    turns: tuple[Turn, ...]
    edits: tuple[Edit, ...]
    missing: str = ""
    first_turn: int = 0
    """The number of the first of `turns` in the conversation, from 0."""


def what_followed(entry: dict[str, Any], place: int) -> str:
    """Return in words what followed from finding number `place` of an entry with several, or why nothing did."""
    if len(entry["findings"]) < 2:
        return ""
    if place in entry.get("acted_on", ()):
        return "acted on"
    left = entry.get("left_alone", {})
    return next((f"left alone: {LEFT_ALONE.get(why, why)}" for why, places in left.items() if place in places), "")


def conversation_of(entry: dict[str, Any], place: int, raw: bytes | None, read_row: ReadRow | None) -> Shown:
    """Return the conversation of a ledger entry around its finding number `place`, the whole of it where `raw` can be read.

    A row that does not hold the evidence where the ledger says is not trusted: the excerpt of the ledger is shown instead.
    """
    findings = tuple(Finding.from_json(values) for values in entry["findings"])
    edits = tuple(
        Edit(each["action"], each["turn"], tuple((start, end) for start, end in each["spans"]))
        for each in entry["edits"]
    )
    whole = read_row(raw) if raw is not None and read_row is not None else None
    if whole is not None and text_of(whole, findings[place]) is not None:
        return Shown(findings[place], findings, whole.turns, edits)
    return _excerpt(entry, findings, findings[place], edits)


def text_of(conversation: Conversation, finding: Finding) -> str | None:
    """Return the text that a finding lies in; None where its words are not there."""
    if finding.turn >= len(conversation.turns):
        return None
    turn = conversation.turns[finding.turn]
    said = turn.reasoning if finding.field == "reasoning" else turn.text
    return said if said[finding.start_char : finding.end_char] == finding.quote else None


def _excerpt(entry: dict[str, Any], findings: tuple[Finding, ...], finding: Finding, edits: tuple[Edit, ...]) -> Shown:
    """Return request and answer as far as the ledger holds them, which is of one turn. A finding of another turn, or outside the
    excerpt, has only its quote, and one of another turn no request.
    """
    request = str(entry.get("request") or "") if entry.get("turn") == finding.turn else ""
    asked = (Turn("user", request),) if request else ()
    now, first = len(asked), finding.turn - len(asked)
    if not _is_in_excerpt(entry, finding):
        alone = replace(finding, turn=now, start_char=0, end_char=len(finding.quote), field="text")
        return Shown(alone, (alone,), (*asked, Turn("assistant", finding.quote)), (), _MISSING, first)
    shift = entry.get("answer_offset", 0)
    moved = {each: _moved(each, shift, now) for each in findings if _is_in_excerpt(entry, each)}
    shown_edits = tuple(
        replace(each, turn=now, spans=tuple((start - shift, end - shift) for start, end in each.spans))
        for each in edits
        if each.turn == finding.turn
    )
    is_whole = shift == 0 and finding.turn <= now and entry.get("answer_chars", 0) <= len(entry["answer"])
    turns = (*asked, Turn("assistant", entry["answer"]))
    return Shown(moved[finding], tuple(moved.values()), turns, shown_edits, "" if is_whole else _MISSING, first)


def _is_in_excerpt(entry: dict[str, Any], finding: Finding) -> bool:
    """Return whether the words of a finding stand in the answer of the ledger entry, at the place that it names."""
    answer, start = str(entry.get("answer") or ""), finding.start_char - entry.get("answer_offset", 0)
    is_there = start >= 0 and answer[start : start + len(finding.quote)] == finding.quote
    return bool(answer) and entry.get("turn") == finding.turn and is_there


_MISSING = "The row itself could not be read from the run: this is the excerpt that the ledger holds."


def _moved(finding: Finding, shift: int, turn: int) -> Finding:
    start, end = finding.start_char - shift, finding.end_char - shift
    return replace(finding, turn=turn, start_char=start, end_char=end, field="text")


def row_bytes(run: Path, entry: dict[str, Any], data_file: str, data_byte: int) -> bytes | None:
    """Return the bytes of a row as it was before the run, None where they are not known."""
    if data_file == "ledger":
        return str(entry["before"]).encode("utf-8", "surrogatepass")
    if not data_file:
        return None
    try:
        with (run / data_file).open("rb") as file:
            file.seek(data_byte)
            return file.readline()
    except OSError:  # the page then shows the ledger's excerpt and says so
        return None


def parse_entry(line: bytes) -> dict[str, Any]:
    """Return the object of a line of the ledger."""
    entry: dict[str, Any] = json.loads(line)
    return entry
