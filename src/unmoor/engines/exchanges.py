"""From a row and its ledger entry to what an observer is told of it: what was asked, which of it is lost, and where it is from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from unmoor.engines.job import FOUND_FROM
from unmoor.policy import turns_to_remove
from unmoor.records import REFUSALS, Conversation, Edit

__all__ = ["exchanges_told", "source_of"]

_SOURCE_KEYS = ("source", "dataset", "data_source", "origin")


def exchanges_told(conversation: Conversation, outcome: str, entry: Mapping[str, Any] | None) -> list[tuple[str, bool]]:
    """Return each request of a row, and whether it is lost: taken out with its answer, or in an audit (`found`) declined.

    `entry` is the ledger's, None of a row in which nothing was found.
    """
    lost = _lost_turns(conversation, outcome, entry)
    return [(turn.text, place in lost) for place, turn in enumerate(conversation.turns) if turn.role == "user"]


def _lost_turns(conversation: Conversation, outcome: str, entry: Mapping[str, Any] | None) -> Collection[int]:
    """Return the places of turns that are lost; of an audit those of the requests whose answers decline."""
    if outcome == "removed":
        return range(len(conversation.turns))
    if entry is None:
        return ()
    if outcome != "found":
        return turns_to_remove(conversation, [Edit(edit["action"], edit["turn"]) for edit in entry["edits"]])
    declining = {
        finding["turn"]
        for finding in entry["findings"]
        if finding["behaviour"] in REFUSALS and finding["probability"] >= FOUND_FROM and not finding["is_reasoning"]
    }
    asked = [place for place, turn in enumerate(conversation.turns) if turn.role == "user"]
    return {max(before) for turn in declining if (before := [place for place in asked if place < turn])}


def source_of(row: Mapping[str, Any]) -> str:
    """Return what a row itself says of where it is from, as mixtures of data sets do; the empty string if it does not."""
    if row.keys().isdisjoint(_SOURCE_KEYS):
        return ""
    return next((value for key in _SOURCE_KEYS if isinstance(value := row.get(key), str)), "")[:80]
