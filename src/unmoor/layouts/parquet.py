"""From a Parquet file to tables of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unmoor.errors import BadDataError
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source
from unmoor.storage import for_random_access

__all__ = ["read_parquet", "row_group_bytes"]

_BATCH_ROWS = 1024
_MOST_BATCH_BYTES = 256 * 2**20
"""A batch of at most 1,024 rows that is larger is a bomb, not text."""
_MOST_VALUES_PER_ROW = 4 * 2**20
"""Values of nested lists, on average of a row group, that one row may hold: reading one costs some 40 bytes a value."""


def read_parquet(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield tables of about `chunk_bytes` in memory; page checksums are verified where the file has them.

    No table spans two row groups, so that shards and the whole file are cut alike.

    Raises:
        BadDataError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    index, row = 0, 1
    try:
        with pq.ParquetFile(for_random_access(source.path), page_checksum_verification=True) as file:
            groups = range(file.num_row_groups) if source.row_groups is None else source.row_groups
            for group in groups:
                for table in _tables(file, group, chunk_bytes):
                    yield Chunk(index, row, 0, table=table)
                    index, row = index + 1, row + table.num_rows
            if not index:
                yield Chunk(0, 1, 0, table=file.schema_arrow.empty_table())
    except (pa.ArrowException, OSError) as error:
        raise BadDataError(f"{source.path}: the Parquet data is damaged: {error}") from error


def _tables(file: Any, group: int, chunk_bytes: int) -> Iterator[Any]:
    import pyarrow as pa

    _refuse_nested_bomb(file.metadata.row_group(group), group)
    batches, size = [], 0
    for batch in file.iter_batches(batch_size=_batch_rows(file, group, chunk_bytes), row_groups=[group]):
        batches.append(batch)
        size += batch.nbytes
        if batch.nbytes > _MOST_BATCH_BYTES:
            raise pa.ArrowInvalid(f"{batch.num_rows} rows of row group {group} unfold to {batch.nbytes:,} bytes")
        if size >= chunk_bytes:
            yield pa.Table.from_batches(batches, file.schema_arrow)
            batches, size = [], 0
    if batches:
        yield pa.Table.from_batches(batches, file.schema_arrow)


def _refuse_nested_bomb(told: Any, group: int) -> None:
    """Raise ArrowInvalid where the footer itself says that rows unfold to more than could be read one at a time."""
    import pyarrow as pa

    values = max((told.column(index).num_values for index in range(told.num_columns)), default=0)
    if values > _MOST_VALUES_PER_ROW * max(told.num_rows, 1):
        raise pa.ArrowInvalid(f"{told.num_rows} rows of row group {group} unfold to {values:,} values")


def _batch_rows(file: Any, group: int, chunk_bytes: int) -> int:
    """Return how many rows to take at a time. The footer does not bound what pages unfold to, so the first row is looked at."""
    first = next(file.iter_batches(batch_size=1, row_groups=[group]), None)
    return max(1, min(_BATCH_ROWS, chunk_bytes // max(1, first.nbytes))) if first is not None else _BATCH_ROWS


def row_group_bytes(source: Source) -> list[int]:
    """Return the uncompressed bytes of each row group of a file, as its footer says.

    Raises:
        BadDataError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(for_random_access(source.path))
    except (pa.ArrowException, OSError) as error:
        raise BadDataError(f"{source.path}: the Parquet data is damaged: {error}") from error
    return [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]
