"""From a twin's rows to what its trainer would make of them, known before a step is trained.

    of_prepared(prepared, template) -> Preflight

`prepared` are the rows as `gather` gives them. Nothing is kept but counts and the rows that are dropped or cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unmoor.errors import BadDataError
from unmoor.training.prepare import Prepared
from unmoor.training.rule import Cut, Rule
from unmoor.training.template import MARKS

__all__ = ["MAX_DROPPED", "Preflight", "of_prepared", "refuse_dropped"]

MAX_DROPPED = 0.01
"""Share of a twin's rows that may be dropped unless the owner says otherwise."""

SHOWN = 10
"""Dropped rows that an error lists; the rest are in the file."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a trainer with `rule` would make of a twin's rows.

    `dropped` is row number to reason, `cuts` the rows that are truncated, `odd` row number to what is strange about
    its order of roles although it is trained on, `wordless` to what becomes of its answers without words, `unended` to how
    many answers stand before a call of a tool, so that their end is not learned. `rows_trained` and `tokens_trained` are what
    one pass holds.
    `has_mask` is false where the template has no mark of what the assistant says.
    """

    rule: Rule
    rows: int
    rows_trained: int
    tokens_trained: int
    dropped: dict[int, str]
    cuts: tuple[Cut, ...]
    odd: dict[int, str]
    wordless: dict[int, str]
    unended: dict[int, str]
    has_mask: bool

    @property
    def share_dropped(self) -> float:
        """Return the share of rows that would be dropped, from 0 to 1; 1 where there are no rows."""
        return len(self.dropped) / self.rows if self.rows else 1.0

    @property
    def tokens_lost(self) -> int:
        """Return how many tokens with a loss are cut off."""
        return sum(cut.trained_lost for cut in self.cuts)

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "trainer": asdict(self.rule),
            "rows": self.rows,
            "rows_trained": self.rows_trained,
            "tokens_trained": self.tokens_trained,
            "has_mask": self.has_mask,
            "rows_dropped": len(self.dropped),
            "rows_truncated": len(self.cuts),
            "tokens_lost": self.tokens_lost,
            "rows_in_odd_order": len(self.odd),
            "rows_with_wordless_answers": len(self.wordless),
            "rows_with_unended_answers": len(self.unended),
            "dropped": [{"row": row, "reason": why} for row, why in self.dropped.items()],
            "truncated": [asdict(cut) for cut in self.cuts],
            "odd_order": [{"row": row, "why": why} for row, why in self.odd.items()],
            "wordless": [{"row": row, "why": why} for row, why in self.wordless.items()],
            "unended": [{"row": row, "why": why} for row, why in self.unended.items()],
        }


def of_prepared(prepared: Prepared, template: str) -> Preflight:
    """Return what a trainer would make of rows that are prepared as its rule says."""
    return Preflight(
        prepared.rule,
        prepared.rows,
        len(prepared.examples),
        prepared.tokens_trained,
        prepared.dropped,
        prepared.cuts,
        prepared.odd,
        prepared.wordless,
        prepared.unended,
        bool(MARKS.search(template)),
    )


def refuse_dropped(checked: Mapping[str, Preflight], max_dropped: float = MAX_DROPPED, listed: str = "") -> None:
    """Fail closed where a twin would lose more than `max_dropped` (0 to 1) of its rows; `listed` is where all are.

    Raises:
        BadDataError: names the twin, the count, and the first rows with their reasons.
    """
    for name, one in checked.items():
        if one.share_dropped <= max_dropped and one.rows_trained:
            continue
        first = "\n".join(f"  row {row}: {why}" for row, why in list(one.dropped.items())[:SHOWN])
        rest = f"\n  and {len(one.dropped) - SHOWN:,} more" if len(one.dropped) > SHOWN else ""
        mask = "" if one.has_mask else " The chat template has no {% generation %} marks, so nothing has a loss."
        raise BadDataError(
            f"Twin {name}: {len(one.dropped):,} of {one.rows:,} rows would be dropped ({one.share_dropped:.1%}, "
            f"the limit is {max_dropped:.1%}).{mask}\n{first}{rest}\n"
            "Next: mend the data, a larger max_length (sequence_len in Axolotl), or --max-dropped."
            f"{f' All rows: {listed}' if listed else ''}"
        )
