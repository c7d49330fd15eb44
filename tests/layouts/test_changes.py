"""Splicing JSON text and changing a parsed row are two ways to one result, and splicing leaves the rest alone."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.layouts import RemoveItems, SetKey, SetSlice, apply_to_row, apply_to_text, changes
from unmoor.layouts.changes import Change

texts = st.text(max_size=12)
turns = st.lists(
    st.fixed_dictionaries({"role": texts, "content": texts}, optional={"n": st.integers(), "x": texts}),
    min_size=1,
    max_size=6,
)
rows = st.fixed_dictionaries(
    {"messages": turns, "id": texts}, optional={"score": st.floats(allow_nan=False, allow_infinity=False)}
)


@st.composite
def slices(draw: st.DrawFn, path: tuple[str | int, ...], said: str) -> list[Change]:
    """Return slices of one string that touch or lie apart, in any order."""
    cuts = sorted(draw(st.sets(st.integers(0, len(said)), max_size=4)))
    pairs = draw(st.permutations(list(pairwise(cuts))))
    return [SetSlice(path, start, end, draw(texts)) for start, end in pairs if draw(st.booleans())]


@st.composite
def rows_and_changes(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[Change, ...]]:
    row = draw(rows)
    count = len(row["messages"])
    position = st.integers(0, count - 1)
    changes: list[Change] = [
        change
        for i in draw(st.sets(position, max_size=2))
        for change in draw(slices(("messages", i, "content"), row["messages"][i]["content"]))
    ]
    if draw(st.booleans()):
        changes.append(SetKey(("messages", draw(position)), draw(st.sampled_from(["train", "role", "x"])), False))
    if draw(st.booleans()):
        changes.append(SetKey((), "unmoor", ["moralising"]))
    if draw(st.booleans()):
        changes.append(RemoveItems(("messages",), tuple(draw(st.sets(position)))))
    return row, tuple(changes)


@given(rows_and_changes(), st.sampled_from([None, 2]), st.booleans())
def test_splicing_text_equals_changing_the_row(
    case: tuple[dict[str, Any], tuple[Change, ...]], indent: int | None, is_ascii: bool
) -> None:
    row, changes = case
    text = json.dumps(row, indent=indent, ensure_ascii=is_ascii)
    assert json.loads(apply_to_text(text, changes)) == apply_to_row(row, changes)


def test_splicing_keeps_every_other_character() -> None:
    text = '{ "n":12345678901234567890123,"f":1.0e5 , "a":"\\u00e9\\/", "messages":[ {"content":"old","z":1} ] }\r\n'
    assert apply_to_text(text, (SetSlice(("messages", 0, "content"), 0, 3, "nå"),)) == text.replace(
        '"old"', '"n\\u00e5"'
    )


def test_text_that_is_not_ascii_stays_readable() -> None:
    assert apply_to_text('{"a": "åäö"}', (SetSlice(("a",), 0, 3, "öl"),)) == '{"a": "öl"}'


def test_a_lone_surrogate_is_escaped_and_never_written_raw() -> None:
    written = apply_to_text('{"a": "å\\ud835", "b": 1}', (SetSlice(("a",), 0, 2, "å\ud835"),))
    assert json.loads(written.encode()) == {"a": "å\ud835", "b": 1}


def test_applying_to_a_row_leaves_the_original_alone() -> None:
    row = {"messages": [{"content": "a"}]}
    apply_to_row(row, (SetSlice(("messages", 0, "content"), 0, 1, "b"), RemoveItems(("messages",), (0,))))
    assert row == {"messages": [{"content": "a"}]}


def test_several_slices_of_one_string_are_those_of_the_string_as_it_was() -> None:
    changes = tuple(SetSlice(("a",), start, end, said) for start, end, said in [(0, 2, ""), (4, 5, "XYZ"), (2, 4, "-")])
    assert apply_to_row({"a": "0123456"}, changes) == {"a": "-XYZ56"}
    assert apply_to_text('{"a": "0\\u0031\\ud83d\\ude003456", "b": 1e5}', changes) == '{"a": "-XYZ56", "b": 1e5}'


def test_a_row_is_looked_through_once_for_all_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            nonlocal decoded
            value, end = super().raw_decode(s, idx)
            decoded += end - idx
            return value, end

    monkeypatch.setattr(changes, "_DECODER", Counting())
    row = {"messages": [{"role": "assistant", "content": "0123456789" * 20} for _ in range(300)]}
    text = json.dumps(row)
    cut: tuple[Change, ...] = tuple(SetSlice(("messages", place, "content"), 0, 5, "") for place in range(300))
    masked = tuple(SetKey(("messages", place), "train", False) for place in range(300))
    some = (*cut, *masked, RemoveItems(("messages",), tuple(range(0, 300, 2))))
    assert json.loads(apply_to_text(text, some)) == apply_to_row(row, some)
    assert decoded < 12 * len(text)


def test_what_is_put_in_where_another_slice_begins_stands_before_it_whichever_is_named_first() -> None:
    slices = (SetSlice(("a",), 1, 1, "+"), SetSlice(("a",), 1, 3, "-"))
    for order in (slices, slices[::-1]):
        assert apply_to_row({"a": "oaks"}, order) == {"a": "o+-s"}
        assert apply_to_text('{"a": "oaks"}', order) == '{"a": "o+-s"}'
