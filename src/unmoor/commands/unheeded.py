"""From verdicts and the ledger of the run that carried them out to those of which nothing came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from unmoor.records import Left, Verdict
from unmoor.records.verdict import REWRITES

__all__ = ["entries_judged", "last_words", "not_carried_out", "on_duplicates", "place_of"]

_PLACE = ("turn", "field", "start_char", "end_char", "rule")
"""Where in its row a finding stands, whatever behaviour it is called."""
_ROW = b'{"row":'
"""How every line of a ledger begins."""
_ByRow = Mapping[int, tuple[Verdict, ...]]


def place_of(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return where in its row a finding of a ledger stands."""
    return tuple(finding[name] for name in _PLACE)


def last_words(by_row: _ByRow) -> list[Verdict]:
    """Return the newest verdict on each finding; a skip is none."""
    said = (verdict for verdict in chain.from_iterable(by_row.values()) if verdict.judgement != "skip")
    return list({(verdict.row, *_finding_of(verdict)): verdict for verdict in said}.values())


def entries_judged(by_row: _ByRow, ledger: Path) -> list[dict[str, Any]]:
    """Return the entries of a ledger whose rows people judged; the other lines are not parsed."""
    with ledger.open("rb") as file:
        judged = (line for line in file if int(line[len(_ROW) : line.index(b",")]) in by_row)
        return [orjson.loads(line) for line in judged]


def not_carried_out(by_row: _ByRow, entries: Iterable[Mapping[str, Any]]) -> dict[Left, int]:
    """Return on how many findings people asked for a mend or a drop and nothing followed, by why."""
    asked = {
        (verdict.row, verdict.corrected_behaviour or verdict.behaviour, *_place_of_verdict(verdict))
        for verdict in last_words(by_row)
        if verdict.judgement in REWRITES
    }
    left: Counter[Left] = Counter()
    for entry in entries:
        for why, places in entry["left_alone"].items():
            findings = (entry["findings"][place] for place in places)
            left[why] += sum((entry["row"], one["behaviour"], *place_of(one)) in asked for one in findings)
    return {why: left[why] for why in sorted(left) if left[why]}


def on_duplicates(by_row: _ByRow, entries: Iterable[Mapping[str, Any]]) -> list[dict[str, int]]:
    """Return the rows that went for one that says the same although people judged them, each with the one that stays.

    A mend or a drop is told by `not_carried_out`; a row of which the same was said as of the one that stays is left out.
    """
    said: dict[int, set[tuple[Any, ...]]] = {}
    for verdict in last_words(by_row):
        if verdict.judgement not in REWRITES:
            words = (verdict.judgement, verdict.corrected_behaviour, *_finding_of(verdict))
            said.setdefault(verdict.row, set()).add(words)
    found = []
    for entry in entries:
        row = entry["row"]
        if row in said and entry.get("similarity") == 1 and not said[row] <= said.get(entry["duplicate_of"], set()):
            found.append({"row": row, "stays": entry["duplicate_of"]})
    return found


def _finding_of(verdict: Verdict) -> tuple[Any, ...]:
    return verdict.behaviour, *_place_of_verdict(verdict)


def _place_of_verdict(verdict: Verdict) -> tuple[Any, ...]:
    return tuple(getattr(verdict, name) for name in _PLACE)
