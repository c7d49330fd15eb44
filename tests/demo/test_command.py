"""How the demo's command sets up its process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from unmoor.commands import cli
from unmoor.commands.story import _Story
from unmoor.errors import MissingExtraError, UsageError


@pytest.mark.parametrize(("told", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_leave_the_cores_to_others_unless_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, found: str
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", told or "")
    monkeypatch.setenv("GOMP_SPINCOUNT", "")
    if told is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.delenv("GOMP_SPINCOUNT")
    policies = []

    def note(output: Path, **_: object) -> dict[str, object]:
        policies.append(os.environ["OMP_WAIT_POLICY"])
        return {"output": str(output)}

    monkeypatch.setattr("unmoor.commands.story.tell", note)
    done = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path / "demo"), "--json"], catch_exceptions=False)
    assert (done.exit_code, policies) == (0, [found])


def test_writing_the_data_alone_leaves_the_process_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "")
    monkeypatch.delenv("OMP_WAIT_POLICY")
    done = CliRunner().invoke(cli, ["demo", "--data", str(tmp_path / "rows.jsonl")], catch_exceptions=False)
    assert done.exit_code == 0
    assert "OMP_WAIT_POLICY" not in os.environ


def test_the_folder_of_the_data_is_made_where_there_is_none(tmp_path: Path) -> None:
    place = tmp_path / "not" / "yet" / "rows.jsonl"
    done = CliRunner().invoke(cli, ["demo", "--data", str(place)], catch_exceptions=False)
    rows = len(place.read_text().splitlines())
    assert (done.exit_code, done.output) == (0, f"{place}: {rows:,} rows\n")
    other = str(tmp_path / "other.jsonl")
    told = CliRunner().invoke(cli, ["demo", "--data", other, "--json"], catch_exceptions=False)
    assert json.loads(told.output) == {"data": other, "rows": rows}


@pytest.mark.parametrize("mine", ["notes.txt", ".git/config", "data/mine.jsonl", "audit/mine.jsonl"])
def test_a_demo_in_which_others_put_files_is_never_emptied(tmp_path: Path, mine: str) -> None:
    folder = tmp_path / "demo"
    story = _Story(folder, 7)
    folder.mkdir()
    story.data()
    story.audit()
    (folder / "base").mkdir()
    (folder / mine).parent.mkdir(exist_ok=True)
    (folder / mine).write_text("mine")
    done = CliRunner().invoke(cli, ["demo", "-o", str(folder), "--force"])
    assert isinstance(done.exception, UsageError)
    assert "holds other files too" in str(done.exception) and mine.removesuffix("/config") in str(done.exception)
    assert (folder / mine).read_text() == "mine"


def test_a_folder_of_data_is_no_demo(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw.jsonl").write_text("mine")
    done = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path), "--force"])
    assert isinstance(done.exception, UsageError) and "holds other files" in str(done.exception)
    assert (tmp_path / "data" / "raw.jsonl").read_text() == "mine"


def test_a_demo_that_cannot_train_leaves_its_folder_to_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = CliRunner().invoke(cli, ["demo", "-o", str(tmp_path / "demo")])
    assert isinstance(done.exception, MissingExtraError) and "unmoor[train]" in str(done.exception)
    assert not (tmp_path / "demo").exists()
