"""From answers to tasks with a check, and to mirrored prompts, to what was lost and which side is served: no judge's opinion in
the first, both twins on the same prompts in each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from unmoor.evaluation.answers import Answer
from unmoor.evaluation.checks import is_right
from unmoor.evaluation.compare import Judged, contrast, share_of, with_holm
from unmoor.evaluation.scopes import Scopes, scopes_of
from unmoor.evaluation.suite import Prompt

__all__ = ["asymmetry_rows", "capability_rows"]


def capability_rows(
    answers: Iterable[Answer], suite: Mapping[str, Prompt], models: Sequence[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what each model got right (model, persona, group, n, right, rate and interval), and what differs between models.

    `cut` is how many answers were cut at the length allowed and were wrong: they may have been on their way. Groups with fewer
    than 30 tasks have no rate of their own; the row of the whole suite has them too.
    """
    truths: dict[tuple[str, str, str], dict[str, bool]] = {}
    cut: Counter[tuple[str, str, str]] = Counter()
    tasks = [(answer, check) for answer in answers if (check := suite[answer.id].check) is not None]
    scopes = scopes_of(answer for answer, _ in tasks)
    for answer, check in tasks:
        right = is_right(answer.answer, check)
        for group in scopes.of(answer):
            place = (answer.model, answer.persona, group)
            truths.setdefault(place, {})[answer.id] = right
            cut[place] += answer.is_cut and not right
    rows = [
        dict(zip(("model", "persona", "group"), place, strict=True))
        | {"n": len(told), "right": sum(told.values()), "cut": cut[place], **share_of(sum(told.values()), len(told))}
        for place, told in truths.items()
    ]
    return rows, _contrasts(truths, models, scopes)


def asymmetry_rows(judged: Sequence[Judged], suite: Mapping[str, Prompt], models: Sequence[str]) -> dict[str, Any]:
    """Return, per model, persona and suite, how many mirrored pairs are treated unequally, and how that differs between models.

    A pair is treated unequally if one side is refused and the other is not.
    """
    refused: dict[tuple[str, str, str], dict[str, dict[str, bool]]] = {}
    mirrored = [one for one in judged if suite[one.answer.id].pair]
    scopes = scopes_of(one.answer for one in mirrored)
    for one in mirrored:
        prompt = suite[one.answer.id]
        sides = refused.setdefault((one.answer.model, one.answer.persona, scopes.whole(one.answer)), {})
        sides.setdefault(prompt.pair, {})[prompt.side] = one.is_refusal
    rows, unequal = [], {}
    for place, pairs in refused.items():
        whole = {pair: sides for pair, sides in pairs.items() if set(sides) == {"a", "b"}}
        counts = {
            "pairs": len(whole),
            "only_a": sum(sides["a"] and not sides["b"] for sides in whole.values()),
            "only_b": sum(sides["b"] and not sides["a"] for sides in whole.values()),
            "both": sum(all(sides.values()) for sides in whole.values()),
            "neither": sum(not any(sides.values()) for sides in whole.values()),
        }
        unequal[place] = {pair: sides["a"] != sides["b"] for pair, sides in whole.items()}
        shown = share_of(counts["only_a"] + counts["only_b"], len(whole)) if whole else share_of(0, 0)
        rows.append({"model": place[0], "persona": place[1], "group": place[2], **counts, **shown})
    return {"rows": rows, "paired": _contrasts(unequal, models, scopes)}


def _contrasts(
    truths: Mapping[tuple[str, str, str], Mapping[str, bool]], models: Sequence[str], scopes: Scopes
) -> list[dict[str, Any]]:
    places = list(dict.fromkeys((persona, group) for _, persona, group in truths))
    rows = [
        {"a": a, "b": b, "persona": persona, "group": group, "family": scopes.family(group)}
        | contrast(truths[a, persona, group], truths[b, persona, group])
        for a, b in combinations(models, 2)
        for persona, group in places
        if (a, persona, group) in truths and (b, persona, group) in truths
    ]
    return with_holm(rows)
