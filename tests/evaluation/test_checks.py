"""What counts as right: lenient about the way it is said, strict about what is said."""

from __future__ import annotations

import pytest

from unmoor.evaluation import is_right
from unmoor.evaluation.built_in import BUILT_IN, built_in
from unmoor.evaluation.check_keys import wrong_with


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (
            {"kind": "number", "value": 43.0},
            ["43", "17 + 26 = **43**.", "It is 43.0"],
            ["34", "forty", "43 or 44", "-43"],
        ),
        ({"kind": "number", "value": 1250.0}, ["1,250", "1 250", "1250 days."], ["1.25", "12 50"]),
        ({"kind": "number", "value": -4.0}, ["-4", "−4"], ["4"]),
        (
            {"kind": "contains_all", "texts": ["207"]},
            ["Room 207.", "It's in **207**"],
            ["2071 is not 1207"[7:], "room 27"],
        ),
        ({"kind": "exact", "text": "RIVER"}, ["RIVER", '"RIVER."', "**RIVER**"], ["River", "RIVER RIVER"]),
        (
            {"kind": "output", "text": "[1, 2]"},
            ["[1, 2]", "```\n[1, 2]\n```", "The output is `[1, 2]`."],
            ["[1,2,3]", "[1, 2, 3]"],
        ),
        ({"kind": "output", "text": "True"}, ["True", "It prints True.", "`True`"], ["False", "True or False"]),
        ({"kind": "lines", "count": 2}, ["a\n\nb\n", "- a\n- b"], ["a", "a\nb\nc", ""]),
        ({"kind": "max_words", "most": 1, "contains": "yes"}, ["Yes.", "**yes**"], ["Yes, it is", "No", ""]),
        ({"kind": "max_words", "most": 3}, ["It's rather cold"], ["It is rather very cold", ""]),
        ({"kind": "regex", "pattern": r"\?\W*$"}, ["Is it?", "Is it? "], ["It is."]),
        (
            {"kind": "json", "value": {"x": 1}},
            ['{"x": 1}', '```json\n{"x": 1}\n```'],
            ['{"x": 2}', "x: 1", "[" * 100_000],
        ),
        ({"kind": "json", "keys": ["a", "b"]}, ['{"b": 1, "a": 2}'], ['{"a": 1}', "[1]"]),
        ({"kind": "json", "length": 2}, ["[1, 2]"], ["[1]", '{"a": 1, "b": 2}']),
        ({"kind": "one_of", "texts": ["hot", "warm"]}, ["Hot.", "warm"], ["cold", "hot and warm"]),
    ],
)
def test_a_check_takes_what_people_would_take(check: dict[str, object], right: list[str], wrong: list[str]) -> None:
    assert [answer for answer in right if not is_right(answer, check)] == []
    assert [answer for answer in wrong if is_right(answer, check)] == []


@pytest.mark.parametrize(
    "text", ["Paris is in France.", '"yes"', "`ls`", "**b**", "etc.", "...", "```", " a\n", "a\n\nb."]
)
def test_what_was_expected_is_right_word_for_word(text: str) -> None:
    for check in (
        {"kind": "one_of", "texts": ["no", text]},
        {"kind": "exact", "text": text},
        {"kind": "output", "text": text},
    ):
        assert wrong_with(check) == ""
        assert is_right(text, check), check
        assert not is_right("", check) and not is_right("none", check)


def test_marks_count_on_neither_side_and_capitals_in_exact_alone() -> None:
    assert is_right("yes", {"kind": "exact", "text": '"yes."'}) and is_right(
        '**"yes"**', {"kind": "exact", "text": "yes."}
    )
    assert is_right("paris", {"kind": "one_of", "texts": ["Paris."]})
    assert not is_right("paris", {"kind": "exact", "text": "Paris."})


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ("number", 'expected an object with "kind", found "number"'),
        ({"value": 3}, 'needs a "kind"'),
        ({"kind": ["number"], "value": 3}, "unknown kind"),
        ({"kind": "numbr", "value": 3}, 'unknown kind "numbr". Did you mean "number"? Known: number, contains_all'),
        ({"kind": "number"}, 'number needs "value": a number'),
        ({"kind": "number", "value": "three"}, '"value" must be a number, found "three"'),
        ({"kind": "number", "value": True}, '"value" must be a number, found true'),
        ({"kind": "number", "value": float("nan")}, '"value" must be a number, found NaN'),
        ({"kind": "number", "value": 10**400}, '"value" must be a number'),
        ({"kind": "number", "value": 3, "tolerence": 1}, 'number has no key "tolerence". Did you mean "tolerance"?'),
        ({"kind": "number", "value": 3, "tolerance": -1}, '"tolerance" must be a number from 0, found -1'),
        ({"kind": "contains_all", "texts": "yes"}, '"texts" must be a list of texts, none empty, found "yes"'),
        ({"kind": "contains_all", "texts": []}, '"texts" must be a list of texts, none empty, found []'),
        ({"kind": "one_of", "texts": ["yes", 1]}, '"texts" must be a list of texts'),
        ({"kind": "one_of", "text": "yes"}, 'one_of has no key "text". Did you mean "texts"?'),
        ({"kind": "exact"}, 'exact needs "text": text and not empty'),
        ({"kind": "output", "text": ""}, '"text" must be text and not empty'),
        ({"kind": "exact", "text": " "}, '"text" must be text and not empty'),
        ({"kind": "lines", "count": 2.5}, '"count" must be a whole number from 0'),
        ({"kind": "max_words"}, 'max_words needs "most": a whole number from 0'),
        ({"kind": "max_words", "most": "3"}, '"most" must be a whole number from 0, found "3"'),
        (
            {"kind": "max_words", "most": 3, "contains": "a", "one_of": ["b"]},
            "takes one of contains, one_of, found contains, one_of",
        ),
        (
            {"kind": "regex", "pattern": "("},
            '"pattern" must be a regular expression, found "(" (missing ), unterminated',
        ),
        ({"kind": "regex", "pattern": "a{99999999999}"}, '"pattern" must be a regular expression'),
        ({"kind": "regex", "pattern": 3}, '"pattern" must be a regular expression, found 3'),
        ({"kind": "json"}, "json takes one of value, keys, length, found none"),
        ({"kind": "json", "keys": "a"}, '"keys" must be a list of texts'),
        ({"kind": "json", "value": 1, "length": 1}, "json takes one of value, keys, length, found value, length"),
    ],
)
def test_a_check_that_nothing_could_pass_or_fail_says_what_is_wrong(check: object, why: str) -> None:
    assert why in wrong_with(check)


def test_nothing_is_wrong_with_the_checks_that_ship_and_what_they_may_have() -> None:
    shipped = [prompt.check for name in BUILT_IN for prompt in built_in(name) if prompt.check is not None]
    more = [
        {"kind": "number", "value": -4, "tolerance": 0},
        {"kind": "json", "value": None},
        {"kind": "json", "keys": []},
        {"kind": "max_words", "most": 3},
        {"kind": "regex", "pattern": "(?<=a)b"},
    ]
    assert len(shipped) == 152
    assert {wrong_with(check) for check in [*shipped, *more]} == {""}


def test_what_a_model_thinks_before_it_answers_is_no_part_of_the_answer() -> None:
    assert is_right("<think>Is it lake? No.</think>RIVER", {"kind": "exact", "text": "RIVER"})
    assert not is_right("<think>RIVER", {"kind": "contains_all", "texts": ["RIVER"]}), "it never came to answer"
