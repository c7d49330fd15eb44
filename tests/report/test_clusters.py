"""A filter that eats a subject of many words is named by its group; one that takes rows by chance is not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from unmoor.report.clusters import clusters
from unmoor.report.requests import SampledRequests

SUBJECTS = {
    "nature": ["biodiversity", "species", "habitat", "wetland", "ecosystem", "wildlife", "meadow", "pollinator"],
    "chess": ["opening", "gambit", "bishop", "checkmate", "endgame", "rook", "castling", "pawn"],
    "bread": ["flour", "yeast", "oven", "crust", "dough", "kneading", "loaf", "starter"],
    "letters": ["landlord", "council", "complaint", "invoice", "postage", "stamp", "address", "envelope"],
    "wool": ["sheep", "spindle", "loom", "yarn", "felt", "carpet", "dye", "weaving"],
}
ASKS = ["Explain {} and {}", "Write about {} near {}", "Why does {} need {}?", "Compare {} with {}"]


def _rows(count: int, seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    made = []
    for number in range(count):
        subject = rng.choice(list(SUBJECTS))
        made.append((subject, rng.choice(ASKS).format(*rng.sample(SUBJECTS[subject], 2)) + f" case {number}"))
    return made


def _clusters(rows: list[tuple[str, bool]], size: int = 5_000) -> dict[str, Any]:
    lost, other = SampledRequests(size), SampledRequests(size)
    for request, is_lost in rows:
        (lost if is_lost else other).add(request, ["wordlist"] if is_lost else [])
    return clusters(lost, other)


def test_a_filter_built_to_drop_one_topic_is_named_by_its_groups() -> None:
    rng = random.Random(5)
    rows = [(request, subject == "nature" or rng.random() < 0.02) for subject, request in _rows(1_500, seed=5)]
    found = _clusters(rows)
    assert not found["is_sample"]
    assert len(found["named"]) > 0
    assert all(set(one["terms"]) & set(SUBJECTS["nature"]) for one in found["named"])
    assert sum(one["lost"] for one in found["named"]) > 0.9 * sum(subject == "nature" for subject, _ in _rows(1_500, 5))
    assert all(one["low"] > 0.5 and one["behaviours"] == {"wordlist": one["lost"]} for one in found["named"])
    assert all(any(word in one["requests"][0] for word in SUBJECTS["nature"]) for one in found["named"])


def test_a_filter_that_takes_rows_by_chance_is_not_accused() -> None:
    for seed in range(10):
        rng = random.Random(seed)
        found = _clusters([(request, rng.random() < 0.15) for _, request in _rows(1_500, seed)])
        assert found["groups"] > 30
        assert found["named"] == [], seed


def test_of_a_sample_the_intervals_are_of_the_shares_among_all_rows() -> None:
    named = []
    for seed in range(4):
        rng = random.Random(seed)
        rows = [
            (request, rng.random() < (0.4 if subject == "wool" else 0.05)) for subject, request in _rows(10_000, seed)
        ]
        found = _clusters(rows, size=800)
        assert found["is_sample"] and found["rows"] == 1_600
        named += found["named"]
    assert len(named) > 20
    assert all(set(one["terms"]) & set(SUBJECTS["wool"]) for one in named)
    assert sum(one["low"] < 0.4 < one["high"] for one in named) >= 0.9 * len(named)


def test_one_request_asked_a_thousand_times_weighs_little_in_a_sample() -> None:
    rows = [(request, number % 5 == 0) for number, (_, request) in enumerate(_rows(4_000, seed=8))]
    repeated = [("Explain the gambit and the rook", True)] * 1_000
    found = _clusters([*rows, *repeated], size=300)
    assert found["is_sample"]
    assert all(one["high"] - one["low"] > 0.2 for one in found["named"])


def test_groups_beyond_those_that_are_listed_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(request, subject == "nature") for subject, request in _rows(1_500, seed=5)]
    every = _clusters(rows)
    monkeypatch.setattr("unmoor.report.clusters._MOST_SHOWN", 2)
    found = _clusters(rows)
    assert every["not_listed"] == 0
    assert found["named"] == every["named"][:2]
    assert found["not_listed"] == len(every["named"]) - 2 > 0


def test_where_next_to_nothing_is_lost_nothing_is_grouped() -> None:
    found = _clusters([(request, number < 4) for number, (_, request) in enumerate(_rows(500, seed=9))])
    assert (found["groups"], found["named"]) == (0, [])


def test_nothing_asked_is_no_division_by_zero() -> None:
    assert _clusters([]) == {"rows": 0, "lost": 0, "is_sample": False, "groups": 0, "named": [], "not_listed": 0}
