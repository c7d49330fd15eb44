"""From an Axolotl recipe's settings to why they are refused: they take rows away, learn from something else, run foreign code, or
name a tokenizer that unmoor does not make the token ids with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["REFUSALS"]


def _both_bits(values: Mapping[str, Any]) -> str:
    both = values.get("load_in_8bit") and values.get("load_in_4bit")
    return "load_in_8bit and load_in_4bit cannot both be true. Next: keep one" if both else ""


def _qlora_without_bits(values: Mapping[str, Any]) -> str:
    if values.get("adapter") != "qlora" or values.get("load_in_4bit"):
        return ""
    return "adapter: qlora without load_in_4bit trains an ordinary LoRA on 16 bits. Next: load_in_4bit: true"


def _adapter_without_a_kind(values: Mapping[str, Any]) -> str:
    """Numbers of an adapter that nothing makes: the whole model would be trained."""
    if values.get("adapter") or values.get("lora_model_dir"):
        return ""
    key = next((key for key in ("lora_r", "lora_target_modules", "lora_target_linear") if values.get(key)), None)
    return (
        f"{key} without adapter: the whole model would be trained. Next: adapter: lora, or remove the line"
        if key
        else ""
    )


def _dropout_on_parameters(values: Mapping[str, Any]) -> str:
    if not values.get("lora_target_parameters") or not values.get("lora_dropout"):
        return ""
    return "lora_target_parameters (fused experts) takes no dropout. Next: lora_dropout: 0"


def _experts_quantised_alone(values: Mapping[str, Any]) -> str:
    if not values.get("quantize_moe_experts"):
        return ""
    if values.get("lora_target_linear"):
        return "quantize_moe_experts does not go with lora_target_linear. Next: lora_target_modules, by name"
    if not (values.get("load_in_4bit") or values.get("load_in_8bit")):
        return "quantize_moe_experts says how experts are loaded in few bits. Next: load_in_4bit: true"
    return ""


def _takes_rows_away(values: Mapping[str, Any]) -> str:
    if values.get("val_set_size"):
        return "val_set_size is refused: it takes rows from training, other ones in each twin. Next: unmoor evaluate"
    for key in (
        "test_datasets",
        "pretraining_dataset",
        "streaming",
        "dataset_exact_deduplication",
        "skip_prepare_dataset",
        "dataset_shard_num",
        "push_dataset_to_hub",
    ):
        if values.get(key):
            return f"{key} is refused: the twins would no longer differ in their data alone, or nobody could say how"
    return ""


def _other_training(values: Mapping[str, Any]) -> str:
    if values.get("train_on_inputs"):
        return "train_on_inputs: true is refused: twins learn from assistant turns only. Next: remove the line"
    if values.get("rl") or values.get("reward_model"):
        return "rl and reward_model are refused: twins are made by supervised fine-tuning. Next: remove the line"
    if values.get("auto_find_batch_size"):
        return (
            "auto_find_batch_size is refused: a twin of shorter rows would get larger batches. Next: micro_batch_size"
        )
    if values.get("resume_from_checkpoint"):
        return "resume_from_checkpoint is refused: an interrupted twin goes on by itself. Next: remove the line"
    if values.get("hub_model_id"):
        return "hub_model_id is refused: the twins would overwrite each other. Next: upload the one you want afterwards"
    return ""


def _pickled(values: Mapping[str, Any]) -> str:
    if values.get("save_safetensors") is False:
        return "save_safetensors: false is refused: pickled weights can run code. Next: remove the line"
    folder = Path(str(values["base_model"]))
    if (folder / "config.json").is_file() and not any(folder.glob("*.safetensors")):
        return f"{folder} has no .safetensors weights; pickled weights can run code and are refused"
    return ""


ASSISTANT = ("assistant", "gpt")
WHOLE_TEXTS = ("completion", "pretrain")
"""Types of a data set that are learned from the first word to the last."""
AS_EVER: Mapping[str, tuple[Any, ...]] = {
    "train_on_eos": ("turn",),
    "train_on_eot": ("turn",),
    "drop_system_message": (False,),
    "split_thinking": (False,),
}
"""What a data set may say about learning, for it is what Axolotl does where nothing is said. `datasets` is replaced, so that
anything else would be ignored.
"""


def _learned_otherwise(values: Mapping[str, Any]) -> str:
    entries = values.get("datasets")
    for entry in (one for one in (entries if isinstance(entries, list) else [entries]) if isinstance(one, dict)):
        if str(entry.get("type")) in WHOLE_TEXTS:
            return (
                f"type: {entry['type']} is refused: it learns requests and markers too, and twins learn from assistant turns "
                "only. Next: remove the line; rows that are one text are read by their markers"
            )
        if not set(entry.get("roles_to_train") or ()) <= set(ASSISTANT):
            return "roles_to_train is refused: twins learn from assistant turns only. Next: remove the line"
        for key, allowed in AS_EVER.items():
            if entry.get(key) is not None and entry[key] not in allowed:
                return f"{key}: {entry[key]} is refused: it would be ignored, for rows reach Axolotl as tokens. Next: remove it"
        why = _marked_otherwise(entry, values)
        if why:
            return why
    return ""


def _marked_otherwise(entry: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    field, template = entry.get("message_field_training"), entry.get("chat_template")
    if field not in (None, "train"):
        return f"message_field_training: {field} is refused: unmoor reads a turn's mark from train: false. Next: call it that"
    if entry.get("message_field_training_detail"):
        return "message_field_training_detail is refused: unmoor learns from whole turns. Next: remove the line"
    if template not in (None, values.get("chat_template")):
        return f"chat_template: {template} of a data set would be ignored. Next: the same line without indentation"
    return ""


def _other_tokens(values: Mapping[str, Any]) -> str:
    if values.get("chat_template_kwargs"):
        return (
            "chat_template_kwargs is refused: rows are rendered before Axolotl sees them. Next: a template that does it"
        )
    for key in ("tokenizer_use_mistral_common", "added_tokens_overrides"):
        if values.get(key):
            return f"{key} is refused: the token ids that unmoor hands over would be those of another tokenizer"
    return ""


REFUSALS: tuple[Callable[[Mapping[str, Any]], str], ...] = (
    _both_bits,
    _qlora_without_bits,
    _dropout_on_parameters,
    _experts_quantised_alone,
    _takes_rows_away,
    _other_training,
    _learned_otherwise,
    _other_tokens,
    _pickled,
    _adapter_without_a_kind,
)
"""Each returns why these settings are refused, or the empty string."""
