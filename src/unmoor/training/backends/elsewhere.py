"""From a name to a trainer that another package registers, as an entry point of group `unmoor.trainers`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from functools import wraps
from typing import Any

from unmoor.errors import UnmoorError, UsageError
from unmoor.records.registered import Registered, load_registered, others_code, registered_names
from unmoor.run_folder import machine_errors
from unmoor.training.backends.backend import Backend
from unmoor.training.backends.returned import BreachError, held_to, names_in
from unmoor.training.prepare import Prepared
from unmoor.training.twin import Twin

__all__ = ["backend_elsewhere", "names_elsewhere"]

_GROUP = "unmoor.trainers"
_DOES = ("load_tokenizer", "rule", "count_steps", "settings", "train", "command", "read_recipe")


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
    held: dict[str, Any] = {does: _held(does, getattr(backend, does), name, registered) for does in _DOES}
    try:
        inputs, versions = names_in("inputs", backend.inputs), names_in("packages", backend.packages)
    except BreachError as error:
        raise _wrong(name, registered, str(error)) from error
    packages = tuple(dict.fromkeys((registered.package.rpartition(" ")[0], *versions)))
    return replace(backend, **held, packages=packages, inputs=inputs, registered_by=registered.package)


def _wrong(name: str, registered: Registered, why: str) -> UsageError:
    return UsageError(
        f'The trainer "{name}" of {registered.package} failed: {why}. '
        "Next: mend that package; for a recipe that cannot be trained it raises RecipeError"
    )


def _held(does: str, function: Callable[..., Any], name: str, registered: Registered) -> Callable[..., Any]:
    """Return a function of a trainer whose failures are told as that package's, and which returns what it should.

    It is given rows that are cut as its Rule says, and where it goes to another folder the command stays in its own.
    """

    def wrong(why: str) -> UsageError:
        return _wrong(name, registered, why)

    @wraps(function)
    def held(*given: Any) -> Any:
        given = tuple(map(_cut, given))
        with machine_errors(f'The trainer "{name}"'):
            with others_code(wrong, (UnmoorError,)), chdir(os.curdir), machine_errors(f'The trainer "{name}"'):
                made = function(*given)
            try:
                return held_to(does, made, given)
            except (BreachError, RecursionError) as error:
                raise wrong(str(error)) from error

    return held


def _cut(given: Any) -> Any:
    """Return a twin, or prepared rows, with what its trainer takes of each row; anything else as it is."""
    if isinstance(given, Twin):
        return replace(given, prepared=given.prepared.as_cut())
    return given.as_cut() if isinstance(given, Prepared) else given
