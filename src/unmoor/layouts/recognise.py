"""From a file's first bytes to what it is: how it is compressed, JSON Lines, an array or Parquet; or no rows, and the way out."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from typing import Literal

from unmoor.errors import UsageError
from unmoor.layouts.files import BOM, Source, fed, open_bytes, read_some
from unmoor.layouts.hub import hint_of_hub
from unmoor.storage import Address, AnyPath

__all__ = ["recognise_source"]

_SPACE = b" \t\r\n"
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_ZSTD_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
"""A frame that zstd passes over; pzstd and others put one before the data (RFC 8878, 3.1.2)."""
_NOT_READ: dict[bytes, tuple[str, str]] = {
    b"BZh": ("compressed with bzip2", "bzip2 -dc {path} > rows.jsonl"),
    b"\xfd7zX": ("compressed with xz", "xz -dc {path} > rows.jsonl"),
    b"PK\x03\x04": ("a zip archive", "unzip {path}, then name a file of it"),
    b"PARE": ("Parquet with an encrypted footer", "whoever has the keys writes it without encryption"),
    b"\xff\xff\xff\xff": (
        "a stream of Arrow",
        "with pyarrow, read it with ipc.open_stream and write it with parquet.write_table",
    ),
    b"ARRO": ("an Arrow file", "with pyarrow, read it with ipc.open_file and write it with parquet.write_table"),
}
"""How files begin that are taken for rows and hold none: what they are, and the way out."""
_PACKED = {
    _GZIP: ("gzip", "jsonl.gz"),
    _ZSTD: ("zstd", "jsonl.zst"),
    _PARQUET: ("Parquet", "parquet"),
    b"BZh": ("bzip2", "jsonl.bz2"),
    b"\xfd7zX": ("xz", "jsonl.xz"),
    b"PK\x03\x04": ("a zip archive", "zip"),
}
"""How a file inside a compressed one begins that has to be taken out first: what it is, and its ending."""
_SPREADSHEET = re.compile(
    rb"PK\x03\x04.{26}(?:xl/|mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet)", re.DOTALL
)
"""The header of an entry that Excel's files have and no other zip archive does, or the first one of OpenDocument's."""
_WIDE_BY_ZEROS: dict[tuple[bool, ...], str] = {
    (False, True, False, True): "UTF-16LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, True, True): "UTF-32LE",
    (True, True, True, False): "UTF-32BE",
}
"""Which of the first four bytes are zero in text without a mark."""
_OPENS = (b"{", b"[")
_TAR, _TAR_AT = b"ustar", 257
"""What the header of each file in a tar archive holds, and where."""
_TAR_NAME = 108
"""Bytes of its name and mode; the latter ends in a zero."""
_READ_ONCE = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device"}
"""What is no file on a disk. Data is read twice, once to see how it is written, and a run hashes it once more."""


def recognise_source(path: AnyPath, *, may_be_empty: bool = False) -> Source:
    """Look at the first bytes of `path` and say how it is written; the file's name is not trusted.

    Raises:
        UsageError: there is no such file, it is a folder, it is empty (but for one among several, which `may_be_empty`), UTF-16,
            or of a kind that is not read.
        BadDataError: it is compressed and the compressed data is damaged.
    """
    written = _written(path)
    return replace(_recognised(path, may_be_empty=may_be_empty), written_ns=written)


def _recognised(path: AnyPath, *, may_be_empty: bool) -> Source:
    start = _start_of(path)
    magic = start[:4]
    if not magic:
        if may_be_empty:
            return Source(path, "jsonl", is_empty=True)
        raise UsageError(f"{path} is empty: there is no row in it")
    if magic == _PARQUET:
        return Source(path, "parquet")
    _refuse_other_kinds(path, start)
    compression = _compression_of(magic)
    with open_bytes(path, compression) as stream:
        start = read_some(stream, 65536, path)
    if not start and may_be_empty:
        return Source(path, "jsonl", compression, is_empty=True)
    if not start:
        raise UsageError(f"{path} holds nothing once decompressed: there is no row in it")
    _refuse_packed_twice(path, compression, start)
    if _is_tar(start):
        unpack = fed("mkdir rows && tar -xf {path} -C rows", path)
        raise UsageError(f"{path} is a tar archive, which is not read. Next: {unpack}, then that folder")
    _refuse_wide(path, compression, start)
    has_bom = start.startswith(BOM)
    body = start[len(BOM) if has_bom else 0 :].lstrip(_SPACE)
    return Source(path, "json" if _is_array(body) else "jsonl", compression, has_bom)


def _is_tar(start: bytes) -> bool:
    """Return whether bytes begin with the header of a tar archive: its magic, and before it zeros, which no row holds."""
    return start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR and b"\0" in start[:_TAR_NAME]


def _start_of(path: AnyPath) -> bytes:
    """Return the first bytes on disk of a file that may be read."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; one file is wanted here. Next: name a file in it")
    try:
        with path.open("rb") as file:
            return file.read(65536)
    except FileNotFoundError as error:
        raise UsageError(_absent(path)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Next: make it readable, or leave it out") from error


def _refuse_other_kinds(path: AnyPath, start: bytes) -> None:
    if start.startswith(b"PK") and _SPREADSHEET.search(start):
        raise UsageError(f"{path} is a spreadsheet, which is not read. Next: save the sheet as CSV, and name that file")
    for begins, (kind, way) in _NOT_READ.items():
        if start.startswith(begins):
            raise UsageError(f"{path} is {kind}, which is not read. Next: {fed(way, path)}")


def _refuse_packed_twice(path: AnyPath, compression: str, start: bytes) -> None:
    """Raise UsageError where what was decompressed is no text either."""
    for begins, (kind, ending) in _PACKED.items() if compression else ():
        if start.startswith(begins):
            raise UsageError(
                f"{path} is {kind} inside {compression}, and is unpacked once. "
                f"Next: {fed(f'{compression} -dc {{path}} > rows.{ending}', path)}, then that file"
            )


def _refuse_wide(path: AnyPath, compression: str, start: bytes) -> None:
    """Raise UsageError for text in units of two or four bytes, with the command that makes it UTF-8."""
    wide = _wide(start)
    if wide:
        way = f"iconv -f {wide} -t UTF-8 {{path}} > utf8.jsonl"
        raise UsageError(f"{path} is {wide}. Next: {fed(way, path, compression)}")


def _wide(start: bytes) -> str:
    """Return the encoding of text in units of two or four bytes, by its mark, or by the zeros beside the first of what JSON begins
    with (RFC 4627, 3); else the empty string.
    """
    if start[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "UTF-32"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    zeros = tuple(byte == 0 for byte in start[:4])
    return _WIDE_BY_ZEROS.get(zeros, "") if start[:4].replace(b"\0", b"")[:1] in _OPENS else ""


def _compression_of(magic: bytes) -> Literal["", "gzip", "zstd"]:
    if magic.startswith(_GZIP):
        return "gzip"
    return "zstd" if magic == _ZSTD or _ZSTD_SKIPPABLE.match(magic) else ""


def _written(path: AnyPath) -> int | None:
    """Return when a file was last written, in nanoseconds; None of an object.

    Raises:
        UsageError: there is none, it may not be looked at, or it is a pipe or the like, which is gone once it is read.
    """
    if isinstance(path, Address):
        return None
    try:
        seen = path.stat()
    except FileNotFoundError as error:
        raise UsageError(_absent(path)) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Next: make it readable, or leave it out") from error
    kind = _READ_ONCE.get(stat.S_IFMT(seen.st_mode))
    if kind:
        raise UsageError(f"{path} is a {kind} and cannot be read twice. Next: write what is in it to a file first")
    return seen.st_mtime_ns


def _absent(path: AnyPath) -> str:
    """Return what is said of a file that is not there."""
    if isinstance(path, Address) or not path.is_symlink():
        hint = hint_of_hub(str(path)) or ". Next: see how its name is written, or make one: unmoor demo --data FILE"
        return f"There is no file {path}{hint}"
    return f"{path} is a link to {path.readlink()}, and nothing is there. Next: mend the link, or delete it"


def _is_array(body: bytes) -> bool:
    """An array file opens with `[` and then an object or nothing, or goes on after its first line, or is one line with an object.

    Any other first line that is an array, or the beginning of one, is a bad row of JSON Lines.
    """
    if body[:1] != b"[" or body[1:].lstrip(_SPACE)[:1] in (b"{", b"]", b""):
        return body[:1] == b"["
    line, _, rest = body.partition(b"\n")
    line, rest = line.rstrip(_SPACE), rest.lstrip(_SPACE)
    return line.endswith((b"[", b",")) or rest.startswith(b",") or (not rest and b"{" in line)
