"""From rows to counts of the terms in their requests, kept and lost apart: what the collateral section is made from.

A chunk's counts are gathered where the chunk is processed, sent back, and merged in order; memory stays bounded by forgetting the
rarest terms, which no statistic could use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from unmoor.records.patterns import pattern_when_used
from unmoor.report.requests import SampledRequests

__all__ = ["FUNCTION_WORDS", "LOST", "ChunkFacts", "terms_of"]

LOST = frozenset({"removed", "found"})
"""Outcomes that lose a row whole; `found` is a row of an audit that declines what was asked, for an audit removes nothing."""

MOST_TERMS = 50_000
"""Terms that stay when there are twice as many (some 15 MB): the rarest are forgotten then, so counts of rare terms may come out
too low, never too high."""
MOST_SOURCES = 500
"""Sources remembered: mixtures have dozens; a field with a value of its own in every row is no source."""
_REQUEST_CHARS = 400
"""Characters of a request that are looked at: topics are named early, and a pasted document would drown them."""
_WORD = pattern_when_used(r"[^\W\d_]{3,24}")
_ASCII_WORD = pattern_when_used(r"[a-z]{3,24}")
_UNSPACED = pattern_when_used(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
"""Japanese and Chinese, written without spaces: pairs of characters stand for words."""

_LITTLE_WORDS = """
about after again all also and any are ask because been before being but can could did does done each for from get
give had has have her him his how into its just like make many may more most much must need new not now one only
other our out over please should show some such tell than that the their them then there these they this those
through too use used using very want was way well were what when where which while who why will with without would
you your att det den ett för som hur med och kan jag inte har när var vad till min mitt mina der die das und ist
les des une est que para por los las
"""
FUNCTION_WORDS = frozenset(_LITTLE_WORDS.split())
"""Words that carry grammar and no topic, in the languages that are met most; elsewhere, what too many requests hold is no topic."""


def terms_of(request: str) -> set[str]:
    """Return the distinct terms of a request: words of 3 to 24 letters, pairs of unspaced characters."""
    text = request[:_REQUEST_CHARS].lower()
    if text.isascii():
        return set(_ASCII_WORD.findall(text))
    pairs = {run[i : i + 2] for run in _UNSPACED.findall(text) for i in range(len(run) - 1)}
    return pairs | set(_WORD.findall(_UNSPACED.sub(" ", text)))


class ChunkFacts:
    """What must be counted over all rows, not only over those with findings. Picklable; bounded in memory."""

    __slots__ = (
        "_forgotten",
        "languages",
        "later_requests",
        "lost",
        "lost_by",
        "lost_requests",
        "other_requests",
        "rows",
        "rows_lost",
        "seen",
        "sources",
    )

    def __init__(self) -> None:
        self.rows = 0
        self.rows_lost = 0
        self.seen: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.lost_by: dict[str, Counter[str]] = {}
        """By behaviour, the terms of the lost rows in which it was found."""
        self.languages: dict[str, Counter[str]] = {}
        self.sources: dict[str, Counter[str]] = {}
        self.lost_requests, self.other_requests = SampledRequests(), SampledRequests()
        """By what became of them, the first requests of rows."""
        self.later_requests = SampledRequests()
        """Lost requests that are not the first of their rows."""
        self._forgotten = 0

    def add_row(
        self,
        request: str,
        outcome: str,
        language: str,
        *,
        source: str = "",
        behaviours: Collection[str] = (),
        exchanges: Sequence[tuple[str, bool, Collection[str]]] = (),
    ) -> None:
        """Count one readable row: its requests, the terms of them, and its outcome by language and by the row's own source.

        `exchanges` has each request with whether it is lost and what was found in its answer; a row without them is `request`
        alone, lost as its outcome says.
        """
        told = exchanges or ((request, outcome in LOST, behaviours),)
        self.rows += 1
        self.seen.update(set().union(*(terms_of(asked) for asked, *_ in told)))
        gone = list(dict.fromkeys(asked for asked, is_lost, _ in told if is_lost))
        if gone or outcome in LOST:
            self.rows_lost += 1
            terms = set().union(*map(terms_of, gone))
            self.lost.update(terms)
            for behaviour in sorted(set(behaviours)):
                self.lost_by.setdefault(behaviour, Counter()).update(terms)
        first, is_lost, _ = told[0]
        (self.lost_requests if is_lost else self.other_requests).add(first, behaviours)
        for asked in gone:
            if asked != first or not is_lost:
                self.later_requests.add(asked)
        if language not in self.languages:
            self.languages[language] = Counter()
        self.languages[language][outcome] += 1
        if source and (source in self.sources or len(self.sources) < MOST_SOURCES):
            self.sources.setdefault(source, Counter())[outcome] += 1
        if len(self.seen) > 2 * MOST_TERMS:
            self._forget()

    def merge(self, other: ChunkFacts) -> None:
        """Take over the counts of a later chunk; the same chunks in the same order give the same counts."""
        self.rows += other.rows
        self.rows_lost += other.rows_lost
        self.seen.update(other.seen)
        self.lost.update(other.lost)
        self.lost_requests.merge(other.lost_requests)
        self.other_requests.merge(other.other_requests)
        self.later_requests.merge(other.later_requests)
        counted = (self.languages, other.languages), (self.sources, other.sources), (self.lost_by, other.lost_by)
        for mine, theirs in counted:
            for name, counts in theirs.items():
                mine.setdefault(name, Counter()).update(counts)
        if len(self.seen) > 2 * MOST_TERMS:
            self._forget()

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON, for a checkpoint or a shard."""
        return {
            "rows": self.rows,
            "rows_lost": self.rows_lost,
            "seen": dict(self.seen),
            "lost": dict(self.lost),
            "lost_by": {behaviour: dict(terms) for behaviour, terms in self.lost_by.items()},
            "languages": {language: dict(outcomes) for language, outcomes in self.languages.items()},
            "sources": {source: dict(outcomes) for source, outcomes in self.sources.items()},
            "lost_requests": self.lost_requests.as_json(),
            "other_requests": self.other_requests.as_json(),
            "later_requests": self.later_requests.as_json(),
            "forgotten": self._forgotten,
        }

    def load(self, seen: dict[str, Any]) -> None:
        """Take over the counts that `as_json` returned."""
        self.rows, self.rows_lost = seen["rows"], seen["rows_lost"]
        self.seen, self.lost = Counter(seen["seen"]), Counter(seen["lost"])
        self.lost_by = {behaviour: Counter(terms) for behaviour, terms in seen["lost_by"].items()}
        self.languages = {language: Counter(outcomes) for language, outcomes in seen["languages"].items()}
        self.sources = {source: Counter(outcomes) for source, outcomes in seen["sources"].items()}
        self.lost_requests.load(seen["lost_requests"])
        self.other_requests.load(seen["other_requests"])
        self.later_requests.load(seen["later_requests"])
        self._forgotten = seen["forgotten"]

    def _forget(self) -> None:
        """Drop the rarest terms, all of one count together, until the rest fits."""
        while len(self.seen) > MOST_TERMS:
            self._forgotten += 1
            self.seen = Counter({term: count for term, count in self.seen.items() if count > self._forgotten})
        self.lost = self._remembered(self.lost)
        self.lost_by = {behaviour: self._remembered(terms) for behaviour, terms in self.lost_by.items()}

    def _remembered(self, counts: Counter[str]) -> Counter[str]:
        return Counter({term: count for term, count in counts.items() if term in self.seen})
