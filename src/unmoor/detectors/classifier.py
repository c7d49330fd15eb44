"""From a model's name to the sequence classifier that judges and topics ask: of transformers, which loads on use."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, UsageError

__all__ = ["Classifier", "load_classifier"]

_NO_LIMIT = 1_000_000
"""Tokens from which what a tokenizer names as the longest text is no limit."""
_COUNTED_FROM_PADDING = (
    "roberta",
    "xlm-roberta",
    "camembert",
    "longformer",
    "mpnet",
    "xmod",
    "ibert",
    "luke",
    "esm",
    "data2vec",
)
"""Kinds of models whose positions begin behind that of padding, so that fewer are left for tokens."""
_SAMPLED = 1024
"""Values of each tensor that tell a model from another."""
_WHY_CHARS = 300
_OF_THE_PLACE = ("_name_or_path", "transformers_version")
"""What a configuration says of where it lies and of who reads it."""
_SENTENCE = "<|user|>\nHow do I boil an egg? <|assistant|>\nI'm sorry, but I can't help with that. \u00dcber 7 \u5206"
"""What tells one tokenizer from another."""


@dataclass(frozen=True)
class Classifier:
    """A sequence classifier: its `labels`, an `identity` that another one, or the same with other weights, does not have, and
    `scores`: of a text, cut to as many tokens as the model takes, what the pipeline returns.
    """

    labels: tuple[str, ...]
    identity: str
    scores: Callable[[str], Any]


def load_classifier(what: str, model: str, **options: Any) -> Classifier:
    """Return the model in a folder or on the hub; `what` is what an error calls it, "The judge hf:MODEL".

    Raises:
        MissingExtraError: transformers is not installed.
        UsageError: there is no such model, it cannot be reached, it is damaged, or it is no classifier.
    """
    try:
        from transformers import pipeline
    except ImportError as error:
        raise MissingExtraError(what, "train") from error
    following = "Next: the folder of a sequence classifier, or the name of one on the hub"
    place = str(Path(model).expanduser()) if model.startswith((".", "/", "~")) else model
    if place.startswith((".", "/")) and not Path(place).is_dir():
        raise UsageError(f"{what} cannot be loaded: there is no folder {model}. {following}")
    try:
        loaded = pipeline("text-classification", model=place, **options)
    except Exception as error:  # weights cut short, shapes that do not fit: each library has its own
        said = " ".join(str(error).partition("See the original errors")[0].split()) or type(error).__name__
        why = said if len(said) <= _WHY_CHARS else said[: _WHY_CHARS - 1] + "…"
        raise UsageError(f"{what} cannot be loaded: {why} {following}") from error
    limit = _most_tokens(loaded)
    cut = {"truncation": True} | ({} if limit is None else {"max_length": limit})
    labels = tuple(map(str, getattr(loaded.model.config, "id2label", {}).values()))
    return Classifier(labels, _identity(loaded, limit), lambda text: loaded([text], **cut)[0])


def _most_tokens(loaded: Any) -> int | None:
    """Return how many tokens a text may have for a model, as its tokenizer and its positions say; None if neither does."""
    config = loaded.model.config
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and str(config.model_type).startswith(_COUNTED_FROM_PADDING):
        positions -= (config.pad_token_id or 0) + 1
    named = getattr(loaded.tokenizer, "model_max_length", None)
    limits = [limit for limit in (positions, named) if isinstance(limit, int) and 0 < limit < _NO_LIMIT]
    return min(limits, default=None)


def _identity(loaded: Any, limit: int | None) -> str:
    """Return a hash of a model's configuration, of how its tokenizer reads a sentence, of where texts are cut and of values from
    all over its weights: by its name alone a model that was trained again, or another folder of that name, would be taken for it.
    """
    import torch

    config = {key: value for key, value in loaded.model.config.to_dict().items() if key not in _OF_THE_PLACE}
    read = loaded.tokenizer(_SENTENCE)["input_ids"] if loaded.tokenizer is not None else []
    told = hashlib.sha256(json.dumps([config, limit, list(read)], sort_keys=True, default=str).encode())
    for name, tensor in sorted(loaded.model.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        sampled = flat[:: max(1, len(flat) // _SAMPLED)].to("cpu").contiguous().view(torch.uint8)
        told.update(f"{name} {tuple(tensor.shape)}".encode() + sampled.numpy().tobytes())
    return told.hexdigest()
