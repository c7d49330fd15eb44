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

    def around(self, text: str, start_char: int, end_char: int, *, with_one_before: bool = False) -> str | None:
        """Return the first phrase that the sentences from `start_char` to `end_char` (code points) hold, or None.

        `with_one_before` looks at the sentence before them too: a refusal is shown by one sentence and may be said in two.
        """
        sentences = split_sentences(text)
        start, end = sentences.around(start_char, end_char)
        if with_one_before:
            start = sentences.spans[max(0, sentences.index_at(start) - 1)][0] if sentences.spans else start
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
