"""From what SQLite says of a disk or a file that fails to an error of ours."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmoor.errors import RunFolderError
from unmoor.run_folder import machine_errors

__all__ = ["database_errors"]

_OF_DISK = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}
_OF_GROWING = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE)
_BROKEN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_FULL_BYTES = 2**17
"""Free space below which an error of reading or writing is a full disk: SQLite asks for 32 KiB of shared memory and more."""


@contextmanager
def database_errors(what: str, path: Path) -> Iterator[None]:
    """Turn a disk that fails under the database at `path` into an error that says what was being done.

    Raises:
        MachineError: the disk is full or fails, or the file may not be written.
        RunFolderError: the file is no database any more.
    """
    with machine_errors(what):
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _BROKEN:
                raise RunFolderError(
                    f"{path} was altered or cut short: SQLite cannot read it. Next: put it back as it was, or move it away"
                ) from error
            if code not in _OF_DISK:
                raise
            number = _OF_DISK[code]
            if code == sqlite3.SQLITE_IOERR and shutil.disk_usage(path.parent).free < _FULL_BYTES:
                number = errno.ENOSPC
            elif error.sqlite_errorcode in _OF_GROWING and _is_size_limited():
                number = errno.EFBIG
            raise OSError(number, os.strerror(number), str(path)) from error


def _is_size_limited() -> bool:
    """Return whether files may grow to some size only: SQLite does not say why it could not write."""
    if sys.platform == "win32":
        return False
    import resource

    return resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
