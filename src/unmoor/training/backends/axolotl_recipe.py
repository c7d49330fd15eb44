"""From an Axolotl YAML file to settings that are known to be real.

Axolotl itself takes a key that it does not know without a word (`sample_packin: true` trains without packing), and so
it does an optimiser. The keys here are those of Axolotl 0.21 (Apache-2.0), taken from its own classes by
docs/generate_axolotl_keys.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from unmoor.errors import RecipeError, nearest_name
from unmoor.training.backends.axolotl_refused import REFUSALS
from unmoor.training.inner_keys import unread_checkpointing
from unmoor.training.other_names import FOR_AXOLOTL, all_wrong
from unmoor.training.recipe import Recipe, _load

__all__ = ["LOCAL_PATHS", "REPLACED", "AxolotlRecipe", "foreign_plugins", "known_keys", "read_axolotl_recipe"]

REPLACED = ("datasets", "output_dir", "dataset_prepared_path")
"""What a twin swaps; whatever the recipe says here is replaced."""

LOCAL_PATHS = ("base_model", "tokenizer_config", "deepspeed", "chat_template_jinja")
"""Keys whose value may be a path; where it is one, it is meant from the recipe's folder."""

OWN_PLUGINS = "axolotl.integrations."


@dataclass(frozen=True, slots=True)
class AxolotlRecipe(Recipe):
    """A checked Axolotl recipe; `values` as written, with local paths made absolute."""

    @property
    def base(self) -> str:
        """Return the model that training starts from: a local folder or a hub id."""
        return str(self.values["base_model"])


@cache
def known_keys() -> dict[str, Any]:
    """Return the frozen keys: `axolotl` (version), `keys`, `nested` (of datasets and fsdp_config) and `words`."""
    text = files("unmoor.training.backends").joinpath("axolotl_keys.json").read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text)
    return values


def read_axolotl_recipe(path: Path, trust_remote_code: bool = False) -> AxolotlRecipe:
    """Return the recipe in an Axolotl file; `trust_remote_code` is the owner's word, beside the recipe's.

    Raises:
        RecipeError: no such file, not YAML, unknown keys (each with what stands for it, or the nearest), a value of the wrong
        kind, no base, or something that unmoor refuses. MissingExtraError: the parts for training are not installed.
    """
    values = _load(path)
    if not values.get("base_model"):
        raise RecipeError(f"{path}: base_model is missing: which model does training start from?")
    values = _absolute(path, values)
    trusts = _trusts_code(path, values, trust_remote_code)
    _check_keys(path, values, trusts)
    _check_words(path, values)
    if refused := [*filter(None, (rule(values) for rule in REFUSALS)), *unread_checkpointing(values)]:
        raise RecipeError(f"{path}: {all_wrong(refused)}")
    return AxolotlRecipe(path, values, trusts)


def _check_keys(path: Path, values: Mapping[str, Any], trusts_plugins: bool) -> None:
    keys = known_keys()["keys"]
    if wrong := [*_wrong_keys(values, may_be_foreign=bool(trusts_plugins and foreign_plugins(values)))]:
        raise RecipeError(f"{path}: {all_wrong(wrong)}")
    for key, value in values.items():
        if key not in keys:
            continue
        _check_kind(path, key, value, keys[key])
        plugin = keys[key].get("plugin")
        if plugin and not any(f".{plugin}." in str(one) for one in values.get("plugins") or ()):
            raise RecipeError(
                f"{path}: {key} belongs to the plugin {plugin}, which is not loaded: Axolotl would ignore it silently. "
                f"Next: plugins: [{OWN_PLUGINS}{plugin}.…]"
            )
    for key, inner in known_keys()["nested"].items():
        for one in _dicts(values.get(key)):
            for given, value in one.items():
                short = str(given).removeprefix("fsdp_") if key == "fsdp_config" else str(given)  # it takes both
                name = short if short in inner else str(given)
                if name not in inner:
                    raise RecipeError(f'{path}: {key} has no key "{name}".{nearest_name(name, inner)}')
                _check_kind(path, f"{key}.{name}", value, inner[name])


def _wrong_keys(values: Mapping[str, Any], *, may_be_foreign: bool) -> Iterator[str]:
    """Yield a sentence on each key that Axolotl has not, unless it may be that of a plugin, and on each that it takes no longer."""
    keys = known_keys()["keys"]
    for key in values:
        if key in keys:
            if keys[key].get("deprecated"):
                yield f"{key} is no longer taken by Axolotl {known_keys()['axolotl']}. Next: remove it"
        elif not may_be_foreign:
            near = f" Next: {FOR_AXOLOTL[key]}" if key in FOR_AXOLOTL else nearest_name(key, keys)
            yield f'Axolotl has no key "{key}" and would ignore it silently.{near}'


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


FITS: dict[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "list": lambda value: isinstance(value, list),
    "dict": lambda value: isinstance(value, dict),
}


def _check_kind(path: Path, key: str, value: Any, described: Mapping[str, Any]) -> None:
    kinds = described["kinds"]
    if value is None:
        return
    if not any(FITS[kind](value) for kind in kinds):
        raise RecipeError(
            f"{path}: {key} takes {' or '.join(kinds)}, found {value!r} ({type(value).__name__})"
            + (". Next: true or false" if "bool" in kinds and isinstance(value, str) else "")
        )
    words = described.get("words")
    if words and value not in words:
        near = nearest_name(str(value), [str(word) for word in words])
        raise RecipeError(f"{path}: {key} takes {', '.join(map(str, words))}, found {value!r}.{near}")


def _check_words(path: Path, values: Mapping[str, Any]) -> None:
    words = known_keys()["words"]
    for key, name in (("optimizer", "optimizers"), ("lr_scheduler", "lr_schedulers")):
        value = values.get(key)
        if isinstance(value, str) and value not in words[name]:
            raise RecipeError(f'{path}: there is no {key} "{value}".{nearest_name(value, words[name])}')


def foreign_plugins(values: Mapping[str, Any]) -> list[str]:
    """Return the plugins of a recipe that did not come with Axolotl."""
    return [str(one) for one in values.get("plugins") or () if not str(one).startswith(OWN_PLUGINS)]


def _trusts_code(path: Path, values: Mapping[str, Any], said_again: bool) -> bool:
    plugins = foreign_plugins(values)
    asked = bool(values.get("trust_remote_code")) or bool(plugins)
    what = f"the plugin {plugins[0]}" if plugins else "trust_remote_code"
    if asked and not said_again:
        raise RecipeError(
            f"{path}: {what} is refused: it runs code that did not come with the trainer. Next: remove the line, or, "
            "after reading that code, say it a second time with --trust-remote-code"
        )
    if said_again and not asked:
        raise RecipeError(f"{path}: --trust-remote-code was given and the recipe does not ask for it")
    return asked


def _absolute(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with every local path made absolute, from the recipe's folder."""
    found = dict(values)
    for key in LOCAL_PATHS:
        value = found.get(key)
        if isinstance(value, str) and "\n" not in value and len(value) < 1024:
            local = path.resolve().parent / value
            if local.exists():
                found[key] = str(local.resolve())
            elif key == "deepspeed":
                raise RecipeError(f"{path}: there is no file {value} (looked for at {local})")
    return found
