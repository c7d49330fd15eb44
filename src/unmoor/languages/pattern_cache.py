"""From patterns read once to patterns read from the user's cache: a pack loads in milliseconds instead of a third of a second.

The cache holds strings only, one file a pack, named by the hash of the pack and of the code that reads patterns: never stale.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from unmoor.languages.pattern import Pattern, read_pattern
from unmoor.records import cache_folder, keep_in_cache, kept_in_cache

__all__ = ["PatternCache", "kept_contents", "pattern_path"]


class PatternCache:
    """The patterns of one pack, by their source."""

    def __init__(self, pack_sha256: str) -> None:
        self._path = pattern_path(pack_sha256)
        self._known = _read(self._path)
        self._is_complete = bool(self._known)

    def pattern(self, source: str, shorthand: Mapping[str, str] | None, *, starts_a_word: bool) -> Pattern:
        """Return the pattern of `source`; in one pack all start a word, or none.

        Raises:
            PackError: it is not one.
        """
        if source in self._known:
            exact, wide = self._known[source]
            return Pattern(source, exact, wide.encode("latin-1"))
        self._is_complete = False
        made = read_pattern(source, shorthand, starts_a_word=starts_a_word)
        self._known[source] = (made.exact, made.wide.decode("latin-1"))
        return made

    def keep(self) -> None:
        """Write what is new, whole or not at all; where the folder cannot be written, the next start reads the packs again."""
        if self._is_complete:
            return
        keep_in_cache(self._path, json.dumps(self._known).encode())


def pattern_path(pack_sha256: str) -> Path:
    """Return where the cache has the patterns of a pack."""
    return cache_folder() / f"patterns-{pack_sha256[:24]}-{_code_hash()}.json"


def kept_contents(pack_sha256: str, parsed: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what the files of a pack say, `parsed` once: reading TOML takes thirty times as long as reading JSON."""
    path = cache_folder() / f"contents-{pack_sha256[:24]}.json"
    stored = kept_in_cache(path)
    if stored is not None:
        return dict(json.loads(stored))
    contents = parsed()
    keep_in_cache(path, json.dumps(contents).encode())
    return contents


def _read(path: Path) -> dict[str, tuple[str, str]]:
    """Return what a cache file holds; nothing where there is none or it is not what was written."""
    stored = json.loads(kept_in_cache(path) or b"{}")
    return {source: (exact, wide) for source, (exact, wide) in stored.items()}


@lru_cache(maxsize=1)
def _code_hash() -> str:
    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("fold.py", "pattern.py"))
    return hashlib.sha256(sources).hexdigest()[:12]
