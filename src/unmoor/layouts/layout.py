"""From a parsed row to a conversation, and from edits of turns to changes of the row: what every layout can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, RemoveItems, SetKey
from unmoor.layouts.parse import kind_of
from unmoor.records import Conversation, Path, Piece, Role, Row, Turn

__all__ = ["Layout", "mask_in_list", "no_mask", "no_removal", "parts_text", "remove_from_list", "text_turn"]

KeyOf: TypeAlias = Callable[[Row], str | None]
"""Tells at which key of a row its turns are; None where they are at none."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to write a conversation as a row.

    `recognises` says whether a row's keys are this layout's. `read` makes the conversation or raises BadRow. `remove` takes the
    positions (Turn.position) of turns to leave out, `mask` the position of a turn to keep as context only; both return
    None where the layout has no way to say it.
    """

    name: str
    summary: str
    recognises: Callable[[Row], bool]
    read: Callable[[Row], Conversation]
    remove: Callable[[Row, tuple[int, ...]], tuple[Change, ...] | None]
    mask: Callable[[Row, int], tuple[Change, ...] | None]
    is_plain: Callable[[Row], bool] = lambda _row: False
    """Whether a row is surely recognised and read without an error: a quick look, no for anything out of the ordinary.

    It may look at keys, at the types of values and at whether a role is one of `roles`, at nothing else: rows of one shape are
    plain together.
    """
    roles: frozenset[str] = frozenset()
    """The names of speakers that `is_plain` knows."""
    has_equal_sides: Callable[[Row], bool] = lambda _row: False
    """Whether the row is a pair of answers that say the same, so that neither is preferred."""


def text_turn(role: Role, text: object, path: Path, *, is_target: bool = False, position: int = -1) -> Turn:
    """Return a turn whose text is the string at `path`.

    Raises:
        BadRow: TEXT_EXPECTED if it is not a string.
    """
    if not isinstance(text, str):
        where = ".".join(map(str, path))
        raise BadRow("TEXT_EXPECTED", f"{where} should be text, found {kind_of(text)}")
    return Turn(role, text, (Piece(path, 0, len(text)),), is_target=is_target, position=position)


def parts_text(parts: list[Any], path: Path) -> tuple[str, tuple[Piece, ...]]:
    """Join the texts and refusals of the list of parts at `path` with a newline; other parts have no text to look at."""
    texts: list[str] = []
    pieces: list[Piece] = []
    start = 0
    for index, part in enumerate(parts):
        place = (index,) if isinstance(part, str) else _words_of(part, index)
        if place is None:
            continue
        said = part if isinstance(part, str) else part[place[-1]]
        texts.append(said)
        pieces.append(Piece((*path, *place), start, start + len(said)))
        start += len(said) + len("\n")
    return "\n".join(texts), tuple(pieces)


def _words_of(part: Any, index: int) -> Path | None:
    """Return where the words of a part are, from its list on; None where it has none."""
    keys = ("text", "refusal") if isinstance(part, dict) else ()
    return next(((index, key) for key in keys if isinstance(part.get(key), str)), None)


def remove_from_list(key_of: KeyOf) -> Callable[[Row, tuple[int, ...]], tuple[Change, ...] | None]:
    """Return the `remove` of a layout that keeps its turns in the list at the key that `key_of` tells."""
    return lambda row, positions: (RemoveItems((key,), positions),) if (key := key_of(row)) else None


def mask_in_list(key_of: KeyOf) -> Callable[[Row, int], tuple[Change, ...] | None]:
    """Return the `mask` of a layout that keeps its turns in the list at that key: `train: false`, as Axolotl reads it."""
    return lambda row, position: (SetKey((key, position), "train", False),) if (key := key_of(row)) else None


def no_removal(_row: Row, _positions: tuple[int, ...]) -> None:
    """Say that a single exchange has no turn to spare."""


def no_mask(_row: Row, _position: int) -> None:
    """Say that the layout has no place for a turn's own flag."""
