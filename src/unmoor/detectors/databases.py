"""From patterns to Hyperscan databases: compiled once, kept in the user's cache, loaded in a millisecond by every later run."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unmoor.records import cache_folder, keep_in_cache, kept_in_cache

__all__ = [
    "NUMBER_BITS",
    "compiled_set",
    "compiling_beside",
    "is_stored",
    "not_trusted",
    "note",
    "stored_set",
    "trusted_hyperscan",
]

NUMBER_BITS = 24
"""Bits of a match that say what matches: pairs take more than twice the time to make and to put into an array."""

_CANARY = rb"((ed)|i('ouldn]be)?[ n](|recommend|wouln]recommend)[ n](st|y)|ut)"
_CANARY_TEXT = b" it went home. i recommend you read"
_MOST_SECONDS = 900
"""What a process that compiles beside a run may take, waiting for others included: the slowest packs take 20 seconds each."""


def not_trusted() -> tuple[type[Exception], ...]:
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
    found: list[int] = []
    database.scan(_CANARY_TEXT, match_event_handler=note, context=found)
    if not found:
        raise ImportError("this version of Hyperscan misses matches (Next: pip install 'hyperscan<0.7.22')")
    return hyperscan


def compiled_set(expressions: list[bytes], flags: int, *, literal: bool = False) -> Any:
    """Return the Hyperscan database of the expressions: from the user's cache (a millisecond) or compiled and then cached.

    Raises:
        ImportError: Hyperscan is not installed, or misses matches.
        hyperscan.error: it does not take an expression.
    """
    hyperscan = trusted_hyperscan()
    kind = f"{flags} literal" if literal else f"{flags}"
    database = stored_set(expressions, kind)
    if database is None:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        numbers = list(range(len(expressions)))
        database.compile(expressions=expressions, ids=numbers, flags=[flags] * len(expressions), literal=literal)
        keep_in_cache(_stored_path(expressions, kind), hyperscan.dumpb(database))
    return database


def compiling_beside(expressions: list[bytes]) -> subprocess.Popen[bytes] | None:
    """Return a process that compiles the expressions for the cache while this one goes on; None where it does not start.

    It is not ended with this process: what it compiles, the next run has for nothing. It holds none of this one's pipes, or
    whoever reads them would wait for it.
    """
    with tempfile.TemporaryFile() as told:
        told.write(json.dumps([expression.decode("latin-1") for expression in expressions]).encode())
        told.seek(0)
        try:
            return subprocess.Popen(
                [sys.executable, "-P", __file__], stdin=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            return None


def _compile_what_is_told() -> None:
    """Compile the expressions that come as JSON, one such process at a time for a cache, and nothing that it holds by then."""
    import fcntl

    signal.alarm(_MOST_SECONDS)  # nobody waits for this process, or would end it
    expressions = [expression.encode("latin-1") for expression in json.load(sys.stdin)]
    # The folder may be one that others write in: a link that lies there is not followed, and nothing is emptied.
    (folder := cache_folder()).mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / "compiling.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not is_stored(expressions, "0"):
        compiled_set(expressions, 0)


def stored_set(expressions: list[bytes], kind: str) -> Any:
    """Return the database that an earlier run compiled, or None."""
    hyperscan = trusted_hyperscan()
    data = kept_in_cache(_stored_path(expressions, kind))
    if data is None:
        return None
    try:
        stored = hyperscan.loadb(data, mode=hyperscan.HS_MODE_BLOCK)
        stored.scratch = hyperscan.Scratch(stored)
    except (ValueError, hyperscan.error):  # compiled for another processor
        return None
    return stored


def is_stored(expressions: list[bytes], kind: str) -> bool:
    """Return whether the cache holds a database of the expressions; whether it can be loaded `stored_set` tells."""
    return bool(_version()) and _stored_path(expressions, kind).is_file()


def _stored_path(expressions: list[bytes], kind: str) -> Path:
    key = hashlib.sha256(b"\0".join([f"{_version()} {kind}".encode(), *expressions])).hexdigest()[:32]
    return cache_folder() / f"phrases-{key}.hs"


@lru_cache(maxsize=1)
def _version() -> str:
    """Return the version of Hyperscan's package; empty where it is not installed."""
    try:
        return version("hyperscan")
    except PackageNotFoundError:
        return ""


def note(number: int, _start: int, end: int, _flags: int, context: Any) -> None:
    """Take down a match as one number: where it ends, and below that, in NUMBER_BITS bits, what matches."""
    context.append(end << NUMBER_BITS | number)


if __name__ == "__main__":
    _compile_what_is_told()
