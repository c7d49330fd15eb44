"""The interval of a share against published values and against scipy, which the package itself does not need."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from unmoor.records.intervals import wilson


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [
        (0, 100, 0.0, 0.036993),  # a normal interval would claim 0 to 0
        (100, 100, 0.963007, 1.0),
        (81, 263, 0.2553, 0.3662),  # this and the next three: Newcombe (1998), table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (50, 100, 0.403832, 0.596168),
    ],
)
def test_wilson_gives_the_reference_values(hits: int, total: int, low: float, high: float) -> None:
    assert wilson(hits, total) == pytest.approx((low, high), abs=5.1e-5)


@given(st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_agrees_with_scipy(counts: tuple[int, int]) -> None:
    reference = binomtest(*counts).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(*counts) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_wilson_covers_the_truth_in_93_to_97_of_100_simulations() -> None:
    draw = random.Random(13)
    covered = 0
    for _ in range(2000):
        truth = draw.uniform(0.05, 0.95)
        low, high = wilson(sum(draw.random() < truth for _ in range(120)), 120)
        covered += low <= truth <= high
    assert 0.93 <= covered / 2000 <= 0.97


def test_counts_need_not_be_whole() -> None:
    low, high = wilson(0.96 * 57.5, 57.5)
    assert wilson(0.96 * 57, 57)[0] < low < wilson(0.96 * 58, 58)[0]
    assert high < 1.0
    assert wilson(57.5, 57.5)[1] == 1.0


def test_nothing_looked_at_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
