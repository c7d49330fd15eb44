"""From the text of a TOML file to the line where a key is set, however it is written: in a table, dotted, inline, in an array."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["line_of"]

_ENDS = ("]", '"""', "'''")
"""One of these is in the last line of a value of several lines."""


def line_of(source: str, path: Sequence[str]) -> int:
    """Return the 1-based line where the key at `path` is first set in a TOML text; of a key that is not there, the line of the
    innermost table around it, and 1 without one.
    """
    said = list(_statements(source))
    for length in range(len(path), 0, -1):
        for number, values in said:
            if _holds(values, path[:length]):
                return number
    return 1


def _statements(source: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each header and each key with its value: the line where it begins, and what it says as nested tables."""
    lines = source.split("\n")
    table: list[str] = []
    start = 0
    while start < len(lines):
        end, values = _statement(lines, start)
        if values and lines[start].lstrip().startswith("["):
            table = list(_path(values))
            yield start + 1, values
        elif values:
            for key in reversed(table):
                values = {key: values}
            yield start + 1, values
        start = end


def _statement(lines: list[str], start: int) -> tuple[int, dict[str, Any]]:
    """Return the line behind the statement that begins at `start`, and what it says; nothing of a text that is no TOML."""
    for end in range(start + 1, len(lines) + 1):
        if end == start + 1 or any(mark in lines[end - 1] for mark in _ENDS):
            try:
                return end, tomllib.loads("\n".join(lines[start:end]))
            except tomllib.TOMLDecodeError:
                continue
    return start + 1, {}


def _path(header: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of a header, outermost first: each holds the next, in a list or not, and the last an empty table."""
    value: Any = header
    while value:
        ((key, value),) = value.items()
        value = value[0] if isinstance(value, list) else value
        yield key


def _holds(values: Any, path: Sequence[str]) -> bool:
    for key in path:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return True
