"""Rows without a finding in a sampled audit are searched as far as those with one are: more would tell who looks blind."""

from __future__ import annotations

from unmoor.records import Conversation, Turn
from unmoor.review.unlisted import said_in


def test_words_are_searched_as_far_as_a_ledger_has_them() -> None:
    read = Conversation(
        (Turn("user", "why " * 149 + "late1 late2"), Turn("assistant", "so " * 665 + "late3 late4", is_target=True))
    )
    said = said_in(read)
    assert "late3" in said and "late2" not in said and "late4" not in said
