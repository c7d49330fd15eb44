"""From a text and the spans to cut to the text without them, tidied where the cuts were and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

from unmoor.records import ANSWER_MARKS
from unmoor.records.patterns import pattern_when_used

__all__ = ["cut_spans", "is_enough", "merged"]

_FEWEST_LETTERS = 2
"""An answer with fewer left after a mend says nothing unless it is a figure; the turn is dropped instead."""

_THOUGHT = tuple(mark.lower() for mark in ANSWER_MARKS)
_LONGEST_THOUGHT = max(map(len, _THOUGHT))
_SENTENCE_ENDS = ".!?…。！？\n:"
_UNSPACED = "。！？，、：；」』）"
"""After these no space is put: Chinese and Japanese have none between sentences."""
_BULLETS = frozenset("-*•·>")
_OPENING = "([（【「『“«"
_CLOSING = ".,;:!?…。，、！？；：)）]】」』”»"
"""Before these, and after the ones above, no space is put either."""
_OPENS = pattern_when_used(r"(?:[(\[（【「『“«]|(?<!\S)[*_]{1,3}|(?<!\S)[\"'])\Z")
_CLOSES = pattern_when_used(r"[.,;:!?…。，、！？；：)）\]】」』”»]|[*_]{1,3}(?=[\s.,;:!?)]|\Z)")
"""What ends in an opening bracket or mark of emphasis, and what begins with one that closes: no space stands there."""
_WHOLE = ".!?…。！？"
"""After these a sentence began already, and keeps the letter that its author gave it: `pip` is no "Pip"."""
_DOTTED = frozenset(("az", "tr"))
"""Languages in which the capital of an i is İ."""


def cut_spans(text: str, spans: Iterable[tuple[int, int]], language: str = "") -> str:
    """Return `text`, which is in `language` (a code), without `spans` (start_char, end_char); overlapping spans are one.

    Space around a cut becomes what the text had before it; a sentence that now begins at a cut gets a capital letter. What began
    a line or a sentence before stays as it was written, code with its indentation.
    """
    for start, end in reversed(merged(spans, len(text))):
        text = _join(text[:start], text[start:end], text[end:], keeps_dot=language in _DOTTED)
    return text


def merged(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Return spans in order, within a text of `length` code points, those that touch as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return joined


def _join(before: str, cut: str, after: str, *, keeps_dot: bool) -> str:
    left = before.rstrip()
    gap_before = before[len(left) :]
    ends_line = cut.endswith("\n") and (not left or "\n" in gap_before)
    right = after if ends_line else after.lstrip(" \t,;，、；")
    body = right.lstrip()
    gap_after = right[: len(right) - len(body)]
    if not body:
        return left
    begins_line = ends_line or "\n" in gap_after
    indent = gap_after.rpartition("\n")[2] if begins_line else ""
    began_before = begins_line or cut.rstrip().endswith(tuple(_WHOLE))
    begun = body if began_before else _capitalised(body, keeps_dot=keeps_dot)
    if not left:
        return indent + begun
    if left[-_LONGEST_THOUGHT:].lower().endswith(_THOUGHT):
        return before + begun
    gap = max((gap_before, gap_after), key=lambda gap: gap.count("\n"))
    is_touched = bool(_OPENS.search(left, max(0, len(left) - 4))) or (bool(_CLOSES.match(body)) and not begins_line)
    is_within_a_word = not gap and cut[0] in _OPENING and cut[-1] in _CLOSING
    if is_touched and "\n" not in gap:
        gap = ""
    elif not gap:
        gap = "" if left[-1] in _UNSPACED or is_within_a_word else " "
    gap = gap[: gap.rfind("\n") + 1] + indent if begins_line else gap
    is_begun = left[-1] in _SENTENCE_ENDS or left.rpartition("\n")[2].strip() in _BULLETS
    return left + gap + (begun if is_begun else body)


def _capitalised(text: str, *, keeps_dot: bool) -> str:
    """Return the text with a capital first; that of an i is İ where it `keeps_dot`."""
    if not text[:1].islower():
        return text
    return ("İ" if keeps_dot and text[0] == "i" else text[0].upper()) + text[1:]


def is_enough(text: str) -> bool:
    """Return whether a mended text still says something: two letters ("No.", "是的"), or a figure."""
    letters = [character for character in text if character.isalnum()]
    return len(letters) >= _FEWEST_LETTERS or any(map(str.isdigit, letters))
