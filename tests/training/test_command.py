"""`unmoor train` and `unmoor evaluate` one after the other, as a user runs them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.training.test_twins import write_recipe, write_rows
from unmoor.commands import evaluate, train
from unmoor.errors import BadDataError, UsageError
from unmoor.training.template import CHATML

pytestmark = pytest.mark.slow


def test_twins_are_trained_from_files_and_compared(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base, max_steps=2)
    raw, filtered = write_rows(tmp_path / "raw.jsonl", 12), write_rows(tmp_path / "filtered.jsonl", 8)
    out = tmp_path / "twins"
    arguments = [str(recipe), "--data", f"raw={raw}", "--data", f"filtered={filtered}", "-o", str(out)]
    trained = CliRunner().invoke(train.command, arguments)
    assert trained.exit_code == 0, trained.output
    assert "The twins differ in: data, output_dir." in trained.output
    seen = json.loads((out / "training.json").read_text())["twins"]["raw"]["tokens_seen"]
    assert re.search(rf"^raw +12 +8 +{seen:,} +2 ", trained.output, re.MULTILINE), "two steps of four rows"
    as_json = CliRunner().invoke(train.command, [*arguments, "--json"])
    assert json.loads(as_json.stdout)["twins"]["filtered"]["rows_trained"] == 8

    suite = tmp_path / "suite.jsonl"
    prompts = [{"id": f"p{number}", "group": "greeting", "prompt": f"Hello {number}?"} for number in range(2)]
    suite.write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    models = [flag for name in ("raw", "filtered") for flag in ("--model", f"{name}={out / name}")]
    asked = ["--suite", str(suite), "--persona", "plain", "--max-new-tokens", "4", "-o", str(tmp_path / "asked")]
    compared = CliRunner().invoke(evaluate.command, [*models, *asked])
    assert compared.exit_code == 0, compared.output
    assert "too few" in compared.output
    assert "refuses 0 (p = 1)" in compared.output
    assert "p: exact McNemar, corrected by Holm for 1 test of suites" in compared.output


def test_a_model_that_is_trained_alone_has_no_twins_to_differ_from(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base, max_steps=2)
    arguments = [str(recipe), "--data", f"raw={write_rows(tmp_path / 'raw.jsonl', 12)}", "-o", str(tmp_path / "twins")]
    trained = CliRunner().invoke(train.command, arguments)
    assert trained.exit_code == 0, trained.output
    assert "differ" not in trained.output


@pytest.mark.parametrize(
    ("value", "why"), [("raw", "takes NAME=PATH"), ("=x", "takes NAME=PATH"), ("raw=", "takes NAME=PATH")]
)
def test_data_without_a_name_is_a_usage_error(tmp_path: Path, tiny_base: Path, value: str, why: str) -> None:
    recipe = write_recipe(tmp_path, tiny_base)
    result = CliRunner().invoke(train.command, [str(recipe), "--data", value, "-o", str(tmp_path / "out")])
    assert isinstance(result.exception, UsageError)
    assert why in str(result.exception)


def test_a_name_given_twice_is_a_usage_error(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base)
    arguments = [str(recipe), "--data", "raw=a", "--data", "raw=b", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(train.command, arguments)
    assert isinstance(result.exception, UsageError)
    assert "twice" in str(result.exception)


def preflight_of(tmp_path: Path, base: Path, *flags: str, **recipe: object) -> Result:
    """Of every four questions one is longer than 70 tokens, and of every four answers another one is."""
    tree = "oak ash elm fir yew box bay fig "
    asked = [("Name trees. " + tree * 8 if row % 4 == 0 else "Name trees.") for row in range(12)]
    said = [tree * (8 if row % 4 == 1 else 1) for row in range(12)]
    lines = [
        json.dumps({"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": a}]}) + "\n"
        for q, a in zip(asked, said, strict=True)
    ]
    (tmp_path / "raw.jsonl").write_text("".join(lines))
    (tmp_path / "filtered.jsonl").write_text("".join(lines[:8]))
    data = [flag for name in ("raw", "filtered") for flag in ("--data", f"{name}={tmp_path / name}.jsonl")]
    arguments = [str(write_recipe(tmp_path, base, **recipe)), *data, "-o", str(tmp_path / "out"), *flags]
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(train.command, arguments)


@pytest.mark.parametrize(
    ("template", "asked", "told"),
    [
        (None, {}, "base has no chat template: ChatML is learned."),
        (
            "{% for m in messages %}{{ m['content'] }}{% endfor %}",
            {},
            "base marks no answers: ChatML is learned in its place.",
        ),
        (CHATML, {}, ""),
        ("{% for m in messages %}{{ m['content'] }}{% endfor %}", {"chat_template_path": "own.jinja"}, ""),
    ],
    ids=["none", "without marks", "the same", "one of the owner's"],
)
def test_a_preflight_says_where_another_template_than_the_base_s_is_learned(
    tmp_path: Path, tiny_base: Path, template: str | None, asked: dict[str, str], told: str
) -> None:
    base = shutil.copytree(tiny_base, tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    if template is not None:
        (base / "chat_template.jinja").write_text(template)
    (tmp_path / "own.jinja").write_text(CHATML)
    asked = {key: str(tmp_path / name) for key, name in asked.items()}
    done = preflight_of(tmp_path, base, "--preflight", "--max-dropped", "70%", max_length=70, **asked)
    said = [line for line in done.stdout.splitlines() if "ChatML" in line]
    assert len(said) == bool(told) and all(line.endswith(told) for line in said), done.output


def test_a_preflight_says_what_would_be_trained_on_and_trains_nothing(tmp_path: Path, tiny_base: Path) -> None:
    done = preflight_of(tmp_path, tiny_base, "--preflight", "--max-dropped", "70%", max_length=70)
    assert done.exit_code == 0, done.output
    assert "learned is what stands in [[]]" in done.output
    assert "]]\n" in done.output
    assert "tokens to learn are cut off (row " in done.output
    assert max(map(len, done.output.replace(str(tmp_path), "").splitlines())) <= 80
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["preflight.json"]


def test_a_twin_of_texts_in_a_template_of_their_own_learns_the_answers_in_the_trainers(
    tmp_path: Path, tiny_base: Path
) -> None:
    said = [("Name a tree.", "An oak."), ("Another.", "An ash.")]
    turns = [turn for q, a in said for turn in (("user", q), ("assistant", a))]
    rows = {
        "texts": {"text": "".join(f"### Human: {q}### Assistant: {a}" for q, a in said)},
        "turns": {"messages": [{"role": role, "content": text} for role, text in turns]},
    }
    for name, row in rows.items():
        (tmp_path / f"{name}.jsonl").write_text((json.dumps(row) + "\n") * 8)
    data = [flag for name in rows for flag in ("--data", f"{name}={tmp_path / name}.jsonl")]
    arguments = [str(write_recipe(tmp_path, tiny_base)), *data, "-o", str(tmp_path / "out"), "--preflight"]
    done = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(train.command, arguments)
    assert done.exit_code == 0, done.output
    assert "  texts: rows have a chat template of their own; the trainer's takes its place" in done.output
    assert "turns: rows have" not in done.output and "###" not in done.output
    checked = json.loads((tmp_path / "out" / "preflight.json").read_text())["twins"]
    texts, turns_alone = ({key: one for key, one in checked[name].items() if key != "data"} for name in rows)
    assert texts == turns_alone and texts["tokens_trained"] > 0


def test_print_shows_the_commands_and_that_only_data_and_output_differ(tmp_path: Path, tiny_base: Path) -> None:
    done = preflight_of(tmp_path, tiny_base, "--print", "--accelerate", "gpus.yaml")
    assert done.exit_code == 0, done.output
    launched = "accelerate launch --config_file gpus.yaml -m trl.scripts.sft --config "
    assert done.output.count(launched) == 2
    differ = done.output.split("and nothing else:\n")[1].split("Nothing was trained")[0]
    assert [line.strip() for line in differ.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "data",
        "output_dir",
    ]
    as_json = json.loads(preflight_of(tmp_path, tiny_base, "--print", "--json").stdout)
    assert set(as_json["commands"]) == set(as_json["twins"]) == {"raw", "filtered"}
    assert as_json["commands"]["raw"].startswith("trl sft --config ")


def test_on_a_terminal_what_is_learned_is_bold_and_needs_no_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unmoor.commands.preflight_shown import print_example

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    print_example([("user: hi\x1b[2J ", False), ("Hello.", True)])
    shown = capsys.readouterr().out
    assert "\x1b[1;32mHello.\x1b[0m" in shown
    assert "[[" not in shown
    assert "\x1b[2J" not in shown, "text of the data steers no terminal"


def test_a_twin_that_would_lose_too_many_rows_stops_with_exit_code_3(tmp_path: Path, tiny_base: Path) -> None:
    done = preflight_of(tmp_path, tiny_base, "--preflight", max_length=8)
    assert isinstance(done.exception, BadDataError)
    assert done.exception.exit_code == 3
    assert "12 of 12 rows would be dropped (100.0%, the limit is 1.0%)" in str(done.exception)
    assert "row 1: nothing to learn within max_length (8 tokens)" in str(done.exception)
    listed = json.loads((tmp_path / "out" / "preflight.json").read_text())
    assert listed["twins"]["filtered"]["rows_dropped"] == 8


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--max-dropped", "2"), "takes a share such as 1%"),
        (("--leak", "0,much"), "takes numbers with commas between; found 'much'"),
        (("--leak", "0", "--seeds", "1.5"), "takes whole numbers"),
        (("--seeds", "7,7"), "--seeds has 7 twice"),
        (("--run", "runs/house"), "belongs to --leak"),
        (("--accelerate", "gpus.yaml"), "belongs to --print"),
        (("--leak", "0", "--shrink", "raw"), "no --shrink"),
    ],
)
def test_flags_that_make_no_sense_are_usage_errors(
    tmp_path: Path, tiny_base: Path, flags: tuple[str, ...], why: str
) -> None:
    done = preflight_of(tmp_path, tiny_base, *flags)
    assert isinstance(done.exception, UsageError)
    assert why in str(done.exception)


def test_the_recipe_of_another_trainer_is_known_by_its_keys(tmp_path: Path, tiny_base: Path) -> None:
    recipe = tmp_path / "axolotl.yaml"
    recipe.write_text(f"base_model: {tiny_base}\nsequence_len: 80\nmicro_batch_size: 4\nnum_epochs: 1\n")
    arguments = [str(recipe), "--data", f"raw={write_rows(tmp_path / 'raw.jsonl', 12)}", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(train.command, [*arguments, "--preflight"])
    assert isinstance(done.exception, BadDataError)
    assert "and axolotl leaves out more than 80" in str(done.exception)
    assert json.loads((tmp_path / "out" / "preflight.json").read_text())["trainer"] == "axolotl"
