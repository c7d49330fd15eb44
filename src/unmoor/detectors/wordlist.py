"""From a plain list, a phrase a line, to findings of behaviour `wordlist`: what the common way of filtering does, with evidence.

Deliberately as blunt as the lists that people pass around: lower-cased substrings, no word edges, no context. It is here so that
an old list can be seen beside the packs on one's own data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unmoor.detectors.raw_wordlist import RawWordlist, literal_set
from unmoor.errors import UsageError
from unmoor.records import Finding, reasoning_spans

__all__ = ["Wordlist", "words_around"]

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The marks with which such a text begins, either byte first."""
_BEFORE_CHARS, _BEHIND_CHARS = 60, 120


@dataclass(frozen=True, slots=True)
class Wordlist:
    """The phrases of a list, lower-cased, longest first, and the hash of the file."""

    phrases: tuple[str, ...]
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Wordlist:
        """Read a list; blank lines are skipped.

        Raises:
            UsageError: no such file, not UTF-8, or no phrase in it.
        """
        try:
            data = path.read_bytes()
            lines = re.split(r"\r\n?|\n", data.decode("utf-8-sig"))
        except OSError as error:
            raise UsageError(f"The word list {path} cannot be read: {error}") from error
        except UnicodeDecodeError as error:
            it_is = "is UTF-16" if data.startswith(_UTF_16) else f"is not UTF-8 at byte {error.start}"
            raise UsageError(f"The word list {path} {it_is}. Next: save it as UTF-8") from error
        phrases = {_lower(line.strip()) for line in lines} - {""}
        if not phrases:
            raise UsageError(f"The word list {path} holds no phrase; it needs one a line")
        return cls(tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase))), hashlib.sha256(data).hexdigest())

    def find_many(self, said: Sequence[tuple[int, str, Literal["text", "reasoning"]]]) -> list[list[Finding]]:
        """Return for each (turn, text, field), in order, the first place of each phrase of the list: in the answer, or else in its
        reasoning.
        """
        lowered = [_lower(text) for _, text, _ in said]
        found: list[list[Finding]] = [[] for _ in said]
        for index, places in self._standing_in(lowered).items():
            turn, text, field = said[index]
            thinking = [(0, len(text))] if field == "reasoning" else reasoning_spans(text)
            for place in sorted(places):
                phrase = self.phrases[place]
                start, is_reasoning = _first_place(lowered[index], phrase, thinking)
                if start >= 0:
                    end = start + len(phrase)
                    here = (start, end, text[start:end], phrase, 1.0, "und", "wordlist", field, is_reasoning)
                    found[index].append(Finding("wordlist", turn, *here))
        return found

    def raw(self) -> RawWordlist | None:
        """Return what finds candidate rows in raw bytes; None without Hyperscan."""
        try:
            return RawWordlist(self.phrases)
        except ImportError:
            return None

    def _standing_in(self, lowered: Sequence[str]) -> dict[int, Collection[int]]:
        """Return the numbers of the phrases that may stand in each text: from one scan of all where Hyperscan is installed."""
        database = _literals(self.phrases)
        if database is None:
            return dict.fromkeys(range(len(lowered)), range(len(self.phrases)))
        texts = [text.encode("utf-8", "replace") for text in lowered]
        hits: list[tuple[int, int]] = []
        database.scan(b"\0".join(texts), match_event_handler=_note, context=hits)
        if not hits:
            return {}
        ends = np.cumsum([len(text) + 1 for text in texts]) - 1  # where each text ends: it may hold a NUL of its own
        standing: dict[int, set[int]] = {}
        places = np.searchsorted(ends, np.array([end for _, end in hits], dtype=np.int64) - 1, side="right")
        for index, (number, _) in zip(places.tolist(), hits, strict=True):
            standing.setdefault(index, set()).add(number)
        return dict(standing)


def words_around(text: str, start: int, end: int) -> str:
    """Return what stands from `start` to `end` (code points) with some words before and behind: a phrase alone says little."""
    first, last = max(0, start - _BEFORE_CHARS), end + _BEHIND_CHARS
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def _first_place(text: str, phrase: str, thinking: Iterable[tuple[int, int]]) -> tuple[int, bool]:
    """Return where a phrase stands first outside the reasoning, or within it, and whether it is within; below 0 for nowhere."""
    first = start = text.find(phrase)
    for begin, end in thinking:
        if begin <= start < end:
            start = text.find(phrase, end)
    return (first, True) if start < 0 <= first else (start, False)


def _lower(text: str) -> str:
    """Return the text in lower case, as many characters as before."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _note(number: int, _start: int, end: int, _flags: int, context: list[tuple[int, int]]) -> None:
    context.append((number, end))


@lru_cache(maxsize=8)
def _literals(phrases: tuple[str, ...]) -> Any:
    try:
        return literal_set(phrases)
    except ImportError:
        return None
