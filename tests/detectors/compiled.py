"""Which packs Hyperscan compiles, but for their longest phrases."""

from __future__ import annotations

from unmoor.detectors.scan import group_of
from unmoor.detectors.sets import parted
from unmoor.languages import load_pack, pack_codes

__all__ = ["compiled_codes"]


def compiled_codes() -> list[str]:
    """Return the packs that are compiled, the largest first."""
    sizes = {}
    for code in pack_codes():
        spoken = [one for one in enumerate(load_pack(code).phrases) if group_of(one[1]) == code]
        sizes[code] = sum(len(phrase.pattern.wide) for _, phrase in parted(spoken)[0])
    return sorted((code for code, size in sizes.items() if size), key=lambda code: -sizes[code])
