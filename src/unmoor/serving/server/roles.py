"""From the messages of a client to the messages that a model sees: roles checked, the persona first, nothing smuggled in.

A chat template writes all messages into one text, with markers such as `<|im_start|>system` between them, and most model servers
read those markers wherever they stand. A user's message that holds them can therefore end itself and begin a system message. So a
marker in a client's text is refused, unless clients may speak as system anyway.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unmoor.errors import ServiceError
from unmoor.serving.server.limits import Limits

__all__ = ["Rules", "check_markers", "checked_messages"]

MARKER = re.compile(
    r"<\|[^\s<>|]{1,40}\|>"  # ChatML, Llama 3, Phi, Zephyr, Command R, Qwen, Harmony
    r"|<\uff5c[^<>\uff5c]{1,40}\uff5c>"  # DeepSeek writes its bars full-width
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS)\]|<</?SYS>>"  # Llama 2, Mistral
    r"|</?(?:start_of_turn|end_of_turn)>"  # Gemma
    r"|\[\|[^\s\[\]|]{1,40}\|\]"  # EXAONE
    r"|<(?:reserved_|SPECIAL_|extra_id_)\d{1,4}>"  # Baichuan, Nemotron
    r"|<seed:[a-z_]{1,30}>|<role>|</role>|\]~b\]",  # Seed, Ling, MiniMax
    re.IGNORECASE,
)
"""What begins or ends a message in the published chat templates."""
_BETWEEN_PARTS = "\n"
"""What a model reads between two parts of one message, as vLLM writes it: the words of two parts never run together."""
_SYSTEM_ROLES = {"system", "developer"}
_OF_ANSWERS = ("refusal", "reasoning_content", "reasoning", "audio", "function_call", "annotations", "tool_calls")
"""What an answer carries beside its words: clients send it back with them."""
_FIELDS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", *_OF_ANSWERS},
    "tool": {"role", "content", "tool_call_id", "name"},
}
"""Role to the fields of its messages; `name`, reasoning and what a vendor's own answers carry is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the owner decided about messages; `client_system` is refuse, drop or allow."""

    system: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    client_system: str = "refuse"
    tools: bool = False
    markers: frozenset[str] = frozenset()
    """Special tokens of the served model beyond the published ones."""


Messages = tuple[dict[str, Any], ...]


def checked_messages(messages: object, rules: Rules, limits: Limits) -> tuple[Messages, Messages]:
    """Return the messages for the model, one system message with the owner's words first; and what the client sent of them, for
    the guard: a message of several parts stands there twice, first with nothing between its parts.

    Raises:
        ServiceError: 400, naming the message and what is wrong with it.
    """
    if messages is None:
        raise _refused("messages", "Missing required parameter: 'messages'.", "missing_required_parameter")
    if not isinstance(messages, list):
        raise _refused("messages", "Invalid type for 'messages': expected an array of objects.", "invalid_type")
    if not 1 <= len(messages) <= limits.messages:
        raise _refused(
            "messages",
            f"Invalid 'messages': expected 1 to {limits.messages} of them, got {len(messages)}.",
            "invalid_value",
        )
    checked = [_checked(message, f"messages[{index}]", rules) for index, message in enumerate(messages)]
    _check_size([_as_text(message, _BETWEEN_PARTS) for message in checked], limits.context_chars)
    if rules.client_system != "allow":
        checked = [message for message in checked if message["role"] not in _SYSTEM_ROLES]
    sent = [_as_text(message, _BETWEEN_PARTS) for message in checked]
    said = [message for message in sent if message["role"] not in _SYSTEM_ROLES]
    if not said or said[-1]["role"] not in {"user", "tool"}:
        raise _refused("messages", "Invalid 'messages': the last message must be the user's.", "invalid_value")
    words = [rules.system, *(message["content"] for message in sent if message["role"] in _SYSTEM_ROLES)]
    system = "\n\n".join(word for word in words if word)
    first = [{"role": "system", "content": system}] if system else []
    seen = (_as_text(message, between) for message in checked for between in _ways_to_join(message["content"]))
    return (*first, *said), tuple(seen)


def _ways_to_join(parts: list[str] | None) -> tuple[str, ...]:
    """Return what is put between the parts of a message for the guard: nothing too, since a word may be cut into two parts."""
    return ("", _BETWEEN_PARTS) if parts and len(parts) > 1 else (_BETWEEN_PARTS,)


def _as_text(message: dict[str, Any], between: str) -> dict[str, Any]:
    parts = message["content"]
    return message if parts is None else {**message, "content": between.join(parts)}


def _checked(message: object, where: str, rules: Rules) -> dict[str, Any]:
    """Return a message written anew, with the texts of its parts as its content."""
    if not isinstance(message, dict):
        raise _refused(where, f"Invalid type for '{where}': expected an object.", "invalid_type")
    role = _role(message, where, rules)
    for name in message:
        if name not in _FIELDS[role]:
            raise _refused(f"{where}.{name[:100]}", f"Unknown parameter: '{where}.{name[:100]}'.", "unknown_parameter")
    calls = _tool_calls(message, where, rules)
    content = message.get("content")
    if content is None and role == "assistant":
        content = message.get("refusal")
    if content is None and calls:
        return {"role": role, "content": None, **calls}
    parts = _parts(content, f"{where}.content")
    for between in _ways_to_join(parts):
        check_markers(between.join(parts), f"{where}.content", rules)
    return {"role": role, "content": parts, **calls, **_tool_call_id(message, role, where, rules)}


def _role(message: Mapping[str, Any], where: str, rules: Rules) -> str:
    role = message.get("role")
    allowed = {"user", "assistant"} | ({"tool"} if rules.tools else set())
    if isinstance(role, str) and role in _SYSTEM_ROLES:
        if rules.client_system == "refuse":
            raise _refused(
                f"{where}.role",
                f"The system prompt of this server is set by its owner; '{where}' has the role '{role}', which is refused.",
                "system_message_not_allowed",
            )
        return role
    if not isinstance(role, str) or role not in allowed:
        raise _refused(
            f"{where}.role",
            f"Invalid value: {str(role)[:40]!r}. Supported values are: {', '.join(sorted(map(repr, allowed)))}.",
            "invalid_value",
        )
    return role


def _parts(content: object, where: str) -> list[str]:
    """Return the texts of a content, one for each of its parts."""
    if isinstance(content, str):
        return [content]
    if not isinstance(content, list) or not content:
        raise _refused(
            where, f"Invalid type for '{where}': expected a string or an array of text parts.", "invalid_type"
        )
    for index, part in enumerate(content):
        if not isinstance(part, dict) or set(part) != {"type", "text"} or part["type"] not in ("text", "input_text"):
            raise _refused(
                f"{where}[{index}]",
                f"Invalid '{where}[{index}]': expected a part with type text and its text.",
                "invalid_value",
            )
        if not isinstance(part["text"], str):
            raise _refused(
                f"{where}[{index}].text",
                f"Invalid type for '{where}[{index}].text': expected a string.",
                "invalid_type",
            )
    return [part["text"] for part in content]


def check_markers(text: str, where: str, rules: Rules) -> None:
    """Raise ServiceError 400 if a client's text holds what begins or ends a message in a chat template."""
    if rules.client_system == "allow":
        return
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    found = MARKER.search(text) or MARKER.search(plain)
    marker = found.group() if found else next((word for word in rules.markers if word in text or word in plain), None)
    if marker:
        raise _refused(
            where,
            f"'{where}' holds {marker[:60]!r}, which begins or ends a message in a chat template "
            "and could pose as another role's words.",
            "template_marker_not_allowed",
        )


def _tool_calls(message: Mapping[str, Any], where: str, rules: Rules) -> dict[str, Any]:
    """Return the calls of an assistant's message, written anew."""
    calls = message.get("tool_calls")
    if not calls:
        return {}
    if not rules.tools:
        raise _refused(f"{where}.tool_calls", "Tools are not allowed on this server.", "unsupported_value")
    made = []
    for index, call in enumerate(calls if isinstance(calls, list) else [None]):
        function = call.get("function") if isinstance(call, dict) else None
        values = [call.get("id"), function.get("name"), function.get("arguments")] if isinstance(function, dict) else []
        if not values or not all(isinstance(value, str) for value in values):
            at = f"{where}.tool_calls[{index}]"
            raise _refused(at, f"Invalid '{at}': expected id, and function with name and arguments.", "invalid_type")
        for value in values:
            check_markers(value, f"{where}.tool_calls[{index}]", rules)
        made.append({"id": values[0], "type": "function", "function": {"name": values[1], "arguments": values[2]}})
    return {"tool_calls": made}


def _tool_call_id(message: Mapping[str, Any], role: str, where: str, rules: Rules) -> dict[str, str]:
    if role != "tool":
        return {}
    call_id = message.get("tool_call_id")
    if not isinstance(call_id, str) or not call_id:
        raise _refused(
            f"{where}.tool_call_id",
            f"Missing required parameter: '{where}.tool_call_id'.",
            "missing_required_parameter",
        )
    check_markers(call_id, f"{where}.tool_call_id", rules)
    return {"tool_call_id": call_id}


def _check_size(said: list[dict[str, Any]], context_chars: int) -> None:
    texts = [str(message.get(name) or "") for message in said for name in ("content", "tool_calls", "tool_call_id")]
    size = sum(map(len, texts))
    if size > context_chars:
        raise _refused(
            "messages",
            f"This server takes at most {context_chars} characters of messages; yours have {size}. Please shorten them.",
            "context_length_exceeded",
        )


def _refused(param: str, message: str, code: str) -> ServiceError:
    return ServiceError(400, message, param=param, code=code)
