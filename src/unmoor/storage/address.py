"""From `s3://bucket/key` and the like to an object that answers as a path does: open, list, size, join.

The objects lie with fsspec's libraries (s3fs, gcsfs, adlfs, huggingface_hub, ...). Their caches of listings are off: a listing that
is not fresh says that a shard that another machine has just written is not there. Credentials come from the environment or the
library's own files, never from an address: addresses stand in plans, reports and messages.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import total_ordering
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, TypeAlias, cast

from unmoor.errors import UsageError
from unmoor.storage.libraries import file_system
from unmoor.storage.troubles import storage_errors

__all__ = ["Address", "AnyPath", "Seen"]

_VERSIONS = ("ETag", "etag", "generation", "md5Hash", "blob_id")
"""What a listing and a look at one object both give and an overwrite changes, by the names that the libraries use."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An object as it was at one moment: its size, named as `os.stat` names it, and what changes when it is written again."""

    st_size: int
    version: str


@total_ordering
@dataclass(frozen=True, slots=True)
class Address:
    """An object, or what lies below a prefix, on storage that is no folder of this machine. Shaped after `pathlib.Path`.

    `seen` is how the object was when it was found: its size is not asked for again, and another version of it is not read.
    """

    text: str
    seen: Seen | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    def __lt__(self, other: Address) -> bool:
        """Sort as paths do, by their parts, so that a data set has one order wherever it lies."""
        return self.parts < other.parts

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.text.partition("://")[2])

    @property
    def scheme(self) -> str:
        """The part before `://`."""
        return self.text.partition("://")[0]

    @property
    def parts(self) -> tuple[str, ...]:
        """Bucket and the parts of the key."""
        return self._pure.parts

    @property
    def name(self) -> str:
        """The last part."""
        return self._pure.name

    @property
    def suffix(self) -> str:
        """The ending of the name, with its dot."""
        return self._pure.suffix

    @property
    def parent(self) -> Address:
        """The prefix above."""
        return Address(f"{self.scheme}://{self._pure.parent}")

    def __truediv__(self, part: str | PurePosixPath) -> Address:
        return Address(f"{self.text}/{part}")

    def with_name(self, name: str) -> Address:
        """Return the address beside this one."""
        return self.parent / name

    def relative_to(self, other: Address) -> PurePosixPath:
        """Return the parts below `other`."""
        return self._pure.relative_to(other._pure)

    def resolve(self) -> Address:
        """Return this: an address is the same on every machine."""
        return self

    def storage(self) -> tuple[Any, str]:
        """Return fsspec's file system and the name it has for this address.

        Raises:
            MissingExtraError, MachineError: the library is not installed, or cannot be set up.
        """
        return file_system(self.text)

    def stat(self) -> Seen:
        """Return how the object was when it was found, or is now.

        Raises:
            FileNotFoundError: there is none.
            MachineError: the storage does not answer, or denies access.
        """
        return self.seen or self.now()

    def now(self) -> Seen:
        """Return how the object is at this moment."""
        told = self._told()
        if told["type"] == "directory":
            raise FileNotFoundError(errno.ENOENT, "there is no such object", str(self))
        return _seen(told, self.storage()[0])

    def _told(self) -> dict[str, Any]:
        system, path = self.storage()
        with storage_errors(f"Reading {self}"):
            return cast(dict[str, Any], system.info(path))

    def exists(self) -> bool:
        """Return whether there is such an object or prefix."""
        try:
            self._told()
        except FileNotFoundError:
            return False
        return True

    def is_file(self) -> bool:
        """Return whether there is such an object."""
        try:
            self.now()
        except FileNotFoundError:
            return False
        return True

    def is_dir(self) -> bool:
        """Return whether anything lies below."""
        system, path = self.storage()
        with storage_errors(f"Reading {self}"):
            return bool(system.isdir(path))

    def mkdir(self, *, parents: bool = True, exist_ok: bool = True) -> None:
        """Do nothing: a prefix is there as soon as an object below it is."""

    def found(self, pattern: str = "") -> list[Address]:
        """Return the objects below that `pattern` matches, or all, each as it is now, in the order of their parts."""
        system, path = self.storage()
        with storage_errors(f"Listing {self}"):
            try:
                told = system.glob(f"{path}/{pattern}", detail=True) if pattern else system.find(path, detail=True)
            except FileNotFoundError:  # what some libraries say of a bucket that is not there
                return []
        files = {name: info for name, info in told.items() if info["type"] == "file" and not name.endswith("/")}
        below = path.rstrip("/") + "/"
        return sorted(
            replace(self / name.removeprefix(below), seen=_seen(info, system))
            for name, info in files.items()
            if name.startswith(below)
        )

    def iterdir(self) -> Iterator[Address]:
        """Yield what lies directly below: objects, and prefixes once each."""
        names = dict.fromkeys(address.relative_to(self).parts[0] for address in self.found())
        return (self / name for name in names)

    def open(self, _mode: str = "rb") -> BinaryIO:
        """Return the object for reading from its start on, as it was when it was found.

        Raises:
            FileNotFoundError: there is none.
        """
        from unmoor.storage.streams import Stream

        return cast(BinaryIO, io.BufferedReader(Stream(replace(self, seen=self.stat())), 2**18))

    def read_bytes(self) -> bytes:
        """Return the whole object."""
        with self.open() as file:
            return file.read()


AnyPath: TypeAlias = Path | Address
"""Where something is read from; both answer to the same names."""


def _seen(told: dict[str, Any], system: Any) -> Seen:
    """Return size and version from what fsspec tells of an object; what has no version of its own has its time."""
    if told.get("size") is None:
        raise UsageError(f"{told['name']}: the storage does not say how many bytes it holds. Next: copy it here first")
    version = next((str(told[key]) for key in _VERSIONS if told.get(key)), "")
    times = [
        str(told[key]) for key in ("LastModified", "last_modified", "mtime", "created", "updated") if told.get(key)
    ]
    return Seen(int(told["size"]), version.strip('"') or ",".join(times) or system.protocol[0])
