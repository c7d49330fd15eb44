"""From counts to what may be said of two models asked the same prompts: an interval for how they differ, and a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import comb, sqrt

from unmoor.records.intervals import wilson

__all__ = ["MINIMUM_ANSWERS", "design_effect", "holm", "mcnemar_exact", "newcombe_paired", "sign_flip_exact"]

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


def sign_flip_exact(differences: Iterable[int]) -> float:
    """Return the two-sided exact p-value that two models differ, from their difference in each group of prompts that belong
    together (such as both sides of a mirrored question): how often a sum as far from 0 comes of signs drawn for whole groups.

    Of groups of one prompt it is McNemar's exact test. Source: Fisher (1935), The Design of Experiments, section 21.
    """
    observed = [difference for difference in differences if difference]
    if all(abs(difference) == 1 for difference in observed):
        return mcnemar_exact(observed.count(1), observed.count(-1))
    ways: Counter[int] = Counter({0: 1})
    for size in map(abs, observed):
        once: Counter[int] = Counter()
        for total, count in ways.items():
            once[total + size] += count
            once[total - size] += count
        ways = once
    far = sum(count for total, count in ways.items() if abs(total) >= abs(sum(observed)))
    return float(far / 2 ** len(observed))


def design_effect(groups: Iterable[Sequence[float]]) -> float:
    """Return how much more the mean of values varies that come in groups (such as both sides of a mirrored question) than that
    of as many alone, never under 1: so many answers say as much as one. It is 1 where every group has one value.

    Where all values are the same, or all in one group, nothing tells how far those of a group go together; each group is taken
    to say as much as one value.

    Source: Kish (1965), Survey Sampling, section 5.4, from the groups' totals.
    """
    grouped = [list(group) for group in groups if group]
    values = [value for group in grouped for value in group]
    if len(grouped) < 2 or len(set(values)) < 2:
        return sum(len(group) ** 2 for group in grouped) / len(values) if values else 1.0
    mean = sum(values) / len(values)
    alone = sum((value - mean) ** 2 for value in values) * len(values) / (len(values) - 1)
    together = sum((sum(group) - len(group) * mean) ** 2 for group in grouped) * len(grouped) / (len(grouped) - 1)
    return max(1.0, together / alone)


def newcombe_paired(both: float, only_a: float, only_b: float, neither: float) -> tuple[float, float]:
    """Return the 95% (low, high) of the difference of two shares, a's less b's, of the same prompts; from -1 to 1.

    Source: Newcombe (1998), "Improved confidence intervals for the difference between binomial proportions based on paired
    data", method 10: Wilson's intervals of both shares, joined by their correlation. The counts need not be whole.

    Raises:
        ValueError: a negative count, or no prompts at all.
    """
    counts = (both, only_a, only_b, neither)
    total = sum(counts)
    if min(counts) < 0 or total <= 0:
        raise ValueError(f"expected counts of at least one prompt, found {counts}")
    a, b = (both + only_a) / total, (both + only_b) / total
    (a_low, a_high), (b_low, b_high) = (wilson(both + only, total) for only in (only_a, only_b))
    phi = _phi(both, only_a, only_b, neither)
    down = sqrt(max(0.0, (a - a_low) ** 2 - 2 * phi * (a - a_low) * (b_high - b) + (b_high - b) ** 2))
    up = sqrt(max(0.0, (a_high - a) ** 2 - 2 * phi * (a_high - a) * (b - b_low) + (b - b_low) ** 2))
    return max(-1.0, a - b - down), min(1.0, a - b + up)


def _phi(both: float, only_a: float, only_b: float, neither: float) -> float:
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
