"""From the load of the experts of several twins to what the filter did to it, beside what a random cut of as many rows did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["experts_said"]

_RAW, _SHRUNK, _FILTERED = "raw", "raw-shrunk", "filtered"


def experts_said(load: Mapping[str, Any]) -> str:
    """Return by how much an expert's share of the picks differs between twins at most, and what of that is the filter's, in words;
    the empty string without a twin on a random cut, the yardstick.
    """
    if not {_RAW, _SHRUNK, _FILTERED} <= set(load["models"]):
        return ""
    filtered, shrunk, between = (
        _farthest(load, *pair) for pair in ((_RAW, _FILTERED), (_RAW, _SHRUNK), (_SHRUNK, _FILTERED))
    )
    told = (
        f"Against {_RAW}, the largest change of a share is {filtered:.1f} points in {_FILTERED}, and {shrunk:.1f} in {_SHRUNK}, "
        f"which lost as many rows by chance; these two differ by {between:.1f} at most."
    )
    if filtered <= shrunk:
        return f"{told} So the filter moved the work of the experts no more than a random cut does."
    if between < shrunk:
        return f"{told} So fewer rows, whichever they are, did more of this than what was filtered."
    return f"{told} So the filter moved the work of the experts more than a random cut does."


def _farthest(load: Mapping[str, Any], one: str, other: str) -> float:
    """Return the largest difference of an expert's share between two models, in points."""
    return max((abs(row[one] - row[other]) * 100 for row in load["rows"]), default=0.0)
