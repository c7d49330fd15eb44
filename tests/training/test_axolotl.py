"""The Axolotl backend: which file is Axolotl's, which keys it has, and that the child process is called rightly.

Axolotl itself cannot be installed beside the trainer that these tests use, so a small program stands where `axolotl`
would. It is a real child process that reads the copy of the recipe and writes prepared data and weights; it shows that
command, configuration, log and failures are handled, and nothing about training. What Axolotl itself does with rows was
written down from it (axolotl_masks.json, by bench/axolotl.py).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.training.test_twins import read, write_rows
from unmoor.commands.training_rows import read_or_say
from unmoor.errors import RecipeError
from unmoor.training import Training, plan_twins, train_twins
from unmoor.training.backends.axolotl import COMMAND_VARIABLE, axolotl_command, make_generable
from unmoor.training.backends.axolotl_log import Heard
from unmoor.training.backends.axolotl_recipe import known_keys, read_axolotl_recipe
from unmoor.training.dialect import dialect, dialect_of
from unmoor.training.prepare import look_at_rows
from unmoor.training.rule import axolotl_rule
from unmoor.training.shown import stretches
from unmoor.training.template import CHATML

STAND_IN = """#!{python}
import json, os, pathlib, sys, time
import datasets, numpy, ruamel.yaml, safetensors.numpy
asked = sys.argv[1:]
values = ruamel.yaml.YAML(typ="safe", pure=True).load(pathlib.Path(asked[1]).read_text())
folder = pathlib.Path(values["output_dir"])
rows = [json.loads(line) for line in open(values["datasets"][0]["path"])]
told = os.environ.get("AXOLOTL_DO_NOT_TRACK")
safe = os.environ.get("PYTHONSAFEPATH")
(folder / "asked.json").write_text(
    json.dumps({{"arguments": asked, "values": values, "rows": len(rows), "told": told, "safe": safe}})
)
datasets.disable_progress_bars()
kept = datasets.Dataset.from_list(rows).shuffle(seed=values["seed"])
{middle}
if kept is not None:
    kept.save_to_disk(pathlib.Path(values["dataset_prepared_path"]) / "a-hash")
steps = values["max_steps"]
for step in range(1, steps + 1):
    print(f"\\r {{step}}/{{steps}} [00:01<00:02, 1.0it/s]", end="", flush=True)
    print({{"loss": str(1 / step), "epoch": "0.1"}}, flush=True)
safetensors.numpy.save_file({{"weight": numpy.zeros(2)}}, folder / "model.safetensors")
(folder / "config.json").write_text(json.dumps({{"output_router_logits": True, "hidden_size": 4}}))
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, middle: str = "") -> Path:
    """Put an executable program where `axolotl` would be."""
    program = folder / "axolotl"
    program.write_text(STAND_IN.format(python=sys.executable, middle=middle))
    program.chmod(0o755)
    monkeypatch.setenv(COMMAND_VARIABLE, str(program))
    return program


def write_axolotl(folder: Path, base: Path, **more: Any) -> Path:
    values = {"base_model": str(base), "sequence_len": 256, "micro_batch_size": 4, "num_epochs": 2, **more}
    path = folder / "sft.yaml"
    path.write_text("\n".join(f"{key}: {json.dumps(value)}" for key, value in values.items() if value is not None))
    return path


def twins_of(folder: Path) -> dict[str, Path]:
    return {"raw": write_rows(folder / "raw.jsonl", 24), "filtered": write_rows(folder / "filtered.jsonl", 12)}


AXOLOTL = Training(trainer="axolotl")


def test_the_key_of_the_base_model_tells_the_trainer() -> None:
    assert dialect({"model_name_or_path": "a/b", "learning_rate": 1e-4}) == "trl"
    assert dialect({"base_model": "a/b", "learning_rate": 1e-4}) == "axolotl"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base_model": "a", "model_name_or_path": "a"}, "both"),
        ({"micro_batch_size": 2}, "micro_batch_size looks like Axolotl"),
        ({"num_train_epochs": 2}, "num_train_epochs looks like TRL"),
        ({}, "no key tells which"),
    ],
)
def test_a_recipe_that_is_not_clearly_one_trainers_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        dialect(values)


def test_a_file_that_is_not_clear_is_named(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("seed: 3\n")
    with pytest.raises(RecipeError, match=r"odd\.yaml.*neither"):
        dialect_of(path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"sample_packin": True}, 'no key "sample_packin".*"sample_packing"'),
        (
            {"cutoff_len": 512, "lora_rank": 8},
            '2 settings have to change\n  Axolotl has no key "cutoff_len" and would ignore it silently. Next: sequence_len\n'
            '.*"lora_rank" .* Next: lora_r',
        ),
        ({"optimizer": "adamw_torch_fuse"}, 'no optimizer "adamw_torch_fuse".*"adamw_torch_fused"'),
        ({"gradient_checkpointing_kwargs": {"use_reentrat": False}}, 'no key "use_reentrat"'),
        ({"lr_scheduler": "cosin"}, 'no lr_scheduler "cosin".*"cosine"'),
        ({"micro_batch_size": "four"}, "micro_batch_size takes int, found 'four'"),
        ({"sample_packing": "yes"}, "sample_packing takes bool.*true or false"),
        ({"excess_length_strategy": "cut"}, "takes drop, truncate, raise"),
        ({"trust_remote_code": True}, "--trust-remote-code"),
        ({"plugins": ["somebody.else.Plugin"]}, "the plugin somebody.else.Plugin is refused"),
        ({"liger_rope": True}, "belongs to the plugin liger"),
        ({"load_in_8bit": True, "load_in_4bit": True}, "cannot both be true"),
        ({"adapter": "qlora"}, "ordinary LoRA"),
        ({"lora_target_parameters": ["mlp.experts.down_proj"], "lora_dropout": 0.05}, "lora_dropout: 0"),
        ({"quantize_moe_experts": True, "lora_target_linear": True}, "does not go with"),
        ({"quantize_moe_experts": True}, "load_in_4bit: true"),
        ({"val_set_size": 0.05}, "takes rows from training"),
        ({"train_on_inputs": True}, "assistant turns only"),
        ({"rl": "dpo"}, "supervised"),
        ({"hub_model_id": "a/b"}, "overwrite each other"),
        ({"save_safetensors": False}, "pickled"),
        ({"deepspeed": "zero3.json"}, "there is no file zero3.json"),
        ({"datasets": [{"path": "a", "typ": "chat_template"}]}, 'datasets has no key "typ".*"type"'),
        ({"fsdp_config": {"fsdp_version": 2, "reshard_after": True}}, "fsdp_config has no key"),
        ({"noisy_embedding_alpha": 5.0}, "no longer taken"),
        (
            {"datasets": [{"path": "a", "roles_to_train": ["assistant", "user"]}]},
            "roles_to_train.*assistant turns only",
        ),
        (
            {"datasets": [{"path": "a", "type": "completion", "field": "text"}]},
            "type: completion.*requests and markers",
        ),
        ({"datasets": [{"path": "a", "train_on_eos": "last"}]}, "train_on_eos: last is refused"),
        ({"datasets": [{"path": "a", "train_on_eot": "all"}]}, "train_on_eot: all is refused"),
        ({"datasets": [{"path": "a", "drop_system_message": True}]}, "drop_system_message: True is refused"),
        ({"datasets": [{"path": "a", "split_thinking": True}]}, "split_thinking: True is refused"),
        (
            {"datasets": [{"path": "a", "message_field_training": "learn"}]},
            "message_field_training: learn.*train: false",
        ),
        ({"datasets": [{"path": "a", "message_field_training_detail": "parts"}]}, "message_field_training_detail"),
        ({"datasets": [{"path": "a", "chat_template": "llama3"}]}, "chat_template: llama3 of a data set"),
        ({"dataset_shard_num": 4, "dataset_shard_idx": 1}, "dataset_shard_num is refused"),
        ({"push_dataset_to_hub": "somebody/rows"}, "push_dataset_to_hub is refused"),
        ({"lora_r": 8}, "lora_r without adapter: the whole model would be trained"),
        ({"resume_from_checkpoint": "out/checkpoint-4"}, "resume_from_checkpoint is refused.*by itself"),
        ({"auto_find_batch_size": True}, "auto_find_batch_size is refused"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "chat_template_kwargs is refused"),
        ({"tokenizer_use_mistral_common": True}, "tokenizer_use_mistral_common"),
        ({"added_tokens_overrides": {"5": "<|im_end|>"}}, "added_tokens_overrides"),
    ],
)
def test_what_axolotl_would_ignore_or_nobody_should_run_is_refused(
    tmp_path: Path, tiny_base: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        read_axolotl_recipe(write_axolotl(tmp_path, tiny_base, **more))


def test_what_axolotl_does_by_itself_may_be_said_of_a_data_set(tmp_path: Path, tiny_base: Path) -> None:
    """The published recipes say it; it is what a twin is trained on anyway."""
    told = {"path": "a", "type": "chat_template", "roles_to_train": ["gpt"], "train_on_eos": "turn", "shards": 2}
    named = {"path": "b", "message_field_training": "train", "chat_template": "chatml"}
    recipe = read_axolotl_recipe(write_axolotl(tmp_path, tiny_base, datasets=[told, named], chat_template="chatml"))
    assert recipe.values["datasets"] == [told, named]


def test_a_base_of_pickles_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(RecipeError, match=r"no \.safetensors"):
        read_axolotl_recipe(write_axolotl(tmp_path, base))


def test_the_frozen_keys_say_where_they_come_from_and_hold_what_recipes_use() -> None:
    frozen = known_keys()
    assert (frozen["axolotl"], frozen["licence"]) == ("0.21.0", "Apache-2.0")
    assert {"base_model", "datasets", "deepspeed", "fsdp_config", "quantize_moe_experts"} <= set(frozen["keys"])
    assert {"adamw_torch_fused", "paged_adamw_8bit", "muon"} <= set(frozen["words"]["optimizers"])


def test_the_child_gets_a_copy_in_which_only_data_and_paths_differ_between_twins(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    heard: list[tuple[str, int, int]] = []
    recipe = write_axolotl(tmp_path, tiny_base, learning_rate=2e-4)
    out = tmp_path / "out"
    result = train_twins(recipe, twins_of(tmp_path), out, read, lambda *at: heard.append(at), options=AXOLOTL)
    asked = {name: json.loads((out / name / "asked.json").read_text()) for name in ("raw", "filtered")}
    raw, filtered = asked["raw"]["values"], asked["filtered"]["values"]
    assert asked["raw"]["arguments"] == ["train", str(out / "raw" / "axolotl.yaml")]
    assert {key for key in raw if raw[key] != filtered.get(key)} == {"datasets", "output_dir", "dataset_prepared_path"}
    assert set(result["config_difference"]) == {"data", "datasets", "output_dir", "dataset_prepared_path"}
    assert raw["learning_rate"] == 2e-4
    assert (asked["raw"]["rows"], asked["filtered"]["rows"]) == (24, 12)
    assert asked["raw"]["told"] == "1", "Axolotl reports to its makers unless it is told not to"
    assert raw["max_steps"] == filtered["max_steps"] == 12, "two epochs of the larger data set, four rows a step"
    assert raw["warmup_steps"] == filtered["warmup_steps"] == 0, "fixed, for Axolotl takes it from each twin's own rows"
    assert result["twins"]["filtered"]["steps"] == 12
    assert result["twins"]["filtered"]["loss"][0] == [1.0, 1.0]
    assert ("train raw", 12, 12) in heard
    assert json.loads((out / "raw" / "config.json").read_text())["output_router_logits"] is False
    assert "12/12" in (out / "raw" / "axolotl.log").read_text()


def test_rows_reach_the_child_as_tokens_with_a_loss_on_the_assistant_alone(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    train_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "out", read, options=AXOLOTL)
    plan = plan_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "out", read, AXOLOTL)
    lines = (tmp_path / "out" / "raw" / "axolotl-rows.jsonl").read_text().splitlines()
    for line, example in zip(lines, plan.twin(plan.arms[0], read).prepared.examples, strict=True):
        row = json.loads(line)
        assert (row["input_ids"], row["labels"]) == (example.input_ids, example.labels)
        assert row["attention_mask"] == [1] * len(example.input_ids)
        assert -100 in row["labels"]


def test_a_child_that_fails_is_quoted_with_its_last_lines(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "print('CUDA out of memory', file=sys.stderr); sys.exit(3)")
    with pytest.raises(RecipeError, match=r"(?s)twin raw \(status 3\).*axolotl\.log.*CUDA out of memory"):
        train_twins(write_axolotl(tmp_path, tiny_base), twins_of(tmp_path), tmp_path / "out", read, options=AXOLOTL)
    assert not (tmp_path / "out" / "raw" / "twin.json").exists()


def test_a_child_that_ends_well_without_safe_weights_has_failed(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "sys.exit(0)")
    with pytest.raises(RecipeError, match=r"left no \.safetensors"):
        train_twins(write_axolotl(tmp_path, tiny_base), twins_of(tmp_path), tmp_path / "out", read, options=AXOLOTL)


def test_a_child_ends_when_the_command_is_told_to_end(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "(folder / 'pid').write_text(str(os.getpid())); time.sleep(300)")
    arguments = ["train", str(write_axolotl(tmp_path, tiny_base)), "-o", str(tmp_path / "out")]
    for name, path in twins_of(tmp_path).items():
        arguments += ["--data", f"{name}={path}"]
    with subprocess.Popen([sys.executable, "-m", "unmoor", *arguments], stdout=subprocess.DEVNULL) as command:
        told = tmp_path / "out" / "raw" / "pid"
        assert _within(120, lambda: told.is_file() and told.read_text())
        command.terminate()
        assert command.wait(60) == 128 + signal.SIGTERM
    assert _within(60, lambda: not _is_alive(int(told.read_text())))


def _within(seconds: float, is_so: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.1)
    return bool(is_so())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_child_that_stops_early_makes_no_twin(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(
        tmp_path,
        monkeypatch,
        "(folder / 'trainer_state.json').write_text(json.dumps({'global_step': 5, 'log_history': []}))",
    )
    with pytest.raises(RecipeError, match="after 5 of 12 steps"):
        train_twins(write_axolotl(tmp_path, tiny_base), twins_of(tmp_path), tmp_path / "out", read, options=AXOLOTL)


def test_rows_and_tokens_are_those_of_axolotls_own_prepared_data(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    out = tmp_path / "out"
    result = train_twins(write_axolotl(tmp_path, tiny_base), twins_of(tmp_path), out, read, options=AXOLOTL)
    for name, rows in (("raw", 24), ("filtered", 12)):
        lines = [json.loads(line) for line in (out / name / "axolotl-rows.jsonl").read_text().splitlines()]
        learned = sum(label != -100 for line in lines for label in line["labels"])
        twin = result["twins"][name]
        assert (twin["rows_trained"], twin["tokens_trained"]) == (rows, learned)


@pytest.mark.parametrize(
    ("middle", "said"),
    [
        ("kept = kept.select(range(20))", r"20 rows .* 24"),
        ("kept = kept.map(lambda row: {'labels': [-100] * len(row['labels'])})", r"24 rows with 0 tokens to learn"),
        ("kept = kept.map(lambda row: {'input_ids': row['input_ids'][::-1]})", r"other tokens"),
        ("kept = None", r"left no prepared data"),
    ],
)
def test_a_twin_that_axolotl_trained_on_something_else_is_none(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch, middle: str, said: str
) -> None:
    stand_in(tmp_path, monkeypatch, middle)
    with pytest.raises(RecipeError, match=rf"(?s)twin raw.*{said}"):
        train_twins(write_axolotl(tmp_path, tiny_base), twins_of(tmp_path), tmp_path / "out", read, options=AXOLOTL)
    assert not (tmp_path / "out" / "raw" / "twin.json").exists()


def begun(folder: Path, base: Path, monkeypatch: pytest.MonkeyPatch, **more: Any) -> dict[str, Path]:
    """Begin a twin, in a training that fails, leave an Axolotl that works, and return the data."""
    data = {"raw": write_rows(folder / "raw.jsonl", 4)}
    stand_in(folder, monkeypatch, "sys.exit(3)")
    with pytest.raises(RecipeError, match="status 3"):
        train_twins(write_axolotl(folder, base, **more), data, folder / "out", read, options=AXOLOTL)
    stand_in(folder, monkeypatch)
    return data


def test_an_interrupted_twin_goes_on_from_the_whole_checkpoint(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Axolotl 0.19 resumed a Mixtral without its experts and router: the checkpoint has other names for them than memory, the
    trainer loads what matches, and the next step's loss was 3.36 where it was 2.93 uninterrupted. Loaded as a model, it is 2.93.
    """
    data = begun(tmp_path, tiny_base, monkeypatch)
    folder = tmp_path / "out" / "raw"
    for step, state in ((8, "{}"), (40, "{}"), (48, '{"global_st'), (56, "")):
        shutil.copytree(tiny_base, folder / f"checkpoint-{step}")
        (folder / f"checkpoint-{step}" / "trainer_state.json").write_text(state)
    train_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "out", read, options=AXOLOTL)
    values = json.loads((folder / "asked.json").read_text())["values"]
    whole = str(folder / "checkpoint-40")
    assert (values["resume_from_checkpoint"], values["base_model"]) == (whole, whole), (
        "the last that is not half-written"
    )
    assert values["tokenizer_config"] == str(tiny_base), "the tokens are those of the base"


def test_a_twin_whose_checkpoints_hold_no_optimiser_starts_over(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"save_only_model": True, "auto_resume_from_checkpoints": True}
    data = begun(tmp_path, tiny_base, monkeypatch, **more)
    folder = tmp_path / "out" / "raw"
    shutil.copytree(tiny_base, folder / "checkpoint-8")
    (folder / "checkpoint-8" / "trainer_state.json").write_text("{}")
    train_twins(write_axolotl(tmp_path, tiny_base, **more), data, tmp_path / "out", read, options=AXOLOTL)
    values = json.loads((folder / "asked.json").read_text())["values"]
    assert "resume_from_checkpoint" not in values and values["base_model"] == str(tiny_base)
    assert values["auto_resume_from_checkpoints"] is False, "nor by itself"


def test_what_a_printed_command_needs_is_no_twin_that_is_in_the_way(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch)
    data, recipe = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}, write_axolotl(tmp_path, tiny_base)
    plan_twins(recipe, data, tmp_path / "out", read, AXOLOTL).commands(read)
    assert (tmp_path / "out" / "raw" / "axolotl.yaml").is_file()
    assert train_twins(recipe, data, tmp_path / "out", read, options=AXOLOTL)["twins"]["raw"]["steps"] == 2


def test_an_adapters_checkpoint_is_no_model_to_start_from(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = begun(tmp_path, tiny_base, monkeypatch)
    folder = tmp_path / "out" / "raw"
    (folder / "checkpoint-8").mkdir(parents=True)
    for name in ("adapter_config.json", "trainer_state.json"):
        (folder / "checkpoint-8" / name).write_text("{}")
    train_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "out", read, options=AXOLOTL)
    values = json.loads((folder / "asked.json").read_text())["values"]
    assert (values["resume_from_checkpoint"], values["base_model"]) == (str(folder / "checkpoint-8"), str(tiny_base))


@pytest.mark.parametrize(
    ("plugins", "safe"), [(None, "1"), (["axolotl.integrations.liger.LigerPlugin"], "1"), (["mine.Plugin"], None)]
)
def test_modules_of_the_current_folder_are_found_only_where_the_recipe_loads_a_plugin_of_ones_own(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch, plugins: list[str] | None, safe: str | None
) -> None:
    """`axolotl train` starts `python -m axolotl.cli.train`, and a `-m` puts the current folder before all modules."""
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    stand_in(tmp_path, monkeypatch)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    options = Training(trainer="axolotl", trust_remote_code=safe is None)
    train_twins(write_axolotl(tmp_path, tiny_base, plugins=plugins), data, tmp_path / "out", read, options=options)
    assert json.loads((tmp_path / "out" / "raw" / "asked.json").read_text())["safe"] == safe


def test_where_there_is_no_axolotl_one_is_told_how_to_get_it() -> None:
    with pytest.raises(RecipeError, match=r"(?s)Python 3\.12.*pip install axolotl==0\.21\.0"):
        axolotl_command("no-such-axolotl")


def test_rows_too_long_are_left_out_as_axolotl_does_and_cut_where_it_is_told_to(
    tmp_path: Path, tiny_base: Path
) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 6)}
    allow = Training(trainer="axolotl", max_dropped=1.0)
    dropped = plan_twins(write_axolotl(tmp_path, tiny_base, sequence_len=256), data, tmp_path / "a", read, allow)
    cut = plan_twins(
        write_axolotl(tmp_path, tiny_base, excess_length_strategy="truncate"),
        data,
        tmp_path / "b",
        read,
        allow,
    )
    assert dropped.checked["raw"].rule.over_long == "drop"
    assert cut.checked["raw"].rule.over_long == "truncate"
    with pytest.raises(RecipeError, match=r"excess_length_strategy: raise, and row 1 is too long"):
        recipe = write_axolotl(tmp_path, tiny_base, excess_length_strategy="raise", sequence_len=8)
        plan_twins(recipe, data, tmp_path / "c", read, allow)


def test_rows_too_short_are_left_out_as_axolotl_does(tmp_path: Path, tiny_base: Path) -> None:
    """Axolotl 0.19 with `min_sample_len: 64` kept 254 of 291 rows that a preflight without this rule had kept."""
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24)}
    allow = Training(trainer="axolotl", max_dropped=1.0)
    free = plan_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "a", read, allow)
    lengths = sorted(len(one.input_ids) for one in free.twin(free.arms[0], read).prepared.examples)
    least = lengths[len(lengths) // 2]
    for strategy in ("drop", "truncate"):
        recipe = write_axolotl(tmp_path, tiny_base, min_sample_len=least, excess_length_strategy=strategy)
        plan = plan_twins(recipe, data, tmp_path / strategy, read, allow)
        assert plan.checked["raw"].rows_trained == sum(length >= least for length in lengths) < 24
        assert f"axolotl leaves out fewer than {least}" in next(iter(plan.checked["raw"].dropped.values()))


MASKS = json.loads(Path(__file__).with_name("axolotl_masks.json").read_text())


@pytest.mark.parametrize("one", MASKS["rows"], ids=lambda one: one["row"]["messages"][-1]["content"][:30] or "empty")
def test_what_is_learned_of_an_odd_row_is_what_axolotl_itself_learned_of_it(
    tmp_path: Path, tiny_base: Path, one: dict[str, Any]
) -> None:
    """An empty answer alone differs: here and in TRL its end is learned, Axolotl learns nothing of it."""
    from transformers import AutoTokenizer

    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(one["row"]) + "\n")
    tokenizer, rule = AutoTokenizer.from_pretrained(tiny_base), axolotl_rule(MASKS["sequence_len"])
    looked = next(look_at_rows(read_or_say(path), tokenizer, CHATML, rule))
    expected = one.get("unmoor_learns", one["learned"])
    learned = [text for text, marked in stretches(looked.example, tokenizer, rule) if marked] if looked.example else []
    assert learned == expected
    assert bool(looked.dropped) is not bool(expected), "nothing is learned of what is left out, and of nothing else"
    assert one["kept"] or "too long" in looked.dropped


def test_packed_steps_are_estimated_from_tokens(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 60)}
    loose = plan_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "a", read, AXOLOTL)
    packed = plan_twins(write_axolotl(tmp_path, tiny_base, sample_packing=True), data, tmp_path / "b", read, AXOLOTL)
    tokens = sum(len(one.input_ids) for one in loose.twin(loose.arms[0], read).prepared.examples)
    assert loose.steps["raw"] == 30
    assert packed.steps["raw"] == -(-2 * tokens // int(0.95 * 256 * 4))


def test_several_processes_share_the_steps(tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 60)}
    plan = plan_twins(write_axolotl(tmp_path, tiny_base), data, tmp_path / "a", read, AXOLOTL)
    assert plan.steps["raw"] == 10


def test_a_chat_template_that_lives_inside_axolotl_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_axolotl(tmp_path, tiny_base, chat_template="llama3")
    with pytest.raises(RecipeError, match="inside Axolotl"):
        plan_twins(recipe, {"raw": write_rows(tmp_path / "raw.jsonl", 4)}, tmp_path / "a", read, AXOLOTL)


def test_chatml_on_a_base_whose_text_ends_otherwise_says_which_lines_to_add(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_axolotl(tmp_path, tiny_base, special_tokens={"eos_token": "<|endoftext|>"}, chat_template="chatml")
    with pytest.raises(RecipeError, match=r'(?s)would not learn to stop.*eos_token: "<\|im_end\|>"'):
        plan_twins(recipe, {"raw": write_rows(tmp_path / "raw.jsonl", 4)}, tmp_path / "a", read, AXOLOTL)


def test_bars_of_other_work_are_not_taken_for_steps() -> None:
    heard = Heard(60)
    assert not heard.hear("Tokenizing:  50%|█████| 12/24 [00:01<00:01]")
    assert heard.hear("  5%|▌  | 3/60 [00:02<00:41,  1.4it/s]")
    assert not heard.hear("{'loss': '2.125', 'grad_norm': '1.5', 'epoch': '0.1'}")
    assert (heard.step, heard.loss) == (3, [[3.0, 2.125]])


def test_what_axolotl_saved_with_router_logits_on_generates_in_padded_batches_afterwards(
    tmp_path: Path, tiny_base: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    trained = AutoModelForCausalLM.from_pretrained(tiny_base)
    trained.config.output_router_logits = True
    trained.save_pretrained(tmp_path)
    ids = torch.tensor([[0, 0, 7, 8], [5, 6, 7, 8]])
    batch = {"input_ids": ids, "attention_mask": torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]]), "max_new_tokens": 3}
    with pytest.raises(RuntimeError):
        AutoModelForCausalLM.from_pretrained(tmp_path).generate(**batch, do_sample=False)
    make_generable(tmp_path)
    answers = AutoModelForCausalLM.from_pretrained(tmp_path).generate(**batch, do_sample=False, min_new_tokens=3)
    assert answers.shape == (2, 7)
