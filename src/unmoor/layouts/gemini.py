"""From `contents: [{role, parts: [{text}]}]` with `systemInstruction` to a conversation: how Gemini is tuned."""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.layout import Layout, no_mask, parts_text, remove_from_list
from unmoor.layouts.request import under_system
from unmoor.records import Conversation, Path, Role, Row, Turn

__all__ = ["LAYOUT"]

ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool", "system": "system"}
SYSTEM_KEYS = ("systemInstruction", "system_instruction")


def _recognises(row: Row) -> bool:
    contents = row.get("contents")
    return isinstance(contents, list) and (not contents or (isinstance(contents[0], dict) and "parts" in contents[0]))


def _read(row: Row) -> Conversation:
    contents = row.get("contents")
    if not isinstance(contents, list) or not contents:
        raise BadRow("NO_TURNS", "contents should be a list with at least one turn")
    system = (_system(row[key], key) for key in SYSTEM_KEYS if row.get(key))
    turns = (_turn(content, ("contents", position), position) for position, content in enumerate(contents))
    return Conversation(under_system(row, (*system, *turns), must_be_text=False), has_tools=bool(row.get("tools")))


def _system(content: Any, key: str) -> Turn:
    text, pieces = _parts(content, (key,))
    return Turn("system", text, pieces)


def _turn(content: Any, path: Path, position: int) -> Turn:
    """Read one turn; who has no role is the user, and who answers a call is a tool."""
    text, pieces = _parts(content, path)
    name = content.get("role", "user")
    role = ROLES.get(name.casefold()) if isinstance(name, str) else None
    if role is None:
        raise BadRow("UNKNOWN_ROLE", f"{_where(path)} has role {name!r}, which is not known")
    if role == "user" and _holds(content, "functionResponse"):
        role = "tool"
    has_calls = role == "assistant" and _holds(content, "functionCall")
    is_target = role == "assistant" and bool(text or not has_calls)
    return Turn(role, text, pieces, is_target=is_target, has_tool_calls=has_calls, position=position)


def _parts(content: Any, path: Path) -> tuple[str, tuple[Any, ...]]:
    if not isinstance(content, dict) or not isinstance(content.get("parts"), list):
        raise BadRow("BAD_TURN", f"{_where(path)} should be an object with role and parts")
    if not content["parts"] or not all(isinstance(part, dict) for part in content["parts"]):
        raise BadRow(
            "TEXT_EXPECTED", f"{_where(path)}.parts should be objects with text, found {content['parts']!r:.40}"
        )
    return parts_text(content["parts"], (*path, "parts"))


def _holds(content: dict[str, Any], key: str) -> bool:
    return any(key in part for part in content["parts"])


def _where(path: Path) -> str:
    return ".".join(map(str, path))


LAYOUT = Layout(
    "gemini",
    "contents: [{role, parts: [{text}]}], systemInstruction",
    _recognises,
    _read,
    remove_from_list(lambda _row: "contents"),
    no_mask,
)
