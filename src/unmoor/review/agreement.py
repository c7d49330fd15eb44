"""From two people's verdicts, or a person's and the machine's, to how far they agree, people beyond chance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from unmoor.records.kappa import FEWEST_PAIRS, kappa
from unmoor.records.verdict import Verdict

__all__ = ["MACHINE", "NO_FINDING", "Agreement", "agreements", "kappa", "label_of"]

MACHINE = "the machine"
NO_FINDING = "no finding"
"""The behaviour of a row in which nothing was found, and what a person says of a finding that is none."""
_RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far `first` and `second` say the same of the `items` findings that both judged: shares from 0 to 1, kappa to 1.

    `kappa`, `low` and `high` are None where chance alone would make them agree always, there is too little to compare, or one of
    them is the machine: it says of every finding that it is there, so chance and what was seen are the same share.
    """

    first: str
    second: str
    items: int
    share: float
    kappa: float | None
    low: float | None
    high: float | None

    @property
    def is_too_few(self) -> bool:
        """Whether two people judged too few of the same findings for a kappa."""
        return self.second != MACHINE and self.items < FEWEST_PAIRS


def label_of(verdict: Verdict) -> str | None:
    """Return which behaviour a verdict says there is, `NO_FINDING` for none; None for a finding that was skipped."""
    if verdict.judgement == "skip":
        return None
    if verdict.judgement == "wrong":
        return NO_FINDING
    return verdict.corrected_behaviour or verdict.behaviour


def _choice_of(verdict: Verdict) -> str | None:
    """Return what a person chose: that the machine is right, that it is wrong, or what it is instead; None for skipped.

    Not `label_of`: the variety of what the machine said would count as agreement between people who only say yes or no to it.
    """
    label = label_of(verdict)
    if label is None or verdict.judgement == "wrong":
        return label
    return _RIGHT if label == verdict.behaviour else label


def agreements(standing: Iterable[tuple[int, Verdict]]) -> list[Agreement]:
    """Return how far each two people agree, then each person and the machine, over (key of the finding, verdict) pairs.

    Rows in which nothing was found count between people alone: a machine that is right about many of them is so about no finding.
    """
    said: dict[str, dict[int, str]] = {}
    empty: set[int] = set()
    for key, verdict in standing:
        choice = _choice_of(verdict)
        if choice is not None:
            said.setdefault(verdict.by, {})[key] = choice
        if verdict.behaviour == NO_FINDING:
            empty.add(key)
    people = sorted(said)
    between = [_agreement(one, other, said[one], said[other]) for one, other in combinations(people, 2)]
    of_findings = {person: [said[person][key] for key in said[person].keys() - empty] for person in people}
    return between + [_agreement_with_machine(person, of_findings[person]) for person in people if of_findings[person]]


def _agreement(first: str, second: str, one: dict[int, str], other: dict[int, str]) -> Agreement:
    both = [(one[key], other[key]) for key in one.keys() & other.keys()]
    share = sum(a == b for a, b in both) / len(both) if both else 0.0
    return Agreement(first, second, len(both), share, *kappa(both))


def _agreement_with_machine(person: str, choices: Sequence[str]) -> Agreement:
    share = sum(choice == _RIGHT for choice in choices) / len(choices)
    return Agreement(person, MACHINE, len(choices), share, None, None, None)
