"""From the user's settings to the folder where what is costly to make is kept between runs, and from bytes to its files and back.

A file there begins with the SHA-256 of the rest: one that a failing disk or an editor changed is made again, and never believed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from unmoor.errors import MachineError

__all__ = ["cache_folder", "keep_in_cache", "kept_in_cache"]

_DIGEST_BYTES = hashlib.sha256().digest_size
_NEXT = "Next: set XDG_CACHE_HOME to a folder of your own"


def cache_folder() -> Path:
    """Return where compiled phrases and templates are kept between runs; `XDG_CACHE_HOME` moves it.

    Raises:
        MachineError: the user has no home, and no folder of their own among the temporary files.
    """
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "unmoor"
    try:
        return Path.home() / ".cache" / "unmoor"
    except RuntimeError:
        return _without_home() / "unmoor"


def _without_home() -> Path:
    """Return a folder among the temporary files that only this user can write in: in a container there may be no home."""
    folder = Path(tempfile.gettempdir()) / f"unmoor-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        seen = folder.lstat()
    except OSError as error:
        raise MachineError(f"There is no home folder, and {folder}: {error.strerror}. {_NEXT}") from error
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise MachineError(f"There is no home folder, and {folder} is open to other users. {_NEXT}")
    return folder


def keep_in_cache(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; where the folder cannot be written, the next start makes it again."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(data).digest())
            file.write(data)
        Path(file.name).replace(path)
    except OSError:
        return


def kept_in_cache(path: Path) -> bytes | None:
    """Return what `keep_in_cache` wrote, or None where there is no such file, it was changed, or another user wrote it.

    Databases and compiled templates run as code does, so in a folder that several can write in nobody else's are taken; but root's.
    """
    try:
        with path.open("rb") as file:
            if hasattr(os, "geteuid") and os.fstat(file.fileno()).st_uid not in (os.geteuid(), 0):
                return None
            stored = file.read()
    except OSError:
        return None
    digest, data = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None
