"""From a twin to a model trained by TRL's SFTTrainer, in this process, as `trl sft --config` would with the same
file.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, RecipeError
from unmoor.training.prepare import IGNORED, Prepared
from unmoor.training.recipe import Recipe
from unmoor.training.template import CHATML, END_OF_TURN, START_OF_TURN, training_template
from unmoor.training.twin import Progress, Twin, TwinResult

__all__ = ["count_steps", "load_tokenizer", "max_length", "train"]

NOWHERE = Path("unused")
"""An output path for reading settings only; nothing is written there."""


def max_length(recipe: Recipe) -> int | None:
    """Return how many tokens of a row the trainer keeps; TRL's own default is 1,024."""
    length = recipe.arguments(NOWHERE)[0].max_length
    return None if length is None else int(length)


def load_tokenizer(recipe: Recipe) -> tuple[Any, str]:
    """Return the base's tokenizer, with ChatML's tokens if its template needs them, and the template to train with.

    Raises:
        RecipeError: the base does not exist or has no tokenizer, or the recipe's template cannot be used.
    """
    arguments, model_arguments = recipe.arguments(NOWHERE)
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            _known_base(recipe), revision=model_arguments.model_revision, trust_remote_code=False
        )
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{recipe.path}: the tokenizer of {recipe.base} cannot be loaded: {_first_line(error)}"
        ) from error
    template = _given_template(recipe, arguments.chat_template_path) or training_template(tokenizer)
    if template == CHATML:
        tokenizer.add_special_tokens({"additional_special_tokens": [START_OF_TURN, END_OF_TURN]})
        tokenizer.eos_token = END_OF_TURN
    tokenizer.chat_template = template
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, template


def _known_base(recipe: Recipe) -> str:
    """Return the base after checking, for a local folder, that it is there and holds safe weights."""
    folder = Path(recipe.base)
    looks_local = folder.is_absolute() or recipe.base.startswith(".") or recipe.base.count("/") != 1
    if not folder.exists():
        if looks_local:
            raise RecipeError(
                f"{recipe.path}: there is no base model {recipe.base}: give a folder or a hub id like owner/name"
            )
        return recipe.base
    if not (folder / "config.json").is_file():
        raise RecipeError(f"{recipe.path}: {recipe.base} is not a model: it has no config.json")
    if not any(folder.glob("*.safetensors")):
        raise RecipeError(
            f"{recipe.path}: {recipe.base} has no .safetensors weights; pickled weights can run code and are refused"
        )
    return recipe.base


def _given_template(recipe: Recipe, path: str | None) -> str | None:
    if path is None:
        return None
    if not path.endswith((".jinja", ".j2")):
        raise RecipeError(f"{recipe.path}: chat_template_path must be a .jinja or .j2 file here, found {path}")
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{recipe.path}: chat_template_path {path} cannot be read: {error.strerror}") from error


def count_steps(recipe: Recipe, prepared: Prepared) -> int:
    """Return how many optimiser steps the recipe asks for on this data: its max_steps, or its epochs as TRL counts
    them.
    """
    arguments, _ = recipe.arguments(NOWHERE)
    max_steps = int(arguments.max_steps)
    if max_steps > 0:
        return max_steps
    rows = len(_packed(prepared, arguments)) if arguments.packing else len(prepared.examples)
    batch = arguments.per_device_train_batch_size * max(arguments.world_size, 1)
    batches: int = rows // batch if arguments.dataloader_drop_last else math.ceil(rows / batch)
    per_epoch = max(math.ceil(batches / arguments.gradient_accumulation_steps), 1)
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
        RecipeError: the base cannot be loaded, or TRL refuses the recipe.
    """
    started = time.monotonic()
    trainer = _trainer(twin, progress)
    _assert_mask(twin, trainer.train_dataset)
    trainer.train(resume_from_checkpoint=_last_checkpoint(twin.checkpoints))
    _make_generable(trainer.model)
    trainer.save_model(str(twin.folder))
    return _result(twin, trainer, time.monotonic() - started)


def _trainer(twin: Twin, progress: Progress | None) -> Any:
    import datasets
    from transformers import PrinterCallback, set_seed
    from trl import SFTTrainer, get_peft_config

    datasets.disable_progress_bars()
    arguments, model_arguments = twin.recipe.arguments(twin.checkpoints, twin.max_steps)
    arguments.disable_tqdm = True
    arguments.assistant_only_loss = False  # the labels hold it already; TRL would ask for messages to make them from
    arguments.chat_template_path = None  # already in the tokenizer; TRL would load it again
    tokenizer, _ = load_tokenizer(twin.recipe)
    set_seed(arguments.seed)
    model = _load_model(twin.recipe, arguments, model_arguments, tokenizer)
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
        raise RecipeError(f"{twin.recipe.path}: TRL refuses it: {_first_line(error)}") from error
    trainer.remove_callback(PrinterCallback)
    return trainer


def _load_model(recipe: Recipe, arguments: Any, model_arguments: Any, tokenizer: Any) -> Any:
    """Load the base as `trl sft` does, but from safe weights only, with room for ChatML's tokens."""
    from trl import get_quantization_config
    from trl.trainer.utils import create_model_from_path

    options = {
        "revision": model_arguments.model_revision,
        "attn_implementation": model_arguments.attn_implementation,
        "dtype": model_arguments.dtype,
        "quantization_config": get_quantization_config(model_arguments),
        **(arguments.model_init_kwargs or {}),
        "trust_remote_code": False,
        "use_safetensors": True,
    }
    arguments.model_init_kwargs = None
    try:
        model = create_model_from_path(
            recipe.base, **{key: value for key, value in options.items() if value is not None}
        )
    except (OSError, ValueError) as error:
        raise RecipeError(f"{recipe.path}: the base {recipe.base} cannot be loaded: {_first_line(error)}") from error
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        if model_arguments.use_peft and not {"embed_tokens", "lm_head"} <= set(
            model_arguments.lora_modules_to_save or ()
        ):
            raise RecipeError(
                f"{recipe.path}: {recipe.base} does not know ChatML's tokens, and an adapter would never train them. "
                "Next: lora_modules_to_save: [embed_tokens, lm_head]"
            )
        model.resize_token_embeddings(len(tokenizer))
    model.config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    return model


def _reporter(name: str, progress: Progress) -> Any:
    from transformers import TrainerCallback

    def on_step_end(_callback: Any, _arguments: Any, state: Any, _control: Any, **_: Any) -> None:
        progress(f"train {name}", state.global_step, state.max_steps)

    return type("Reporter", (TrainerCallback,), {"on_step_end": on_step_end})()


def _assert_mask(twin: Twin, dataset: Any) -> None:
    """Raise RecipeError unless every row of the trainer's own data has a token to learn and one to leave out."""
    for index, labels in enumerate(dataset["labels"]):
        learned = sum(label != IGNORED for label in labels)
        if learned in (0, len(labels)):
            raise RecipeError(
                f"{twin.recipe.path}: row {index + 1} of the prepared data of twin {twin.name} trains on {learned} of "
                f"{len(labels)} tokens: the mask is wrong"
            )


def _last_checkpoint(folder: Path) -> str | None:
    from transformers.trainer_utils import get_last_checkpoint

    return get_last_checkpoint(str(folder)) if folder.is_dir() else None


def _make_generable(model: Any) -> None:
    """Switch off what training leaves on: with router logits a mixture of experts crashes in batched, padded
    generation.
    """
    if getattr(model.config, "output_router_logits", False):
        model.config.output_router_logits = False


def _result(twin: Twin, trainer: Any, seconds: float) -> TwinResult:
    dataset = trainer.train_dataset
    packs = dataset["seq_lengths"] if "seq_lengths" in dataset.column_names else None
    rows = sum(len(lengths) for lengths in packs) if packs is not None else len(dataset)
    passes = float(trainer.state.epoch or 0.0)
    return TwinResult(
        path=str(twin.folder),
        rows=twin.prepared.rows,
        rows_trained=min(rows, round(passes * rows)),
        rows_truncated=len(twin.prepared.truncated),
        tokens_trained=sum(label != IGNORED for labels in dataset["labels"] for label in labels),
        passes=round(passes, 3),
        steps=int(trainer.state.global_step),
        seconds=round(seconds, 2),
        loss=[[entry["step"], entry["loss"]] for entry in trainer.state.log_history if "loss" in entry],
        settings=trainer.args.to_dict(),
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
