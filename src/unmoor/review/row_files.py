"""From a run's kept and removed files to the place of each row: a byte in plain JSON Lines, in a copy for every other format.

A Parquet page or a gzip stream cannot be opened in the middle. The rows that a person may look at (those of the ledger, and the
sample without findings) are therefore copied to JSON Lines once, beside the index that names their bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

__all__ = ["Reading", "RowFiles", "RowWalk", "RowsOf", "row_files"]

RowsOf = Callable[[Path], Iterator[bytes]]
"""From a data file in any format to each of its rows as one line of JSON; the layouts' room has one."""
_PARTS = ("kept", "removed", "before")
"""`before` holds the rewritten rows of a Parquet run as they were; other formats have them in the ledger."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How an index is made: `rows_of` reads files that are no plain JSON Lines, `on_progress` is told in words how far it is."""

    rows_of: RowsOf | None = None
    on_progress: Callable[[str], None] = lambda _words: None


class RowFiles(Protocol):
    """The rows of a run, part by part. `kind` is "plain", "copied", or "none" where rows have no place."""

    kind: str

    def step(self, part: str) -> bytes:
        """Return the next row of "kept", "removed" or "before"; empty at the end."""

    def place(self, part: str) -> tuple[str, int]:
        """Return (file, first byte) where the row of the last step can be read again."""

    def put_copy(self) -> int:
        """Put the copy of the rows, which is whole, at its place; return its size in bytes, 0 where there is none."""

    def close(self) -> None:
        """Close the files; a copy that was not put at its place is gone."""


def row_files(run: Path, copy: str, rows_of: RowsOf | None) -> RowFiles:
    """Return the rows of a run; `copy` is the file, named from the run's folder, for those that have no place of their own."""
    found = {part: next(iter(sorted(run.glob(f"{part}.*"))), None) for part in _PARTS}
    paths = {part: path for part, path in found.items() if path is not None}
    if set(paths) == {"kept", "removed"} and all(path.name == f"{part}.jsonl" for part, path in paths.items()):
        return _Plain(paths)
    return _Copied(paths, run, copy, rows_of) if paths and rows_of is not None else _Nowhere()


class _Plain:
    kind = "plain"

    def __init__(self, paths: dict[str, Path]) -> None:
        self._files: dict[str, BinaryIO] = {part: path.open("rb") for part, path in paths.items()}
        self._bytes = dict.fromkeys(paths, 0)

    def step(self, part: str) -> bytes:
        if part not in self._files:
            return b""
        self._bytes[part] = self._files[part].tell()
        return self._files[part].readline()

    def place(self, part: str) -> tuple[str, int]:
        return f"{part}.jsonl", self._bytes[part]

    def put_copy(self) -> int:
        return 0

    def close(self) -> None:
        for file in self._files.values():
            file.close()


class _Copied:
    """Writes the copy under a name of its own, so that two who make an index at once do not write into each other's; both put the
    same bytes at its place.
    """

    kind = "copied"

    def __init__(self, paths: dict[str, Path], run: Path, copy: str, rows_of: RowsOf) -> None:
        self._rows = {part: rows_of(path) for part, path in paths.items()}
        self._last = dict.fromkeys(paths, b"")
        self._path, self._name = run / copy, copy
        self._beside = self._path.with_name(f".rows.{os.getpid()}.jsonl")
        self._copy: BinaryIO | None = None

    def step(self, part: str) -> bytes:
        self._last[part] = next(self._rows.get(part, iter(())), b"")
        return self._last[part]

    def place(self, part: str) -> tuple[str, int]:
        if self._copy is None:
            self._copy = self._beside.open("wb")
        byte = self._copy.tell()
        self._copy.write(self._last[part] + b"\n")
        return self._name, byte

    def put_copy(self) -> int:
        if self._copy is None:
            return 0
        size = self._copy.tell()
        self._copy.close()
        self._beside.replace(self._path)
        return size

    def close(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._beside.unlink(missing_ok=True)


class _Nowhere:
    kind = "none"

    def step(self, part: str) -> bytes:  # noqa: ARG002
        return b""

    def place(self, part: str) -> tuple[str, int]:  # noqa: ARG002
        return "", 0

    def put_copy(self) -> int:
        return 0

    def close(self) -> None:
        """There is nothing to close."""


class RowWalk:
    """Walks the rows of a run beside its ledger, both in the order of rows. A row that the ledger does not name is told to
    `on_passed`, by its number and its bytes: empty where the run holds it no more.
    """

    def __init__(self, files: RowFiles, on_passed: Callable[[int, bytes], None] = lambda _row, _line: None) -> None:
        self._files, self._on_passed = files, on_passed
        self._row = 0

    def part_of(self, entry: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return in which part the row of a ledger entry lies as it was before the run, and its bytes; "ledger" where the entry
        itself has them, an empty name where they are not known.
        """
        if self._files.kind == "none" or entry["row"] <= self._row:
            return "", b""
        self.pass_to(entry["row"] - 1)
        self._row = entry["row"]
        if entry["outcome"] in {"quarantined", "blank"}:
            return "", b""
        name = "removed" if entry["outcome"] == "removed" else "kept"
        line = self._files.step(name)
        if "before" in entry:
            return "ledger", str(entry["before"]).encode("utf-8", "surrogatepass")
        if name == "kept" and entry["outcome"] != "kept" and (before := self._files.step("before")):
            return "before", before
        return name, line

    def pass_to(self, row: int) -> None:
        """Walk over rows that the ledger does not name, up to `row`."""
        for number in range(self._row + 1, row + 1):
            self._on_passed(number, self._files.step("kept"))
        self._row = max(self._row, row)
