"""Who speaks, by the names that files give them, in lower case."""

from __future__ import annotations

from unmoor.records import Role

__all__ = ["ASKERS", "CALL", "NO_ANSWERERS", "OF_EITHER", "OF_MESSAGES", "OF_SHAREGPT"]

OF_MESSAGES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "model": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "chatbot": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
    "ipython": "tool",
}
"""Who `role` names in a list of messages."""

OF_SHAREGPT: dict[str, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "bot": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
}
"""Who `from` names in ShareGPT's layout; the odd ones stand in its own dumps."""

CALL = "function_call"
"""Who speaks where an assistant calls a tool and says nothing."""
OF_EITHER: dict[str, Role] = {**OF_SHAREGPT, **OF_MESSAGES}
"""Who speaks, where a list of turns is of neither layout."""

ASKERS = frozenset(name for name, role in OF_EITHER.items() if role in ("user", "tool"))
"""Whose words an answer is to: people and tools."""

NO_ANSWERERS = frozenset(name for name, role in OF_EITHER.items() if role != "assistant" or name == CALL)
"""Who never says an answer in words."""
