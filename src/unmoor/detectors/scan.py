"""From folded texts to the phrases that may occur in them: stage one, many texts at a time, a few microseconds each.

Where Hyperscan is installed it looks for words that a phrase must hold, or for the phrases themselves once that is worth compiling
(bytes, a superset of the exact patterns); elsewhere RE2's sets do. Stage two looks again exactly, so all give the same findings.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import re2
from numpy.typing import NDArray

from unmoor.detectors.literals import KEPT, must_have
from unmoor.errors import PackError
from unmoor.languages import LETTERS, Phrase, cache_folder

__all__ = ["FLOOR", "Scanner", "compiled_set", "exact_pattern"]

FLOOR = "floor"
"""The group of all packs' floor phrases, which are looked for in every language at once."""

WORDS_AFTER_TEXTS = 1_000
"""RE2's sets cost 100 to 600 microseconds a text more than words do, which take 0.1 to 0.4 s to find for a pack, once."""
COMPILE_AFTER_TEXTS = 50_000
"""Words cost some 25 microseconds a text more than whole phrases, compiling those costs 0.2 to 10 s a pack."""
COMPILE_MOST_BYTES = 120_000
"""Bytes of a pack's patterns that are compiled as whole phrases. A pack of 265 kB takes 45 s and 450 MB, and gains no more."""

_CANARY = rb"((ed)|i('ouldn]be)?[ n](|recommend|wouln]recommend)[ n](st|y)|ut)"
_CANARY_TEXT = b" it went home. i recommend you read"

_NO_END = ("Arabic", "Han", "Kana", "Hangul")
_RE2_MEMORY = 256 << 20
_RE2_SET = 16
_EXACT_MEMORY = 64 << 20
_NOT_KEPT = bytes(code for code in range(1, 128) if chr(code) not in KEPT)


class _Set(Protocol):
    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]: ...


class _Hyperscan:
    """One database of all phrases; texts are scanned together, parted by zero bytes, which no pattern reaches over."""

    def __init__(self, phrases: Sequence[tuple[int, Phrase]], database: Any) -> None:
        self._numbers = [number for number, _ in phrases]
        self._database = database

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of a text, number of a phrase that may occur in it), some of them more than once."""
        data = "\0".join(texts).encode("utf-8", "replace")
        found: list[tuple[int, int]] = []
        self._database.scan(data, match_event_handler=_note, context=found)
        if found:
            places, at = _placed(found, data)
            for index, place in zip(at.tolist(), places.tolist(), strict=True):
                yield index, self._numbers[place]


class _Words:
    """Words one of which each phrase must hold, letters only: found at the speed of memory, and compiled in no time."""

    def __init__(self, phrases: Sequence[tuple[int, Phrase]], lists: Sequence[Sequence[str]]) -> None:
        holders: dict[str, list[int]] = {}
        for (number, _), words in zip(phrases, lists, strict=True):
            for word in words:
                holders.setdefault(word, []).append(number)
        self._always = [number for (number, _), words in zip(phrases, lists, strict=True) if not words]
        self._holders = list(holders.values())
        self._database = compiled_set([word.encode() for word in holders], 0, literal=True) if holders else None

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield (index of a text, number of a phrase that may occur in it), some of them more than once."""
        yield from ((index, number) for number in self._always for index in range(len(texts)))
        if self._database is None:
            return
        data = "\0".join(texts).encode("utf-8", "replace").translate(None, _NOT_KEPT)
        found: list[tuple[int, int]] = []
        self._database.scan(data, match_event_handler=_note, context=found)
        if found:
            words, at = _placed(found, data)
            for both in np.unique(at * len(self._holders) + words).tolist():
                index, word = divmod(both, len(self._holders))
                for number in self._holders[word]:
                    yield index, number


def _placed(found: list[tuple[int, int]], data: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for matches (what, end) in joined texts: what, and the index of the text."""
    matches = np.array(found, dtype=np.int64)
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0)
    return matches[:, 0], np.searchsorted(ends, matches[:, 1] - 1)


class _Warming:
    """RE2's sets for a few texts, words for more, whole phrases for very many, or at once what was compiled before.

    A pack takes Hyperscan a quarter of a second to ten; a single text in a language must not cost that.
    """

    def __init__(self, phrases: list[tuple[int, Phrase]]) -> None:
        self._phrases = phrases
        self._seen = 0
        self._may_compile = sum(len(phrase.pattern.wide) for _, phrase in phrases) <= COMPILE_MOST_BYTES
        self._is_final = False
        self._set: _Set | None = None

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        if not self._is_final:
            self._seen += len(texts)
            self._warm()
        assert self._set is not None
        return self._set.hits_many(texts)

    def _warm(self) -> None:
        """Take what is there or due; where there is no Hyperscan, or it does not take the phrases, what was taken before stays."""
        due = self._may_compile and self._seen > COMPILE_AFTER_TEXTS
        words_due = due or self._seen > WORDS_AFTER_TEXTS
        if isinstance(self._set, _Words if not due else _Hyperscan) or (self._set is not None and not words_due):
            return
        try:
            database = _database(self._phrases, compile_now=due) if self._may_compile else None
            words = None if database is not None else _words(self._phrases, find_now=words_due)
        except _notrusted_hyperscan():
            database, words, due = None, None, True
        self._is_final = due or database is not None or (words is not None and not self._may_compile)
        if database is not None:
            self._set = _Hyperscan(self._phrases, database)
        elif words is not None:
            self._set = _Words(self._phrases, words)
        elif self._set is None:
            self._set = _Re2(self._phrases)


def _notrusted_hyperscan() -> tuple[type[Exception], ...]:
    """Return what is raised where Hyperscan is not installed, misses matches, or does not take a pattern."""
    try:
        return (ImportError, trusted_hyperscan().error)
    except ImportError:
        return (ImportError,)


@lru_cache(maxsize=1)
def trusted_hyperscan() -> Any:
    """Return the module `hyperscan`, tried once.

    Vectorscan 5.4.12, which the packages from 0.7.22 on hold, passes over matches: github.com/VectorCamp/vectorscan/issues/358.
    A pattern of the kind that it misses is tried, rather than a version asked for.

    Raises:
        ImportError: it is not installed, or it is not to be trusted.
    """
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[_CANARY], ids=[0], flags=[hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY]
    )
    found: list[tuple[int, int]] = []
    database.scan(_CANARY_TEXT, match_event_handler=_note, context=found)
    if not found:
        raise ImportError("this version of Hyperscan misses matches (Next: pip install 'hyperscan<0.7.22')")
    return hyperscan


def _database(phrases: Sequence[tuple[int, Phrase]], *, compile_now: bool) -> Any:
    expressions = [phrase.pattern.wide for _, phrase in phrases]
    return compiled_set(expressions, 0) if compile_now else _stored_set(expressions, "0")


def _words(phrases: Sequence[tuple[int, Phrase]], *, find_now: bool) -> list[list[str]] | None:
    """Return the words that each phrase must hold: from the user's cache or, if `find_now`, found and then cached; else None."""
    trusted_hyperscan()
    exact = [phrase.pattern.exact for _, phrase in phrases]
    key = hashlib.sha256("\0".join([_words_version(), *exact]).encode()).hexdigest()[:32]
    path = cache_folder() / f"words-{key}.json"
    try:
        stored = json.loads(path.read_bytes())
        if [len(stored), {type(word) for words in stored for word in words} | {str}] == [len(exact), {str}]:
            return list(stored)
    except (OSError, ValueError, TypeError):
        pass
    if not find_now:
        return None
    found = [list(must_have(pattern)) for pattern in exact]
    _keep(path, json.dumps(found).encode())
    return found


@lru_cache(maxsize=1)
def _words_version() -> str:
    return hashlib.sha256(Path(__file__).with_name("literals.py").read_bytes()).hexdigest()


def compiled_set(expressions: list[bytes], flags: int, *, literal: bool = False) -> Any:
    """Return the Hyperscan database of the expressions: from the user's cache (a millisecond) or compiled and then cached.

    Raises:
        ImportError: Hyperscan is not installed, or misses matches.
        hyperscan.error: it does not take an expression.
    """
    hyperscan = trusted_hyperscan()
    kind = f"{flags} literal" if literal else f"{flags}"
    database = _stored_set(expressions, kind)
    if database is None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        numbers = list(range(len(expressions)))
        database.compile(expressions=expressions, ids=numbers, flags=[flags] * len(expressions), literal=literal)
        _keep(_stored_path(expressions, kind), hyperscan.dumpb(database))
    return database


def _stored_set(expressions: list[bytes], kind: str) -> Any:
    """Return the database that an earlier run compiled, or None."""
    hyperscan = trusted_hyperscan()
    try:
        stored = hyperscan.loadb(_stored_path(expressions, kind).read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        stored.scratch = hyperscan.Scratch(stored)
    except (OSError, ValueError, hyperscan.error):
        return None
    return stored


def _stored_path(expressions: list[bytes], kind: str) -> Path:
    version = f"{package_version('hyperscan')} {kind}"
    key = hashlib.sha256(b"\0".join([version.encode(), *expressions])).hexdigest()[:32]
    return cache_folder() / f"phrases-{key}.hs"


def _keep(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; where the folder cannot be written, the next start compiles again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError:
        return


def _note(number: int, _start: int, end: int, _flags: int, context: Any) -> None:
    context.append((number, end))


class _Re2:
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


class Scanner:
    """Finds candidate phrases; a pack is compiled when the first text in its language comes along, the floor when it is asked for.

    `engine` is `auto`, or `re2` or `hyperscan` alone; the last raises `hyperscan.error` for a pack that it does not take.

    Only the packs that a text's own words speak for are scanned: twelve packs of one script at once take Hyperscan half a minute to
    compile and four times as long to scan, for candidates that the language check would turn down.
    """

    def __init__(self, phrases: Sequence[Phrase], engine: str = "auto") -> None:
        self._engine = engine
        self._groups: dict[str, list[tuple[int, Phrase]]] = {}
        self._sets: dict[str, _Set] = {}
        for number, phrase in enumerate(phrases):
            group = FLOOR if phrase.behaviour.startswith("floor.") else phrase.language
            self._groups.setdefault(group, []).append((number, phrase))

    def hits(self, text: str, groups: Iterable[str]) -> set[int]:
        """Return the numbers of the phrases that may occur in the folded `text`; `groups` are pack codes, or `FLOOR`."""
        return self.hits_many([text], [tuple(groups)]).get(0, set())

    def hits_many(self, texts: Sequence[str], groups: Sequence[Iterable[str]]) -> dict[int, set[int]]:
        """Return the same for many texts at once, each with its groups: by index, those alone in which something may occur."""
        members: dict[str, list[int]] = {}
        for index, wanted in enumerate(groups):
            for group in wanted:
                members.setdefault(group, []).append(index)
        found: dict[int, set[int]] = {}
        for group, indexes in members.items():
            if group in self._groups:
                for place, number in self._set(group).hits_many([texts[index] for index in indexes]):
                    found.setdefault(indexes[place], set()).add(number)
        return found

    def _set(self, group: str) -> _Set:
        if group not in self._sets:
            self._sets[group] = self._compile(self._groups[group])
        return self._sets[group]

    def _compile(self, phrases: list[tuple[int, Phrase]]) -> _Set:
        _check_patterns(phrases)
        if self._engine == "re2":
            return _Re2(phrases)
        if self._engine == "hyperscan":
            return _Hyperscan(phrases, _database(phrases, compile_now=True))
        return _Warming(phrases)


def _check_patterns(phrases: list[tuple[int, Phrase]]) -> None:
    """Raise PackError for the first phrase that RE2 does not take."""
    options = re2.Options()
    options.max_mem, options.log_errors = _EXACT_MEMORY, False
    for _, phrase in phrases:
        try:
            re2.compile(phrase.pattern.exact, options)
        except re2.error as error:
            raise PackError(f"{phrase.language}: phrase {phrase.id}: impossible pattern: {error}") from error


def exact_pattern(exact: str, script: str) -> Any:
    """Compile the exact pattern with word edges; the match is group 1.

    Edges are those of the script: none where words are not spaced or take prefixes and particles.

    Raises:
        re2.error: RE2 does not take the pattern.
    """
    before = "" if script in ("Arabic", "Han", "Kana") else f"(?:^|[^0-9{LETTERS}])"
    after = f"(?:$|[^0-9'{LETTERS}]|'(?:$|[^{LETTERS}]))"
    if script in _NO_END or exact.endswith(("$|[.!?\\n。]))", "$")):
        after = ""
    options = re2.Options()
    options.max_mem, options.log_errors = _EXACT_MEMORY, False
    return re2.compile(f"{before}({exact}){after}", options)
