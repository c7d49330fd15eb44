"""From a person's judgement to what is kept of it: one verdict on one finding. Standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["JUDGEMENTS", "REWRITES", "Judgement", "Verdict"]

Judgement = Literal["correct", "wrong", "mend", "drop", "skip"]
JUDGEMENTS: tuple[Judgement, ...] = ("correct", "wrong", "mend", "drop", "skip")
REWRITES: frozenset[Judgement] = frozenset(("mend", "drop"))
"""Those that ask for a change of the row: they take a finding, and a run that keeps rows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `by` said at `at` (ISO 8601, UTC) of the finding at this place of `row`; offsets are code points.

    `corrected_behaviour` is what it is instead, where the place is right and the behaviour is not.
    """

    row: int
    behaviour: str
    turn: int
    field: str
    start_char: int
    end_char: int
    rule: str
    judgement: Judgement
    corrected_behaviour: str | None
    by: str
    at: str
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values, keys in a fixed order."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Verdict:
        """Rebuild a verdict from `as_json`."""
        return cls(**values)
