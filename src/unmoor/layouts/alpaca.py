"""From instruction / input / output and its cousins to a conversation: Alpaca, Dolly, OpenOrca, GPTeacher.

| family | request | more of the request | answer | others |
|---|---|---|---|---|
| alpaca | instruction | input | output | system, history: [[request, answer], ...] or messages |
| gpteacher | instruction | input | response | |
| dolly | instruction | context | response | category |
| openorca | question | | response | system_prompt |
| ms-swift | query | | response | system, and history, without which it is a pair of columns |
"""

from __future__ import annotations

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, RemoveItems
from unmoor.layouts.history import history_turns
from unmoor.layouts.layout import Layout, no_mask, text_turn
from unmoor.layouts.request import MORE_KEYS, SYSTEM_KEYS, under_system, with_more
from unmoor.records import Conversation, Piece, Row, Turn

__all__ = ["LAYOUT", "is_set_in"]

REQUEST_KEYS = ("instruction", "question")
INPUT_KEYS = ("input", "context")
ANSWER_KEYS = ("output", "response")


def _recognises(row: Row) -> bool:
    keys = row.keys()
    return not (keys.isdisjoint(REQUEST_KEYS) or keys.isdisjoint(ANSWER_KEYS)) or _has_history(row)


def _has_history(row: Row) -> bool:
    """Return whether it is a row of ms-swift with its history: without one it is a pair of columns, and with a label KTO's."""
    is_labelled = isinstance(row.get("label"), bool)
    is_whole = "query" in row and "response" in row and "history" in row
    return is_whole and isinstance(row["history"], list | None) and not is_labelled


def is_set_in(row: Row, text: object) -> bool:
    """Return whether a text ends in the row's answer and has its request before it: both once more, set in a template."""
    request, answer = (_words(row, names) for names in (REQUEST_KEYS, ANSWER_KEYS))
    if not (isinstance(text, str) and request and answer):
        return False
    before, said, after = text.rpartition(answer)
    return bool(said) and not after.strip() and request in before


def _words(row: Row, names: tuple[str, ...]) -> str:
    """Return the text in the first of the columns that a row has, without the space around it; empty if it is none."""
    key = _key(row, names)
    text = row[key] if key else ""
    return text.strip() if isinstance(text, str) else ""


def _key(row: Row, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in row), None)


def _read(row: Row) -> Conversation:
    return _read_plain(row) if _is_plain(row) else _read_any(row)


def _read_plain(row: Row) -> Conversation:
    """Read a row as most are: what `_read_any` makes of it, in half the time."""
    request, more, answer = row["instruction"], row.get("input", ""), row["output"]
    asked: tuple[Piece, ...] = (Piece(("instruction",), 0, len(request)),)
    if more:
        start = len(request) + 1
        asked = (*asked, Piece(("input",), start, start + len(more)))
        request = f"{request}\n{more}"
    said = (Piece(("output",), 0, len(answer)),)
    return Conversation((Turn("user", request, asked), Turn("assistant", answer, said, is_target=True)))


def _read_any(row: Row) -> Conversation:
    request_key, answer_key = _key(row, (*REQUEST_KEYS, "query")), _key(row, ANSWER_KEYS)
    if request_key is None or answer_key is None:
        raise BadRow("KEY_MISSING", f"no {'request' if request_key is None else 'answer'} among the keys {sorted(row)}")
    answer = text_turn("assistant", row[answer_key], (answer_key,), is_target=True)
    return Conversation((*under_system(row, history_turns(row)), _request(row, request_key), answer))


def _request(row: Row, key: str) -> Turn:
    request = text_turn("user", row[key], (key,))
    input_key = _key(row, INPUT_KEYS)
    if input_key is not None and row[input_key]:
        text_turn("user", row[input_key], (input_key,))  # which is text, or the row is a bad one
    return with_more(row, request, (more for more in MORE_KEYS if more != key), own=input_key)


def _remove(_row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    """Earlier pairs and messages can go; the last exchange is the row itself (position -1)."""
    return None if -1 in positions else (RemoveItems(("history",), tuple(sorted(set(positions)))),)


def _is_plain(row: Row) -> bool:
    is_text = (
        type(row.get("instruction")) is str and type(row.get("output")) is str and type(row.get("input", "")) is str
    )
    return is_text and row.keys().isdisjoint(_RARE_KEYS)


_RARE_KEYS = frozenset((*SYSTEM_KEYS, "question", "context", "history"))


LAYOUT = Layout(
    "alpaca",
    "instruction, input, output (and Dolly, OpenOrca, GPTeacher)",
    _recognises,
    _read,
    _remove,
    no_mask,
    _is_plain,
)
