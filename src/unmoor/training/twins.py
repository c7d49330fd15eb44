"""From one recipe and several data sets to twins: runs that differ in their data and in nothing else.

Every twin has the same base, seed, order rule and number of optimiser steps. Where the recipe counts epochs, the
largest data set's epochs set the steps for all, so that a filtered twin is not also a shorter trained one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Set
from dataclasses import asdict
from pathlib import Path
from typing import Any

from unmoor import __version__
from unmoor.errors import RunFolderError
from unmoor.run_folder import dump_json, hash_file, machine_errors, make_folder, read_json, versions_of, write_atomic
from unmoor.training.arms import Arm
from unmoor.training.backends.trl_model import last_checkpoint, starts_over
from unmoor.training.pickles import remove_pickles
from unmoor.training.plan import RESULT, Plan, Read, Training, config_difference, plan_twins
from unmoor.training.prepare import Example
from unmoor.training.twin import Progress, TwinResult, checkpoints_of

__all__ = ["started_over", "train_planned", "train_twins"]

PLAN = "plan.json"
DONE = "twin.json"
LATER = ("base_weights", "base_config", "template", "tokenizer", "first_row", "processes")
"""What plans of older versions lack; a twin of such a plan is known by the rest."""
AS_ASKED = Training()


def train_twins(
    recipe: Path,
    data: Mapping[str, Path],
    out: Path,
    read: Read,
    progress: Progress | None = None,
    *,
    options: Training = AS_ASKED,
) -> dict[str, Any]:
    """Train one model per data set with the same recipe, into `out`/<name>; return what was trained and on how much.

    A twin that is finished is not trained again, one that was interrupted goes on from its last checkpoint, or starts over
    where it would then end in another model (`started_over`). The result is also written to `out`/training.json: `recipe`,
    `base`, `match`, `versions`, `twins` (name to path, rows, rows_trained, tokens_trained, steps, seconds, loss, and what kind
    of arm it is) and `config_difference` (setting to name to value: what differs between the twins).

    Raises:
        UsageError: no data, or a twin's name that cannot be a folder.
        RecipeError: the recipe or its base cannot be used, or the mask would train on nothing.
        BadDataError: a twin would lose more rows than `options.max_dropped`.
        RunFolderError: `out` holds twins of another recipe, base or data, or such as are not among these, or a folder of a twin's
        name that no training began.
        MachineError: the disk is full or fails.
    """
    return train_planned(plan_twins(recipe, data, out, read, options), read, progress, options)


def train_planned(plan: Plan, read: Read, progress: Progress | None, options: Training) -> dict[str, Any]:
    """Train every arm of a plan and return what `train_twins` does."""
    _check_all_there(plan)
    base = Path(plan.recipe.base)
    also: dict[str, Any] = {
        "layout": options.layout or None,
        "base_weights": _hash_of(base, "*.safetensors"),
        "base_config": _hash_of(base, "config.json"),
        "template": hashlib.sha256(plan.template.encode()).hexdigest(),
        "tokenizer": _tokens_of(plan.tokenizer),
        "trainer": plan.backend.registered_by or None,
        "processes": int(
            os.environ.get("WORLD_SIZE", "1")
        ),  # they share a step's rows: another number would see others
    }
    for arm in plan.arms:  # all of them, before the first is trained for hours
        _check_same(plan, arm, plan.out / arm.name, also)
    results = {arm.name: _train_once(plan, arm, read, progress) for arm in plan.arms}
    result = _summary(plan, results, options)
    write_atomic(plan.out / RESULT, dump_json(result))
    return result


def started_over(plan: Plan) -> dict[str, str]:
    """Return the arms that were interrupted and will be trained from their first step again, each with the reason."""
    why = starts_over(plan.recipe)
    folders = {arm.name: plan.out / arm.name for arm in plan.arms if why}
    return {
        name: why
        for name, folder in folders.items()
        if not (folder / DONE).exists() and (last_checkpoint(folder) or last_checkpoint(checkpoints_of(folder)))
    }


def _check_all_there(plan: Plan) -> None:
    """Raise RunFolderError where the result would no longer tell of twins that lie in the folder."""
    if not (plan.out / RESULT).exists():
        return
    names = {arm.name for arm in plan.arms}
    lost = [name for name in read_json(plan.out / RESULT).get("twins", ()) if name not in names]
    if lost:
        told = ", ".join(lost[:5]) + (", …" if len(lost) > 5 else "")
        raise RunFolderError(
            f"{plan.out} holds twins that are not asked for now: {told}. Its {RESULT} would forget them. "
            "Next: another folder, or ask for these twins too"
        )


def _hash_of(base: Path, names: str) -> str | None:
    """Return the hash of all such files in a base's folder; None of a model on the hub, which is known by its name."""
    with machine_errors(f"Reading {base}"):
        hashes = [hash_file(path) for path in sorted(base.glob(names))] if base.is_dir() else []
    return hashlib.sha256("".join(hashes).encode()).hexdigest() if hashes else None


def _tokens_of(tokenizer: Any) -> str:
    """Return a hash of every token and its number, and of which are special."""
    known = [sorted(tokenizer.get_vocab().items()), tokenizer.special_tokens_map]
    return hashlib.sha256(json.dumps(known, default=str).encode()).hexdigest()


def _row_of(example: Example | None) -> str:
    """Return a hash of the first row that is trained on, as its trainer takes it: the same words may make other tokens."""
    row = [example.input_ids, example.labels] if example else None
    return hashlib.sha256(json.dumps(row).encode()).hexdigest()


def _train_once(plan: Plan, arm: Arm, read: Read, progress: Progress | None) -> TwinResult:
    """Train an arm unless it is finished already."""
    folder = plan.out / arm.name
    if not (folder / DONE).exists():
        twin = plan.twin(arm, read)
        with machine_errors(f"Training {arm.name}"):
            result = plan.backend.train(twin, progress)
        write_atomic(folder / DONE, dump_json(asdict(result)))
    remove_pickles(folder)  # not before it is finished: the trainer goes on from them
    return TwinResult(**json.loads((folder / DONE).read_bytes()))


def _check_same(plan: Plan, arm: Arm, folder: Path, also: Mapping[str, Any]) -> None:
    """Write plan.json, which says what a twin is made of, `also` included, into its folder; or find the same there.

    Raises:
        RunFolderError: the folder holds another twin, or something that no training of ours began.
    """
    made_of = {
        "recipe": hash_file(plan.recipe.path),
        "data": hash_file(arm.data),
        "base": plan.recipe.base,
        "steps": plan.steps[arm.name],
        "first_row": _row_of(plan.examples.get(arm.name)),
        **{key: value for key, value in {"seed": arm.seed, **also}.items() if value is not None},
    }
    written = folder / PLAN
    if _holds_more(folder, {PLAN, *plan.backend.inputs}):
        if not written.exists():
            raise RunFolderError(
                f"{folder} is there already, and no training of unmoor began it: it has no {PLAN}. It would be replaced. "
                "Next: another folder, another name for that twin, or move it to another place"
            )
        before = json.loads(written.read_bytes())
        made_of = {key: value for key, value in made_of.items() if key in before or key not in LATER}
        if before != made_of:
            keys = [key for key in {**made_of, **before} if before.get(key) != made_of.get(key)]
            raise RunFolderError(
                f"{folder} holds a twin of another recipe, base, data or trainer, of rows read in another layout or chat "
                f"template, or of another number of processes: its {PLAN} differs in {', '.join(keys)}. "
                "Next: another folder, or remove this one"
            )
        return
    make_folder(folder)
    write_atomic(written, dump_json(made_of))


def _holds_more(folder: Path, names: Set[str]) -> bool:
    """Return whether there is more than these names in a folder, or a file in its place; hidden names are those of a write that
    was killed, or of a file manager.
    """
    if not folder.is_dir():
        return folder.exists()
    return any(path.name not in names and not path.name.startswith(".") for path in folder.iterdir())


def _summary(plan: Plan, results: Mapping[str, TwinResult], options: Training) -> dict[str, Any]:
    twins = {}
    for arm in plan.arms:
        result = results[arm.name]
        values = asdict(result)
        settings = values.pop("settings")
        dropped = plan.checked[arm.name].dropped
        twins[arm.name] = {
            **values,
            "seed": settings.get("seed"),
            "data": str(arm.data),
            **arm.facts,
            "tokens_seen": round(result.passes * result.tokens_trained),
            "rows_dropped": len(dropped),
            "dropped": {str(row): why for row, why in sorted(dropped.items())},
        }
    return {
        "recipe": str(plan.recipe.path),
        "base": plan.recipe.base,
        "trainer": plan.trainer,
        "match": options.match,
        "versions": {"unmoor": __version__, **versions_of(*plan.backend.packages)},
        **({"layout": options.layout} if options.layout else {}),
        "twins": twins,
        "config_difference": config_difference(
            {arm.name: arm.data for arm in plan.arms}, {name: result.settings for name, result in results.items()}
        ),
    }
