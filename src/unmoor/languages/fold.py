"""From a character as people type it to the one form that phrases are matched in.

Compatibility forms, case, accents and typographic quotes are folded, in patterns and in texts by this same function, so that a
phrase written `désolé` also finds `DESOLE`, `désolé` in two code points, and the full-width spelling.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["fold", "fold_character"]

_ACCENTS = frozenset((*range(0x0300, 0x0370), 0x0640, *range(0x064B, 0x0660), 0x0670, 0x093C))
"""Combining marks of Latin, Greek and Cyrillic; Arabic vowel marks, hamza above and below, tatweel; the Devanagari nukta: all may
be left out in writing. Other marks (Devanagari vowel signs, kana voicing) tell words apart and stay."""
_ALIKE = {
    **dict.fromkeys("‘’‚‛′´`ʼʹʻʽˈ＇‵՚ꞌ", "'"),
    **dict.fromkeys("“”„‟″«»＂〝〞〟「」『』❝❞", '"'),
    **dict.fromkeys("‐‑‒–—―−﹘－", "-"),
    **dict(zip("،؛؟।॥ىیةکँٱ", (",", ";", "?", ".", ".", "ي", "ي", "ه", "ك", "ं", "ا"), strict=True)),
    "ı": "i",
    "ł": "l",
    "…": "...",
    "¿": "?",
    "¡": "!",
}

_UNSEEN = frozenset(
    map(chr, (0x115F, 0x1160, 0x3164, 0xFFA0, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10)))
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
"""What shows nothing and yet is no control or format character: fillers and variation selectors. One would hide its word."""

_FOLDS = re.compile(r"[^\n -@\[-_a-~]")
"""All but the ASCII characters that folding leaves as they are."""


@lru_cache(maxsize=65536)
def fold_character(cluster: str) -> str:
    """Return the folded form of one character, or of one character with its combining marks; it may be empty or longer."""
    if cluster in _ALIKE:
        return _ALIKE[cluster]
    if len(cluster) == 1 and (cluster in _UNSEEN or unicodedata.category(cluster) in ("Cf", "Cc")) and cluster != "\n":
        return ""
    folded = unicodedata.normalize("NFKC", cluster).casefold()
    if folded.isascii():
        return _ALIKE.get(folded, folded)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if ord(c) not in _ACCENTS)
    return "".join(_ALIKE.get(c, c) for c in unicodedata.normalize("NFC", bare))


def fold(text: str) -> str:
    """Return a short text folded character by character, as patterns and stop words are."""
    return _FOLDS.sub(_folded, text)


def _folded(found: re.Match[str]) -> str:
    return fold_character(found[0])
