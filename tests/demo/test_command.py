"""How the demo's command sets up its process."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from unmoor.commands import cli
from unmoor.commands.story import MARK, _files_in, _make_room, _mark, _Story
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


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A folder that is marked as a demo that came to its end."""
    folder = tmp_path / "demo"
    folder.mkdir()
    _Story(folder, 7).data()
    for name in ("base", "twins/raw", "evaluation", "audit"):
        (folder / name).mkdir(parents=True)
        (folder / name / "written.json").write_text("{}")
    _mark(folder, sorted(_files_in(folder)))
    return folder


@pytest.mark.parametrize(
    "mine", ["base/mine.bin", "twins/raw/mine/notes.txt", "evaluation/sheet.csv", "audit/review/a"]
)
def test_of_a_finished_demo_only_what_it_wrote_is_removed(finished: Path, mine: str) -> None:
    (finished / "evaluation" / ".DS_Store").write_text("")
    (finished / mine).parent.mkdir(exist_ok=True)
    (finished / mine).write_text("mine")
    with pytest.raises(UsageError, match=f"holds other files too.*: {mine}"):
        _make_room(finished, force=True)
    assert (finished / mine).read_text() == "mine"
    (finished / mine).unlink()
    with pytest.raises(UsageError, match="holds a demo already"):
        _make_room(finished, force=False)
    _make_room(finished, force=True)
    assert list(finished.iterdir()) == []


@pytest.mark.parametrize("mark", [None, "[]", '{"files": []}', '{"name": "of another tool"}'])
def test_a_folder_without_the_mark_of_a_demo_is_none(tmp_path: Path, mark: str | None) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_text("mine")
    (tmp_path / "summary.json").write_text("{}")
    if mark is not None:
        (tmp_path / MARK).write_text(mark)
    with pytest.raises(UsageError, match="holds other files"):
        _make_room(tmp_path, force=True)
    assert (tmp_path / "base" / "model.safetensors").read_text() == "mine"


def test_a_demo_that_was_stopped_is_replaced(finished: Path) -> None:
    _mark(finished, None)
    (finished / "twins" / "raw" / "checkpoint-8").mkdir()
    _make_room(finished, force=True)
    assert list(finished.iterdir()) == []


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_to_a_demo_stays_and_what_it_leads_to_is_replaced(
    finished: Path, tmp_path: Path, is_there: bool
) -> None:
    (tmp_path / "link").symlink_to(finished if is_there else tmp_path / "new")
    _make_room(tmp_path / "link", force=True)
    assert (tmp_path / "link").is_symlink()
    assert list((tmp_path / "link").iterdir()) == []


def test_a_demo_in_which_one_works_is_not_replaced_from_under_one(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished / "twins")
    with pytest.raises(UsageError, match="the folder that you are in"):
        _make_room(Path(".."), force=True)
    assert (finished / "data" / "raw.jsonl").exists()


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
