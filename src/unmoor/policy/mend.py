"""From a text and the spans to cut to the text without them, tidied where the cuts were and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["MIN_WORDS_LEFT", "cut_spans", "is_enough"]

MIN_WORDS_LEFT = 2
"""An answer with fewer words left after a mend says nothing; the turn is dropped instead."""

_THOUGHT = ("</think>", "</thinking>", "</reasoning>", "</thought>")
"""The answer begins behind these."""
_SENTENCE_ENDS = ".!?…。！？\n:"
_UNSPACED = "。！？，、：；」』）"
"""After these no space is put: Chinese and Japanese have none between sentences."""
_DOTTED = frozenset("ıİğĞ")
"""Letters of Turkish and its relatives alone."""


def cut_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Return `text` without `spans` (start_char, end_char); overlapping spans are one.

    Space around a cut becomes what the text had before it; a sentence that now begins at a cut gets a capital letter.
    """
    for start, end in reversed(_merged(spans, len(text))):
        text = _join(text[:start], text[end:])
    return text


def _merged(spans: Iterable[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged


def _join(before: str, after: str) -> str:
    left, right = before.rstrip(), after.lstrip(" \t,;，、；")
    if not left:
        return _capitalised(right.lstrip())
    gap_before, gap_after = before[len(left) :], right[: len(right) - len(right.lstrip())]
    right = right.lstrip()
    if not right:
        return left
    if left.lower().endswith(_THOUGHT):
        return before + _capitalised(right)
    gap = max((gap_before, gap_after), key=lambda gap: gap.count("\n")) or ("" if left[-1] in _UNSPACED else " ")
    return left + gap + (_capitalised(right) if left[-1] in _SENTENCE_ENDS else right)


def _capitalised(text: str) -> str:
    """Return the text with a capital first; in Turkish and its relatives that of an i is İ."""
    if not text[:1].islower():
        return text
    keeps_dot = text[0] == "i" and not _DOTTED.isdisjoint(text)
    return ("İ" if keeps_dot else text[0].upper()) + text[1:]


def is_enough(text: str) -> bool:
    """Return whether a mended text still says something: two words, or two letters where words are not spaced."""
    letters = [character for character in text if character.isalnum()]
    return len(letters) >= MIN_WORDS_LEFT and (
        len(text.split()) >= MIN_WORDS_LEFT or len(letters) >= 3 or not text.isascii()
    )
