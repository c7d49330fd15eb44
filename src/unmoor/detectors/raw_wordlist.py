"""From the raw bytes of many rows to those that may hold a phrase of a list, before any row is parsed.

Never misses a row: letters are matched in every case that `str.lower` folds to them, characters that JSON may escape in both forms,
and a row that writes a character of ASCII as `\\u00XX` is always looked at. What is named too often here is looked at and found
innocent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmoor.detectors.databases import compiled_set, trusted_hyperscan

__all__ = ["RawWordlist", "line_set", "literal_set"]

_ESCAPE = rb"\\u00[0-7]"
_JSON = {'"': rb'\\"', "\\": rb"\\\\", "/": rb"(?:/|\\/)", "\t": rb"\\t", "\r": rb"\\r", "\b": rb"\\b", "\f": rb"\\f"}
_SPECIAL = frozenset("\\[](){}|*+?.^$#&~-<>!=:,")


class RawWordlist:
    """The phrases of a list as they may stand in the bytes of JSON."""

    def __init__(self, phrases: Sequence[str]) -> None:
        """Compile the list.

        Raises:
            ImportError: no Hyperscan that can be trusted; rows are then parsed one by one, with the same result.
        """
        flags = int(trusted_hyperscan().HS_FLAG_CASELESS)
        self._database = compiled_set([_ESCAPE, *map(_pattern, phrases)], flags)

    def lines(self, data: bytes, ends: NDArray[np.int64]) -> list[int]:
        """Return the numbers, from 0, of the lines that may hold a phrase; `ends` are the places of the newlines in `data`."""
        places: list[int] = []
        self._database.scan(data, match_event_handler=_note, context=places)
        lines: list[int] = np.unique(np.searchsorted(ends, np.array(places, dtype=np.int64) - 1)).tolist()
        return lines


def _note(_number: int, _start: int, end: int, _flags: int, context: list[int]) -> None:
    context.append(end)


def _pattern(phrase: str) -> bytes:
    return b"".join(map(_character, phrase))


def _character(character: str) -> bytes:
    if character in _JSON:
        return _JSON[character]
    if character == "k":
        return rb"(?:k|\xe2\x84\xaa|\\u212a)"  # the Kelvin sign, which lower() makes a k
    if character == "\0":
        return rb"\x00"
    if character.isascii():
        return (b"\\" if character in _SPECIAL else b"") + character.encode()
    forms = _forms(character)
    return b"(?:" + b"|".join([*map(_escaped, forms), *map(_as_json_escapes, forms)]) + b")"


def _escaped(form: str) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in form.encode())


def _as_json_escapes(form: str) -> bytes:
    """Return a character as JSON may write it; the set takes hexadecimal digits in either case."""
    units = form.encode("utf-16-be").hex()
    return b"".join(rb"\\u" + units[at : at + 4].encode() for at in range(0, len(units), 4))


@lru_cache(maxsize=1)
def _folded_to() -> dict[str, list[str]]:
    """Return the characters beyond ASCII by what they are in lower case."""
    forms: dict[str, list[str]] = {}
    for code in range(0x80, 0x110000):
        if not 0xD800 <= code < 0xE000:
            lowered = chr(code).lower()
            forms.setdefault(lowered if len(lowered) == 1 else chr(code), []).append(chr(code))
    return forms


def _forms(character: str) -> list[str]:
    forms = _folded_to().get(character, [character])
    return [*forms, "Σ"] if character == "ς" else forms  # at the end of a word, lower() makes a Σ a ς


def line_set(expressions: list[bytes]) -> Any:
    """Return a set of expressions in which `^` and `$` stand for the ends of a line, or None if it would be too large.

    Raises:
        ImportError: no Hyperscan that can be trusted.
    """
    hyperscan = trusted_hyperscan()
    try:
        return compiled_set(expressions, int(hyperscan.HS_FLAG_MULTILINE))
    except hyperscan.error:
        return None


def literal_set(phrases: Sequence[str]) -> Any:
    """Return a set that finds where phrases end in texts in lower case.

    Raises:
        ImportError: no Hyperscan that can be trusted.
    """
    trusted_hyperscan()
    return compiled_set([_escaped(phrase) for phrase in phrases], 0)
