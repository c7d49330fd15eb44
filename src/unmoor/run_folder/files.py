"""From bytes in memory to bytes on disk: whole or absent, hashed, and a failing disk said in words."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.records.cache import cache_folder
from unmoor.storage import Address, AnyPath

__all__ = [
    "CHECKPOINT",
    "DONE",
    "FORMAT_VERSION",
    "MANIFEST",
    "OF_A_RUN",
    "OF_SYSTEMS",
    "PLAN",
    "REVIEW",
    "UPLOADED",
    "clear",
    "dump_json",
    "fail_point",
    "hash_file",
    "hidden_beside",
    "holding",
    "lock_folder",
    "machine_errors",
    "make_folder",
    "making",
    "scratch_beside",
    "self_hash",
    "settle",
    "settle_folder",
    "unfinished_folder",
    "write_atomic",
]

MANIFEST = "MANIFEST.json"
PLAN = "run.json"
CHECKPOINT = "checkpoint.json"
DONE, UPLOADED = "done.json", "uploaded.json"
"""Of a run that is complete here and uploaded: what it counted, and what the storage has of it by now."""
REVIEW = "review"
"""What people said about a run: no part of what the filter wrote, so not in the manifest; it moves on to a run that replaces it."""
OF_A_RUN = frozenset(
    (
        *(f"{rows}.{ending}" for rows in ("kept", "removed") for ending in ("jsonl", "json", "parquet")),
        *("before.parquet", "ledger.jsonl", "review.jsonl", "quarantine.jsonl", "quarantine.raw", "quarantine.parquet"),
        *("policy.toml", "README.md", "report.html", "report.json", PLAN, "shard.json"),
    )
)
"""What a run may write beside its manifest: by these names it is told what a run left that has none."""
OF_SYSTEMS = frozenset((".DS_Store", "Thumbs.db", "desktop.ini", ".directory"))
"""What file managers put into any folder that somebody looks at: nobody's files, and no sign that a run was altered."""
FORMAT_VERSION = 1
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_BROKEN_DISK = {errno.EIO, errno.ENODEV, errno.ESTALE}
_IN_USE = {errno.EBUSY, errno.EXDEV}
_NO_RIGHTS = {errno.EROFS, errno.EACCES, errno.EPERM}
_NOTHING_WRITTEN = "Nothing was written at its final place."
_LONGEST_NAME_BYTES = 255
"""Of one name on the file systems of Linux, macOS and Windows."""
_AGAIN = "then the same command again"


def unfinished_folder(folder: AnyPath) -> Path:
    """Return where the files of the run `folder` lie until it is complete; of one on other storage, on this machine.

    UNMOOR_SCRATCH names the folder for those, which must have room for a run; by default it is in the user's cache.
    """
    if isinstance(folder, Address):
        scratch = Path(os.environ.get("UNMOOR_SCRATCH") or cache_folder() / "scratch")
        return scratch / f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    return hidden_beside(folder.resolve(), ".unfinished")


def hidden_beside(path: Path, ending: str) -> Path:
    """Return where what is to be at `path` lies while it is made; of a name that would become too long, its hash."""
    name = f".{path.name}{ending}"
    if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}{ending}"
    return path.with_name(name)


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold a folder alone while the block lasts; wait while another holds it.

    Raises:
        FileNotFoundError: it is not there, as while another takes its place.
    """
    number = _held(folder)
    try:
        yield
    finally:
        if number is not None:
            os.close(number)


def _held(folder: Path) -> int | None:
    """Return the number under which the folder that has the name now is open and locked; None where the system locks no folders."""
    try:
        import fcntl
    except ImportError:
        return None
    while True:
        number = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            is_named_so = os.path.samestat(os.fstat(number), folder.stat())
        except FileNotFoundError:
            os.close(number)
            raise
        except OSError:  # NFS has no such locks for folders
            os.close(number)
            return None
        if is_named_so:
            return number
        os.close(number)  # another took its place while this one waited


@contextmanager
def scratch_beside(path: Path, ending: str) -> Iterator[Path]:
    """Yield an empty folder beside `path`, gone when the block ends; what a killed process left of it is cleared away.

    Raises:
        RunFolderError: another process is using it.
        UsageError: a file of that name lies there.
        MachineError: it cannot be made.
    """
    folder = hidden_beside(path, ending)
    with machine_errors(f"Making {folder}"), making(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = lock_folder(folder, path)
    try:
        for left in folder.iterdir():
            clear(left)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def lock_folder(folder: Path, run: AnyPath) -> int:
    """Hold a folder of files of `run` while this process lives, or until the number returned is closed.

    Raises:
        RunFolderError: another process holds it.
    """
    number = os.open(folder, os.O_RDONLY)
    try:
        import fcntl

        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return number
    except OSError as error:
        os.close(number)
        raise RunFolderError(f"Another process is writing {run}. Next: wait for it, or name another folder") from error
    return number


def clear(path: Path) -> None:
    """Remove a file or a folder; what is not there is no error."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def making(path: Path) -> Iterator[None]:
    """Turn a place where no folder can be made, such as one in /proc, into an error that names it.

    Raises:
        MachineError: the system says that there is no such folder just after it was found or made.
        UsageError: what lies at `path` is no folder.
    """
    try:
        yield
    except FileExistsError as error:
        raise UsageError(
            f"{path} is in the way: unmoor works in a folder of that name meanwhile. Next: move it to another place"
        ) from error
    except FileNotFoundError as error:
        raise _nothing_made(path) from error


def make_folder(path: Path) -> None:
    """Make a folder for results, and those above it; one that is there is as good.

    Raises:
        MachineError: it cannot be made, on a full disk or where the system lets nothing be made, such as in /proc.
    """
    try:
        with machine_errors(f"Writing {path}"):
            path.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise _nothing_made(path) from error


def _nothing_made(path: Path) -> MachineError:
    where = path.resolve().parent
    return MachineError(f"Making {path}: the system lets nothing be made in {where}. Next: name another place")


def fail_point(name: str) -> None:
    """Die on the spot if UNMOOR_FAIL_AT names this point: how the crash tests reach moments that chance would miss."""
    if os.environ.get("UNMOOR_FAIL_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)


def dump_json(value: Any) -> bytes:
    """Return `value` as readable JSON: two spaces, UTF-8, keys in the order given, a newline at the end."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"


def hash_file(path: AnyPath) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()


@contextmanager
def machine_errors(what: str) -> Iterator[None]:
    """Turn a failing disk, a lack of rights or of memory into a MachineError that says what was being done."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL_DISK:
            raise MachineError(
                f"{what}: no space left on the disk. {_NOTHING_WRITTEN} Next: make room, {_AGAIN}"
            ) from error
        if error.errno == errno.EFBIG:
            next_step = f"Next: raise the limit, which `ulimit -f` shows, {_AGAIN}"
            raise MachineError(
                f"{what}: the file would be larger than the system allows. {_NOTHING_WRITTEN} {next_step}"
            ) from error
        if error.errno in _BROKEN_DISK:
            next_step = f"Next: see to the disk, {_AGAIN}"
            raise MachineError(
                f"{what}: {error.strerror} ({error.filename}). {_NOTHING_WRITTEN} {next_step}"
            ) from error
        if error.errno in _IN_USE:
            next_step = "Next: name another place, in which nothing is mounted"
            raise MachineError(
                f"{what}: {error.strerror} ({error.filename}). {_NOTHING_WRITTEN} {next_step}"
            ) from error
        if error.errno in _NO_RIGHTS:
            next_step = "Next: a folder that you may write in, or the right to write in this one"
            raise MachineError(
                f"{what}: {error.strerror} ({error.filename}). {_NOTHING_WRITTEN} {next_step}"
            ) from error
        raise
    except MemoryError as error:
        raise MachineError(f"{what}: out of memory. {_NOTHING_WRITTEN} Next: free some, {_AGAIN}") from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path` whole or not at all: a neighbour file, fsync, rename.

    Raises:
        MachineError: the disk is full or fails.
    """
    beside = hidden_beside(path, f".{os.getpid()}")
    with machine_errors(f"Writing {path}"):
        try:
            with beside.open("wb") as file:
                file.write(content)
                settle(file)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def settle_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def self_hash(content: Mapping[str, Any]) -> str:
    """Return the hash of a manifest without the field that holds it."""
    return hashlib.sha256(dump_json({k: v for k, v in content.items() if k != "manifest_sha256"})).hexdigest()
