"""From an object's address to its bytes: in one stream from the start, or any range of it.

A range is one request, which fsspec's libraries repeat on errors that pass. How the object was when it was found is held on to: one
that is written again in the meantime is an error that names it, not rows of two versions.
"""

from __future__ import annotations

import io
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from unmoor.errors import BadDataError, MachineError
from unmoor.storage.address import Address, AnyPath
from unmoor.storage.troubles import storage_errors

__all__ = ["Ranges", "Stream", "for_random_access"]

_FIRST_BYTES, _MOST_BYTES, _TIMES = 2**17, 2**23, 4
"""A stream asks for little first, since most files are only looked at, and then for four times as much each time."""


def for_random_access(path: AnyPath) -> Path | Ranges:
    """Return what pyarrow opens: a path itself, or the ranges of an object."""
    return path if isinstance(path, Path) else Ranges(path)


class Ranges(io.RawIOBase):
    """Any bytes of an object; each read is one request."""

    def __init__(self, address: Address) -> None:
        super().__init__()
        self._address = address
        self._seen = address.stat()
        self._system, self._path = address.storage()
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as in any file."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._seen.st_size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read up to as many bytes as `buffer` holds; 0 at the end."""
        data = self._fetch(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _fetch(self, start: int, size: int) -> bytes:
        """Return the bytes from `start` on, `size` of them or up to the end.

        Raises:
            BadDataError: the object is gone or was written again.
            MachineError: the storage does not answer.
        """
        end = min(start + size, self._seen.st_size)
        if start >= end:
            return b""
        try:
            with storage_errors(f"Reading {self._address}"):
                data = bytes(self._system.cat_file(self._path, start=start, end=end))
        except (FileNotFoundError, MachineError):
            self._hold_unchanged()
            raise
        if len(data) != end - start:
            self._hold_unchanged()
            raise MachineError(
                f"{self._address}: asked for {end - start:,} bytes, {len(data):,} came. Next: run it again"
            )
        return data

    def _hold_unchanged(self) -> None:
        try:
            is_same = self._address.now() == self._seen
        except FileNotFoundError:
            is_same = False
        except MachineError:
            return
        if not is_same:
            raise BadDataError(
                f"{self._address} changed while it was read. Nothing was written. Next: run again when it rests"
            )


class Stream(Ranges):
    """An object from its start on, in growing blocks; the next is fetched while one is read."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._start, self._block = 0, b""
        self._block_bytes = _FIRST_BYTES
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._thread: ThreadPoolExecutor | None = None

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read up to as many bytes as `buffer` holds; 0 at the end."""
        if not self._start <= self._at < self._start + len(self._block):
            self._next_block()
        begin = self._at - self._start
        part = memoryview(self._block)[begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _next_block(self) -> None:
        goes_on = bool(self._block) and self._at == self._start + len(self._block)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == self._at:
            block = ahead[1].result()
        else:
            self._block_bytes = min(self._block_bytes * _TIMES, _MOST_BYTES) if goes_on else _FIRST_BYTES
            block = self._fetch(self._at, self._block_bytes)
        self._start, self._block = self._at, block
        if goes_on and block:
            self._fetch_ahead(self._at + len(block))

    def _fetch_ahead(self, start: int) -> None:
        self._block_bytes = min(self._block_bytes * _TIMES, _MOST_BYTES)
        self._thread = self._thread or ThreadPoolExecutor(1, "unmoor-read")
        self._ahead = start, self._thread.submit(self._fetch, start, self._block_bytes)

    def close(self) -> None:
        """Let go of the thread; what it fetches is not waited for."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None
        super().close()
