"""From a recipe, data and what was asked for to a plan: every arm, its steps, and what its trainer will make of its rows.

Nothing is trained here. A plan is made before every training, written to preflight.json, and stops where a twin would
lose more rows than the owner allows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from unmoor.errors import RecipeError, UsageError, nearest_name
from unmoor.records import Conversation
from unmoor.run_folder import dump_json, make_folder, write_atomic
from unmoor.training.arms import Arm, Leak, RowBytes, json_lines, leak_arms, plain_arms, shrunk_arm
from unmoor.training.backends import Backend, backend_named
from unmoor.training.backends.axolotl import TEMPLATE
from unmoor.training.backends.trl_command import FOLDER as COMMANDS
from unmoor.training.dialect import dialect_of
from unmoor.training.preflight import MAX_DROPPED, Preflight, of_prepared, refuse_dropped
from unmoor.training.prepare import Example, gather, look_at_rows, prepare
from unmoor.training.recipe import Recipe
from unmoor.training.shown import stretches
from unmoor.training.steps import steps_of
from unmoor.training.template import fault_of, replacement_of
from unmoor.training.twin import Twin

__all__ = ["Plan", "Read", "Training", "config_difference", "plan_twins"]

Read = Callable[[Path], Iterable[tuple[int, Conversation | str]]]
"""From a data file to (row number, conversation), in the file's order; a string is why a row could not be read."""

PREFLIGHT = "preflight.json"
RESULT = "training.json"
DATA = "data"
OURS = (PREFLIGHT, RESULT, DATA, COMMANDS, TEMPLATE, "report.html", "report.json")
"""What is written beside the twins' folders."""
PACKING = ("packing", "sample_packing")
"""What TRL and Axolotl call putting several rows into one."""


@dataclass(frozen=True, slots=True)
class Training:
    """What was asked for beside the recipe and the data. An empty `trainer` is the one that the recipe is written for.

    `match` says what is equal in all arms: optimiser steps, or tokens with a loss. `shrink` names the twin that gets a
    shrunk arm. `seeds` trains every twin with each of them. `leak` trains leak arms instead of the twins. `max_dropped` is a
    share, 0 to 1. `layout` is the name of the layout that all rows were said to be in, empty where each file's own is recognised.
    """

    trainer: str = ""
    match: Literal["steps", "tokens"] = "steps"
    shrink: str = ""
    seeds: tuple[int, ...] = ()
    leak: Leak | None = None
    max_dropped: float = MAX_DROPPED
    trust_remote_code: bool = False
    layout: str = ""
    row_bytes: RowBytes = json_lines


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is known before training. `checked` and `steps` are by arm; `example` is the first row that is
    trained on, as the trainer sees it.
    """

    recipe: Recipe
    trainer: str
    backend: Backend
    arms: tuple[Arm, ...]
    out: Path
    tokenizer: Any
    template: str
    checked: dict[str, Preflight] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    examples: dict[str, Example | None] = field(default_factory=dict)

    def recipe_of(self, arm: Arm) -> Recipe:
        """Return the recipe with the arm's own seed, if it has one."""
        if arm.seed is None:
            return self.recipe
        return replace(self.recipe, values={**self.recipe.values, "seed": arm.seed})

    def twin(self, arm: Arm, read: Read) -> Twin:
        """Return what an arm's trainer takes, with its rows prepared."""
        prepared = prepare(read(arm.data), self.tokenizer, self.template, self.backend.rule(self.recipe))
        return Twin(arm.name, self.recipe_of(arm), prepared, self.out / arm.name, self.steps[arm.name])

    def template_told(self) -> str:
        """Return a sentence where another chat template than the base's own is learned, which the recipe does not ask for."""
        asked = self.recipe.values.get("chat_template_path") or self.recipe.values.get("chat_template") == "chatml"
        return "" if asked else replacement_of(self.tokenizer, self.template, self.recipe.base)

    def commands(self, read: Read, accelerate: Path | None = None) -> dict[str, str]:
        """Write what the trainer's own command needs for each arm to `out`/commands, and return the commands by arm."""
        return {arm.name: self.backend.command(self.twin(arm, read), accelerate) for arm in self.arms}

    def shown(self) -> list[tuple[str, bool]]:
        """Return (text, is learned) for the stretches of the first row that is trained on; empty if there is none."""
        example = next((example for example in self.examples.values() if example), None)
        return stretches(example, self.tokenizer, self.backend.rule(self.recipe)) if example else []

    def difference(self) -> dict[str, dict[str, Any]]:
        """Return what differs between the arms: setting to arm to value."""
        settings = {
            arm.name: self.backend.settings(self.recipe_of(arm), self.out / arm.name, self.steps[arm.name])
            for arm in self.arms
        }
        return config_difference({arm.name: arm.data for arm in self.arms}, settings)


def plan_twins(recipe: Path, data: Mapping[str, Path], out: Path, read: Read, options: Training) -> Plan:
    """Return the plan of a training, after writing `out`/preflight.json and the data of arms to `out`/data.

    Raises:
        UsageError: no data, a twin's name that cannot be a folder, or arms that cannot be made of these data.
        RecipeError: the recipe or its base cannot be used, or nothing would be trained on.
        BadDataError: a twin would lose more rows than `options.max_dropped`.
        MachineError: the disk is full or fails.
    """
    _check(data, options)
    trainer = options.trainer or dialect_of(recipe)
    backend = backend_named(trainer)
    checked_recipe = backend.read_recipe(recipe, options.trust_remote_code)
    if options.match == "tokens" and any(checked_recipe.values.get(key) for key in PACKING):
        raise RecipeError(
            f"{recipe}: --match tokens counts rows per step, and packed rows have none. Next: --match steps"
        )
    tokenizer, template = backend.load_tokenizer(checked_recipe)
    if fault := fault_of(tokenizer, template):
        raise RecipeError(f"{recipe}: the chat template does not work: {fault}. Next: mend it, or name another")
    arms = plain_arms(data, options.seeds)
    make_folder(out)
    if options.leak:
        raw, filtered = data.values()
        arms = leak_arms(raw, filtered, options.leak, seed_of(checked_recipe), (out / DATA, options.row_bytes))
    plan = Plan(checked_recipe, trainer, backend, tuple(arms), out, tokenizer, template)
    for arm in arms:
        _look(plan, arm, read)
    if options.shrink:
        for arm in _shrunk(plan, options, read):
            plan = replace(plan, arms=(*plan.arms, arm))
            _look(plan, arm, read)
    if not all(plan.steps.values()):
        raise RecipeError(f"{recipe}: the recipe asks for no step. Next: max_steps, or more epochs")
    plan.steps.update(steps_of(plan.steps, plan.checked, options.match))
    write_atomic(out / PREFLIGHT, dump_json(_as_json(plan, options)))
    refuse_dropped(plan.checked, options.max_dropped, str(out / PREFLIGHT))
    return plan


def seed_of(recipe: Recipe) -> int:
    """Return the seed that the recipe trains with; the trainers' own default is 42."""
    return int(recipe.values.get("seed", 42))


def _check(data: Mapping[str, Path], options: Training) -> None:
    if not data:
        raise UsageError("No data to train on. Next: --data raw=FILE --data filtered=FILE")
    for name, path in data.items():
        if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or name.startswith("."):
            raise UsageError(f'A twin cannot be called "{name}": its name becomes a folder (letters, digits, - and _)')
        if name.casefold() in OURS:
            raise UsageError(f'A twin cannot be called "{name}": unmoor writes {name.casefold()} beside the twins')
        if not path.is_file():
            raise UsageError(f"The data of twin {name} cannot be read: {path} is not a file")
    if options.shrink and options.shrink not in data:
        raise UsageError(f'--shrink: there is no twin "{options.shrink}".{nearest_name(options.shrink, data)}')
    if options.shrink and f"{options.shrink}-shrunk" in data:
        raise UsageError(f'"{options.shrink}-shrunk" is the name of the shrunk arm. Next: another name for that twin')
    if (options.shrink or options.leak) and len(data) < 2:
        raise UsageError(
            "--shrink and --leak compare with a second data set. Next: --data raw=FILE --data filtered=FILE"
        )
    if options.leak and (options.shrink or len(data) != 2):
        raise UsageError("--leak takes two data sets, the raw one first, and no --shrink")


def _look(plan: Plan, arm: Arm, read: Read) -> None:
    """Note what the trainer will make of an arm's rows, and the steps that the recipe asks for on them."""
    same = next((one.name for one in plan.arms if one.data == arm.data and one.name in plan.checked), None)
    if same:  # leak arms of several seeds share the files of nothing and of everything put back
        plan.checked[arm.name] = plan.checked[same]
        plan.examples[arm.name] = plan.examples[same]
        plan.steps[arm.name] = plan.steps[same]
        return
    rule = plan.backend.rule(plan.recipe)
    prepared = gather(look_at_rows(read(arm.data), plan.tokenizer, plan.template, rule), rule)
    plan.checked[arm.name] = of_prepared(prepared, plan.template)
    plan.examples[arm.name] = next(iter(prepared.examples), None)
    plan.steps[arm.name] = plan.backend.count_steps(plan.recipe, prepared)


def _shrunk(plan: Plan, options: Training, read: Read) -> list[Arm]:
    """Return the shrunk arm of the twin that is to have one, or that of each seed, each with rows of its own draw."""
    whole = [arm for arm in plan.arms if arm.twin == options.shrink]
    count = min(plan.checked[other.name].rows_trained for other in plan.arms if other not in whole)
    dropped = plan.checked[whole[0].name].dropped
    trainable = [row for row, _ in read(whole[0].data) if row not in dropped]
    write = (plan.out / DATA, options.row_bytes)
    seed = seed_of(plan.recipe)
    return [shrunk_arm(arm, trainable, count, seed if arm.seed is None else arm.seed, write) for arm in whole]


def _as_json(plan: Plan, options: Training) -> dict[str, Any]:
    return {
        "recipe": str(plan.recipe.path),
        "base": plan.recipe.base,
        "trainer": plan.trainer,
        "match": options.match,
        "max_dropped": options.max_dropped,
        **({"layout": options.layout} if options.layout else {}),
        "twins": {
            arm.name: {
                "data": str(arm.data),
                "steps": plan.steps[arm.name],
                **arm.facts,
                **plan.checked[arm.name].as_json(),
            }
            for arm in plan.arms
        },
        "config_difference": plan.difference(),
    }


def config_difference(data: Mapping[str, Path], settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return every setting that is not the same in all twins, with each twin's value, and their data files."""
    keys = sorted({key for values in settings.values() for key in values})
    table = {key: {name: values.get(key) for name, values in settings.items()} for key in keys}
    differing = {
        key: values for key, values in table.items() if len({json.dumps(value) for value in values.values()}) > 1
    }
    return {"data": {name: str(path) for name, path in data.items()}, **differing}
