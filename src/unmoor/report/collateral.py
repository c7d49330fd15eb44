"""From counts of terms to the topics that lose more rows than chance would: how a filter that eats a subject is seen.

Each term of the requests is tested against all other rows with Fisher's exact test, one-sided, and Bonferroni's correction for the
number of terms that are in rows enough to be named, whatever became of these rows. A row has lost a term that stands in a request
which went, alone with its answer or with the whole row. Rows that ask the same count as fewer in test and interval (`repeats`).
Terms that stand in the same lost rows are shown as one topic. Beside them stand groups of whole requests (`clusters`): a subject
that has many words loses a little by each of them, and much as a group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unmoor.records.intervals import wilson
from unmoor.report.clusters import clusters
from unmoor.report.requests import repeats
from unmoor.report.sample import row_hash
from unmoor.report.tails import lost_more_than_chance
from unmoor.report.terms import FUNCTION_WORDS, ChunkFacts, terms_of

__all__ = ["Collateral", "of_a_sample"]

SIGNIFICANT = 0.01
"""Corrected p-value under which a term is named."""
_FEWEST_LOST = 5
_COMMON_SHARE = 0.20
"""A term in more than this share of all requests is no topic."""
_LEAST_LIFT = 1.5
_MOST_TERMS, _MOST_TOPICS = 60, 20
_ROWS_PER_TERM = 400
"""Lost rows remembered per term, picked by hash, to see which terms stand together."""
_SAME_TOPIC = 0.6


@dataclass(slots=True)
class _Term:
    word: str
    rows: int
    lost: int
    alike: float
    """Of its rows, how many say no more than one does."""
    p_value: float
    where: dict[int, int] = field(default_factory=dict)


class Collateral:
    """Terms that lose more rows than chance would; `add_lost` then says which terms go together."""

    def __init__(self, observed: ChunkFacts | None) -> None:
        self._observed = observed or ChunkFacts()
        self._tested = 0
        self._named = self._significant()
        self._terms = {term.word: term for term in self._named[:_MOST_TERMS]}

    def _significant(self) -> list[_Term]:
        """Return the terms that lost more than chance would take, those that lost most beyond it first.

        The correction is for all that could have been named, not for those that lost rows enough: at 1% that names a term in 8%
        of runs that lose rows by chance (250 draws of 1% to 3% of Alpaca's first 8,000 rows).
        """
        seen, total, gone = self._observed.seen, self._observed.rows, self._observed.rows_lost
        most = max(_COMMON_SHARE * total, 10)
        could_be_named = {
            word: rows for word, rows in seen.items() if _FEWEST_LOST <= rows <= most and word not in FUNCTION_WORDS
        }
        candidates = [
            (word, could_be_named[word], lost)
            for word, lost in self._observed.lost.items()
            if lost >= _FEWEST_LOST and word in could_be_named
        ]
        self._tested = len(could_be_named) if candidates else 0
        lifted = [one for one in candidates if one[2] / one[1] >= _LEAST_LIFT * gone / total]
        alike = _alike(self._observed, {word for word, *_ in lifted})
        tested = [_Term(word, rows, lost, alike[word], 1.0) for word, rows, lost in lifted]
        for term in tested:
            p_value = lost_more_than_chance((term.lost, term.rows), (gone, total), term.alike)
            term.p_value = min(1.0, p_value * self._tested)
        named = [term for term in tested if term.p_value < SIGNIFICANT]
        named.sort(key=lambda term: (-_excess(term, self._observed), term.word))
        return named

    def add_lost(self, row: int, request: str) -> None:
        """Note which named terms a row holds that is lost, or of which an exchange is."""
        for word in terms_of(request) & self._terms.keys():
            term = self._terms[word]
            term.where[row_hash(row)] = row
            if len(term.where) > 2 * _ROWS_PER_TERM:
                term.where = {key: term.where[key] for key in sorted(term.where)[:_ROWS_PER_TERM]}

    def as_json(self) -> dict[str, Any]:
        """Return `topics` (terms with counts, interval, p, behaviours) and `clusters` (groups of requests with the same)."""
        rows, lost = self._observed.rows, self._observed.rows_lost
        topics: list[list[_Term]] = []
        for term in self._terms.values():
            home = next((topic for topic in topics if _go_together(topic[0], term)), None)
            if home is None:
                topics.append([term])
            else:
                home.append(term)
        return {
            "rows": rows,
            "lost": lost,
            "share": lost / rows if rows else 0.0,
            "terms_tested": self._tested,
            "terms_named": len(self._named),
            "topics": [_topic_json(topic, self._observed) for topic in topics[:_MOST_TOPICS]],
            "clusters": clusters(self._observed.lost_requests, self._observed.other_requests),
        }


def of_a_sample(collateral: Mapping[str, Any], sample: Mapping[str, int]) -> dict[str, Any]:
    """Return the figures with the mark that a sample of the rows was looked at: its `rows`, and those `not_looked_at`."""
    return {**collateral, "sample": dict(sample), "clusters": {**collateral["clusters"], "is_sample": True}}


def _alike(observed: ChunkFacts, words: set[str]) -> dict[str, float]:
    """Return of how many rows of each word one says as much, by how often its lost requests were asked."""
    asked: dict[str, list[int]] = {word: [] for word in words}
    for one in (*observed.lost_requests.items(), *observed.later_requests.items()):
        for word in terms_of(one.text) & words:
            asked[word].append(one.rows)
    return {word: repeats(rows) for word, rows in asked.items()}


def _excess(term: _Term, observed: ChunkFacts) -> float:
    """Return how many rows the term lost beyond its share of all losses."""
    return term.lost - term.rows * observed.rows_lost / observed.rows


def _go_together(lead: _Term, term: _Term) -> bool:
    """Return whether most of the lost rows of the rarer term are lost rows of the other.

    Only hashes that both terms would have remembered are compared, so that forgetting does not look like standing apart.
    """
    full = [max(t.where) for t in (lead, term) if len(t.where) >= _ROWS_PER_TERM]
    limit = min(full, default=None)
    first, second = ({key for key in t.where if limit is None or key <= limit} for t in (lead, term))
    smaller = min(len(first), len(second))
    return smaller > 0 and len(first & second) / smaller >= _SAME_TOPIC


def _topic_json(topic: list[_Term], observed: ChunkFacts) -> dict[str, Any]:
    lead = topic[0]
    low, high = wilson(lead.lost / lead.alike, lead.rows / lead.alike)
    base = observed.rows_lost / observed.rows
    found = Counter({name: terms[lead.word] for name, terms in sorted(observed.lost_by.items()) if lead.word in terms})
    return {
        "term": lead.word,
        "with": [term.word for term in topic[1:9]],
        "rows": lead.rows,
        "lost": lead.lost,
        "expected": round(lead.rows * base, 1),
        "share": lead.lost / lead.rows,
        "low": low,
        "high": high,
        "times": round(lead.lost / lead.rows / base, 1),
        "p_value": lead.p_value,
        "behaviours": dict(found.most_common(3)),
    }
