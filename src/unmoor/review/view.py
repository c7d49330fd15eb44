"""From a query to which findings are looked at and in which order, and back: all of it in the address of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode

from unmoor.records.verdict import JUDGEMENTS

__all__ = ["ORDERS", "View"]

ORDERS: dict[str, tuple[str, ...]] = {"row": ("id",), "uncertain": ("doubt", "id"), "random": ("shuffle", "id")}
"""Order to the columns of the index that it goes by; the last tells all items apart, so paging never skips one."""

_NAMES = ("behaviour", "language", "rule", "outcome", "text")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class View:
    """Which findings: every filter that is not None must fit. Probabilities from `low` to below `high` (to 1 where it is 1).

    `verdict` is of the person who looks: `none`, `any`, or a judgement. `sample` is the audit's sample, rows without a finding too;
    `waiting` are the findings of the rows that wait for a person.
    """

    behaviour: str | None = None
    language: str | None = None
    rule: str | None = None
    outcome: str | None = None
    verdict: str | None = None
    low: float | None = None
    high: float | None = None
    order: str = "row"
    text: str | None = None
    sample: bool = False
    waiting: bool = False
    blind: bool = False

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> View:
        """Return the view of a query; names that are not known and values that cannot be are left out."""
        kept: dict[str, Any] = {name: query[name][:_LONGEST] for name in _NAMES if query.get(name, "").strip()}
        if query.get("verdict") in {"none", "any", *JUDGEMENTS}:
            kept["verdict"] = query["verdict"]
        if query.get("order") in ORDERS:
            kept["order"] = query["order"]
        kept |= {name: share for name in ("low", "high") if (share := _share(query.get(name, ""))) is not None}
        kept |= {name: query.get(name) == "1" for name in ("sample", "waiting", "blind")}
        return cls(**kept)

    def to_query(self) -> str:
        """Return the query that `from_query` reads back, without what is as it always is."""
        usual = View()
        pairs = [(each.name, getattr(self, each.name)) for each in fields(self)]
        said = {name: 1 if value is True else value for name, value in pairs if value != getattr(usual, name)}
        return urlencode(said, errors="replace")


def _share(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None
