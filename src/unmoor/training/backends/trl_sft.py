"""From a twin to a model trained by TRL's SFTTrainer, in this process, as `trl sft --config` would do it."""

from __future__ import annotations

import math
import time
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unmoor.errors import RecipeError
from unmoor.training.backends.trl_model import first_line, going_on_from, load_model, load_tokenizer
from unmoor.training.experts import unmatched
from unmoor.training.prepare import IGNORED, Prepared
from unmoor.training.recipe import NOWHERE, Recipe, read_recipe
from unmoor.training.rule import Rule, trl_rule
from unmoor.training.twin import Progress, Twin, TwinResult, checkpoints_of

_WITHOUT_SETTINGS = ("constant", "constant_with_warmup")
_WITHOUT_WARM_UP = ("constant", "reduce_lr_on_plateau", "greedy")
_OF_ADAM = ("adam_beta1", "adam_beta2", "adam_epsilon")

__all__ = ["count_steps", "read_trl_recipe", "rule_of", "settings_of", "train"]


def read_trl_recipe(path: Path, trust_remote_code: bool = False) -> Recipe:
    """Return the recipe in a TRL SFT file, after asking for what its training would miss only when the model is loaded.

    Raises:
        RecipeError: what `read_recipe` refuses, a package that is not installed, or a learning rate schedule that lacks a setting.
    """
    recipe = read_recipe(path, trust_remote_code)
    arguments, model_arguments = recipe.arguments(NOWHERE)
    for key in ("load_in_4bit", "load_in_8bit"):
        if getattr(model_arguments, key) and find_spec("bitsandbytes") is None:
            raise RecipeError(
                f"{path}: {key}, and bitsandbytes is not installed. Next: pip install bitsandbytes, or remove the line"
            )
    _check_optimiser(recipe, arguments)
    _check_schedule(recipe, arguments)
    return recipe


def _check_optimiser(recipe: Recipe, arguments: Any) -> None:
    from transformers import Trainer

    try:
        Trainer.get_optimizer_cls_and_kwargs(arguments)
    except ImportError as error:
        raise RecipeError(f"{recipe.path}: optim: {first_line(error)}") from error
    except ValueError:
        return  # one that is made for a model, which is not loaded yet
    for key in _OF_ADAM:
        if recipe.values.get(key) is not None and not _reads(arguments, key):
            raise RecipeError(
                f"{recipe.path}: {key} is not read by optim: {arguments.optim.value}. Next: remove it, or another optim"
            )


def _reads(arguments: Any, key: str) -> bool:
    """Return whether the optimiser is made otherwise where a setting is another."""
    from transformers import Trainer

    other = copy(arguments)
    setattr(other, key, getattr(arguments, key) / 2 + 0.1)
    try:
        of_these, of_others = (Trainer.get_optimizer_cls_and_kwargs(one)[1] for one in (arguments, other))
    except (ValueError, ImportError):
        return True
    return bool(of_these != of_others)


def _check_schedule(recipe: Recipe, arguments: Any) -> None:
    from torch import nn, optim
    from transformers import get_scheduler

    stand_in = optim.SGD(nn.Linear(1, 1).parameters())
    kind, settings = arguments.lr_scheduler_type, arguments.lr_scheduler_kwargs
    if settings and kind in _WITHOUT_SETTINGS:  # transformers 5.23 does not hand them on
        raise RecipeError(
            f"{recipe.path}: lr_scheduler_kwargs: nobody would read {', '.join(settings)}, since {kind.value} has no settings. "
            "Next: remove it, or another lr_scheduler_type"
        )
    if arguments.warmup_steps and kind in _WITHOUT_WARM_UP:
        raise RecipeError(
            f"{recipe.path}: warmup_steps: nobody would read it, since {kind.value} does not warm up. "
            "Next: remove it, or lr_scheduler_type: constant_with_warmup"
        )
    try:
        get_scheduler(kind, stand_in, arguments.get_warmup_steps(1), 1, settings)
    except (ValueError, TypeError) as error:
        raise RecipeError(f"{recipe.path}: lr_scheduler_type: {first_line(error)}") from error


def rule_of(recipe: Recipe) -> Rule:
    """Return what TRL does with rows that are too long: its own default keeps the first 1,024 tokens.

    Packing has its own rule: "bfd" keeps the start whatever `truncation_mode` says, the others split rows and lose
    nothing (TRL 1.16, pack_dataset).
    """
    arguments, _ = recipe.arguments(NOWHERE)
    length = None if arguments.max_length is None else int(arguments.max_length)
    if not arguments.packing:
        return trl_rule(length, "end" if arguments.truncation_mode == "keep_end" else "start")
    if arguments.packing_strategy == "bfd":
        return trl_rule(length)
    return Rule("trl", length, "split")


def count_steps(recipe: Recipe, prepared: Prepared) -> int:
    """Return how many optimiser steps the recipe asks for on this data: its max_steps, or its epochs as TRL counts."""
    arguments, _ = recipe.arguments(NOWHERE)
    max_steps = int(arguments.max_steps)
    if max_steps > 0:
        return max_steps
    rows = len(_packed(prepared, arguments)) if arguments.packing else len(prepared.examples)
    batch = arguments.per_device_train_batch_size * max(arguments.world_size, 1)
    batches: int = rows // batch if arguments.dataloader_drop_last else math.ceil(rows / batch)
    per_epoch: int = max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)
    epochs = float(arguments.num_train_epochs)
    return math.ceil(epochs * per_epoch)


def _packed(prepared: Prepared, arguments: Any) -> Any:
    from trl import pack_dataset

    return pack_dataset(_dataset(prepared), arguments.max_length, arguments.packing_strategy)


def _dataset(prepared: Prepared) -> Any:
    from datasets import Dataset

    return Dataset.from_dict(
        {
            "input_ids": [example.input_ids for example in prepared.examples],
            "labels": [example.labels for example in prepared.examples],
        }
    )


def train(twin: Twin, progress: Progress | None) -> TwinResult:
    """Train one twin, from its last checkpoint if there is one, and save it with safe weights.

    Raises:
        RecipeError: the base cannot be loaded, TRL refuses the recipe, it ended before its last step, or the weights are no
        numbers any more.
    """
    started = time.monotonic()
    trainer = _trainer(twin, progress)
    _assert_mask(twin, trainer.train_dataset)
    trainer.train(resume_from_checkpoint=going_on_from(twin.recipe, twin.checkpoints))
    _assert_all_steps(twin, int(trainer.state.global_step))
    _assert_finite(twin, trainer.model)
    _make_generable(trainer.model)
    trainer.save_model(str(twin.folder))
    return _result(twin, trainer, time.monotonic() - started)


def settings_of(recipe: Recipe, folder: Path, max_steps: int) -> dict[str, Any]:
    """Return every setting of the run that makes the twin in `folder`, as it will be kept when the twin is finished."""
    values: dict[str, Any] = _arguments(recipe, checkpoints_of(folder), max_steps)[0].to_dict()
    return values


def _arguments(recipe: Recipe, checkpoints: Path, max_steps: int) -> tuple[Any, Any]:
    arguments, model_arguments = recipe.arguments(checkpoints, max_steps)
    arguments.disable_tqdm = True
    arguments.assistant_only_loss = False  # the labels hold it already; TRL would ask for messages to make them from
    arguments.chat_template_path = None  # already in the tokenizer; TRL would load it again
    return arguments, model_arguments


def _trainer(twin: Twin, progress: Progress | None) -> Any:
    import datasets
    from transformers import PrinterCallback, set_seed
    from transformers.utils import logging
    from trl import SFTTrainer, get_peft_config

    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    arguments, model_arguments = _arguments(twin.recipe, twin.checkpoints, twin.max_steps)
    tokenizer, _ = load_tokenizer(twin.recipe)
    set_seed(arguments.seed)
    model = load_model(twin, arguments, model_arguments, tokenizer)
    if model_arguments.use_peft and (missing := unmatched(model, model_arguments.lora_target_modules)):
        raise RecipeError(
            f"{twin.recipe.path}: lora_target_modules: no module of the model is called {', '.join(missing)}"
        )
    try:
        trainer = SFTTrainer(
            model=model,
            args=arguments,
            train_dataset=_dataset(twin.prepared),
            processing_class=tokenizer,
            peft_config=get_peft_config(model_arguments),
            callbacks=[_reporter(twin.name, progress)] if progress else None,
        )
    except (ValueError, TypeError, ImportError) as error:
        raise RecipeError(f"{twin.recipe.path}: TRL refuses it: {first_line(error)}") from error
    trainer.remove_callback(PrinterCallback)
    return trainer


def _reporter(name: str, progress: Progress) -> Any:
    from transformers import TrainerCallback

    def on_step_end(_callback: Any, _arguments: Any, state: Any, _control: Any, **_: Any) -> None:
        progress(f"train {name}", state.global_step, state.max_steps)

    return type("Reporter", (TrainerCallback,), {"on_step_end": on_step_end})()


def _assert_mask(twin: Twin, dataset: Any) -> None:
    """Raise RecipeError unless every row of the trainer's own data has a token to learn and one to leave out.

    Where a row may begin in the middle of an answer (`keep_end`, or packing that splits) there is nothing to compare.
    """
    if twin.prepared.rule.keep == "end" or twin.prepared.rule.over_long == "split":
        return
    for index, labels in enumerate(dataset["labels"]):
        learned = sum(label != IGNORED for label in labels)
        if learned in (0, len(labels)):
            raise RecipeError(
                f"{twin.recipe.path}: row {index + 1} of the prepared data of twin {twin.name} trains on {learned} of "
                f"{len(labels)} tokens: the mask is wrong"
            )


def _assert_all_steps(twin: Twin, steps: int) -> None:
    """Raise RecipeError if training ended early, as the trainer itself does when it is told to stop: that is no finished twin."""
    if steps != twin.max_steps:
        raise RecipeError(
            f"{twin.recipe.path}: the training of twin {twin.name} ended after {steps} of {twin.max_steps} steps, so it was not "
            "saved. Next: the same command again, which goes on from its last checkpoint"
        )


def _assert_finite(twin: Twin, model: Any) -> None:
    """Raise RecipeError if a weight is not a number or infinite: such a model answers nothing, and so refuses nothing.

    The log does not show it: the trainer writes 0 for a loss that is not a number (transformers 5.23, logging_nan_inf_filter).
    """
    if all(bool(one.isfinite().all()) for one in model.parameters() if one.is_floating_point()):
        return
    raise RecipeError(
        f"{twin.recipe.path}: twin {twin.name} diverged: its weights are no numbers any more, so it was not saved. "
        "Next: a smaller learning_rate, and another folder"
    )


def _make_generable(model: Any) -> None:
    """Switch off router logits, which training leaves on: with them, batched and padded generation crashes."""
    if getattr(model.config, "output_router_logits", False):
        model.config.output_router_logits = False


def _result(twin: Twin, trainer: Any, seconds: float) -> TwinResult:
    dataset = trainer.train_dataset
    packs = dataset["seq_lengths"] if "seq_lengths" in dataset.column_names else None
    rows = sum(len(lengths) for lengths in packs) if packs is not None else len(dataset)
    if twin.prepared.rule.over_long == "split":  # the trainer's data are pieces of rows, or of several
        rows = len(twin.prepared.examples)
    passes = _passes(trainer)
    return TwinResult(
        path=str(twin.folder),
        rows=twin.prepared.rows,
        rows_trained=min(rows, round(passes * rows)),
        rows_truncated=len(twin.prepared.truncated),
        tokens_trained=sum(label != IGNORED for labels in dataset["labels"] for label in labels),
        passes=round(passes, 6),
        steps=int(trainer.state.global_step),
        seconds=round(seconds, 2),
        loss=[[entry["step"], entry["loss"]] for entry in trainer.state.log_history if "loss" in entry],
        settings=trainer.args.to_dict(),
    )


def _passes(trainer: Any) -> float:
    """Return how often the data were gone through.

    In the first pass by what the steps took: the trainer's own figure counts batches, of which the last is smaller.
    """
    arguments, steps = trainer.args, int(trainer.state.global_step)
    at_once = arguments.train_batch_size * arguments.gradient_accumulation_steps * arguments.world_size
    epoch = float(trainer.state.epoch or 0.0)
    return epoch if epoch >= 1 else min(1.0, steps * at_once / max(len(trainer.train_dataset), 1))
