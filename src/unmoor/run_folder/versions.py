"""From names of packages to the versions that are installed: what else a number hangs on than data and settings."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["versions_of"]


def versions_of(*packages: str) -> dict[str, str]:
    """Return the versions of those of the packages that are installed here."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
