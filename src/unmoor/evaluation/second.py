"""From two judges' words on the same answers to how far they agree, and to the second one's own rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unmoor.evaluation.compare import Judged, in_groups, share_of
from unmoor.evaluation.scopes import scopes_of
from unmoor.evaluation.statistics import design_effect
from unmoor.records.kappa import kappa

__all__ = ["second_rows"]

ALL = "all"
"""All answers: how far two judges agree is no rate of a suite."""


def second_rows(judged: Sequence[Judged], opinions: Sequence[bool | None]) -> dict[str, Any]:
    """Return `rates` (as the second judge sees them, by model, persona and group), and `agreement` (by group, and "all"
    of the answers); whole suites have rows too.

    Answers that the second judge is unsure of are counted in `unsure` and left out of rates and agreement.
    """
    cells: dict[tuple[str, str, str], list[tuple[str, bool | None]]] = {}
    pairs: dict[str, list[tuple[bool, bool | None]]] = {}
    scopes = scopes_of(one.answer for one in judged)
    for one, opinion in zip(judged, opinions, strict=True):
        for cell in one.cells(scopes):
            cells.setdefault(cell, []).append((one.together, opinion))
        for row in dict.fromkeys((*scopes.of(one.answer), ALL)):
            pairs.setdefault(row, []).append((one.is_refusal, opinion))
    rates = []
    for (model, persona, group), said in cells.items():
        sure = [opinion for _, opinion in said if opinion is not None]
        effect = design_effect(in_groups((name, opinion) for name, opinion in said if opinion is not None))
        place = {"model": model, "persona": persona, "group": group}
        counts = {"n": len(sure), "refusals": sum(sure), "unsure": len(said) - len(sure)}
        rates.append({**place, **counts, **share_of(sum(sure), len(sure), effect)})
    return {"rates": rates, "agreement": [_agreement(group, both) for group, both in pairs.items()]}


def _agreement(group: str, both: Sequence[tuple[bool, bool | None]]) -> dict[str, Any]:
    sure = [(str(one), str(other)) for one, other in both if other is not None]
    value, low, high = kappa(sure)
    share = sum(one == other for one, other in sure) / len(sure) if sure else None
    counts = {"n": len(sure), "unsure": len(both) - len(sure)}
    return {"group": group, **counts, "share": share, "kappa": value, "kappa_low": low, "kappa_high": high}
