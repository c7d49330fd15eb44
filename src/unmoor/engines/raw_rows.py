"""From a chunk of JSON Lines to the few rows that a word list alone has to read: those with a phrase somewhere in their bytes.

Most others have the shape of rows that were read before and keep their bytes. What has another shape is parsed and looked over (one
object, no key twice, a layout's own keys, text where text belongs). What is not quite plain is read as everywhere else, so that the
outcome of every row is the same.
"""

from __future__ import annotations

import numpy as np
from jiter import from_json
from numpy.typing import NDArray

from unmoor.detectors import RawWordlist, line_set
from unmoor.engines.shapes import Shapes
from unmoor.layouts import MAX_DEPTH, MAX_NESTED, MAX_ROW_BYTES, Chunk, Layout
from unmoor.records import Row

__all__ = ["SAMPLED", "RawRows", "sample_of"]

SAMPLED = 64
"""One row in so many is read whatever it holds, for the report's languages and topics: where it stands in its file decides."""
_MIX = 0x9E3779B97F4A7C15
_LEARN_FROM = 32
"""A shape is learned where one row in so many of a chunk is plain and of no known shape."""
_TRIED = 8
"""Rows that are looked at for a shape to learn, in a chunk."""


class RawRows:
    """Tells which rows must be read."""

    def __init__(self, words: RawWordlist, layout: Layout) -> None:
        self._words = words
        self._is_plain = layout.is_plain
        self._shapes = Shapes(layout, line_set)

    def wanted(self, chunk: Chunk) -> tuple[list[int], NDArray[np.int64]]:
        """Return the numbers of the lines of a chunk to read, from 0 and rising, and where each line ends (after its newline)."""
        data = chunk.data
        ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
        if not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        starts, after = np.append(0, ends + 1), np.minimum(ends + 1, len(data))
        is_wanted = np.zeros(len(ends), dtype=np.bool_)
        is_wanted[self._words.lines(data, ends)] = True
        is_wanted[sample_of(chunk.offset, after)] = True
        long = np.flatnonzero(np.diff(starts) > min(MAX_NESTED, MAX_ROW_BYTES)).tolist()
        is_wanted[[index for index in long if _may_be_too_large(data[starts[index] : ends[index]])]] = True
        unlike = self._unlike_any(data, ends, is_wanted)
        is_wanted[[index for index in unlike if self._plain(data[starts[index] : ends[index]]) is None]] = True
        return np.flatnonzero(is_wanted).tolist(), after

    def _unlike_any(self, data: bytes, ends: NDArray[np.int64], known: NDArray[np.bool_]) -> list[int]:
        """Return the lines of no known shape; those already `known` to be wanted are left out. Shapes are learned on the way."""
        unlike = np.flatnonzero(~(known | self._shapes.among(data, ends))).tolist()
        while len(unlike) * _LEARN_FROM > len(ends) and self._shapes.can_learn:
            lines = (data[ends[index - 1] + 1 if index else 0 : ends[index]] for index in unlike[:_TRIED])
            row = next((row for line in lines if (row := self._plain(line)) is not None), None)
            if row is None or not self._shapes.learn(row):
                break
            unlike = np.flatnonzero(~(known | self._shapes.among(data, ends))).tolist()
        return unlike

    def _plain(self, line: bytes) -> Row | None:
        """Return the row of a line that is read without an error and out of the ordinary in nothing, else None."""
        if line.count(b"{") + line.count(b"[") > MAX_DEPTH:
            return None
        try:
            row = from_json(line, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")
        except ValueError:
            return None
        return row if type(row) is dict and self._is_plain(row) else None


def _may_be_too_large(line: bytes) -> bool:
    return len(line) > MAX_ROW_BYTES or line.count(b"{") + line.count(b"[") > MAX_NESTED


def sample_of(offset: int, ends: NDArray[np.int64]) -> list[int]:
    """Return one line in sixty-four of a chunk that begins at byte `offset` of its file and whose lines end at `ends`.

    A hash of the byte of the file at which a line ends tells it, so that neither chunks nor shards matter.
    """
    places = (ends + offset).astype(np.uint64)
    with np.errstate(over="ignore"):
        chosen: list[int] = np.flatnonzero(
            ((places * np.uint64(_MIX)) >> np.uint64(32)) % np.uint64(SAMPLED) == 0
        ).tolist()
    return chosen
