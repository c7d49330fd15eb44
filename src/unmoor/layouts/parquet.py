"""From a Parquet file to tables of a bounded size, and from rewritten rows back to the file's own schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unmoor.errors import BadDataError
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source

__all__ = ["read_parquet", "schema_for_changes", "table_rows"]

_BATCH_ROWS = 1024


def read_parquet(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield tables of about `chunk_bytes` in memory; page checksums are verified where the file has them.

    Raises:
        BadDataError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    index, row, batches, size = 0, 1, [], 0
    try:
        with pq.ParquetFile(source.path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                batches.append(batch)
                size += batch.nbytes
                if size >= chunk_bytes:
                    table = pa.Table.from_batches(batches, file.schema_arrow)
                    yield Chunk(index, row, 0, table=table)
                    index, row, batches, size = index + 1, row + table.num_rows, [], 0
            yield Chunk(index, row, 0, table=pa.Table.from_batches(batches, file.schema_arrow))
    except (pa.ArrowException, OSError) as error:
        raise BadDataError(f"{source.path}: the Parquet data is damaged: {error}") from error


def table_rows(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows as dictionaries, with keys that are null left out: Parquet has no missing keys."""
    return [_without_nulls(row) for row in table.to_pylist()]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(v) for key, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def schema_for_changes(schema: Any, list_key: str | None, *, has_labels: bool) -> Any:
    """Return `schema` with a place for what a policy may add: `train` in each turn of `list_key`, `unmoor` for labels."""
    import pyarrow as pa

    if list_key is not None and list_key in schema.names:
        position = schema.get_field_index(list_key)
        field = schema.field(position)
        turn = field.type.value_type
        if pa.types.is_struct(turn) and turn.get_field_index("train") < 0:
            wider = pa.struct([*turn, pa.field("train", pa.bool_())])
            schema = schema.set(position, field.with_type(pa.list_(wider)))
    if has_labels and "unmoor" not in schema.names:
        schema = schema.append(pa.field("unmoor", pa.list_(pa.string())))
    return schema
