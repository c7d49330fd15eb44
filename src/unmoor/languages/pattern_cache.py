"""From patterns read once to patterns read from the user's cache: a pack loads in milliseconds instead of a third of a second.

The cache holds strings only, a file for each of a pack's, named by the hash of the pack and of the code that reads patterns: never
stale.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from unmoor.languages.expressions import Pattern
from unmoor.languages.pattern import read_pattern
from unmoor.records import cache_folder, keep_in_cache, kept_in_cache

__all__ = ["PatternCache", "kept_contents", "pattern_path"]


class PatternCache:
    """The patterns of one file of a pack, by their source. Where the cache has them, they are read as one is first wanted."""

    def __init__(
        self, pack_sha256: str, file: str, shorthand: Mapping[str, str] | None, *, starts_a_word: bool
    ) -> None:
        self._path = pattern_path(pack_sha256, file)
        self._is_kept = self._path.is_file()
        self._shorthand, self._starts_a_word = shorthand, starts_a_word
        self._sources: dict[str, None] = {}
        self._known: dict[str, tuple[str, bytes]] = {}

    def pattern(self, source: str) -> Pattern:
        """Return the pattern of `source`.

        Raises:
            PackError: it is not one. What the cache has was read before, and is one.
        """
        self._sources[source] = None
        if not self._is_kept:
            self._known[source] = self._read(source)
        return Pattern(source, lambda: self._made(source))

    def keep(self) -> None:
        """Write what was read, whole or not at all; where the folder cannot be written, the next start reads the file again."""
        if not self._is_kept:
            keep_in_cache(
                self._path,
                orjson.dumps(
                    {source: (exact, wide.decode("latin-1")) for source, (exact, wide) in self._known.items()}
                ),
            )

    def _made(self, source: str) -> tuple[str, bytes]:
        if source not in self._known:
            stored = kept_in_cache(self._path)
            if stored is not None:
                self._known = {
                    source: (exact, wide.encode("latin-1")) for source, (exact, wide) in orjson.loads(stored).items()
                }
            else:  # it was changed, or is gone by now
                self._known = {source: self._read(source) for source in self._sources}
                self._is_kept = False
                self.keep()
        return self._known[source]

    def _read(self, source: str) -> tuple[str, bytes]:
        made = read_pattern(source, self._shorthand, starts_a_word=self._starts_a_word)
        return made.exact, made.wide


def pattern_path(pack_sha256: str, file: str) -> Path:
    """Return where the cache has the patterns of one file of a pack."""
    return cache_folder() / f"patterns-{pack_sha256[:24]}-{file}-{_code_hash()}.json"


def kept_contents(pack_sha256: str, parsed: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what the files of a pack say, `parsed` once: reading TOML takes thirty times as long as reading JSON."""
    path = cache_folder() / f"contents-{pack_sha256[:24]}.json"
    stored = kept_in_cache(path)
    if stored is not None:
        return dict(orjson.loads(stored))
    contents = parsed()
    keep_in_cache(path, orjson.dumps(contents))
    return contents


@lru_cache(maxsize=1)
def _code_hash() -> str:
    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("fold.py", "pattern.py"))
    return hashlib.sha256(sources).hexdigest()[:12]
