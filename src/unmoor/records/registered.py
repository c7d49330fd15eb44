"""From a name to what another installed package registers under it, by an entry point: a detector, a layout or a trainer.

Nothing is loaded unless it is asked for by its name, so that a package that is merely installed changes no run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, TextIO

from unmoor.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["Registered", "load_registered", "others_code", "package_of", "registered_names"]


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

    def wrong(why: str) -> UsageError:
        told = f'{packages[0]} registers "{name}" as {points[0].value}, and loading that failed: {why}'
        return UsageError(f"{told}. Next: mend that package, or leave {name} out")

    with others_code(wrong):
        return Registered(points[0].load(), packages[0])


@contextmanager
def others_code(wrong: Callable[[str], UsageError], passed_on: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Run another package's code: what it prints goes to standard error, for standard output is a command's own.

    Raises:
        UsageError: what `wrong` makes of the name and words of anything that the code raises, its own end of the program and a
            panic of a compiled library among them; only those `passed_on` and an interruption leave as they are.
    """
    try:
        with _ASIDE:
            yield
    except KeyboardInterrupt:
        raise
    except passed_on:
        raise
    except BaseException as error:
        raise wrong(f"{type(error).__name__}: {error}") from error


class _Aside:
    """Has standard output go to standard error while any thread is inside."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before: TextIO | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before, sys.stdout = sys.stdout, sys.stderr
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._before is not None:
                sys.stdout = self._before


_ASIDE = _Aside()


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "a package without a name"
