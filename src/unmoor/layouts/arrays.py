"""From one JSON array to its elements, byte for byte, without holding the file in memory.

Only strings, brackets and commas are looked at, so a bad element is one bad row and not a lost file, and nothing recurses.
A bracket or quote too few would take all that follows with it: where elements begin alike, the next one is found again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jiter import from_json

from unmoor.errors import BadDataError
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source, fed, open_bytes, read_some
from unmoor.layouts.parse import MAX_ROW_BYTES
from unmoor.layouts.unread import lists_of_turns

__all__ = ["read_array"]

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_IN_A_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""What goes on within a string, up to its end or a backslash behind which nothing is known yet."""
_SPACE = b" \t\r\n"
_BOM = b"\xef\xbb\xbf"
_FIRST_KEY = re.compile(rb'\{\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:', re.DOTALL)
_OPENING_BYTES = 4096
_MOST_BETWEEN_BYTES = 2**20
"""Commas and white space between two elements, or behind the last: more is no list of rows."""
_LOOK_ON_BYTES = 2**14
"""How far an element is read past the place where another begins, once one was broken: objects within it may begin so too."""
_LOOK = "Next: see that it is the file that is meant, and what made it"


def read_array(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the elements of a JSON array in chunks; the last chunk has no items and the file's `tail`.

    `gaps[i]` is what stands before `items[i]`: the opening bracket, commas, white space.

    Raises:
        BadDataError: the compressed data is damaged, one element is longer than 64 MiB, the array has no end (in the middle of an
            element that one is broken, which says so), or more JSON follows it.
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
    begins: re.Pattern[bytes] | None = None
    opening = b""
    with open_bytes(source.path, source.compression) as stream:
        if source.has_bom:
            read_some(stream, len(_BOM), source.path)
        is_end = False
        while not is_end:
            block = read_some(stream, block_bytes, source.path)
            is_end = not block
            opening = opening or block[:_OPENING_BYTES].lstrip(_SPACE)
            cuts = splitter.feed(block)
            if splitter.is_closed:
                _refuse_more_json(source, splitter.rest, opening)
            elif is_end and splitter.is_open and _is_whole(splitter.rest):
                raise BadDataError(
                    f"{source.path}: the array has no end: the file was cut short between two rows, or is still being written. "
                    "Next: the whole file; if no row is missing, put ] behind the last one"
                )
            if splitter.rest.strip(_SPACE) and (is_end or len(splitter.rest) > source.longest_row):
                broken = splitter.give_up(begins, is_end=is_end)
                if broken is None:
                    raise BadDataError(_too_long(source, is_closed=splitter.is_closed))
                cuts.append((broken, b""))
                is_end = is_end and not splitter.rest
            for segment, separator in cuts:
                body = segment.strip(_SPACE)
                lead = len(segment) - len(segment.lstrip(_SPACE))
                if body:
                    begins = begins or _beginning_as(body)
                    yield bytes(pending) + segment[:lead], body
                    pending = bytearray(segment[lead + len(body) :] + separator)
                else:
                    pending += segment + separator
            _refuse_much_space(source, len(pending), splitter)
    yield bytes(pending) + splitter.rest, None


def _is_whole(rest: bytes) -> bool:
    """Return whether what is left at the end of a file breaks off no element: it is one, or nothing."""
    if not rest.strip(_SPACE):
        return True
    try:
        from_json(rest)
    except ValueError:
        return False
    return True


def _refuse_more_json(source: Source, rest: bytes, opening: bytes) -> None:
    """Raise BadDataError where another array or object follows the end of the first: its rows would be missed."""
    if rest.lstrip(_SPACE)[:1] in (b"[", b"{"):
        if said := lists_of_turns(source.path, source.compression, opening):
            raise BadDataError(f"{source.path}: more JSON follows the end of the first array. {said}")
        flat = "jq -c 'if type == \"array\" then .[] else . end' {path} > rows.jsonl"
        raise BadDataError(
            f"{source.path}: more JSON follows the end of the first array, so the file is neither one array nor JSON Lines "
            f"of objects. Next: {fed(flat, source.path, source.compression)}"
        )


def _refuse_much_space(source: Source, pending: int, splitter: _Splitter) -> None:
    """Raise BadDataError where `pending` bytes and what no cut has claimed are more than stands between rows or behind them."""
    blank = 0 if splitter.rest.strip(_SPACE) else len(splitter.rest)
    if pending + blank > _MOST_BETWEEN_BYTES:
        where = "follow the end of the array" if splitter.is_closed else "of the array hold no element"
        raise BadDataError(f"{source.path}: over {_MOST_BETWEEN_BYTES} bytes {where}. {_LOOK}")


def _too_long(source: Source, *, is_closed: bool) -> str:
    most = f"{MAX_ROW_BYTES >> 20} MiB"
    if is_closed:
        return f"{source.path}: over {most} follow the end of the array. {_LOOK}"
    as_lines = fed("jq -c '.[]' {path} > rows.jsonl", source.path, source.compression)
    return f"{source.path}: an element of the array is over {most}; of JSON Lines it would be one bad row. Next: {as_lines}"


def _beginning_as(element: bytes) -> re.Pattern[bytes] | None:
    """Return what tells where an element like this one begins, from the comma before it on; None if parts of it begin so too."""
    opening = _FIRST_KEY.match(element)
    if opening is None:
        return None
    begins = rb"\{\s*" + re.escape(opening[1]) + rb"\s*:"
    return re.compile(rb",(?=\s*" + begins + rb")") if len(re.findall(begins, element)) == 1 else None


class _Splitter:
    """Cuts a growing buffer at the array's own commas and brackets; `rest` is what no cut has claimed yet."""

    def __init__(self) -> None:
        self.rest = b""
        self.is_closed = False
        self.is_open = False
        self._at = 0
        self._depth = 0
        self._is_in_string = False
        self._begins: re.Pattern[bytes] | None = None

    def feed(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """Take more bytes and return the (segment, separator) pairs that they complete.

        Once an element was given up, others that are broken are cut off too, where the next one begins: each of them would have
        all that follows it read again.
        """
        self.rest += block
        cuts: list[tuple[bytes, bytes]] = []
        if self._is_in_string and not self._leaves_string():
            return cuts
        begin, following = 0, self._following(0)
        while not self.is_closed and (match := _TOKEN.search(self.rest, self._at)):
            token = match.group()
            if token == b'"':  # a string that ends in a later block
                self._is_in_string, self._at = True, match.end()
                self._leaves_string()
                break
            self._at = match.end()
            if self._is_separator(token):
                cuts.append((self.rest[begin : match.start()], token))
                begin = match.end()
            if following is not None and following < begin:
                following = self._following(begin)
            if following is not None and self._is_broken(begin, following):
                cuts.append((self.rest[begin:following], b""))
                begin = self._at = following
                self._depth, self.is_closed = 0, False
        else:
            self._at = len(self.rest)
        self.rest, self._at = self.rest[begin:], self._at - begin
        return cuts

    def _leaves_string(self) -> bool:
        """Go on within a string that an earlier block began; return whether it ends in what is there."""
        self._at = _IN_A_STRING.match(self.rest, self._at).end()  # type: ignore[union-attr]  # it matches nothing at least
        self._is_in_string = self.rest[self._at : self._at + 1] != b'"'
        self._at += not self._is_in_string
        return not self._is_in_string

    def _following(self, begin: int) -> int | None:
        """Return where the next element begins, from `begin` on, once one was given up; else None."""
        found = self._begins.search(self.rest, begin) if self._begins is not None else None
        return found.start() if found else None

    def _is_broken(self, begin: int, following: int) -> bool:
        """Return whether what begins at `begin` has no end where another element is `following`."""
        if self.is_closed:  # by one bracket too many, unless another array follows
            return self.rest[begin:following].lstrip(_SPACE)[:1] not in (b"[", b"{")
        return self._at > following + _LOOK_ON_BYTES

    def _is_separator(self, token: bytes) -> bool:
        if not self.is_open:
            self.is_open = True
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

    def give_up(self, begins: re.Pattern[bytes] | None, *, is_end: bool) -> bytes | None:
        """Cut a broken element off where the next one `begins`, so that it takes no other with it, or at the end; return it.

        None where no next one begins and the end is not there yet.
        """
        self._begins = begins
        following = self._following(0)
        if following is None and not is_end:
            return None
        place = len(self.rest) if following is None else following
        broken, self.rest = self.rest[:place], self.rest[place:]
        self._at, self._depth, self._is_in_string = 0, 0, False
        self.is_closed = self.is_closed and following is None
        return broken
