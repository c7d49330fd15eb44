"""From a Parquet file to tables of a bounded size."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from unmoor.errors import BadDataError, MachineError, UsageError
from unmoor.layouts.dictionaries import with_whole_dictionaries
from unmoor.layouts.faults import is_of_machine, why
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source, fed
from unmoor.layouts.one_schema import common_schema, in_schema
from unmoor.layouts.types import is_list
from unmoor.storage import Address, as_argument, for_random_access

__all__ = [
    "hold_times",
    "in_one_schema",
    "read_parquet",
    "row_group_bytes",
    "schema_difference",
    "schemas_held_alike",
    "with_footer",
]

_BATCH_ROWS = 64
"""At most at a time: what follows short rows may be 64 of the longest. A thousand at a time would take 1% less of a run."""
_FOOTERS_AT_ONCE = 16
_END_BYTES, _SIGNATURE_BYTES = 8, 28
"""What follows the footer, its length and `PAR1`; and a nonce and a tag, which its length counts and what it says does not."""
_NAMED_FILES = 20
_JOIN = (
    'python -c "import sys, pyarrow as a, pyarrow.parquet as p; '
    "t = [p.ParquetFile(f).read() for f in sys.argv[1:]]; "
    "p.write_table(a.concat_tables(t, promote_options='permissive'), 'rows.parquet')\""
)
_WITH_ROOM = (
    'python -c "import sys, pyarrow.parquet as p; '
    "p.write_table(p.read_table(sys.argv[1], coerce_int96_timestamp_unit='us'), 'rows.parquet')\""
)
_ANEW = "python -c \"import sys, duckdb; duckdb.read_parquet(sys.argv[1]).write_parquet('rows.parquet')\" {path}"
_AS_INT96_IS_READ = "timestamp[ns"
_MOST_MILLISECONDS = 2**63 // 10**6
"""Before and after 1970, in 64 bits of nanoseconds: the years 1677 to 2262."""
_LARGE_BATCH_BYTES = 32 * 2**20
"""A batch of several rows that is larger is read again, fewer at a time, and so are those behind it."""
_MOST_BATCH_BYTES = 256 * 2**20
"""A row that is larger is a bomb, not text."""
_MOST_VALUES_PER_ROW = 4 * 2**20
"""Values of nested lists, on average of a row group, that one row may hold: reading one costs some 40 bytes a value."""


def read_parquet(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield tables of about `chunk_bytes` in memory; page checksums are verified where the file has them.

    No table spans two row groups, so that shards and the whole file are cut alike.

    Raises:
        BadDataError: the file is damaged.
        MachineError: it is gone, the disk fails, or memory runs out.
        UsageError: some of its columns are encrypted.
    """
    import pyarrow.parquet as pq

    index, row = 0, 1
    with (
        _read_errors(source),
        pq.ParquetFile(for_random_access(source.path), page_checksum_verification=True) as file,
    ):
        _refuse_encrypted(file, source)
        groups = range(file.num_row_groups) if source.row_groups is None else source.row_groups
        for group in groups:
            for table in _tables(file, source, group, chunk_bytes):
                yield Chunk(index, row, 0, table=_in_common(table, source))
                index, row = index + 1, row + table.num_rows
        if not index:
            yield Chunk(0, 1, 0, table=_in_common(file.schema_arrow.empty_table(), source))


@contextmanager
def _read_errors(source: Source) -> Iterator[None]:
    """Turn what pyarrow raises into an error that says whether the data or the machine is at fault.

    Raises:
        BadDataError: the file is damaged.
        MachineError: it is gone or may not be read, the disk fails, or memory runs out.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, MemoryError) as error:
        if isinstance(error, FileNotFoundError | PermissionError) or is_of_machine(error):
            is_memory = isinstance(error, MemoryError)
            next_step = "--workers 1, or free some memory" if is_memory else "see that it is there"
            raise MachineError(
                f"{source.path} cannot be read: {why(error)}. Next: {next_step}, then the same command again"
            ) from error
        raise BadDataError(f"{source.path}: the Parquet data is damaged: {error}. {_anew(source)}") from error


def _anew(source: Source) -> str:
    """Return what to do with a file that pyarrow does not read: there are tables that other programs do."""
    return f"Next: get the file again; if it is whole, have it written anew (pip install duckdb): {fed(_ANEW, source.path)}"


def _refuse_encrypted(file: Any, source: Source) -> None:
    """Raise UsageError for a signed footer, which says that columns are encrypted: pyarrow ends the process that asks for one."""
    with source.path.open("rb") as raw:
        raw.seek(-_END_BYTES, os.SEEK_END)
        footer_bytes = int.from_bytes(raw.read(4), "little")
    if footer_bytes - file.metadata.serialized_size == _SIGNATURE_BYTES:
        raise UsageError(
            f"{source.path} is Parquet with encrypted columns, which is not read. "
            "Next: whoever has the keys writes it without encryption"
        )


def _tables(file: Any, source: Source, group: int, chunk_bytes: int) -> Iterator[Any]:
    """Yield the rows of a row group in tables; of a run's own, which were read once, none is taken for a bomb."""
    import pyarrow as pa

    if not source.is_of_a_run:
        _refuse_nested_bomb(file.metadata.row_group(group), source, group)
    batches, size = [], 0
    for batch in _batches(file, source, group, chunk_bytes):
        if batch.nbytes > _MOST_BATCH_BYTES and not source.is_of_a_run:
            largest = max(batch.column_names, key=lambda name: batch.column(name).nbytes)
            raise _unfolding(source, f"a row of row group {group} unfolds to {batch.nbytes:,} bytes", largest)
        batches.append(batch)
        size += batch.nbytes
        if size >= chunk_bytes:
            yield pa.Table.from_batches(batches, file.schema_arrow)
            batches, size = [], 0
    if batches:
        yield pa.Table.from_batches(batches, file.schema_arrow)


def _unfolding(source: Source, what: str, column: str) -> BadDataError:
    return BadDataError(f"{source.path}: {what}, more than is read. Next: a table without the column {column!r}")


def _batches(file: Any, source: Source, group: int, chunk_bytes: int) -> Iterator[Any]:
    """Yield the rows of a row group some at a time, and fewer from where they turn out to be long.

    Raises:
        BadDataError: they are not as many as the footer says. pyarrow ends with the shortest column, without a word.
    """
    at_a_time: int | None = _batch_rows(file, group, chunk_bytes)
    done = 0
    while at_a_time is not None:
        batches, at_a_time = _from_row(file.iter_batches(batch_size=at_a_time, row_groups=[group]), done), None
        for batch in batches:
            if batch.num_rows > 1 and batch.nbytes > _LARGE_BATCH_BYTES:
                at_a_time = max(1, min(batch.num_rows // 2, batch.num_rows * chunk_bytes // batch.nbytes))
                break
            done += batch.num_rows
            yield with_whole_dictionaries(batch)
    rows = file.metadata.row_group(group).num_rows
    if done != rows:
        raise BadDataError(
            f"{source.path}: {done:,} of the {rows:,} rows of row group {group} can be read: the data is damaged, or a column "
            f"begins with an empty page, which pyarrow does not read. {_anew(source)}"
        )


def _from_row(batches: Iterator[Any], skipped: int) -> Iterator[Any]:
    """Yield batches without their first rows."""
    for batch in batches:
        left = batch.slice(skipped) if skipped else batch
        skipped -= batch.num_rows - left.num_rows
        if left.num_rows:
            yield left


def _refuse_nested_bomb(told: Any, source: Source, group: int) -> None:
    """Raise BadDataError where the footer itself says that rows unfold to more than could be read one at a time."""
    columns = [told.column(index) for index in range(told.num_columns)]
    largest = max(columns, key=lambda column: column.num_values, default=None)
    if largest is not None and largest.num_values > _MOST_VALUES_PER_ROW * max(told.num_rows, 1):
        what = f"row group {group}, of {told.num_rows:,} rows, unfolds to {largest.num_values:,} values"
        raise _unfolding(source, what, largest.path_in_schema)


def _batch_rows(file: Any, group: int, chunk_bytes: int) -> int:
    """Return how many rows to take at a time, by their mean in the footer, which may say too little, and by the first."""
    told = file.metadata.row_group(group)
    first = next(file.iter_batches(batch_size=1, row_groups=[group]), None)
    row_bytes = max(1, told.total_byte_size // max(1, told.num_rows), first.nbytes if first is not None else 0)
    return int(max(1, min(_BATCH_ROWS, chunk_bytes // row_bytes)))


def _in_common(table: Any, source: Source) -> Any:
    return table if source.common is None else in_schema(table, source.common)


def in_one_schema(sources: Sequence[Source]) -> list[Source]:
    """Return the files of a data set, each with its own schema and, where they differ and can be joined, with one for all.

    Raises:
        BadDataError: a file is damaged.
    """
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        sources = list(pool.map(with_footer, sources))
    told = [source.schema for source in sources if source.schema is not None]
    common = None if all(schema.equals(told[0]) for schema in told) else common_schema(told)
    return [replace(source, common=common if source.schema is not None else None) for source in sources]


def schemas_held_alike(sources: Sequence[Source]) -> list[Any]:
    """Return the own schema of each file, None of an empty one; a run writes their rows into one table.

    Raises:
        UsageError: two of them have no schema in common; names the column, and the command that makes one table of all.
        BadDataError: a file is damaged.
    """
    sources = [source if source.schema is not None else with_footer(source) for source in sources]
    told = [source for source in sources if source.schema is not None]
    unlike = [source for source in told if source.common is None and not source.schema.equals(told[0].schema)]
    if unlike:
        raise _differing(told, unlike)
    return [source.schema for source in sources]


def _differing(told: Sequence[Source], unlike: Sequence[Source]) -> UsageError:
    """Return what is said of tables of which some are `unlike` the first: one that cannot be joined with it, if there is one."""
    import pyarrow as pa

    first, paths = told[0].schema, [str(one.path) for one in told]
    cannot = ((source, _unjoinable(first, source.schema)) for source in unlike)
    source, what = next((one for one in cannot if one[1]), (unlike[0], schema_difference(first, unlike[0].schema)))
    named = paths if len(paths) <= _NAMED_FILES else [*paths[:_NAMED_FILES], "and the others"]
    is_here = not any(isinstance(one.path, Address) for one in told)
    command = f"{_JOIN} {' '.join(map(as_argument, named))}" if is_here else f"copy them here, then {_JOIN} FILE..."
    way = f"one table of all, where their types can be joined: {command}"
    try:
        pa.unify_schemas([one.schema for one in told], promote_options="permissive")
    except pa.ArrowException:
        way = "tables in which that column is cast to one type"
    return UsageError(
        f"The tables differ: {what} in {source.path}, unlike in {paths[0]}. A run writes rows of one kind. "
        f"Next: a run for each file, or {way}"
    )


def _unjoinable(first: Any, other: Any) -> str:
    """Return in words the first column whose types have none in common, or the empty string."""
    import pyarrow as pa

    for name in first.names:
        kinds = [schema.field(name) for schema in (first, other) if schema.get_field_index(name) >= 0]
        if len(kinds) > 1 and common_schema([pa.schema([kind]) for kind in kinds]) is None:
            return f"the column {name!r} is {kinds[1].type} and not {kinds[0].type}"
    return ""


def with_footer(source: Source) -> Source:
    """Return a file with what its footer says: schema and rows; an empty one has neither."""
    import pyarrow.parquet as pq

    if not source.path.stat().st_size:
        return source
    with _read_errors(source), pq.ParquetFile(for_random_access(source.path)) as file:
        return replace(source, schema=file.schema_arrow, table_rows=file.metadata.num_rows)


def hold_times(sources: Sequence[Source]) -> None:
    """Hold that the times of tables are read as they are: those of Spark and Hive (INT96) are read in nanoseconds, and what is too
    far from today for that comes out as some other time, without a word.

    Raises:
        BadDataError: there is such a time; names its file and column, and the command that makes a table with room for it.
    """
    with ThreadPoolExecutor(_FOOTERS_AT_ONCE) as pool:
        list(pool.map(_hold_times_of, sources))


def _hold_times_of(source: Source) -> None:
    import pyarrow.parquet as pq

    is_known = source.schema is not None
    if (is_known and _AS_INT96_IS_READ not in str(source.schema)) or not source.path.stat().st_size:
        return
    with (
        _read_errors(source),
        pq.ParquetFile(for_random_access(source.path), coerce_int96_timestamp_unit="ms") as file,
    ):
        columns = [file.schema.column(index) for index in range(len(file.schema))]
        for path in (column.path for column in columns if column.physical_type == "INT96"):
            for batch in file.iter_batches(columns=[path], row_groups=source.row_groups):
                if any(map(_is_too_far, batch.columns)):
                    raise BadDataError(
                        f"{source.path}: the column {path!r} has a time before 1678 or after 2261 that is written as INT96, "
                        f"and would be changed. Next: {fed(f'{_WITH_ROOM} {{path}}', source.path)}, then rows.parquet"
                    )


def _is_too_far(column: Any) -> bool:
    """Return whether a column has a time, at any depth, that nanoseconds have no room for."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_struct(column.type):
        return any(map(_is_too_far, column.flatten()))
    if pa.types.is_map(column.type):
        return _is_too_far(column.keys) or _is_too_far(column.items)
    if is_list(column.type):
        return _is_too_far(column.flatten())
    if not pa.types.is_timestamp(column.type):
        return False
    ends = pc.min_max(column.cast(pa.int64())).as_py().values()
    return any(end is not None and abs(end) >= _MOST_MILLISECONDS for end in ends)


def schema_difference(first: Any, other: Any) -> str:
    """Return in words the first column in which a schema differs from the first one."""
    kinds, others = (dict(zip(schema.names, schema, strict=True)) for schema in (first, other))
    for name in dict.fromkeys((*kinds, *others)):
        if name not in others:
            return f"there is no column {name!r}"
        if name not in kinds:
            return f"there is a column {name!r}"
        if not kinds[name].equals(others[name]):
            return f"the column {name!r} is {others[name].type} and not {kinds[name].type}"
    return "the columns stand in another order"


def row_group_bytes(source: Source) -> list[int]:
    """Return the uncompressed bytes of each row group of a file, as its footer says.

    Raises:
        BadDataError: the file is damaged.
    """
    import pyarrow.parquet as pq

    with _read_errors(source):
        metadata = pq.read_metadata(for_random_access(source.path))
    return [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]
