"""From an Axolotl recipe to the tokenizer and template that Axolotl will use, made here so that rows can be prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, RecipeError
from unmoor.training.backends.trl_model import first_line
from unmoor.training.base_model import check_base
from unmoor.training.recipe import Recipe
from unmoor.training.template import CHATML, END_OF_TURN, MARKS, START_OF_TURN, training_template

__all__ = ["load_tokenizer"]


def load_tokenizer(recipe: Recipe) -> tuple[Any, str]:
    """Return the tokenizer with the recipe's own tokens, added in Axolotl's order, and the template with marks.

    The order is that of Axolotl 0.21 (loaders/tokenizer.py): special_tokens, tokens, additional_special_tokens. Ids
    depend on it, and rows go to Axolotl as ids.

    Raises:
        RecipeError: the base has no tokenizer, or the template cannot be used with these tokens.
    """
    values = recipe.values
    try:
        from transformers import AutoTokenizer

        named = str(values.get("tokenizer_config") or recipe.base)
        for base in dict.fromkeys((recipe.base, named)):
            check_base(base, recipe.path)
        tokenizer = AutoTokenizer.from_pretrained(
            named,
            revision=values.get("revision_of_model"),
            trust_remote_code=recipe.trusts_code,
        )
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    except (OSError, ValueError) as error:
        raise RecipeError(
            f"{recipe.path}: the tokenizer of {recipe.base} cannot be loaded: {first_line(error)}"
        ) from error
    known = len(tokenizer)
    _add_tokens(tokenizer, values)
    template = _template(recipe, tokenizer)
    _check_chatml(recipe, tokenizer, template)
    _check_new_tokens(recipe, len(tokenizer) - known)
    tokenizer.chat_template = template
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, template


def _add_tokens(tokenizer: Any, values: dict[str, Any]) -> None:
    from transformers import AddedToken

    def exact(text: str) -> Any:
        return AddedToken(text, rstrip=False, lstrip=False, normalized=False)

    special = dict(values.get("special_tokens") or {})
    more = special.pop("additional_special_tokens", None)
    for name, text in special.items():
        if text:
            tokenizer.add_special_tokens({name: exact(text)})
    if values.get("tokens"):
        tokenizer.add_tokens([exact(text) for text in values["tokens"]])
    if more:
        tokenizer.add_special_tokens({"additional_special_tokens": more})


def _template(recipe: Recipe, tokenizer: Any) -> str:
    asked = recipe.values.get("chat_template")
    given = recipe.values.get("chat_template_jinja")
    if asked == "chatml":
        return CHATML
    if asked == "jinja" or (given and not asked):
        return _given(recipe, given)
    if asked in (None, "tokenizer_default") or (asked == "tokenizer_default_fallback_chatml"):
        return training_template(tokenizer)
    raise RecipeError(
        f"{recipe.path}: chat_template: {asked} is a template inside Axolotl, without marks for what the assistant says. "
        "Next: chat_template: chatml, or jinja with chat_template_jinja: FILE"
    )


def _given(recipe: Recipe, given: Any) -> str:
    if not given:
        raise RecipeError(f"{recipe.path}: chat_template: jinja needs chat_template_jinja: FILE")
    text = Path(given).read_text(encoding="utf-8") if "{" not in given and Path(given).is_file() else str(given)
    if not MARKS.search(text):
        raise RecipeError(
            f"{recipe.path}: chat_template_jinja has no {{% generation %}} marks, so nobody can say what is learned. "
            "Next: put them around what the assistant says"
        )
    return text


def _check_chatml(recipe: Recipe, tokenizer: Any, template: str) -> None:
    """Raise unless ChatML's marks are one token each and the end of a turn ends an answer too."""
    if template != CHATML:
        return
    lacking = [one for one in (START_OF_TURN, END_OF_TURN) if len(tokenizer.encode(one, add_special_tokens=False)) != 1]
    if lacking or tokenizer.eos_token != END_OF_TURN:
        why = f"{lacking[0]} is no token of its own" if lacking else f"the end of text is {tokenizer.eos_token}"
        raise RecipeError(
            f"{recipe.path}: the template is ChatML and {why}, so the model would not learn to stop. Next:\n"
            f'special_tokens:\n  eos_token: "{END_OF_TURN}"\ntokens: ["{START_OF_TURN}"]'
        )


def _check_new_tokens(recipe: Recipe, added: int) -> None:
    saved = set(recipe.values.get("lora_modules_to_save") or ())
    if added and recipe.values.get("adapter") and not {"embed_tokens", "lm_head"} <= saved:
        raise RecipeError(
            f"{recipe.path}: the recipe adds {added} tokens, and an adapter would never train them. "
            "Next: lora_modules_to_save: [embed_tokens, lm_head]"
        )
