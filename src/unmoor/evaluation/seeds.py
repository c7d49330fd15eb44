"""From models that one recipe made of the same data with several seeds to figures over seeds, with the luck of training in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import stdev
from typing import Any

from unmoor.evaluation.statistics import MINIMUM_ANSWERS
from unmoor.records.intervals import Z_95, wilson

__all__ = ["OfSeed", "difference_of", "over_seeds", "seed_interval", "seeds_result"]

T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131)
"""Student's 97.5% quantiles for 1 to 15 degrees of freedom; beyond, the last is used, which is a little too wide."""


@dataclass(frozen=True, slots=True)
class OfSeed:
    """What one seed's model did: `hits` of `n` answers, of which `effect` are worth one (see `design_effect`)."""

    seed: int
    hits: int
    n: int
    effect: float = 1.0


def over_seeds(counts: Sequence[OfSeed]) -> dict[str, Any]:
    """Return `seeds`, `per_seed` (each seed's own rate), `spread` (their standard deviation; None of one seed), `n`, and of all
    seeds' answers `rate`, `low` and `high` by `seed_interval`; None each where a seed was asked fewer than 30 questions, on
    average, for all are asked the same.
    """
    total = sum(one.n for one in counts)
    per_seed = [one.hits / one.n for one in counts]
    shown: dict[str, float | None] = dict.fromkeys(("rate", "low", "high"))
    if total >= MINIMUM_ANSWERS * len(counts):
        effect = sum(one.n * one.effect for one in counts) / total
        low, high = seed_interval([(one.hits, one.n) for one in counts], effect)
        shown = {"rate": sum(one.hits for one in counts) / total, "low": low, "high": high}
    spread = stdev(per_seed) if len(counts) > 1 else None
    return {"seeds": [one.seed for one in counts], "per_seed": per_seed, "spread": spread, "n": total, **shown}


def seed_interval(counts: Sequence[tuple[int, int]], effect: float = 1.0) -> tuple[float, float]:
    """Return the 95% (low, high) of a rate from (refusals, answers) of each seed.

    Wilson's interval at the effective number of answers: the number asked, divided by how much more the seeds differ than
    chance would make them (the design effect, never under that of mirrored questions, `effect`), and by Student's quantile over
    the normal one, squared, for there are few seeds. It is never more than one seed's questions are worth: all seeds are asked the
    same ones, and more seeds make no more questions. With one seed it is Wilson's interval, and says nothing of other seeds.

    Where every seed is asked the same 120 questions, of which some are hard for all, nine seeds' intervals held the rate 97 to
    100% of the time in simulations, and 71 to 98% without that bound.

    Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data", who use the same effective size; here with Wilson's interval.
    """
    total, hits = sum(n for _, n in counts), sum(refusals for refusals, _ in counts)
    rate, seeds = hits / total, len(counts)
    worth = total / seeds / effect
    if seeds == 1:
        return wilson(rate * worth, worth)
    chance = rate * (1 - rate) / total
    between = sum((refusals - n * rate) ** 2 for refusals, n in counts) * seeds / (seeds - 1) / total**2
    differ = max(effect, between / chance) if chance else effect
    student = T_QUANTILES[min(seeds - 1, len(T_QUANTILES)) - 1]
    answers = max(1.0, min(worth, total / differ * (Z_95 / student) ** 2))
    return wilson(rate * answers, answers)


def difference_of(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """Return the `difference` of two rates, the first less the second, with its interval `low` to `high`; from -1 to 1.

    That both are asked the same questions is not used, which makes it too wide rather than too narrow.

    Source: Newcombe (1998), "Interval estimation for the difference between independent proportions", method 10, here from the
    intervals of `seed_interval`.
    """
    difference = one["rate"] - other["rate"]
    down = sqrt((one["rate"] - one["low"]) ** 2 + (other["high"] - other["rate"]) ** 2)
    up = sqrt((one["high"] - one["rate"]) ** 2 + (other["rate"] - other["low"]) ** 2)
    return {"difference": difference, "low": max(-1.0, difference - down), "high": min(1.0, difference + up)}


def seeds_result(training: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what an evaluation says of twins that were trained with several seeds: `seeds`, `twins` (each with its models), rows
    as in the evaluation with a twin in the place of a model and what `over_seeds` tells (`rates`, `capability`, `asymmetry`,
    `leaks`), and `differences` between twins in what they refuse. None where no twin that was asked has two seeds.
    """
    arms = {name: arm for name, arm in training["twins"].items() if "twin" in arm and name in evaluation["models"]}
    twins: dict[str, list[str]] = {}
    for name, arm in arms.items():
        twins.setdefault(str(arm["twin"]), []).append(name)
    if max(map(len, twins.values()), default=0) < 2:
        return None
    mirrored = (evaluation.get("asymmetry") or {}).get("rows") or ()
    told = {
        "rates": _pooled(evaluation["rates"], arms, ("refusals",)),
        "capability": _pooled(evaluation.get("capability") or (), arms, ("right",)),
        "asymmetry": _pooled(mirrored, arms, ("only_a", "only_b"), "pairs"),
        "leaks": _pooled(evaluation.get("leaks") or (), arms, ("leaks",)),
    }
    seeds = list(dict.fromkeys(int(arm["seed"]) for arm in arms.values()))
    return {"seeds": seeds, "twins": twins, **told, "differences": _differences(told["rates"], list(twins))}


def _pooled(
    rows: Sequence[Mapping[str, Any]], arms: Mapping[str, Mapping[str, Any]], hits: Sequence[str], of: str = "n"
) -> list[dict[str, Any]]:
    """Return one row per twin and place, its counts added up; what is counted is the sum of `hits`, of as many as `of` says."""
    cells: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["model"] in arms and row[of]:
            place = (str(arms[row["model"]]["twin"]), row["persona"], *([row["group"]] if "group" in row else ()))
            cells.setdefault(place, []).append(row)
    pooled = []
    for place, members in cells.items():
        counts = {key: sum(row[key] for row in members) for key, value in members[0].items() if type(value) is int}
        of_seeds = [
            OfSeed(int(arms[row["model"]]["seed"]), sum(row[key] for key in hits), row[of], row.get("effect", 1.0))
            for row in members
        ]
        pooled.append(dict(zip(("model", "persona", "group"), place, strict=False)) | counts | over_seeds(of_seeds))
    return pooled


def _differences(rates: Sequence[Mapping[str, Any]], twins: Sequence[str]) -> list[dict[str, Any]]:
    """Return by how much each twin refuses more than each later one, where both have a rate; `seeds` is the fewer of both."""
    known = {(row["model"], row["persona"], row["group"]): row for row in rates if row["rate"] is not None}
    places = list(dict.fromkeys((row["persona"], row["group"]) for row in rates))
    rows = []
    for a, b in combinations(twins, 2):
        for persona, group in places:
            one, other = known.get((a, persona, group)), known.get((b, persona, group))
            if one is not None and other is not None:
                place = {"a": a, "b": b, "persona": persona, "group": group}
                seeds = min(len(one["seeds"]), len(other["seeds"]))
                rows.append({**place, "seeds": seeds, **difference_of(one, other)})
    return rows
