"""Rows that parsers disagree on are named; everything else is read as the standard library reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.errors import BadRow
from unmoor.layouts import MAX_ROW_BYTES, parse_row

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, max_size=5), st.booleans())
def test_a_valid_row_reads_as_the_standard_library_reads_it(row: dict[str, object], is_ascii: bool) -> None:
    raw = json.dumps(row, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    assert parse_row(raw).row == row


def test_brackets_in_a_text_are_no_values() -> None:
    text = "[{" * 2**20
    assert parse_row(json.dumps({"a": text}).encode()).row == {"a": text}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"null", "NOT_AN_OBJECT"),
        (b"[1, 2]", "NOT_AN_OBJECT"),
        (b'"text"', "NOT_AN_OBJECT"),
        (b'{"a": "\xff"}', "INVALID_UTF8"),
        (b'{"a": "cut', "TRUNCATED"),
        (b'{"a": 1', "TRUNCATED"),
        (b'{"a": 1} {"a": 2}', "TWO_VALUES"),
        (b'{"a": 1}\r{"a": 2}\r', "LONE_CR"),
        (b'{"a": 1,}', "NOT_JSON"),
        (b'{"a": 1, "a": 2}', "DUPLICATE_KEY"),
        (b'{"m": [{"content": "shown", "content": "trained"}]}', "DUPLICATE_KEY"),
        (b'{"a" :1,"a":2}', "DUPLICATE_KEY"),
        (b'{"a\\":":1,"b":1,"b":2}', "DUPLICATE_KEY"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, "TOO_DEEP"),
        (b'{"a":' + b"[" * 1100 + b"]" * 1100 + b"}", "TOO_DEEP"),
        (b'{"a":[' + b"[],{}," * 2**19 + b"[]]}", "TOO_MANY_VALUES"),
        (b'{"a":[' + b"[],{}," * 2**19 + b"\xff]}", "INVALID_UTF8"),
        (b'{"a": ' + b"9" * 5000 + b"}" + b"x", "NUMBER_TOO_LONG"),
        (b'{"a": "' + b"x" * MAX_ROW_BYTES + b'"}', "ROW_TOO_LARGE"),
    ],
)
def test_a_bad_row_has_a_named_reason(raw: bytes, code: str) -> None:
    with pytest.raises(BadRow) as caught:
        parse_row(raw)
    assert caught.value.code == code


def test_the_byte_where_utf8_breaks_is_named() -> None:
    with pytest.raises(BadRow) as caught:
        parse_row('{"å": "'.encode() + b"\xff")
    assert caught.value.byte_in_row == len('{"å": "'.encode())


def test_a_lone_surrogate_is_read_and_shown_as_a_replacement() -> None:
    parsed = parse_row(b'{"a": "x\\ud835y"}')
    assert parsed.row["a"] == "x\ud835y"
    assert parsed.readable["a"] == "x\ufffdy"


def test_nan_is_accepted() -> None:
    assert str(parse_row(b'{"a": NaN}').row["a"]) == "nan"


def test_brackets_inside_a_string_are_not_nesting() -> None:
    assert parse_row(json.dumps({"a": "[" * 200, "b": float("inf")}).encode()).row["a"] == "[" * 200
