"""From a data set to how much there is to read, so that progress can say what is left: bytes, or rows of Parquet.

Only headers and ends of files are looked at. What a file does not say is not guessed.
"""

from __future__ import annotations

import struct

from unmoor.layouts import DataSet
from unmoor.layouts.files import zstd_module
from unmoor.storage import AnyPath, for_random_access

__all__ = ["total_to_read"]

_WRAPS_BYTES = 2**32
"""gzip writes the size modulo 4 GiB; of a file whose text may be larger it says nothing."""
_ZSTD_HEADER_BYTES = 18
_MOST_TIMES = 20
"""Text hardly unfolds to more than this; a larger gzip file's end may have wrapped."""


def total_to_read(data: DataSet) -> int | None:
    """Return the bytes that reading the data set will go through, of Parquet its rows; None where no header says."""
    if data.format == "parquet":
        return _parquet_rows(data)
    sizes = [
        source.share_bytes if not source.compression else _unfolded(source.path, source.compression)
        for source in data.files
    ]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _parquet_rows(data: DataSet) -> int | None:
    from pyarrow import parquet

    rows = 0
    for source in data.files:
        if source.is_empty:
            continue
        if source.table_rows is not None and source.row_groups is None:
            rows += source.table_rows
            continue
        held = parquet.read_metadata(for_random_access(source.path))
        wanted = range(held.num_row_groups) if source.row_groups is None else source.row_groups
        rows += sum(held.row_group(group).num_rows for group in wanted)
    return rows


def _unfolded(path: AnyPath, compression: str) -> int | None:
    """Return the size of a compressed file's content where the file says it."""
    size = path.stat().st_size
    if compression == "gzip" and 8 < size < _WRAPS_BYTES // _MOST_TIMES:
        with path.open("rb") as file:
            file.seek(-4, 2)
            (told,) = struct.unpack("<I", file.read(4))
        return int(told) if told >= size else None
    return _zstd_size(path) if compression == "zstd" else None


def _zstd_size(path: AnyPath) -> int | None:
    """Return what the first frame says it holds; None where it says nothing, or can hardly be all of the file."""
    with path.open("rb") as file:
        told = zstd_module().get_frame_info(file.read(_ZSTD_HEADER_BYTES)).decompressed_size
    return int(told) if told is not None and told >= path.stat().st_size else None
