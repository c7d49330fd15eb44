"""From a row that was changed to the columns in which the words that went from it stand once more."""

from __future__ import annotations

import json
from typing import Any

from unmoor.records import Conversation, Decision, Row

__all__ = ["columns_that_still_say_it"]

_LEAST_CHARS = 15
"""Code points of words that tell a copy: shorter ones stand anywhere."""


def columns_that_still_say_it(row: Row, conversation: Conversation, decision: Decision) -> tuple[str, ...]:
    """Return the columns that the layout does not read and that hold words which were cut or dropped.

    Many files have a conversation twice, as messages and set in a template, and who trains on the other one trains on what went.
    The side of a pair that is trained away from may say anything.
    """
    read = {piece.path[0] for turn in conversation.turns for piece in turn.pieces}
    acting = {edit.turn for edit in decision.edits if edit.action != "mask"}
    gone = {found.quote.strip() for found in decision.acted_on if found.turn in acting and found.field == "text"}
    gone = {words for words in gone if len(words) >= _LEAST_CHARS}
    return tuple(
        key
        for key, value in row.items()
        if key not in read and "reject" not in key.casefold() and any(_says(value, words) for words in gone)
    )


def _says(value: Any, words: str) -> bool:
    if isinstance(value, str):
        return (
            words in value or json.dumps(words)[1:-1] in value or json.dumps(words, ensure_ascii=False)[1:-1] in value
        )
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_says(each, words) for each in inner)
