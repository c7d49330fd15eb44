"""From a file to its decompressed bytes, and to chunks of whole lines, byte for byte.

Nothing here is parsed into tables by a third party: rows keep their bytes, lines end at `\\n` only, and a row longer than the cap
goes by in pieces, so that memory stays bounded whatever the file holds.
"""

from __future__ import annotations

import gzip
import importlib
import math
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, BinaryIO, Literal, cast

from unmoor.errors import BadDataError, UsageError
from unmoor.layouts.parse import MAX_ROW_BYTES
from unmoor.storage import Address, AnyPath, as_argument

__all__ = [
    "BOM",
    "CHUNK_BYTES",
    "FORMAT_NAMES",
    "Chunk",
    "Format",
    "Source",
    "fed",
    "open_bytes",
    "read_lines",
    "read_some",
    "zstd_module",
]

Format = Literal["jsonl", "json", "parquet"]
CHUNK_BYTES = 4 * 2**20
"""Bytes of rows per chunk: large enough that the overhead of a chunk is under 1%, small enough to hold many."""
_ALWAYS_UNFOLDS, _MOST_TIMES = 2**29, 300
"""Decompressed bytes that are always read, and times the file's size that are: beyond both it is a bomb."""
BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_ZSTD_NEEDS = {
    "Dictionary": ("needs a dictionary, which unmoor does not take", "-D DICTIONARY"),
    "too much memory": ("was compressed with a window over 128 MiB (zstd --long)", "--long=31"),
}
"""What zstd says of data that is whole and that it does not unpack as it is: what that means, and the flag that mends it."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole rows in order. `first_row` is 1-based, `offset` counts bytes of the decompressed file.

    JSON Lines: `data` is the bytes of the lines. JSON array: `items` are the elements' bytes, `gaps` the bytes before each,
    `tail` what follows the last.
    Parquet: `table` is an Arrow table. `oversize` marks a part of one row that is longer than the cap: "part" or "end".
    `file` is the number of the file in its data set, from 0; `added_newline` says that the file's last line had none.
    """

    index: int
    first_row: int
    offset: int
    data: bytes = b""
    items: tuple[bytes, ...] = ()
    gaps: tuple[bytes, ...] = ()
    table: Any = None
    oversize: Literal["", "part", "end"] = ""
    tail: bytes = b""
    file: int = 0
    added_newline: bool = False

    @property
    def rows(self) -> int:
        """Rows of the chunk, blank and broken ones too; the parts of an over-long row count once, at its end."""
        if self.oversize:
            return int(self.oversize == "end")
        if self.table is not None:
            return int(self.table.num_rows)
        return len(self.items) or self.data.count(b"\n") + (not self.data.endswith((b"\n",)) and bool(self.data))


FORMAT_NAMES = {"jsonl": "JSON Lines", "json": "JSON array", "parquet": "Parquet"}


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is written: its format, its compression, whether it opens with a byte order mark.

    A shard's part of it: lines that begin at bytes `start` to `end` (None: to the end), or the `row_groups`. `is_last` is false
    where another file of the data set follows, so that the last line needs a newline. Of a table: `table_rows`,
    its own `schema`, and the `common` one that its rows are read in (None: its own). `is_empty`: it holds nothing, once
    decompressed.
    `is_of_a_run`: unmoor wrote it, so no row of it is too long or a bomb, also one that a label or a mend made longer than
    the cap. `written_ns` is when it was last written, in nanoseconds, as it was looked at first; None of an object.
    """

    path: AnyPath
    format: Format
    compression: Literal["", "gzip", "zstd"] = ""
    has_bom: bool = False
    start: int = 0
    end: int | None = None
    row_groups: tuple[int, ...] | None = None
    is_last: bool = True
    table_rows: int | None = None
    schema: Any = None
    common: Any = None
    is_empty: bool = False
    is_of_a_run: bool = False
    written_ns: int | None = None

    @property
    def longest_row(self) -> float:
        """Bytes that a row may have; a longer one goes by in parts."""
        return math.inf if self.is_of_a_run else MAX_ROW_BYTES

    @property
    def can_be_cut(self) -> bool:
        """Whether a shard may be a part of the file."""
        return self.format == "parquet" or (self.format == "jsonl" and not self.compression)

    @property
    def share_bytes(self) -> int:
        """Bytes on disk of the part that is read."""
        return (self.path.stat().st_size if self.end is None else self.end) - self.start

    def describe(self) -> str:
        """Return the format in a word or two, for people."""
        return FORMAT_NAMES[self.format] + (f", {self.compression}" if self.compression else "")


_ROWS_OF_PARQUET = (
    'python -c "import json, sys, pyarrow.parquet as p; from glob import glob; '
    "found = glob(sys.argv[1] + '/**/*.parquet', recursive=True) or glob(sys.argv[1], recursive=True); "
    "[print(json.dumps(row, default=str)) for file in found "
    'for part in p.ParquetFile(file).iter_batches() for row in part.to_pylist()]"'
)
"""Of a file, a folder or a pattern."""


def fed(command: str, path: AnyPath, compression: str = "") -> str:
    """Return the command line in which `command` reads the decompressed bytes of `path` where it says {path}, the last time.

    No such command reads an object: it is to be copied first. What names no {path} stays as it is. Parquet, named as a
    compression is, gives its rows as JSON Lines.
    """
    before, named, after = command.rpartition("{path}")
    if not named:
        return command
    first = f"copy {path} here, then " if isinstance(path, Address) else ""
    name = as_argument(path.name if isinstance(path, Address) else path)
    unpack = _ROWS_OF_PARQUET if compression == "parquet" else f"{compression} -dc"
    line = f"{unpack} {name} | {before}/dev/stdin{after}" if compression else f"{before}{name}{after}"
    return first + line


def open_bytes(path: AnyPath, compression: str) -> BinaryIO:
    """Open `path` for reading decompressed bytes; a stream that unfolds without end stops with BadDataError.

    Raises:
        OSError: the file cannot be opened.
    """
    if not compression:
        return path.open("rb")
    packed = path.open("rb") if isinstance(path, Address) else path
    unpack = gzip.open if compression == "gzip" else zstd_module().open
    stream = unpack(packed, "rb")
    return cast(BinaryIO, _Bounded(cast(BinaryIO, stream), path, packed if isinstance(path, Address) else None))


class _Bounded:
    """A decompressing stream that counts: text shrinks five to twentyfold, a bomb a thousandfold and more."""

    def __init__(self, stream: BinaryIO, path: AnyPath, packed: Any = None) -> None:
        self._stream = stream
        self._packed = packed
        self._path = path
        self._left = max(_ALWAYS_UNFOLDS, _MOST_TIMES * path.stat().st_size)

    def read(self, size: int) -> bytes:
        """Read up to `size` decompressed bytes."""
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadDataError(
                f"{self._path} unfolds to over {_MOST_TIMES} times its size: a compression bomb. Next: decompress it yourself "
                "if it is what you expect"
            )
        return data

    def __enter__(self) -> _Bounded:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        if self._packed is not None:  # a decompressor closes no file that it did not open
            self._packed.close()


def zstd_module() -> ModuleType:
    """Return the standard library's zstd module (Python 3.14), or its backport: both notice a stream that is cut short."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def read_some(stream: BinaryIO, size: int, path: AnyPath) -> bytes:
    """Read up to `size` bytes.

    Raises:
        BadDataError: the compressed data of `path` is damaged or ends too early.
        UsageError: it needs a dictionary, or more memory than zstd takes unasked.
    """
    try:
        return stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadDataError(f"{path}: the compressed data is damaged or cut short: {error}. {_whole(path)}") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            _refuse_if_whole(path, str(error))
            raise BadDataError(f"{path}: the zstd data is damaged or cut short: {error}. {_whole(path)}") from error
        raise


def _whole(path: AnyPath) -> str:
    """Return what to do with a compressed file that breaks off."""
    with path.open("rb") as file:
        program = "gzip" if file.read(len(_GZIP)) == _GZIP else "zstd"
    rows = fed(f"{program} -dc {{path}} > rows.jsonl", path)
    return f"Next: get the file again, or take the rows before the damage, of which the last may be half: {rows}"


def _refuse_if_whole(path: AnyPath, said: str) -> None:
    """Raise UsageError where zstd's words are of data that it does unpack, if told how."""
    for words, (why, flag) in _ZSTD_NEEDS.items():
        if words in said:
            raise UsageError(
                f"{path} {why}. Next: {fed(f'zstd -dc {flag} {{path}} > rows.jsonl', path)}, then that file"
            )


def read_lines(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the lines of a JSON Lines file in chunks of about `chunk_bytes`, whole lines each.

    Of a file that is cut, the lines that begin within the cut, so that every line is in one shard.

    Raises:
        BadDataError: the compressed data is damaged.
    """
    lines = _Lines(source.longest_row)
    with open_bytes(source.path, source.compression) as stream:
        lines.offset = _go_to_start(stream, source)
        while source.end is None or lines.offset + len(lines.kept) < source.end:
            block = read_some(stream, chunk_bytes, source.path)
            if not block:
                break
            yield from lines.feed(block, source.end)
            if lines.is_past:
                return
        if source.end is not None and (lines.kept or lines.in_long_row):
            while block := read_some(stream, chunk_bytes, source.path):
                yield from lines.feed(block, source.end)
                if lines.is_past:
                    return
    yield from lines.rest(needs_newline=not source.is_last)


def _go_to_start(stream: BinaryIO, source: Source) -> int:
    """Skip the byte order mark, or the line that began in the shard before; return the offset of the first line.

    The first line of a file with a mark begins behind it, also for a shard that begins within the mark.
    """
    if source.has_bom and source.start <= len(BOM):
        return len(read_some(stream, len(BOM), source.path))
    if source.start == 0:
        return 0
    stream.seek(source.start - 1)
    offset = source.start - 1
    while part := stream.readline(CHUNK_BYTES):
        offset += len(part)
        if part.endswith(b"\n"):
            break
    return offset


class _Lines:
    """Cuts a stream of blocks into chunks of whole lines; a line over the cap goes by in parts."""

    def __init__(self, longest_row: float) -> None:
        self.kept = b""
        self._longest_row = longest_row
        self.offset = 0
        self.in_long_row = False
        self.is_past = False
        """Whether the next line begins past the end of a shard."""
        self._index, self._row = 0, 1

    def feed(self, block: bytes, stop: int | None) -> Iterator[Chunk]:
        """Take more bytes and yield the chunks they complete; lines that begin at or past byte `stop` are not taken."""
        if self.in_long_row:
            end = block.find(b"\n") + 1
            part, block = (block[:end], block[end:]) if end else (block, b"")
            yield self._chunk(part, "end" if end else "part")
            self.in_long_row = not end
        self.kept += block
        if stop is not None and not self.in_long_row and self._cut(stop):
            yield from self.rest(needs_newline=False)
            return
        whole = self.kept.rfind(b"\n") + 1
        if whole:
            data, self.kept = self.kept[:whole], self.kept[whole:]
            yield self._chunk(data)
        elif len(self.kept) > self._longest_row:
            data, self.kept = self.kept, b""
            yield self._chunk(data, "part")
            self.in_long_row = True

    def _cut(self, stop: int) -> bool:
        """Drop what begins at or past byte `stop`; return whether the last line before it is complete."""
        if self.offset >= stop:
            self.kept, self.is_past = b"", True
            return True
        end = self.kept.find(b"\n", stop - self.offset - 1) + 1
        if not end:
            return False
        self.kept, self.is_past = self.kept[:end], True
        return True

    def rest(self, *, needs_newline: bool) -> Iterator[Chunk]:
        """Yield what is left at the end of a file or cut."""
        if self.in_long_row:
            yield self._chunk(b"", "end")
        elif self.kept:
            adds = needs_newline and not self.kept.endswith(b"\n")
            yield replace(self._chunk(self.kept + b"\n" * adds), added_newline=adds)

    def _chunk(self, data: bytes, oversize: Literal["", "part", "end"] = "") -> Chunk:
        chunk = Chunk(self._index, self._row, self.offset, data, oversize=oversize)
        self._index, self.offset, self._row = self._index + 1, self.offset + len(data), self._row + chunk.rows
        return chunk
