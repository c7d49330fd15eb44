"""From files of this machine to objects: each is whole or absent, since storage shows an object when its upload has ended."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unmoor.errors import MachineError
from unmoor.storage.address import Address, Seen
from unmoor.storage.troubles import storage_errors

__all__ = ["delete", "put"]


def put(file: Path, address: Address) -> Seen:
    """Upload a file and return the object as the storage then has it.

    Raises:
        MachineError: the storage does not answer, denies access, or holds another number of bytes than were sent.
    """
    system, path = address.storage()
    with storage_errors(f"Writing {address}"):
        try:
            system.put_file(str(file), path)
        except FileNotFoundError as error:
            raise MachineError(
                f"Writing {address}: there is no bucket {address.parts[0]}. Next: make it, then the same command again"
            ) from error
    seen = address.now()
    if seen.st_size != file.stat().st_size:
        raise MachineError(
            f"{address} has {seen.st_size:,} bytes, {file.stat().st_size:,} were sent. Next: run it again"
        )
    return seen


def delete(addresses: Iterable[Address]) -> None:
    """Delete objects; one that is not there is no error.

    Raises:
        MachineError: the storage does not answer, or denies it.
    """
    for address in addresses:
        system, path = address.storage()
        with storage_errors(f"Deleting {address}"):
            try:
                system.rm_file(path)
            except FileNotFoundError:
                continue
