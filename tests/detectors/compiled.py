"""Which packs Hyperscan compiles whole."""

from __future__ import annotations

from unmoor.detectors.sets import COMPILE_MOST_BYTES
from unmoor.languages import load_pack, pack_codes

__all__ = ["compiled_codes"]


def compiled_codes() -> list[str]:
    """Return the packs small enough for their phrases to be compiled whole, the largest first."""
    sizes = {
        code: sum(
            len(phrase.pattern.wide)
            for phrase in load_pack(code).phrases
            if not phrase.behaviour.startswith(("floor.", "request."))
        )
        for code in pack_codes()
    }
    return sorted((code for code, size in sizes.items() if size <= COMPILE_MOST_BYTES), key=lambda code: -sizes[code])
