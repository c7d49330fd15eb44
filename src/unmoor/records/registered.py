"""From a name to what another installed package registers under it, by an entry point: a detector, a layout or a trainer.

Nothing is loaded unless it is asked for by its name, so that a package that is merely installed changes no run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unmoor.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Registered", "load_registered", "package_of", "registered_names"]


@dataclass(frozen=True, slots=True)
class Registered:
    """What a package registers, and the package's name and version."""

    value: Any
    package: str


def registered_names(group: str) -> list[str]:
    """Return the names that installed packages register in a group of entry points, in order."""
    from importlib.metadata import entry_points

    return sorted(entry_points(group=group).names)


def package_of(group: str, name: str) -> str:
    """Return the package, with its version, that registers `name` in a group; in words if none or several do. Loads nothing."""
    from importlib.metadata import entry_points

    return " and ".join(sorted(map(_package, entry_points(group=group, name=name)))) or "no package"


def load_registered(group: str, name: str) -> Registered | None:
    """Return what is registered in `group` under `name`; None if nothing is.

    Raises:
        UsageError: several packages register the name, or loading it fails.
    """
    from importlib.metadata import entry_points

    points = sorted(entry_points(group=group, name=name), key=_package)
    if not points:
        return None
    packages = [_package(point) for point in points]
    if len(points) > 1:
        raise UsageError(
            f'"{name}" is registered by several packages: {", ".join(packages)}. Next: uninstall all but one of them'
        )
    try:
        return Registered(points[0].load(), packages[0])
    except Exception as error:
        raise UsageError(
            f'{packages[0]} registers "{name}" as {points[0].value}, and loading that failed: '
            f"{type(error).__name__}: {error}. Next: mend that package, or leave {name} out"
        ) from error


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "a package without a name"
