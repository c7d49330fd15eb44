"""From an edit of a row to the row rewritten: three small operations, on parsed rows and on the original JSON text alike.

The JSON text is spliced, never re-serialised: what an edit does not name keeps its bytes (23-digit integers, `1.0e5`, key
order, spacing, escapes). `apply_to_row` does the same to a parsed row, for Parquet; the two are tested against each other.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from unmoor.records import Path, Row

__all__ = ["Change", "RemoveItems", "SetKey", "SetSlice", "apply_to_row", "apply_to_text"]

_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class SetSlice:
    """Replace the code points from `start_char` to `end_char` of the string at `path`, as the row had it before any change.

    Slices of one string may touch and do not overlap.
    """

    path: Path
    start_char: int
    end_char: int
    text: str


@dataclass(frozen=True, slots=True)
class RemoveItems:
    """Remove the items at `positions` from the list at `path`."""

    path: Path
    positions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SetKey:
    """Set `key` of the object at `path` to a JSON value, replacing the value that it has."""

    path: Path
    key: str
    value: Any


Change = SetSlice | RemoveItems | SetKey


def apply_to_row(row: Row, changes: tuple[Change, ...]) -> Row:
    """Return a deep copy of `row` with `changes` made in order of depth: texts and keys first, then removals."""
    changed = copy.deepcopy(row)
    for change in sorted(changes, key=_order):
        if isinstance(change, SetSlice):
            holder = _at(changed, change.path[:-1])
            holder[change.path[-1]] = _with_slice(holder[change.path[-1]], change)
        elif isinstance(change, SetKey):
            _at(changed, change.path)[change.key] = change.value
        else:
            items = _at(changed, change.path)
            items[:] = [item for position, item in enumerate(items) if position not in change.positions]
    return changed


def apply_to_text(text: str, changes: tuple[Change, ...]) -> str:
    """Return the JSON `text` of a row with `changes` spliced in; everything else keeps its characters."""
    for change in sorted(changes, key=_order):
        start, end = _locate(text, _skip_space(text, 0), change.path)
        if isinstance(change, SetSlice):
            said, _ = scanstring(text, start + 1, False)
            text = text[:start] + _dump(_with_slice(said, change), text) + text[end:]
        elif isinstance(change, SetKey):
            text = _set_key(text, start, change)
        else:
            text = _remove_items(text, start, set(change.positions))
    return text


def _order(change: Change) -> tuple[bool, int]:
    """Sort removals last, and slices from the last to the first, so that what is still to be done keeps its place."""
    return isinstance(change, RemoveItems), -change.start_char if isinstance(change, SetSlice) else 0


def _with_slice(said: str, change: SetSlice) -> str:
    return said[: change.start_char] + change.text + said[change.end_char :]


def _at(row: Any, path: Path) -> Any:
    for step in path:
        row = row[step]
    return row


def _dump(value: Any, like: str) -> str:
    """Write `value` as JSON, in ASCII if the row is written so, or if it holds what UTF-8 cannot (lone surrogates)."""
    written = json.dumps(value, ensure_ascii=like.isascii())
    return written if _is_encodable(written) else json.dumps(value)


def _is_encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _skip_space(text: str, index: int) -> int:
    while index < len(text) and text[index] in _SPACE:
        index += 1
    return index


def _value_end(text: str, start: int) -> int:
    return int(_DECODER.raw_decode(text, start)[1])


def _members(text: str, start: int) -> list[tuple[str, int, int]]:
    """Return (key, value start, value end) of each member of the object that opens at `start`."""
    members: list[tuple[str, int, int]] = []
    index = _skip_space(text, start + 1)
    while text[index] != "}":
        key, index = scanstring(text, index + 1, False)
        value_start = _skip_space(text, _skip_space(text, index) + 1)
        value_end = _value_end(text, value_start)
        members.append((key, value_start, value_end))
        index = _skip_space(text, value_end)
        index = _skip_space(text, index + 1) if text[index] == "," else index
    return members


def _items(text: str, start: int) -> list[tuple[int, int]]:
    """Return (start, end) of each item of the array that opens at `start`."""
    items: list[tuple[int, int]] = []
    index = _skip_space(text, start + 1)
    while text[index] != "]":
        end = _value_end(text, index)
        items.append((index, end))
        index = _skip_space(text, end)
        index = _skip_space(text, index + 1) if text[index] == "," else index
    return items


def _locate(text: str, start: int, path: Path) -> tuple[int, int]:
    for step in path:
        if isinstance(step, int):
            start = _items(text, start)[step][0]
        else:
            start = next(value_start for key, value_start, _ in _members(text, start) if key == step)
    return start, _value_end(text, start)


def _set_key(text: str, start: int, change: SetKey) -> str:
    members = _members(text, start)
    value = _dump(change.value, text)
    for key, value_start, value_end in members:
        if key == change.key:
            return text[:value_start] + value + text[value_end:]
    at = members[-1][2] if members else start + 1
    lead = ", " if members else ""
    return f"{text[:at]}{lead}{_dump(change.key, text)}: {value}{text[at:]}"


def _remove_items(text: str, start: int, positions: set[int]) -> str:
    items = _items(text, start)
    left = [span for position, span in enumerate(items) if position not in positions]
    if not left or not positions:
        return text if not positions else text[: start + 1] + text[_value_end(text, start) - 1 :]
    separator = text[items[0][1] : items[1][0]]
    body = separator.join(text[begin:end] for begin, end in left)
    return text[: items[0][0]] + body + text[items[-1][1] :]
