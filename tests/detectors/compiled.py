"""Which packs Hyperscan compiles, but for their longest phrases; and compiled packs, as a second run finds them."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence

from unmoor.detectors.scan import group_of, is_of_the_floor
from unmoor.detectors.sets import parted, phrase_database
from unmoor.languages import Phrase, load_pack, pack_codes
from unmoor.records import cache_folder

__all__ = ["LONGEST_BYTES", "compile_packs", "compiled_codes"]

LONGEST_BYTES = 3_000
"""Of the patterns that tests of every pack have compiled: the tenth that is longer takes three quarters of the minutes."""


def compile_packs(codes: Sequence[str]) -> None:
    """Compile what a first run with these packs has compiled beside it; what another process of the tests compiles is waited for:
    that takes up to 20 seconds of a core a pack.
    """
    groups: dict[str, list[tuple[int, Phrase]]] = {}
    for number, phrase in enumerate(phrase for code in codes for phrase in load_pack(code).phrases):
        groups.setdefault(group_of(phrase), []).append((number, phrase))
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for group, phrases in groups.items():
        if not is_of_the_floor(group) and (whole := parted(phrases)[0]):
            with (folder / f"{group}.compiling").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                phrase_database(whole)


def compiled_codes() -> list[str]:
    """Return the packs that are compiled, the largest first."""
    sizes = {}
    for code in pack_codes():
        spoken = [one for one in enumerate(load_pack(code).phrases) if group_of(one[1]) == code]
        sizes[code] = sum(len(phrase.pattern.wide) for _, phrase in parted(spoken)[0])
    return sorted((code for code, size in sizes.items() if size), key=lambda code: -sizes[code])
