"""From a row that was changed to the columns in which the words that went from it stand once more."""

from __future__ import annotations

import json
from collections.abc import Set
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
    gone = {written for words in gone if len(words) >= _LEAST_CHARS for written in _written(words)}
    return tuple(
        key for key, value in row.items() if key not in read and "reject" not in key.casefold() and _says(value, gone)
    )


def _written(words: str) -> tuple[str, str, str]:
    """Return words as they are, and as they stand in a text that holds JSON."""
    return words, json.dumps(words)[1:-1], json.dumps(words, ensure_ascii=False)[1:-1]


def _says(value: Any, gone: Set[str]) -> bool:
    if isinstance(value, str):
        return any(words in value for words in gone)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_says(each, gone) for each in inner)
