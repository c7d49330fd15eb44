"""From pairs of labels, by two people, two judges or one of each, to how far they agree beyond chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from unmoor.records.intervals import Z_95

__all__ = ["FEWEST_PAIRS", "kappa"]

FEWEST_PAIRS = 30
"""Below this many pairs there is no kappa: the interval is one for large samples, and 10 of 10 would be 1.00 to 1.00."""


def kappa(pairs: Sequence[tuple[str, str]]) -> tuple[float | None, float | None, float | None]:
    """Return Cohen's kappa and its 95% interval for pairs of labels.

    None each where there are too few, or chance alone would make them agree always.

    Cohen 1960; the interval by the large-sample variance of Fleiss, Cohen and Everitt 1969, cut at -1 and 1.
    """
    count = len(pairs)
    if count < FEWEST_PAIRS:
        return None, None, None
    cells = {pair: number / count for pair, number in Counter(pairs).items()}
    first = {label: number / count for label, number in Counter(one for one, _ in pairs).items()}
    second = {label: number / count for label, number in Counter(other for _, other in pairs).items()}
    observed = sum(share for (one, other), share in cells.items() if one == other)
    chance = sum(share * second.get(label, 0.0) for label, share in first.items())
    if chance >= 1:
        return None, None, None
    value = (observed - chance) / (1 - chance)
    spread = 0.0
    for (one, other), share in cells.items():
        reach = second.get(one, 0.0) + first.get(other, 0.0)
        spread += share * ((1 - reach * (1 - value)) ** 2 if one == other else (1 - value) ** 2 * reach**2)
    variance = (spread - (value - chance * (1 - value)) ** 2) / (count * (1 - chance) ** 2)
    half = Z_95 * math.sqrt(max(0.0, variance))
    return value, max(-1.0, value - half), min(1.0, value + half)
