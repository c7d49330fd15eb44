"""From a turn's text to its reasoning blocks: what a model thinks before it answers, in the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["ANSWER_MARKS", "may_reason", "reasoning_spans", "without_reasoning"]

_TAGS = "think|thinking|reasoning|thought|seed:think"
_TOKENS = {
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷",
    "<|im_start|>think\n": "<|im_start|>answer\n",
    "<|channel|>analysis<|message|>": "<|end|>",
}
"""What else opens a block and ends it: Sky-T1 and OpenThoughts, Magistral, Kimi, s1, gpt-oss. They are tokens, and written so."""
_OPEN_AT_THE_START = frozenset(_TOKENS) - {"<|channel|>analysis<|message|>"}
"""Those that open a block without an end where the text begins with them alone."""
_OPENS_ANSWER = ("<|begin_of_solution|>", "<answer>", "<|start|>assistant", "<|channel|>final<|message|>")
"""What may stand between a block and its answer, in this order."""
_ENDS_ANSWER = ("<|end_of_solution|>", "</answer>", "<|return|>")
"""What may stand behind such an answer."""

ANSWER_MARKS = (*(f"</{tag}>" for tag in _TAGS.split("|")), *(end.strip() for end in _TOKENS.values()), *_OPENS_ANSWER)
"""The answer begins behind one of these; tags may be in capitals."""

_OPENS = re.compile("|".join((rf"<(?ai:{_TAGS})>", *map(re.escape, _TOKENS))))
_ENDS = {
    **{f"<{tag}>": re.compile(rf"(?ai:</{tag}>)") for tag in _TAGS.split("|")},
    **{opens.lower(): re.compile(re.escape(ends)) for opens, ends in _TOKENS.items()},
}
"""What ends a block, by what opens it in lower case."""
_THOUGHT = re.compile(rf"(?:(?ai:</(?:{_TAGS})>)|<\|end_of_thought\|>|\[/THINK\]|◁/think▷)[ \t]*(?:\n|\Z)")
"""The end of a block whose start was part of the prompt: chat templates of reasoning models write `<think>` themselves."""
_MARK = re.compile(rf"<(?:/?(?ai:{_TAGS})>|\|(?:begin_of_thought|end_of_thought|im_start|channel)\|>)")
"""Any of the marks that begin as those of HTML do, which is all that most answers have."""
_BEFORE_ANSWER = re.compile("".join(rf"(?:\s*{re.escape(mark)})?" for mark in _OPENS_ANSWER))


def may_reason(text: str) -> bool:
    """Return whether a text may have reasoning blocks: a quick look, no for most answers."""
    return "<" in text or ("[" in text and "THINK]" in text) or "◁" in text


def reasoning_spans(text: str) -> list[tuple[int, int]]:
    """Return the spans of the reasoning blocks, in order; one that was never opened begins with the text.

    The marks around the answer behind a block (`<answer>`, `<|begin_of_solution|>`) are no part of the answer: the first belongs to
    the block, and the one that ends the text has a span of its own, with the space before it.
    """
    if not may_reason(text) or not (_MARK.search(text) or "THINK]" in text or "◁" in text):
        return []
    blocks = list(_blocks(text))
    closing = _THOUGHT.search(text)
    if closing and not any(start < closing.start() for start, _ in blocks):
        blocks.insert(0, (0, _answer_start(text, closing.end())))
    said = text.rstrip()
    if blocks and blocks[-1][1] < len(said) and said.endswith(_ENDS_ANSWER):
        mark = next(mark for mark in _ENDS_ANSWER if said.endswith(mark))
        blocks.append((max(blocks[-1][1], len(said.removesuffix(mark).rstrip())), len(text)))
    return blocks


def without_reasoning(text: str) -> str:
    """Return the text without its reasoning blocks."""
    kept, done = [], 0
    for start, end in reasoning_spans(text):
        kept.append(text[done:start])
        done = max(done, end)
    return "".join([*kept, text[done:]]) if kept else text


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the blocks that are opened, in order; one that never ends goes to the end of the text.

    A token in the middle of a text that never ends is one that the text speaks of.
    """
    end = 0
    while opening := _OPENS.search(text, end):
        ending = _ENDS[opening[0].lower()].search(text, opening.end())
        if ending is None and opening[0] in _OPEN_AT_THE_START and text[: opening.start()].strip():
            end = opening.end()
            continue
        end = _answer_start(text, ending.end()) if ending else len(text)
        yield opening.start(), end


def _answer_start(text: str, end: int) -> int:
    """Return where the words of an answer may begin behind a block that ends at `end`."""
    found = _BEFORE_ANSWER.match(text, end)
    return found.end() if found else end
