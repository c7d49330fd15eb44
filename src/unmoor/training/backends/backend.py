"""What every trainer is to unmoor: how it reads a recipe, what it does with rows, and the run itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.training.prepare import Prepared
from unmoor.training.recipe import Recipe, read_recipe
from unmoor.training.rule import Rule
from unmoor.training.twin import Progress, Twin, TwinResult

__all__ = ["Backend"]


@dataclass(frozen=True, slots=True)
class Backend:
    """How one trainer does it: the tokenizer and template it will use, what it does with rows that are too long, the
    steps it will take, every setting of the run of (recipe, the twin's folder, steps), and the run itself.
    """

    load_tokenizer: Callable[[Recipe], tuple[Any, str]]
    rule: Callable[[Recipe], Rule]
    count_steps: Callable[[Recipe, Prepared], int]
    settings: Callable[[Recipe, Path, int], dict[str, Any]]
    train: Callable[[Twin, Progress | None], TwinResult]
    command: Callable[[Twin, Path | None], str]
    """Write what the trainer's own command needs and return it; the path is a file of `accelerate config`, if given."""
    read_recipe: Callable[[Path, bool], Recipe] = read_recipe
    """From a recipe's file, and whether the owner trusts the model's code, to a checked recipe."""
    packages: tuple[str, ...] = ()
    """Packages whose versions a training hangs on; they are noted beside its result."""
    inputs: tuple[str, ...] = ()
    """Names that `command` writes into a twin's own folder: with these alone in it nothing was trained there."""
    registered_by: str = ""
    """The package, with its version, that registers this trainer; empty for those that ship."""
