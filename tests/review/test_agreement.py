"""Agreement beyond chance, against worked examples and against resampling."""

from __future__ import annotations

import random
from typing import Any

import pytest

from unmoor.records.kappa import FEWEST_PAIRS
from unmoor.records.verdict import Verdict
from unmoor.review.agreement import MACHINE, NO_FINDING, agreements, kappa, label_of
from unmoor.review.web.sheet import agreement_shown


def verdict(by: str, judgement: Any, corrected: str | None = None, behaviour: str = "refusal.policy") -> Verdict:
    return Verdict(1, behaviour, 1, "text", 0, 4, "a.rule", judgement, corrected, by, "2026-11-23T12:00:00+00:00")


def test_the_worked_example_of_two_readers() -> None:
    """50 cases, 20 and 15 on the diagonal, 5 and 10 off it: 0.7 observed, 0.5 by chance, kappa 0.4."""
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    value, low, high = kappa(pairs)
    assert value == pytest.approx(0.4)
    assert low is not None
    assert high is not None
    assert low < 0.4 < high


def test_the_interval_is_what_resampling_gives() -> None:
    rng = random.Random(6)
    labels = ["a", "b", "c"]
    pairs = [(one := rng.choice(labels), one if rng.random() < 0.7 else rng.choice(labels)) for _ in range(400)]
    value, low, high = kappa(pairs)
    assert None not in (value, low, high)
    drawn = sorted(kappa(rng.choices(pairs, k=len(pairs)))[0] or 0.0 for _ in range(800))
    assert low == pytest.approx(drawn[20], abs=0.02)
    assert high == pytest.approx(drawn[779], abs=0.02)


def test_where_chance_alone_agrees_always_there_is_no_kappa() -> None:
    assert kappa([("a", "a")] * 90) == (None, None, None)


def test_full_agreement_on_two_labels_is_one() -> None:
    value, low, high = kappa([("a", "a"), ("b", "b")] * 15)
    assert value == high == 1
    assert low == pytest.approx(2 * 30 / (30 + 1.96**2) - 1, abs=1e-4), "Wilson's for 30 of 30, and 30 are no certainty"


@pytest.mark.parametrize(
    ("pairs", "is_a", "errs"), [(30, 0.3, 0.01), (60, 0.1, 0.03), (60, 0.5, 0.1), (200, 0.3, 0.01)]
)
def test_the_interval_holds_the_kappa_of_two_who_err_as_often_as_it_says(pairs: int, is_a: float, errs: float) -> None:
    def said(truth: bool) -> str:
        return "a" if truth != (rng.random() < errs) else "b"

    rng, runs, held = random.Random(7), 800, 0
    one_a = is_a * (1 - errs) + (1 - is_a) * errs
    chance = one_a**2 + (1 - one_a) ** 2
    true = ((1 - errs) ** 2 + errs**2 - chance) / (1 - chance)
    for _ in range(runs):
        truths = [rng.random() < is_a for _ in range(pairs)]
        _, low, high = kappa([(said(truth), said(truth)) for truth in truths])
        held += low is not None and high is not None and low <= true <= high
    assert 0.91 <= held / runs <= 0.99


@pytest.mark.parametrize("count", [0, 10, FEWEST_PAIRS - 1])
def test_too_few_labels_have_no_kappa(count: int) -> None:
    assert kappa([("a", "a"), ("b", "b")] * 15)[0] is not None
    assert kappa([("a", "a"), *[("b", "b")] * (count - 1)][:count]) == (None, None, None)
    said = [(key, verdict(by, "wrong" if key else "correct")) for key in range(count) for by in ("ada", "bo")]
    found = [(each.second, agreement_shown(each)["kappa"]) for each in agreements(said)]
    assert found == ([("bo", "too few"), (MACHINE, "–"), (MACHINE, "–")] if count else [])


def test_a_verdict_says_which_behaviour_there_is() -> None:
    assert label_of(verdict("ada", "correct")) == "refusal.policy"
    assert label_of(verdict("ada", "mend")) == "refusal.policy"
    assert label_of(verdict("ada", "correct", "moralising")) == "moralising"
    assert label_of(verdict("ada", "wrong")) == NO_FINDING
    assert label_of(verdict("ada", "skip")) is None


BEHAVIOURS = ("refusal.policy", "refusal.capability", "moralising", "disclaimer.safety", "deflection")


def coins(rng: random.Random, by: str, behaviours: list[str]) -> list[tuple[int, Verdict]]:
    return [
        (key, verdict(by, rng.choice(("correct", "wrong")), behaviour=behaviour))
        for key, behaviour in enumerate(behaviours)
    ]


def test_people_who_toss_coins_agree_by_chance_however_many_behaviours_there_are() -> None:
    rng = random.Random(4)
    behaviours = [rng.choice(BEHAVIOURS) for _ in range(4_000)]
    between, *with_machine = agreements(coins(rng, "ada", behaviours) + coins(rng, "bo", behaviours))
    assert between.kappa == pytest.approx(0, abs=0.04)
    assert between.low is not None and between.high is not None and between.low < 0 < between.high
    assert between.share == pytest.approx(0.5, abs=0.03)
    assert [each.share for each in with_machine] == pytest.approx([0.5, 0.5], abs=0.03)
    assert [(each.kappa, each.low, each.high) for each in with_machine] == [(None, None, None)] * 2


def test_kappa_between_people_is_over_what_they_chose() -> None:
    """Thirty findings: both correct 12, both wrong 6, both moralising 3, correct and wrong 6, wrong and moralising 3.

    Seen 0.7; by chance 0.6 * 0.4 + 0.3 * 0.4 + 0.1 * 0.2 = 0.38; kappa (0.7 - 0.38) / (1 - 0.38).
    """
    chosen = [("correct", "correct")] * 4 + [("wrong", "wrong")] * 2 + [("moralising", "moralising")]
    chosen = (chosen + [("correct", "wrong")] * 2 + [("wrong", "moralising")]) * 3
    said = []
    for key, choices in enumerate(chosen):
        behaviour = BEHAVIOURS[key % 2]
        for by, choice in zip(("ada", "bo"), choices, strict=True):
            is_label = choice == "moralising"
            said.append((key, verdict(by, "correct" if is_label else choice, choice if is_label else None, behaviour)))
    between, ada, bo = agreements(said)
    assert (between.items, between.share) == (30, 0.7)
    assert between.kappa == pytest.approx(0.32 / 0.62)
    assert (ada.share, bo.share) == (0.6, 0.4)


def test_only_what_both_judged_is_compared_and_skips_are_left_out() -> None:
    said = [(1, verdict("ada", "correct")), (2, verdict("ada", "wrong")), (3, verdict("ada", "correct"))]
    said += [(1, verdict("bo", "wrong")), (2, verdict("bo", "wrong")), (3, verdict("bo", "skip"))]
    found = {(each.first, each.second): each for each in agreements(said)}
    assert (found["ada", "bo"].items, found["ada", "bo"].share) == (2, 0.5)
    assert (found["ada", MACHINE].items, found["bo", MACHINE].items) == (3, 2)
    assert agreements([]) == []


def test_rows_without_a_finding_do_not_make_the_machine_look_right_about_findings() -> None:
    kept = [(key, verdict(by, "correct", behaviour=NO_FINDING)) for key in range(90) for by in ("ada", "bo")]
    told = agreements([*kept, (91, verdict("ada", "wrong")), (92, verdict("ada", "correct"))])
    found = {(one.first, one.second): (one.items, one.share) for one in told}
    assert found == {("ada", "bo"): (90, 1.0), ("ada", MACHINE): (2, 0.5)}
