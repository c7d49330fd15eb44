"""From many rows to a few: a random sample that is the same however the rows were cut into chunks, in bounded memory.

A row is in the sample if the hash of its number is among the smallest. Nobody picks, and two runs pick alike.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

__all__ = ["Sample", "row_hash"]

_MASK = 2**64 - 1


def row_hash(row: int) -> int:
    """Return a well-mixed 64-bit number for a row number (splitmix64, Steele et al. 2014)."""
    mixed = (row + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


class Sample:
    """The `size` rows of smallest hash among those offered."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[int, int, dict[str, Any]]] = []

    def offer(self, row: int, make: Callable[[], dict[str, Any]]) -> None:
        """Offer a row; `make` is called only if it is taken."""
        key = -row_hash(row)
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (key, row, make()))
        elif key > self._heap[0][0]:
            heapq.heapreplace(self._heap, (key, row, make()))

    def items(self) -> list[dict[str, Any]]:
        """Return what was made of the sampled rows, in the order of their hashes."""
        return [item for _, _, item in sorted(self._heap, key=lambda taken: (-taken[0], taken[1]))]
