"""From a text to its sentences: good enough for evidence that reads well, fast enough for every candidate."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from unmoor.records.patterns import pattern_when_used

__all__ = ["LONGEST", "Sentences", "split_sentences"]

LONGEST = 2_000
"""Code points of a sentence at most. Every phrase found in one looks at all of it."""
_BREAK = pattern_when_used(
    r"[.!?…。！？؟।\s](?:"  # a set first lets the engine skip to such a character
    r"(?<=[.!?…])[\"'”’»)\]*_]*[ \t]+(?=[^\s.,;:a-zà-öø-ÿ])|(?<=[。！？])[”」』\"']*|(?<=[؟।])\s+|(?<=\n)\s*"
    r"|(?<=\s)(?<!\s\s)\s*\n\s*)"  # from the first of a run of spaces only, so that a long one is gone by once
)
_MOST_CHARS = 400_000
"""Code points beyond which no ends are looked for, so that a giant text stays cheap: as many as are looked at of an answer."""
_STAYS = ".!?…؟।"
"""Marks that belong to the sentence before the break."""
_ABBREVIATION = pattern_when_used(
    r"(?:\b(?:mr|mrs|ms|dr|vs|prof|e\.g|i\.e|z\.b|bzw|bl\.a|t\.ex|p\. ex|approx)|^\d{1,2}|\n\d{1,2})\.$", re.IGNORECASE
)
_MAY_BE_ONE = pattern_when_used(
    r"(?:\b(?:[Ss]t|[Cc]a|[Nn]r)|\b[^\W\d_]\.[ \u00a0]?[^\W\d_]|(?<!\d[ \u00a0])\b[A-Z])\.$"
)
"""What is one in the middle of a sentence and not at its end: "St.", "z. B.", "U.S.", an initial; "100 C." ends its own."""
_NUMBER = pattern_when_used(r"\b[Nn]o\.$"), pattern_when_used(r"[ \t]+\d")
"""An answer that is "no." ends a sentence unless a number follows."""
_INITIAL = pattern_when_used(r"\b[^\W\d_]\.$"), re.compile(r"[ \t]+[^\W\d_]\.")
"""The first of two, as in "z. B."."""
_BEGINS = pattern_when_used(
    r"[ \t]+(?:as|i|i'm|i’m|being|since|because|for|so|and|but|however|although|while|if|the|it|this|that|these|there|they|he|she"
    r"|you|we|my|our|please|remember|note|sorry|unfortunately|als|ich|como|en|eu|yo|je|in|jako|som|com)\b",
    re.IGNORECASE,
)
"""Words that begin a sentence and are no name: what stands before them is "option B." and no initial."""


@dataclass(frozen=True, slots=True)
class Sentences:
    """Where the sentences of a text lie: (start, end) code points, in order, without the space between them."""

    spans: tuple[tuple[int, int], ...]

    def index_at(self, position: int) -> int:
        """Return which sentence holds the code point `position` (the one before, between two)."""
        return max(0, bisect_right(self.spans, position, key=lambda span: span[0]) - 1)

    def around(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the sentence or sentences that hold `start` to `end`."""
        if not self.spans:
            return start, end
        first, last = self.spans[self.index_at(start)], self.spans[self.index_at(max(start, end - 1))]
        return min(first[0], start), max(last[1], end)


def split_sentences(text: str) -> Sentences:
    """Split `text` into sentences.

    What has no end for LONGEST code points is no sentence that anybody reads: it is parted there, after a space.
    """
    spans, begin = [], 0
    for found in _BREAK.finditer(text, 0, _MOST_CHARS):
        start, stop = found.span()
        start += text[start] in _STAYS
        first = text[start]
        if first in " \t" and _is_abbreviated(text, start):
            continue
        end = stop if first in "。！？" else start
        while first not in " \t\n。！？" and end < stop and not text[end].isspace():
            end += 1
        if text[begin:end].strip():
            spans.append((begin, end))
        begin = stop
    tail = text[begin:].rstrip()
    if tail:
        spans.append((begin, begin + len(tail)))
    return Sentences(tuple(_trimmed(text, part) for span in spans for part in _parts(text, *span)))


def _parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield a sentence as parts of at most LONGEST code points, together all of it."""
    while end - start > LONGEST:
        space = text.rfind(" ", start + 1, start + LONGEST)
        stop = space + 1 if space > 0 else start + LONGEST
        yield start, stop
        start = stop
    yield start, end


def _is_abbreviated(text: str, end: int) -> bool:
    """Return whether the full stop before `end`, where a space stands, is one of an abbreviation."""
    begin = max(0, end - 8)
    if _ABBREVIATION.search(text, begin, end):
        return True
    if any(before.search(text, begin, end) and after.match(text, end) for before, after in (_NUMBER, _INITIAL)):
        return True
    return bool(_MAY_BE_ONE.search(text, begin, end)) and not _BEGINS.match(text, end)


def _trimmed(text: str, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    return start, end
