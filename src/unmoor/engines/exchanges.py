"""From a row and its ledger entry to what an observer is told of it: what was asked, which of it is lost, and where it is from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from unmoor.engines.job import FOUND_FROM
from unmoor.policy import turns_to_remove
from unmoor.records import REFUSALS, Conversation, Edit

__all__ = ["counts", "exchanges_told", "source_of"]

_SOURCE_KEYS = ("source", "dataset", "data_source", "origin")


def exchanges_told(
    conversation: Conversation, outcome: str, entry: Mapping[str, Any] | None
) -> list[tuple[str, bool, Collection[str]]]:
    """Return each request of a row, whether it is lost (taken out with its answer, or in an audit, `found`, declined), and the
    behaviours that count in what answers it.

    `entry` is the ledger's, None of a row in which nothing was found.
    """
    asked = [place for place, turn in enumerate(conversation.turns) if turn.role == "user"]
    found: dict[int, set[str]] = {}
    for finding in entry["findings"] if entry is not None else ():
        if counts(finding) and (before := [place for place in asked if place < finding["turn"]]):
            found.setdefault(before[-1], set()).add(finding["behaviour"])
    lost = _lost_turns(conversation, outcome, entry, found)
    return [(conversation.turns[place].text, place in lost, found.get(place, ())) for place in asked]


def counts(finding: Mapping[str, Any]) -> bool:
    """Return whether a finding of a ledger entry counts: outside reasoning, and more likely than not."""
    return bool(finding["probability"] >= FOUND_FROM and not finding["is_reasoning"])


def _lost_turns(
    conversation: Conversation, outcome: str, entry: Mapping[str, Any] | None, found: Mapping[int, set[str]]
) -> Collection[int]:
    """Return the places of turns that are lost; of an audit those of the requests whose answers decline."""
    if outcome == "removed":
        return range(len(conversation.turns))
    if entry is None:
        return ()
    if outcome != "found":
        return turns_to_remove(conversation, [Edit(edit["action"], edit["turn"]) for edit in entry["edits"]])
    return {place for place, behaviours in found.items() if not behaviours.isdisjoint(REFUSALS)}


def source_of(row: Mapping[str, Any]) -> str:
    """Return what a row itself says of where it is from, as mixtures of data sets do; the empty string if it does not."""
    if row.keys().isdisjoint(_SOURCE_KEYS):
        return ""
    return next((value for key in _SOURCE_KEYS if isinstance(value := row.get(key), str)), "")[:80]
