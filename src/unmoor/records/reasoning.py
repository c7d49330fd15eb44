"""From a turn's text to its reasoning blocks: what a model thinks before it answers, in the text itself."""

from __future__ import annotations

import re

__all__ = ["reasoning_spans", "without_reasoning"]

_THINK = re.compile(r"<(think|thinking|reasoning|thought)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"</(?:think|thinking|reasoning|thought)>[ \t]*(?:\n|\Z)", re.IGNORECASE)
"""The end of a block whose start was part of the prompt: chat templates of reasoning models write `<think>` themselves."""
_CHANNEL = re.compile(r"<\|channel\|>analysis<\|message\|>.*?(?:<\|end\|>|\Z)", re.DOTALL)


def reasoning_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of the reasoning blocks, in order; one that was never opened begins with the text."""
    if "<" not in text:
        return []
    blocks = sorted(found.span() for pattern in (_THINK, _CHANNEL) for found in pattern.finditer(text))
    closing = _THOUGHT.search(text)
    if closing and not any(start < closing.start() for start, _ in blocks):
        return [(0, closing.end()), *blocks]
    return blocks


def without_reasoning(text: str) -> str:
    """Return the text without its reasoning blocks."""
    kept, done = [], 0
    for start, end in reasoning_spans(text):
        kept.append(text[done:start])
        done = max(done, end)
    return "".join([*kept, text[done:]]) if kept else text
