"""From the `history` of a row to what was said before its request: pairs of request and answer, or messages."""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.layout import text_turn
from unmoor.layouts.messages import message_turn
from unmoor.layouts.sharegpt import sharegpt_turn
from unmoor.records import Row, Turn

__all__ = ["context_turns", "history_turns"]


def history_turns(row: Row) -> tuple[Turn, ...]:
    """Return the turns of `history`, whose answers are there to be learned; a turn's position is that of its pair or message.

    Raises:
        BadRow: BAD_HISTORY, TEXT_EXPECTED or what a message raises.
    """
    said = row.get("history") or []
    if not isinstance(said, list):
        raise BadRow("BAD_HISTORY", f"history should be a list of pairs or messages, found {said!r:.40}")
    return tuple(turn for index, one in enumerate(said) for turn in _turns(one, index))


def context_turns(row: Row) -> tuple[Turn, ...]:
    """Return the same turns as context, of which nothing is learned; none where `history` holds anything else."""
    try:
        return tuple(turn._replace(is_target=False) for turn in history_turns(row))
    except BadRow:
        return ()


def _turns(one: Any, index: int) -> tuple[Turn, ...]:
    path = ("history", index)
    if isinstance(one, dict):
        return ((sharegpt_turn if "from" in one else message_turn)(one, path, index),)
    if not isinstance(one, list) or len(one) != 2:
        raise BadRow("BAD_HISTORY", f"history[{index}] should be a pair of request and answer, or a message")
    return (
        text_turn("user", one[0], (*path, 0), position=index),
        text_turn("assistant", one[1], (*path, 1), is_target=True, position=index),
    )
