"""From a list of strings, request and answer in turn, to a conversation: UltraChat's raw `data`, LIMA's `conversations`."""

from __future__ import annotations

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, RemoveItems
from unmoor.layouts.layout import Layout, no_mask, text_turn
from unmoor.layouts.request import system_turns
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT"]

KEYS = ("data", "conversations", "conversation")
"""Not `turns`, nor `dialog`: there others keep a list of questions, or two people who talk."""


def _key(row: Row) -> str | None:
    return next((key for key in KEYS if _begins_with_text(row.get(key))), "data" if row.get("data") == [] else None)


def _begins_with_text(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1 and isinstance(value[0], str) and isinstance(value[1], str)


def _recognises(row: Row) -> bool:
    return _key(row) is not None


def _read(row: Row) -> Conversation:
    key = _key(row)
    said = row[key] if key else None
    if key is None or not said:
        raise BadRow("NO_TURNS", f"{key or ' or '.join(KEYS)} should be a list of at least two texts")
    return Conversation((*system_turns(row), *(_turn(text, key, position) for position, text in enumerate(said))))


def _turn(text: object, key: str, position: int) -> Turn:
    is_answer = position % 2 == 1
    return text_turn(
        "assistant" if is_answer else "user", text, (key, position), is_target=is_answer, position=position
    )


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    """Whole exchanges can go: an odd number of texts less would turn answers into requests."""
    key, gone = _key(row), set(positions)
    if key is None or -1 in gone:
        return None
    left = [position for position in range(len(row[key])) if position not in gone]
    is_in_turn = all(place % 2 == position % 2 for place, position in enumerate(left))
    return (RemoveItems((key,), tuple(sorted(gone))),) if is_in_turn else None


LAYOUT = Layout("turn_list", "data: [request, answer, ...] (UltraChat, LIMA)", _recognises, _read, _remove, no_mask)
