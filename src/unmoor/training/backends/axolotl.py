"""From a twin to a model trained by the user's own Axolotl, as a child process: `axolotl train FILE`.

Axolotl pins its own Python, torch and transformers, so it lives in an environment of its own. Rows go to it as token ids
and labels, which it takes as they are: what it learns is what the preflight showed, turns that are context only
included.

Two things that Axolotl 0.21 computes from a data set's size are fixed in the copy of the recipe, or the twins would
differ in more than their data: `max_steps`, and `warmup_steps` (core/builders/base.py takes its 3% of the smaller of
max_steps and what the data would need, so a filtered twin would warm up for less).
"""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import time
from pathlib import Path
from typing import Any, Literal

from unmoor.errors import RecipeError
from unmoor.run_folder import machine_errors, write_atomic
from unmoor.training.backends.axolotl_child import run_child
from unmoor.training.backends.axolotl_data import held_against
from unmoor.training.backends.axolotl_log import Heard, last_words, saved_state
from unmoor.training.backends.axolotl_model import load_tokenizer
from unmoor.training.backends.axolotl_recipe import REPLACED, known_keys
from unmoor.training.backends.trl_command import _as_yaml
from unmoor.training.backends.trl_model import going_on_from
from unmoor.training.prepare import Prepared
from unmoor.training.recipe import Recipe
from unmoor.training.rule import AXOLOTL_LEAST, Rule, axolotl_rule
from unmoor.training.twin import Progress, Twin, TwinResult

__all__ = [
    "COMMAND_VARIABLE",
    "axolotl_command",
    "count_steps",
    "load_tokenizer",
    "make_generable",
    "rule_of",
    "settings_of",
    "train",
]
__all__ += ["write_command"]

COMMAND_VARIABLE = "UNMOOR_AXOLOTL"
"""The environment variable that says how Axolotl is called where it is not `axolotl` on the PATH."""

RECIPE, ROWS, TEMPLATE, LOG = "axolotl.yaml", "axolotl-rows.jsonl", "axolotl-template.jinja", "axolotl.log"
PREPARED = "axolotl-prepared"
SEQUENCE_LEN = 512
"""Axolotl's own sequence_len where the recipe has none (schemas/config.py, 0.21)."""

PACKED_SHARE = 0.95
"""Share of a pack that is tokens and not padding, guessed before Axolotl has packed."""


def axolotl_command(asked: str = "") -> list[str]:
    """Return how Axolotl is called: as asked, by the environment variable UNMOOR_AXOLOTL, or `axolotl` on the PATH.

    Raises:
        RecipeError: there is none; says how it is installed.
    """
    parts = shlex.split(asked or os.environ.get(COMMAND_VARIABLE, "")) or ["axolotl"]
    if shutil.which(parts[0]) is None:
        raise RecipeError(
            f"Axolotl is not installed: there is no command {parts[0]}. It needs Python 3.12 and its own environment, since it "
            "pins torch and transformers. Next:\n"
            f"  python3.12 -m venv axolotl && axolotl/bin/pip install axolotl=={known_keys()['axolotl']}\n"
            f"  export {COMMAND_VARIABLE}=$PWD/axolotl/bin/axolotl"
        )
    return parts


def rule_of(recipe: Recipe) -> Rule:
    """Return what Axolotl does with rows that are too long or too short: it leaves them out, unless told to truncate."""
    values = recipe.values
    over_long: Literal["truncate", "drop"] = (
        "truncate" if values.get("excess_length_strategy") == "truncate" else "drop"
    )
    least = int(values.get("min_sample_len") or AXOLOTL_LEAST)
    return axolotl_rule(int(values.get("sequence_len") or SEQUENCE_LEN), over_long, least)


def count_steps(recipe: Recipe, prepared: Prepared) -> int:
    """Return how many optimiser steps the recipe asks for on this data: its max_steps, or its epochs.

    Without packing as Axolotl counts (rows × epochs / batch, rounded up). With `sample_packing` an estimate: tokens
    over sequence_len, packs taken to be 95% full; Axolotl packs only when it runs. The number of processes is
    WORLD_SIZE, or one: a recipe for several devices says max_steps.

    Raises:
        RecipeError: `excess_length_strategy: raise` and a row is too long.
    """
    values = recipe.values
    if values.get("excess_length_strategy") == "raise":
        long = [row for row, why in prepared.dropped.items() if why.startswith("too long")]
        if long:
            raise RecipeError(
                f"{recipe.path}: excess_length_strategy: raise, and row {long[0]} is too long ({len(long)} are)"
            )
    if values.get("max_steps"):
        return int(values["max_steps"])
    units: float = len(prepared.examples)
    if values.get("sample_packing"):
        rule = prepared.rule
        lengths = (len(range(*rule.kept(len(one.input_ids)).indices(len(one.input_ids)))) for one in prepared.examples)
        units = sum(lengths) / PACKED_SHARE / int(rule.max_length or SEQUENCE_LEN)
    return max(1, math.ceil(units * float(values.get("num_epochs") or 1) / _batch(values)))


def _batch(values: dict[str, Any]) -> int:
    """Return rows (or packs) per optimiser step. Axolotl takes two of batch_size, micro_batch_size and accumulation."""
    micro = int(values.get("micro_batch_size") or 1)
    whole = values.get("batch_size")
    processes = max(int(os.environ.get("WORLD_SIZE", "1")), 1)
    accumulation = int(values.get("gradient_accumulation_steps") or (int(whole) // micro if whole else 1))
    return micro * max(accumulation, 1) * processes


def settings_of(recipe: Recipe, folder: Path, max_steps: int) -> dict[str, Any]:
    """Return every setting of the run that makes the twin in `folder`, as the copy of the recipe has them."""
    values = {key: value for key, value in recipe.values.items() if key not in REPLACED}
    warm_up = values.pop("warmup_ratio", None)
    if values.get("warmup_steps") is None:
        values["warmup_steps"] = int(warm_up * max_steps) if warm_up is not None else min(int(0.03 * max_steps), 100)
    values.setdefault("logging_steps", max(min(int(0.005 * max_steps), 10), 1))
    return {
        **values,
        "datasets": [{"path": str(folder.resolve() / ROWS), "ds_type": "json"}],
        "dataset_prepared_path": str(folder.resolve() / PREPARED),
        "output_dir": str(folder.resolve()),
        "max_steps": max_steps,
        "seed": values.get("seed", 42),
        "chat_template": "jinja",
        "chat_template_jinja": str(folder.resolve().parent / TEMPLATE),
    }


def write_recipe(twin: Twin) -> Path:
    """Write the twin's rows, the template and the copy of the recipe, and return where the copy is."""
    _, template = load_tokenizer(twin.recipe)
    values = settings_of(twin.recipe, twin.folder, twin.max_steps)
    values |= _going_on(twin)
    with machine_errors(f"Writing {twin.folder}"):
        twin.folder.mkdir(parents=True, exist_ok=True)
        with (twin.folder / ROWS).open("w", encoding="utf-8") as file:
            for one in twin.prepared.examples:
                row = {"input_ids": one.input_ids, "attention_mask": [1] * len(one.input_ids), "labels": one.labels}
                file.write(json.dumps(row) + "\n")
    write_atomic(twin.folder.parent / TEMPLATE, template.encode())
    write_atomic(twin.folder / RECIPE, _as_yaml(values))
    return twin.folder / RECIPE


def _going_on(twin: Twin) -> dict[str, Any]:
    """Return what a copy says besides where the twin was interrupted: to go on, and to load the checkpoint as a model first.

    Axolotl's trainer resumes a mixture of experts without its experts and router, as TRL's does (see trl_model.py), and warns
    only; they then are the base's. Loaded as `base_model` first, they are the checkpoint's. The checkpoint is named, since Axolotl
    by itself takes the last one, half-written or not.
    """
    found = going_on_from(twin.recipe, twin.folder)
    if found is None:
        return {"auto_resume_from_checkpoints": False} if twin.recipe.values.get("auto_resume_from_checkpoints") else {}
    whole = Path(found).resolve()
    going_on: dict[str, Any] = {"resume_from_checkpoint": str(whole)}
    if (whole / "config.json").is_file():
        going_on["base_model"] = str(whole)
        going_on["tokenizer_config"] = twin.recipe.values.get("tokenizer_config") or twin.recipe.base
    return going_on


def write_command(twin: Twin, accelerate: Path | None) -> str:
    """Write the copy of the recipe and what it needs, and return the command that trains it with Axolotl alone."""
    launch = [] if accelerate is None else ["--launcher", "accelerate", "--", f"--config_file={accelerate.resolve()}"]
    return shlex.join(["axolotl", "train", str(write_recipe(twin)), *launch])


def train(twin: Twin, progress: Progress | None) -> TwinResult:
    """Train one twin by Axolotl, from its last checkpoint if there is one; its log stays in the twin's folder.

    `steps` is what the trainer's saved state or its progress bar said, 0 where neither did.

    Raises:
        RecipeError: there is no Axolotl, it failed (with its last lines), it left no safe weights, or it prepared other rows
        than it was given.
    """
    started = time.monotonic()
    command = [*axolotl_command(), "train", str(write_recipe(twin))]
    heard = Heard(twin.max_steps)
    status = run_child(command, twin, twin.folder / LOG, heard, progress)
    log = twin.folder / LOG
    if status:
        raise RecipeError(
            f"Axolotl failed on twin {twin.name} (status {status}). Its last lines, all are in {log}:\n{last_words(log)}"
        )
    if not any(twin.folder.glob("*.safetensors")):
        raise RecipeError(
            f"Axolotl ended well and left no .safetensors weights in {twin.folder}. With FSDP: final_state_dict_type: "
            f"FULL_STATE_DICT under fsdp_config. Its last lines:\n{last_words(log)}"
        )
    make_generable(twin.folder)
    return _result(twin, heard, time.monotonic() - started)


def make_generable(folder: Path) -> None:
    """Switch off router logits in the saved configuration: with them, batched and padded generation crashes."""
    path = folder / "config.json"
    if not path.is_file():
        return
    config = json.loads(path.read_bytes())
    if config.get("output_router_logits"):
        write_atomic(path, json.dumps({**config, "output_router_logits": False}, indent=2).encode() + b"\n")


def _result(twin: Twin, heard: Heard, seconds: float) -> TwinResult:
    state = saved_state(twin.folder)
    history = [[entry["step"], entry["loss"]] for entry in state.get("log_history", ()) if "loss" in entry]
    steps = int(state.get("global_step", 0)) or heard.step
    if steps and steps != twin.max_steps:
        raise RecipeError(f"Axolotl stopped twin {twin.name} after {steps} of {twin.max_steps} steps: it is not a twin")
    rows, tokens = held_against(twin, twin.folder / PREPARED)
    passes = float(state.get("epoch") or steps * _batch(twin.recipe.values) / max(rows, 1))
    return TwinResult(
        path=str(twin.folder),
        rows=twin.prepared.rows,
        rows_trained=min(rows, round(passes * rows)),
        rows_truncated=len(twin.prepared.truncated),
        tokens_trained=tokens,
        passes=round(passes, 6),
        steps=steps,
        seconds=round(seconds, 2),
        loss=history or heard.loss,
        settings=settings_of(twin.recipe, twin.folder, twin.max_steps),
    )
