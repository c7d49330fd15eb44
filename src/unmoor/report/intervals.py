"""From counts to what they can bear: Wilson intervals for shares, exact tails for "more than chance would"."""

from __future__ import annotations

from math import exp, lgamma, sqrt

__all__ = ["Z_95", "hypergeometric_tail", "wilson"]

Z_95 = 1.959963984540054
"""Standard normal quantile at 0.975: intervals are 95%, two-sided."""
_NEGLIGIBLE = 1e-15


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95% interval (low, high), from 0 to 1, of the share `hits` / `of`; (0, 1) where nothing was looked at.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212, without continuity correction.
    """
    if of <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == of else min(1.0, middle + half)
    return low, high


def hypergeometric_tail(hits: int, drawn: int, marked: int, total: int) -> float:
    """Return the probability of at least `hits` marked rows among `drawn` of `total`, of which `marked` are marked.

    This is Fisher's exact test, one-sided: were a term's rows lost more often than rows at large? Terms are summed from `hits` up,
    until the rest is too small to matter.
    """
    most = min(drawn, marked)
    least = max(0, drawn + marked - total)
    if hits <= least:
        return 1.0
    if hits > most:
        return 0.0
    term = exp(_log_choose(marked, hits) + _log_choose(total - marked, drawn - hits) - _log_choose(total, drawn))
    tail = term
    for count in range(hits, most):
        ratio = (marked - count) * (drawn - count) / ((count + 1) * (total - marked - drawn + count + 1))
        term *= ratio
        tail += term
        if ratio < 1 and term < tail * _NEGLIGIBLE:
            break
    return min(1.0, tail)


def _log_choose(of: int, take: int) -> float:
    return lgamma(of + 1) - lgamma(take + 1) - lgamma(of - take + 1)
