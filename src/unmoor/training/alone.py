"""From settings that are read beside another to those that stand without it, and those that lose to another: nobody reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unmoor.training.inner_keys import is_yes, settings_in

__all__ = ["unread_alone"]

_OF_AN_ADAPTER = (
    "lora_r", "lora_target_modules", "lora_target_parameters", "lora_alpha", "lora_dropout", "lora_modules_to_save", "use_rslora",
    "use_dora",
)  # fmt: skip
_OF_FOUR_BITS = ("bnb_4bit_quant_type", "bnb_4bit_quant_storage", "use_bnb_nested_quant")
_INNER_WINS = {"dtype": "dtype", "attn_implementation": "attn_implementation", "model_revision": "revision"}
"""Lines of TRL's ModelConfig, and what takes their place where model_init_kwargs has it."""
_FOR_CHOSEN_MODULES = ("galore", "apollo")


def unread_alone(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence on each setting of a TRL recipe that its trainer reads only beside another that is not there."""
    yield from _without(values, _OF_AN_ADAPTER, "use_peft", "the whole model would be trained")
    yield from _without(values, _OF_FOUR_BITS, "load_in_4bit", "the weights would not be in 4 bits")
    yield from _without(values, ("liger_kernel_config",), "use_liger_kernel", "none of its kernels would be used")
    yield from _without(values, ("packing_strategy",), "packing", "no rows would be packed")
    yield from _beside(values)
    for key in ("gradient_checkpointing", "activation_checkpointing"):
        if values.get(key) in ("unsloth", "offload"):
            offload = " and activation_offloading: true" if values[key] == "offload" else ""
            yield f"{key}: {values[key]} is another trainer's way, here it is on or off. Next: {key}: true{offload}"
    inner = settings_in(values.get("model_init_kwargs"))
    for line, key in _INNER_WINS.items():
        if line in values and key in inner and inner[key] != values[line]:
            yield (
                f"{line}: {values[line]} loses to {key} in model_init_kwargs, which is {inner[key]}. Next: keep one of them, best "
                f"the line {line}"
            )


def _without(values: Mapping[str, Any], keys: tuple[str, ...], needed: str, otherwise: str) -> Iterator[str]:
    """Yield a sentence on the first of `keys` that is said although what it belongs to is not switched on."""
    said = [key for key in keys if values.get(key) and not _is_no(values[key])]
    if said and not is_yes(values.get(needed)):
        yield f"{said[0]} without {needed}: true: {otherwise}. Next: {needed}: true, or remove the line"


def _beside(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence on each setting that is not read beside the value that another has."""
    strategy = values.get("packing_strategy") or "bfd"
    if values.get("truncation_mode") == "keep_end" and is_yes(values.get("packing")):
        what = "keeps the start of a long row" if strategy == "bfd" else "cuts no row off"
        yield f"truncation_mode: keep_end is not read with packing, which {what}. Next: remove it, or packing: false"
    if values.get("label_smoothing_factor") and values.get("loss_type") == "dft":
        yield "label_smoothing_factor is not read with loss_type: dft. Next: remove it, or loss_type: nll"
    optimizer = str(values.get("optim") or "the default optim")
    if values.get("optim_target_modules") and not optimizer.startswith(_FOR_CHOSEN_MODULES):
        yield (
            f"optim_target_modules is not read by {optimizer}, which takes every module. Next: remove it, or an optim of GaLore or "
            "APOLLO"
        )


def _is_no(value: Any) -> bool:
    return str(value).lower() in ("false", "no", "n", "f", "0", "0.0")
