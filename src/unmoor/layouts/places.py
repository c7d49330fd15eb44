"""From the text of a row that broke a rule to the character where it does: only broken rows are walked, token by token."""

from __future__ import annotations

import json
import re
from itertools import islice

from unmoor.records.patterns import pattern_when_used

__all__ = ["MAX_DIGITS", "first_too_deep", "first_too_long_integer", "first_too_many", "second_of_a_key"]

MAX_DIGITS = 4300
"""Digits of an integer; Python and jiter convert no longer ones, because the time grows with the square."""

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?'
_TOKEN = pattern_when_used(_STRING + r"|[\[\]{}]", re.DOTALL)
_LONG_INTEGER = pattern_when_used(_STRING + rf"|-?\d{{{MAX_DIGITS + 1},}}+(?![.eE])", re.DOTALL)
_COLON = pattern_when_used(r"[ \t\r\n]*:")


def first_too_deep(text: str, most: int) -> int | None:
    """Return where the first bracket deeper than `most` levels stands, or None. Brackets inside strings do not count."""
    depth = 0
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("[", "{"):
            depth += 1
            if depth > most:
                return match.start()
        elif token in ("]", "}"):
            depth -= 1
    return None


def first_too_many(text: str, most: int) -> int | None:
    """Return where the first bracket that opens after `most` others stands, or None. Brackets inside strings do not count."""
    opening = (match.start() for match in _TOKEN.finditer(text) if match.group() in ("[", "{"))
    return next(islice(opening, most, None), None)


def first_too_long_integer(text: str) -> int | None:
    """Return where the first integer of more than MAX_DIGITS digits stands, or None."""
    return next((match.start() for match in _LONG_INTEGER.finditer(text) if match.group()[0] != '"'), None)


def second_of_a_key(text: str) -> tuple[str, int] | None:
    """Return the first key that stands twice in one object and where it stands the second time, or None."""
    seen: list[set[str]] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in ("[", "{"):
            seen.append(set())
        elif token in ("]", "}"):
            if seen:
                seen.pop()
        elif seen and _COLON.match(text, match.end()):
            key = json.loads(token)
            if key in seen[-1]:
                return key, match.start()
            seen[-1].add(key)
    return None
