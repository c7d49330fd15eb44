"""From a name to a trainer that another package registers, as an entry point of group `unmoor.trainers`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from unmoor.errors import UnmoorError, UsageError
from unmoor.records.registered import Registered, load_registered, others_code, registered_names
from unmoor.run_folder import machine_errors
from unmoor.training.backends.backend import Backend

__all__ = ["backend_elsewhere", "names_elsewhere"]

_GROUP = "unmoor.trainers"
_DOES = ("load_tokenizer", "rule", "count_steps", "settings", "train", "command", "read_recipe")
P = ParamSpec("P")
T = TypeVar("T")


def names_elsewhere() -> list[str]:
    """Return the names of trainers that installed packages register."""
    return registered_names(_GROUP)


def backend_elsewhere(name: str) -> Backend | None:
    """Return the trainer that a package registers as `name`; None if none does.

    Raises:
        UsageError: it cannot be loaded, or is no trainer.
    """
    registered = load_registered(_GROUP, name)
    if registered is None:
        return None
    backend = registered.value
    if not isinstance(backend, Backend):
        raise UsageError(
            f'{registered.package} should register a Backend under the name "{name}", found {type(backend).__name__}'
        )
    held: dict[str, Any] = {does: _held(getattr(backend, does), name, registered) for does in _DOES}
    packages = dict.fromkeys((registered.package.rpartition(" ")[0], *backend.packages))
    return replace(backend, **held, packages=tuple(packages), registered_by=registered.package)


def _held(does: Callable[P, T], name: str, registered: Registered) -> Callable[P, T]:
    def wrong(why: str) -> UsageError:
        return UsageError(
            f'The trainer "{name}" of {registered.package} failed: {why}. '
            "Next: mend that package; for a recipe that cannot be trained it raises RecipeError"
        )

    @wraps(does)
    def held(*args: P.args, **options: P.kwargs) -> T:
        with others_code(wrong, (UnmoorError,)), machine_errors(f'The trainer "{name}"'):
            return does(*args, **options)

    return held
