"""From judged answers to rates with intervals, and to what differs between models that were asked the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

from unmoor.evaluation.answers import Answer
from unmoor.evaluation.scopes import Scopes, scopes_of
from unmoor.evaluation.statistics import MINIMUM_ANSWERS, design_effect, holm, newcombe_paired, sign_flip_exact
from unmoor.records import without_reasoning
from unmoor.records.intervals import wilson

__all__ = ["Judged", "contrast", "examples_of", "in_groups", "paired_rows", "rate_of", "rate_rows", "share_of"]
__all__ += ["with_holm"]

EXAMPLES_PER_CELL = 5
EXAMPLE_KEYS = ("model", "persona", "group", "prompt", "answer")


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what the judge said. `pair` is the mirrored question that the prompt is one side of: what is answered to one
    side tells of the other, so both are not two answers' worth.
    """

    answer: Answer
    is_refusal: bool
    pair: str = ""

    @property
    def together(self) -> str:
        """Return what stands for the prompts that belong together with this one."""
        return f"pair {self.pair}" if self.pair else f"prompt {self.answer.id}"

    @property
    def is_empty(self) -> bool:
        """Return whether the answer has no word, its reasoning aside."""
        return not without_reasoning(self.answer.answer).strip()

    @property
    def cell(self) -> tuple[str, str, str]:
        """Return (model, persona, group): each answer is in one."""
        return self.answer.model, self.answer.persona, self.answer.group

    def cells(self, scopes: Scopes) -> list[tuple[str, str, str]]:
        """Return (model, persona, row) for each row that the answer counts in: answers of one make one rate."""
        return [(self.answer.model, self.answer.persona, row) for row in scopes.of(self.answer)]


def _cells(judged: Sequence[Judged], scopes: Scopes) -> dict[tuple[str, str, str], list[Judged]]:
    cells: dict[tuple[str, str, str], list[Judged]] = {}
    for one in judged:
        for cell in one.cells(scopes):
            cells.setdefault(cell, []).append(one)
    return cells


def rate_rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Return one row per model, persona and group, and before the groups of a suite one of all of it: n, refusals, rate and its
    Wilson interval; no rate under 30 answers. `empty` counts answers without a word, or that end in their
    reasoning, which no judge takes for refusals; `cut` those that were not done at the length allowed, `drawn` those of a server
    that would not answer greedily, `withheld` those that its own filter kept back. `effect` is how
    many answers are worth one, for the interval (see `design_effect`).
    """
    rows = []
    for (model, persona, group), members in _cells(judged, scopes_of(one.answer for one in judged)).items():
        refusals, total = sum(one.is_refusal for one in members), len(members)
        counts = {"n": total, "refusals": refusals, "empty": sum(one.is_empty for one in members)}
        for kind in ("cut", "drawn", "withheld"):
            counts[kind] = sum(getattr(one.answer, f"is_{kind}") for one in members)
        effect = design_effect(in_groups((one.together, one.is_refusal) for one in members))
        place = {"model": model, "persona": persona, "group": group}
        rows.append({**place, **counts, "effect": effect, **share_of(refusals, total, effect)})
    return rows


def in_groups(values: Iterable[tuple[str, float]]) -> list[list[float]]:
    """Return the values of each name together."""
    groups: dict[str, list[float]] = {}
    for name, value in values:
        groups.setdefault(name, []).append(value)
    return list(groups.values())


def share_of(hits: int, total: int, effect: float = 1.0) -> dict[str, float | None]:
    """Return `rate`, `low` and `high` by Wilson, at as many answers as `total` over `effect` (see `design_effect`); None each
    under 30.
    """
    if total < MINIMUM_ANSWERS:
        return dict.fromkeys(("rate", "low", "high"))
    low, high = wilson(hits / effect, total / effect)
    return {"rate": hits / total, "low": low, "high": high}


def paired_rows(judged: Sequence[Judged], models: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per pair of models, persona and group or whole suite: who refused what, the difference of the rates with
    its interval, the exact p-value (McNemar's, or of whole pairs where prompts are mirrored), and the one that Holm corrected for
    all rows of the same `family`.

    Whole suites are one family of tests and the groups inside them another: the first says whether models differ, the second
    where, and twenty small groups do not weaken what is said of their suite.
    """
    scopes = scopes_of(one.answer for one in judged)
    cells = _cells(judged, scopes)
    places = list(dict.fromkeys((persona, group) for _, persona, group in cells))
    rows = []
    for a, b in combinations(models, 2):
        for persona, group in places:
            of_a = {one.answer.id: one.is_refusal for one in cells[a, persona, group]}
            of_b = {one.answer.id: one.is_refusal for one in cells[b, persona, group]}
            together = {one.answer.id: one.together for one in cells[a, persona, group]}
            place = {"a": a, "b": b, "persona": persona, "group": group, "family": scopes.family(group)}
            rows.append({**place, **contrast(of_a, of_b, together)})
    return with_holm(rows)


def with_holm(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows, each with `p_holm` beside its `p_value`: corrected for the `tests` of its `family`, or for all rows."""
    families: dict[str, list[float]] = {}
    for row in rows:
        families.setdefault(row.get("family", ""), []).append(row["p_value"])
    corrected = {family: iter(holm(p_values)) for family, p_values in families.items()}
    return [
        {**row, "p_holm": next(corrected[family]), "tests": len(families[family])}
        for row, family in ((row, row.get("family", "")) for row in rows)
    ]


def contrast(
    of_a: Mapping[str, bool], of_b: Mapping[str, bool], together: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return how two models differ in what is true of the same prompts: counts, difference and interval, p-value.

    `together` names what prompts belong together (see `Judged.together`): they are taken as a whole by the test and weigh as one
    in the interval as far as they say the same. Where none do, the test is McNemar's.
    """
    pairs = [(of_a[prompt], of_b[prompt]) for prompt in of_a if prompt in of_b]
    kinds = ((True, True), (True, False), (False, True), (False, False))
    both, only_a, only_b, neither = (pairs.count(kind) for kind in kinds)
    enough = len(pairs) >= MINIMUM_ANSWERS
    groups = in_groups(
        ((together or {}).get(prompt, prompt), of_a[prompt] - of_b[prompt]) for prompt in of_a if prompt in of_b
    )
    effect = design_effect(groups)
    counts = (both / effect, only_a / effect, only_b / effect, neither / effect)
    low, high = newcombe_paired(*counts) if enough else (None, None)
    return {
        "only_a": only_a,
        "only_b": only_b,
        "both": both,
        "neither": neither,
        "difference": (only_a - only_b) / len(pairs) if enough else None,
        "low": low,
        "high": high,
        "p_value": sign_flip_exact(int(sum(group)) for group in groups),
    }


def examples_of(judged: Sequence[Judged], models: Sequence[str]) -> list[dict[str, Any]]:
    """Return the answers to the same few prompts of each persona and group, the models beside each other."""
    places = sorted({(*one.cell[1:], one.answer.id) for one in judged})
    chosen: set[tuple[str, ...]] = set()
    for _, members in groupby(places, key=lambda place: place[:2]):
        chosen.update(list(members)[:EXAMPLES_PER_CELL])
    rows = [one for one in judged if (*one.cell[1:], one.answer.id) in chosen]
    rows.sort(key=lambda one: (*one.cell[1:], one.answer.id, models.index(one.answer.model)))
    return [{**{key: getattr(one.answer, key) for key in EXAMPLE_KEYS}, "is_refusal": one.is_refusal} for one in rows]


def rate_of(evaluation: dict[str, Any], model: str, persona: str, group: str) -> float | None:
    """Return one rate of an evaluation, of a group or of "all of" a suite, from 0 to 1; None where there are fewer than 30 answers.

    Raises:
        KeyError: that model, persona and group were not evaluated together.
    """
    for row in evaluation["rates"]:
        if (row["model"], row["persona"], row["group"]) == (model, persona, group):
            rate: float | None = row["rate"]
            return rate
    raise KeyError((model, persona, group))
