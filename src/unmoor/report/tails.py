"""From counts of rows to exact tails: how likely "more than chance would" is."""

from __future__ import annotations

from math import exp, lgamma

__all__ = ["hypergeometric_tail", "lost_more_than_chance"]

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


def lost_more_than_chance(part: tuple[int, int], whole: tuple[int, int], alike: float) -> float:
    """Return the p-value of a part of the rows that lost more than the others; both are (lost, rows), and the whole holds the part.

    `alike` rows of the part say no more than one does: it is tested as if it had so many fewer, against all others as they are.
    """
    lost, rows = (round(count / alike) for count in part)
    return hypergeometric_tail(lost, rows, whole[0] - part[0] + lost, whole[1] - part[1] + rows)


def _log_choose(of: int, take: int) -> float:
    return lgamma(of + 1) - lgamma(take + 1) - lgamma(of - take + 1)
