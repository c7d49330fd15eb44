"""From a run in memory to a run on disk: files that are whole or absent, hashes of everything, the manifest last.

While a run is being written its files lie in RUN/.unfinished; each is moved to its place when it is complete, and MANIFEST.json is
written after all the others. So a folder with a manifest is a finished run, and a folder without one says that it is not.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from unmoor.errors import MachineError, RunFolderError, UsageError

__all__ = [
    "MANIFEST",
    "RunWriter",
    "dump_json",
    "hash_file",
    "machine_errors",
    "read_json",
    "read_lines_of",
    "read_manifest",
    "verify",
    "write_atomic",
]

MANIFEST = "MANIFEST.json"
UNFINISHED = ".unfinished"
FORMAT_VERSION = 1
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def dump_json(value: Any) -> bytes:
    """Return `value` as readable JSON: two spaces, UTF-8, keys in the order given, a newline at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def machine_errors(what: str) -> Iterator[None]:
    """Turn a failing disk or a lack of memory into a MachineError that says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise MachineError(f"{what}: no space left on the disk. Nothing was written at its final place") from error
        if error.errno in {errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM}:
            raise MachineError(f"{what}: {error.strerror} ({error.filename})") from error
        raise
    except MemoryError as error:
        raise MachineError(f"{what}: out of memory") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all: a neighbour file, fsync, rename.

    Raises:
        MachineError: the disk is full or fails.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with machine_errors(f"Writing {path}"):
        try:
            with beside.open("wb") as file:
                file.write(content)
                _settle(file)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class RunWriter:
    """A run folder being written. Use as a context: on the way out it is complete, or as if it had never been begun.

    `open` gives a file to write into; `finish` moves all of them to their places and writes the manifest. A run that is replaced
    stays as it was until then.
    """

    def __init__(self, folder: Path, *, force: bool = False) -> None:
        self.folder = folder
        self._work = folder / UNFINISHED
        self._files: dict[str, BinaryIO] = {}
        self._existed = folder.exists()
        self._force = force

    def __enter__(self) -> RunWriter:
        """Make the folder.

        Raises:
            UsageError: it is a file, or holds something already and `force` was not given.
        """
        if self.folder.is_file():
            raise UsageError(f"{self.folder} is a file; a run needs a folder of its own")
        if self._existed and any(self.folder.iterdir()):
            self._check_room()
        with machine_errors(f"Making {self.folder}"):
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir(parents=True)
        return self

    def _check_room(self) -> None:
        is_run = (self.folder / MANIFEST).exists() or self._work.exists()
        if not is_run:
            raise UsageError(f"{self.folder} holds other files. Next: name a folder that is new or empty")
        if not self._force:
            raise UsageError(f"{self.folder} holds a run already. Next: another folder, or --force to replace it")

    def _clear_old(self) -> None:
        """Remove the run that this one replaces, its manifest first, so that at no moment a manifest lies over other files."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.is_dir() and path != self._work:
                shutil.rmtree(path)
            elif path != self._work:
                path.unlink()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Leave nothing half-written behind."""
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._work, ignore_errors=True)
        if kind is not None and not self._existed and not (self.folder / MANIFEST).exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Return where the unfinished file `name` is to be written, for writers that need a path."""
        return self._work / name

    def open(self, name: str) -> BinaryIO:
        """Return the unfinished file `name`, opened for writing; the same file each time."""
        if name not in self._files:
            self._files[name] = (self._work / name).open("wb")
        return self._files[name]

    def write(self, name: str, content: bytes) -> None:
        """Append `content` to the unfinished file `name`.

        Raises:
            MachineError: the disk is full or fails.
        """
        with machine_errors(f"Writing {self.folder / name}"):
            self.open(name).write(content)

    def written(self, name: str) -> Path:
        """Return the path of the unfinished file `name` with everything written so far in it, for reading."""
        with machine_errors(f"Writing {self.folder / name}"):
            self.open(name).flush()
        return self.path(name)

    def names(self) -> list[str]:
        """Return the names of the files written so far, in order."""
        return sorted(path.name for path in self._work.iterdir())

    def finish(self, manifest: dict[str, Any]) -> None:
        """Move every file to its place and write the manifest, `manifest` plus the size and SHA-256 of each file.

        Raises:
            MachineError: the disk is full or fails.
        """
        with machine_errors(f"Writing {self.folder}"):
            for file in self._files.values():
                if not file.closed:
                    _settle(file)
                    file.close()
            names = self.names()
            files = {name: _describe(self._work / name) for name in names}
            self._clear_old()
            for name in names:
                (self._work / name).replace(self.folder / name)
            self._work.rmdir()
        write_atomic(self.folder / MANIFEST, dump_json({"format_version": FORMAT_VERSION, **manifest, "files": files}))


def _describe(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": hash_file(path)}


def read_json(path: Path) -> Any:
    """Return the JSON value in `path`.

    Raises:
        RunFolderError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise RunFolderError(f"There is no {path.name} in {path.parent}: not a finished run") from error
    except ValueError as error:
        raise RunFolderError(f"{path} is not JSON: it was altered or cut short") from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a finished run.

    Raises:
        RunFolderError: the folder is missing, half-written, altered, or of another version.
    """
    if not folder.is_dir():
        raise RunFolderError(f"There is no run folder {folder}")
    if (folder / UNFINISHED).exists():
        raise RunFolderError(
            f"{folder} is half-written: a run began and did not finish. Next: run it again with --force"
        )
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format_version") != FORMAT_VERSION:
        raise RunFolderError(
            f"{folder} was written by another version of unmoor (format {FORMAT_VERSION} is known here)"
        )
    return manifest


def read_lines_of(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file of a run, such as the ledger; a file that is not there has none.

    Raises:
        RunFolderError: a line is not JSON.
    """
    path = folder / name
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise RunFolderError(f"{path}:{number} is not JSON: it was altered or cut short") from error


def verify(folder: Path) -> list[str]:
    """Check every file of a run against its manifest and the sum of its counts; return what is wrong, in plain sentences.

    Raises:
        RunFolderError: there is no readable manifest to check against.
    """
    manifest = read_manifest(folder)
    wrong = [_check_file(folder / name, expected) for name, expected in manifest["files"].items()]
    known = {*manifest["files"], MANIFEST}
    wrong += [f"{path.name} is not in the manifest" for path in sorted(folder.iterdir()) if path.name not in known]
    counts = manifest.get("counts")
    if counts is not None:
        total = sum(count for name, count in counts.items() if name != "input")
        if total != counts["input"]:
            wrong.append(f"the counts add up to {total} rows, the input had {counts['input']}")
    return [line for line in wrong if line]


def _check_file(path: Path, expected: dict[str, Any]) -> str:
    if not path.exists():
        return f"{path.name} is missing"
    if path.stat().st_size != expected["size_bytes"]:
        return f"{path.name} has {path.stat().st_size} bytes, the manifest says {expected['size_bytes']}"
    return "" if hash_file(path) == expected["sha256"] else f"{path.name} was altered: its SHA-256 differs"
