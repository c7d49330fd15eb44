"""From the rows that an engine reads to what the report says over all of them: words, languages, sources, mirrored subjects."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unmoor.detectors import PairCounts, load_pairs
from unmoor.engines import Job
from unmoor.report.terms import ChunkFacts

__all__ = ["PairedFacts", "counting_pairs"]


class PairedFacts(ChunkFacts):
    """What `ChunkFacts` gathers, and how mirrored subjects are treated; `path` names a pair list, None the one that ships."""

    __slots__ = ("pairs",)

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.pairs = PairCounts(load_pairs(path))

    def add_row(
        self, request: str, outcome: str, language: str, *, source: str = "", behaviours: Collection[str] = ()
    ) -> None:
        """Count one row."""
        super().add_row(request, outcome, language, source=source, behaviours=behaviours)
        self.pairs.add(request, behaviours)

    def merge(self, other: ChunkFacts) -> None:
        """Take over the counts of a later chunk."""
        super().merge(other)
        if isinstance(other, PairedFacts):
            self.pairs.merge(other.pairs)

    def as_json(self) -> dict[str, Any]:
        """Return the counts as JSON."""
        return {**super().as_json(), "pairs": self.pairs.as_json()}

    def load(self, seen: dict[str, Any]) -> None:
        """Take over the counts that `as_json` returned."""
        super().load(seen)
        self.pairs.load(seen["pairs"])


def counting_pairs(job: Job, path: Path | None = None) -> Job:
    """Return the job with mirrored subjects counted: those of the pair list at `path`, None for the one that ships.

    Raises:
        UsageError: the list cannot be read, which is so said before any row is.
    """
    pairs = hashlib.sha256(repr(load_pairs(path)).encode()).hexdigest()
    return replace(job, observer=partial(PairedFacts, path), pairs=pairs)
