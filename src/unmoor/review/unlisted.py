"""The rows without a finding that a sampled audit draws, shown and searched as those with one are."""

from __future__ import annotations

from typing import Any

from unmoor.records import Conversation, Finding
from unmoor.review.agreement import NO_FINDING

__all__ = ["asked_in", "entry_of", "said_in"]

_REQUEST_CHARS, _ANSWER_CHARS = 600, 2000
"""Code points of a request and an answer that a ledger's entry has."""


def asked_in(read: Conversation) -> str:
    """Return the request before the answer that is judged."""
    return read.request_before(_answer(read))


def said_in(read: Conversation) -> str:
    """Return the request and the answer that is judged, to search in: as much as the index has of rows with a finding, for a word
    further down that finds these alone would tell who looks blind.
    """
    answer = read.turns[_answer(read)].text if read.turns else ""
    return f"{asked_in(read)[:_REQUEST_CHARS]} {answer[:_ANSWER_CHARS]}"


def entry_of(row: int, read: Conversation | None) -> dict[str, Any]:
    """Return an entry as of the ledger, as if nothing found were its finding: in the last answer, no words of it."""
    finding = Finding(NO_FINDING, _answer(read) if read else 0, 0, 0, "", "", 0.0, detector="")
    return {
        "row": row,
        "outcome": "kept",
        "reason": "nothing was found in this row",
        "findings": [finding.as_json()],
        "edits": [],
        "needs_review": False,
        "is_floor": False,
    }


def _answer(read: Conversation) -> int:
    """Return the turn that is judged: the last answer, the first turn if there is none."""
    return max((index for index, turn in enumerate(read.turns) if turn.role == "assistant"), default=0)
