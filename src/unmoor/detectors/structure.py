"""From an answer and a place in it to what that place is: the assistant speaking, a quotation, a character, code, reasoning.

Every question here has one function, so that a finding can be traced to the reason why it was, or was not, believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from unmoor.detectors.sentences import Sentences, split_sentences

__all__ = ["Answer", "read_answer", "split_reasoning"]

_THINK = re.compile(r"<(think|thinking|reasoning|thought)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"</(?:think|thinking|reasoning|thought)>[ \t]*(?:\n|\Z)", re.IGNORECASE)
"""The end of a block whose start was part of the prompt: chat templates of reasoning models write `<think>` themselves."""
_CHANNEL = re.compile(r"<\|channel\|>analysis<\|message\|>.*?(?:<\|end\|>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"\s*(?:#(?!include|define|if|else|endif|pragma)|//|--|;|%|/?\*|<!--|'{3}|\"{3})")
"""How a comment begins in the languages that answers are full of."""
_QUOTE_PAIRS = re.compile(
    r"[\"“„”«「『‘'](?:"  # a set first lets the engine skip to such a character
    r"(?<=[\"“„”])[^\"“”„\n]{2,600}[\"”“]|(?<=«)[^»\n]{2,600}»|(?<=「)[^」\n]{1,400}」|(?<=『)[^』\n]{1,400}』"
    r"|(?<=‘)[^‘’\n]{2,300}’(?!\w)|(?<=')(?<!\w')[^'\n]{12,300}'(?!\w))"
)
_SPEAKER = re.compile(
    r"^[\s*_>#-]*(?:\[)?([^\W\d_][\w\u0900-\u0903\u093a-\u094f\u064b-\u0652 .'’()*-]{0,40}?)(?:\])?\s*[*_]*\s*[:：]",
    re.MULTILINE,
)
_SELF_SPEAKERS = frozenset(
    (
        "assistant",
        "ai",
        "answer",
        "response",
        "output",
        "a",
        "chatgpt",
        "gpt",
        "bot",
        "antwort",
        "svar",
        "note",
        "disclaimer",
    )
)
_SEEN = re.compile(r"\S")
_LIST_ITEM = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s|^\s*\*\*[^*\n]+\*\*\s*:?\s*$", re.MULTILINE)
_LETTER_HEAD = re.compile(
    r"^\W*(?:(?:dear|hi|hello|subject|betreff|kära|hej|cher|chère|estimad|caro|liebe)\b"
    r"|(?:querid|asunto|prezad|assunto|gentil[ei]|egregi|spettabil|oggetto|geachte|szanown|уважаем|sayın|sevgili|kjære|kære|arvoisa)\w*"
    r"|(?:尊敬的(?!用户)|亲爱的|親愛的|敬启者|敬啟者|拝啓|親愛なる)"
    r"|친애하는|제목|عزيز[يت]|سيدي|سيدتي|السيد|حضرة|الموضوع|प्रिय|आदरणीय|महोदय|सेवा में|विषय)[^\n]{0,80}[,،:\n]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer taken apart. Spans are code points; `body` is where the answer begins after a reasoning block."""

    text: str
    sentences: Sentences
    reasoning: tuple[tuple[int, int], ...]
    code: tuple[tuple[int, int], ...]
    quotes: tuple[tuple[int, int], ...]
    speakers: tuple[tuple[int, int], ...]
    items: int
    headings: int
    is_letter: bool
    body: int

    def is_reasoning(self, position: int) -> bool:
        """Return whether the place lies in a reasoning block."""
        return _inside(self.reasoning, position, position + 1)

    def is_code(self, position: int) -> bool:
        """Return whether the place lies in a fenced code block."""
        return _inside(self.code, position, position + 1)

    def is_quoted(self, start: int) -> bool:
        """Return whether the place lies in quotation marks, unless the whole answer does."""
        holder = next((span for span in self.quotes if span[0] <= start < span[1]), None)
        return holder is not None and (holder[1] - holder[0]) < 0.9 * len(self.text.strip())

    def is_block_quote(self, start: int) -> bool:
        """Return whether the line of the place starts with Markdown's `>`."""
        return self.text[self._line(start) :].lstrip(" ").startswith(">")

    def is_dialogue(self, start: int) -> bool:
        """Return whether the line is a named speaker's, in a text with several such lines."""
        line = self._line(start)
        return len(self.speakers) >= 2 and any(s >= line and e <= start + 2 for s, e in self.speakers if s <= start)

    def is_item(self, start: int) -> bool:
        """Return whether the line is one of several list items."""
        return self.items >= 2 and bool(_LIST_ITEM.match(self.text, self._line(start)))

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the sentences that hold the place."""
        return self.sentences.around(start, end)

    def ordinal(self, position: int) -> int:
        """Return which sentence of the body the place is in, from 0."""
        return self.sentences.index_at(position) - self.sentences.index_at(self.body)

    def from_end(self, position: int) -> int:
        """Return how many sentences follow the one with the place."""
        return len(self.sentences.spans) - 1 - self.sentences.index_at(position)

    def chars_after(self, position: int) -> int:
        """Return the code points after the place."""
        return max(0, len(self.text.rstrip()) - position)

    def _line(self, position: int) -> int:
        return self.text.rfind("\n", 0, position) + 1


def read_answer(text: str) -> Answer:
    """Take an answer apart. Linear in its length."""
    reasoning = tuple(_reasoning(text)) if "<" in text else ()
    body = max((end for _, end in reasoning), default=0)
    body = min((match.start() for match in [_SEEN.search(text, body)] if match), default=body)
    return Answer(
        text=text,
        sentences=split_sentences(text),
        reasoning=reasoning,
        code=_code(text) if "```" in text or "~~~" in text else (),
        quotes=_quotes(text),
        speakers=_speakers(text) if ":" in text or "：" in text else (),
        items=len(_LIST_ITEM.findall(text)),
        headings=len(_HEADING.findall(text)) if "#" in text or "**" in text else 0,
        is_letter=bool(_LETTER_HEAD.match(text)),
        body=body,
    )


def _code(text: str) -> tuple[tuple[int, int], ...]:
    """Return the fenced blocks, but for those that hold comments alone: there the assistant speaks on, in the shape asked for."""
    return tuple(found.span() for found in _FENCE.finditer(text) if _does_something(found[0]))


def _does_something(block: str) -> bool:
    inside = block.partition("\n")[2].rstrip("`~ \n")
    return any(not _COMMENT.match(line) for line in inside.splitlines() if line.strip())


def split_reasoning(text: str) -> list[tuple[int, int, bool]]:
    """Return the parts of a turn as (start, end, is reasoning), in order, without empty ones."""
    parts, done = [], 0
    for start, end in _reasoning(text):
        parts += [(done, start, False), (start, end, True)]
        done = max(done, end)
    parts.append((done, len(text), False))
    return [part for part in parts if text[part[0] : part[1]].strip()]


def _reasoning(text: str) -> list[tuple[int, int]]:
    """Return the spans of the reasoning blocks, in order; one that was never opened begins with the text."""
    blocks = sorted(found.span() for pattern in (_THINK, _CHANNEL) for found in pattern.finditer(text))
    closing = _THOUGHT.search(text)
    if closing and not any(start < closing.start() for start, _ in blocks):
        return [(0, closing.end()), *blocks]
    return blocks


def _speakers(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(
        found.span()
        for found in _SPEAKER.finditer(text)
        if found.group(1).strip(" *_").casefold() not in _SELF_SPEAKERS
    )


def _quotes(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(found.span() for found in _QUOTE_PAIRS.finditer(text))


def _inside(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(s <= start and end <= e for s, e in spans)
