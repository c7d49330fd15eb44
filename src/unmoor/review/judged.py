"""From people's verdicts on a run to what its report says of them: how much was judged, and how often the detectors were right.

A share speaks for the run only where the judged findings are all that there are, or were drawn at random and judged whole, as in
the sampled audit. The sample is that of the run as the detectors left it: once verdicts are applied a new one would be drawn by
what people said. So a report keeps it, and the next application takes it from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import RunFolderError
from unmoor.records import BEHAVIOURS
from unmoor.records.intervals import wilson
from unmoor.records.verdict import Verdict
from unmoor.review.agreement import NO_FINDING, label_of
from unmoor.review.audit import Stratum, precision
from unmoor.run_folder import read_json

__all__ = ["Drawn", "drawn_before", "people_facts", "unlikely_before"]

_ANOTHER = "another behaviour"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Findings of one behaviour and outcome: how many there are, and the keys of those that were drawn for the audit."""

    behaviour: str
    outcome: str
    size: int
    keys: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the findings as JSON values; keys are text, since not every reader of JSON holds 64 bits."""
        keys = [str(key) for key in self.keys]
        return {"behaviour": self.behaviour, "outcome": self.outcome, "size": self.size, "keys": keys}


def drawn_before(report: Path) -> list[Drawn] | None:
    """Return the sample that a run's report.json keeps; None where it keeps none, or something else."""
    try:
        kept = read_json(report)["people"]["sample"]
        return [Drawn(one["behaviour"], one["outcome"], int(one["size"]), tuple(map(int, one["keys"]))) for one in kept]
    except (RunFolderError, KeyError, TypeError, ValueError):
        return None


def unlikely_before(report: Path) -> frozenset[int]:
    """Return the keys of judged findings that a run's report.json says the machine held for unlikely; of a run that was judged the
    ledger has what people said.
    """
    try:
        return frozenset(map(int, read_json(report)["people"]["unlikely"]["keys"]))
    except (RunFolderError, KeyError, TypeError, ValueError):
        return frozenset()


def people_facts(
    standing: Iterable[tuple[int, Verdict]], drawn: Sequence[Drawn] | None, unlikely: Set[int] = frozenset()
) -> dict[str, Any] | None:
    """Return what people said of a run's findings, by (key of the finding, verdict) pairs in the order in which they were said,
    and what it says of the detectors; None where nobody judged any, nor all that were drawn of the rows in which nothing was found.
    `drawn` is the audit's sample, None where it is not known; `unlikely` are the keys of findings that the machine itself held for
    unlikely: they count for no precision.
    """
    told = [(key, verdict) for key, verdict in standing if verdict.judgement != "skip"]
    put = set(map(_put_by, dict(told).values()))
    told = [(key, verdict) for key, verdict in told if _place(verdict) not in put]
    said = dict(told)
    on_findings = {key: verdict for key, verdict in said.items() if verdict.behaviour != NO_FINDING}
    missed = _missed(said, drawn)
    if not on_findings and missed is None:
        return None
    counted = Counter(map(_word_of, on_findings.values()))
    weak = {key: verdict for key, verdict in on_findings.items() if key in unlikely}
    likely = {key: verdict for key, verdict in on_findings.items() if key not in weak}
    return {
        "people": len({verdict.by for _, verdict in told if verdict.behaviour != NO_FINDING}),
        "findings": len(on_findings),
        "verdicts": {word: counted[word] for word in ("correct", "wrong", _ANOTHER, "mend", "drop") if counted[word]},
        "behaviours": {name: _figures(name, likely, drawn) for name in _in_order(likely.values())},
        "unlikely": {
            "judged": len(weak),
            "right": sum(map(_is_right, weak.values())),
            "keys": sorted(map(str, weak)),
        },
        "missed": missed,
        "sample": [one.as_json() for one in drawn] if drawn is not None else None,
    }


def _place(verdict: Verdict) -> tuple[Any, ...]:
    return _at(verdict, verdict.behaviour)


def _put_by(verdict: Verdict) -> tuple[Any, ...] | None:
    """Return the place of the finding that a correction puts beside the detectors' one, which is no word on the detectors."""
    other = verdict.corrected_behaviour
    return _at(verdict, other) if other not in (None, verdict.behaviour) else None


def _at(verdict: Verdict, behaviour: str | None) -> tuple[Any, ...]:
    return verdict.row, behaviour, verdict.turn, verdict.field, verdict.start_char, verdict.end_char, verdict.rule


def _is_right(verdict: Verdict) -> bool:
    is_named = verdict.behaviour != NO_FINDING or verdict.judgement == "correct"
    return is_named and label_of(verdict) == verdict.behaviour


def _word_of(verdict: Verdict) -> str:
    return verdict.judgement if _is_right(verdict) or verdict.judgement == "wrong" else _ANOTHER


def _in_order(verdicts: Iterable[Verdict]) -> list[str]:
    judged = {verdict.behaviour for verdict in verdicts}
    return [*(name for name in BEHAVIOURS if name in judged), *sorted(judged - set(BEHAVIOURS))]


def _figures(name: str, said: Mapping[int, Verdict], drawn: Sequence[Drawn] | None) -> dict[str, Any]:
    """Return how many findings of a behaviour there are, how many were judged and right, and the share of right ones in the run
    with its interval; None for that where the judged ones do not speak for the others.
    """
    judged = [verdict for verdict in said.values() if verdict.behaviour == name]
    right = sum(map(_is_right, judged))
    strata = [one for one in drawn or () if one.behaviour == name]
    findings = sum(one.size for one in strata) if drawn is not None else None
    figure: tuple[float | None, ...] = (None, None, None)
    has_whole_sample = all(key in said for one in strata for key in one.keys)
    if has_whole_sample and findings == len(judged):
        figure = (right / len(judged), *wilson(right, len(judged)))
    elif strata and has_whole_sample:
        figure = precision([_checked(one, said) for one in strata]) or figure
    share, low, high = figure
    told = {"findings": findings, "judged": len(judged), "right": right}
    return {**told, "precision": share, "low": low, "high": high}


def _checked(one: Drawn, said: Mapping[int, Verdict]) -> Stratum:
    right = sum(_is_right(said[key]) for key in one.keys)
    return Stratum(one.behaviour, one.outcome, one.size, len(one.keys), len(one.keys), right)


def _missed(said: Mapping[int, Verdict], drawn: Sequence[Drawn] | None) -> dict[str, Any] | None:
    """Return in how many rows without a finding people found something; None unless all that were drawn of them were judged."""
    strata = [one for one in drawn or () if one.behaviour == NO_FINDING and one.keys]
    if not strata or not all(key in said for one in strata for key in one.keys):
        return None
    judged = [said[key] for one in strata for key in one.keys]
    rows, missed = sum(one.size for one in strata), sum(not _is_right(verdict) for verdict in judged)
    low, high = wilson(missed, len(judged))
    return {
        "rows": rows,
        "judged": len(judged),
        "missed": missed,
        "share": missed / len(judged),
        "low": low,
        "high": high,
    }
