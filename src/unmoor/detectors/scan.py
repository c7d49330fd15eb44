"""From folded texts to the phrases that may occur in them: stage one, many texts at a time, a few microseconds each.

Answers are scanned for what answers say and requests for what requests ask, each with the packs of the text's own language. Stage
two looks again exactly, so for the findings it does not matter what finds the candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import re2

from unmoor.detectors.sets import HyperscanSet, PhraseSet, Re2Set, WarmingSet, phrase_database
from unmoor.detectors.together import side_by_side
from unmoor.errors import PackError
from unmoor.languages import LETTERS, NO_START, TOPICS, Phrase
from unmoor.records import FLOOR_TOPICS

__all__ = [
    "FLOOR",
    "OWN_TOPICS",
    "REWORDING",
    "Scanner",
    "exact_pattern",
    "group_of",
    "is_of_the_floor",
    "requests_in",
    "topics_in",
]

FLOOR = "floor"
"""The group of all packs' floor phrases, which are looked for in every language at once, but only where something is done to a row:
compiling them whole, 900 kB, would take a minute and be worth it to nobody."""
OWN_TOPICS = "topics"
"""The group of the topics that owners' packs add to those with which a policy may raise the floor, looked for as the floor is."""
REWORDING = "rewording"
"""The group of all packs' phrases that ask for a text in other words: it may hold more of another
language than of its own."""

_NO_END = ("Arabic", "Han", "Kana", "Hangul")
_EXACT_MEMORY = 64 << 20
"""Bytes that RE2 may take for a pattern and what it has met with it."""
_TOGETHER_MEMORY = 1 << 20
"""The same for a pattern that looks through many texts at once: there are hundreds. Where it is too little, it is the other."""


def requests_in(code: str) -> str:
    """Return the group of what a pack looks for in requests; what it looks for in answers is named by its code alone."""
    return f"{code} requests"


def topics_in(code: str) -> str:
    """Return the group of the topics that ship, with which a policy may raise the floor, as a pack looks for them in requests."""
    return f"{code} topics"


def group_of(phrase: Phrase) -> str:
    """Return the group that a phrase is scanned in; English is looked for in every text in Latin letters."""
    code = "en" if phrase.in_latin else phrase.language
    if phrase.behaviour.startswith("floor."):
        topic = phrase.behaviour.removeprefix("floor.")
        return FLOOR if topic in FLOOR_TOPICS else topics_in(code) if topic in TOPICS else OWN_TOPICS
    if phrase.behaviour in ("request.rewrite", "request.wording"):
        return REWORDING
    return requests_in(code) if phrase.behaviour.startswith("request.") else code


class Scanner:
    """Finds candidate phrases; a group is compiled when the first text to look for it in comes along.

    `engine` is `auto`, or `re2` or `hyperscan` alone; the last raises `hyperscan.error` for a pack that it does not take.

    Only the packs that a text's own words speak for are scanned: twelve packs of one script at once take Hyperscan half a minute to
    compile and four times as long to scan, for candidates that the language check would turn down.
    """

    def __init__(self, phrases: Sequence[Phrase], engine: str = "auto") -> None:
        self._engine = engine
        self._groups: dict[str, list[tuple[int, Phrase]]] = {}
        self._sets: dict[str, PhraseSet] = {}
        for number, phrase in enumerate(phrases):
            self._groups.setdefault(group_of(phrase), []).append((number, phrase))

    def hits(self, text: str, groups: Iterable[str]) -> set[int]:
        """Return the numbers of the phrases that may occur in the folded `text`; `groups` as `group_of` names them."""
        return self.hits_many([text], [tuple(groups)]).get(0, set())

    def hits_many(self, texts: Sequence[str], groups: Sequence[tuple[str, ...]]) -> dict[int, set[int]]:
        """Return the same for many texts at once, each with its groups: by index, those alone in which something may occur."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for index, wanted in enumerate(groups):
            alike.setdefault(wanted, []).append(index)
        members: dict[str, list[int]] = {}
        for wanted, here in alike.items():
            for group in wanted:
                members.setdefault(group, []).extend(here)
        found: dict[int, set[int]] = {}
        for group, indexes in members.items():
            if group in self._groups:
                for place, number in self._set(group).hits_many([texts[index] for index in indexes]):
                    found.setdefault(indexes[place], set()).add(number)
        return found

    def hits_unfolded(self, texts: Sequence[str], groups: Sequence[str]) -> dict[int, set[int]]:
        """Return the same for many texts as they were typed, all with the same groups: they are folded as far as a set needs it."""
        found: dict[int, set[int]] = {}
        for group in groups:
            if group in self._groups:
                for place, number in self._set(group).hits_unfolded(texts):
                    found.setdefault(place, set()).add(number)
        return found

    def _set(self, group: str) -> PhraseSet:
        if group not in self._sets:
            self._sets[group] = self._compile(group)
        return self._sets[group]

    def _compile(self, group: str) -> PhraseSet:
        phrases = self._groups[group]
        if self._engine == "auto":
            return WarmingSet(phrases, check=_check_patterns, may_compile=not is_of_the_floor(group))
        _check_patterns(phrases)
        return Re2Set(phrases) if self._engine == "re2" else HyperscanSet(phrases, phrase_database(phrases))


def is_of_the_floor(group: str) -> bool:
    """Return whether a group is looked for in requests that a policy does something about, and never compiled whole."""
    return group in (FLOOR, OWN_TOPICS) or group.endswith(topics_in(""))


def _check_patterns(phrases: Sequence[tuple[int, Phrase]]) -> None:
    """Raise PackError for the first phrase that RE2 does not take."""
    options = re2.Options()
    options.max_mem, options.log_errors = _EXACT_MEMORY, False
    for _, phrase in phrases:
        try:
            re2.compile(phrase.pattern.exact, options)
        except re2.error as error:
            raise PackError(f"{phrase.language}: phrase {phrase.id}: impossible pattern: {error}") from error


def exact_pattern(exact: str, script: str, *, among_others: bool = False) -> Any:
    """Compile the exact pattern with word edges; the match is group 1.

    Edges are those of the script: none where words are not spaced or take prefixes and particles. `among_others` is for texts that
    stand side by side.

    Raises:
        re2.error: RE2 does not take the pattern.
    """
    before = "" if script in NO_START else f"(?:^|[^0-9{LETTERS}])"
    after = f"(?:$|[^0-9'{LETTERS}]|'(?:$|[^{LETTERS}]))"
    if script in _NO_END or exact.endswith(("$|[.!?\\n。]))", "$")):
        after = ""
    whole = f"{before}({exact}){after}"
    options = re2.Options()
    options.log_errors = False
    if among_others:
        options.max_mem = _TOGETHER_MEMORY
        with suppress(re2.error):
            return re2.compile(side_by_side(whole), options)
    options.max_mem = _EXACT_MEMORY
    return re2.compile(side_by_side(whole) if among_others else whole, options)
