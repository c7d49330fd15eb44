"""Twins that were trained with several seeds have one rate each, with each seed's own beside it and their luck in its interval."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.evaluation import seeds_result
from unmoor.evaluation.seeds import OfSeed, over_seeds, seed_interval
from unmoor.evaluation.statistics import MINIMUM_ANSWERS

REFUSED = {"raw": (30, 50, 40), "filtered": (2, 4, 3)}
SEEDS = (7, 8, 9)


def training(seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    return {"twins": {f"{twin}-s{seed}": {"twin": twin, "seed": seed} for seed in seeds for twin in REFUSED}}


def evaluation() -> dict[str, Any]:
    arms = [
        (f"{twin}-s{seed}", hits) for twin, counts in REFUSED.items() for seed, hits in zip(SEEDS, counts, strict=True)
    ]
    place = {"persona": "plain", "group": "look-alikes"}
    rates = [
        {"model": model, **place, "n": 120, "refusals": hits, "empty": 1, "effect": 1.0, "rate": 0.0}
        for model, hits in arms
    ]
    tasks = [{"model": model, **place, "n": 40, "right": 40 - hits // 2, "cut": 0, "rate": 0.0} for model, hits in arms]
    sides = {"only_b": 0, "both": 0, "neither": 0}
    pairs = [{"model": model, **place, "pairs": 60, "only_a": hits, **sides, "rate": 0.0} for model, hits in arms]
    prompts = [{"model": model, "persona": "plain", "n": 120, "leaks": 6, "rate": 0.05} for model, _ in arms]
    other = {"model": "other", **place, "n": 120, "refusals": 99, "rate": 0.8}
    told = {"capability": tasks, "asymmetry": {"rows": pairs}, "leaks": prompts}
    return {"models": [*(model for model, _ in arms), "other"], "rates": [*rates, other], **told}


def test_each_twin_has_one_rate_over_its_seeds_and_every_seed_is_still_seen() -> None:
    told = seeds_result(training(), evaluation())
    assert told is not None
    assert (told["seeds"], told["twins"]["raw"]) == ([7, 8, 9], ["raw-s7", "raw-s8", "raw-s9"])
    raw, filtered = told["rates"]
    assert (raw["model"], raw["persona"], raw["group"]) == ("raw", "plain", "look-alikes")
    assert (raw["n"], raw["refusals"], raw["empty"], raw["rate"]) == (360, 120, 3, 120 / 360)
    assert raw["per_seed"] == [30 / 120, 50 / 120, 40 / 120]
    assert raw["spread"] == pytest.approx(10 / 120), "the standard deviation of 25, 42 and 33%"
    assert (raw["low"], raw["high"]) == seed_interval([(hits, 120) for hits in REFUSED["raw"]])
    assert filtered["refusals"] == 9
    assert [row["right"] for row in told["capability"]] == [60, 116]
    assert [(row["pairs"], row["rate"]) for row in told["asymmetry"]] == [(180, 120 / 180), (180, 9 / 180)]
    assert [(row["leaks"], row["rate"]) for row in told["leaks"]] == [(18, 0.05)] * 2


def test_twins_differ_by_the_difference_of_their_rates_with_the_luck_of_both() -> None:
    told = seeds_result(training(), evaluation())
    assert told is not None
    (row,) = told["differences"]
    assert (row["a"], row["b"], row["seeds"]) == ("raw", "filtered", 3)
    assert row["difference"] == pytest.approx(111 / 360)
    assert 0 < row["low"] < 111 / 360 < row["high"] < 1


def test_one_seed_has_no_figures_over_seeds() -> None:
    assert seeds_result(training((7,)), evaluation()) is None
    assert seeds_result({"twins": {"raw": {"seed": 7}}}, evaluation()) is None
    alone = over_seeds([OfSeed(7, 12, 120)])
    assert (alone["per_seed"], alone["spread"]) == ([0.1], None)


def test_few_questions_have_no_rate_however_many_seeds_are_asked_them() -> None:
    few = over_seeds([OfSeed(seed, 1, MINIMUM_ANSWERS - 1) for seed in SEEDS])
    assert (few["rate"], few["low"], few["high"]) == (None, None, None)
    assert over_seeds([OfSeed(seed, 3, MINIMUM_ANSWERS) for seed in SEEDS])["rate"] == 0.1
