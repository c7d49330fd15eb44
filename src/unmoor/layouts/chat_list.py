"""From a list of turns under another name than `messages` to a conversation: `turns`, `dialog`, `chat`, whatever a turn's keys.

Each turn is an object with a speaker and words; the first one tells how these two are called. A list in which people talk whom
nobody knows (`"speaker": "Anna"`) is a dialogue and no instruction data, and is not taken for it.
"""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.layout import Layout, mask_in_list, remove_from_list, text_turn
from unmoor.layouts.messages import OTHER_WORDS, message_turn
from unmoor.layouts.request import under_system
from unmoor.layouts.roles import OF_EITHER
from unmoor.records import Conversation, Path, Role, Row, Turn

__all__ = ["CHAT_KEYS", "LAYOUT", "SPEAKER_KEYS"]

CHAT_KEYS = ("turns", "dialog", "chat", "items", "messages", "conversation", "conversations", "dialogue")
SPEAKER_KEYS = ("role", "from", "speaker", "author")
_WORDS = ("content", *OTHER_WORDS)


def _names(value: Any) -> tuple[str, str] | None:
    """Return how the speaker and the words are called in the first turn of a list; None if it is no list of known speakers."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return None
    speaker = next((key for key in SPEAKER_KEYS if key in value[0]), None)
    words = next((key for key in _WORDS if key in value[0]), None)
    if speaker is None or words is None or any(_role(turn, speaker) is None for turn in value[:2]):
        return None
    return speaker, words


def _role(turn: Any, speaker: str) -> Role | None:
    name = turn.get(speaker) if isinstance(turn, dict) else None
    return OF_EITHER.get(name.casefold()) if isinstance(name, str) else None


def _key(row: Row) -> str | None:
    return next((key for key in CHAT_KEYS if _names(row.get(key))), _empty_key(row))


def _empty_key(row: Row) -> str | None:
    return next((key for key in CHAT_KEYS[:3] if row.get(key) == []), None)


def _recognises(row: Row) -> bool:
    return _key(row) is not None and "chosen" not in row


def _read(row: Row) -> Conversation:
    key = _key(row)
    names = _names(row[key]) if key else None
    if key is None or names is None:
        raise BadRow("NO_TURNS", f"{key or CHAT_KEYS[0]} should be a list with at least one turn")
    turns = tuple(_turn(turn, names, (key, position), position) for position, turn in enumerate(row[key]))
    told = row.get("context") if names[0] == "author" else None
    if isinstance(told, str) and told:  # where PaLM's rows have their system prompt
        turns = (text_turn("system", told, ("context",)), *turns)
    return Conversation(under_system(row, turns), has_tools=bool(row.get("tools") or row.get("functions")))


def _turn(turn: Any, names: tuple[str, str], path: Path, position: int) -> Turn:
    speaker, words = names
    where = ".".join(map(str, path))
    if not isinstance(turn, dict) or speaker not in turn:
        raise BadRow("BAD_TURN", f"{where} should be an object with {speaker} and {words}")
    if words == "content":
        return message_turn({**turn, "role": _role(turn, speaker) or turn[speaker]}, path, position)
    role = _role(turn, speaker)
    if role is None:
        raise BadRow("UNKNOWN_ROLE", f"{where} is of {turn[speaker]!r}, who is not known")
    is_call = turn[speaker].casefold() == "function_call"
    is_learned = role == "assistant" and not is_call and turn.get("train") is not False and turn.get("weight") != 0
    made = text_turn(role, turn.get(words), (*path, words), is_target=is_learned, position=position)
    return made._replace(has_tool_calls=is_call)


LAYOUT = Layout(
    "chat_list",
    "turns, dialog or chat: [{role, content}], [{from, value}], ...",
    _recognises,
    _read,
    remove_from_list(_key),
    mask_in_list(_key),
)
