"""From counts to what they can bear: the interval of a share, which every rate that unmoor shows comes with."""

from __future__ import annotations

from math import sqrt

__all__ = ["Z_95", "wilson"]

Z_95 = 1.959963984540054
"""Standard normal quantile at 0.975: intervals are 95%, two-sided."""


def wilson(hits: float, of: float) -> tuple[float, float]:
    """Return the 95% interval (low, high), each from 0 to 1, of the share `hits` / `of`; (0, 1) where nothing was looked at.

    Both are counts, `hits` from 0 to `of`. They need not be whole: a stratified or clustered sample counts as its effective number.
    Unlike the normal interval it claims no certainty at 0 of n: 0 of 100 is 0 to 3.7%.

    Source: E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212, without continuity correction.
    """
    if of <= 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low = 0.0 if hits <= 0 else max(0.0, middle - half)
    high = 1.0 if hits >= of else min(1.0, middle + half)
    return low, high
