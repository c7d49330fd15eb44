"""From folded texts to their words, piece by piece between full stops: many texts at a time, where they are ASCII."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from unmoor.records.patterns import pattern_when_used

__all__ = ["LONG_WORD", "beginning_with", "spaced", "words_of"]

LONG_WORD = pattern_when_used(r"[^\W\d_]{5,}")
"""A word that says what a folded text is about."""
_ANY_WORD = pattern_when_used(r"(?=([\u3040-\u30ff\u4e00-\u9fff]{2}))|([^\W\d_\u3040-\u30ff\u4e00-\u9fff]+)")
_PIECE = pattern_when_used(r"[.!?\n。！？؟।]+")
_BLANKS = bytes(code if chr(code).isalpha() else ord("\n") if chr(code) in ".!?\n" else ord(" ") for code in range(256))
_PARTING = "\x01"
_PARTED = bytes(ord(_PARTING) if code == ord(_PARTING) else said for code, said in enumerate(_BLANKS))


def words_of(folded: str) -> list[list[str]]:
    """Return the words of each piece between full stops of a folded text; pairs of characters where words are not spaced."""
    if folded.isascii():
        return [piece.split() for piece in folded.encode().translate(_BLANKS).decode().split("\n")]
    return [[pair or word for pair, word in _ANY_WORD.findall(piece)] for piece in _PIECE.split(folded)]


def beginning_with(stems: Iterable[str]) -> re.Pattern[str]:
    """Return what finds a word that begins with one of the stems, or is one where a space follows; in scripts without capitals
    anywhere, unless a space stands before the stem. What follows a hyphen is an ending.
    """
    return re.compile("|".join(map(_edged, stems)) or r"(?!)")


def _edged(stem: str) -> str:
    bare = stem.strip(" -")
    has_start = stem[0] == " " or (stem[0] != "-" and bare[0].lower() != bare[0].upper())
    return (r"(?<![^\W\d_])" if has_start else "") + re.escape(bare) + (r"(?![^\W\d_])" if stem[-1] == " " else "")


def spaced(texts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield (index, the words of a text with blanks between them and a newline for every full stop); those of ASCII all at once."""
    plain = [place for place, text in enumerate(texts) if text.isascii()]
    lines = _PARTING.join([texts[place] for place in plain]).encode().translate(_PARTED).decode().split(_PARTING)
    if len(lines) == len(plain):
        yield from zip(plain, lines, strict=True)
    others = range(len(texts)) if len(lines) != len(plain) else sorted(set(range(len(texts))).difference(plain))
    for place in others:
        yield place, "\n".join(map(" ".join, words_of(texts[place])))
