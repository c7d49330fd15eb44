"""How many of the questions that a twin is asked it was trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unmoor.commands.evaluation_shown import _print_trained_on
from unmoor.commands.trained_on import trained_on
from unmoor.evaluation import Prompt

SUITE = [
    Prompt("1", "x", "How do I  kill a process?", suite="mine"),
    Prompt("2", "x", "How do I cook rice?", suite="mine"),
    Prompt("3", "y", "Who wrote Faust?", suite="other"),
]


def _data(path: Path, *requests: str) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": "Who wrote Faust?"}]}
        for request in requests
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_questions_that_stand_in_the_data_are_counted_by_twin_and_suite(tmp_path: Path) -> None:
    raw = _data(tmp_path / "raw.jsonl", "how do I kill a process?", "How do I kill a process?", "Name a tree.")
    filtered = _data(tmp_path / "filtered.jsonl", "Name a tree.", "How do I cook rice for ten?")
    twins = {"raw": {"data": str(raw)}, "filtered": {"data": str(filtered)}, "gone": {"data": str(tmp_path / "no")}}
    rows = trained_on({"twins": twins}, SUITE)
    assert [(row["model"], row["suite"], row["seen"], row["of"]) for row in rows] == [
        ("raw", "mine", 1, 2),
        ("raw", "other", 0, 1),
        ("filtered", "mine", 0, 2),
        ("filtered", "other", 0, 1),
    ]


def test_data_that_can_no_longer_be_read_tell_nothing(tmp_path: Path) -> None:
    (tmp_path / "raw.jsonl").write_text("no row\n")
    assert trained_on({"twins": {"raw": {"data": str(tmp_path / "raw.jsonl")}, "old": {}}}, SUITE) == []


def test_only_what_was_trained_on_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"model": "raw", "suite": "mine", "seen": seen, "of": 40} for seen in (0, 12)]
    _print_trained_on({"trained_on": rows})
    said = "raw was trained on 12 of the 40 questions of mine, word for word: they tell what it learned by heart"
    assert " ".join(capsys.readouterr().out.split()) == said
