"""Tails against scipy, which the package itself does not need."""

from __future__ import annotations

import pytest
from scipy.stats import hypergeom

from unmoor.report.tails import hypergeometric_tail


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
