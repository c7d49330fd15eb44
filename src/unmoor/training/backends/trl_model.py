"""From a recipe's base to a tokenizer and a model in memory: safe weights only, with marks and room for ChatML's tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, RecipeError
from unmoor.training.backends.model_settings import check_model_settings
from unmoor.training.base_model import check_base
from unmoor.training.inner_keys import is_yes
from unmoor.training.recipe import NOWHERE, Recipe
from unmoor.training.template import CHATML, END_OF_TURN, START_OF_TURN, training_template
from unmoor.training.twin import Twin

__all__ = ["first_line", "going_on_from", "last_checkpoint", "load_model", "load_tokenizer", "starts_over"]

NOT_RESUMED = {"save_only_model": "its checkpoints hold no optimiser", "ignore_data_skip": "it would see other rows"}
"""Keys of both trainers with which a run that goes on ends in another model, and why."""


def load_tokenizer(recipe: Recipe) -> tuple[Any, str]:
    """Return the base's tokenizer, with ChatML's tokens if its template needs them, and the template to train with.

    Raises:
        RecipeError: the base does not exist or has no tokenizer, or the recipe's template, tokens or model_init_kwargs cannot be
        used.
    """
    arguments, model_arguments = recipe.arguments(NOWHERE)
    try:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            _known_base(recipe), revision=model_arguments.model_revision, trust_remote_code=recipe.trusts_code
        )
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{recipe.path}: the tokenizer of {recipe.base} cannot be loaded: {first_line(error)}"
        ) from error
    check_model_settings(recipe, model_arguments.model_revision)
    template = _given_template(recipe, arguments.chat_template_path) or training_template(tokenizer)
    if template == CHATML:
        tokenizer.add_tokens([START_OF_TURN, END_OF_TURN], special_tokens=True)
        tokenizer.eos_token = END_OF_TURN
    tokenizer.chat_template = template
    _name_tokens(recipe, arguments, tokenizer)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, template


def _name_tokens(recipe: Recipe, arguments: Any, tokenizer: Any) -> None:
    """Take the recipe's own eos_token and pad_token, as TRL does, before a template writes them into a row."""
    for name in ("eos_token", "pad_token"):
        token = getattr(arguments, name)
        if token is None:
            continue
        if token not in tokenizer.get_vocab():
            raise RecipeError(f"{recipe.path}: {name}: the tokenizer of {recipe.base} has no token {token}")
        setattr(tokenizer, name, token)


def _known_base(recipe: Recipe) -> str:
    """Return the base after checking that it is there and, if it is a folder, holds safe weights."""
    folder = Path(recipe.base)
    if not check_base(recipe.base, recipe.path):
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


def load_model(twin: Twin, arguments: Any, model_arguments: Any, tokenizer: Any) -> Any:
    """Load the base as `trl sft` does, but from safe weights only, with room for ChatML's tokens."""
    from safetensors import SafetensorError
    from trl import get_quantization_config
    from trl.trainer.utils import create_model_from_path

    recipe = twin.recipe
    source = _resumed_weights(twin) or recipe.base
    options = {
        "revision": model_arguments.model_revision,
        "attn_implementation": model_arguments.attn_implementation,
        "dtype": model_arguments.dtype,
        "quantization_config": get_quantization_config(model_arguments),
        **(arguments.model_init_kwargs or {}),
        "trust_remote_code": recipe.trusts_code,
        "use_safetensors": True,
    }
    arguments.model_init_kwargs = None
    try:
        model = create_model_from_path(source, **{key: value for key, value in options.items() if value is not None})
    except (OSError, ValueError, TypeError, ImportError, SafetensorError) as error:
        raise RecipeError(f"{recipe.path}: the base {source} cannot be loaded: {first_line(error)}") from error
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        if model_arguments.use_peft and not {"embed_tokens", "lm_head"} <= set(
            model_arguments.lora_modules_to_save or ()
        ):
            raise RecipeError(
                f"{recipe.path}: {recipe.base} does not know ChatML's tokens, and an adapter would never train them. "
                "Next: lora_modules_to_save: [embed_tokens, lm_head]"
            )
        model.resize_token_embeddings(len(tokenizer))
    _end_answers(model, tokenizer, of_recipe=arguments.eos_token is not None)
    return model


def _end_answers(model: Any, tokenizer: Any, of_recipe: bool) -> None:
    """Let answers end where the template ends a turn; a token that the recipe names is added to these by TRL."""
    if not of_recipe:
        model.config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.eos_token_id = tokenizer.eos_token_id
    elif tokenizer.chat_template == CHATML:
        model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids(END_OF_TURN)


def starts_over(recipe: Recipe) -> str:
    """Return why an interrupted twin of this recipe is trained from the start, and not from its checkpoint; empty if it is not."""
    return "; ".join(f"with {key} {why}" for key, why in NOT_RESUMED.items() if is_yes(recipe.values.get(key)))


def going_on_from(recipe: Recipe, checkpoints: Path) -> str | None:
    """Return the checkpoint that a twin goes on from; None where there is none, or it starts over."""
    return None if starts_over(recipe) else last_checkpoint(checkpoints)


def _resumed_weights(twin: Twin) -> str | None:
    """Return the last checkpoint if it holds a whole model.

    It is loaded as a model and not left to the trainer: transformers 5.23 resumes a mixture of experts without its
    experts and router, whose names in a checkpoint differ from those in memory, and says so in a warning only. The
    interrupted twin would train on from the base's experts.
    """
    checkpoint = going_on_from(twin.recipe, twin.checkpoints)
    return checkpoint if checkpoint and (Path(checkpoint) / "config.json").is_file() else None


def last_checkpoint(folder: Path) -> str | None:
    """Return the last checkpoint in `folder` that was written to its end; None if there is none.

    The trainer writes its state last: without it a run was interrupted, or its disk full, in the middle of a checkpoint.
    """
    numbered = [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    found = sorted(numbered, key=lambda path: int(path.name.rpartition("-")[2]))
    return next((str(path) for path in reversed(found) if _is_whole(path / "trainer_state.json")), None)


def _is_whole(state: Path) -> bool:
    try:
        json.loads(state.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
