"""Intervals and tails against reference values and against scipy, which the package itself does not need."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest, hypergeom

from unmoor.report.intervals import hypergeometric_tail, wilson


def test_none_of_a_hundred_is_up_to_3_7_percent() -> None:
    low, high = wilson(0, 100)
    assert low == 0.0
    assert high == pytest.approx(0.0370, abs=5e-5)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(1, 10, 0.0179, 0.4042), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)],
)
def test_published_wilson_intervals_come_out(hits: int, of: int, low: float, high: float) -> None:
    """81/263, 15/148 and 1/29 are the worked examples of Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    assert wilson(hits, of) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("of", [1, 2, 7, 30, 120, 5000])
def test_wilson_agrees_with_scipy(of: int) -> None:
    for hits in {0, 1, of // 3, of - 1, of}:
        expected = binomtest(hits, of).proportion_ci(method="wilson")
        assert wilson(hits, of) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_nothing_looked_at_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "drawn", "marked", "total"),
    [
        (5, 10, 50, 1000),
        (95, 95, 1926, 52002),
        (3, 200, 700, 4000),
        (40, 200, 700, 4000),
        (1, 1, 1, 2),
        (9, 10, 95, 100),
    ],
)
def test_the_tail_agrees_with_scipy(hits: int, drawn: int, marked: int, total: int) -> None:
    assert hypergeometric_tail(hits, drawn, marked, total) == pytest.approx(
        hypergeom.sf(hits - 1, total, marked, drawn), rel=1e-6
    )


def test_more_hits_than_possible_have_no_probability() -> None:
    assert hypergeometric_tail(11, 10, 50, 1000) == 0.0
    assert hypergeometric_tail(0, 10, 50, 1000) == 1.0
