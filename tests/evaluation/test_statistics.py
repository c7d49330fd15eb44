"""The paired interval and the tests against reference values and a second implementation."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from unmoor.evaluation import holm, mcnemar_exact, newcombe_paired
from unmoor.evaluation.statistics import design_effect, sign_flip_exact
from unmoor.records.intervals import wilson


@given(st.integers(0, 80), st.integers(0, 80))
def test_mcnemar_agrees_with_scipys_exact_binomial_test(only_a: int, only_b: int) -> None:
    reference = binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert mcnemar_exact(only_a, only_b) == pytest.approx(reference, rel=1e-9)


def test_mcnemar_gives_the_reference_values() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(6, 6) == 1.0
    assert mcnemar_exact(0, 5) == 0.0625
    assert mcnemar_exact(1, 9) == pytest.approx(0.021484375)


def test_mcnemar_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 3)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 9))
def test_signs_of_groups_of_one_size_make_mcnemars_test(only_a: int, only_b: int, alike: int) -> None:
    for size in (1, 2):
        differences = [size] * only_a + [-size] * only_b + [0] * alike
        assert sign_flip_exact(differences) == pytest.approx(mcnemar_exact(only_a, only_b), rel=1e-9)


@given(st.lists(st.integers(-2, 2), max_size=9))
def test_signs_of_whole_pairs_are_all_tried(differences: list[int]) -> None:
    sums = [
        sum(sign * one for sign, one in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    far = sum(abs(one) >= abs(sum(differences)) for one in sums)
    assert sign_flip_exact(differences) == pytest.approx(far / len(sums))


def test_a_pair_that_is_answered_alike_is_worth_one_answer() -> None:
    singles = [[1.0], [0.0]] * 20
    assert design_effect(singles) == design_effect([]) == design_effect([[1.0]] * 9) == pytest.approx(1)
    assert design_effect([[1.0, 1.0], [0.0, 0.0]] * 20) == pytest.approx(2 * (40 / 39) / (80 / 79))
    assert design_effect([[1.0, 0.0]] * 40) == 1


def test_pairs_that_all_say_the_same_are_worth_one_answer_each() -> None:
    assert design_effect([[0.0, 0.0]] * 40) == design_effect([[1.0, 1.0]] * 40) == design_effect([[0.0, 1.0]]) == 2
    assert design_effect([[0.0], [0.0, 0.0, 0.0]]) == pytest.approx((1 + 9) / 4)


@pytest.mark.parametrize("share", [0.003, 0.015, 0.05])
def test_the_interval_of_pairs_answered_alike_covers_a_small_share_as_often_as_it_says(share: float) -> None:
    chance = random.Random(17)
    covered = 0
    for _ in range(400):
        pairs = [[float(chance.random() < share)] * 2 for _ in range(128)]
        effect, hits = design_effect(pairs), sum(map(sum, pairs))
        low, high = wilson(hits / effect, 256 / effect)
        covered += low <= share <= high
    assert covered / 400 >= 0.92


def test_the_paired_interval_is_the_published_one() -> None:
    # Newcombe (1998), table of examples, method 10: 36, 12, 2, 0
    assert newcombe_paired(36, 12, 2, 0) == pytest.approx((0.0569, 0.3404), abs=5e-5)
    low, high = newcombe_paired(50, 0, 0, 50)
    assert low == pytest.approx(-high)
    assert newcombe_paired(2, 12, 36, 0) == pytest.approx((-(low2 := newcombe_paired(2, 36, 12, 0))[1], -low2[0]))


def test_the_paired_interval_covers_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(17)
    covered = trials = 0
    for shares in ((0.1, 0.1, 0.05, 0.75), (0.4, 0.2, 0.1, 0.3), (0.02, 0.15, 0.02, 0.81)):
        for _ in range(400):
            drawn = Counter(chance.choices(range(4), shares, k=120))
            low, high = newcombe_paired(*(drawn[kind] for kind in range(4)))
            covered += low <= shares[1] - shares[2] <= high
            trials += 1
    assert 0.93 <= covered / trials <= 0.975


def test_holms_correction_is_the_one_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
