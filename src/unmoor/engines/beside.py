"""From ledger entries to how a word list and our detectors compare: rows that both take for refusals, rows that one does alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from unmoor.detectors import words_around
from unmoor.records import REFUSALS

__all__ = ["FOUND_BY", "Beside"]

FOUND_BY = ("both", "only_wordlist", "only_unmoor")
_WORDLIST = ("wordlist",)
_MOST_EXAMPLES = 10


class Beside:
    """Rows by who takes them for refusals, `FOUND_BY`, and the first of each kind with what was found there."""

    __slots__ = ("_examples", "_rows")

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._examples: dict[str, list[dict[str, Any]]] = {kind: [] for kind in FOUND_BY}

    def add(self, entry: dict[str, Any], behaviours: Collection[str]) -> None:
        """Count one row by its ledger entry and the behaviours that count in it."""
        is_listed, refuses = "wordlist" in behaviours, any(behaviour in REFUSALS for behaviour in behaviours)
        if not (is_listed or refuses):
            return
        kind = "both" if is_listed and refuses else "only_wordlist" if is_listed else "only_unmoor"
        self._rows[kind] += 1
        if len(self._examples[kind]) < _MOST_EXAMPLES:
            self._examples[kind].append(_example(entry, is_listed=is_listed, refuses=refuses))

    def merge(self, other: Beside) -> None:
        """Take over what was counted in rows further down."""
        self.load(other.as_json())

    def load(self, counted: dict[str, Any], *, rows_before: int = 0) -> None:
        """Take over what `as_json` returned of rows further down; `rows_before` is how many rows stand before their first."""
        for kind, told in counted.items():
            self._rows[kind] += told["rows"]
            shifted = [{**example, "row": example["row"] + rows_before} for example in told["examples"]]
            self._examples[kind] = [*self._examples[kind], *shifted][:_MOST_EXAMPLES]

    def as_json(self) -> dict[str, Any]:
        """Return rows and examples by who found something."""
        return {kind: {"rows": self._rows[kind], "examples": self._examples[kind]} for kind in FOUND_BY}


def _example(entry: dict[str, Any], *, is_listed: bool, refuses: bool) -> dict[str, Any]:
    """Return a row with the phrase of the list and the rule of ours that found it, null where none did, and the words there."""
    listed = _surest(entry, _WORDLIST) if is_listed else None
    ours = _surest(entry, REFUSALS) if refuses else None
    words = ours["quote"] if ours is not None else _around(entry, listed) if listed is not None else ""
    return {
        "row": entry["row"],
        "wordlist": listed and listed["rule"],
        "unmoor": ours and ours["rule"],
        "evidence": words,
    }


def _surest(entry: dict[str, Any], behaviours: Collection[str]) -> dict[str, Any]:
    found = (f for f in entry["findings"] if f["behaviour"] in behaviours and not f["is_reasoning"])
    return max(found, key=lambda finding: float(finding["probability"]))


def _around(entry: dict[str, Any], finding: dict[str, Any]) -> str:
    """Return the words around a finding, or those found alone where the entry shows another place."""
    start, end = (finding[name] - entry["answer_offset"] for name in ("start_char", "end_char"))
    shown: str = entry["answer"]
    is_there = finding["turn"] == entry["turn"] and shown[start:end] == finding["quote"]
    return words_around(shown, start, end) if is_there else str(finding["quote"])
