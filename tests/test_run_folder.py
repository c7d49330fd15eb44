"""A run folder is complete or absent, says what was altered, and never eats what is not its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.run_folder import RunWriter, machine_errors, read_manifest, verify, write_atomic


def _finished(folder: Path, content: bytes = b"one\n") -> Path:
    with RunWriter(folder) as writer:
        writer.write("kept.jsonl", content)
        writer.finish({"counts": {"input": 3, "kept": 2, "removed": 1}})
    return folder


def test_a_finished_run_verifies(tmp_path: Path) -> None:
    assert verify(_finished(tmp_path / "run")) == []


def test_a_run_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunWriter(tmp_path / "run") as writer:
        writer.write("kept.jsonl", b"half")
        raise RuntimeError
    assert not (tmp_path / "run").exists()


def test_a_folder_that_was_there_stays_when_a_run_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunWriter(tmp_path):
        raise RuntimeError
    assert tmp_path.exists() and not list(tmp_path.iterdir())


def test_a_killed_run_is_called_half_written(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        writer = RunWriter(tmp_path / "run").__enter__()
        writer.write("kept.jsonl", b"half")
        os._exit(9)
    os.waitpid(pid, 0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".unfinished"]
    with pytest.raises(RunFolderError, match="half-written"):
        read_manifest(tmp_path / "run")


@pytest.mark.parametrize("position", range(4))
def test_any_altered_byte_is_found(tmp_path: Path, position: int) -> None:
    run = _finished(tmp_path / "run")
    content = bytearray((run / "kept.jsonl").read_bytes())
    content[position] ^= 1
    (run / "kept.jsonl").write_bytes(content)
    assert verify(run) == ["kept.jsonl was altered: its SHA-256 differs"]


def test_missing_longer_and_foreign_files_are_found(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    (run / "kept.jsonl").write_bytes(b"longer now\n")
    (run / "stray.txt").write_text("?")
    assert verify(run) == ["kept.jsonl has 11 bytes, the manifest says 4", "stray.txt is not in the manifest"]
    (run / "kept.jsonl").unlink()
    assert verify(run)[0] == "kept.jsonl is missing"


def test_counts_that_do_not_add_up_are_found(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run") as writer:
        writer.finish({"counts": {"input": 3, "kept": 1}})
    assert verify(tmp_path / "run") == ["the counts add up to 1 rows, the input had 3"]


def test_a_run_is_not_written_over_unless_told(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    with pytest.raises(UsageError, match="--force"), RunWriter(run):
        pass
    assert verify(run) == []
    with RunWriter(run, force=True) as writer:
        writer.write("kept.jsonl", b"new\n")
        writer.finish({"counts": {"input": 1, "kept": 1}})
    assert (run / "kept.jsonl").read_bytes() == b"new\n"


def test_a_run_stays_as_it_was_when_the_one_to_replace_it_fails(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    with pytest.raises(RuntimeError), RunWriter(run, force=True) as writer:
        writer.write("kept.jsonl", b"new\n")
        raise RuntimeError
    assert verify(run) == []


def test_a_folder_with_other_files_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="other files"), RunWriter(tmp_path, force=True):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UsageError, match="is a file"), RunWriter(tmp_path / "run"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named_and_is_the_machines_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(MachineError, match="no space left"),
        machine_errors("Writing x"),
        Path("/dev/full").open("wb") as file,
    ):
        file.write(b"x")
    assert MachineError("x").exit_code == 4


def test_errors_that_are_not_the_machines_pass_through() -> None:
    with pytest.raises(OSError) as caught, machine_errors("x"):
        raise OSError(errno.ENOTSUP, "no")
    assert not isinstance(caught.value, MachineError)


def test_an_atomic_write_replaces_whole_and_leaves_no_neighbour(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"one")
    write_atomic(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("text", ["", "{", '{"format_version": 99}', "[]"])
def test_a_manifest_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str) -> None:
    run = _finished(tmp_path / "run")
    (run / "MANIFEST.json").write_text(text)
    with pytest.raises(RunFolderError):
        verify(run)
