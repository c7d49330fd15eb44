"""From a recipe's model_init_kwargs and its base's configuration to the names that nobody takes.

With these no model would be loaded, and that is found only when all rows are prepared.
"""

from __future__ import annotations

import inspect
from typing import Any

from unmoor.errors import RecipeError, nearest_name
from unmoor.training.inner_keys import settings_in
from unmoor.training.recipe import Recipe

__all__ = ["OF_LOADING", "check_model_settings"]

OF_LOADING = (
    "adapter_kwargs", "adapter_name", "allow_all_kernels", "attn_implementation", "code_revision", "device_map", "device_mesh",
    "distributed_config", "dtype", "experts_implementation", "generation_config", "gguf_file", "kernel_config", "key_mapping",
    "max_memory", "offload_buffers", "offload_folder", "output_loading_info", "proxies", "quantization_config", "state_dict",
    "subfolder", "torch_dtype", "tp_plan", "tp_size", "tqdm_class", "trust_remote_code", "use_kernels", "variant",
)  # fmt: skip
"""What from_pretrained of Transformers 5.23 takes beside the parameters of its signature."""


def check_model_settings(recipe: Recipe, revision: str | None) -> None:
    """Refuse names in model_init_kwargs that are neither of loading, nor in the base's configuration, nor the model's own.

    A model whose code comes with it may take any, and so may one that Transformers does not know by name.

    Raises:
        RecipeError: the names, and the nearest that is known.
    """
    settings = settings_in(recipe.values.get("model_init_kwargs"))
    if not settings or recipe.trusts_code:
        return
    import transformers

    parameters = inspect.signature(transformers.PreTrainedModel.from_pretrained).parameters
    taken = {*OF_LOADING, *parameters}
    others = {key: value for key, value in settings.items() if key not in taken}
    if not others:
        return
    try:
        config, left = transformers.AutoConfig.from_pretrained(
            recipe.base, revision=settings.get("revision") or revision, return_unused_kwargs=True, **others
        )
    except (OSError, ValueError, TypeError):
        return  # which loading the model will tell
    model = getattr(transformers, next(iter(config.architectures or ()), ""), None)
    if model is None:
        return
    of_model = inspect.signature(model.__init__).parameters
    if any(one.kind is one.VAR_KEYWORD for one in of_model.values()):
        return
    unknown = [key for key in left if key in others and key not in of_model]
    if unknown:
        hint = nearest_name(unknown[0], {*taken, *_plain_names(config)})
        raise RecipeError(
            f"{recipe.path}: model_init_kwargs: neither loading a model nor {recipe.base} has a setting "
            f"{', '.join(unknown)}.{hint} Next: remove it, or mend the name"
        )


def _plain_names(config: Any) -> list[str]:
    return [name for name in config.to_dict() if not name.startswith("_")]
