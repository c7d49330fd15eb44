"""From many folded texts to the phrases that may occur in each: RE2's sets, words that a phrase must hold, or whole phrases.

Hyperscan looks for the last two in bytes, a superset of the exact patterns; where it is not installed RE2's sets do. The more
texts, the more is worth compiling.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import orjson
import re2
from numpy.typing import NDArray

from unmoor.detectors.databases import (
    NUMBER_BITS,
    compiled_set,
    compiling_beside,
    is_stored,
    not_trusted,
    note,
    stored_set,
    trusted_hyperscan,
)
from unmoor.detectors.literals import KEPT, must_have
from unmoor.detectors.normalise import fold_letters, fold_text
from unmoor.languages import Phrase
from unmoor.records import cache_folder, keep_in_cache, kept_in_cache

__all__ = ["HyperscanSet", "PhraseSet", "Re2Set", "WarmingSet", "WordSet", "parted", "phrase_database"]

WORDS_AFTER_TEXTS = 50
"""RE2's sets cost 0.2 to 2 milliseconds a text, of Japanese 8 and of Korean 13; words take 0.2 to 0.6 s to find for a pack, once on
a machine, and then nothing to speak of."""
COMPILE_AFTER_CHARACTERS = 8_000_000
"""Words cost 25 to 85 microseconds a text of some 400 characters more than whole phrases; compiling those costs another process 3
to 20 s a pack (English 8), once on a machine: sooner than one run would have it, for the next has it for nothing. Texts alone would
not do to count: answers of a few words are looked through for every pack of their script."""
LOAD_AFTER_CHARACTERS = 100_000
"""What an earlier run compiled takes 50 to 90 milliseconds to load, words 10: where there are few texts, words do."""
COMPILE_MOST_BYTES = 400_000
"""Bytes of a pack's patterns that are compiled as whole phrases; of a pack with more the longest stay with their words."""
WHOLE_MOST_BYTES = 9_000
"""Bytes of one pattern that is compiled as a whole phrase; longer ones stay with their words. Of Russian's patterns three of
15 kB took one of two minutes; without those longer than this it takes ten seconds."""

_Ways = Sequence[Sequence[Sequence[str]]]
"""The ways in which a phrase matches, as `must_have` has them: of each of a way's lists of words a match holds one."""
_RE2_MEMORY = 256 << 20
_RE2_SET = 16
_LOWER = bytes(range(256)).lower()
_NOT_KEPT = bytes(code for code in range(1, 128) if chr(code).lower() not in KEPT)


class PhraseSet(Protocol):
    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]: ...

    def hits_unfolded(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield the same for texts as they were typed."""
        return self.hits_many(list(map(fold_text, texts)))


class HyperscanSet(PhraseSet):
    """One database of all phrases; texts are scanned together, each between zero bytes, which no pattern reaches over."""

    def __init__(self, phrases: Sequence[tuple[int, Phrase]], database: Any) -> None:
        self._numbers = [number for number, _ in phrases]
        self._database = database

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of a text, number of a phrase that may occur in it), some of them more than once."""
        data = "\0".join(["", *texts, ""]).encode("utf-8", "replace")
        found: list[int] = []
        self._database.scan(data, match_event_handler=note, context=found)
        if found:
            places, at = _placed(found, data)
            for index, place in zip(at.tolist(), places.tolist(), strict=True):
                yield index - 1, self._numbers[place]


class WordSet:
    """Lists of words, of each of which a phrase must hold one, letters only: found at the speed of memory, compiled in no time."""

    def __init__(self, phrases: Sequence[tuple[int, Phrase]], ways: Sequence[_Ways]) -> None:
        """Take for each phrase the ways in which it matches; a phrase without any may stand in every text."""
        lists = [its for here in ways for its in here]
        every = [words for its in lists for words in its]
        self._always = [number for (number, _), here in zip(phrases, ways, strict=True) if not here]
        self._numbers = np.repeat([number for number, _ in phrases], list(map(len, ways)))
        self._wanted = np.array(list(map(len, lists)), dtype=np.int64)
        self._owners = np.repeat(np.arange(len(lists)), self._wanted)
        distinct = {word: None for words in every for word in words}
        numbers = dict(zip(distinct, range(len(distinct)), strict=True))
        word_of = np.array([numbers[word] for words in every for word in words], dtype=np.int64)
        by_word = np.argsort(word_of, kind="stable")
        self._of_words = np.repeat(np.arange(len(every)), list(map(len, every)))[by_word]
        self._ends = np.searchsorted(word_of[by_word], np.arange(len(distinct) + 1))
        self._database = compiled_set(list(map(str.encode, distinct)), 0, literal=True) if distinct else None

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of a text, number of a phrase that may occur in it), once for each way."""
        yield from ((index, number) for number in self._always for index in range(len(texts)))
        if self._database is None:
            return
        data = "\0".join(texts).encode("utf-8", "replace").translate(_LOWER, _NOT_KEPT)
        found: list[int] = []
        self._database.scan(data, match_event_handler=note, context=found)
        if found:
            words, at = _placed(found, data)
            at, words = _distinct(at, words, len(self._ends))
            at, of = _distinct(*self._lists_of(at, words), len(self._owners))
            at, places = self._complete(at, self._owners[of])
            yield from zip(at.tolist(), self._numbers[places].tolist(), strict=True)

    def _lists_of(self, at: NDArray[np.int64], words: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for words that stand in texts each list that they are in, with the text."""
        starts, counts = self._ends[words], np.diff(self._ends)[words]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(at, counts), self._of_words[np.repeat(starts, counts) + within]

    def _complete(
        self, at: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the texts and places of ways that stand there once for each of the way's lists."""
        both, counts = np.unique(at * len(self._numbers) + places, return_counts=True)
        at, places = np.divmod(both, len(self._numbers))
        is_whole = counts == self._wanted[places]
        return at[is_whole], places[is_whole]

    def hits_unfolded(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield the same for texts as they were typed: few need to be folded, for letters alone are looked at."""
        return self.hits_many(list(map(fold_letters, texts)))


class _BothSets(PhraseSet):
    """Whole phrases, and words for those that are too long."""

    def __init__(self, *sets: PhraseSet) -> None:
        self._sets = sets

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of a text, number of a phrase that may occur in it), some of them more than once."""
        for one in self._sets:
            yield from one.hits_many(texts)


def _placed(found: list[int], data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for matches in joined texts, as `note` took them down: what, and the index of the text."""
    matches = np.array(found, dtype=np.int64)
    between = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0)
    return matches & ((1 << NUMBER_BITS) - 1), np.searchsorted(between, (matches >> NUMBER_BITS) - 1)


class WarmingSet:
    """RE2's sets for a few texts, words for more, whole phrases for very many, or at once what was compiled before.

    A pack takes Hyperscan a quarter of a second to ten; a single text in a language must not cost that, and no run waits for it:
    another process compiles, and words do until it has.
    """

    def __init__(
        self,
        phrases: Sequence[tuple[int, Phrase]],
        check: Callable[[Sequence[tuple[int, Phrase]]], None],
        *,
        may_compile: bool = True,
    ) -> None:
        """Take the phrases; `check` raises for one that RE2 does not take, and is asked until the cache holds something of them.

        Unless they `may_compile`, they stay with their words.
        """
        self._phrases = phrases
        self._check = check
        self._seen = self._characters = 0
        self._whole, self._long = parted(phrases) if may_compile else ([], list(phrases))
        self._may_compile = bool(self._whole)
        self._is_final = self._is_sought = False
        self._set: PhraseSet | None = None
        self._beside: subprocess.Popen[bytes] | None = None

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        return self._warmed(texts).hits_many(texts)

    def hits_unfolded(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        return self._warmed(texts).hits_unfolded(texts)

    def _warmed(self, texts: Sequence[str]) -> PhraseSet:
        """Return what these texts are to be looked at with."""
        if not self._is_final:
            self._seen += len(texts)
            self._characters += sum(map(len, texts))
            self._warm()
        assert self._set is not None
        return self._set

    def _warm(self) -> None:
        """Take what is there or due; where there is no Hyperscan, or it does not take the phrases, what was taken before stays."""
        is_much = self._may_compile and self._characters > COMPILE_AFTER_CHARACTERS
        due = is_much and self._is_ready()
        load_due = self._may_compile and self._characters > LOAD_AFTER_CHARACTERS and not self._is_sought
        words_due = is_much or self._seen > WORDS_AFTER_TEXTS
        has_words = isinstance(self._set, WordSet)
        if self._set is not None and not due and not load_due and (has_words or not words_due):
            return
        if self._set is None and not _words_path(self._phrases).is_file() and not is_stored(_wide(self._whole), "0"):
            self._check(self._phrases)
        database, long_words = None, None
        try:
            words = None if has_words or due or load_due else _words(self._phrases, find_now=words_due)
            if due or (self._may_compile and words is None and not self._is_sought):
                database = (phrase_database if due else _stored_phrases)(self._whole)
                long_words = _words(self._long, find_now=True) if database is not None and self._long else None
                self._is_sought = True
            if database is None and words is None and not has_words:
                words = _words(self._phrases, find_now=words_due)
        except not_trusted():
            database, long_words, words, due = None, None, None, True
        self._is_final = due or database is not None or (words is not None and not self._may_compile)
        if database is not None:
            whole = HyperscanSet(self._whole, database)
            self._set = _BothSets(whole, WordSet(self._long, long_words)) if long_words else whole
        elif words is not None:
            self._set = WordSet(self._phrases, words)
        elif self._set is None:
            self._set = Re2Set(self._phrases)

    def _is_ready(self) -> bool:
        """Return whether nothing is to be waited for: compiled before, or by a process that has ended."""
        try:
            trusted_hyperscan()
        except ImportError:
            return True
        if self._beside is None and not is_stored(_wide(self._whole), "0"):
            self._beside = compiling_beside(_wide(self._whole))
        return self._beside is None or self._beside.poll() is not None


def parted(phrases: Sequence[tuple[int, Phrase]]) -> tuple[list[tuple[int, Phrase]], list[tuple[int, Phrase]]]:
    """Return the phrases that Hyperscan compiles whole and those that stay with their words: the longest, if there are too many."""
    sizes = sorted(len(phrase.pattern.wide) for _, phrase in phrases)
    too_long = [size for size, total in zip(sizes, accumulate(sizes), strict=True) if total > COMPILE_MOST_BYTES]
    below = min([*too_long[:1], WHOLE_MOST_BYTES + 1])
    whole = [one for one in phrases if len(one[1].pattern.wide) < below]
    return whole, [one for one in phrases if len(one[1].pattern.wide) >= below]


def phrase_database(phrases: Sequence[tuple[int, Phrase]]) -> Any:
    """Return the database of the phrases' wide patterns, from the cache or compiled.

    Raises:
        ImportError, hyperscan.error: as `compiled_set`.
    """
    return compiled_set(_wide(phrases), 0)


def _stored_phrases(phrases: Sequence[tuple[int, Phrase]]) -> Any:
    return stored_set(_wide(phrases), "0")


def _wide(phrases: Sequence[tuple[int, Phrase]]) -> list[bytes]:
    return [phrase.pattern.wide for _, phrase in phrases]


def _distinct(at: NDArray[np.int64], what: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct pairs of two arrays, in order; `what` is below `most`."""
    first, second = np.divmod(np.unique(at * most + what), most)
    return first, second


def _words(phrases: Sequence[tuple[int, Phrase]], *, find_now: bool) -> Sequence[_Ways] | None:
    """Return the ways of each phrase: from the user's cache or, if `find_now`, found and then cached; else None."""
    trusted_hyperscan()
    path = _words_path(phrases)
    stored = kept_in_cache(path)
    if stored is not None:
        return list(orjson.loads(stored))
    if not find_now:
        return None
    found = [must_have(phrase.pattern.exact) for _, phrase in phrases]
    keep_in_cache(path, orjson.dumps(found))
    return found


def _words_path(phrases: Sequence[tuple[int, Phrase]]) -> Path:
    exact = [phrase.pattern.exact for _, phrase in phrases]
    key = hashlib.sha256("\0".join([_words_version(), *exact]).encode()).hexdigest()[:32]
    return cache_folder() / f"words-{key}.json"


@lru_cache(maxsize=1)
def _words_version() -> str:
    return hashlib.sha256(Path(__file__).with_name("literals.py").read_bytes()).hexdigest()


class Re2Set(PhraseSet):
    """Several sets of a few phrases: one of all would outgrow RE2's memory, and RE2 then finds nothing without a word."""

    def __init__(self, phrases: Sequence[tuple[int, Phrase]]) -> None:
        self._sets = [self._set(phrases[i : i + _RE2_SET]) for i in range(0, len(phrases), _RE2_SET)]

    def _set(self, phrases: Sequence[tuple[int, Phrase]]) -> tuple[Any, list[int]]:
        options = re2.Options()
        options.max_mem = _RE2_MEMORY
        options.log_errors = False
        made = re2.Set.SearchSet(options)
        for _, phrase in phrases:
            made.Add(phrase.pattern.exact)
        made.Compile()
        return made, [number for number, _ in phrases]

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        for place, text in enumerate(texts):
            data = text.encode("utf-8", "replace")
            yield from ((place, numbers[index]) for made, numbers in self._sets for index in made.Match(data) or ())
