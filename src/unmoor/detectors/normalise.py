"""From a text as it was typed to the form that phrases are matched in, and from a place in that form back to the text.

Case, accents, typographic quotes, full-width forms, zero-width characters, HTML entities, Markdown emphasis, runs of spaces and
look-alike letters are folded. Plain ASCII, most of what there is, takes a fast path that only lowers the case.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from unicodedata import normalize

from unmoor.languages import fold_character
from unmoor.records.patterns import pattern_when_used

__all__ = ["Normalised", "fold_letters", "fold_text", "normalise"]

_LEFT_OUT = b"*`~\r\x7f" + bytes(code for code in range(32) if code not in (9, 10, 13))
_TYPOGRAPHIC = tuple((mark, fold_character(mark)) for mark in "’“”‘–—…éà×•")
"""The marks that most often are all of an English text beyond ASCII; few enough to be replaced one by one."""
_AT_AN_EDGE = pattern_when_used(r"(?<![^\W_])_+|_+(?![^\W_])")
"""Underscores that are Markdown; those inside a name stay."""
_STABLE = "\u0430-\u0438\u043a-\u044f\u0621\u0627\u0628\u062a-\u063a\u0641-\u0648\u064a"
_STABLE += "\u0900\u0902-\u0928\u092a-\u0930\u0932\u0933\u0935-\u093b\u093d-\u0957\u0960-\u0963\u0966-\u097f"
_STABLE += "\u3041-\u3096\u30a1-\u30fa\u30fc\u3001\u3002"
_STABLE += "\u4e00-\u9fff\uac00-\ud7a3"
"""Ranges of characters that folding leaves as they are."""
_BLANK = " \t\xa0\u2000-\u200a\u202f\u3000"
_COMBINES = r"[\u3040-\u30ff][\u3099\u309a]"
_SPECIAL = pattern_when_used(
    rf"(?=[^ \n!-%'-)+-;=-\[\]^a-z{{|}}{_STABLE}]|[ ][{_BLANK}]|{_COMBINES})(?:"  # true of few characters, told by a look
    r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});"
    r"|</?(?:b|i|u|em|strong|span|p|br|div)\b[^<>\n]{0,80}>"
    r"|[*`~]+|(?<![^\W_])_+|_+(?![^\W_])|\\(?=[*_'\"`~#])"
    rf"|[{_BLANK}][{_BLANK}]+|[\t\r\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
    rf"|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|{_COMBINES}"
    rf"|[^\x00-\x7f{_STABLE}])"
)  # for text in lower case: with IGNORECASE the last class would pass over the Turkish dotless i, an `i` to the engine
_ALIKE = str.maketrans("аеорсухіјѕԁһԛԝαοενικρτυχвнкмт", "aeopcyxijsdhqwaoevikptuxbhkmt")
_POSING = str.maketrans("aeopcyxhkmtb", "аеорсухнкмтв")
_MIXED = pattern_when_used(r"[^\W\d_]*(?:[a-z\u00df-\u024f][\u0370-\u052f]|[\u0370-\u052f][a-z\u00df-\u024f])[^\W\d_]*")
_LOOKS_LATIN = pattern_when_used(r"(?<!\w)[аеорсухіјѕԁһԛԝ]+(?!\w)")
_LOOKS_CYRILLIC = pattern_when_used(r"(?<!\w)(?<![a-z]['’])[aeopcyxhkmtb]+(?!\w)")
_IS_CYRILLIC = pattern_when_used(r"[\u0430-\u045f]")
_ONE_TO_ONE = -2
_VOWELS = "aeiou"
"""By these Latin text is told; they are some two letters of five."""
_HAS_GREEK_OR_CYRILLIC = pattern_when_used(r"[\u0370-\u052f]")


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text` is matched; `runs` say where it came from: (start in `text`, start in the original, length of the original piece).

    Within a run of equal length characters correspond one to one; a shorter or longer run is one folded piece.
    """

    text: str
    runs: tuple[tuple[int, int, int], ...] = ()

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return the code points (start, end) of the original that `text[start:end]` came from; `start < end`."""
        if not self.runs:
            return start, end
        return self._at(start)[0], self._at(end - 1)[1]

    def place(self, position: int) -> int:
        """Return where in `text` the original's code point `position` lies."""
        if not self.runs:
            return position
        run = bisect_right(self.runs, position, key=lambda run: run[1]) - 1
        start, origin, length = self.runs[max(run, 0)]
        following = self.runs[run + 1][0] if run + 1 < len(self.runs) else len(self.text)
        return start + position - origin if following - start == length else start

    def _at(self, position: int) -> tuple[int, int]:
        run = bisect_right(self.runs, position, key=lambda run: run[0]) - 1
        start, origin, length = self.runs[run]
        following = self.runs[run + 1][0] if run + 1 < len(self.runs) else len(self.text)
        if following - start == length:
            return origin + position - start, origin + position - start + 1
        return origin, origin + length


def normalise(text: str) -> Normalised:
    """Fold a text for matching. Linear in its length."""
    if text.isascii() and _is_plain(text):
        return Normalised(text.lower())
    return _fold_specials(_lower(text))


def fold_text(text: str) -> str:
    """Return the text that `normalise` gives, without the map back: several times faster."""
    if text.isascii():
        return text.lower() if _is_plain(text) else _fold_ascii(text.lower())
    lowered = _lower(text)
    if not ("&" in lowered or "<" in lowered or "\\" in lowered):
        plain = _typed(lowered)
        if plain.isascii():
            return plain if _is_plain(plain) else _fold_ascii(plain)
    return _SPECIAL.sub(_fold_found, lowered)


def fold_letters(text: str) -> str:
    """Return a text with the letters and digits that `fold_text` gives, in their order, those of ASCII in either case; what stands
    between them may differ.
    """
    if "&" in text or "<" in text or "\0" in text:
        return fold_text(text)
    plain = text if text.isascii() else _typed(text)
    return plain if plain.isascii() else fold_text(text)


def _typed(text: str) -> str:
    """Return a text with the marks that a typewriter has for those that most often are all of it beyond ASCII."""
    for mark, folded in _TYPOGRAPHIC:
        if mark in text:
            text = text.replace(mark, folded)
    return text


def _is_plain(ascii_text: str) -> bool:
    """Return whether lowering the case is all there is to do; asked of most of what there is, so by plain searches."""
    return not (
        "*" in ascii_text
        or "  " in ascii_text
        or "_" in ascii_text
        or "`" in ascii_text
        or "&" in ascii_text
        or "\\" in ascii_text
        or "<" in ascii_text
        or "~" in ascii_text
        or not ascii_text.replace("\n", "").isprintable()
    )


def _fold_ascii(text: str) -> str:
    """Fold ASCII in lower case without a search for each piece, where what is folded does not depend on what is beside it."""
    if "&" in text or "<" in text or "\\" in text:
        return _SPECIAL.sub(_fold_found, text)
    if "\t" in text:
        text = text.replace("\t", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    if "_" in text:
        text = _AT_AN_EDGE.sub("", text)
    return text.encode().translate(None, _LEFT_OUT).decode()


def _fold_found(found: re.Match[str]) -> str:
    return _folded(found[0])


def _lower(text: str) -> str:
    """Return the text in lower case, character by character, and without letters that pose as others."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return _unmask(lowered) if not text.isascii() and _HAS_GREEK_OR_CYRILLIC.search(lowered) else lowered


def _unmask(text: str) -> str:
    """Turn letters that pose as another script's into those: Cyrillic and Greek ones in Latin text, Latin ones in Cyrillic text."""
    if len(_IS_CYRILLIC.findall(text)) > 2 * sum(map(text.count, _VOWELS)):
        text = _MIXED.sub(lambda found: found.group().translate(_POSING), text)
        return _LOOKS_CYRILLIC.sub(lambda found: found.group().translate(_POSING), text)
    text = _MIXED.sub(lambda found: found.group().translate(_ALIKE), text)
    foreign = len(_HAS_GREEK_OR_CYRILLIC.findall(text))
    latin = sum(map(text.count, _VOWELS))
    return _LOOKS_LATIN.sub(lambda found: found.group().translate(_ALIKE), text) if latin > 5 * foreign else text


def _fold_specials(text: str) -> Normalised:
    parts: list[str] = []
    runs: list[tuple[int, int, int]] = []
    done = length = 0

    def keep(piece: str, origin: int) -> None:
        nonlocal length
        is_open = runs and runs[-1][2] == _ONE_TO_ONE and runs[-1][1] + length - runs[-1][0] == origin
        if not piece:
            return
        if not is_open:
            runs.append((length, origin, _ONE_TO_ONE))
        parts.append(piece)
        length += len(piece)

    for found in _SPECIAL.finditer(text):
        start, end = found.span()
        folded = _folded(found.group())
        keep(text[done:start], done)
        if len(folded) == end - start == 1:
            keep(folded, start)
        elif folded:
            parts.append(folded)
            runs.append((length, start, end - start))
            length += len(folded)
        done = end
    keep(text[done:], done)
    return Normalised("".join(parts), _closed(runs, length) or ((0, 0, 0),))


def _closed(runs: list[tuple[int, int, int]], length: int) -> tuple[tuple[int, int, int], ...]:
    """Give runs of characters that correspond one to one their length: up to where the next run starts."""
    following = [run[0] for run in runs[1:]] + [length]
    if not runs:
        return ()
    return tuple(
        (start, origin, after - start if size == _ONE_TO_ONE else size)
        for (start, origin, size), after in zip(runs, following, strict=True)
    )


@lru_cache(maxsize=65536)
def _folded(piece: str) -> str:
    if len(piece) == 1:
        return "" if piece in "*`~_\\\r" else " " if piece == "\t" else fold_character(piece)
    if piece[0] == "&":
        return "".join(map(fold_character, html.unescape(piece)))
    if piece[0] in "<*`~_":
        return "\n" if piece.startswith(("<br", "<p", "</p", "<div")) else ""
    if piece[0].isspace():
        return " "
    return normalize("NFC", piece)
