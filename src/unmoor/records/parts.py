"""From what a model server sends as the content of a message to its words: one text, or, as some write it, a list of parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["ContentWords", "content_words"]

_REASONING = ("thinking", "reasoning", "reasoning_content", "reasoning_text", "summary_text", "thought")
"""Types of parts in which a model thinks."""
_OF_REASONING = ("thinking", "reasoning", "reasoning_content", "summary", "text", "content")
"""Keys under which the words of such a part stand, in a text or in parts of their own; one of them has any."""
_DEEPEST = 4
"""Parts within parts are read so deep: two levels are sent."""


@dataclass(frozen=True, slots=True)
class ContentWords:
    """The words of one content: the answer's, those of thinking, and those of a part for what a model declines."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""

    @property
    def words(self) -> str:
        """Return all words."""
        return self.reasoning + self.text + self.refusal


def content_words(content: Any) -> ContentWords | None:
    """Return the words of a content: null, a text, a part, or a list of texts and parts; None of anything else.

    Parts of other kinds, such as pictures and references, have no words.
    """
    if content is None or isinstance(content, str):
        return ContentWords(content or "")
    if isinstance(content, dict) and isinstance(content.get("type", content.get("text")), str):
        content = [content]
    if not isinstance(content, list):
        return None
    said = [_part(part) for part in content]
    return ContentWords(*("".join(getattr(one, kind) for one in said) for kind in ("text", "reasoning", "refusal")))


def _part(part: Any) -> ContentWords:
    if isinstance(part, str):
        return ContentWords(part)
    if not isinstance(part, dict):
        return ContentWords()
    if part.get("type") in _REASONING or part.get("thought") is True:
        return ContentWords(reasoning=_words(part))
    refusal = part.get("refusal")
    return ContentWords(_words(part.get("text")), refusal=refusal if isinstance(refusal, str) else "")


def _words(value: Any, depth: int = 0) -> str:
    """Return the words in a text, in a part or in a list of these."""
    if isinstance(value, str):
        return value
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "".join(_words(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return next(filter(None, (_words(value.get(key), depth + 1) for key in (*_OF_REASONING, "value"))), "")
    return ""
