"""From counts to what may be said about them: intervals for a rate, and a test for two models asked the same prompts."""

from __future__ import annotations

from math import comb, sqrt
from statistics import NormalDist

__all__ = ["MINIMUM_ANSWERS", "mcnemar_exact", "wilson_interval"]

MINIMUM_ANSWERS = 30
"""Below this many answers no rate is shown: the interval would span a third of the scale."""

CONFIDENCE = 0.95


def wilson_interval(hits: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the (low, high) of a share, from 0 to 1, by Wilson's score method without continuity correction.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference". Unlike the normal
    interval it does not claim certainty at 0 of n: 0 of 100 is 0 to 3.7%.

    Raises:
        ValueError: not 0 <= hits <= total, or no trials at all.
    """
    if total < 1 or not 0 <= hits <= total:
        raise ValueError(f"expected 0 <= hits <= total and total >= 1, found {hits} of {total}")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = hits / total
    scale = 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == total else min(1.0, middle + half)
    return low, high


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Return the two-sided exact p-value that two paired models differ, from the prompts on which exactly one of them
    did it.

    Source: McNemar (1947) in the exact binomial form: twice the smaller tail of Binomial(only_a + only_b, 1/2), at
    most 1.

    Raises:
        ValueError: a negative count.
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"counts cannot be negative, found {only_a} and {only_b}")
    total, smaller = only_a + only_b, min(only_a, only_b)
    tail = sum(comb(total, count) for count in range(smaller + 1))
    return float(min(1.0, 2 * tail / 2**total))
