"""From people's verdicts on a run to how right the machine is at each probability, and from where on it is right often enough.

Figures are of the findings that were judged. They speak for the run where those were drawn at random; a person who judged the most
uncertain ones first makes the machine look worse than it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS
from unmoor.records.intervals import wilson
from unmoor.review.agreement import label_of
from unmoor.review.exchange import findings_of, standing_of
from unmoor.run_folder import read_manifest

__all__ = ["LEAST_JUDGED", "Cut", "Precision", "judged_findings", "precisions"]

LEAST_JUDGED = 30
"""Judged findings from a threshold on, below which none is named: the interval of so few spans a third of the scale."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What acting from probability `threshold` on would have meant: of `judged` findings `share` were right (95%: `low` to `high`).

    `found` is the share of all the right ones that lie from there on, 0 to 1.
    """

    threshold: float
    judged: int
    share: float
    low: float
    high: float
    found: float


@dataclass(frozen=True, slots=True)
class Precision:
    """How often the machine was right about a behaviour: of `judged` findings `right`, a share from `low` to `high` at 95%.

    `cut` is the lowest threshold with the wanted precision; None where none has it on enough judged findings.
    """

    behaviour: str
    judged: int
    right: int
    share: float
    low: float
    high: float
    cut: Cut | None

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain JSON values."""
        return asdict(self)


def judged_findings(run: Path) -> list[tuple[str, float, bool]]:
    """Return (behaviour, probability, whether it was right) of each judged finding; of several verdicts the last said holds.

    Raises:
        UsageError: verdicts were applied to the run, so its probabilities are people's and no longer the machine's.
        RunFolderError: the run is missing, half-written, altered or of another version.
    """
    if "verdicts" in read_manifest(run):
        raise UsageError(
            f"{run} was rewritten by `unmoor apply`: its probabilities are people's, not the detectors'. Next: filter the input "
            "into another folder, carry the verdicts over with `unmoor labels export` and `import`, and score that run"
        )
    said = {key: label for key, verdict in standing_of(run) if (label := label_of(verdict)) is not None}
    return [
        (finding.behaviour, finding.probability, said[key] == finding.behaviour)
        for key, _, finding in findings_of(run)
        if key in said
    ]


def precisions(judged: Iterable[tuple[str, float, bool]], wanted: float) -> list[Precision]:
    """Return the figures of each judged behaviour, in the order of the nine; `wanted` is a precision, 0 to 1."""
    by_behaviour: dict[str, list[tuple[float, bool]]] = {}
    for behaviour, probability, is_right in judged:
        by_behaviour.setdefault(behaviour, []).append((probability, is_right))
    order = [*(name for name in BEHAVIOURS if name in by_behaviour), *sorted(by_behaviour.keys() - BEHAVIOURS.keys())]
    return [_precision(behaviour, by_behaviour[behaviour], wanted) for behaviour in order]


def _precision(behaviour: str, judged: Sequence[tuple[float, bool]], wanted: float) -> Precision:
    right = sum(is_right for _, is_right in judged)
    share = right / len(judged)
    return Precision(behaviour, len(judged), right, share, *wilson(right, len(judged)), _lowest_cut(judged, wanted))


def _lowest_cut(judged: Sequence[tuple[float, bool]], wanted: float) -> Cut | None:
    """Return the lowest probability from which on the wanted share was right; findings of one probability go together."""
    in_all = sum(is_right for _, is_right in judged)
    falling = sorted(judged, reverse=True)
    best, right = None, 0
    for count, (probability, is_right) in enumerate(falling, 1):
        right += is_right
        is_last_of_its_kind = count == len(falling) or falling[count][0] < probability
        if is_last_of_its_kind and count >= LEAST_JUDGED and right / count >= wanted:
            share = right / count
            best = Cut(probability, count, share, *wilson(right, count), right / in_all if in_all else 0.0)
    return best
