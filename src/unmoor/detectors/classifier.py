"""From a model's name to the sequence classifier that judges and topics ask: of transformers, which loads on use."""

from __future__ import annotations

from typing import Any

from unmoor.errors import MissingExtraError, UsageError

__all__ = ["load_classifier"]


def load_classifier(what: str, model: str, **options: Any) -> Any:
    """Return the pipeline of a model in a folder or on the hub; `what` is what an error calls it, "The judge hf:MODEL".

    Raises:
        MissingExtraError: transformers is not installed.
        UsageError: there is no such model, it cannot be reached, or it is no classifier.
    """
    try:
        from transformers import pipeline
    except ImportError as error:
        raise MissingExtraError(what, "train") from error
    try:
        return pipeline("text-classification", model=model, **options)
    except (OSError, ValueError, KeyError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"{what} cannot be loaded: {why} Next: the folder of a sequence classifier, or the name of one on the hub"
        ) from error
