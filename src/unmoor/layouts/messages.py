"""From `messages: [{role, content}]` to a conversation: OpenAI chat, TRL, Axolotl's chat_template.

Content is a string, a list of parts (texts and refusals are read, images and audio are passed over), or null beside tool calls or
beside `refusal`, as OpenAI's API answers.
Some files keep the list under `conversation`, `conversations` or `dialogue` with the same objects in it.
"""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.answers import ANSWER_KEYS, has_rejected_answer, is_answered, is_message_list
from unmoor.layouts.layout import Layout, mask_in_list, parts_text, remove_from_list
from unmoor.layouts.request import under_system
from unmoor.layouts.roles import OF_MESSAGES
from unmoor.records import Conversation, Path, Piece, Role, Row, Turn

__all__ = [
    "LAYOUT",
    "list_key",
    "message_turn",
    "message_turns",
]

LIST_KEYS = ("messages", "conversations", "conversation", "dialogue")
OTHER_WORDS = ("value", "text", "message")
"""How other files call what a message says."""
_CALL_PARTS = ("tool_use", "tool_call", "function_call")
_OTHERS = ("conversations", "prompt", "completion", "chosen", "instruction", "question", "output", "response")


def message_turns(messages: Any, path: Path, *, is_target: bool = True) -> tuple[Turn, ...]:
    """Read a list of messages at `path`; `is_target` says whether its assistant turns are there to be learned.

    Raises:
        BadRow: NO_TURNS, BAD_TURN, UNKNOWN_ROLE or TEXT_EXPECTED.
    """
    if not isinstance(messages, list) or not messages:
        raise BadRow("NO_TURNS", f"{'.'.join(map(str, path))} should be a list with at least one turn")
    return tuple([message_turn(message, (*path, i), i, is_target=is_target) for i, message in enumerate(messages)])


def message_turn(message: Any, path: Path, position: int = -1, *, is_target: bool = True) -> Turn:
    """Read one `{role, content}` message at `path`.

    Raises:
        BadRow: BAD_TURN, UNKNOWN_ROLE or TEXT_EXPECTED.
    """
    if not isinstance(message, dict) or "role" not in message:
        raise BadRow("BAD_TURN", f"{_where(path)} should be an object with role and content")
    named = message["role"]
    if len(message) == 2 and type(content := message.get("content")) is str and named in ("user", "assistant"):
        piece = Piece((*path, "content"), 0, len(content))  # most turns
        return Turn(named, content, (piece,), named == "assistant" and is_target, position=position)
    role = OF_MESSAGES.get(named if isinstance(named, str) else "") or OF_MESSAGES.get(str(named).casefold())
    if role is None:
        raise BadRow("UNKNOWN_ROLE", f"{_where(path)} has role {named!r}, which is not known")
    text, pieces = _content(message, path, role)
    learned = role == "assistant" and is_target and message.get("train") is not False and message.get("weight") != 0
    reasoning = message.get("reasoning_content") or message.get("thinking") or ""
    return Turn(
        role,
        text,
        pieces,
        is_target=learned,
        reasoning=reasoning if isinstance(reasoning, str) else "",
        has_tool_calls=bool(message.get("tool_calls") or message.get("function_call")) or _holds_call(message),
        position=position,
    )


def _holds_call(message: dict[str, Any]) -> bool:
    """Return whether a part of a message's content is a call of a tool, as Anthropic's API writes it."""
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(one, dict) and one.get("type") in _CALL_PARTS for one in content
    )


def _where(path: Path) -> str:
    return ".".join(map(str, path))


def _content(message: dict[str, Any], path: Path, role: Role) -> tuple[str, tuple[Piece, ...]]:
    """Return what a message says; OpenAI's API has a refusal in a field of its own, and a tool's result may be an object."""
    content, refusal = message.get("content"), message.get("refusal")
    if isinstance(refusal, str) and refusal and not content:
        return refusal, (Piece((*path, "refusal"), 0, len(refusal)),)
    if isinstance(content, str):
        return content, (Piece((*path, "content"), 0, len(content)),)
    if content is None and (message.get("tool_calls") or message.get("function_call")):
        return "", ()
    if isinstance(content, list):
        return parts_text(content, (*path, "content"))
    if isinstance(content, dict) and role == "tool":
        return "", ()
    raise BadRow("TEXT_EXPECTED", f"{'.'.join(map(str, path))}.content should be text or parts, found {content!r:.40}")


def list_key(row: Row) -> str | None:
    """Return the column that holds a list of messages, the first of `LIST_KEYS` that does."""
    for key in LIST_KEYS:
        if key in row and is_message_list(row[key]):
            return key
    return None


def _is_empty(row: Row) -> bool:
    """Return whether `messages` is there and empty, without another layout's key: an empty conversation, not an unknown row."""
    return row.get("messages") == [] and not any(key in row for key in _OTHERS)


def _has_content(message: dict[str, Any]) -> bool:
    """Return whether the words of a message are not under another key, where `chat_list` reads them."""
    return "content" in message or message.keys().isdisjoint(OTHER_WORDS)


def _recognises(row: Row) -> bool:
    key = list_key(row)
    is_one = _is_empty(row) if key is None else _has_content(row[key][0]) and not is_answered(row, key)
    return is_one and "chosen" not in row and not has_rejected_answer(row)


def _read(row: Row) -> Conversation:
    key = list_key(row) or "messages"
    turns = under_system(row, message_turns(row.get(key), (key,)))
    return Conversation(turns, has_tools=bool(row.get("tools") or row.get("functions")))


def _is_plain(row: Row) -> bool:
    messages = row.get("messages")
    if type(messages) is not list or not messages or "chosen" in row or "rejected_response" in row:
        return False
    if "system" in row or "system_prompt" in row or not row.keys().isdisjoint(ANSWER_KEYS):
        return False
    return all(
        type(m) is dict and type(m.get("role")) is str and m["role"] in OF_MESSAGES and type(m.get("content")) is str
        for m in messages
    )


LAYOUT = Layout(
    "messages",
    "messages: [{role, content, tool_calls, reasoning_content}]",
    _recognises,
    _read,
    remove_from_list(list_key),
    mask_in_list(list_key),
    _is_plain,
    frozenset(OF_MESSAGES),
)
