"""From the rows that an engine reads to what the report says over all of them: words, languages, sources, mirrored subjects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from unmoor.detectors import PairCounts, load_pairs
from unmoor.engines import Job
from unmoor.errors import UsageError
from unmoor.report.terms import ChunkFacts

__all__ = ["PairedFacts", "counting_pairs", "observer_of"]


class PairedFacts(ChunkFacts):
    """What `ChunkFacts` gathers, and how mirrored subjects are treated; `path` names a pair list, None the one that ships."""

    __slots__ = ("pairs",)

    def __init__(self, path: Path | None = None) -> None:
        super().__init__()
        self.pairs = PairCounts(load_pairs(path))

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
        """Count one row."""
        super().add_row(request, outcome, language, source=source, behaviours=behaviours, exchanges=exchanges)
        self.pairs.add([(asked, found) for asked, _, found in exchanges] or [(request, behaviours)])

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
    return replace(job, observer=partial(PairedFacts, path), pairs=_hash_of(path))


def observer_of(counted: Mapping[str, Any] | None, path: Path | None = None) -> Callable[[], ChunkFacts]:
    """Return what takes over what runs gathered of which the plan has `counted` under `pairs`; `path` names their pair list, None
    the one that ships.

    Raises:
        UsageError: they counted other pairs, or none.
    """
    if counted is None and path is None:
        return ChunkFacts
    if counted is None:
        raise UsageError(f"--pair-list {path}: these shards counted no pairs. Next: leave it out")
    if counted.get("sha256") == _hash_of(path):
        return partial(PairedFacts, path)
    named = f"other pairs than those in {path}" if path else "pairs of a list of its own"
    raise UsageError(f"unmoor audit counted {named}. Next: --pair-list and the file that these shards were made with")


def _hash_of(path: Path | None) -> str:
    return hashlib.sha256(repr(load_pairs(path)).encode()).hexdigest()
