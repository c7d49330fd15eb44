"""From one JSON array to its elements, byte for byte, without holding the file in memory.

Only strings, brackets and commas are looked at, so a bad element is one bad row and not a lost file, and nothing recurses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from unmoor.errors import BadDataError
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source, open_bytes, read_some
from unmoor.layouts.parse import MAX_ROW_BYTES

__all__ = ["read_array"]

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_MOST_BETWEEN_BYTES = 2**20
"""Commas and white space between two elements: more is no list of rows."""


def read_array(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the elements of a JSON array in chunks; the last chunk has no items and the file's `tail`.

    `gaps[i]` is what stands before `items[i]`: the opening bracket, commas, white space.

    Raises:
        BadDataError: the compressed data is damaged, one element is longer than 64 MiB, or something follows the array.
    """
    index, row, offset, size = 0, 1, len(_BOM) if source.has_bom else 0, 0
    gaps: list[bytes] = []
    items: list[bytes] = []
    tail = b""
    for gap, item in _elements(source, chunk_bytes):
        if item is None:
            tail = gap
            break
        gaps.append(gap)
        items.append(item)
        size += len(gap) + len(item)
        if size >= chunk_bytes:
            yield Chunk(index, row, offset, items=tuple(items), gaps=tuple(gaps))
            index, row, offset, size = index + 1, row + len(items), offset + size, 0
            gaps, items = [], []
    if items:
        yield Chunk(index, row, offset, items=tuple(items), gaps=tuple(gaps))
    yield Chunk(index + bool(items), row + len(items), offset + size, tail=tail)


def _elements(source: Source, block_bytes: int) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield (gap, element) for each element, then (tail, None)."""
    splitter = _Splitter()
    pending = bytearray()
    with open_bytes(source.path, source.compression) as stream:
        read_some(stream, len(_BOM) if source.has_bom else 0, source.path)
        while not splitter.is_closed and (block := read_some(stream, block_bytes, source.path)):
            for segment, separator in splitter.feed(block):
                body = segment.strip(_SPACE)
                lead = len(segment) - len(segment.lstrip(_SPACE))
                if body:
                    yield bytes(pending) + segment[:lead], body
                    pending = bytearray(segment[lead + len(body) :] + separator)
                else:
                    pending += segment + separator
            if len(pending) > _MOST_BETWEEN_BYTES:
                raise BadDataError(f"{source.path}: over {_MOST_BETWEEN_BYTES} bytes of the array hold no element")
            if len(splitter.rest) > MAX_ROW_BYTES:
                raise BadDataError(
                    f"{source.path}: an element of the array is over {MAX_ROW_BYTES} bytes. Next: write the file as JSON Lines"
                )
        rest = splitter.rest
        while more := read_some(stream, block_bytes, source.path):
            rest += more
            if len(rest) > MAX_ROW_BYTES:
                raise BadDataError(f"{source.path}: over {MAX_ROW_BYTES} bytes follow the end of the array")
    _refuse_more(source, rest.strip(_SPACE) if splitter.is_closed else b"")
    if not splitter.is_closed and rest.strip(_SPACE):  # cut short: what is left is one broken row
        lead = len(rest) - len(rest.lstrip(_SPACE))
        yield bytes(pending) + rest[:lead], rest[lead:]
        pending, rest = bytearray(), b""
    yield bytes(pending) + rest, None


def _refuse_more(source: Source, after: bytes) -> None:
    """Raise BadDataError if anything follows the end of the array: rows in it would be passed over in silence."""
    if after:
        raise BadDataError(
            f"{source.path}: text follows the end of the array: {after[:40].decode('utf-8', 'replace')!r}. "
            f"Next, if these are several arrays: jq -c '.[]' {quote(str(source.path))} > rows.jsonl"
        )


class _Splitter:
    """Cuts a growing buffer at the array's own commas and brackets; `rest` is what no cut has claimed yet."""

    def __init__(self) -> None:
        self.rest = b""
        self.is_closed = False
        self._is_open = False
        self._at = 0
        self._depth = 0

    def feed(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Take more bytes and return the (segment, separator) pairs that they complete."""
        self.rest += block
        cuts: list[tuple[bytes, bytes]] = []
        begin = 0
        while not self.is_closed and (match := _TOKEN.search(self.rest, self._at)):
            token = match.group()
            if token == b'"':  # a string that ends in a later block
                self._at = match.start()
                break
            self._at = match.end()
            if self._is_separator(token):
                cuts.append((self.rest[begin : match.start()], token))
                begin = match.end()
        else:
            self._at = len(self.rest)
        self.rest, self._at = self.rest[begin:], self._at - begin
        return cuts

    def _is_separator(self, token: bytes) -> bool:
        if not self._is_open:
            self._is_open = True
            return True
        if token in b"[{":
            self._depth += 1
        elif token in b"]}" and self._depth:
            self._depth -= 1
        elif token == b"]":
            self.is_closed = True
            return True
        elif token == b",":
            return self._depth == 0
        return False
