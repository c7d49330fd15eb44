"""An answer taken apart, as everything that judges it sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from unmoor.detectors.lectures import Lecture
from unmoor.detectors.normalise import Normalised
from unmoor.detectors.phrases import Hit
from unmoor.detectors.structure import Answer

__all__ = ["TurnView"]


@dataclass(frozen=True, slots=True)
class TurnView:
    """An answer taken apart: its structure, its phrase hits (doubtful ones marked), what the request asks for, the language."""

    answer: Answer
    folded: Normalised
    request: str
    asks: frozenset[str]
    hits: tuple[Hit, ...]
    language: str
    has_tools: bool
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    """The packs' lists of plain words, by language and name."""
    kinds: Mapping[str, re.Pattern[str]]
    """What finds in a request, in any pack's words, the kinds of texts that it may ask for."""
    lectures: tuple[Lecture, ...] = ()
    """Sentences that the model of lectures takes for such."""
    is_told_by_opening: bool = False
    """Whether nothing but its first words had it looked at: no phrase worth it, no sentence that lectures."""

    @property
    def is_worded(self) -> bool:
        """Return whether words that decline are what was asked for: those of a given text, or of a refusal on nothing nervous."""
        return "a refusal's words" in self.asks

    def asks_for(self, kind: str) -> bool:
        """Return whether the request names a kind of text, in the words of any pack."""
        return _stands_in(self.kinds[kind], self.request)

    def words_of(self, language: str, name: str) -> tuple[str, ...]:
        """Return a pack's list of plain words; none where it has no such list."""
        return self.words.get(language, {}).get(name, ())


@lru_cache(maxsize=64)
def _stands_in(words: re.Pattern[str], request: str) -> bool:
    """Return whether a request holds one of the words; each hit of an answer and of its reasoning blocks asks."""
    return bool(words.search(request))
