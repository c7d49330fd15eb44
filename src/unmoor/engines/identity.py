"""From the files of a data set to what a plan says of them, and to whether they are still what it says."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from unmoor.errors import BadDataError, MachineError, UsageError
from unmoor.layouts import DataSet, Source, hold_times, schemas_held_alike, still_there
from unmoor.run_folder import hash_file, machine_errors
from unmoor.storage import Address, AnyPath

__all__ = ["described", "hold_unchanged", "schemas_of", "times_of"]

_OF_A_FILE = ("name", "compression", "has_bom", "size_bytes", "sha256", "version")


@still_there()
def described(data: DataSet, index: int, source: Source) -> dict[str, Any]:
    """Return what a plan says of a file: its size, and its SHA-256 where all of it is read; of an object its version too.

    Of a file of which a shard reads a part, when it was last written stands for the hash: that takes reading all of it. Of a copy
    the run says what was read for it, which may have been compressed.

    Raises:
        UsageError: its name is no UTF-8, which a manifest is.
        MachineError: it is gone, or cannot be read.
    """
    hold_utf8(data.name, source.path)
    hold_utf8(data.file_name(index), source.path)
    if data.copied_from:
        told = data.copied_from[index]
        return {name: told[name] for name in _OF_A_FILE if name in told}
    is_object = isinstance(source.path, Address)
    is_cut = source.end is not None or source.row_groups is not None
    return {
        "name": data.file_name(index),
        "compression": source.compression,
        "has_bom": source.has_bom,
        "size_bytes": source.path.stat().st_size,
        "sha256": None if is_cut else _hash(source.path),
        **({"version": source.path.stat().version} if isinstance(source.path, Address) else {}),
        **({"written_ns": times_of([source])[0]} if is_cut and not is_object else {}),
        **({"start": source.start, "end": source.end, "row_groups": source.row_groups} if is_cut else {}),
    }


def hold_utf8(name: str, path: AnyPath) -> None:
    """Raise UsageError for a name of other bytes than UTF-8: a manifest could not say it."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        escaped = "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
            for byte in os.fsencode(str(path))
        )
        escaped = f"./{escaped}" if escaped.startswith("-") else escaped
        raise UsageError(
            f"The name {escaped} is not UTF-8, and a run writes down the names of what it reads. "
            f"Next: rename it, in bash: mv $'{escaped}' NAME"
        ) from error


def schemas_of(data: DataSet, *, is_shard: bool) -> dict[int, dict[str, str]]:
    """Return by its number what a plan says of a table's schema, so that it comes back with the file: nothing where all are alike.

    A shard cannot know what the others' are.

    Raises:
        UsageError: the tables have other columns, so that no run can hold them.
        BadDataError: a table has times that cannot be read as they are.
    """
    if data.format != "parquet":
        return {}
    hold_times(data.files)
    told = [None if schema is None else schema.serialize().to_pybytes() for schema in schemas_held_alike(data.files)]
    are_alike = len({schema for schema in told if schema is not None}) < 2
    return {
        index: {"schema": b64encode(schema).decode()}
        for index, schema in enumerate(told)
        if schema is not None and (is_shard or not are_alike)
    }


def _hash(path: AnyPath) -> str:
    if isinstance(path, Address):
        return _hash_of_object(path, path.stat().version)
    with machine_errors(f"Reading {path}"):
        return hash_file(path)


@lru_cache(maxsize=4096)
def _hash_of_object(address: Address, version: str) -> str:  # noqa: ARG001  the version is what makes the answer hold
    """Return the SHA-256 of an object, read once for each of its versions: over a network that takes time."""
    return hash_file(address)


def times_of(files: Sequence[Source]) -> list[int]:
    """Return when each file was last written, in nanoseconds, as it was looked at first: by what it then was it is read. 0 for an
    object, whose version says more.
    """
    return [source.written_ns or 0 for source in files]


def hold_unchanged(data: DataSet, planned_inputs: list[dict[str, Any]], written: list[int]) -> None:
    """Hold that every file is as it was when the run was planned: the run would describe neither.

    Of a file here the size is compared, and when it was last `written`; of an object its version. Copies of our own do not change.

    Raises:
        BadDataError: one was written again.
        MachineError: one is gone; a network drive does that for a moment, and what was done is kept.
    """
    for source, planned, time in zip(data.files, planned_inputs, written, strict=True) if not data.copied_from else ():
        try:
            is_as_planned = _is_as_planned(source.path, planned, time)
        except FileNotFoundError as error:
            raise MachineError(
                f"{source.path} is gone since it was read. Next: see that it is there, then the same command again"
            ) from error
        if not is_as_planned:
            raise BadDataError(
                f"{source.path} changed while it was read. Nothing was written. Next: run again when it rests"
            )


def _is_as_planned(path: AnyPath, planned: dict[str, Any], written: int) -> bool:
    if isinstance(path, Address):
        seen = path.now()
        return (seen.st_size, seen.version) == (planned["size_bytes"], planned["version"])
    now = path.stat()
    return (now.st_size, now.st_mtime_ns) == (planned["size_bytes"], written)
