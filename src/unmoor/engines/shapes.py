"""From a few rows that were read to the shape that most rows of a data set share: lines of that shape need no parser.

A shape is a regular expression of bytes: the same keys in the same order, text where there was text, UTF-8, no control character in
a string, known roles. What matches is one object of fixed depth with no key twice, so nothing in it can be a bad row. What does not
match is no worse for it: it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmoor.layouts import Layout
from unmoor.records import Row

__all__ = ["MOST_SHAPES", "Shapes", "shape_of"]

MOST_SHAPES = 8
"""Shapes that are learned: data sets have one or two; a set of many takes longer to compile than it saves."""
_DEEPEST, _MOST_KEYS, _MOST_ALTERNATIVES = 6, 40, 6
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.\- ]{1,60}")
_SPECIAL = re.compile(rb"[.\-]")
_ROLE_KEYS = ("role", "from")
_UTF8 = (
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]"
    rb"|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
_HEX = rb"[0-9a-fA-F]"
_ESCAPES = (
    rb'\\["\\/bfnrt]|\\u(?:[0-9a-ce-fA-CE-F]' + _HEX + rb"{3}|[dD][0-7]" + _HEX + rb"{2})"
    rb"|\\u[dD][89abAB]" + _HEX + rb"{2}\\u[dD][c-fC-F]" + _HEX + rb"{2}"
)
_STRING = rb'"(?:[^"\\\x00-\x1f\x80-\xff]|' + _UTF8 + b"|" + _ESCAPES + rb')*"'
"""A JSON string in UTF-8 without lone surrogates, escaped or not."""
_NUMBER = rb"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?(?:[eE][+-]?[0-9]{1,2})?"
_COMMA, _COLON = b", ?", b": ?"


class _NoShapeError(Exception):
    """The row has something that is not worth a pattern."""


class Shapes:
    """The shapes learned so far. `compiled` makes a set of patterns in which `^` and `$` are the ends of a line, or None."""

    def __init__(self, layout: Layout, compiled: Callable[[list[bytes]], Any]) -> None:
        self._layout = layout
        self._compiled = compiled
        self._patterns: list[bytes] = []
        self._database: Any = None
        self._tried = 0

    @property
    def can_learn(self) -> bool:
        """Whether there is room for another shape."""
        return self._tried < MOST_SHAPES

    def learn(self, row: Row) -> bool:
        """Take the shape of a row that was read and found plain; return whether it is a new one."""
        self._tried += 1
        pattern = shape_of(row, self._layout.roles)
        if pattern is None or pattern in self._patterns:
            return False
        patterns = [*self._patterns, pattern]
        database = self._compiled([b"^" + known + rb"\r?$" for known in patterns])
        if database is not None:
            self._patterns, self._database = patterns, database
        return database is not None

    def among(self, data: bytes, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each line of `data` whether it has a known shape; `ends` are the places of the newlines."""
        fits = np.zeros(len(ends), dtype=np.bool_)
        if self._database is not None:
            places: list[int] = []
            self._database.scan(data, match_event_handler=_note, context=places)
            fits[np.searchsorted(ends, np.array(places, dtype=np.int64))] = True
        return fits


def _note(_number: int, _start: int, end: int, _flags: int, context: list[int]) -> None:
    context.append(end)


def shape_of(row: Row, roles: frozenset[str]) -> bytes | None:
    """Return the pattern of the lines of JSON like `row`, or None for a row too odd to have one."""
    try:
        return _object(row, roles, 1)
    except _NoShapeError:
        return None


def _object(value: dict[str, Any], roles: frozenset[str], depth: int) -> bytes:
    if depth > _DEEPEST or len(value) > _MOST_KEYS or not all(map(_PLAIN_KEY.fullmatch, value)):
        raise _NoShapeError
    members = (
        b'"' + _SPECIAL.sub(rb"\\\g<0>", key.encode()) + b'"' + _COLON + _member(key, inside, roles, depth)
        for key, inside in value.items()
    )
    return rb"\{" + _COMMA.join(members) + rb"\}"


def _member(key: str, value: Any, roles: frozenset[str], depth: int) -> bytes:
    """Return the pattern of one value; where a role stood, only roles may stand."""
    if key in _ROLE_KEYS and isinstance(value, str) and value in roles and depth > 1:
        return b'"(?:' + b"|".join(sorted(role.encode() for role in roles)) + b')"'
    return _value(value, roles, depth)


def _value(value: Any, roles: frozenset[str], depth: int) -> bytes:
    if isinstance(value, str):
        return _STRING
    if value is None:
        return b"null"
    if isinstance(value, bool):
        return b"(?:true|false)"
    if isinstance(value, int | float):
        return _NUMBER
    return _object(value, roles, depth + 1) if isinstance(value, dict) else _array(value, roles, depth + 1)


def _array(value: list[Any], roles: frozenset[str], depth: int) -> bytes:
    """Return the pattern of one or more elements, each like one of those seen."""
    kinds = sorted({_value(item, roles, depth) for item in value})
    if depth > _DEEPEST or len(kinds) > _MOST_ALTERNATIVES:
        raise _NoShapeError
    if not kinds:
        return rb"\[\]"
    one = b"(?:" + b"|".join(kinds) + b")"
    return rb"\[" + one + b"(?:" + _COMMA + one + rb")*\]"
