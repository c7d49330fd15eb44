"""From the settings that hold settings to what nobody would read in them: TRL checks the names of a recipe's own lines alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from unmoor.errors import nearest_name

__all__ = ["OF_FSDP", "OF_LIGER", "OPTIM_ARGS", "is_yes", "settings_in", "unread", "unread_checkpointing"]

_YES = ("true", "yes", "y", "t", "1")
"""Words that TRL takes for true."""

_CHECKPOINTING = ("gradient_checkpointing_kwargs", "activation_checkpointing_kwargs")
_OF_CHECKPOINTING = ("use_reentrant", "preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop")
"""What torch.utils.checkpoint takes (PyTorch 2.13); another key goes to the layer of the model, which takes any."""
_OF_TRL = ("selective",)
_OF_DATA = ("skip_prepare_dataset",)
"""All that TRL 1.16 reads of dataset_kwargs."""
OF_FSDP = (
    "version", "auto_wrap_policy", "transformer_layer_cls_to_wrap", "min_num_params", "reshard_after_forward", "cpu_offload",
    "cpu_ram_efficient_loading", "state_dict_type", "activation_checkpointing", "forward_prefetch", "backward_prefetch",
    "use_orig_params", "sync_module_states", "limit_all_gathers", "xla", "xla_fsdp_v2", "xla_fsdp_grad_ckpt",
    "xla_fsdp_settings",
)  # fmt: skip
"""All that Transformers 5.23 reads of fsdp_config, each with "fsdp_" before it too."""
OF_LIGER = (
    "rope", "swiglu", "geglu", "relu_squared", "rms_norm", "layer_norm", "cross_entropy", "fused_linear_cross_entropy",
)  # fmt: skip
"""Every kernel that Liger 0.8 can be asked for, by one kind of model or another; another name is left out without a word."""
_DEFAULT_OPTIM = "adamw_torch_fused"
_LOW_RANK = ("rank", "update_proj_gap", "scale", "proj_type")
OPTIM_ARGS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("adafactor", "adamw_torch", _DEFAULT_OPTIM, "adamw_torch_xla", "adamw_torch_npu_fused", "lomo", "adalomo",
         "adamw_8bit", "adamw_bnb_8bit", "paged_adamw_32bit", "paged_adamw_8bit",
         "lion_32bit", "lion_8bit", "paged_lion_32bit", "paged_lion_8bit"), ()),
    "sgd": ("momentum", "dampening", "weight_decay", "nesterov"),
    "adagrad": ("lr_decay", "weight_decay", "eps"),
    "rmsprop": ("momentum", "alpha", "eps", "weight_decay", "centered"),
    "grokadamw": ("alpha_init", "lamb", "gamma", "grokking_signal_decay_rate", "gradient_clipping"),
    "stable_adamw": ("max_lr", "kahan_sum", "decouple_lr"),
    "adamw_anyprecision": ("use_kahan_summation", "momentum_dtype", "variance_dtype", "compensation_buffer_dtype"),
    **dict.fromkeys(
        ("ademamix", "ademamix_8bit", "paged_ademamix_32bit", "paged_ademamix_8bit"),
        ("beta1", "beta2", "beta3", "alpha", "eps", "t_alpha", "t_beta3")),
    **dict.fromkeys(
        ("galore_adamw", "galore_adamw_8bit", "galore_adafactor", "galore_adamw_layerwise", "galore_adamw_8bit_layerwise",
         "galore_adafactor_layerwise"), _LOW_RANK),
    **dict.fromkeys(("apollo_adamw", "apollo_adamw_layerwise"), (*_LOW_RANK, "proj", "scale_type")),
    **dict.fromkeys(("adamw_torch_4bit", "adamw_torch_8bit"), ("block_size", "bf16_stochastic_round")),
    **dict.fromkeys(("schedule_free_radam", "schedule_free_adamw", "schedule_free_sgd"), ("weight_lr_power", "r")),
}  # fmt: skip
"""What Transformers 5.23 reads of optim_args for each optimizer; those that are not here hand on whatever they get."""


def unread(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence on each key inside a setting of a TRL recipe that nobody would read, or that loses to another."""
    yield from _of_the_model(values.get("model_init_kwargs"))
    yield from unread_checkpointing(values, _OF_TRL)
    for key in settings_in(values.get("dataset_kwargs")):
        if key not in _OF_DATA:
            yield f'dataset_kwargs: TRL reads no key "{key}" in it: unmoor prepares the rows itself. Next: remove it'
    for key in settings_in(values.get("fsdp_config")):
        if key.removeprefix("fsdp_") not in OF_FSDP:
            yield _said("fsdp_config", key, OF_FSDP)
    yield from _of_liger(values.get("liger_kernel_config"))
    yield from _of_the_optimizer(str(values.get("optim") or _DEFAULT_OPTIM), values.get("optim_args"))
    accelerator = settings_in(values.get("accelerator_config"))
    if accelerator:
        known = _of_the_accelerator()
        yield from (_said("accelerator_config", key, known) for key in accelerator if key not in known)


def unread_checkpointing(values: Mapping[str, Any], more: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a sentence on each key of gradient checkpointing that PyTorch has not, beside those that a trainer has `more`."""
    known = (*_OF_CHECKPOINTING, *more)
    for name in _CHECKPOINTING:
        yield from (_said(name, key, known) for key in settings_in(values.get(name)) if key not in known)


def is_yes(value: Any) -> bool:
    """Return whether TRL takes a value for true."""
    return str(value).lower() in _YES


def settings_in(value: Any) -> dict[str, Any]:
    """Return the settings in a setting, which may be written as JSON in a text; none in anything else."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {}  # which TRL refuses
    return {str(key): one for key, one in value.items()} if isinstance(value, dict) else {}


def _of_the_model(value: Any) -> Iterator[str]:
    settings = settings_in(value)
    if value is not None and not settings and value != {}:
        yield f"model_init_kwargs should be settings by name, such as {{attn_implementation: sdpa}}, found {value!r}"
    if "torch_dtype" in settings:
        yield (
            "model_init_kwargs: torch_dtype loses to dtype, which is float32 where the recipe does not say it. "
            f"Next: dtype: {settings['torch_dtype']}, in a line of its own"
        )
    if settings.get("use_safetensors", True) is not True:
        yield "model_init_kwargs: use_safetensors is always true: pickled weights can run code. Next: remove it"


def _of_liger(value: Any) -> Iterator[str]:
    settings = settings_in(value)
    yield from (_said("liger_kernel_config", key, OF_LIGER) for key in settings if key not in OF_LIGER)
    if is_yes(settings.get("fused_linear_cross_entropy")):
        yield "liger_kernel_config: fused_linear_cross_entropy: true is refused by TRL, which has its own. Next: remove it"


def _of_the_optimizer(optimizer: str, value: Any) -> Iterator[str]:
    """Yield what is wrong with `optim_args`, a text such as "momentum=0.9, nesterov=true"."""
    if not value or optimizer not in OPTIM_ARGS:
        return
    known = OPTIM_ARGS[optimizer]
    if not known:
        yield (
            f"optim_args: {optimizer} reads none of them. Next: adam_beta1, adam_beta2, adam_epsilon and weight_decay are lines of "
            "their own; remove optim_args"
        )
        return
    for one in str(value).replace(" ", "").split(","):
        key, equals, _ = one.partition("=")
        if not equals:
            yield f'optim_args are written NAME=VALUE, with commas between them, found "{one}"'
        elif key not in known:
            yield _said(f"optim_args of {optimizer}", key, known)


def _of_the_accelerator() -> tuple[str, ...]:
    from dataclasses import fields

    from transformers.trainer_pt_utils import AcceleratorConfig

    return tuple(field.name for field in fields(AcceleratorConfig))


def _said(where: str, key: str, known: tuple[str, ...]) -> str:
    hint = nearest_name(key, known) or f" Known: {', '.join(known)}."
    return f'{where} has no key "{key}".{hint} Nobody would read it'
