"""From a check that somebody wrote to what is wrong with it, before a model is asked: which keys each kind has, and what stands
under them.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from unmoor.errors import nearest_name
from unmoor.evaluation.checks import CHECKS

__all__ = ["wrong_with"]

Meant = tuple[str, Callable[[Any], bool]]
"""What a value must be, in words, and whether one is that."""


def wrong_with(check: Any) -> str:
    """Return what is wrong with a check, in one sentence with the nearest name, or the empty string for one that can be used."""
    if not isinstance(check, dict):
        return f'expected an object with "kind", found {_shown(check)}'
    if "kind" not in check:
        return f'a check needs a "kind": {", ".join(CHECKS)}'
    kind = check["kind"]
    if not isinstance(kind, str) or kind not in CHECKS:
        return f"unknown kind {_shown(kind)}.{nearest_name(str(kind), CHECKS)} Known: {', '.join(CHECKS)}"
    values = {key: value for key, value in check.items() if key != "kind"}
    return _wrong_keys(kind, values) or _wrong_values(kind, values)


def _wrong_keys(kind: str, values: Mapping[str, Any]) -> str:
    known = _KEYS[kind]
    for key in values:
        if key not in known:
            return f'{kind} has no key "{key}".{nearest_name(key, known)} Known: {", ".join(known)}'
    fewest, either = _ONE_OF.get(kind, (0, ()))
    found = [key for key in either if key in values]
    if not fewest <= len(found) <= 1:
        return f"{kind} takes one of {', '.join(either)}, found {', '.join(found) or 'none'}"
    first = next(iter(known))
    return "" if first in values or first in either else f'{kind} needs "{first}": {known[first][0]}'


def _wrong_values(kind: str, values: Mapping[str, Any]) -> str:
    for key, value in values.items():
        meant, fits = _KEYS[kind][key]
        if not fits(value):
            why = f" ({_regex_error(value)})" if key == "pattern" and isinstance(value, str) else ""
            return f'"{key}" must be {meant}, found {_shown(value)}{why}'
    return ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and not _regex_error(value)


def _regex_error(pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


_NUMBER: Meant = ("a number", _is_number)
_DISTANCE: Meant = ("a number from 0", lambda value: _is_number(value) and value >= 0)
_WHOLE: Meant = ("a whole number from 0", _is_whole)
_TEXT: Meant = ("text and not empty", _is_text)
_TEXTS: Meant = ("a list of texts, none empty", _are_texts)
_NAMES: Meant = ("a list of texts", _are_names)
_PATTERN: Meant = ("a regular expression", _is_pattern)
_ANYTHING: Meant = ("anything", lambda _: True)

_KEYS: dict[str, dict[str, Meant]] = {
    "number": {"value": _NUMBER, "tolerance": _DISTANCE},
    "contains_all": {"texts": _TEXTS},
    "one_of": {"texts": _TEXTS},
    "exact": {"text": _TEXT},
    "output": {"text": _TEXT},
    "lines": {"count": _WHOLE},
    "max_words": {"most": _WHOLE, "contains": _TEXT, "one_of": _TEXTS},
    "regex": {"pattern": _PATTERN},
    "json": {"value": _ANYTHING, "keys": _NAMES, "length": _WHOLE},
}
"""The keys of each kind beside `kind`; the first is needed, unless one of several is (see `_ONE_OF`)."""
_ONE_OF: dict[str, tuple[int, tuple[str, ...]]] = {
    "max_words": (0, ("contains", "one_of")),
    "json": (1, ("value", "keys", "length")),
}
"""Keys of which a check has one and no more, and how many it has at least."""
