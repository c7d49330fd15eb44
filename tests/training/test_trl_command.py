"""The command that is printed for a twin trains the same model as unmoor does: TRL's own script, run on what was written."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.training.test_twins import forget_chat, read, weights, write_recipe, write_rows
from unmoor.errors import RecipeError
from unmoor.serving import load_model
from unmoor.training import Training, plan_twins, train_twins


def run_of(command: str) -> dict[str, Any]:
    """Run `trl sft --config FILE` in this process, without its first line, and return the last state of its trainer."""
    from trl.scripts.sft import main, make_parser

    program, verb, flag, recipe = shlex.split(command)
    assert (program, verb, flag) == ("trl", "sft", "--config")
    main(*make_parser().parse_args_and_config(["--config", recipe], fail_with_unknown_args=True))
    states = sorted(Path(recipe).parent.parent.glob("raw/checkpoint-*/trainer_state.json"))
    state: dict[str, Any] = json.loads(states[-1].read_text())
    return state


@pytest.mark.slow
def test_trl_alone_learns_the_same_from_the_printed_command_bit_for_bit(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24), "filtered": write_rows(tmp_path / "filtered.jsonl", 12)}
    recipe = write_recipe(tmp_path, tiny_base, save_strategy="steps", save_steps=4)
    ours = train_twins(recipe, data, tmp_path / "ours", read)
    plan = plan_twins(recipe, data, tmp_path / "theirs", read, Training())
    commands = plan.commands(read)
    state = run_of(commands["raw"])
    assert [[one["step"], one["loss"]] for one in state["log_history"] if "loss" in one] == ours["twins"]["raw"]["loss"]
    first, second = weights(tmp_path / "ours" / "raw"), weights(tmp_path / "theirs" / "raw")
    assert all(bool((first[name] == second[name]).all()) for name in first)


def test_the_written_recipes_differ_in_data_and_output_path_and_in_nothing_else(
    tmp_path: Path, tiny_base: Path
) -> None:
    import yaml

    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24), "filtered": write_rows(tmp_path / "filtered.jsonl", 12)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=1)
    out = tmp_path / "a run"
    plan = plan_twins(recipe, data, out, read, Training())
    commands = plan.commands(read)
    values = {name: yaml.safe_load((out / "commands" / f"{name}.yaml").read_text()) for name in commands}
    differing = {key for key in values["raw"] if values["raw"][key] != values["filtered"][key]}
    assert differing == {"datasets", "output_dir"}
    assert set(plan.difference()) == {"data", "output_dir"}
    assert values["raw"]["max_steps"] == 6
    assert values["raw"]["save_strategy"] == "no", "a word, although TRL reads YAML 1.1"
    assert shlex.split(commands["raw"]) == ["trl", "sft", "--config", f"{out}/commands/raw.yaml"]
    lines = (out / "commands" / "filtered.jsonl").read_text().splitlines()
    assert len(lines) == 12
    assert set(json.loads(lines[0])) == {"input_ids", "labels"}


def test_the_recipes_own_tokens_stand_in_the_rows_and_in_the_printed_recipe(tmp_path: Path, tiny_base: Path) -> None:
    import yaml

    (tmp_path / "chat.jinja").write_text(
        "{% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% generation %}{{ m.content + eos_token }}"
        "{% endgeneration %}{% else %}{{ m.content }}{% endif %}\n{% endfor %}"
    )
    named = {"eos_token": "<|endoftext|>", "pad_token": "<|im_start|>"}
    more = {key: f'"{token}"' for key, token in named.items()}
    recipe = write_recipe(tmp_path, tiny_base, chat_template_path=tmp_path / "chat.jinja", **more)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    plan = plan_twins(recipe, data, tmp_path / "out", read, Training())
    assert [text for text, learned in plan.shown() if learned][-1].endswith("<|endoftext|>")
    assert (plan.tokenizer.eos_token, plan.tokenizer.pad_token) == tuple(named.values())
    plan.commands(read)
    written = yaml.safe_load((tmp_path / "out" / "commands" / "raw.yaml").read_text())
    assert {key: written[key] for key in named} == named
    recipe = write_recipe(tmp_path, tiny_base, eos_token="<nobody>")
    with pytest.raises(RecipeError, match=r"eos_token: the tokenizer of .* has no token <nobody>"):
        plan_twins(recipe, data, tmp_path / "out", read, Training())


@pytest.mark.slow
def test_an_answer_ends_with_the_recipes_token_and_with_the_turn(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1, eos_token='"<|endoftext|>"')
    train_twins(recipe, data, tmp_path / "out", read)
    twin = load_model(tmp_path / "out" / "raw")
    assert twin.tokenizer.eos_token == "<|endoftext|>"
    assert twin._ends() == set(twin.tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"]))


def test_accelerate_launches_the_same_script(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    plan = plan_twins(write_recipe(tmp_path, tiny_base), data, tmp_path / "out", read, Training())
    command = plan.commands(read, Path("four gpus.yaml"))["raw"]
    launched = ["accelerate", "launch", "--config_file", "four gpus.yaml", "-m", "trl.scripts.sft"]
    assert shlex.split(command) == [*launched, "--config", f"{tmp_path}/out/commands/raw.yaml"]


@pytest.mark.slow
def test_no_command_is_printed_for_a_base_that_trl_alone_could_not_train(tmp_path: Path, tiny_base: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    forget_chat(base)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    plan = plan_twins(write_recipe(tmp_path, base, max_length=500), data, tmp_path / "out", read, Training())
    with pytest.raises(RecipeError, match="TRL alone would stop at the first of them"):
        plan.commands(read)
