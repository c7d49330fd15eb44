"""From counts to what may be said of two models asked the same prompts: an interval for how they differ, and a test."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt

from unmoor.records.intervals import wilson

__all__ = ["MINIMUM_ANSWERS", "holm", "mcnemar_exact", "newcombe_paired"]

MINIMUM_ANSWERS = 30
"""Below this many answers no rate is shown: the interval would span a third of the scale."""


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


def newcombe_paired(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, float]:
    """Return the 95% (low, high) of the difference of two shares, a's less b's, of the same prompts; from -1 to 1.

    Source: Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired
    data", method 10: Wilson's intervals of both shares, joined by their correlation.

    Raises:
        ValueError: a negative count, or no prompts at all.
    """
    counts = (both, only_a, only_b, neither)
    total = sum(counts)
    if min(counts) < 0 or total < 1:
        raise ValueError(f"expected counts of at least one prompt, found {counts}")
    a, b = (both + only_a) / total, (both + only_b) / total
    (a_low, a_high), (b_low, b_high) = (wilson(both + only, total) for only in (only_a, only_b))
    phi = _phi(both, only_a, only_b, neither)
    down = sqrt(max(0.0, (a - a_low) ** 2 - 2 * phi * (a - a_low) * (b_high - b) + (b_high - b) ** 2))
    up = sqrt(max(0.0, (a_high - a) ** 2 - 2 * phi * (a_high - a) * (b - b_low) + (b - b_low) ** 2))
    return max(-1.0, a - b - down), min(1.0, a - b + up)


def _phi(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Return the correlation of two paired shares, corrected towards none as method 10 does."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if not margins:
        return 0.0
    product = both * neither - only_a * only_b
    corrected = max(product - sum((both, only_a, only_b, neither)) / 2, 0) if product > 0 else product
    return float(corrected / sqrt(margins))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number, in the order given.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = highest
    return corrected
