"""From a folded text to the phrases that may occur in it: stage one, all packs at once, a few microseconds a turn.

Hyperscan where it is installed (bytes, a superset of the exact patterns), RE2's set otherwise; stage two looks again exactly, so
both give the same findings.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import re2

from unmoor.detectors.language import scripts_in
from unmoor.errors import PackError
from unmoor.languages import LETTERS, Phrase

__all__ = ["Scanner", "exact_pattern"]

_NO_END = ("Arabic", "Han", "Kana", "Hangul")
_RE2_MEMORY = 512 << 20
_EXACT_MEMORY = 64 << 20


class _Set(Protocol):
    def hits(self, text: str) -> set[int]: ...


class _Hyperscan:
    def __init__(self, phrases: Sequence[tuple[int, Phrase]]) -> None:
        expressions = [phrase.pattern.wide for _, phrase in phrases]
        self._numbers = [number for number, _ in phrases]
        self._database = _database(expressions)

    def hits(self, text: str) -> set[int]:
        found: set[int] = set()
        self._database.scan(text.encode("utf-8", "replace"), match_event_handler=_collect, context=found)
        return {self._numbers[place] for place in found} if found else found


def _database(expressions: list[bytes]) -> Any:
    """Return the compiled set: from the user's cache (a millisecond) or compiled (seconds) and then cached."""
    import hyperscan

    key = hashlib.sha256(b"\0".join([str(getattr(hyperscan, "__version__", "")).encode(), *expressions])).hexdigest()[
        :32
    ]
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unmoor" / f"phrases-{key}.hs"
    try:
        stored = hyperscan.loadb(path.read_bytes(), mode=hyperscan.HS_MODE_BLOCK)
        stored.scratch = hyperscan.Scratch(stored)
        return stored
    except (OSError, ValueError, hyperscan.error):
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=[flags] * len(expressions))
    _keep(path, hyperscan.dumpb(database))
    return database


def _keep(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; where the folder cannot be written, the next start compiles again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError:
        return


def _collect(number: int, _start: int, _end: int, _flags: int, context: set[int]) -> None:
    context.add(number)


class _Re2:
    def __init__(self, phrases: Sequence[tuple[int, Phrase]]) -> None:
        options = re2.Options()
        options.max_mem = _RE2_MEMORY
        options.log_errors = False
        self._numbers = [number for number, _ in phrases]
        self._set = re2.Set.SearchSet(options)
        for _, phrase in phrases:
            self._set.Add(phrase.pattern.exact)
        self._set.Compile()

    def hits(self, text: str) -> set[int]:
        return {self._numbers[index] for index in self._set.Match(text.encode("utf-8", "replace"))}


class Scanner:
    """Finds candidate phrases; compiles the set of a script when the first text in it comes along."""

    def __init__(self, phrases: Sequence[Phrase], scripts: dict[str, str], engine: str = "auto") -> None:
        self._engine = engine
        self._by_script: dict[str, list[tuple[int, Phrase]]] = {}
        self._sets: dict[str, _Set] = {}
        for number, phrase in enumerate(phrases):
            self._by_script.setdefault(scripts[phrase.language], []).append((number, phrase))

    def hits(self, text: str) -> set[int]:
        """Return the numbers of the phrases that may occur in the folded `text`."""
        found: set[int] = set()
        for script in scripts_in(text):
            if script in self._by_script:
                found |= self._set(script).hits(text)
        return found

    def _set(self, script: str) -> _Set:
        if script not in self._sets:
            self._sets[script] = self._compile(self._by_script[script])
        return self._sets[script]

    def _compile(self, phrases: list[tuple[int, Phrase]]) -> _Set:
        if self._engine == "re2":
            return _Re2(phrases)
        try:
            import hyperscan
        except ImportError:
            return _Re2(phrases)
        try:
            return _Hyperscan(phrases)
        except hyperscan.error as error:
            _name_the_culprit(phrases)
            raise PackError(f"Hyperscan does not take the phrases together: {error}") from error


def _name_the_culprit(phrases: list[tuple[int, Phrase]]) -> None:
    """Raise PackError for the first phrase that RE2 does not take."""
    for _, phrase in phrases:
        try:
            re2.compile(phrase.pattern.exact)
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
