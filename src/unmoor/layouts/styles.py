"""From a text that holds a whole conversation to its blocks: who speaks where, told by the markers of one chat template.

Markers that are special tokens (`<|im_start|>user`) open a turn wherever they stand. Markers that are words (`Human:`) open one
only where their style puts them, and only where the other side may speak: what an answer quotes must not split it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from unmoor.records import Role

__all__ = ["Block", "Transcript", "lead_end", "said_within", "transcript_of"]

Speaker = Role | Literal["more"]
"""Who a marker names; `more` is more of the request: Alpaca's input."""

NO_SPACE, SPACE, NEW_LINE, BLANK_LINE = -1, 0, 1, 2
"""What stands before a marker."""

MOST_PREAMBLE = 4000
"""Code points of a system prompt without a marker of its own."""

_ROLES: dict[str, Speaker] = {
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("user", "human", "prompter", "prompt", "instruction"), "user"),
    **dict.fromkeys(("assistant", "model", "gpt", "ai", "bot", "answer", "response", "chatbot"), "assistant"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function response"), "tool"),
    "input": "more",
}
_LLAMA_2: dict[str, Speaker] = {
    "[inst]<<sys>>": "system",
    "[inst]": "user",
    "<</sys>>": "user",
    "[/inst]": "assistant",
    "[system_prompt]": "system",
}
_HARMONY: dict[str, Speaker] = {
    **dict.fromkeys(("system", "developer"), "system"),
    "user": "user",
    "assistant": "assistant",
    **dict.fromkeys(("functions", "python", "browser"), "tool"),
}
_FOLLOWS: dict[Speaker | None, tuple[Speaker, ...]] = {
    None: ("system", "user"),
    "system": ("user",),
    "user": ("more", "assistant"),
    "more": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("assistant", "user"),
}
"""Who may speak after whom where markers are words."""

_ENDS = (
    *("</s>", "<s>", "<eos>", "<end_of_turn>", "[/SYSTEM_PROMPT]", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>"),
    *("<|endoftext|>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|end|>", "<|eot|>", "<|return|>"),
)
"""What ends a turn and is no part of it."""
_LEAD = re.compile(r"\s*(?:(?:<s>|<\|begin_of_text\|>|<bos>|<BOS_TOKEN>|<\|endoftext\|>|\[gMASK\]<sop>)\s*)?")
_DEEPSEEK_LEAD = "<｜begin▁of▁sentence｜>"
_THINKS = "<|im_start|>think"
"""Opens what s1 thinks, within its turn; `<|im_start|>answer` ends it."""
_ANALYSIS = "<|channel|>analysis<|message|>"
"""Opens what gpt-oss thinks; the next marker of the assistant goes on with the turn."""
_GAP = re.compile(r"[ \t]*(?:\r?\n)*")
_FENCE = re.compile(r"^[ \t]*```(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Style:
    """One way to mark turns: a pattern whose group `who` names the speaker, or nobody that is known.

    `least` and `most` bound the gap that must stand before a marker that is a word: what stands before the first answer tells which
    it is in a text. None where markers are special tokens. `preamble` says what a text may begin with in place of a marker.
    """

    name: str
    marker: re.Pattern[str]
    least: int | None = None
    most: int = BLANK_LINE
    preamble: re.Pattern[str] | None = None
    speakers: Mapping[str, Speaker] | None = None

    def speaker(self, found: re.Match[str]) -> Speaker | None:
        """Return who a marker names, None if it is nobody known."""
        return _speaker(found["who"]) if self.speakers is None else self.speakers.get(_together(found["who"]))


@dataclass(frozen=True, slots=True)
class Block:
    """One turn: from where to where its texts lie, and the name that its marker gives the speaker; role None if it is not known."""

    role: Role | None
    who: str
    spans: tuple[tuple[int, int], ...]

    @property
    def start_char(self) -> int:
        """Return where the words begin."""
        return self.spans[0][0]

    @property
    def end_char(self) -> int:
        """Return where they end."""
        return self.spans[-1][1]

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is said."""
        return all(start == end for start, end in self.spans)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A text read in one style; a last block in which nothing is said is the start of an answer or request that never came."""

    style: str
    blocks: tuple[Block, ...]


@lru_cache(maxsize=256)
def _speaker(who: str) -> Speaker | None:
    return _ROLES.get(who.casefold())


@lru_cache(maxsize=256)
def _together(who: str) -> str:
    return "".join(who.casefold().split())


def _pattern(marker: str) -> re.Pattern[str]:
    return re.compile(marker)


_ANY = re.compile(r".*", re.DOTALL)
_NO_HEADING = re.compile(r"(?:(?!^#).)*", re.DOTALL | re.MULTILINE)
_OF_AN_ASSISTANT = re.compile(r"(?=.*(?:assistant|\bAI\b))(?:(?!^#).)*", re.DOTALL | re.MULTILINE | re.IGNORECASE)

STYLES = (
    Style("ChatML", _pattern(r"<\|im_start\|>\s?(?P<who>[\w-]+)(?:<\|im_sep\|>)?")),
    Style("Llama 3", _pattern(r"<\|start_header_id\|>\s*(?P<who>[\w-]+)\s*<\|end_header_id\|>")),
    Style("Llama 4", _pattern(r"<\|header_start\|>\s*(?P<who>[\w-]+)\s*<\|header_end\|>")),
    Style("Granite", _pattern(r"<\|start_of_role\|>\s*(?P<who>[\w-]++)[^<\n]*+<\|end_of_role\|>")),
    Style("Gemma", _pattern(r"<start_of_turn>\s?(?P<who>[\w-]+)")),
    Style("Command R", _pattern(r"<\|START_OF_TURN_TOKEN\|>\s*<\|(?P<who>SYSTEM|USER|CHATBOT)_TOKEN\|>")),
    Style(
        "Llama 2",
        _pattern(r"(?:<s>\s*)?(?P<who>\[INST\]\s*<<SYS>>|\[INST\]|<</SYS>>|\[/INST\]|\[SYSTEM_PROMPT\])"),
        speakers=_LLAMA_2,
    ),
    Style(
        "Harmony",
        _pattern(r"<\|start\|>(?P<who>\w++)[^<]*+(?:<\|channel\|>final)?(?:<\|message\|>|(?=<\|channel\|>))"),
        speakers=_HARMONY,
    ),
    Style(
        "Zephyr",
        _pattern(r"<\|(?P<who>system|user|human|prompter|prompt|assistant|bot|answer|tool|observation|ipython)\|>"),
    ),
    Style("DeepSeek", _pattern(r"<｜(?P<who>User|Assistant)｜>"), preamble=_ANY),
    Style("Baize", _pattern(r"\[\|(?P<who>Human|AI)\|\]"), preamble=_NO_HEADING),
    Style("OIG", _pattern(r"<(?P<who>human|bot|HUMAN|BOT|ASSISTANT)>:"), NEW_LINE, NEW_LINE),
    Style("Alpaca", _pattern(r"### ?(?P<who>Instruction|Input|Response|System) ?:"), NO_SPACE, NEW_LINE, _NO_HEADING),
    Style(
        "Guanaco",
        _pattern(r"###[ ]?(?P<who>(?i:human|user|assistant|system))(?: ?:|\s*\Z)"),
        NO_SPACE,
        NO_SPACE,
        _NO_HEADING,
    ),
    Style(
        "Vicuna", _pattern(r"(?P<who>SYSTEM|USER|ASSISTANT|FUNCTION RESPONSE):"), SPACE, BLANK_LINE, _OF_AN_ASSISTANT
    ),
    Style("HH", _pattern(r"(?P<who>Human|User|Assistant|AI|Bot|System):"), NEW_LINE, BLANK_LINE),
)
"""The styles that are known, special tokens first; a text is in that of its first marker."""


@lru_cache(maxsize=4)
def transcript_of(text: str) -> Transcript | None:
    """Return what a text says if it begins with a marker, or a system prompt before one, and both sides speak; else None."""
    for style, opening, preamble in _openings(text):
        blocks = tuple(_blocks(text, style, opening, preamble))
        sides = {block.role for block in blocks} & {"user", "assistant"}
        if len(sides) == 2 or (sides and style.least is None):
            return Transcript(style.name, blocks)
    return None


def _openings(text: str) -> Iterator[tuple[Style, re.Match[str], tuple[int, int] | None]]:
    """Yield each style that the text may be in with its first marker, and where the words before that lie."""
    lead = lead_end(text)
    for style in STYLES:
        found = style.marker.match(text, lead)
        if found and (style.least is None or style.speaker(found) in _FOLLOWS[None]):
            yield style, found, None
    for style in STYLES:
        found = style.marker.search(text, lead, lead + MOST_PREAMBLE) if style.preamble else None
        if found is None or style.speaker(found) not in _FOLLOWS[None]:
            continue
        start, end = said_within(text, lead, found.start())
        is_apart = style.least is None or _gap_before(text, found.start()) > NO_SPACE
        if is_apart and style.preamble is not None and style.preamble.fullmatch(text, start, end):
            yield style, found, (start, end)


def lead_end(text: str) -> int:
    """Return where a text begins after the space and the token that may stand before its first marker."""
    found = _LEAD.match(text)
    end = found.end() if found else 0
    return end + len(_DEEPSEEK_LEAD) if text.startswith(_DEEPSEEK_LEAD, end) else end


def said_within(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the words of a turn lie between two markers: without the space around them, nor tokens that end a turn."""
    start = min(_GAP.match(text, start, end).end(), end)  # type: ignore[union-attr]
    while True:
        while end > start and text[end - 1].isspace():
            end -= 1
        if not text.endswith(_ENDS, start, end):
            return start, end
        end -= next(len(token) for token in _ENDS if text.endswith(token, start, end))


def _blocks(text: str, style: Style, opening: re.Match[str], preamble: tuple[int, int] | None) -> Iterator[Block]:
    marks = list(_marks(text, style, opening))
    if preamble and preamble[0] < preamble[1]:
        yield Block("system", "", (preamble,))
    held: Block | None = None
    for (found, speaker), following in zip(marks, [*(mark.start() for mark, _ in marks[1:]), len(text)], strict=True):
        span = said_within(text, found.end(), following)
        if speaker == "more" and held is not None:
            held = Block(held.role, held.who, (*held.spans, span) if span[0] < span[1] else held.spans)
            continue
        if held is not None:
            yield held
        held = Block(None if speaker == "more" else speaker, found["who"], (span,))
    if held is not None:
        yield held


def _marks(text: str, style: Style, opening: re.Match[str]) -> Iterator[tuple[re.Match[str], Speaker | None]]:
    yield from (_token_marks if style.least is None else _word_marks)(text, style, opening)


def _token_marks(text: str, style: Style, opening: re.Match[str]) -> Iterator[tuple[re.Match[str], Speaker | None]]:
    """Yield the tokens that open turns: not those between what an assistant thinks and its answer, which are of one turn."""
    last, is_thought = None, False
    for found in style.marker.finditer(text, opening.start()):
        speaker, is_think = style.speaker(found), found[0] == _THINKS
        goes_on = (is_think and last == "assistant") or (is_thought and speaker == "assistant")
        is_thought = is_think or text.startswith(_ANALYSIS, found.end())
        if not goes_on:
            last = speaker
            yield found, speaker


def _word_marks(text: str, style: Style, opening: re.Match[str]) -> Iterator[tuple[re.Match[str], Speaker | None]]:
    """Yield the words that open turns: where the other side may speak, and after such a gap as the style has in this text."""
    place = _Place(text, style, opening.start())
    names: dict[Speaker | None, str] = {}
    last, start = None, 0
    for found in style.marker.finditer(text, opening.start()):
        speaker, at = style.speaker(found), found.start()
        is_ended = _ends_before(text, start, at)
        may_speak = speaker in _FOLLOWS[last] or (is_ended and speaker == last == "assistant")
        is_marker = at == opening.start() or (may_speak and (is_ended or place.fits(at, start, speaker)))
        if is_marker and names.setdefault(speaker, found["who"]) == found["who"]:
            last, start = speaker, found.end()
            yield found, speaker


class _Place:
    """Where words may open turns in one text: the gap before its first marker, or else before its first answer, tells."""

    def __init__(self, text: str, style: Style, first: int) -> None:
        assert style.least is not None
        gap = _gap_before(text, first)
        self._text, self._least, self._most = text, style.least, style.most
        self._is_told = gap >= NEW_LINE
        self._wanted = min(gap, style.most) if self._is_told else style.least
        fences = _FENCE.finditer(text) if "```" in text else ()
        self._fences = [(found.start(), not found[1].strip()) for found in fences]
        self._has_ends = style.least == SPACE and _ends_turns(text)

    def fits(self, at: int, start: int, speaker: Speaker | None) -> bool:
        """Return whether a marker at `at` may open a turn, in the turn that began at `start`.

        Where markers stand within lines and tokens end the turns, only such a token tells a new request from a quoted one.
        """
        gap = _gap_before(self._text, at)
        if gap < self._wanted or self._is_fenced(at, start):
            return False
        if speaker in ("assistant", "more"):
            if speaker == "assistant" and not self._is_told:
                self._wanted, self._is_told = max(self._least, min(gap, self._most)), True
            return True
        return not (self._is_told and self._wanted == SPACE and self._has_ends)

    def _is_fenced(self, at: int, start: int) -> bool:
        """Return whether a place lies in a block of code that was opened in its turn and is closed after it."""
        following = bisect_left(self._fences, (at, False))
        is_open = (following - bisect_left(self._fences, (start, False))) % 2 == 1
        return is_open and following < len(self._fences) and self._fences[following][1]


def _ends_turns(text: str) -> bool:
    """Return whether a token ends a turn before the last."""
    return any(0 <= text.find(token) < len(text.rstrip()) - len(token) for token in _ENDS)


def _gap_before(text: str, at: int) -> int:
    before = text[max(0, at - 80) : at]
    gap = before[len(before.rstrip()) :]
    return min(gap.count("\n"), BLANK_LINE) or (SPACE if gap or not at else NO_SPACE)


def _ends_before(text: str, start: int, at: int) -> bool:
    """Return whether a token that ends a turn stands right before."""
    before = text[max(start, at - 80) : at].rstrip()
    return before.endswith(_ENDS)
