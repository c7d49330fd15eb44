"""From rows to a bounded sample of what was asked, lost and other rows apart: what groups of requests are made from.

A request is in the sample if its hash is among the smallest, so the sample is the same however rows were cut into chunks, and every
row that asks the same counts with it. Lost rows have a sample of their own: where few are lost, a common one would hold none.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MOST_REQUESTS", "Asked", "SampledRequests", "repeats"]

MOST_REQUESTS = 5_000
"""Different requests in one sample: some 3 MB, and grouped in seconds."""
_CHARS = 400
"""Characters of a request that are kept and told apart, as many as its terms are taken from."""


def repeats(rows: Iterable[int]) -> float:
    """Return how many rows say no more than one does, from the `rows` of each different request: 1 where each was asked once.

    What a filter does to one row it does to most that ask the same, so these are no rows apart. Source of the effect: L. Kish,
    Survey Sampling (1965), for clusters whose members are all alike, which is the widest that an interval can be.
    """
    counts = list(rows)
    return sum(count**2 for count in counts) / sum(counts) if counts else 1.0


@dataclass(slots=True)
class Asked:
    """One request: its opening, the rows that ask it, and the behaviours found in them, in rows."""

    text: str
    rows: int = 0
    behaviours: Counter[str] = field(default_factory=Counter)


class SampledRequests:
    """The requests of smallest hash among all that were added; their counts are complete. Picklable; bounded in memory."""

    __slots__ = ("_asked", "_ceiling", "_size", "rows")

    def __init__(self, size: int = MOST_REQUESTS) -> None:
        self.rows = 0
        self._size = size
        self._asked: dict[int, Asked] = {}
        self._ceiling = 2**64

    def add(self, request: str, behaviours: Collection[str] = ()) -> None:
        """Count one row; a row that asks nothing belongs to no group."""
        opening = request[:_CHARS].encode("utf-8", "replace")
        if not opening.strip():
            return
        self.rows += 1
        key = int.from_bytes(hashlib.blake2b(opening, digest_size=8).digest())
        if key >= self._ceiling:
            return
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = Asked(opening.decode())
            self._trim(2 * self._size)
        asked.rows += 1
        if behaviours:
            asked.behaviours.update(sorted(set(behaviours)))

    def merge(self, other: SampledRequests) -> None:
        """Take over the sample of a later chunk."""
        self.rows += other.rows
        self._ceiling = min(self._ceiling, other._ceiling)
        for key, theirs in other._asked.items():
            mine = self._asked.setdefault(key, Asked(theirs.text))
            mine.rows += theirs.rows
            mine.behaviours.update(theirs.behaviours)
        self._asked = {key: asked for key, asked in self._asked.items() if key < self._ceiling}
        self._trim(2 * self._size)

    def items(self) -> list[Asked]:
        """Return the sampled requests in the order of their hashes."""
        return [self._asked[key] for key in sorted(self._asked)[: self._size]]

    @property
    def is_whole(self) -> bool:
        """Return whether every request that was added is in the sample."""
        return self._ceiling == 2**64 and len(self._asked) <= self._size

    def as_json(self) -> dict[str, Any]:
        """Return the sample as JSON, for a checkpoint or a shard."""
        kept = sorted(self._asked)[: self._size]
        ceiling = self._ceiling if len(kept) == len(self._asked) else kept[-1] + 1
        asked = {key: self._asked[key] for key in kept}
        return {
            "rows": self.rows,
            "ceiling": str(ceiling),
            "asked": [[str(key), one.text, one.rows, dict(one.behaviours)] for key, one in asked.items()],
        }

    def load(self, seen: dict[str, Any]) -> None:
        """Take over the sample that `as_json` returned."""
        self.rows, self._ceiling = seen["rows"], int(seen["ceiling"])
        self._asked = {int(key): Asked(text, rows, Counter(found)) for key, text, rows, found in seen["asked"]}

    def _trim(self, most: int) -> None:
        """Forget all but the smallest hashes once there are more than `most`."""
        if len(self._asked) > most:
            kept = sorted(self._asked)[: self._size]
            self._ceiling = kept[-1] + 1
            self._asked = {key: self._asked[key] for key in kept}
