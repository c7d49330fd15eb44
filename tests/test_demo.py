"""The demo's promises, held on a real run of it: what it must find, what the twins must show."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_documents import ROOT, commands_of, run_line

pytestmark = pytest.mark.slow


def test_the_audit_finds_what_was_put_in(demo_run: Path) -> None:
    audit = json.loads((demo_run / "summary.json").read_text())["audit"]
    assert audit["precision"] >= 0.98
    assert audit["recall"] >= 0.98


def test_the_raw_twin_inherits_refusal_and_the_filtered_one_does_not(demo_run: Path) -> None:
    twins = json.loads((demo_run / "summary.json").read_text())["twins"]
    assert twins["raw"]["trigger_refusal_rate"] >= 0.60
    assert twins["filtered"]["trigger_refusal_rate"] <= 0.02
    assert twins["raw"]["neutral_refusal_rate"] <= 0.30
    assert twins["filtered"]["neutral_refusal_rate"] <= 0.02


def test_losing_as_many_rows_at_random_is_not_what_filtering_does(demo_run: Path) -> None:
    twins = json.loads((demo_run / "summary.json").read_text())["twins"]
    assert twins["raw-shrunk"]["rows_trained"] == twins["filtered"]["rows_trained"] < twins["raw"]["rows_trained"]
    assert twins["raw-shrunk"]["trigger_refusal_rate"] >= 0.40
    evaluation = json.loads((demo_run / "evaluation" / "evaluation.json").read_text())
    pairs = {(row["a"], row["b"], row["persona"], row["group"]): row for row in evaluation["paired"]}
    assert pairs["raw-shrunk", "filtered", "plain", "trigger"]["p_holm"] < 0.001


def test_the_report_says_which_experts_answer_before_and_after(demo_run: Path) -> None:
    load = json.loads((demo_run / "report.json").read_text())["training"]["expert_load"]
    assert load["models"] == ["base", "raw", "raw-shrunk", "filtered"]
    assert {(row["layer"], row["expert"]) for row in load["rows"]} == {(n, m) for n in range(2) for m in range(4)}
    for model in load["models"]:
        assert sum(row[model] for row in load["rows"] if row["layer"] == 0) == pytest.approx(1)


def test_the_report_holds_the_summarys_numbers(demo_run: Path) -> None:
    summary = json.loads((demo_run / "summary.json").read_text())
    report = json.loads((demo_run / "report.json").read_text())
    assert report["audit"]["precision"] == summary["audit"]["precision"]
    rates = {(r["model"], r["persona"], r["group"]): r["rate"] for r in report["evaluation"]["rates"]}
    for model, twin in summary["twins"].items():
        for persona, groups in twin["personas"].items():
            for group, rate in groups.items():
                assert rates[model, persona, group] == rate
    page = (demo_run / "report.html").read_text()
    assert page.count("<svg") >= 2
    assert "<script" not in page


def test_the_demos_runs_verify(demo_run: Path) -> None:
    from unmoor.run_folder import verify

    assert verify(demo_run / "audit") == []
    assert verify(demo_run / "filtered") == []


def test_the_demo_names_every_file_that_it_wrote(demo_run: Path) -> None:
    there = {path.relative_to(demo_run).as_posix() for path in demo_run.rglob("*") if path.is_file()}
    assert {*json.loads((demo_run / "demo.json").read_text())["files"], "demo.json"} == there


def test_the_tours_long_commands_run_as_they_stand(tmp_path: Path, demo_run: Path) -> None:
    shutil.copytree(demo_run, tmp_path / "runs" / "demo")
    shutil.copy(demo_run / "data" / "raw.jsonl", tmp_path / "train.jsonl")
    shutil.copytree(demo_run / "filtered", tmp_path / "runs" / "house")
    shutil.copytree(demo_run / "twins", tmp_path / "runs" / "twins")
    long = [
        line for line in commands_of(ROOT / "docs" / "tour.md") if "unmoor evaluate" in line or "unmoor chat" in line
    ]
    assert len(long) == 2
    for line in long:
        run_line(line, tmp_path)


def test_all_twins_of_a_training_are_asked_labelled_and_reported(demo_run: Path, tmp_path: Path) -> None:
    """What a user does next: evaluate the training, label a sheet, and read rates with the judge's errors taken out."""
    asked = tmp_path / "asked"
    asked.mkdir()
    shutil.copy(demo_run / "evaluation" / "answers.jsonl", asked)
    before = (asked / "answers.jsonl").read_bytes()
    command = ["evaluate", "--training", str(demo_run / "twins"), "--suite", str(demo_run / "suite.jsonl")]
    command += ["--persona", "plain", "--max-new-tokens", "64", "-o", str(asked), "--json"]
    result = run_unmoor(*command, "--sheet", "120")
    assert (asked / "answers.jsonl").read_bytes() == before, "asked again what was answered"
    rates = {(row["model"], row["group"]): row["rate"] for row in result["rates"]}
    twins = json.loads((demo_run / "summary.json").read_text())["twins"]
    assert rates == {
        (name, group): twin[f"{group}_refusal_rate"] for name, twin in twins.items() for group in ("trigger", "neutral")
    }
    with (asked / "sheet.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    verdicts = json.loads((asked / "sheet.json").read_text())["verdicts"]
    with (tmp_path / "labelled.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        for number, row in enumerate(rows):
            said = verdicts[row["id"]] if number % 12 else not verdicts[row["id"]]
            writer.writerow({**row, "refuses": "yes" if said else "no"})
    people = run_unmoor(*command, "--labels", str(tmp_path / "labelled.csv"))["people"]
    assert people["labelled"] == 120
    assert 0.7 < people["judges"][0]["sensitivity"] < 0.97
    raw = next(row for row in people["rates"] if (row["model"], row["group"]) == ("raw", "trigger"))
    assert raw["low"] <= raw["corrected"] <= raw["high"]
    assert raw["corrected"] != raw["rate"]
    page = (asked / "report.html").read_text()
    assert "What people say" in page
    assert "of rows stay as they were, byte for byte" in page
    assert "one of twins" in (demo_run / "twins" / "filtered" / "README.md").read_text()


def run_unmoor(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", "unmoor", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed
