"""What lies in the way and what the system does not give is one sentence and an exit code, and never a traceback."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands.test_data_commands import as_bound_by_rights
from tests.forked import run_forked

ROW = {"instruction": "Name three trees.", "input": "", "output": "Oak, ash and elm are three trees."}
FILTER = ("filter", "train.jsonl", "--language", "de", "-o")


def unmoor(*arguments: str, cwd: Path, preexec: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    if preexec is None:
        return run_forked(list(arguments), cwd, dict(os.environ))
    command = [sys.executable, "-m", "unmoor", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, preexec_fn=preexec, check=False)


def hold_told(done: subprocess.CompletedProcess[str], exit_code: int, words: str) -> None:
    assert (done.returncode, done.stderr.count("\n")) == (exit_code, 1), done.stderr
    assert done.stderr.startswith("unmoor: ") and words in done.stderr and "Next: " in done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data set and a run of it."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "train.jsonl").write_text(json.dumps(ROW) + "\n")
    assert unmoor(*FILTER, "run", cwd=folder).returncode == 0
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "loop"),
        ("explain", "loop/run", "1"),
        ("audit", "loop"),
        ("restore", "run", "-o", "loop"),
        ("merge", "loop", "-o", "whole"),
        (*FILTER, "loop"),
        (*FILTER, "loop/run"),
    ],
)
def test_a_link_that_leads_to_itself_is_named(here: Path, arguments: tuple[str, ...]) -> None:
    (here / "loop").symlink_to("loop")
    hold_told(unmoor(*arguments, cwd=here), 2, "leads through a link to itself")


@pytest.mark.parametrize(
    ("in_the_way", "arguments"),
    [
        (".new.unfinished", (*FILTER, "new")),
        (".back.jsonl.restoring", ("restore", "run", "-o", "back.jsonl")),
        (".run.applying", ("apply", "run")),
    ],
)
def test_a_file_where_unmoor_works_meanwhile_is_named_and_stays(
    here: Path, in_the_way: str, arguments: tuple[str, ...]
) -> None:
    (here / in_the_way).write_text("mine")
    hold_told(unmoor(*arguments, cwd=here), 2, f"{in_the_way} is in the way")
    assert (here / in_the_way).read_text() == "mine"


def test_a_file_with_the_name_of_a_replaced_run_is_not_taken_for_one(here: Path) -> None:
    (here / ".new.replaced").write_text("mine")
    unmoor(*FILTER, "new", cwd=here)
    assert (here / ".new.replaced").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments", [("explain", "run", "1"), ("restore", "{run}", "-o", "back.jsonl"), ("filter", "{data}", "-o", "new")]
)
def test_a_folder_that_is_gone_is_said(here: Path, arguments: tuple[str, ...]) -> None:
    gone = here / "gone"
    gone.mkdir()
    named = [text.format(run=here / "run", data=here / "train.jsonl") for text in arguments]
    command = [sys.executable, "-m", "unmoor", *named]
    shell = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *command]
    done = subprocess.run(shell, cwd=gone, capture_output=True, text=True, check=False)
    hold_told(done, 2, "The folder that you are in is gone")


@pytest.mark.parametrize(
    ("shut", "arguments"),
    [
        ("run/ledger.jsonl", ("verify", "run")),
        ("run/ledger.jsonl", ("explain", "run", "1")),
        ("run/ledger.jsonl", ("restore", "run", "-o", "back.jsonl")),
        ("run/MANIFEST.json", ("verify", "run")),
        ("run/MANIFEST.json", (*FILTER, "run", "--force")),
        ("run", (*FILTER, "run")),
    ],
)
def test_what_may_not_be_read_is_named(here: Path, shut: str, arguments: tuple[str, ...]) -> None:
    (here / shut).chmod(0)
    done = unmoor(*arguments, cwd=here, preexec=as_bound_by_rights)
    (here / shut).chmod(0o700)
    hold_told(done, 2, f"{shut} may not be read or written: Permission denied")


def test_a_replaced_run_that_may_not_be_deleted_is_named(here: Path) -> None:
    left = here / ".run.replaced"
    shutil.copytree(here / "run", left)
    left.chmod(0o500)
    done = unmoor(*FILTER, "run", "--force", cwd=here, preexec=as_bound_by_rights)
    left.chmod(0o700)
    hold_told(done, 4, f"Deleting {left}: Permission denied")


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))


def test_too_few_open_files_are_the_machines_fault(here: Path) -> None:
    done = unmoor(*FILTER, "new", "--workers", "2", cwd=here, preexec=few_files)
    hold_told(done, 4, "The system gives no more: Too many open files")
    assert not (here / "new").exists() and not (here / ".new.unfinished").exists()


@pytest.mark.parametrize("error", ['RuntimeError("can\'t start new thread")', "BlockingIOError(11, 'Resource busy')"])
def test_a_thread_or_a_process_that_cannot_be_started_is_the_machines_fault(here: Path, error: str) -> None:
    code = f"""
import unmoor.engines.run
from unmoor.commands import main
def fail(*_):
    raise {error}
unmoor.engines.run.process_chunks = fail
main()
"""
    command = [sys.executable, "-c", code, "audit", "train.jsonl"]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    hold_told(done, 4, "The system gives no more: ")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_closed_stream_changes_nothing_else(here: Path, number: int) -> None:
    done = unmoor(*FILTER, "new", cwd=here, preexec=lambda: os.close(number))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "error" not in done.stderr.casefold()
    assert unmoor("verify", "new", cwd=here).returncode == 0


def test_the_input_comes_back_whatever_became_of_reports_and_of_files_of_others(here: Path) -> None:
    (here / "run" / "notes.txt").write_text("looked at on Monday")
    (here / "run" / "report.html").unlink()
    (here / "run" / "README.md").write_text("longer than it was")
    done = unmoor("restore", "run", "-o", "again.jsonl", cwd=here)
    assert done.returncode == 0, done.stderr
    assert (here / "again.jsonl").read_bytes() == (here / "train.jsonl").read_bytes()
    assert unmoor("verify", "run", cwd=here).returncode == 1
    (here / "run" / "kept.jsonl").write_text("{}\n")
    hold_told(
        unmoor("restore", "run", "-o", "other.jsonl", cwd=here), 2, "What it would give back is not what was read"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "sft.yaml", "--data", "raw=train.jsonl", "--data", "filtered=run/kept.jsonl", "-o", "run"),
        ("train", "sft.yaml", "--data", "raw=train.jsonl", "--data", "filtered=run/kept.jsonl", "-o", "run/twins"),
        ("evaluate", "--model", "a=somewhere", "--suite", "neutral", "-o", "run"),
        ("export", "somewhere", "-o", "run"),
        ("labels", "export", "run", "run/tasks.json", "--to", "argilla"),
        ("demo", "--data", "run/demo.jsonl"),
    ],
)
def test_nothing_writes_into_a_run(here: Path, arguments: tuple[str, ...]) -> None:
    (here / "sft.yaml").write_text("model_name_or_path: somewhere\n")
    before = {path.name: path.read_bytes() for path in (here / "run").iterdir()}
    hold_told(unmoor(*arguments, cwd=here), 2, "a run and stays as it was written")
    assert {path.name: path.read_bytes() for path in (here / "run").iterdir()} == before


def test_an_interface_for_label_studio_takes_the_place_of_nothing(here: Path) -> None:
    export = ("labels", "export", "run", "--to", "label-studio")
    (here / "mine.xml").write_text("<mine/>")
    (here / "folder.xml").mkdir()
    hold_told(unmoor(*export, "tasks.xml", cwd=here), 2, "would take its place")
    hold_told(unmoor(*export, "tasks.CSV", cwd=here), 2, "What is written is JSON")
    hold_told(unmoor(*export, "mine.json", cwd=here), 2, "mine.xml is there already")
    hold_told(unmoor(*export, "folder.json", "--force", cwd=here), 2, "folder.xml is there already")
    assert (here / "mine.xml").read_text() == "<mine/>"
    assert not [name for name in ("tasks.xml", "tasks.CSV", "mine.json", "folder.json") if (here / name).exists()]
    assert unmoor(*export, "mine.json", "--force", cwd=here).returncode == 0
    assert (here / "mine.json").read_text() == "[]\n" and (here / "mine.xml").read_text().startswith("<View>")
