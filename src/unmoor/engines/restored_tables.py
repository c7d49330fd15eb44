"""The rows of a finished Parquet run, back in the order of its input."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unmoor.errors import RunFolderError
from unmoor.layouts import Source, TableFile, in_schema, read_chunks, recognise_source, take_rows
from unmoor.run_folder import MAKE_AGAIN
from unmoor.storage import AnyPath, for_random_access

LedgerRows = Iterator[tuple[int, str, dict[str, Any]]]
"""(row number, outcome, ledger entry) of each row of the input."""
_REWRITTEN = ("kept", "before")
_PLACES = {
    "removed": ("removed",),
    "quarantined": ("quarantine",),
    "mended": _REWRITTEN,
    "masked": _REWRITTEN,
    "labelled": _REWRITTEN,
}
"""Which files of a Parquet run hold a row, by its outcome; the last of them has the original."""
_GROUP_BYTES = 64 * 2**20
"""Bytes in memory of the rows that are written back as one row group."""


def own_rows(path: AnyPath) -> Source:
    """Return a file of a run as a source: read without the limits that strangers' files have."""
    return replace(recognise_source(path), is_of_a_run=True)


def parquet_writer(folder: AnyPath) -> Callable[[Path, dict[str, Any], LedgerRows], None]:
    """Return what writes rows back in order, in row groups of a size of their own, whichever files the rows lie in."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    cursors = {name: _TableCursor(folder / f"{name}.parquet") for name in ("kept", "removed", "quarantine", "before")}
    common = pq.read_schema(for_random_access(folder / "removed.parquet"))

    def write(path: Path, file: dict[str, Any], rows: LedgerRows) -> None:
        if not file["size_bytes"]:
            path.touch()
            return
        schema = _schema_of(file) if "schema" in file else common
        with TableFile(path, schema) as writer:
            group, size = [], 0
            for table in _in_order(rows, cursors, schema):
                group.append(table)
                size += table.nbytes
                if size >= _GROUP_BYTES:
                    writer.write(pa.concat_tables(group))
                    group, size = [], 0
            if group:
                writer.write(pa.concat_tables(group))

    return write


def _schema_of(file: dict[str, Any]) -> Any:
    import pyarrow as pa

    try:
        return pa.ipc.read_schema(pa.py_buffer(b64decode(file["schema"])))
    except (TypeError, ValueError, pa.ArrowException, OSError) as error:
        raise RunFolderError(
            f"The manifest does not say what columns {file['name']} had: it was altered. {MAKE_AGAIN}"
        ) from error


def _in_order(rows: LedgerRows, cursors: dict[str, _TableCursor], schema: Any) -> Iterator[Any]:
    """Yield tables with the rows in their order, each as far as the tables go that the cursors have open."""
    order: list[str] = []
    for _, outcome, _ in rows:
        places = _PLACES.get(outcome, ("kept",))
        for place in places:
            if cursors[place].is_at_end():
                if order:
                    yield _joined(order, cursors, schema)
                    order = []
                cursors[place].open_next()
            cursors[place].pass_row(is_wanted=place == places[-1])
        order.append(places[-1])
    if order:
        yield _joined(order, cursors, schema)


def _joined(order: list[str], cursors: dict[str, _TableCursor], schema: Any) -> Any:
    """Return one table of the rows that the cursors passed; `order` says which of them each row comes from."""
    import pyarrow as pa

    names = sorted(set(order))
    tables = [in_schema(cursors[name].taken(), schema) for name in names]
    numbers = np.array([names.index(name) for name in order])
    return take_rows(pa.concat_tables(tables), np.argsort(np.argsort(numbers, kind="stable")).tolist())


class _TableCursor:
    """Goes through the rows of a Parquet file from the first on, with one table of them open."""

    def __init__(self, path: AnyPath) -> None:
        self._tables = (
            (chunk.table for chunk in read_chunks(own_rows(path)) if chunk.rows) if path.exists() else iter(())
        )
        self._open: Any = None
        self._row = 0
        self._wanted: list[int] = []

    def is_at_end(self) -> bool:
        """Return whether the open table has no more rows."""
        return self._open is None or self._row == self._open.num_rows

    def open_next(self) -> None:
        """Open the next table, which has rows.

        Raises:
            RunFolderError: there is none.
        """
        self._open, self._row = next(self._tables, None), 0
        if self._open is None:
            raise RunFolderError(
                f"a Parquet file of the run is shorter than the ledger says: it was altered. {MAKE_AGAIN}"
            )

    def pass_row(self, *, is_wanted: bool) -> None:
        """Go one row on in the open table."""
        if is_wanted:
            self._wanted.append(self._row)
        self._row += 1

    def taken(self) -> Any:
        """Return the rows that were passed and wanted since the last time."""
        wanted, self._wanted = self._wanted, []
        return take_rows(self._open, wanted)
