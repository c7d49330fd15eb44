"""From an error met while data was read to whether the machine is at fault: such data is not damaged, and can be read again."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from unmoor.errors import MachineError
from unmoor.storage import AnyPath

__all__ = ["is_of_machine", "still_there", "why"]

_NUMBERS = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        *(errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT),
        *(errno.ENOMEM, errno.EMFILE, errno.ENFILE),
    )
)
"""A full disk, or a limit on the size of a file; a disk that fails or is gone; no memory or no more open files."""


def is_of_machine(error: BaseException | None) -> bool:
    """Return whether memory ran out, or a disk is full, fails or is gone: in `error` or in what it was raised from."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _NUMBERS):
            return True
        error = error.__cause__ or error.__context__
    return False


def why(error: BaseException) -> str:
    """Return what went wrong in a few words."""
    if isinstance(error, MemoryError):
        return "the machine ran out of memory"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


@contextmanager
def still_there(path: AnyPath | None = None) -> Iterator[None]:
    """Turn what is raised over a file that was found, and now is gone or cannot be read, into a MachineError: a network drive does
    that, and what was done is kept. Without a `path` the error names the file.
    """
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"{path or error.filename or 'A file'} cannot be read: {why(error)}. "
            "Next: see that it is there, then the same command again"
        ) from error
