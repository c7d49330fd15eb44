"""From sampled requests to the groups of them that lose more rows than chance would: what no single word shows.

Requests are grouped by their words alone, without a look at what became of their rows, so a group may be tested on it: against all
others, with Fisher's exact test, one-sided, and Bonferroni's correction for the number of groups. Rows that ask the same count as
fewer in test and interval (`repeats`). Lost and other rows are sampled apart; such sampling by the outcome leaves the odds ratio as
it is, and shares are turned back by the known rates.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from unmoor.records.intervals import wilson
from unmoor.report.excerpts import short_text
from unmoor.report.grouping import group
from unmoor.report.requests import Asked, SampledRequests, repeats
from unmoor.report.tails import lost_more_than_chance
from unmoor.report.terms import FUNCTION_WORDS, terms_of

__all__ = ["clusters"]

SIGNIFICANT = 0.01
_FEWEST_LOST = 5
_LEAST_LIFT = 1.5
_COMMON_SHARE = 0.20
"""A term in more than this share of the sampled requests tells groups not apart."""
_MOST_SHOWN, _EXAMPLES, _EXAMPLE_CHARS = 20, 2, 160


def clusters(lost: SampledRequests, other: SampledRequests) -> dict[str, Any]:
    """Return `{"rows", "lost", "is_sample", "groups", "named": [...], "not_listed"}`; counts are of the rows looked at, and
    `not_listed` is how many groups more than the listed ones lost more than chance would take.
    """
    gone, stayed = lost.items(), other.items()
    is_enough = sum(asked.rows for asked in gone) >= _FEWEST_LOST
    texts = [terms_of(asked.text) for asked in (*gone, *stayed)] if is_enough else []
    grouping = group(_distinctive(texts))
    labels = grouping.labels or [-1] * (len(gone) + len(stayed))
    of_gone, of_stayed = labels[: len(gone)], labels[len(gone) :]
    sides = _Side.of(lost, gone, of_gone), _Side.of(other, stayed, of_stayed)
    by_group: dict[int, list[int]] = {}
    for asked, label in zip(gone, of_gone, strict=True):
        by_group.setdefault(label, []).append(asked.rows)
    tested = [
        _tested(index, sides, repeats(by_group.get(index, ())), len(grouping.terms))
        for index in range(len(grouping.terms))
    ]
    named = [found for found in tested if found is not None and found["p_value"] < SIGNIFICANT]
    named.sort(key=lambda found: (-found["lost"] * (1 - 1 / found["times"]), found["group"]))
    for figures in named[:_MOST_SHOWN]:
        number = figures.pop("group")
        inside = [asked for asked, label in zip(gone, of_gone, strict=True) if label == number]
        figures.update(_described(grouping.terms[number], inside))
    return {
        "rows": sides[0].rows + sides[1].rows,
        "lost": sides[0].rows,
        "is_sample": not (lost.is_whole and other.is_whole),
        "groups": len(grouping.terms),
        "named": named[:_MOST_SHOWN],
        "not_listed": len(named[_MOST_SHOWN:]),
    }


def _distinctive(texts: list[set[str]]) -> list[frozenset[str]]:
    """Return the texts without words of grammar and without what most of them hold."""
    frequency = Counter(term for text in texts for term in text)
    most = max(_COMMON_SHARE * len(texts), 10)
    dull = FUNCTION_WORDS | {term for term, count in frequency.items() if count > most}
    return [frozenset(text - dull) for text in texts]


@dataclass(frozen=True, slots=True)
class _Side:
    """The sampled rows of one outcome by group. `rate` is the share of all its rows that was sampled."""

    by_group: Counter[int]
    rows: int
    rate: float

    @classmethod
    def of(cls, sampled: SampledRequests, items: list[Asked], labels: list[int]) -> _Side:
        by_group: Counter[int] = Counter()
        for asked, label in zip(items, labels, strict=True):
            by_group[label] += asked.rows
        rows = by_group.total()
        return cls(by_group, rows, rows / sampled.rows if sampled.rows else 1.0)


def _tested(index: int, sides: tuple[_Side, _Side], alike: float, groups: int) -> dict[str, Any] | None:
    """Return the figures of a group that loses more than its share, None of any other; `alike` of its rows say what one does."""
    lost, other = sides
    gone, rows = lost.by_group[index], lost.by_group[index] + other.by_group[index]
    if gone < _FEWEST_LOST:
        return None
    base = _unweighted(lost.rows / (lost.rows + other.rows), lost, other)
    share = _unweighted(gone / rows, lost, other)
    if share < _LEAST_LIFT * base:
        return None
    low, high = (_unweighted(bound, lost, other) for bound in wilson(gone / alike, rows / alike))
    p_value = lost_more_than_chance((gone, rows), (lost.rows, lost.rows + other.rows), alike)
    return {"group": index, "rows": rows, "lost": gone, "share": share, "low": low, "high": high} | {
        "times": round(share / base, 1),
        "p_value": min(1.0, p_value * groups),
    }


def _unweighted(sampled: float, lost: _Side, other: _Side) -> float:
    """Return the share among all rows of what has the share `sampled` among the sampled ones."""
    gone, stayed = sampled / lost.rate, (1 - sampled) / other.rate
    return gone / (gone + stayed)


def _described(terms: list[str], inside: list[Asked]) -> dict[str, Any]:
    """Return what a group is about: its terms, what was found in its lost rows, and those of its lost requests that say it best."""
    behaviours: Counter[str] = Counter()
    for asked in inside:
        behaviours.update(asked.behaviours)
    nearest = sorted(inside, key=lambda asked: -len(terms_of(asked.text) & set(terms)))
    return {
        "terms": terms,
        "behaviours": dict(behaviours.most_common(3)),
        "requests": [short_text(asked.text, _EXAMPLE_CHARS) for asked in nearest[:_EXAMPLES]],
    }
