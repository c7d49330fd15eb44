"""From a finished run back to its input, exactly: kept and removed rows in their order, rewritten rows as they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, BinaryIO

from unmoor.errors import RunFolderError, UsageError
from unmoor.layouts import read_chunks, recognise_source
from unmoor.run_folder import machine_errors, read_lines_of, read_manifest

__all__ = ["explain_row", "restore"]

_BOM = b"\xef\xbb\xbf"
_COPY_BYTES = 2**20
_PLACES = {
    "removed": "removed",
    "quarantined": "quarantine",
    "mended": "before",
    "masked": "before",
    "labelled": "before",
}
"""Which file of a Parquet run holds the original of a row, by its outcome."""


def restore(folder: Path, target: Path) -> int:
    """Rebuild the input of the run in `folder` at `target`; return its rows.

    JSON Lines and arrays come back byte for byte (decompressed). Parquet comes back with equal values and schema.

    Raises:
        RunFolderError: the run is half-written or altered, or was an audit, which keeps no rows.
        MachineError: the disk is full.
    """
    manifest = read_manifest(folder)
    if manifest["kind"] != "filter":
        raise RunFolderError(f"{folder} is an audit: it changed nothing, so there is nothing to restore")
    beside = target.with_name(f".{target.name}.unfinished")
    with machine_errors(f"Writing {target}"):
        try:
            if manifest["input"]["format"] == "parquet":
                _restore_table(folder, beside, manifest)
            else:
                with beside.open("wb") as file:
                    _restore_rows(folder, file, manifest)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    return int(manifest["counts"]["input"])


def _restore_rows(folder: Path, out: BinaryIO, manifest: dict[str, Any]) -> None:
    is_array = manifest["input"]["format"] == "json"
    if manifest["input"]["has_bom"]:
        out.write(_BOM)
    gaps = _gaps(manifest["array"]) if is_array else iter(())
    kept, removed = (_raw_rows(folder / f"{name}.{manifest['input']['format']}") for name in ("kept", "removed"))
    with _open_quarantine(folder) as quarantine:
        for _, outcome, entry in _rows(folder, manifest):
            out.write(next(gaps, b""))
            if outcome == "quarantined":
                _copy(quarantine, out, entry["size_bytes"])
                continue
            raw = next(removed) if outcome == "removed" else b"" if outcome == "blank" else next(kept)
            out.write(entry["before"].encode() if "before" in entry else raw)
    out.write(manifest["array"]["tail"].encode("latin-1") if is_array else b"")


def _rows(folder: Path, manifest: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield (row number, outcome, ledger entry) for every row of the input; rows the ledger does not name were kept."""
    entries = read_lines_of(folder, "ledger.jsonl")
    entry = next(entries, None)
    for number in range(1, manifest["counts"]["input"] + 1):
        if entry is not None and entry["row"] == number:
            yield number, entry["outcome"], entry
            entry = next(entries, None)
        else:
            yield number, "kept", {}
    if entry is not None:
        raise RunFolderError(
            f"{folder}: the ledger names row {entry['row']}, the input had {manifest['counts']['input']}"
        )


def _raw_rows(path: Path) -> Iterator[bytes]:
    if path.stat().st_size == 0:
        return
    for chunk in read_chunks(recognise_source(path)):
        if chunk.items:
            yield from chunk.items
        else:
            lines = chunk.data.split(b"\n")
            yield from (line + b"\n" for line in lines[:-1])
            yield from lines[-1:] if lines[-1] else ()


def _open_quarantine(folder: Path) -> BinaryIO:
    path = folder / "quarantine.raw"
    return path.open("rb") if path.exists() else Path("/dev/null").open("rb")


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0 and (part := source.read(min(size, _COPY_BYTES))):
        target.write(part)
        size -= len(part)
    if size:
        raise RunFolderError("quarantine.raw is shorter than the ledger says: it was altered or cut short")


def _gaps(array: dict[str, Any]) -> Iterator[bytes]:
    for count, gap in array["gaps"]:
        for _ in range(count):
            yield gap.encode("latin-1")


def _restore_table(folder: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Write the rows back in order, run by run of rows that lie in the same file."""
    import pyarrow.parquet as pq

    cursors = {name: _TableCursor(folder / f"{name}.parquet") for name in ("kept", "removed", "quarantine", "before")}
    schema = pq.read_schema(folder / "removed.parquet")
    places = (_PLACES.get(outcome, "kept") for _, outcome, _ in _rows(folder, manifest))
    with pq.ParquetWriter(target, schema, compression="zstd", write_page_checksum=True) as writer:
        for place, same in groupby(places):
            count = len(list(same))
            for table in cursors[place].take(count):
                writer.write_table(table.select(schema.names).cast(schema))
            if place == "before":  # the rewritten rows stand among the kept ones too
                deque(cursors["kept"].take(count), maxlen=0)


class _TableCursor:
    """Reads a Parquet file from its first row on, some rows at a time."""

    def __init__(self, path: Path) -> None:
        self._tables = (chunk.table for chunk in read_chunks(recognise_source(path))) if path.exists() else iter(())
        self._rest: Any = None

    def take(self, count: int) -> Iterator[Any]:
        """Yield tables that together hold the next `count` rows."""
        while count:
            if self._rest is None or self._rest.num_rows == 0:
                self._rest = next(self._tables, None)
                if self._rest is None:
                    raise RunFolderError("a Parquet file of the run is shorter than the ledger says: it was altered")
                continue
            part = self._rest.slice(0, count)
            self._rest = self._rest.slice(part.num_rows)
            count -= part.num_rows
            yield part


def explain_row(folder: Path, row: int) -> dict[str, Any]:
    """Return the ledger entry of a row, or one that says that nothing was found in it.

    Raises:
        RunFolderError: the run is half-written or altered.
        UsageError: the input had no such row.
    """
    manifest = read_manifest(folder)
    total = manifest["counts"]["input"]
    if not 1 <= row <= total:
        raise UsageError(f"There is no row {row}: {manifest['input']['name']} has rows 1 to {total}")
    entry = next((entry for entry in read_lines_of(folder, "ledger.jsonl") if entry["row"] == row), None)
    return entry or {"row": row, "outcome": "kept", "reason": "kept: nothing was found", "findings": []}
