"""From the name of a column to its words and what they say of what it holds; and whether a text is more than one word."""

from __future__ import annotations

from unmoor.records.patterns import pattern_when_used

__all__ = ["has_gap", "is_held_against", "is_of_people", "is_turned_down", "words_of"]

_NO_ANSWER = frozenset(("reject", "rejected", "incorrect", "bad", "worse", "wrong", "non"))
_CHECKED_AGAINST = frozenset(("reference", "expected", "ground", "gold", "truth", "final", "predicted", "correct"))
"""Short results that an answer is held against: taken where there is nothing else."""
_PEOPLE = frozenset(("user", "customer", "human"))
_WORD = pattern_when_used(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_PLURAL = pattern_when_used(r"(?<=..[^isu])s$")
_GAP = pattern_when_used(r"\s|[\u2e80-\uffef]")
"""What stands between words, or, in Chinese and Japanese, the words themselves."""


def words_of(name: str) -> list[str]:
    """Return the words of a column's name in small letters and in the singular: `chatgptAnswers_2` is chatgpt, answer."""
    return [_PLURAL.sub("", word.casefold()) for word in _WORD.findall(name)]


def is_turned_down(name: str) -> bool:
    """Return whether a column holds, by its name, the worse of two answers or a wrong one."""
    return bool(_NO_ANSWER & set(words_of(name)))


def is_held_against(name: str) -> bool:
    """Return whether a column holds, by its name, what an answer is checked against."""
    return bool(_CHECKED_AGAINST & set(words_of(name)))


def is_of_people(name: str) -> bool:
    """Return whether a column holds, by its name, what people said."""
    return bool(_PEOPLE & set(words_of(name)))


def has_gap(text: str) -> bool:
    """Return whether a text is more than one word, number or name."""
    return _GAP.search(text.strip()) is not None
