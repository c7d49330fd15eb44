"""From `conversations: [{from, value}]` with `system` and `tools` to a conversation: ShareGPT, Vicuna, glaive tool calls."""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.answers import ANSWER_KEYS, is_answered
from unmoor.layouts.layout import Layout, mask_in_list, remove_from_list, text_turn
from unmoor.layouts.request import under_system
from unmoor.layouts.roles import CALL, OF_SHAREGPT
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT", "sharegpt_turn", "sharegpt_turns"]


def sharegpt_turn(message: Any, path: tuple[str | int, ...], position: int = -1) -> Turn:
    """Read one `{from, value}` message at `path`.

    Raises:
        BadRow: BAD_TURN, UNKNOWN_ROLE or TEXT_EXPECTED.
    """
    if not isinstance(message, dict) or "from" not in message or "value" not in message:
        raise BadRow("BAD_TURN", f"{'.'.join(map(str, path))} should be an object with from and value")
    name = message["from"]
    role = OF_SHAREGPT.get(str(name).casefold())
    if role is None:
        raise BadRow("UNKNOWN_ROLE", f"{'.'.join(map(str, path))} is from {name!r}, a role that is not known")
    is_call = str(name).casefold() == CALL
    is_target = role == "assistant" and not is_call and message.get("train") is not False and message.get("weight") != 0
    turn = text_turn(role, message["value"], (*path, "value"), is_target=is_target, position=position)
    return Turn(role, turn.text, turn.pieces, is_target, has_tool_calls=is_call, position=position)


def sharegpt_turns(row: Row) -> list[Turn]:
    """Read the turns of `conversations`, after the row's own `system` if it has one.

    Raises:
        BadRow: NO_TURNS if the list is empty or no list, or what `sharegpt_turn` raises.
    """
    messages = row.get("conversations")
    if not isinstance(messages, list) or not messages:
        raise BadRow("NO_TURNS", "conversations should be a list with at least one turn")
    said = tuple(sharegpt_turn(message, ("conversations", i), i) for i, message in enumerate(messages))
    return [*under_system(row, said)]


def _recognises(row: Row) -> bool:
    messages = row.get("conversations")
    return (
        isinstance(messages, list)
        and "chosen" not in row
        and all(isinstance(m, dict) and "from" in m for m in messages)
        and not is_answered(row, "conversations")
    )


def _read(row: Row) -> Conversation:
    return Conversation(tuple(sharegpt_turns(row)), has_tools=bool(row.get("tools")))


def _is_plain(row: Row) -> bool:
    messages = row.get("conversations")
    if type(messages) is not list or not messages or "chosen" in row:
        return False
    if "system" in row or "system_prompt" in row or not row.keys().isdisjoint(ANSWER_KEYS):
        return False
    return all(
        type(m) is dict and type(m.get("from")) is str and m["from"] in OF_SHAREGPT and type(m.get("value")) is str
        for m in messages
    )


LAYOUT = Layout(
    "sharegpt",
    "conversations: [{from, value}], system, tools",
    _recognises,
    _read,
    remove_from_list(lambda _row: "conversations"),
    mask_in_list(lambda _row: "conversations"),
    _is_plain,
    frozenset(OF_SHAREGPT),
)
