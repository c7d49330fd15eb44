"""From an address to the file system of fsspec that serves it, or to what is to be installed for it."""

from __future__ import annotations

import logging
from typing import Any

from unmoor.errors import MissingExtraError, UsageError, nearest_name
from unmoor.storage.troubles import storage_errors

__all__ = ["file_system"]

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}
"""What to install for a scheme; for others fsspec names the library itself."""
_SETTINGS = {scheme: {"max_concurrency": 2} for scheme in ("s3", "s3a")}
"""s3fs holds ten parts of 50 MiB of an upload in memory, measured at 870 MB; with two at 280 MB."""
_LOGGERS = {"gs": "gcsfs", "gcs": "gcsfs"}
"""Logs every try as a traceback, and that a bucket may be read but not described. What remains of an error is said once, by us."""


def file_system(address: str) -> tuple[Any, str]:
    """Return fsspec's file system for an address and the name that it has there; listings are not cached.

    Raises:
        UsageError: fsspec knows no such storage.
        MissingExtraError, MachineError: the library is not installed, or cannot be set up.
    """
    scheme = address.partition("://")[0]
    _refuse_unknown(scheme)
    from fsspec.core import url_to_fs

    if scheme in _LOGGERS:
        logging.getLogger(_LOGGERS[scheme]).setLevel(logging.CRITICAL)
    with storage_errors(f"Opening {address}"):
        system, path = url_to_fs(address, use_listings_cache=False, **_SETTINGS.get(scheme, {}))
    return system, str(path)


def _refuse_unknown(scheme: str) -> None:
    """Raise where fsspec knows no such scheme, or its library is not installed."""
    try:
        from fsspec import available_protocols, get_filesystem_class
        from fsspec.registry import known_implementations
    except ImportError as error:
        raise MissingExtraError(f"Reading {scheme}://", "remote", _PACKAGES.get(scheme, "")) from error
    try:
        get_filesystem_class(scheme)
    except ImportError as error:
        module = str(known_implementations[scheme]["class"]).partition(".")[0]
        raise MissingExtraError(f"{scheme}://", "remote", _PACKAGES.get(scheme, module)) from error
    except ValueError as error:
        near = nearest_name(scheme, available_protocols())
        raise UsageError(f"{scheme}:// is no storage that fsspec knows.{near}") from error
