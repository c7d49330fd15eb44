"""What an answer counts in: its group, its whole suite, and never two suites."""

from __future__ import annotations

import pytest

from unmoor.evaluation import BUILT_IN, read_suite
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.scopes import scopes_of, suites_of, told_apart
from unmoor.evaluation.statistics import MINIMUM_ANSWERS
from unmoor.evaluation.suite import Prompt


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name != "floor"])
def test_every_suite_that_ships_has_a_row_with_enough_prompts_for_a_rate(name: str) -> None:
    prompts = read_suite(name)
    (suite,) = suites_of(prompts)
    assert suite["row"] == f"all of {name}"
    assert len(suite["groups"]) > 1
    assert len(prompts) >= MINIMUM_ANSWERS


def test_an_answer_counts_in_its_suite_and_its_group() -> None:
    one = Answer("k", "raw", "none", "a", "1", "?", "!", "mine")
    other = Answer("k", "raw", "none", "b", "2", "?", "!", "mine")
    alone = Answer("k", "raw", "none", "c", "3", "?", "!", "other")
    scopes = scopes_of([one, other, alone])
    assert scopes.of(one) == ("all of mine", "a")
    assert scopes.of(alone) == ("c",)
    assert [scopes.family(row) for row in ("all of mine", "a", "c")] == ["suites", "groups", "suites"]


def test_a_groups_name_in_two_suites_is_told_apart() -> None:
    prompts = [Prompt("1", "history", "?", suite="a"), Prompt("2", "history", "?", suite="b")]
    prompts += [Prompt("3", "all of a", "?", suite="a"), Prompt("4", "work", "?", suite="b")]
    assert [prompt.group for prompt in told_apart(prompts)] == ["history (a)", "history (b)", "all of a (a)", "work"]
