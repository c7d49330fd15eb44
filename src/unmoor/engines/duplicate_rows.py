"""From the list of duplicates to the rows of a chunk: which of them go, and what the ledger says of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["DUPLICATE", "DuplicateRows", "duplicate_entry"]

DUPLICATE = np.dtype([("row", "<i8"), ("kept_row", "<i8"), ("similarity", "<f4")])
"""A row that goes, the row that stays in its place, how alike they are (0 to 1)."""


class DuplicateRows:
    """The list as it lies on disk, sorted by row; every process maps it into its memory."""

    def __init__(self, path: Path) -> None:
        self._rows = np.load(path, mmap_mode="r")

    def between(self, first_row: int, last_row: int) -> dict[int, tuple[int, float]]:
        """Return (kept row, similarity) of the duplicates from `first_row` to `last_row`, both included."""
        low, high = np.searchsorted(self._rows["row"], (first_row, last_row + 1))
        return {int(row): (int(kept), float(similarity)) for row, kept, similarity in self._rows[low:high].tolist()}

    def among(self, numbers: Iterable[int]) -> dict[int, tuple[int, float]]:
        """Return the same for rows given by number, in rising order."""
        rows = list(numbers)
        return self.between(rows[0], rows[-1]) if rows else {}


def duplicate_entry(number: int, of: tuple[int, float], found: dict[str, Any] | None, language: str) -> dict[str, Any]:
    """Return the ledger entry of a duplicate in a language; `found` is the entry that it would have had for its own sake."""
    kept_row, similarity = of[0], round(of[1], 4)
    alike = "the same as" if similarity == 1 else f"{min(similarity, 0.99):.0%} like"
    found = found or {"row": number, "findings": [], "is_floor": False, "language": language}
    places = list(range(len(found["findings"])))
    return {
        **found,
        "outcome": "removed",
        "reason": f"removed: {alike} row {kept_row}",
        "edits": [],
        "labels": [],
        "needs_review": False,
        "waits_for": [],
        "acted_on": [],
        "left_alone": {"duplicate": places} if places else {},
        "after": None,
        "duplicate_of": kept_row,
        "similarity": similarity,
    }
