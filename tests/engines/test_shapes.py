"""A line that has the shape of a row that was read is one that reads without an error, and plain lines do have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layouts.bad_inputs import BAD_INPUTS, PLAIN
from unmoor.detectors import line_set
from unmoor.engines.shapes import Shapes, shape_of
from unmoor.errors import BadRow
from unmoor.layouts import layout_named, parse_row

ROWS: dict[str, dict[str, Any]] = {
    "messages": json.loads(PLAIN),
    "sharegpt": {
        "id": 7,
        "conversations": [
            {"from": "human", "value": "Name a tree."},
            {"from": "gpt", "value": "An oak.", "loss": None},
        ],
    },
    "alpaca": {"instruction": "Name a tree.", "input": "", "output": "An oak.", "good": True, "score": -1.5e3},
    "columns:user=my request,assistant=a.b": {
        "n": 7,
        "my request": "Name a tree.",
        "a.b": "An oak.",
        "system": "Short.",
    },
}


def _fits(name: str, row: dict[str, Any], lines: list[bytes]) -> list[bool]:
    pytest.importorskip("hyperscan")
    shapes = Shapes(layout_named(name), line_set)
    assert shapes.learn(row)
    data = b"\n".join(lines)
    ends = np.append(np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")), len(data))
    return list(map(bool, shapes.among(data, ends)))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize(
    "written",
    [json.dumps, lambda row: json.dumps(row, ensure_ascii=False), lambda row: json.dumps(row, separators=(",", ":"))],
    ids=["escaped", "as it is", "compact"],
)
def test_rows_written_as_most_writers_do_have_their_shape(name: str, written: Callable[[Any], str]) -> None:
    row = ROWS[name]
    text = written(row).replace("oak", '\\u00f6ak \\ud83c\\udf33 \u2028 \u00e9 \\n \\" ')
    assert _fits(name, row, [text.encode(), text.encode() + b"\r"]) == [True, True]


def test_no_broken_row_has_the_shape_of_a_good_one() -> None:
    broken = [bad.raw for bad in BAD_INPUTS if bad.code is not None and b"\n" not in bad.raw]
    assert not any(_fits("messages", ROWS["messages"], broken))


@given(seed=st.integers(0, 2**31), name=st.sampled_from(sorted(ROWS)))
@settings(max_examples=300, deadline=None)
def test_a_line_damaged_at_random_has_the_shape_only_if_it_reads_as_a_plain_row(seed: int, name: str) -> None:
    random = Random(seed)
    whole = json.dumps(ROWS[name], ensure_ascii=False).replace("oak", "\u00f6ak \U0001f333 \\ud83c\\udf33").encode()
    lines = []
    for _ in range(40):
        line = bytearray(whole)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(len(line))
            line[at : at + random.randint(0, 3)] = bytes(
                random.choices(b'"\\{}[],:u0dDfF\xff\xe2\x82e1 tn\x00', k=random.randint(0, 3))
            )
        lines.append(bytes(line))
    for line, fits in zip(lines, _fits(name, ROWS[name], lines), strict=True):
        if fits:
            try:
                row = parse_row(line.removesuffix(b"\r")).row
            except BadRow as error:
                raise AssertionError((line, error.code)) from error
            assert layout_named(name).is_plain(row), line


def test_a_row_too_odd_to_have_a_shape_has_none() -> None:
    deep: Any = "x"
    for _ in range(9):
        deep = [deep]
    assert shape_of({"messages": deep}, frozenset()) is None
    assert shape_of({'odd "key"': 1}, frozenset()) is None


@pytest.mark.parametrize("value", [["web"], {"site": "web"}, None, 7])
def test_what_stands_where_a_role_may_need_be_no_text(value: Any) -> None:
    row = {**ROWS["messages"], "from": value, "by": [{"role": value}]}
    assert _fits("messages", row, [json.dumps(row).encode()]) == [True]
