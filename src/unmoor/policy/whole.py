"""From the words that a mend would cut to what has to go, or stay, with them: a bracket's other half, a list's number, a bare line.

A finding is a sentence, and sentences stand in brackets, in bold, in lists. Cut as it is, half a bracket would be left, or a number
with nothing behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from unmoor.records.patterns import pattern_when_used

__all__ = ["whole_spans"]

_BRACKETS = {
    "(": ")",
    "（": "）",
    "[": "]",
    "【": "】",
    "「": "」",
    "『": "』",
    "“": "”",
    "«": "»",
    "〈": "〉",
    "《": "》",
}
_CLOSERS = frozenset(_BRACKETS.values())
_MARKS = pattern_when_used(
    r"[()（）\[\]【】「」『』“”«»〈〉《》]|\*{1,3}|(?<![^\W_])_{1,3}(?!\s|_)|(?<![\s_])_{1,3}(?![^\W_])"
)
"""Brackets, and Markdown's emphasis."""
_WINDOW = 4_000
"""Code points on either side in which a bracket's other half is looked for, within the paragraph."""
_ITEM = pattern_when_used(r"[ \t]*(?:>[ \t]*)*(?:#{1,6}[ \t]+)?(?:(?:[-*•·]|\d{1,3}[.)])[ \t]+)?")
"""What a line begins with that is a heading's or an item's."""
_BARE = pattern_when_used(r"[^\w\n`|=+<>$\\{}-]*+(?=\n|\Z)")
"""The rest of a line that says nothing: closing marks, an emoji."""
_RULE = pattern_when_used(r"[^\S\n]*(?:-{3,}|\*{3,}|_{3,})")
_NOTHING = pattern_when_used(r"\s*+\Z")
_MOST_ROUNDS = 8
_DEEPEST = 50
"""Marks that may stand open between two halves: a row of a thousand brackets is no text, and must not take all day."""


class _Pair(NamedTuple):
    """The places of an opening and a closing mark."""

    open_start: int
    open_end: int
    close_start: int
    close_end: int


def whole_spans(text: str, spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the spans (start_char, end_char) of `text` so that what is left has no half brackets or emphasis, no empty ones, no
    number or heading without words, and the number where words of its item stay.
    """
    found: list[tuple[int, int]] = []
    for span in _closed_up(text, spans):
        parts = [span]
        for _ in range(_MOST_ROUNDS):
            changed = [each for part in parts for each in _evened(text, part)]
            if changed == parts:
                break
            parts = changed
        found += [_with_line(text, *part) for part in parts]
    return tuple(found)


def _closed_up(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the spans, which are in order, as one where nothing but blanks stands between two."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and not text[joined[-1][1] : start].strip(" \t"):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _evened(text: str, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the span, grown or shrunk or parted by the first pair of marks of which it holds one alone, or all that is within."""
    start, end = span
    for pair in _pairs(text, start, end):
        has_open = start <= pair.open_start and pair.open_end <= end
        has_close = start <= pair.close_start and pair.close_end <= end
        if has_open and not has_close and pair.close_start >= end:
            if not _says(text, end, pair.close_start):
                yield start, pair.close_end
            else:
                yield from _without(text, span, pair.open_start, pair.open_end)
            return
        if has_close and not has_open and pair.open_end <= start:
            if not _says(text, pair.open_end, start):
                yield pair.open_start, end
            else:
                yield from _without(text, span, pair.close_start, pair.close_end)
            return
        is_within = pair.open_end <= start and end <= pair.close_start
        if is_within and not _says(text, pair.open_end, start) and not _says(text, end, pair.close_start):
            yield pair.open_start, pair.close_end
            return
    yield span


def _without(text: str, span: tuple[int, int], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what is left of a span without a mark in it: nothing that says nothing."""
    for begin, stop in ((span[0], start), (end, span[1])):
        if _says(text, begin, stop):
            yield begin, stop


def _says(text: str, start: int, end: int) -> bool:
    return any(character.isalnum() for character in text[start:end])


def _pairs(text: str, start: int, end: int) -> list[_Pair]:
    """Return the pairs of marks in the paragraph around a span, inner ones first."""
    begin, stop = max(0, start - _WINDOW), min(len(text), end + _WINDOW)
    if (blank_line := text.rfind("\n\n", begin, start)) >= 0:
        begin = blank_line + 2
    if (blank_line := text.find("\n\n", end, stop)) >= 0:
        stop = blank_line
    opened: list[tuple[str, int, int]] = []
    found: list[_Pair] = []
    for mark in _MARKS.finditer(text, begin, stop):
        what, at = mark[0], mark.span()
        if what[0] in "*_" and _is_no_emphasis(text, *at):
            continue
        nearest = range(len(opened) - 1, max(-1, len(opened) - 1 - _DEEPEST), -1)
        closes = next((n for n in nearest if _closes(opened[n][0], what)), None)
        if closes is not None and (what[0] not in "*_" or not text[at[0] - 1].isspace()):
            found.append(_Pair(*opened[closes][1:], *at))
            del opened[closes:]
        elif what not in _CLOSERS and (what[0] not in "*_" or not text[at[1] : at[1] + 1].isspace()):
            opened.append((what, *at))
    return found


def _closes(opened: str, mark: str) -> bool:
    return _BRACKETS.get(opened, opened) == mark


def _is_no_emphasis(text: str, start: int, end: int) -> bool:
    """Return whether stars or underscores are a bullet, a product, or stand alone."""
    before, after = text[start - 1 : start] if start else "\n", text[end : end + 1] or "\n"
    is_product = end - start == 1 and before.isdigit() and after.isdigit()
    return is_product or (before.isspace() and after.isspace())


def _with_line(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span with the bare rest of its line where nothing else stands on it; without an item's number where something does;
    with a rule that stood before it where it ends the text.
    """
    line = text.rfind("\n", 0, start) + 1
    lead = _ITEM.match(text, line)
    begins = lead.end() if lead else line
    bare = _BARE.match(text, end)
    if bare is not None and (text[end - 1 : end] != "\n"):
        if not _says(text, begins, start) and not text[begins:start].strip(" \t*_([“\"'"):
            start, end = min(line, start), bare.end() if bare[0].strip() else end
        if _NOTHING.match(text, end):
            start = _before_rule(text, start)
    elif line <= start < begins < end:
        start = begins
    return start, end


def _before_rule(text: str, end: int) -> int:
    """Return where the line feeds begin that stand before a rule which is the last line before `end`; `end` where there is none."""
    rows = text[:end].rstrip()
    line = rows.rfind("\n") + 1
    if not line or not _RULE.fullmatch(rows, line):
        return end
    said = len(rows[:line].rstrip())
    return rows.index("\n", said)
