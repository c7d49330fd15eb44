"""From a sentence that declines, and a request for a message in which the asker declines, to whether it is of that message."""

from __future__ import annotations

from functools import lru_cache

from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Hit
from unmoor.detectors.view import TurnView
from unmoor.records.patterns import pattern_when_used

__all__ = ["SHORT_WORD", "WORD", "WORDED_CHARS", "names_what_is_told", "says_nothing_told"]

WORDED_CHARS = 600
"""Code points of a request up to which a refusal's words may be all that it asks for: in longer ones they are rules."""
WORD = pattern_when_used(r"[\u3040-\u30ff\u4e00-\u9fff]|(?:[^\W\d_\u3040-\u30ff\u4e00-\u9fff]|[\u0900-\u0963])+")
"""A word, with the vowel signs of Devanagari in it; a character where words are not spaced."""
SHORT_WORD = 3
"""Letters of words that say little of what a request is about."""
_ENDING = 3
"""Letters at the end of a longer word in which its forms may differ."""
_SYLLABLES = 2
"""Syllables with which forms of a Korean word begin alike; particles and endings follow."""
_WITH_ENDINGS = ("fi", "ko", "tr")
"""Languages in which a word of the request seldom comes back as it was."""
_YOUR = pattern_when_used(r"(?<!\w)your (\w+)")


def names_what_is_told(view: TurnView, hit: Hit) -> bool:
    """Return whether a sentence that declines names, beyond how one declines, what the request does and, but for a day, hardly
    anything else ("I can't help you move on Sunday", not "I can't help you cheat on Sunday"), nobody as the asker's and no message
    ("I can't help with a letter to them").
    """
    said = fold_text(view.answer.text[slice(*hit.sentence)])
    if any(f"my {one}" in view.request for one in _YOUR.findall(said)) or _names_the_message(view, hit, said):
        return False
    is_of_a_lack = (
        hit.phrase.behaviour == "refusal.capability"
    )  # its examples name what an assistant lacks: to send, to call
    own = _own_words(view, hit, said, with_examples=is_of_a_lack)
    asked = WORD.findall(view.request[:WORDED_CHARS])
    unnamed = own - set(view.words_of(hit.phrase.language, "when"))
    has_endings = hit.phrase.language in _WITH_ENDINGS
    is_named = any(word in asked or (has_endings and _is_form_of_one(word, asked)) for word in own)
    return is_named and all(_is_form_of_one(word, asked) for word in unnamed)


def _names_the_message(view: TurnView, hit: Hit, said: str) -> bool:
    stems = view.words_of(hit.phrase.language, "message")
    return bool(stems) and any(word.startswith(stems) for word in WORD.findall(said))


def says_nothing_told(view: TurnView, hit: Hit) -> bool:
    """Return whether a whole answer has no word of the message that was asked for: "I can't help with that request" says nothing of
    why the asker cannot come.
    """
    asked = WORD.findall(view.request[:WORDED_CHARS])
    return not any(_is_form_of_one(word, asked) for word in _own_words(view, hit, fold_text(view.answer.text)))


def _own_words(view: TurnView, hit: Hit, said: str, *, with_examples: bool = False) -> set[str]:
    """Return the longer words that say more than how one declines."""
    usual = set(view.words_of(hit.phrase.language, "plain"))
    return _long_words(said) - (usual if with_examples else usual | _words_of_examples(hit.phrase.hits))


def _long_words(said: str) -> set[str]:
    return {word for word in WORD.findall(said) if len(word) > (1 if _is_korean(word) else SHORT_WORD)}


def _is_form_of_one(word: str, others: list[str]) -> bool:
    """Return whether a word begins as one of the others does, but for an ending: "helping" and "helped"."""
    stem = word[:_SYLLABLES] if _is_korean(word) else word[: max(SHORT_WORD + 1, len(word) - _ENDING)]
    return any(other.startswith(stem) for other in others)


def _is_korean(word: str) -> bool:
    return "\uac00" <= word[0] <= "\ud7a3"


@lru_cache(maxsize=512)
def _words_of_examples(sentences: tuple[str, ...]) -> frozenset[str]:
    """Return the words of a phrase's own examples: what anybody says who declines."""
    return frozenset(word for sentence in sentences for word in WORD.findall(fold_text(sentence)))
