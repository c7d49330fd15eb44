"""From a folded text to the phrases that may occur in it: stage one, all packs at once, a few microseconds a turn.

Hyperscan where it is installed and worth compiling (bytes, a superset of the exact patterns), RE2's sets otherwise; stage two looks
again exactly, so both give the same findings.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import re2

from unmoor.errors import PackError
from unmoor.languages import LETTERS, Phrase, cache_folder

__all__ = ["FLOOR", "Scanner", "compiled_set", "exact_pattern"]

FLOOR = "floor"
"""The group of all packs' floor phrases, which are looked for in every language at once."""

COMPILE_AFTER_TEXTS = 20_000
"""RE2's sets cost some 40 microseconds a text more than Hyperscan, compiling costs 0.2 to 10 s a pack."""

_CANARY = rb"((ed)|i('ouldn]be)?[ n](|recommend|wouln]recommend)[ n](st|y)|ut)"
_CANARY_TEXT = b" it went home. i recommend you read"

_NO_END = ("Arabic", "Han", "Kana", "Hangul")
_RE2_MEMORY = 256 << 20
_RE2_SET = 16
_EXACT_MEMORY = 64 << 20


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
        if len(texts) == 1:
            return iter((0, self._numbers[place]) for place in {place for place, _ in found})
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 0)
        at = np.searchsorted(ends, np.array([end for _, end in found], dtype=np.int64) - 1)
        return ((index, self._numbers[place]) for index, (place, _) in zip(at.tolist(), found, strict=True))


class _Warming:
    """RE2 until so many texts were looked at that compiling for Hyperscan pays, or from the start where it was compiled before.

    A pack takes Hyperscan a quarter of a second to ten; a single text in a language must not cost that.
    """

    def __init__(self, phrases: list[tuple[int, Phrase]]) -> None:
        self._phrases = phrases
        self._seen = 0
        self._is_final = False
        self._set: _Set | None = None

    def hits_many(self, texts: Sequence[str]) -> Iterator[tuple[int, int]]:
        if not self._is_final:
            self._seen += len(texts)
            self._warm()
        assert self._set is not None
        return self._set.hits_many(texts)

    def _warm(self) -> None:
        """Take the database if it is there or due; what Hyperscan does not take as a whole stays with RE2."""
        due = self._seen > COMPILE_AFTER_TEXTS
        if self._set is not None and not due:
            return
        try:
            database = _database(self._phrases, compile_now=due)
        except _notrusted_hyperscan():
            database, due = None, True
        self._is_final = due or database is not None
        if database is not None:
            self._set = _Hyperscan(self._phrases, database)
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
    return compiled_set(expressions, 0) if compile_now else _stored_set(expressions, 0)


def compiled_set(expressions: list[bytes], flags: int) -> Any:
    """Return the Hyperscan database of the expressions: from the user's cache (a millisecond) or compiled and then cached.

    Raises:
        ImportError: Hyperscan is not installed, or misses matches.
        hyperscan.error: it does not take an expression.
    """
    hyperscan = trusted_hyperscan()
    database = _stored_set(expressions, flags)
    if database is None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=[flags] * len(expressions))
        _keep(_stored_path(expressions, flags), hyperscan.dumpb(database))
    return database


def _stored_set(expressions: list[bytes], flags: int) -> Any:
    """Return the database that an earlier run compiled, or None."""
    hyperscan = trusted_hyperscan()
    try:
        stored = hyperscan.loadb(_stored_path(expressions, flags).read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        stored.scratch = hyperscan.Scratch(stored)
    except (OSError, ValueError, hyperscan.error):
        return None
    return stored


def _stored_path(expressions: list[bytes], flags: int) -> Path:
    version = f"{package_version('hyperscan')} {flags}"
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


def _note(number: int, _start: int, end: int, _flags: int, context: list[tuple[int, int]]) -> None:
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
