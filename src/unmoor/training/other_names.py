"""From a key that TRL 1.16 does not know to what stands for it in a recipe: names of TRL and transformers before version 5, and
those by which Axolotl, LLaMA-Factory, PEFT and Unsloth call the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from unmoor.errors import nearest_name

__all__ = ["FOR_AXOLOTL", "RENAMED", "SETTLED", "all_wrong", "said_of"]

_GOES_ON = "remove it: an interrupted twin goes on by itself"
_DATA = "remove it: the data of each twin are given by --data NAME=FILE"
_FEWER_ROWS = "remove it: a twin has the rows of its --data NAME=FILE, so put fewer into that file"
_NO_EVALUATION = "remove it: twins have no evaluation split; unmoor evaluate asks the models afterwards"
_SUPERVISED = "remove it: twins are made by supervised fine-tuning"
_ANSWERS_ALONE = "remove it: twins learn from assistant turns only, from those that are not marked train: false"
_PREPARED = "remove it: unmoor prepares the rows itself, anew each time"
_TEMPLATE = "chat_template_path: a .jinja file; without it the base's own template is taken where it can be"
_TOKENIZER = "remove it: the base's own is used; chat_template_path, eos_token and pad_token say what else is to hold"
_FLASH = "attn_implementation: flash_attention_2, or sdpa"
_ADAPTER = "use_peft: true for an adapter, with load_in_4bit: true for QLoRA; no line where the whole model is trained"
_BASE_ALONE = (
    "remove it: training starts from model_name_or_path; unmoor merge joins an adapter and its base beforehand"
)
_NOT_PUSHED = "remove it: nothing is uploaded while training; upload the one you want afterwards"
_REPORTED = "report_to: wandb"
_IN_FOLDER = "remove it: -o FOLDER says where the twins go, and what is finished there is left as it is"
_SAFE = "remove it: weights are always saved as safetensors"
_GONE = "remove it: transformers 5 has no such setting"
_PADDED = "remove it: each batch is padded to its longest row; pad_to_multiple_of rounds that up"
_HALF = "remove it: bf16: true or fp16: true is all that it takes"

RENAMED: Mapping[str, str] = {
    "torch_dtype": "dtype",
    "max_seq_length": "max_length",
    "max_seq_len": "max_length",
    "max_sequence_length": "max_length",
    "sequence_len": "max_length",
    "cutoff_len": "max_length",
    "model_max_length": "max_length",
    "use_liger": "use_liger_kernel",
    "enable_liger_kernel": "use_liger_kernel",
    "no_cuda": "use_cpu",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "micro_batch_size": "per_device_train_batch_size",
    "num_epochs": "num_train_epochs",
    "epochs": "num_train_epochs",
    "lr": "learning_rate",
    "lr_scheduler": "lr_scheduler_type",
    "optimizer": "optim",
    "random_state": "seed",
    "sample_packing": "packing",
    "multipack": "packing",
    "neat_packing": "packing",
    "preprocessing_num_workers": "dataset_num_proc",
    "dataset_processes": "dataset_num_proc",
    "neftune_alpha": "neftune_noise_alpha",
    "noisy_embedding_alpha": "neftune_noise_alpha",
    "revision_of_model": "model_revision",
    "router_aux_loss_coefficient": "router_aux_loss_coef",
    "moe_aux_loss_coef": "router_aux_loss_coef",
    "lora_rank": "lora_r",
    "peft_lora_r": "lora_r",
    "peft_lora_alpha": "lora_alpha",
    "r": "lora_r",
    "target_modules": "lora_target_modules",
    "target_parameters": "lora_target_parameters",
    "modules_to_save": "lora_modules_to_save",
    "additional_target": "lora_modules_to_save",
    "task_type": "lora_task_type",
    "peft_use_dora": "use_dora",
    "peft_use_rslora": "use_rslora",
    "double_quantization": "use_bnb_nested_quant",
    "wandb_name": "run_name",
}
"""Keys that have another name and take the same value."""

SETTLED: Mapping[str, str] = {
    "warmup_ratio": "warmup_steps, where a number below 1 is a share of all steps",
    "group_by_length": "train_sampling_strategy: group_by_length",
    "adafactor": "optim: adafactor",
    "lora_target_linear": "lora_target_modules: [all-linear]",
    "lora_target": "lora_target_modules: a list of names, or [all-linear]",
    "quantization_bit": "load_in_4bit: true or load_in_8bit: true",
    "adapter": _ADAPTER,
    "finetuning_type": _ADAPTER,
    "full_finetuning": _ADAPTER,
    "batch_size": "per_device_train_batch_size, and gradient_accumulation_steps for more rows in a step",
    "train_batch_size": "per_device_train_batch_size, and gradient_accumulation_steps for more rows in a step",
    "cosine_min_lr_ratio": "lr_scheduler_type: cosine_with_min_lr, with lr_scheduler_kwargs: {min_lr_rate: SHARE}",
    "gradient_checkpointing_use_reentrant": "gradient_checkpointing_kwargs: {use_reentrant: true or false}",
    "use_reentrant_gc": "gradient_checkpointing_kwargs: {use_reentrant: true or false}",
    "disable_gradient_checkpointing": "gradient_checkpointing: true or false",
    "use_gradient_checkpointing": "gradient_checkpointing: true, also for unsloth; or false",
    "half_precision_backend": _HALF,
    "fp16_backend": _HALF,
    "fp16_opt_level": _HALF,
    "pure_bf16": "dtype: bfloat16",
    "float16": "dtype: float16",
    "bfloat16": "dtype: bfloat16",
    "flash_attention": _FLASH,
    "flash_attn": _FLASH,
    "use_flash_attention_2": _FLASH,
    "use_flash_attn": _FLASH,
    "sdp_attention": "attn_implementation: sdpa",
    "xformers_attention": "attn_implementation: sdpa",
    "eager_attention": "attn_implementation: eager",
    "flex_attention": "attn_implementation: flex_attention",
    "dispatch_batches": "accelerator_config: {dispatch_batches: true or false}",
    "split_batches": "accelerator_config: {split_batches: true or false}",
    "include_inputs_for_metrics": _NO_EVALUATION,
    "fsdp_min_num_params": "fsdp_config: {auto_wrap_policy: SIZE_BASED_WRAP, min_num_params: NUMBER}",
    "fsdp_transformer_layer_cls_to_wrap": "fsdp_config: {transformer_layer_cls_to_wrap: [NAME]}",
    "saves_per_epoch": "save_strategy: steps, and save_steps, where a number below 1 is a share of all steps",
    "wandb_project": f"{_REPORTED}, with env: {{WANDB_PROJECT: NAME}}",
    "wandb_entity": f"{_REPORTED}, with env: {{WANDB_ENTITY: NAME}}",
    "wandb_run_group": f"{_REPORTED}, with env: {{WANDB_RUN_GROUP: NAME}}",
    "wandb_run_id": f"{_REPORTED}; each twin is a run of its own",
    "wandb_watch": f"{_REPORTED}, with env: {{WANDB_WATCH: NAME}}",
    "wandb_log_model": f"{_REPORTED}, with env: {{WANDB_LOG_MODEL: NAME}}",
    "use_wandb": _REPORTED,
    "use_tensorboard": "report_to: tensorboard",
    "use_mlflow": "report_to: mlflow",
    "use_swanlab": "report_to: swanlab",
    "logging_dir": "remove it: the log of each twin lies in its own folder, under checkpoints/runs",
    "overwrite_output_dir": _IN_FOLDER,
    "plot_loss": "remove it: training.json holds the loss of every twin",
    "save_safetensors": _SAFE,
    "special_tokens": "eos_token and pad_token",
    "tokenizer": _TOKENIZER,
    "tokenizer_name": _TOKENIZER,
    "tokenizer_name_or_path": _TOKENIZER,
    "tokenizer_config": _TOKENIZER,
    "tokenizer_type": _TOKENIZER,
    "processing_class": _TOKENIZER,
    "use_fast_tokenizer": _TOKENIZER,
    "chat_template": _TEMPLATE,
    "chat_template_jinja": _TEMPLATE,
    "template": _TEMPLATE,
    "model_type": "remove it: the base's own config.json says it",
    "type_of_model": "remove it: the base's own config.json says it",
    "adapter_name_or_path": _BASE_ALONE,
    "lora_model_dir": _BASE_ALONE,
    "auto_resume_from_checkpoints": _GOES_ON,
    "stage": _SUPERVISED,
    "rl": _SUPERVISED,
    "train_on_inputs": _ANSWERS_ALONE,
    "train_on_prompt": _ANSWERS_ALONE,
    "train_on_responses_only": _ANSWERS_ALONE,
    "mask_history": _ANSWERS_ALONE,
    "pad_to_sequence_len": _PADDED,
    "pad_to_max_length": _PADDED,
    "push_to_hub_model_id": _NOT_PUSHED,
    "push_to_hub_organization": _NOT_PUSHED,
    "push_to_hub_token": _NOT_PUSHED,
    "hub_model_revision": _NOT_PUSHED,
    **dict.fromkeys(
        ("dataset", "dataset_dir", "dataset_mixer", "dataset_mixture", "dataset_splits", "dataset_path", "data_path",
         "train_file", "train_dataset", "dataset_train_name", "media_dir"), _DATA),
    **dict.fromkeys(("max_samples", "max_train_samples", "dataset_train_size", "interleave_probs", "mix_strategy"), _FEWER_ROWS),
    **dict.fromkeys(
        ("evaluation_strategy", "val_size", "val_set_size", "eval_dataset", "test_datasets", "dataset_test_name", "evals_per_epoch",
         "eval_batch_size", "per_gpu_eval_batch_size", "eval_sample_packing", "max_eval_samples", "compute_accuracy",
         "predict_with_generate"), _NO_EVALUATION),
    **dict.fromkeys(
        ("overwrite_cache", "dataset_prepared_path", "tokenized_path", "dataset_batch_size", "num_of_sequences", "chars_per_token",
         "preprocessing_batch_size"), _PREPARED),
    **dict.fromkeys(
        ("use_mps_device", "use_ipex", "jit_mode_eval", "xpu_backend", "tpu_num_cores", "tpu_metrics_debug", "past_index",
         "mp_parameters", "ray_scope", "torchdynamo", "include_tokens_per_second", "use_legacy_prediction_loop"), _GONE),
}  # fmt: skip
"""Keys whose purpose is reached otherwise, and how: a line of the recipe, or what to do where unmoor settles it itself."""


FOR_AXOLOTL: Mapping[str, str] = {
    **dict.fromkeys(("max_length", "max_seq_length", "max_seq_len", "cutoff_len"), "sequence_len"),
    **dict.fromkeys(("torch_dtype", "dtype"), "bf16: true, fp16: true or tf32: true"),
    **dict.fromkeys(
        ("use_peft", "finetuning_type"), "adapter: lora or qlora; no line where the whole model is trained"
    ),
    **dict.fromkeys(
        ("use_liger_kernel", "use_liger", "enable_liger_kernel"),
        "plugins: [axolotl.integrations.liger.LigerPlugin], and its keys, such as liger_rms_norm: true",
    ),
    **dict.fromkeys(("dataset", "dataset_name", "dataset_dir", "dataset_mixer", "data_path"), _DATA),
    **dict.fromkeys(("eos_token", "pad_token"), "special_tokens, with this key in it"),
    "use_gradient_checkpointing": "gradient_checkpointing: true, also for unsloth; or false",
    "per_device_train_batch_size": "micro_batch_size",
    "num_train_epochs": "num_epochs",
    "lr_scheduler_type": "lr_scheduler",
    "optim": "optimizer",
    "packing": "sample_packing",
    "lora_rank": "lora_r",
    "lora_target": "lora_target_modules: a list of names, or lora_target_linear: true",
    "modules_to_save": "lora_modules_to_save",
    "use_dora": "peft_use_dora",
    "use_rslora": "peft_use_rslora",
    "train_sampling_strategy": "group_by_length: true or false",
    "chat_template_path": "chat_template: jinja, with chat_template_jinja: FILE",
    "report_to": "use_wandb: true, or the like for another",
    "run_name": "wandb_name",
    "assistant_only_loss": _ANSWERS_ALONE,
    "overwrite_output_dir": _IN_FOLDER,
    "logging_dir": "remove it: Axolotl 0.21 has no such setting",
    "push_to_hub": _NOT_PUSHED,
}
"""What stands in an Axolotl recipe for keys of TRL and LLaMA-Factory."""


def said_of(key: str, known: Collection[str]) -> str:
    """Return one sentence on a key that is not among the known ones: what stands for it, or the nearest."""
    told = RENAMED.get(key) or SETTLED.get(key)
    if told:
        return f'unknown key "{key}". Next: {told}'
    return f'unknown key "{key}".{nearest_name(key, known)} A trainer that ignores it trains something else'


def all_wrong(reasons: Collection[str]) -> str:
    """Return what is wrong with a recipe: one reason in its line, several below each other."""
    if len(reasons) == 1:
        return next(iter(reasons))
    return "\n  ".join((f"{len(reasons)} settings have to change", *reasons))
