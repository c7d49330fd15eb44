"""From one pattern and many texts to those in which it may match, all of them looked through in one go.

To call RE2 for a short text costs more than the look itself, and of many thousand texts that hold a phrase's words hardly one holds
the phrase. The texts stand side by side, lines with a zero byte between them. What is found is looked for again in its own text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from unmoor.records.patterns import pattern_when_used

__all__ = ["may_match", "side_by_side"]

_BETWEEN = b"\n\0" * 4 + b"\n"
"""Each `$` of a pattern may take a line of it: at a text's end some patterns ask for an end, and then for another."""
_END = r"(?:$|\n\x00)"
_PIECE = pattern_when_used(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\$", re.DOTALL)
"""What a `$` does not end a text in, and a `$` that does."""


def side_by_side(pattern: str) -> str:
    """Return a pattern in RE2's syntax that also takes the end of a text among others for an end.

    It matches wherever `pattern` matches in one of the texts alone, unless an earlier match goes on into that text.
    """
    return _PIECE.sub(lambda found: _END if found[0] == "$" else found[0], pattern)


def may_match(compiled: Any, texts: Sequence[bytes]) -> set[int]:
    """Return the indexes of the texts that a match of a compiled pattern, made by `side_by_side`, begins, ends or lies in."""
    data = _BETWEEN.join([b"", *texts, b""])
    starts = list(accumulate((len(text) + len(_BETWEEN) for text in texts[:-1]), initial=len(_BETWEEN)))
    touched: set[int] = set()
    for found in compiled.finditer(data):
        first, last = (bisect_right(starts, place) - 1 for place in found.span())
        touched.update(range(max(first, 0), last + 1))
    return touched
