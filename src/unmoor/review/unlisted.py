"""The rows without a finding that a sampled audit draws, shown as those with one are."""

from __future__ import annotations

from typing import Any

from unmoor.records import Conversation, Finding
from unmoor.review.agreement import NO_FINDING

__all__ = ["asked_in", "entry_of"]


def asked_in(read: Conversation) -> str:
    """Return the request before the answer that is judged."""
    return read.request_before(_answer(read))


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
