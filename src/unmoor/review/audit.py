"""From a stratified sample that a person has judged to how often the machine is right, and how much it missed.

The sample has so many findings of each behaviour and outcome as fit their share of the run, at least a few of each, and some kept
rows in which nothing was found. It is drawn by a hash of the finding, so it is the same for everyone who looks at the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unmoor.records.intervals import wilson
from unmoor.review.agreement import NO_FINDING

__all__ = [
    "FINDINGS_DRAWN",
    "ROWS_DRAWN",
    "UNLIKELY",
    "UNLIKELY_DRAWN",
    "Stratum",
    "audit_lines",
    "drawn_from",
    "precision",
]

FINDINGS_DRAWN = 200
"""At 96% right, 200 give an interval of some 6 points; twice as many would give 4."""
ROWS_DRAWN = 100
"""Kept rows without a finding. If none of 100 hides one, fewer than 3.7% do, at 95%."""
UNLIKELY = "unlikely: not counted"
"""Stands for the outcome of findings under 0.50 that nothing came of: the machine says "rather not" of them, so they are counted
nowhere as found, and one that a person calls right was missed."""
UNLIKELY_DRAWN = 50
_LEAST = 5


@dataclass(frozen=True, slots=True)
class Stratum:
    """Findings of one behaviour and outcome: how many the run has, how many were drawn, judged, and judged to be right.

    Of rows without a finding, `right` are those in which the person found nothing either. Of unlikely findings (outcome `UNLIKELY`)
    those that the person says are there all the same.
    """

    behaviour: str
    outcome: str
    size: int
    drawn: int
    checked: int = 0
    right: int = 0


def drawn_from(size: int, total: int, wanted: int = FINDINGS_DRAWN) -> int:
    """Return how many of a stratum of `size` findings of `total` are drawn, if of all some `wanted` are."""
    return min(size, max(_LEAST, round(wanted * size / total))) if total else 0


def precision(strata: Sequence[Stratum]) -> tuple[float, float, float] | None:
    """Return the share of right findings in the run and its 95% interval; None where nothing was checked.

    Each stratum counts by its size in the run. The interval is Wilson's with the effective number of checks, the number of a plain
    sample that would have the same variance (Korn and Graubard 1998); strata without a check are left out.
    """
    return _weighed([each for each in strata if _is_found(each)])


def _weighed(strata: Sequence[Stratum]) -> tuple[float, float, float] | None:
    known = [each for each in strata if each.checked]
    checked, total = sum(each.checked for each in known), sum(each.size for each in known)
    if not checked:
        return None
    share = sum(each.size / total * each.right / each.checked for each in known)
    # Laplace's rule keeps a stratum in which all were right from claiming that it has no variance.
    smooth = [(each, (each.right + 1) / (each.checked + 2)) for each in known]
    variance = sum((each.size / total) ** 2 * p * (1 - p) / each.checked for each, p in smooth)
    middle = sum(each.size / total * p for each, p in smooth)
    effective = min(float(checked), middle * (1 - middle) / variance) if variance else float(checked)
    return (share, *wilson(share * effective, effective))


def _is_found(stratum: Stratum) -> bool:
    return stratum.behaviour != NO_FINDING and stratum.outcome != UNLIKELY


def audit_lines(strata: Sequence[Stratum]) -> list[str]:
    """Return the running figures as one sentence each: of findings, of rows in which nothing was found, of unlikely findings."""
    found = [each for each in strata if _is_found(each)]
    lines = [
        f"checked {_sum(found, 'checked'):,} of {_sum(found, 'size'):,} findings" + _figure(precision(strata), "right")
    ]
    empty = [each for each in strata if each.behaviour == NO_FINDING]
    if empty:
        checked, right = _sum(empty, "checked"), _sum(empty, "right")
        missed = ((checked - right) / checked, *wilson(checked - right, checked)) if checked else None
        lines.append(
            f"checked {checked:,} of {_sum(empty, 'size'):,} kept rows without a finding" + _figure(missed, "missed")
        )
    unlikely = [each for each in strata if each.outcome == UNLIKELY]
    if unlikely:
        checked, size = _sum(unlikely, "checked"), _sum(unlikely, "size")
        lines.append(
            f"checked {checked:,} of {size:,} findings held for unlikely (under 0.50)"
            + _figure(_weighed(unlikely), "right all the same")
        )
    return lines


def _sum(strata: Sequence[Stratum], name: str) -> int:
    return sum(getattr(each, name) for each in strata)


def _figure(figure: tuple[float, float, float] | None, word: str) -> str:
    if figure is None:
        return ""
    share, low, high = (100 * value for value in figure)
    return f": {share:.0f}% {word}, {low:.1f}–{high:.1f}"
