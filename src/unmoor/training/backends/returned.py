"""From what a trainer of another package returns to the same in Python's own values, held to what every trainer promises.

`held_to(does, made, given)` takes the name of one of Backend's functions, what it returned and what it was given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from unmoor.errors import RecipeError
from unmoor.training.recipe import Recipe
from unmoor.training.rule import Rule
from unmoor.training.twin import Twin, TwinResult

__all__ = ["BreachError", "held_to", "names_in"]

_COUNTS = ("rows", "rows_trained", "rows_truncated", "tokens_trained", "steps")
_AMOUNTS = ("passes", "seconds")
_OF_A_TOKENIZER = ("apply_chat_template", "get_vocab", "special_tokens_map", "decode")
"""What is asked of a tokenizer before and beside the training."""


class BreachError(Exception):
    """What is wrong with a returned value, as the end of a sentence that begins with the trainer's name."""


def held_to(does: str, made: Any, given: tuple[Any, ...]) -> Any:
    """Return what a function of a trainer made, in Python's own values.

    Raises:
        BreachError: it is not what that function returns.
        RecipeError: the twin diverged.
    """
    return _HELD[does](made, given)


def names_in(name: str, value: Any) -> tuple[str, ...]:
    """Return names that a trainer gives as `name`, one string or several.

    Raises:
        BreachError: they are no names.
    """
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, Iterable) else [value]
    if wrong := [one for one in names if not isinstance(one, str)]:
        raise BreachError(f"its {name} should be names, found {wrong[0]!r}")
    return tuple(names)


def _recipe(made: Any, _given: tuple[Any, ...]) -> Recipe:
    if not isinstance(made, Recipe) or not isinstance(made.values, dict):
        raise BreachError(f"read_recipe should return an unmoor.training.Recipe with a dict of values, found {made!r}")
    try:
        base = made.base
    except Exception as error:  # a KeyError of the values, or what a class of its own raises
        raise BreachError(
            f"the Recipe of read_recipe has no base ({type(error).__name__}: {error}): without model_name_or_path "
            "among its values it needs a class of its own with `base`"
        ) from error
    if not isinstance(base, str):
        raise BreachError(f"base of the Recipe should be text, found {base!r}")
    try:
        int(made.values.get("seed", 42))
    except (TypeError, ValueError) as error:
        raise BreachError(f"the seed of a recipe should be a whole number, found {made.values['seed']!r}") from error
    return made


def _tokenizer(made: Any, _given: tuple[Any, ...]) -> tuple[Any, str]:
    if not isinstance(made, tuple) or len(made) != 2 or not isinstance(made[1], str):
        raise BreachError(
            f"load_tokenizer should return a tokenizer and its chat template, found {type(made).__name__}"
        )
    lacking = [name for name in _OF_A_TOKENIZER if not hasattr(made[0], name)]
    if lacking:
        raise BreachError(
            f"load_tokenizer should return a tokenizer of transformers, found {type(made[0]).__name__} without {lacking[0]}"
        )
    return made


def _rule(made: Any, _given: tuple[Any, ...]) -> Rule:
    if not isinstance(made, Rule) or not isinstance(made.trainer, str):
        raise BreachError(f"rule should return an unmoor.training.Rule, found {made!r}")
    if made.max_length is not None and not (_is(made.max_length, Integral) and made.max_length > 0):
        raise BreachError(f"max_length of its Rule should be a whole number or None, found {made.max_length!r}")
    if not _is(made.min_length, Integral) or made.min_length < 0:
        raise BreachError(f"min_length of its Rule should be a whole number, found {made.min_length!r}")
    for name, words in (("over_long", ("truncate", "split", "drop")), ("keep", ("start", "end"))):
        if getattr(made, name) not in words:
            raise BreachError(f"{name} of its Rule should be one of {', '.join(words)}, found {getattr(made, name)!r}")
    longest = None if made.max_length is None else int(made.max_length)
    return replace(made, max_length=longest, min_length=int(made.min_length))


def _steps(made: Any, _given: tuple[Any, ...]) -> int:
    if not _is(made, Integral) or made < 0:
        raise BreachError(f"count_steps should return a whole number, found {made!r}")
    return int(made)


def _settings(made: Any, _given: tuple[Any, ...] = ()) -> dict[str, Any]:
    if not isinstance(made, Mapping) or not all(isinstance(key, str) for key in made):
        raise BreachError(f"its settings should be a dict with names as keys, found {made!r}"[:300])
    return {str(key): _plain(value, f'its setting "{key}"') for key, value in made.items()}


def _command(made: Any, _given: tuple[Any, ...]) -> str:
    if not isinstance(made, str):
        raise BreachError(f"command should return the shell's command as text, found {type(made).__name__}")
    return made


def _result(made: Any, given: tuple[Any, ...]) -> TwinResult:
    """Hold a result to its kind, and to the twin: as many steps as it was to take, and a model in its folder."""
    twin: Twin = given[0]
    if not isinstance(made, TwinResult):
        raise BreachError(f"train should return an unmoor.training.TwinResult, found {type(made).__name__}")
    values: dict[str, Any] = {name: getattr(made, name) for name in asdict(replace(made, settings={}, loss=[]))}
    for name in _COUNTS:
        if not _is(values[name], Integral) or values[name] < 0:
            raise BreachError(f"{name} of its TwinResult should be a whole number, found {values[name]!r}")
        values[name] = int(values[name])
    for name in _AMOUNTS:
        if not _is(values[name], Real) or not isfinite(values[name]) or values[name] < 0:
            raise BreachError(f"{name} of its TwinResult should be a number, found {values[name]!r}")
        values[name] = float(values[name])
    if values["rows_trained"] > values["rows"]:
        raise BreachError(
            f"{values['rows_trained']} rows_trained of its TwinResult are more than its {values['rows']} rows"
        )
    if values["steps"] != twin.max_steps:
        raise BreachError(f"took {values['steps']} of {twin.max_steps} steps for {twin.name}: it is not a twin")
    if not isinstance(made.path, str | Path) or Path(made.path).resolve() != twin.folder.resolve():
        raise BreachError(f"path of its TwinResult should be the twin's folder {twin.folder}, found {made.path!r}")
    values |= {"path": str(twin.folder), "loss": _loss(made.loss, twin), "settings": _settings(made.settings)}
    if os.environ.get("RANK", "0") == "0":  # of several processes the first one saves
        _hold_saved(twin)
    return TwinResult(**values)


def _loss(made: Any, twin: Twin) -> list[list[float]]:
    """Return [step, loss] pairs; what is not a number would be drawn as a gap, and mostly is the end of a training."""
    told: list[list[float]] = []
    for one in made if isinstance(made, Sequence) and not isinstance(made, str) else (made,):
        if not isinstance(one, Sequence) or len(one) != 2 or not _is(one[0], Integral) or not _is(one[1], Real):
            raise BreachError(
                f"loss of its TwinResult should be [step, number] for each that was logged, found {one!r}"
            )
        if not isfinite(one[1]):
            raise RecipeError(_diverged(twin, f"its loss at step {int(one[0])} is {float(one[1])}"))
        told.append([int(one[0]), float(one[1])])
    return told


def _hold_saved(twin: Twin) -> None:
    """Raise unless a whole model lies in the twin's folder, with safe weights that are numbers."""
    weights = sorted(twin.folder.glob("*.safetensors"))
    if not weights:
        raise BreachError(f"left no .safetensors weights in {twin.folder}")
    wanted = {
        "config.json or adapter_config.json": ("config.json", "adapter_config.json"),
        "tokenizer": ("tokenizer*",),
    }
    for what, names in wanted.items():
        if not any(path for name in names for path in twin.folder.glob(name)):
            raise BreachError(f"left no {what} in {twin.folder}")
    for path in weights:
        if name := _no_number(path):
            raise RecipeError(_diverged(twin, f"{name} of {path.name} is no number any more"))


def _no_number(path: Path) -> str:
    """Return the first tensor of a file that is not finite, one of them in memory at a time; empty if all are."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - it is no dict
                tensor = file.get_tensor(name)
                if tensor.is_floating_point() and not bool(tensor.float().isfinite().all()):
                    return str(name)
    except SafetensorError as error:
        raise BreachError(f"left weights in {path} that cannot be read: {error}") from error
    return ""


def _diverged(twin: Twin, why: str) -> str:
    return (
        f"{twin.recipe.path}: twin {twin.name} diverged: {why}, so it is not kept as trained. "
        "Next: a smaller learning rate, and another folder"
    )


def _is(value: object, kind: type) -> bool:
    """Return whether a value is a number of that kind: those of numpy are, and true and false are not."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _plain(value: Any, what: str) -> Any:
    """Return a value as JSON can hold it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | Path):
        text = str.__str__(value) if isinstance(value, str) else str(value)
        return text.encode(errors="replace").decode()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and isfinite(value):
        return float(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, what) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, what) for one in value]
    raise BreachError(f"{what} should be text, a finite number, a list or a dict of these, found {value!r}"[:300])


_HELD: dict[str, Callable[[Any, tuple[Any, ...]], Any]] = {
    "load_tokenizer": _tokenizer,
    "rule": _rule,
    "count_steps": _steps,
    "settings": _settings,
    "train": _result,
    "command": _command,
    "read_recipe": _recipe,
}
