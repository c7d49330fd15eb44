"""From what the demo's generator put in each row to how well an audit found it: precision and recall by row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

__all__ = ["GroundTruth", "Score", "TrueRow", "TrueTurn"]


@dataclass(frozen=True, slots=True)
class TrueTurn:
    """One exchange: the request, the answer as it stands in the file, and the answer without what it inherited.

    `clean` is None where the whole answer is inherited (a refusal).
    """

    request: str
    answer: str
    clean: str | None


@dataclass(frozen=True, slots=True)
class TrueRow:
    """What the generator put in one row.

    `behaviours` are those that an audit must find; `also` those that it may find as well (a lecture at a refusal's
    end). `row` counts from 1, as in the ledger.
    """

    row: int
    kind: str
    language: str
    system: str
    turns: tuple[TrueTurn, ...]
    behaviours: frozenset[str]
    also: frozenset[str] = frozenset()

    def messages(self) -> list[dict[str, str]]:
        """Return the row as messages with role and content."""
        turns = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns:
            turns.append({"role": "user", "content": turn.request})
            turns.append({"role": "assistant", "content": turn.answer})
        return turns


@dataclass(frozen=True, slots=True)
class Score:
    """How well an audit did, by row: shares from 0 to 1, the rows it missed and the rows it should have left alone.

    `hits` counts the rows that it found and that are so.
    """

    precision: float
    recall: float
    missed: tuple[int, ...]
    wrong: tuple[int, ...]
    hits: int

    @property
    def found(self) -> int:
        """How many rows the audit found: `precision` is a share of these."""
        return self.hits + len(self.wrong)

    @property
    def true(self) -> int:
        """How many rows there are to find: `recall` is a share of these."""
        return self.hits + len(self.missed)


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """Every row that the generator wrote, in the file's order."""

    rows: tuple[TrueRow, ...]

    def score(self, found: Mapping[int, Collection[str]], acted_on: Collection[str]) -> Score:
        """Return precision and recall of `found` (row number to behaviours) over the behaviours in `acted_on`, by
        row.

        A row counts as found if the audit names in it at least one of the behaviours it really has, or may have. A
        row with findings of which none is true counts as wrong; if it really has another behaviour, as missed as
        well.
        """
        wanted = frozenset(acted_on)
        hits, missed, wrong = 0, [], []
        for row in self.rows:
            claimed = wanted.intersection(found.get(row.row, ()))
            expected = wanted & row.behaviours
            is_hit = bool(claimed & (row.behaviours | row.also))
            hits += bool(expected) and is_hit
            missed += [row.row] if expected and not is_hit else []
            wrong += [row.row] if claimed and not is_hit else []
        precision = hits / (hits + len(wrong)) if hits + len(wrong) else 1.0
        recall = hits / (hits + len(missed)) if hits + len(missed) else 1.0
        return Score(precision, recall, tuple(missed), tuple(wrong), hits)
