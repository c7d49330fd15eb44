"""From counts of rows to exact tails: how likely "more than chance would" is."""

from __future__ import annotations

from math import exp, lgamma

__all__ = ["hypergeometric_tail"]

_NEGLIGIBLE = 1e-15


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
