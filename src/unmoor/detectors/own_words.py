"""From the owner's phrases and a place in an answer to the phrase that the sentence there holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from unmoor.detectors.normalise import fold_text
from unmoor.detectors.sentences import split_sentences

__all__ = ["OwnWords"]

_LETTER = r"[^\W_]"


class OwnWords:
    """Phrases of the owner's, whole words found whatever their case, accents, kinds of quotes and spaces."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._patterns = [(phrase, re.compile(_pattern(_folded(phrase)))) for phrase in phrases]

    def around(self, text: str, start_char: int, end_char: int) -> str | None:
        """Return the first phrase that the sentences from `start_char` to `end_char` (code points) hold, or None."""
        start, end = split_sentences(text).around(start_char, end_char)
        said = _folded(text[start:end])
        return next((phrase for phrase, pattern in self._patterns if pattern.search(said)), None)


def _folded(text: str) -> str:
    return " ".join(fold_text(text).split())


def _pattern(phrase: str) -> str:
    """Return a pattern for whole words, in scripts that have two cases: others may not part their words."""
    before = rf"(?<!{_LETTER})" if _is_of_a_word(phrase[:1]) else ""
    after = rf"(?!{_LETTER})" if _is_of_a_word(phrase[-1:]) else ""
    return before + re.escape(phrase) + after


def _is_of_a_word(character: str) -> bool:
    return character.isdigit() or character.lower() != character.upper()
