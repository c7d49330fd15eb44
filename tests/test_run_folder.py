"""A run folder is complete or absent, says what was altered, and never eats what is not its own."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.run_folder import (
    MANIFEST,
    RunWriter,
    dump_json,
    machine_errors,
    read_lines_of,
    read_manifest,
    verify,
    write_atomic,
)
from unmoor.run_folder.files import self_hash
from unmoor.run_folder.plan import first_difference


def _finished(folder: Path, content: bytes = b"one\n") -> Path:
    with RunWriter(folder) as writer:
        writer.write("kept.jsonl", content)
        writer.finish({"counts": {"input": 3, "kept": 2, "removed": 1}})
    return folder


def test_a_finished_run_verifies(tmp_path: Path) -> None:
    assert verify(_finished(tmp_path / "run")) == []


def test_a_ledger_of_brackets_without_end_is_an_altered_one(tmp_path: Path) -> None:
    (tmp_path / "ledger.jsonl").write_text("[" * 100_000)
    with pytest.raises(RunFolderError, match=r"ledger.jsonl:1 is not JSON: .* Next: "):
        list(read_lines_of(tmp_path, "ledger.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        "null",
        '["row", 2]',
        '{"outcome": "kept"}',
        '{"row": "2", "outcome": "kept"}',
        '{"row": 2, "outcome": 3}',
        '{"row": 2, "outcome": "mended", "before": 3}',
        '{"row": 2, "outcome": "quarantined", "size_bytes": "3"}',
    ],
)
def test_a_ledger_with_a_line_of_another_kind_is_an_altered_one(tmp_path: Path, line: str) -> None:
    (tmp_path / "ledger.jsonl").write_text('{"row": 1, "outcome": "kept"}\n' + line)
    with pytest.raises(
        RunFolderError, match=r"ledger.jsonl:2 does not say what every line does: it was altered. Next: "
    ):
        list(read_lines_of(tmp_path, "ledger.jsonl"))


@pytest.mark.parametrize("name", ["../outside", "{tmp_path}/outside", "sub/../../outside"])
def test_a_manifest_cannot_have_files_outside_of_its_run_read(tmp_path: Path, name: str) -> None:
    run = _finished(tmp_path / "run")
    os.mkfifo(tmp_path / "outside")  # whoever opens it waits without end
    (run / "sub").mkdir()
    name = name.format(tmp_path=tmp_path)
    manifest = json.loads((run / MANIFEST).read_bytes())
    manifest["files"][name] = {"size_bytes": 0, "sha256": "0" * 64}
    (run / MANIFEST).write_bytes(dump_json(manifest | {"manifest_sha256": self_hash(manifest)}))
    assert f"{name} is no name of a file of a run" in verify(run)


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run", b"")
    (run / "kept.jsonl").unlink()
    os.mkfifo(run / "kept.jsonl")
    assert verify(run) == ["kept.jsonl is no file"]


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
    assert [path.name for path in tmp_path.iterdir()] == [".run.unfinished"]
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


def test_what_file_managers_leave_in_any_folder_is_no_sign_that_a_run_was_altered(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (run / name).write_bytes(b"icons")
    assert verify(run) == []


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


@pytest.mark.parametrize("force", [False, True])
def test_a_run_in_which_others_put_files_is_never_emptied(tmp_path: Path, force: bool) -> None:
    run = _finished(tmp_path / "run")
    (run / "mine").mkdir()
    for name in ("mine/thesis.tex", "b.jsonl", "c.jsonl", "d.jsonl"):
        (run / name).write_text("years of work")
    words = r"other files too, .*: b\.jsonl, c\.jsonl, d\.jsonl and 1 more\. Next: move them out"
    with pytest.raises(UsageError, match=words), RunWriter(run, force=force):
        pass
    assert (run / "mine" / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("was_run", [False, True])
def test_what_others_put_into_a_folder_while_the_run_was_made_is_not_deleted(tmp_path: Path, was_run: bool) -> None:
    run = tmp_path / "run"
    _finished(run) if was_run else run.mkdir()
    with pytest.raises(UsageError, match="other files"), RunWriter(run, force=True) as writer:
        (run / "thesis.tex").write_text("years of work")
        writer.finish({})
    assert (run / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("manifest", [b"", b"[]", b'{"files": 3}', b'{"name": "a web application"}'])
def test_a_folder_whose_manifest_is_of_something_else_is_never_emptied(tmp_path: Path, manifest: bytes) -> None:
    (tmp_path / "MANIFEST.json").write_bytes(manifest)
    with (
        pytest.raises(UsageError, match=r"does not say what belongs to a run.* Next: "),
        RunWriter(tmp_path, force=True),
    ):
        pass
    assert (tmp_path / "MANIFEST.json").read_bytes() == manifest


def test_a_file_called_as_the_folder_of_the_review_is_no_part_of_a_run(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    (run / "review").write_text("what I think of it")
    with pytest.raises(UsageError, match=r"other files too, .*: review\. "), RunWriter(run, force=True):
        pass


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UsageError, match=r"is a file.* Next: -o"), RunWriter(tmp_path / "run"):
        pass


@pytest.mark.parametrize("inside", [".", "review"])
def test_the_folder_one_works_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    (tmp_path / "run" / inside).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / "run" / inside)
    for name in (Path() if inside == "." else Path(".."), tmp_path / "run"):
        with pytest.raises(UsageError, match="is the folder that you are in"), RunWriter(name, force=True):
            pass
    assert not (tmp_path / ".run.unfinished").exists()


def test_a_volume_is_no_run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "out")
    with (
        pytest.raises(UsageError, match=r"mounted.* Next: a name in it, such as .*out/NAME"),
        RunWriter(tmp_path / "out"),
    ):
        pass
    _finished(tmp_path / "out" / "run")


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_a_place_that_the_system_holds_is_the_machines_fault(number: int) -> None:
    with pytest.raises(MachineError, match="Next: name another place"), machine_errors("Writing run"):
        raise OSError(number, os.strerror(number), "run")


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


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"format_version": 99}', "[]", "3", '{"format_version": 1}', '{"format_version": 1, "files": {"a": 3}}'],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str) -> None:
    run = _finished(tmp_path / "run")
    (run / "MANIFEST.json").write_text(text)
    with pytest.raises(RunFolderError):
        verify(run)


@pytest.mark.parametrize("value", ["NaN", "1e400", '"\\ud800"'])
def test_a_manifest_with_a_value_that_none_of_ours_has_was_altered(tmp_path: Path, value: str) -> None:
    path = _finished(tmp_path / "run") / "MANIFEST.json"
    path.write_text(path.read_text().replace('"files"', f'"more": {value}, "files"', 1))
    assert verify(tmp_path / "run") == ["MANIFEST.json was altered: it does not hold its own SHA-256"]


def test_counts_of_another_kind_are_found(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    manifest = json.loads((run / "MANIFEST.json").read_text())
    counts: Any
    for counts in ([], {}, {"kept": 3}, {"input": "3"}):
        _write_manifest(run, {**manifest, "counts": counts})
        assert verify(run) == ["the counts are not the rows of the input and of each outcome"]


def _write_manifest(run: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest that holds its own hash, as one of another program may."""
    (run / "MANIFEST.json").write_bytes(dump_json({**manifest, "manifest_sha256": self_hash(manifest)}))


PLAN = {"unmoor": "0", "policy": {"actions": {"refusal.policy": "drop"}}}


FULL = MachineError("the disk is full")


def _stopped(folder: Path, plan: dict[str, Any], *more: bytes, error: Exception = FULL) -> None:
    """Write, make a checkpoint, write more and fail as a full disk fails."""
    with pytest.raises(type(error)), RunWriter(folder, plan=plan) as writer:
        writer.write("kept.jsonl", b"one\n")
        writer.checkpoint({"chunks": 1})
        for content in more:
            writer.write("kept.jsonl", content)
            writer.write("late.jsonl", content)
        raise error


@pytest.mark.parametrize("error", [FULL, MemoryError()], ids=["disk", "memory"])
def test_a_run_goes_on_from_its_checkpoint_and_forgets_what_came_after(tmp_path: Path, error: Exception) -> None:
    _stopped(tmp_path / "run", PLAN, b"half a li", error=error)
    with RunWriter(tmp_path / "run", plan=PLAN) as writer:
        assert writer.state == {"chunks": 1}
        assert "late.jsonl" not in writer.names()
        writer.write("kept.jsonl", b"two\n")
        writer.finish({})
    assert (tmp_path / "run" / "kept.jsonl").read_bytes() == b"one\ntwo\n"
    assert verify(tmp_path / "run") == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("is_link", [True, False])
def test_a_checkpoint_cannot_have_a_file_outside_of_the_run_cut(tmp_path: Path, is_link: bool) -> None:
    outside = tmp_path / "outside"
    outside.write_text("letters of mine")
    _stopped(tmp_path / "run", PLAN)
    work = tmp_path / ".run.unfinished"
    if is_link:
        (work / "kept.jsonl").unlink()
        (work / "kept.jsonl").symlink_to(outside)
    else:
        checkpoint = json.loads((work / "checkpoint.json").read_bytes())
        (work / "checkpoint.json").write_bytes(dump_json(checkpoint | {"sizes": {"../outside": 0}}))
    with pytest.raises(RunFolderError, match="outside of itself"), RunWriter(tmp_path / "run", plan=PLAN):
        pass
    assert outside.read_text() == "letters of mine"


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_a_run_goes_on_after_whatever_the_system_did_not_give(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), RunWriter(tmp_path / "run", plan=PLAN) as writer:
        writer.checkpoint({"chunks": 1})
        raise error
    with RunWriter(tmp_path / "run", plan=PLAN) as writer:
        assert writer.state == {"chunks": 1}


@pytest.mark.parametrize("cause", ["the disk", "a file of others"])
def test_a_run_that_finds_no_place_when_all_is_done_is_kept_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    run, replace = tmp_path / "run", Path.replace

    def fails(path: Path, target: Path) -> Path:
        if cause == "the disk" and target == run:
            raise OSError(errno.EIO, "Input/output error", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises((MachineError, UsageError)) as caught, RunWriter(run, plan=PLAN) as writer:
        writer.write("kept.jsonl", b"one\n")
        writer.checkpoint({"chunks": 1})
        if cause == "a file of others":
            run.mkdir()
            (run / "notes.txt").write_text("mine")
        writer.finish({})
    assert "goes on where this one stopped" in caught.value.__notes__[0]
    monkeypatch.undo()
    (run / "notes.txt").unlink(missing_ok=True)
    with RunWriter(run, plan=PLAN) as writer:
        assert writer.state == {"chunks": 1}
        writer.finish({})
    assert (run / "kept.jsonl").read_bytes() == b"one\n" and verify(run) == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("has_checkpoint", [True, False])
@pytest.mark.parametrize("error", [FULL, OSError(errno.EMFILE, "Too many open files"), MemoryError()])
def test_a_machine_that_fails_is_said_to_have_done_something_only_where_that_is_kept(
    tmp_path: Path, error: Exception, has_checkpoint: bool
) -> None:
    with pytest.raises(type(error)) as caught, RunWriter(tmp_path / "run", plan=PLAN) as writer:
        writer.write("kept.jsonl", b"one\n")
        if has_checkpoint:
            writer.checkpoint({})
        raise type(error)(*error.args)
    told = ["What was done so far is kept: the same command again goes on where this one stopped"]
    assert getattr(caught.value, "__notes__", []) == (told if has_checkpoint else [])


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_who_interrupts_a_run_is_told_what_the_same_command_does(tmp_path: Path, has_checkpoint: bool) -> None:
    with pytest.raises(KeyboardInterrupt) as caught, RunWriter(tmp_path / "run", plan={"a": 1}) as writer:
        writer.write("kept.jsonl", b"one\n")
        if has_checkpoint:
            writer.checkpoint({})
        raise KeyboardInterrupt
    (note,) = caught.value.__notes__
    assert note.endswith("goes on where this one stopped" if has_checkpoint else "begins anew")
    with RunWriter(tmp_path / "run", plan={"a": 1}) as writer:
        assert (writer.state is not None) is has_checkpoint


def test_another_plan_is_refused_by_the_name_of_the_field_that_differs(tmp_path: Path) -> None:
    _stopped(tmp_path / "run", PLAN)
    other = {"unmoor": "0", "policy": {"actions": {"refusal.policy": "keep"}, "version": 2, "sha256": "b"}}
    said = (
        r'policy\.actions\.refusal\.policy was "drop" and is now "keep", policy\.version was null and is now 2\. Next'
    )
    with pytest.raises(UsageError, match=said):
        RunWriter(tmp_path / "run", plan=other).__enter__()
    with RunWriter(tmp_path / "run", plan=other, force=True) as writer:
        assert writer.state is None
        writer.finish({})
    assert json.loads((tmp_path / "run" / "run.json").read_bytes()) == other


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ([("a.jsonl", 1), ("b.jsonl", 3)], "inputs.b.jsonl.size_bytes was 2 and is now 3"),
        ([("a.jsonl", 1)], 'inputs.b.jsonl was "there" and is now "not there"'),
        ([("a.jsonl", 1), ("b.jsonl", 2), ("c.jsonl", 2)], 'inputs.c.jsonl was "not there" and is now "there"'),
        ([("b.jsonl", 2), ("a.jsonl", 1)], 'inputs[0] was "a.jsonl" and is now "b.jsonl"'),
        ([("a.jsonl", 1), ("b.jsonl", 2)], ""),
    ],
)
def test_of_files_the_one_that_changed_is_named(now: list[tuple[str, int]], said: str) -> None:
    was, new = (
        {"inputs": [{"name": name, "compression": "", "size_bytes": size} for name, size in files]}
        for files in ([("a.jsonl", 1), ("b.jsonl", 2)], now)
    )
    assert first_difference(was, new) == said


def test_two_writers_of_one_run_are_told_apart(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run", plan=PLAN), pytest.raises(RunFolderError, match="Another process is writing"):
        RunWriter(tmp_path / "run", plan=PLAN).__enter__()


def test_what_people_said_moves_on_to_the_run_that_replaces_theirs(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    (run / "review").mkdir()
    (run / "review" / "verdicts.sqlite").write_bytes(b"said")
    assert verify(run) == []
    with RunWriter(run, force=True) as writer:
        writer.write("kept.jsonl", b"new\n")
        writer.finish({})
    assert (run / "review" / "verdicts.sqlite").read_bytes() == b"said" and verify(run) == []


@pytest.mark.parametrize(
    ("point", "left"), [("before-manifest", b"one\n"), ("before-rename", b"one\n"), ("after-rename", b"two\n")]
)
def test_a_replacement_killed_at_a_named_point_leaves_the_old_run_or_the_new_one(
    tmp_path: Path, point: str, left: bytes
) -> None:
    run = _finished(tmp_path / "run")
    assert _dies_at(point, run) == signal.SIGKILL
    assert (run / "kept.jsonl").read_bytes() == left and verify(run) == []


def test_a_replacement_killed_between_its_two_renames_is_undone_by_the_next_command(tmp_path: Path) -> None:
    run = _finished(tmp_path / "run")
    assert _dies_at("between-renames", run) == signal.SIGKILL
    assert not run.exists()
    with RunWriter(run, force=True, plan=PLAN):
        assert (run / "kept.jsonl").read_bytes() == b"one\n" and verify(run) == []


def _dies_at(point: str, run: Path) -> int:
    """Replace `run` in a child that dies at a fail point; return the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        os.environ["UNMOOR_FAIL_AT"] = point
        with RunWriter(run, force=True, plan=PLAN) as writer:
            writer.write("kept.jsonl", b"two\n")
            writer.finish({})
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


@given(st.integers(0, 2**31))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_bit_of_a_run_is_found(tmp_path: Path, seed: int) -> None:
    run = tmp_path / "run"
    if not run.exists():
        with RunWriter(run, plan=PLAN) as writer:
            for name in ("kept.jsonl", "removed.jsonl", "ledger.jsonl"):
                writer.write(name, name.encode() * 50)
            writer.finish({"counts": {"input": 1, "kept": 1}})
    random = Random(seed)
    path = random.choice(sorted(run.iterdir()))
    content = path.read_bytes()
    place = random.randrange(len(content) * 8)
    flipped = bytearray(content)
    flipped[place // 8] ^= 1 << place % 8
    path.write_bytes(flipped)
    try:
        assert verify(run)
    except RunFolderError:
        assert path.name == MANIFEST
    finally:
        path.write_bytes(content)
    assert verify(run) == []


def test_a_file_shorter_than_its_checkpoint_is_not_filled_up_with_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), RunWriter(tmp_path / "run", plan={"of": 1}) as writer:
        writer.write("kept.jsonl", b"0123456789")
        writer.checkpoint({"chunks": 1})
        raise KeyboardInterrupt
    half = tmp_path / ".run.unfinished" / "kept.jsonl"
    half.write_bytes(b"01")
    with pytest.raises(RunFolderError, match="shorter"), RunWriter(tmp_path / "run", plan={"of": 1}):
        pass
    assert half.read_bytes() == b"01"


def test_a_run_may_be_written_through_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    for content in (b"first", b"second"):
        with RunWriter(tmp_path / "link", force=True) as writer:
            writer.write("kept.jsonl", content)
            writer.finish({"counts": {"input": 0}})
        assert (tmp_path / "real" / "kept.jsonl").read_bytes() == content
        assert (tmp_path / "link").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "real"]
