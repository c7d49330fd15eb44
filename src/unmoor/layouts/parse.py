"""From the bytes of one row to a checked object: fast where the row is plain, exact where it is not.

jiter reads the plain rows: alone among the fast parsers it notices duplicate keys, which hide one text from the auditor and show
it to the trainer. What it turns down (those, lone surrogates, NaN) is read again by the standard library, and named when bad.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from jiter import from_json

from unmoor.errors import BadRow
from unmoor.layouts.places import MAX_DIGITS, first_too_deep, first_too_long_integer, first_too_many, second_of_a_key
from unmoor.records import Row

__all__ = ["MAX_DEPTH", "MAX_NESTED", "MAX_ROW_BYTES", "ParsedRow", "kind_of", "parse_row", "row_too_large"]

MAX_DEPTH = 64
"""Levels of nesting; instruction data has under ten, and parsers fail somewhere over 1,000."""
MAX_NESTED = 2**20
"""Objects and arrays in one row; instruction data has under a thousand, and each takes 64 bytes or more of memory, be it empty."""
MAX_ROW_BYTES = 64 * 2**20
"""Bytes of one row; longer rows are quarantined without being parsed."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row as the file has it, and `readable`: the same with U+FFFD for lone surrogates, so that it can be matched and shown."""

    row: Row
    readable: Row


def parse_row(raw: bytes) -> ParsedRow:
    """Parse one row.

    Raises:
        BadRow: ROW_TOO_LARGE, INVALID_UTF8, BOM_INSIDE, NUL_BYTES, TRUNCATED, NOT_JSON, LONE_CR, TWO_VALUES, NOT_AN_OBJECT,
            DUPLICATE_KEY, NUMBER_TOO_LONG, TOO_DEEP or TOO_MANY_VALUES.
    """
    if len(raw) > MAX_ROW_BYTES:
        raise row_too_large()
    brackets = raw.count(b"{") + raw.count(b"[")
    if brackets > MAX_NESTED:
        _check_number(_text_of(raw))
    try:
        value = from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
    except ValueError:
        return _parse_exactly(raw)
    if not isinstance(value, dict):
        raise BadRow("NOT_AN_OBJECT", f"expected an object, found {kind_of(value)}")
    if brackets > MAX_DEPTH and _is_too_deep(value, 1):
        _check_depth(raw.decode("utf-8"))
    return ParsedRow(value, value)


def row_too_large() -> BadRow:
    """Return why an over-long row is not read."""
    return BadRow("ROW_TOO_LARGE", f"the row is longer than {MAX_ROW_BYTES} bytes and was not read")


def _is_too_deep(value: Any, depth: int) -> bool:
    if depth > MAX_DEPTH:
        return True
    inside = value.values() if isinstance(value, dict) else value
    return any(_is_too_deep(item, depth + 1) for item in inside if isinstance(item, dict | list))


def _text_of(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRow("INVALID_UTF8", f"not UTF-8: {error.reason}", error.start) from error


def _parse_exactly(raw: bytes) -> ParsedRow:
    text = _text_of(raw)
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise _named(error, text) from error
    except ValueError as error:  # an integer of more digits than Python converts
        at = _byte(text, first_too_long_integer(text) or 0)
        raise BadRow(
            "NUMBER_TOO_LONG", f"an integer of over {MAX_DIGITS:,} digits, which parsers refuse", at
        ) from error
    except _StandsTwiceError as error:
        key, place = second_of_a_key(text) or ("?", 0)
        message = f"the key {key!r} stands twice: readers differ in which one they take"
        raise BadRow("DUPLICATE_KEY", message, _byte(text, place)) from error
    if not isinstance(value, dict):
        raise BadRow("NOT_AN_OBJECT", f"expected an object, found {kind_of(value)}")
    return ParsedRow(value, value if not _has_surrogate(value) else _readable(value))


class _StandsTwiceError(Exception):
    """An object has a key twice; where, the text is asked."""


def _object(pairs: list[tuple[str, Any]]) -> Row:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _StandsTwiceError
    return made


def _check_depth(text: str) -> None:
    """Refuse deep nesting before a recursive parser meets it. Brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    place = first_too_deep(text, MAX_DEPTH)
    if place is not None:
        raise BadRow("TOO_DEEP", f"nested deeper than {MAX_DEPTH} levels", _byte(text, place))


def _check_number(text: str) -> None:
    """Refuse more objects and arrays than there is memory for. Brackets inside strings do not count."""
    place = first_too_many(text, MAX_NESTED)
    if place is not None:
        _check_depth(text[:place])
        message = f"more than {MAX_NESTED:,} objects and arrays in one row"
        raise BadRow("TOO_MANY_VALUES", message, _byte(text, place))


def _byte(text: str, place: int) -> int:
    return len(text[:place].encode("utf-8"))


def _named(error: json.JSONDecodeError, text: str) -> BadRow:
    at = _byte(text, error.pos)
    if text.startswith("\ufeff"):
        return BadRow(
            "BOM_INSIDE", "a byte order mark stands before the row: files were joined that each began with one"
        )
    if "\0" in text:
        return BadRow("NUL_BYTES", "zero bytes: a damaged disk or file, or UTF-16 text", _byte(text, text.index("\0")))
    if error.msg == "Extra data" and "\r" in text.rstrip():
        return BadRow(
            "LONE_CR", "several rows on one line, parted by a carriage return alone: end lines with a newline", at
        )
    if error.msg == "Extra data":
        return BadRow("TWO_VALUES", "more than one JSON value on the line", at)
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return BadRow("TRUNCATED", f"the row ends too early: {error.msg}", at)
    message, place = _said(error, text)
    return BadRow("NOT_JSON", f"not JSON: {message}", _byte(text, place))


def _said(error: json.JSONDecodeError, text: str) -> tuple[str, int]:
    """Return the parser's message and its place, the same on every Python: since 3.13 it names a comma that only a closing bracket
    follows, and before it named the bracket.
    """
    before = text[: error.pos].rstrip()
    if error.msg.startswith("Illegal trailing comma") or (before.endswith(",") and text[error.pos] in "]}"):
        return "a comma before the closing bracket", text.rindex(",", 0, error.pos + 1)
    return error.msg, error.pos


def _has_surrogate(value: Any) -> bool:
    if isinstance(value, str):
        return _LONE_SURROGATE.search(value) is not None
    if isinstance(value, dict):
        return any(_has_surrogate(key) or _has_surrogate(v) for key, v in value.items())
    return isinstance(value, list) and any(_has_surrogate(v) for v in value)


def _readable(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_readable(key): _readable(v) for key, v in value.items()}
    return [_readable(v) for v in value] if isinstance(value, list) else value


def kind_of(value: object) -> str:
    """Return what a value is in the words of JSON; what JSON has not, and a table may hold, by the name of its type."""
    names = {
        list: "an array",
        dict: "an object",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
