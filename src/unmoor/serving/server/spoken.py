"""From a message or a delta as a model server sent it to one whose texts are texts: some send parts, which few clients can read."""

from __future__ import annotations

from typing import Any

from unmoor.records import content_words
from unmoor.serving.server.troubles import garbled

__all__ = ["put_in_words"]

_BESIDE = ("reasoning_content", "reasoning", "refusal")


def put_in_words(message: dict[str, Any]) -> bool:
    """Make the texts of a message or a delta texts, and say whether they were something else. Thinking and what is declined, where
    they are parts of the content, go into the fields of their own; parts without words, such as pictures, are left out.

    Raises:
        ServiceError: 502, the content is neither a text nor parts.
    """
    is_changed = False
    for name in _BESIDE:
        value = message.get(name)
        if isinstance(value, list | dict) and ((words := _words_beside(name, value)) or isinstance(value, list)):
            message[name] = words
            is_changed = True
    content = message.get("content")
    if content is None or isinstance(content, str):
        return is_changed
    said = content_words(content)
    if said is None:
        raise garbled()
    for name, words in (("reasoning_content", said.reasoning), ("refusal", said.refusal)):
        if words:
            before = message.get(name)
            message[name] = before + words if isinstance(before, str) else words
    message["content"] = None if said.refusal and not said.text else said.text
    return True


def _words_beside(name: str, value: list[Any] | dict[str, Any]) -> str:
    """Return the words of a field beside the content; a part that stands there alone need not say of which type it is."""
    if isinstance(value, dict):
        value = [value if name == "refusal" else {**value, "type": "reasoning"}]
    said = content_words(value)
    return said.words if said is not None else ""
