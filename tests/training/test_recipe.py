"""Recipes are TRL's files, unchanged; what cannot be believed is refused before anything is trained."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Collection
from importlib.util import find_spec
from pathlib import Path

import pytest

from unmoor.errors import RecipeError
from unmoor.training import read_recipe
from unmoor.training.backends.axolotl_recipe import known_keys
from unmoor.training.backends.model_settings import OF_LOADING
from unmoor.training.backends.trl_model import load_tokenizer
from unmoor.training.backends.trl_sft import read_trl_recipe
from unmoor.training.inner_keys import OF_FSDP, OF_LIGER, OPTIM_ARGS
from unmoor.training.other_names import FOR_AXOLOTL, RENAMED, SETTLED
from unmoor.training.recipe import _known_keys


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text)
    return path


def test_a_recipe_keeps_every_value_as_written(tmp_path: Path) -> None:
    text = "model_name_or_path: owner/name\nlearning_rate: 2.0e-4\nmax_steps: 3\nuse_cpu: true\n"
    recipe = read_recipe(write(tmp_path, text))
    assert list(recipe.values.items()) == [
        ("model_name_or_path", "owner/name"),
        ("learning_rate", 2.0e-4),
        ("max_steps", 3),
        ("use_cpu", True),
    ]
    training, model = recipe.arguments(tmp_path / "out")
    assert (training.learning_rate, training.max_steps, model.model_name_or_path) == (2.0e-4, 3, "owner/name")


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r'unknown key "learning_rat"\. Did you mean "learning_rate"\?'):
        read_recipe(write(tmp_path, "model_name_or_path: a/b\nlearning_rat: 1\n"))


def test_all_wrong_keys_are_named_at_once_each_with_what_stands_for_it(tmp_path: Path) -> None:
    """As people bring them from transformers 4, older TRL, LLaMA-Factory, Axolotl and Unsloth."""
    brought = {
        "torch_dtype: bfloat16": "dtype",
        "max_seq_length: 2048": "max_length",
        "warmup_ratio: 0.1": "warmup_steps, where a number below 1 is a share of all steps",
        "evaluation_strategy: steps": "remove it: twins have no evaluation split",
        "logging_dir: logs": "remove it: the log of each twin",
        "lora_rank: 8": "lora_r",
        "dataset_dir: data": "remove it: the data of each twin are given by --data NAME=FILE",
        "lora_target_linear: true": "lora_target_modules: [all-linear]",
        "use_gradient_checkpointing: unsloth": "gradient_checkpointing: true, also for unsloth",
    }
    with pytest.raises(RecipeError) as raised:
        read_recipe(write(tmp_path, "\n".join(["model_name_or_path: a/b", *brought, "push_to_hub: true", "sed: 1"])))
    first, *lines, pushed = str(raised.value).split("\n  ")
    assert first == f"{tmp_path / 'recipe.yaml'}: 11 settings have to change"
    for line, (key, told) in zip(lines[:-1], brought.items(), strict=True):
        assert line.startswith(f'unknown key "{key.partition(":")[0]}". Next: {told}')
    assert lines[-1].startswith('unknown key "sed". Did you mean "seed"?') and pushed.startswith(
        "push_to_hub is refused"
    )


@pytest.mark.parametrize(
    ("names", "asked"),
    [({**SETTLED, **RENAMED}, _known_keys), (FOR_AXOLOTL, lambda: known_keys()["keys"])],
    ids=["trl", "axolotl"],
)
def test_what_stands_for_a_key_is_known_to_the_trainer_and_the_key_is_not(
    names: dict[str, str], asked: Callable[[], Collection[str]]
) -> None:
    known = asked()  # not while tests are collected, which every process does: it loads the trainer
    assert not names.keys() & {*known}
    assert {told for told in names.values() if re.split(r"\W", told)[0] not in {*known, "remove"}} == set()


@pytest.mark.parametrize(
    ("key", "value", "taken"),
    [("fsdp_min_num_params", "5", "5"), ("fsdp_transformer_layer_cls_to_wrap", "Block", "Block")],
)
def test_what_stands_for_settings_of_fsdp_is_what_fsdp_takes(key: str, value: str, taken: str, tmp_path: Path) -> None:
    line = SETTLED[key].replace("NUMBER", value).replace("NAME", value)
    recipe = read_recipe(write(tmp_path, f"model_name_or_path: a/b\nuse_cpu: true\nfsdp: true\n{line}\n"))
    training, _ = recipe.arguments(tmp_path / "out")
    assert taken in map(str, training._process_fsdp_args().values())


def test_a_key_given_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="duplicate key"):
        read_recipe(write(tmp_path, "model_name_or_path: a/b\nseed: 1\nseed: 2\n"))


def test_no_is_a_word_and_not_false(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, "model_name_or_path: a/b\nsave_strategy: no\nuse_cpu: true\n"))
    assert recipe.arguments(tmp_path)[0].save_strategy == "no"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("trust_remote_code: true", "runs code"),
        ("model_init_kwargs: {trust_remote_code: true}", "runs code"),
        ("assistant_only_loss: false", "assistant turns only"),
        ("push_to_hub: true", "overwrite each other"),
        ("eval_strategy: steps", "no evaluation split"),
        ("auto_find_batch_size: true", "batch size of its own"),
        ("dataset_kwargs: {skip_prepare_dataset: true}", "max_length"),
        ("lora_r: 4\nlora_target_modules: [q_proj, v_proj]", "lora_r without use_peft: true: the whole model"),
        ("resume_from_checkpoint: out/checkpoint-4", "from its own checkpoint"),
        ("report_to: [none, swanlab]", "swanlab is not installed"),
        ("model_init_kwargs: {torch_dtype: bfloat16}", "torch_dtype loses to dtype.* Next: dtype: bfloat16"),
        ('model_init_kwargs: \'{"torch_dtype": "auto"}\'', "Next: dtype: auto"),
        ("model_init_kwargs: '{\"trust_remote_code\": true}'", "runs code"),
        ("model_init_kwargs: {use_safetensors: false}", "use_safetensors is always true"),
        ("model_init_kwargs: eager", "should be settings by name, .* found 'eager'"),
        (
            "gradient_checkpointing_kwargs: {use_reentrat: false}",
            'has no key "use_reentrat". Did you mean "use_reentrant"',
        ),
        ("accelerator_config: {split_batch: true}", 'has no key "split_batch". Did you mean "split_batches"'),
        ("dataset_kwargs: {add_special_tokens: false}", 'no key "add_special_tokens"'),
        (
            "fsdp_config: {activation_checkpoint: true}",
            'has no key "activation_checkpoint". Did you mean "activation_check',
        ),
        ("optim_args: beta1=0.8", "optim_args: adamw_torch_fused reads none of them. Next: adam_beta1"),
        ("optim: adafactor\noptim_args: scale=1", "optim_args: adafactor reads none"),
        ("optim: paged_adamw_8bit\noptim_args: eps=1e-6", "optim_args: paged_adamw_8bit reads none"),
        ("optim: sgd\noptim_args: momentun=0.9", 'optim_args of sgd has no key "momentun". Did you mean "momentum"'),
        ("optim: galore_adamw\noptim_args: gap=9", 'optim_args of galore_adamw has no key "gap". Known: rank'),
        (
            "use_liger_kernel: true\nliger_kernel_config: {rms_nrom: true}",
            'liger_kernel_config has no key "rms_nrom". Did you mean "rms_norm"',
        ),
        ("use_liger_kernel: true\nliger_kernel_config: {fused_linear_cross_entropy: true}", "refused by TRL"),
        ("liger_kernel_config: {rope: false}", "without use_liger_kernel: true: none of its kernels"),
        ("gradient_checkpointing: unsloth", "Next: gradient_checkpointing: true$"),
        ("gradient_checkpointing: offload", "gradient_checkpointing: true and activation_offloading: true"),
        ("completion_only_loss: false", "assistant turns only"),
        ("test_split_size: 0.1", "no row is kept back"),
        ("eval_on_start: true", "no evaluation split"),
        ("save_strategy: best", "would save no checkpoint"),
        ("lora_alpha: 32", "lora_alpha without use_peft: true: the whole model"),
        ("use_dora: true", "use_dora without use_peft: true: the whole model"),
        ("load_in_8bit: true\nbnb_4bit_quant_type: fp4", "bnb_4bit_quant_type without load_in_4bit: true"),
        ("packing_strategy: wrapped", "packing_strategy without packing: true: no rows would be packed"),
        ("packing: true\ntruncation_mode: keep_end", "keep_end is not read with packing, which keeps the start"),
        ("loss_type: dft\nlabel_smoothing_factor: 0.1", "label_smoothing_factor is not read with loss_type: dft"),
        ("optim: sgd\noptim_target_modules: [q_proj]", "optim_target_modules is not read by sgd"),
        (
            "dtype: bfloat16\nmodel_init_kwargs: {dtype: float16}",
            "dtype: bfloat16 loses to dtype in model_init_kwargs, which is float16",
        ),
        ("model_revision: v1\nmodel_init_kwargs: {revision: v2}", "model_revision: v1 loses to revision"),
        ("optim: sgd\noptim_args: momentum", 'NAME=VALUE, with commas between them, found "momentum"'),
    ],
)
def test_what_breaks_the_comparison_is_refused(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        read_recipe(write(tmp_path, f"model_name_or_path: a/b\n{line}\n"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "key: value"),
        ("- a\n- b\n", "key: value"),
        ("seed: 1\n", "model_name_or_path is missing"),
        ("a: [", "not YAML"),
        ("? [1, 2]\n: 3\n", "key: value"),
    ],
)
def test_what_is_no_recipe_says_so(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        read_recipe(write(tmp_path, text))


def test_a_missing_recipe_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")


def test_a_value_that_trl_refuses_is_a_recipe_error(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, "model_name_or_path: a/b\nlearning_rate: quick\n"))
    with pytest.raises(RecipeError, match="learning_rate"):
        recipe.arguments(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "per_device_train_batch_size: 0",
        "gradient_accumulation_steps: 0",
        "seed: -1",
        "learning_rate: .nan",
        "learning_rate: -0.1",
    ],
)
def test_a_number_that_would_end_the_trainer_halfway_is_a_recipe_error(tmp_path: Path, line: str) -> None:
    recipe = read_recipe(write(tmp_path, f"model_name_or_path: a/b\nuse_cpu: true\n{line}\n"))
    with pytest.raises(RecipeError, match=rf"{line.partition(':')[0]} must be at least .*, found"):
        recipe.arguments(tmp_path)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("load_in_4bit: true", "load_in_4bit, and bitsandbytes is not installed"),
        ("optim: adamw_bnb_8bit", "optim: You need to install `bitsandbytes`"),
        (
            "lr_scheduler_type: constant\nlr_scheduler_kwargs: {num_cycles: 2}",
            "nobody would read num_cycles, since constant has",
        ),
        (
            "lr_scheduler_type: constant\nwarmup_steps: 10",
            "warmup_steps: nobody would read it, since constant does not",
        ),
        ("optim: sgd\nadam_beta1: 0.8", "adam_beta1 is not read by optim: sgd"),
        ("optim: adafactor\nadam_epsilon: 1.0e-6", "adam_epsilon is not read by optim: adafactor"),
        ("lr_scheduler_type: cosine_with_min_lr", "lr_scheduler_type: One of min_lr or min_lr_rate"),
    ],
)
def test_what_the_training_would_miss_is_said_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, why: str
) -> None:
    monkeypatch.setattr("transformers.trainer_optimizer.is_bitsandbytes_available", lambda: False)
    monkeypatch.setattr("unmoor.training.backends.trl_sft.find_spec", lambda _: None)
    text = "model_name_or_path: a/b\nuse_cpu: true\nbf16: false\n"
    assert (
        read_trl_recipe(write(tmp_path, text + "warmup_steps: 0.1\nadam_beta1: 0.8\nadam_epsilon: 1.0e-6\n")).base
        == "a/b"
    )
    with pytest.raises(RecipeError, match=why):
        read_trl_recipe(write(tmp_path, text + line + "\n"))


def test_data_and_output_of_the_recipe_are_swapped(tmp_path: Path) -> None:
    text = "model_name_or_path: a/b\ndataset_name: owner/data\noutput_dir: elsewhere\nuse_cpu: true\n"
    training, _ = read_recipe(write(tmp_path, text)).arguments(tmp_path / "out", max_steps=9)
    assert training.output_dir == str(tmp_path / "out")
    assert training.max_steps == 9


def test_code_of_the_model_runs_only_if_it_is_said_twice(tmp_path: Path) -> None:
    asking = write(tmp_path, "model_name_or_path: a/b\ntrust_remote_code: true\n")
    assert read_recipe(asking, trust_remote_code=True).trusts_code
    with pytest.raises(RecipeError, match="say it a second time with --trust-remote-code"):
        read_recipe(asking)
    silent = write(tmp_path, "model_name_or_path: a/b\n")
    assert not read_recipe(silent).trusts_code
    with pytest.raises(RecipeError, match="the recipe does not ask for it"):
        read_recipe(silent, trust_remote_code=True)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("lora_r: 0", "lora_r must be at least 1 with use_peft, found 0"),
        ("lora_target_modules: [q_proj]", "a single name is a pattern"),
        ("lora_target_modules: q_proj", "a single name is a pattern"),
    ],
)
def test_an_adapter_that_adapts_nothing_is_a_recipe_error(tmp_path: Path, line: str, why: str) -> None:
    recipe = read_recipe(write(tmp_path, f"model_name_or_path: a/b\nuse_cpu: true\nuse_peft: true\n{line}\n"))
    with pytest.raises(RecipeError, match=why):
        recipe.arguments(tmp_path)


@pytest.mark.parametrize(
    "line", ["lora_target_modules: ['.*\\.q_proj']", "lora_target_modules: [all-linear]", "lora_r: 1"]
)
def test_an_adapter_by_a_pattern_is_taken(tmp_path: Path, line: str) -> None:
    text = f"model_name_or_path: a/b\nuse_cpu: true\nbf16: false\nuse_peft: true\n{line}\n"
    assert read_recipe(write(tmp_path, text)).arguments(tmp_path)[1].use_peft


def test_settings_in_a_setting_that_are_read_are_taken(tmp_path: Path) -> None:
    text = """model_name_or_path: a/b
model_init_kwargs: {attn_implementation: eager, dtype: bfloat16, use_safetensors: true}
gradient_checkpointing_kwargs: {use_reentrant: false, preserve_rng_state: true, selective: true}
accelerator_config: {split_batches: true, gradient_accumulation_kwargs: {sync_each_batch: true}}
dataset_kwargs: {skip_prepare_dataset: false}
fsdp_config: {fsdp_version: 2, cpu_offload: true}
liger_kernel_config: {rope: true, fused_linear_cross_entropy: false}
use_liger_kernel: true
packing: true
packing_strategy: wrapped
load_in_4bit: true
bnb_4bit_quant_type: fp4
use_dora: false
dtype: bfloat16
optim: sgd
optim_args: momentum=0.9
"""
    assert read_recipe(write(tmp_path, text)).base == "a/b"


def test_the_settings_that_transformers_reads_are_those_that_are_known() -> None:
    """Its source names what it reads of both; another release may read more."""
    pytest.importorskip("transformers")
    from transformers import trainer_optimizer, training_args

    read = re.findall(
        r'"(\w+)" in self\.fsdp_config|fsdp_config(?:\.\w+\(|\[)"(\w+)"', inspect.getsource(training_args)
    )
    assert {one or other for one, other in read} - {"compute_dtype", "buffer_dtype"} == set(OF_FSDP)
    handlers = trainer_optimizer._OPTIMIZER_HANDLERS
    sources = {str(name.value): inspect.getsource(handler) for name, handler in handlers.items()}
    _, of_bitsandbytes, of_ademamix = sources["ademamix"].partition('elif "ademamix" in optim_name')
    for name, whole in sources.items():
        source = (of_ademamix if "ademamix" in name else "") if of_bitsandbytes in whole else whole
        loops = re.findall(r"for key in (\(.+?\)):\s+if key in ctx\.optim_args", source)
        named = re.findall(r'ctx\.optim_args(?:\.get\(|\.pop\(|\[)\s*"(\w+)"', source)
        read = {*named, *(key for keys in loops for key in ast.literal_eval(keys))}
        assert name.startswith("rmsprop_bnb") or set(OPTIM_ARGS[name]) == read, name


def test_the_kernels_of_liger_are_those_that_are_known() -> None:
    """Its functions name them as parameters; it is read and not loaded, since it needs a card."""
    found = find_spec("liger_kernel")
    if found is None or not found.submodule_search_locations:
        pytest.skip("liger-kernel is not installed")
    source = Path(found.submodule_search_locations[0]) / "transformers" / "monkey_patch.py"
    functions = [one for one in ast.parse(source.read_text()).body if isinstance(one, ast.FunctionDef)]
    taken = {
        one.arg
        for function in functions
        if function.name.startswith("apply_liger_kernel_to_")
        for one in function.args.args
    }
    assert taken - {"model"} == set(OF_LIGER)


def test_what_loading_a_model_takes_is_what_is_known() -> None:
    transformers = pytest.importorskip("transformers")
    auto, model = transformers.AutoModelForCausalLM.from_pretrained, transformers.PreTrainedModel.from_pretrained
    source = inspect.getsource(auto) + inspect.getsource(model)
    taken = {*re.findall(r'\bkwargs\.pop\(\s*"(\w+)"', source)} - {"config"}
    assert {name for name in taken if not name.startswith("_")} == set(OF_LOADING)


def test_a_name_that_the_base_does_not_take_is_refused_before_rows_are_looked_at(
    tmp_path: Path, tiny_base: Path
) -> None:
    text = f"model_name_or_path: {tiny_base}\nuse_cpu: true\nbf16: false\nmodel_init_kwargs: "
    taken = "{attention_dropout: 0.1, low_cpu: 1}"
    with pytest.raises(RecipeError, match=r"model_init_kwargs: neither loading .* has a setting low_cpu"):
        load_tokenizer(read_recipe(write(tmp_path, text + taken)))
    with pytest.raises(RecipeError, match='Did you mean "attention_dropout"'):
        load_tokenizer(read_recipe(write(tmp_path, text + "{atention_dropout: 0.1}")))
    taken = "{attention_dropout: 0.1, device_map: auto, revision: main, num_local_experts: 4}"
    assert load_tokenizer(read_recipe(write(tmp_path, text + taken)))[1]
