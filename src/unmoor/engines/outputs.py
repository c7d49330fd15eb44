"""From the results of chunks, in order, to the files of a run; and from the files of shards to those of the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from unmoor.engines.chunks import quarantine_entry, unjudged_entry
from unmoor.engines.job import ChunkResult
from unmoor.errors import UsageError
from unmoor.layouts import Chunk, DataSet, TableFile, row_too_large, schema_difference
from unmoor.run_folder import RunWriter, machine_errors
from unmoor.storage import AnyPath, for_random_access

__all__ = ["Outputs", "json_line"]

_ROWS = ("kept", "removed")
_FIRST, _BETWEEN, _LAST, _NONE = b"[\n", b",\n", b"\n]\n", b"[]\n"
"""What frames the elements of an output that is a JSON array."""
_ROW_NUMBER = re.compile(rb'^\{"row":(\d+)', re.MULTILINE)
_COPY_BYTES = 4 * 2**20


class Outputs:
    """Appends each chunk's share to the files of a run."""

    def __init__(self, writer: RunWriter, data: DataSet, *, is_audit: bool) -> None:
        self._writer = writer
        self._data = data
        self._is_audit = is_audit
        self._begun: set[str] = set()
        self._tables: dict[str, TableFile] = {}
        self._arrays: dict[str, dict[str, Any]] = {}
        self._oversize: dict[int, tuple[Chunk, int]] = {}
        self._added_newlines: list[str] = []
        if not is_audit and data.format != "parquet":
            for name in _ROWS:
                self._writer.open(self._name(name))
        self._writer.open("ledger.jsonl")

    def state(self) -> dict[str, Any]:
        """Return what must be known to go on from a checkpoint, as JSON."""
        return {"begun": sorted(self._begun), "arrays": self._arrays, "added_newlines": self._added_newlines}

    def load(self, state: dict[str, Any]) -> None:
        """Take over the state of a checkpoint."""
        self._begun.update(state["begun"])
        self._added_newlines += state["added_newlines"]
        self._arrays.update(state["arrays"])

    def _name(self, name: str) -> str:
        return f"{name}.{self._data.format}" if name in _ROWS else name

    def watch(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass chunks on, noting where the parts of an over-long row begin and how long it is."""
        first: Chunk | None = None
        size = 0
        for chunk in chunks:
            if chunk.oversize:
                first = first or chunk
                size += len(chunk.data)
                if chunk.oversize == "end":
                    self._oversize[chunk.index] = (first, size)
                    first, size = None, 0
            yield chunk

    def is_between_rows(self) -> bool:
        """Return whether nothing is half told, so that a checkpoint may be made."""
        return not self._oversize

    def take(self, result: ChunkResult) -> None:
        """Append one chunk's bytes and tables."""
        file = self._data.file_name(result.file)
        if result.index in self._oversize:
            self._tell_oversize(*self._oversize.pop(result.index), file)
        for name, content in result.files.items():
            if name == "quarantine.jsonl":
                self._append(name, _of_file(content, file))
            elif not (self._is_audit and name in _ROWS):
                self._append(name, content)
        self.take_tables(result)
        if self._data.format == "json":
            array = self._arrays.setdefault(file, {"gaps": [], "tail": ""})
            _add_gaps(array["gaps"], result.gaps)
            array["tail"] += _as_text(result.tail)
        if result.added_newline:
            self._added_newlines.append(file)

    def take_tables(self, result: ChunkResult) -> None:
        """Append one chunk's tables only: its lines were written before a run stopped."""
        for name, table in result.tables.items():
            if not self._is_audit:
                self._append_table(name, table)

    def _tell_oversize(self, chunk: Chunk, size: int, file: str) -> None:
        entry = quarantine_entry(chunk.first_row, chunk.data, row_too_large(), chunk.offset, size)
        self._writer.write("quarantine.jsonl", _of_file(json_line(entry), file))
        reason = f"{entry['code']}: {entry['message']}"
        ledger = unjudged_entry(chunk.first_row, "quarantined", reason, size_bytes=size)
        self._writer.write("ledger.jsonl", json_line(ledger))

    def _append(self, name: str, content: bytes) -> None:
        if name in _ROWS and self._data.format == "json":
            content = (_BETWEEN if name in self._begun else _FIRST) + content
            self._begun.add(name)
        self._writer.write(self._name(name), content)

    def _append_table(self, name: str, table: Any) -> None:
        path = self._writer.path(name)
        with machine_errors(f"Writing {path}"):
            if name not in self._tables:
                self._tables[name] = TableFile(path, table.schema)
            schema = self._tables[name].schema
            if not table.schema.equals(schema):
                raise UsageError(
                    f"The rows are of two kinds and fit no one table: {schema_difference(schema, table.schema)}. "
                    "Next: a run for each kind"
                )
            if table.num_rows:
                self._tables[name].write(table)

    def close(self) -> None:
        """Complete the array files and the Parquet footers."""
        for name, table in self._tables.items():
            with machine_errors(f"Writing {self._writer.path(name)}"):
                table.close()
        if self._data.format == "json" and not self._is_audit:
            for name in _ROWS:
                self._writer.write(self._name(name), _LAST if name in self._begun else _NONE)

    def array(self) -> dict[str, Any] | None:
        """Return what stood between the elements of the arrays, file by file and run by run, so that `restore` can put it back."""
        return self._arrays if self._data.format == "json" else None

    @property
    def added_newlines(self) -> list[str]:
        """Names of the files whose last line had no newline and was given one."""
        return self._added_newlines

    def take_shard(self, folder: AnyPath, names: list[str], state: dict[str, Any], rows_before: int) -> None:
        """Append the files of the finished run of a shard; its rows are numbered on from `rows_before`."""
        for name in names:
            path = folder / name
            stem = path.name.partition(".")[0]
            if path.suffix == ".parquet":
                self._take_table_file(path)
            elif stem in _ROWS and path.suffix == ".json":
                self._take_array_file(stem, path)
            elif name in ("ledger.jsonl", "quarantine.jsonl", "review.jsonl"):
                self._take_lines(path, rows_before)
            else:
                self._copy(name, path)
        self._arrays.update(state["arrays"])
        self._added_newlines += state["added_newlines"]

    def _take_table_file(self, path: AnyPath) -> None:
        import pyarrow.parquet as pq

        with pq.ParquetFile(for_random_access(path), page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                self._append_table(path.name, file.read_row_group(group))
            if not file.num_row_groups:
                self._append_table(path.name, file.schema_arrow.empty_table())

    def _take_array_file(self, name: str, path: AnyPath) -> None:
        with path.open("rb") as file:
            left = path.stat().st_size - len(_FIRST) - len(_LAST)
            if left <= 0:
                return
            file.seek(len(_FIRST))
            self._append(name, b"")
            while left > 0:
                part = file.read(min(_COPY_BYTES, left))
                self._writer.write(path.name, part)
                left -= len(part)

    def _take_lines(self, path: AnyPath, rows_before: int) -> None:
        with path.open("rb") as file:
            for line in file:
                self._writer.write(path.name, _renumbered(line, rows_before))

    def _copy(self, name: str, path: AnyPath) -> None:
        with path.open("rb") as file:
            while part := file.read(_COPY_BYTES):
                self._writer.write(name, part)


def _renumbered(line: bytes, rows_before: int) -> bytes:
    return (
        _ROW_NUMBER.sub(lambda found: b'{"row":%d' % (int(found.group(1)) + rows_before), line) if rows_before else line
    )


def _of_file(lines: bytes, file: str) -> bytes:
    """Return the lines of rows with the name of their file, which the worker that read them does not know."""
    name = b',"file":' + json_line(file).rstrip()
    return _ROW_NUMBER.sub(lambda found: found.group() + name, lines)


def _add_gaps(runs: list[list[Any]], gaps: tuple[bytes, ...]) -> None:
    """Append gaps to runs of [count, gap as text], joining what is alike."""
    for gap, same in groupby(map(_as_text, gaps)):
        count = len(list(same))
        if runs and runs[-1][1] == gap:
            runs[-1][0] += count
        else:
            runs.append([count, gap])


def _as_text(raw: bytes) -> str:
    """Return bytes as Latin-1 text: any byte survives JSON, and what is plain stays readable."""
    return raw.decode("latin-1")


def json_line(value: Any) -> bytes:
    """Return a value as one line of JSON."""
    import orjson

    return orjson.dumps(value) + b"\n"
