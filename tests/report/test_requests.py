"""A sample of requests: the same however rows are cut into chunks, its counts complete, its size bounded."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any

import pytest

from unmoor.report.requests import SampledRequests


def _rows(count: int, seed: int) -> list[tuple[str, list[str]]]:
    rng = random.Random(seed)
    return [(f"Ask {rng.randrange(count // 3)}", rng.choice([[], ["moralising"]])) for _ in range(count)]


def _sampled(rows: list[tuple[str, list[str]]], size: int) -> SampledRequests:
    sampled = SampledRequests(size)
    for request, behaviours in rows:
        sampled.add(request, behaviours)
    return sampled


def _figures(sampled: SampledRequests) -> list[Any]:
    return [sampled.rows, [(one.text, one.rows, one.behaviours) for one in sampled.items()]]


@pytest.mark.parametrize("chunk", [1, 7, 100, 333])
def test_chunks_merged_are_the_whole(chunk: int) -> None:
    rows = _rows(999, seed=3)
    merged = SampledRequests(40)
    for start in range(0, len(rows), chunk):
        merged.merge(pickle.loads(pickle.dumps(_sampled(rows[start : start + chunk], 40))))
    assert _figures(merged) == _figures(_sampled(rows, 40))


def test_a_request_of_the_sample_counts_every_row_that_asks_it() -> None:
    rows = _rows(3_000, seed=4)
    sampled = _sampled(rows, 50)
    asked = [request for request, _ in rows]
    assert len(sampled.items()) == 50
    assert all(one.rows == asked.count(one.text) for one in sampled.items())
    assert not sampled.is_whole


def test_a_sample_that_holds_everything_says_so() -> None:
    assert _sampled(_rows(90, seed=5), 1_000).is_whole


def test_a_sample_goes_through_json_half_way_and_comes_out_the_same() -> None:
    rows = _rows(2_000, seed=6)
    half = SampledRequests(40)
    half.load(json.loads(json.dumps(_sampled(rows[:1_000], 40).as_json())))
    for request, behaviours in rows[1_000:]:
        half.add(request, behaviours)
    assert _figures(half) == _figures(_sampled(rows, 40))
    assert not half.is_whole


def test_memory_is_bounded_in_number_and_length() -> None:
    sampled = SampledRequests(20)
    for number in range(5_000):
        sampled.add(f"{number} " + "very " * 5_000)
    assert len(sampled.as_json()["asked"]) == 20
    assert max(len(one.text) for one in sampled.items()) == 400


def test_what_asks_nothing_is_not_counted_and_half_characters_are_replaced() -> None:
    sampled = _sampled([("", []), (" \n", []), ("Ask \ud800", [])], 5)
    assert (sampled.rows, [one.text for one in sampled.items()]) == (1, ["Ask ?"])


def test_behaviours_of_one_row_stand_in_the_order_of_their_names_whatever_the_hash_seed() -> None:
    sample = SampledRequests()
    sample.add(
        "a request", ["refusal.policy", "moralising", "identity.vendor", "bias.stance", "bias.evasion", "wordlist"]
    )
    assert list(sample.items()[0].behaviours) == sorted(sample.items()[0].behaviours)
