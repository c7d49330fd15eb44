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
    for path, slices in _slices(changes).items():
        holder = _at(changed, path[:-1])
        holder[path[-1]] = _spliced(holder[path[-1]], slices)
    for change in sorted(changes, key=lambda change: isinstance(change, RemoveItems)):
        if isinstance(change, SetKey):
            _at(changed, change.path)[change.key] = change.value
        elif isinstance(change, RemoveItems):
            items = _at(changed, change.path)
            gone = set(change.positions)
            items[:] = [item for position, item in enumerate(items) if position not in gone]
    return changed


def apply_to_text(text: str, changes: tuple[Change, ...]) -> str:
    """Return the JSON `text` of a row with `changes` spliced in; everything else keeps its characters.

    Texts first, then keys, then removals: each of these takes one look at the row, however many changes there are.
    """
    keys: dict[Path, dict[str, Any]] = {}
    for change in changes:
        if isinstance(change, SetKey):
            keys.setdefault(change.path, {})[change.key] = change.value
    if slices := _slices(changes):
        row = _JsonText(text)
        text = _spliced(text, [row.with_slices(path, here) for path, here in slices.items()])
    for depth in {len(path) for path in keys}:
        row = _JsonText(text)
        here = {path: values for path, values in keys.items() if len(path) == depth}
        text = _spliced(text, [edit for path, values in here.items() for edit in row.with_keys(path, values)])
    for change in changes:
        if isinstance(change, RemoveItems) and change.positions:
            text = _JsonText(text).without(change)
    return text


def _at(row: Any, path: Path) -> Any:
    for step in path:
        row = row[step]
    return row


_Edit = tuple[int, int, str]
"""From where to where in the text, and what stands there instead."""


def _slices(changes: tuple[Change, ...]) -> dict[Path, list[_Edit]]:
    """Return what is to be done to each string."""
    slices: dict[Path, list[_Edit]] = {}
    for change in changes:
        if isinstance(change, SetSlice):
            slices.setdefault(change.path, []).append((change.start_char, change.end_char, change.text))
    return slices


def _spliced(text: str, edits: list[_Edit]) -> str:
    parts, done = [], 0
    for start, end, said in sorted(edits, key=lambda edit: edit[:2]):
        parts += [text[done:start], said]
        done = end
    return "".join([*parts, text[done:]])


class _JsonText:
    """The JSON text of a row, in which values are found by their path. What was passed on the way is remembered."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._is_ascii = text.isascii()
        self._objects: dict[int, list[tuple[str, int, int]]] = {}
        self._arrays: dict[int, list[tuple[int, int]]] = {}

    def with_slices(self, path: Path, slices: list[_Edit]) -> _Edit:
        start, end = self._locate(path)
        said, _ = scanstring(self._text, start + 1, False)
        return start, end, self._dump(_spliced(said, slices))

    def with_keys(self, path: Path, values: dict[str, Any]) -> list[_Edit]:
        start, _ = self._locate(path)
        members = self._members(start)
        places = {key: (value_start, value_end) for key, value_start, value_end in reversed(members)}
        edits = [(*places[key], self._dump(value)) for key, value in values.items() if key in places]
        new = [f"{self._dump(key)}: {self._dump(value)}" for key, value in values.items() if key not in places]
        at = members[-1][2] if members else start + 1
        return [*edits, (at, at, (", " if members else "") + ", ".join(new))] if new else edits

    def without(self, change: RemoveItems) -> str:
        text = self._text
        start, end = self._locate(change.path)
        items, gone = self._items(start), set(change.positions)
        left = [span for position, span in enumerate(items) if position not in gone]
        if not left:
            return text[: start + 1] + text[end - 1 :]
        separator = text[items[0][1] : items[1][0]] if len(items) > 1 else ""
        body = separator.join(text[begin:finish] for begin, finish in left)
        return text[: items[0][0]] + body + text[items[-1][1] :]

    def _locate(self, path: Path) -> tuple[int, int]:
        span = (_skip_space(self._text, 0), len(self._text))
        for step in path:
            if isinstance(step, int):
                span = self._items(span[0])[step]
            else:
                span = next((start, end) for key, start, end in self._members(span[0]) if key == step)
        return span if path else (span[0], self._value_end(span[0]))

    def _members(self, start: int) -> list[tuple[str, int, int]]:
        """Return (key, value start, value end) of each member of the object that opens at `start`."""
        if start in self._objects:
            return self._objects[start]
        text, members = self._text, self._objects.setdefault(start, [])
        index = _skip_space(text, start + 1)
        while text[index] != "}":
            key, index = scanstring(text, index + 1, False)
            value_start = _skip_space(text, _skip_space(text, index) + 1)
            value_end = self._value_end(value_start)
            members.append((key, value_start, value_end))
            index = _after_comma(text, value_end)
        return members

    def _items(self, start: int) -> list[tuple[int, int]]:
        """Return (start, end) of each item of the array that opens at `start`."""
        if start in self._arrays:
            return self._arrays[start]
        text, items = self._text, self._arrays.setdefault(start, [])
        index = _skip_space(text, start + 1)
        while text[index] != "]":
            end = self._value_end(index)
            items.append((index, end))
            index = _after_comma(text, end)
        return items

    def _value_end(self, start: int) -> int:
        return int(_DECODER.raw_decode(self._text, start)[1])

    def _dump(self, value: Any) -> str:
        """Write `value` as JSON, in ASCII if the row is written so, or if it holds what UTF-8 cannot (lone surrogates)."""
        written = json.dumps(value, ensure_ascii=self._is_ascii)
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


def _after_comma(text: str, index: int) -> int:
    """Return where the next member or item begins, or where the bracket closes."""
    index = _skip_space(text, index)
    return _skip_space(text, index + 1) if text[index] == "," else index
