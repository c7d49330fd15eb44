"""`unmoor train` and `unmoor evaluate` one after the other, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.training.test_twins import write_recipe, write_rows
from unmoor.commands import evaluate, train
from unmoor.errors import UsageError

pytestmark = pytest.mark.slow


def test_twins_are_trained_from_files_and_compared(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base, max_steps=2)
    raw, filtered = write_rows(tmp_path / "raw.jsonl", 12), write_rows(tmp_path / "filtered.jsonl", 8)
    out = tmp_path / "twins"
    arguments = [str(recipe), "--data", f"raw={raw}", "--data", f"filtered={filtered}", "-o", str(out)]
    trained = CliRunner().invoke(train.command, arguments)
    assert trained.exit_code == 0, trained.output
    assert "The twins differ in: data, output_dir." in trained.output
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
    assert "exact McNemar p = " in compared.output


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
