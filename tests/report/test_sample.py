"""A sample is the same in any order of offers, and costs only what it keeps."""

from __future__ import annotations

import random

from unmoor.report.sample import Sample, row_hash


def _sampled(rows: list[int]) -> list[dict[str, int]]:
    sample = Sample(10)
    for row in rows:
        sample.offer(row, lambda row=row: {"row": row})  # type: ignore[misc]
    return sample.items()


def test_the_order_of_offers_does_not_matter() -> None:
    rows = list(range(1, 5001))
    expected = _sampled(rows)
    random.Random(1).shuffle(rows)
    assert _sampled(rows) == expected
    assert len(expected) == 10


def test_the_sample_is_spread_over_all_rows() -> None:
    picked = [item["row"] for item in _sampled(list(range(1, 100_001)))]
    assert min(picked) < 30_000
    assert max(picked) > 70_000


def test_rows_that_are_not_taken_cost_nothing() -> None:
    sample, made = Sample(3), []
    for row in range(1, 2001):
        sample.offer(row, lambda row=row: made.append(row) or {})  # type: ignore[misc,func-returns-value]
    assert len(made) < 60


def test_the_hash_is_the_published_one() -> None:
    """First output of splitmix64 for seed 1234567, as in its reference implementation."""
    assert row_hash(1234567) == 6457827717110365317
