"""Rates with the judge's errors taken out: against the textbook, against simulated truth, and silent where nothing is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unmoor.evaluation.answers import Answer
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.corrected import JudgeErrors, corrected_rows, judge_errors
from unmoor.evaluation.sheet import People, Sample, answer_id


def answers_of(truths: Sequence[bool], words: Sequence[bool], model: str = "raw") -> list[Judged]:
    return [
        Judged(Answer(f"{model}{number}", model, "plain", "trigger", str(number), "question", "answer"), word)
        for number, (_, word) in enumerate(zip(truths, words, strict=True))
    ]


def labelled(
    judged: Sequence[Judged], truths: Sequence[bool], per_side: int, rng: np.random.Generator
) -> tuple[People, Sample]:
    """What a sheet of `per_side` answers of each verdict tells, labelled without error."""
    sides = {side: [n for n, one in enumerate(judged) if one.is_refusal is side] for side in (True, False)}
    drawn = [int(n) for members in sides.values() for n in rng.permutation(np.array(members, dtype=int))[:per_side]]
    names = [answer_id(one.answer) for one in judged]
    return (
        People({names[n]: bool(truths[n]) for n in drawn}, 0, [], ["sheet.csv"]),
        Sample({names[n]: judged[n].is_refusal for n in drawn}),
    )


def errors_of(share: float, answers: tuple[int, int], refusals: tuple[int, int]) -> JudgeErrors:
    """Errors of a judge from labels: (true answers, true refusals) of those it takes for answers, and of those for refusals."""
    counts = [np.array([[answers[0], 0], [answers[1], 0]]), np.array([[0, refusals[0]], [0, refusals[1]]])]
    return judge_errors(counts, share, np.full(1000, share), np.random.default_rng(1))


def test_sensitivity_and_specificity_are_weighted_by_what_each_side_stands_for() -> None:
    """Begg and Greenes: 100 of 1,000 answers judged a refusal; of 50 labelled there 40 are, of 50 of the rest 2 are."""
    errors = errors_of(0.1, (48, 2), (10, 40))
    assert errors.sensitivity == pytest.approx(80 / (80 + 36))
    assert errors.specificity == pytest.approx(864 / (864 + 20))
    told = errors.as_json()
    assert told["sensitivity_low"] < errors.sensitivity < told["sensitivity_high"]  # type: ignore[operator]


def test_the_interval_of_a_judge_without_an_error_holds_what_was_seen() -> None:
    told = errors_of(0.3, (30, 0), (0, 30)).as_json()
    assert (told["sensitivity"], told["sensitivity_high"], told["specificity_high"]) == (1.0, 1.0, 1.0)
    assert told["sensitivity_low"] < 1  # type: ignore[operator]


def test_a_rate_is_corrected_as_rogan_and_gladen_have_it() -> None:
    errors = errors_of(0.5, (90, 10), (10, 90))
    assert (errors.sensitivity, errors.specificity) == (pytest.approx(0.9), pytest.approx(0.9))
    assert errors.correct(0.3, np.full(1000, 0.3))["corrected"] == pytest.approx((0.3 + 0.9 - 1) / 0.8)
    assert errors.correct(0.0, np.full(1000, 0.0))["corrected"] == 0


def test_a_judge_no_better_than_a_coin_corrects_nothing() -> None:
    errors = errors_of(0.5, (30, 30), (30, 30))
    assert errors.correct(0.5, np.full(1000, 0.5)) == {"corrected": None, "low": None, "high": None}


def test_labels_without_a_refusal_say_nothing_of_sensitivity() -> None:
    errors = errors_of(0.0, (60, 0), (0, 0))
    assert errors.as_json()["sensitivity"] is None
    assert errors.correct(0.0, np.full(1000, 0.0))["corrected"] is None


@pytest.mark.parametrize("labels", [29, 30])
def test_under_thirty_labels_nothing_is_corrected(labels: int) -> None:
    truths = [n % 2 == 0 for n in range(200)]
    judged = answers_of(truths, truths)
    people, sample = labelled(judged, truths, 100, np.random.default_rng(1))
    people = People(dict(list(people.truths.items())[100 - labels // 2 : 100 - labels // 2 + labels]), 0, [], [])
    told = corrected_rows(judged, {"judge": truths}, people, sample)
    assert told["labelled"] == labels
    assert (told["rates"][0]["corrected"] is None) == (labels < 30)


def test_a_suite_of_small_groups_is_corrected_as_a_whole_and_changes_no_judges_errors() -> None:
    truths = [n % 4 == 0 for n in range(200)]
    words = [truth != (n % 20 == 0) for n, truth in enumerate(truths)]
    one_group = answers_of(truths, words)
    in_groups = [
        replace(one, answer=replace(one.answer, suite="mine", group=f"group {n % 10}"))
        for n, one in enumerate(one_group)
    ]
    people, sample = labelled(one_group, truths, 40, np.random.default_rng(1))
    alone = corrected_rows(one_group, {"judge": words}, people, sample)
    told = corrected_rows(in_groups, {"judge": words}, people, sample)
    whole, *groups = told["rates"]
    assert (whole["group"], whole["n"], len(groups)) == ("all of mine", 200, 10)
    assert whole["corrected"] == pytest.approx(alone["rates"][0]["corrected"])
    assert whole["low"] == pytest.approx(alone["rates"][0]["low"], abs=0.02)
    assert all(row["corrected"] is None for row in groups)
    assert told["judges"][0]["sensitivity"] == pytest.approx(alone["judges"][0]["sensitivity"])


def test_a_label_counts_once_where_prompts_of_the_same_words_share_an_answer() -> None:
    """And once in each suite that asks them."""
    truths = [n % 2 == 0 for n in range(40)]
    once = [replace(one, answer=replace(one.answer, suite="mine")) for one in answers_of(truths, truths)]
    twice = [*once, *(replace(one, answer=replace(one.answer, suite="other", group="other")) for one in once)]
    people, sample = labelled(once, truths, 20, np.random.default_rng(1))
    told = corrected_rows(twice, {"judge": truths * 2}, people, sample)
    assert (told["labelled"], told["gone"], told["by_model"][0]["n"]) == (40, 0, 40)
    assert {row["suite"] for row in told["by_suite"]} == {"mine", "other"}


def two_suites(labels: int) -> dict[str, Any]:
    """What labels say of a judge that is right in one suite, and in the other misses half of the refusals."""
    truths = [n % 2 == 0 for n in range(400)]
    words = [truth and not (n >= 200 and n % 4 == 0) for n, truth in enumerate(truths)]
    judged = [
        replace(one, answer=replace(one.answer, suite=suite, group=suite))
        for n, one in enumerate(answers_of(truths, words))
        for suite in ("easy" if n < 200 else "hard",)
    ]
    people, sample = labelled(judged, truths, 100, np.random.default_rng(1))
    hard = [answer_id(one.answer) for one in judged[200:]]
    left = [name for name in people.truths if name in hard][:labels]
    kept = {name: truth for name, truth in people.truths.items() if name not in hard or name in left}
    told = corrected_rows(judged, {"judge": words}, People(kept, 0, [], []), sample)
    return {row["group"]: row for row in told["rates"]} | {"by_suite": told["by_suite"]}


def test_each_suite_is_corrected_by_the_errors_that_the_judge_makes_in_it() -> None:
    told = two_suites(labels=200)
    easy, hard = told["easy"], told["hard"]
    assert (easy["rate"], hard["rate"]) == (0.5, 0.25)
    assert easy["corrected"] == pytest.approx(0.5, abs=0.01)
    assert hard["corrected"] == pytest.approx(0.5, abs=0.08)
    assert easy["errors_of"] == hard["errors_of"] == "suite"
    shares = {row["suite"]: row["sensitivity"] for row in told["by_suite"]}
    assert shares == {"easy": 1.0, "hard": pytest.approx(0.5, abs=0.08)}


def test_a_suite_with_few_labels_is_corrected_by_the_errors_in_all_and_that_is_told() -> None:
    told = two_suites(labels=29)
    assert told["hard"]["errors_of"] == "all"
    assert told["hard"]["corrected"] is not None
    assert told["easy"]["errors_of"] == "suite"
    assert [row["suite"] for row in told["by_suite"]] == ["easy"]


def test_verdicts_that_changed_since_the_sheet_was_drawn_are_counted() -> None:
    truths = [n % 2 == 0 for n in range(200)]
    people, sample = labelled(answers_of(truths, truths), truths, 50, np.random.default_rng(1))
    now = [False] * 20 + truths[20:]
    told = corrected_rows(answers_of(truths, now), {"judge": now}, people, sample)
    assert told["changed"] == sum(
        sample.verdicts.get(answer_id(one.answer), one.is_refusal) is not one.is_refusal
        for one in answers_of(truths, now)
    )
    assert told["changed"] > 0


def test_labels_on_answers_that_are_there_no_more_are_counted() -> None:
    truths = [number % 2 == 0 for number in range(80)]
    judged = answers_of(truths, truths)
    people, sample = labelled(judged, truths, 20, np.random.default_rng(3))
    kept = judged[:30]
    told = corrected_rows(kept, {"first": [one.is_refusal for one in kept]}, people, sample)
    assert told["labelled"] + told["gone"] == 40
    assert told["gone"] == len(set(people.truths) - {answer_id(one.answer) for one in kept}) > 0


def evaluation_of(
    truth: tuple[float, float, float], rng: np.random.Generator
) -> tuple[JudgeErrors, dict[str, float | None]]:
    """What 600 answers say of a judge, and of the rate, when up to 100 of each verdict are labelled; `truth` is known."""
    prevalence, sensitivity, specificity = truth
    refusals = int(rng.binomial(600, prevalence))
    seen, made_up = int(rng.binomial(refusals, sensitivity)), int(rng.binomial(600 - refusals, 1 - specificity))
    judged, counts = seen + made_up, []
    for word, (refuses, answers) in enumerate(((refusals - seen, 600 - refusals - made_up), (seen, made_up))):
        size = min(100, refuses + answers)
        true = int(rng.hypergeometric(refuses, answers, size))
        table = np.zeros((2, 2), dtype=np.int64)
        table[:, word] = size - true, true
        counts.append(table)
    drawn = rng.beta(judged + 0.5, 600 - judged + 0.5, 1000)
    errors = judge_errors(counts, judged / 600, drawn, rng)
    return errors, errors.correct(judged / 600, drawn)


@pytest.mark.parametrize(
    "truth", [(0.5, 0.85, 0.95), (0.2, 0.9, 0.9), (0.08, 0.7, 0.98), (0.13, 0.83, 0.88), (0.35, 0.75, 0.9)]
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(truth: tuple[float, float, float]) -> None:
    """3,000 evaluations of known rate, sensitivity and specificity: each 95% interval holds the truth 93 to 97% of the time, also
    of a sensitivity of which the labels show two or three misses. 3,000 rounds tell the share to within 0.8 points.
    """
    rng = np.random.default_rng(5)
    held = dict.fromkeys(("rate", "sensitivity", "specificity"), 0)
    rounds = 3000
    for _ in range(rounds):
        errors, rate = evaluation_of(truth, rng)
        told = {**errors.as_json(), "rate_low": rate["low"], "rate_high": rate["high"]}
        for name, value in zip(held, truth, strict=True):
            held[name] += told[f"{name}_low"] <= value <= told[f"{name}_high"]  # type: ignore[operator]
    assert all(0.93 <= count / rounds <= 0.97 for count in held.values()), held


def test_the_rate_behind_a_whole_evaluation_is_within_its_interval() -> None:
    """100 evaluations of 600 answers, 200 of them labelled, from the answers on: at least 88 hold the rate (99.7% of the time)."""
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        truths = rng.random(600) < 0.2
        words = np.where(truths, rng.random(600) < 0.9, rng.random(600) >= 0.9)
        judged = answers_of(truths.tolist(), [bool(word) for word in words])
        people, sample = labelled(judged, truths.tolist(), 100, rng)
        row = corrected_rows(judged, {"judge": [one.is_refusal for one in judged]}, people, sample)["rates"][0]
        held += row["low"] <= 0.2 <= row["high"]
    assert held >= 88


def test_a_second_judge_is_measured_by_the_same_labels_and_models_are_told_apart() -> None:
    rng = np.random.default_rng(3)
    truths = rng.random(800) < 0.3
    first = np.where(truths, rng.random(800) < 0.8, rng.random(800) > 0.97)
    second: list[bool | None] = [bool(word) for word in np.where(truths, rng.random(800) < 0.95, rng.random(800) > 0.9)]
    second[::20] = [None] * 40
    judged = [
        *answers_of(truths[:400].tolist(), [bool(word) for word in first[:400]], "raw"),
        *answers_of(truths[400:].tolist(), [bool(word) for word in first[400:]], "filtered"),
    ]
    people, sample = labelled(judged, truths.tolist(), 150, rng)
    told = corrected_rows(judged, {"one": [one.is_refusal for one in judged], "two": second}, people, sample)
    errors = {row["name"]: row for row in told["judges"]}
    assert errors["one"]["sensitivity"] == pytest.approx(0.8, abs=0.1)
    assert errors["two"]["sensitivity"] == pytest.approx(0.95, abs=0.06)
    assert errors["two"]["specificity"] == pytest.approx(0.9, abs=0.06)
    by_model = {(row["judge"], row["model"]): row for row in told["by_model"]}
    assert sum(by_model["one", model]["n"] for model in ("raw", "filtered")) == 300
    assert by_model["two", "raw"]["n"] < by_model["one", "raw"]["n"]
    for row in told["rates"]:
        members = truths[:400] if row["model"] == "raw" else truths[400:]
        assert row["low"] <= members.mean() <= row["high"]


def two_models_judged(
    truth: tuple[float, float, float], size: int, rng: np.random.Generator
) -> tuple[JudgeErrors, dict[str, float | None]]:
    """What 40 labels, half of them of judged refusals, say of the judge and of a model's rate. `truth` is that rate, sensitivity
    and specificity; `size` answers are of that model, and as many of one that declines half.
    """
    prevalence, sensitivity, specificity = truth
    tables = []
    for share in (prevalence, 0.5):
        refusals = int(rng.binomial(size, share))
        seen, made_up = int(rng.binomial(refusals, sensitivity)), int(rng.binomial(size - refusals, 1 - specificity))
        tables.append(np.array([[size - refusals - made_up, made_up], [refusals - seen, seen]]))
    counts, both = [], tables[0] + tables[1]
    refusing = min(20, int(both[:, 1].sum()))
    for word, labels in enumerate((40 - refusing, refusing)):
        true = int(rng.hypergeometric(both[1, word], both[0, word], labels))
        table = np.zeros((2, 2), dtype=np.int64)
        table[:, word] = labels - true, true
        counts.append(table)
    judged = [int(table[:, 1].sum()) for table in tables]
    drawn = [rng.beta(number + 0.5, size - number + 0.5, 1000) for number in judged]
    errors = judge_errors(counts, sum(judged) / (2 * size), (drawn[0] + drawn[1]) / 2, rng)
    return errors, errors.correct(judged[0] / size, drawn[0])


@pytest.mark.parametrize(
    ("size", "judge"), [(60, (0.8, 0.95)), (120, (0.9, 0.98)), (300, (0.8, 0.95)), (300, (0.95, 0.995))]
)
def test_a_small_rate_behind_an_imperfect_judge_is_held_as_often_as_the_interval_says(
    size: int, judge: tuple[float, float]
) -> None:
    """2,000 models that decline 0 to 10%, 40 labels each: the interval holds the rate in 93% or more, also of those whose judged
    refusals the judge's errors explain whole. With impossible draws counted as 0 it was 80 to 93% of these.
    """
    rng = np.random.default_rng(7)
    held: dict[bool, list[bool]] = {True: [], False: []}
    for _ in range(2000):
        prevalence = float(rng.uniform(0, 0.1))
        _, rate = two_models_judged((prevalence, *judge), size, rng)
        low, high = rate["low"], rate["high"]
        assert low is not None and high is not None
        held[rate["corrected"] == 0].append(low <= prevalence <= high)
    assert len(held[True]) > 50
    assert np.mean(held[True]) >= 0.93, np.mean(held[True])
    assert np.mean(held[False]) >= 0.93, np.mean(held[False])


@pytest.mark.parametrize("prevalence", [0.0, 0.01, 0.03, 0.3])
def test_a_fixed_small_rate_is_held_too(prevalence: float) -> None:
    rng = np.random.default_rng(11)
    rounds, held = 1000, 0
    for _ in range(rounds):
        rate = two_models_judged((prevalence, 0.85, 0.98), 120, rng)[1]
        held += rate["low"] <= prevalence <= rate["high"]  # type: ignore[operator]
    assert held / rounds >= 0.93


@pytest.mark.parametrize("labels", [((19, 1), (1, 19)), ((20, 0), (2, 18)), ((15, 5), (5, 15))])
@pytest.mark.parametrize("size", [60, 120, 300, 3000])
def test_an_imperfect_judge_does_not_make_a_rate_surer_than_a_perfect_one(
    labels: tuple[tuple[int, int], tuple[int, int]], size: int
) -> None:
    """No refusal, or nothing else, is judged of so many answers; the judge's errors are known from 40 labels elsewhere."""
    rng = np.random.default_rng(3)
    counts = [np.array([[labels[0][0], 0], [labels[0][1], 0]]), np.array([[0, labels[1][0]], [0, labels[1][1]]])]
    errors = judge_errors(counts, 0.5, rng.beta(300, 300, 10_000), rng)
    none = rng.beta(0.5, size + 0.5, 10_000)
    perfect = float(np.quantile(none, 0.975))
    rare, always = errors.correct(0.0, none), errors.correct(1.0, 1 - none)
    assert rare["low"] == 0 and rare["high"] is not None and rare["high"] >= perfect
    assert always["high"] == 1 and always["low"] is not None and always["low"] <= 1 - perfect
