"""From a file on disk to chunks of whole rows, byte for byte: JSON Lines (plain, gzip, zstd), one JSON array, Parquet.

Nothing here is parsed into tables by a third party: rows keep their bytes, lines end at `\\n` only, and a row longer than the cap
goes by in pieces, so that memory stays bounded whatever the file holds.
"""

from __future__ import annotations

import gzip
import importlib
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Literal, cast

from unmoor.errors import BadDataError, UsageError
from unmoor.layouts.parse import MAX_ROW_BYTES

__all__ = ["CHUNK_BYTES", "Chunk", "Format", "Source", "open_bytes", "read_lines", "read_some", "recognise_source"]

Format = Literal["jsonl", "json", "parquet"]
CHUNK_BYTES = 4 * 2**20
"""Bytes of rows per chunk: large enough that the overhead of a chunk is under 1%, small enough to hold many."""
_BOM = b"\xef\xbb\xbf"
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole rows in order. `first_row` is 1-based, `offset` counts bytes of the decompressed file.

    JSON Lines: `data` is the bytes of the lines. JSON array: `items` are the elements' bytes, `gaps` the bytes before each,
    `tail` what follows the last.
    Parquet: `table` is an Arrow table. `oversize` marks a part of one row that is longer than the cap: "part" or "end".
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


@dataclass(frozen=True, slots=True)
class Source:
    """A file and how it is written: its format, its compression, whether it opens with a byte order mark."""

    path: Path
    format: Format
    compression: Literal["", "gzip", "zstd"] = ""
    has_bom: bool = False

    def describe(self) -> str:
        """Return the format in a word or two, for people."""
        names = {"jsonl": "JSON Lines", "json": "JSON array", "parquet": "Parquet"}
        return names[self.format] + (f", {self.compression}" if self.compression else "")


def recognise_source(path: Path) -> Source:
    """Look at the first bytes of `path` and say how it is written; the file's name is not trusted.

    Raises:
        UsageError: there is no such file, it is a folder, it is empty, or it is UTF-16.
        BadDataError: it is compressed and the compressed data is damaged.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; unmoor reads one file. Next: name a file in it")
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except FileNotFoundError as error:
        raise UsageError(f"There is no file {path}") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not magic:
        raise UsageError(f"{path} is empty: there is no row in it")
    if magic == _PARQUET:
        return Source(path, "parquet")
    compression: Literal["", "gzip", "zstd"] = "gzip" if magic[:2] == _GZIP else "zstd" if magic == _ZSTD else ""
    with open_bytes(path, compression) as stream:
        start = read_some(stream, 65536, path)
    if not start:
        raise UsageError(f"{path} holds nothing once decompressed: there is no row in it")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"{path} is UTF-16. Next: iconv -f UTF-16 -t UTF-8 {path.name} > utf8.jsonl")
    has_bom = start.startswith(_BOM)
    body = start[len(_BOM) if has_bom else 0 :].lstrip(b" \t\r\n")
    return Source(path, "json" if _is_array(body) else "jsonl", compression, has_bom)


def _is_array(body: bytes) -> bool:
    """An array file opens with `[` and then an object or nothing; a line that is an array is a bad row of JSON Lines."""
    return body[:1] == b"[" and body[1:].lstrip(b" \t\r\n")[:1] in (b"{", b"]", b"")


def open_bytes(path: Path, compression: str) -> BinaryIO:
    """Open `path` for reading decompressed bytes.

    Raises:
        OSError: the file cannot be opened.
    """
    if compression == "gzip":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if compression == "zstd":
        return cast(BinaryIO, _zstd().open(path, "rb"))
    return path.open("rb")


def _zstd() -> ModuleType:
    """Return the standard library's zstd module (Python 3.14), or its backport: both notice a stream that is cut short."""
    return importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def read_some(stream: BinaryIO, size: int, path: Path) -> bytes:
    """Read up to `size` bytes.

    Raises:
        BadDataError: the compressed data of `path` is damaged or ends too early.
    """
    try:
        return stream.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadDataError(f"{path}: the compressed data is damaged or cut short: {error}") from error
    except Exception as error:
        if type(error).__name__ == "ZstdError":
            raise BadDataError(f"{path}: the zstd data is damaged or cut short: {error}") from error
        raise


def read_lines(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the lines of a JSON Lines file in chunks of about `chunk_bytes`, whole lines each.

    Raises:
        BadDataError: the compressed data is damaged.
    """
    index, row, offset, kept = 0, 1, 0, b""
    in_long_row = False
    with open_bytes(source.path, source.compression) as stream:
        if source.has_bom:
            offset = len(read_some(stream, len(_BOM), source.path))
        while block := read_some(stream, chunk_bytes, source.path):
            if in_long_row:
                end = block.find(b"\n") + 1
                part, block = (block[:end], block[end:]) if end else (block, b"")
                yield Chunk(index, row, offset, part, oversize="end" if end else "part")
                index, offset, row = index + 1, offset + len(part), row + bool(end)
                in_long_row = not end
            kept += block
            whole = kept.rfind(b"\n") + 1
            if whole:
                yield Chunk(index, row, offset, kept[:whole])
                index, offset, row, kept = index + 1, offset + whole, row + kept.count(b"\n", 0, whole), kept[whole:]
            elif len(kept) > MAX_ROW_BYTES:
                yield Chunk(index, row, offset, kept, oversize="part")
                index, offset, kept, in_long_row = index + 1, offset + len(kept), b"", True
    if in_long_row:
        yield Chunk(index, row, offset, b"", oversize="end")
    elif kept:
        yield Chunk(index, row, offset, kept)
