"""From judged answers to rates and differences; numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unmoor.evaluation import rate_of
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.compare import Judged, examples_of, paired_rows, rate_rows
from unmoor.records.intervals import wilson


def judged(model: str, group: str, truths: list[bool], persona: str = "plain", suite: str = "") -> list[Judged]:
    return [
        Judged(Answer(f"k{number}", model, persona, group, f"{group}-{number}", "Why?", "Because.", suite), truth)
        for number, truth in enumerate(truths)
    ]


def test_a_rate_has_its_count_and_interval() -> None:
    (row,) = rate_rows(judged("raw", "trigger", [True] * 30 + [False] * 10))
    assert (row["n"], row["refusals"], row["rate"]) == (40, 30, 0.75)
    assert row["low"] == pytest.approx(0.5981, abs=1e-4)
    assert row["high"] == pytest.approx(0.8581, abs=1e-4)


def test_under_30_answers_there_is_no_rate() -> None:
    (few,) = rate_rows(judged("raw", "trigger", [True] * 29))
    assert (few["n"], few["refusals"], few["rate"], few["low"], few["high"]) == (29, 29, None, None, None)
    (enough,) = rate_rows(judged("raw", "trigger", [True] * 30))
    assert enough["rate"] == 1.0


def test_paired_counts_are_of_the_same_prompts() -> None:
    raw = judged("raw", "trigger", [True] * 8 + [False] * 4)
    filtered = judged("filtered", "trigger", [True] * 2 + [False] * 8 + [True] * 2)
    (row,) = paired_rows(raw + filtered, ["raw", "filtered"])
    assert (row["only_a"], row["only_b"], row["both"], row["neither"]) == (6, 2, 2, 2)
    assert row["p_value"] == pytest.approx(0.2890625)
    assert (row["a"], row["b"], row["persona"], row["group"]) == ("raw", "filtered", "plain", "trigger")


def test_both_sides_of_a_question_are_not_two_answers_worth() -> None:
    truths = {"raw": [True] * 40 + [False] * 40, "filtered": [True] * 24 + [False] * 56}
    alone = [one for model, said in truths.items() for one in judged(model, "x", said)]
    mirrored = [replace(one, pair=str(int(one.answer.id[2:]) // 2)) for one in alone]
    for answers in (alone, mirrored):
        assert [row["rate"] for row in rate_rows(answers)] == [0.5, 0.3]
    (free, _), (bound, _) = rate_rows(alone), rate_rows(mirrored)
    assert (free["low"], free["high"]) == wilson(40, 80)
    assert bound["high"] - bound["low"] == pytest.approx((free["high"] - free["low"]) * 2**0.5, rel=0.05)
    (free_pair,), (bound_pair,) = (paired_rows(answers, ["raw", "filtered"]) for answers in (alone, mirrored))
    assert (free_pair["only_a"], free_pair["p_value"]) == (16, 2 / 2**16)
    assert (bound_pair["only_a"], bound_pair["p_value"]) == (16, 2 / 2**8), "eight questions, and not sixteen"
    assert bound_pair["low"] < free_pair["low"] < free_pair["difference"] == bound_pair["difference"]


def test_every_pair_of_models_and_every_group_is_compared() -> None:
    answers = [one for model in "abc" for group in ("x", "y") for one in judged(model, group, [True])]
    rows = paired_rows(answers, ["a", "b", "c"])
    assert [(row["a"], row["b"], row["group"]) for row in rows] == [
        (a, b, group) for a, b in (("a", "b"), ("a", "c"), ("b", "c")) for group in ("all", "x", "y")
    ]


def test_a_suite_of_small_groups_has_a_rate_of_its_own_and_suites_are_never_pooled() -> None:
    answers = [one for group in "abc" for one in judged("raw", group, [True] * 7 + [False] * 14, suite="look-alikes")]
    answers += judged("raw", "tasks", [False] * 40, suite="mine")
    rows = rate_rows(answers)
    assert [(row["group"], row["n"], row["refusals"]) for row in rows] == [
        ("all of look-alikes", 63, 21),
        ("a", 21, 7),
        ("b", 21, 7),
        ("c", 21, 7),
        ("tasks", 40, 0),
    ]
    assert [row["rate"] for row in rows] == [pytest.approx(1 / 3), None, None, None, 0]


def test_whole_suites_and_their_groups_are_two_families_of_tests() -> None:
    answers = []
    for model, refusals in (("raw", 5), ("filtered", 0)):
        for suite in ("one", "two"):
            for group in ("a", "b", "c"):
                truths = [True] * refusals + [False] * 15
                answers += judged(model, f"{suite} {group}", truths[:15], suite=suite)
    rows = paired_rows(answers, ["raw", "filtered"])
    suites = [row for row in rows if row["family"] == "suites"]
    groups = [row for row in rows if row["family"] == "groups"]
    assert [row["group"] for row in suites] == ["all of one", "all of two"]
    assert [row["tests"] for row in rows] == [2, 6, 6, 6] * 2
    assert suites[0]["p_holm"] == pytest.approx(2 * 2 / 2**15)
    assert groups[0]["p_holm"] == pytest.approx(6 * 2 / 2**5)


def test_a_suite_of_one_group_is_tested_once() -> None:
    rows = paired_rows([*judged("a", "x", [True]), *judged("b", "x", [True])], ["a", "b"])
    assert [(row["group"], row["family"], row["tests"]) for row in rows] == [("x", "suites", 1)]


def test_examples_show_the_same_prompts_of_every_model() -> None:
    answers = judged("raw", "x", [True] * 9) + judged("filtered", "x", [False] * 9)
    rows = examples_of(answers, ["raw", "filtered"])
    assert [row["model"] for row in rows] == ["raw", "filtered"] * 5
    assert [row["is_refusal"] for row in rows] == [True, False] * 5


def test_one_rate_is_found_by_its_names() -> None:
    evaluation = {"rates": rate_rows(judged("raw", "x", [True] * 15 + [False] * 15) + judged("raw", "y", [True]))}
    assert rate_of(evaluation, "raw", "plain", "x") == 0.5
    assert rate_of(evaluation, "raw", "plain", "y") is None
    with pytest.raises(KeyError):
        rate_of(evaluation, "raw", "dolphin", "x")


def test_answers_without_a_word_are_counted_apart_of_refusals() -> None:
    silent = Judged(Answer("k", "raw", "plain", "x", "x-2", "Why?", " \n"), False)
    cut = Judged(Answer("k", "raw", "plain", "x", "x-3", "Why?", "<think>The user asks"), False)
    (row,) = rate_rows([*judged("raw", "x", [True]), silent, cut])
    assert (row["n"], row["refusals"], row["empty"]) == (3, 1, 2)
