"""A run that is killed at any moment leaves nothing at its place, and asked for again gives the bytes of one never interrupted."""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import resource
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmoor.commands.observed import counting_pairs
from unmoor.engines import Job, Options, run_job
from unmoor.engines import run as run_module
from unmoor.engines.identity import hold_unchanged
from unmoor.errors import BadDataError, MachineError, UsageError
from unmoor.layouts import data_set, open_data_set, shard_of
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.run_folder import places, read_manifest, unfinished_folder, verify
from unmoor.run_folder.files import REVIEW

ROWS = 600
KILLS = int(os.environ.get("UNMOOR_KILLS", "3"))
"""Kills at random moments per format; the figure in bench/RESULTS.md comes from 300."""
ANSWERS = (
    "Oak, ash and elm are three trees that grow well in a cool climate.",
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm.",
    "Rivers run from the hills to the sea, and carry sand and clay along.",
)
OPTIONS = Options(chunk_bytes=8_000, checkpoint_bytes=12_000)
"""A checkpoint of every hundred rows or so."""
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload([__name__])
"""Every run is a process of its own, which can be killed, forked from one that has loaded the program: that takes a second."""


def _row(number: int) -> dict[str, object]:
    answer = ANSWERS[number % len(ANSWERS)]
    return {"id": number, "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]}


@pytest.fixture(scope="module", params=["jsonl", "json", "parquet"])
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("data") / f"data.{request.param}"
    rows = [_row(number) for number in range(ROWS)]
    if request.param == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows) + "null\n\n")
    elif request.param == "json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=120)
    return path


@pytest.fixture(scope="module")
def expected(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    run = tmp_path_factory.mktemp("expected") / "run"
    _finish(data, run)
    return _files(run)


def _files(run: Path) -> dict[str, bytes]:
    assert verify(run) == []
    return {path.name: path.read_bytes() for path in run.iterdir()}


def _job() -> Job:
    return Job("messages", load_policy("dolphin"), languages=("en",), observer=ChunkFacts)


def _run(data: Path, run: Path, fail_at: str) -> None:
    os.environ["UNMOOR_FAIL_AT"] = fail_at
    run_job(open_data_set(data), _job(), run, OPTIONS)


def _start(data: Path, run: Path, fail_at: str = "") -> BaseProcess:
    process = FORKING.Process(target=_run, args=(data, run, fail_at))
    process.start()
    return process


def _finish(data: Path, run: Path) -> None:
    process = _start(data, run)
    process.join()
    assert process.exitcode == 0


@pytest.mark.slow
def test_a_run_killed_at_random_moments_goes_on_to_the_same_bytes(
    data: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    random = Random(20261123)
    resumed = 0
    for number in range(KILLS):
        run = tmp_path / str(number)
        process = _start(data, run)
        work = unfinished_folder(run)
        after = (
            work / "checkpoint.json" if number % 2 else work
        )  # on a busy machine the first checkpoint may take seconds
        while not after.exists() and process.is_alive():
            time.sleep(0.002)
        time.sleep(random.random() * (0.05 if number % 2 else 0.4))
        process.kill()
        process.join()
        if run.exists():
            assert _files(run) == expected
            continue
        resumed += (work / "checkpoint.json").exists()
        _finish(data, run)
        assert _files(run) == expected
        assert not work.exists()
    assert resumed, "no kill fell between a checkpoint and the end: the test proved nothing"


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before-checkpoint", "after-checkpoint", "before-manifest", "before-rename"])
def test_a_run_killed_at_a_named_point_goes_on_to_the_same_bytes(
    data: Path, expected: dict[str, bytes], tmp_path: Path, point: str
) -> None:
    process = _start(data, tmp_path / "run", point)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "run").exists()
    _finish(data, tmp_path / "run")
    assert _files(tmp_path / "run") == expected


@pytest.mark.slow
def test_a_run_killed_again_and_again_at_every_checkpoint_still_ends(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(320)))
    _finish(path, tmp_path / "whole")
    tries = 0
    while not (tmp_path / "run").exists():
        process = _start(path, tmp_path / "run", "after-checkpoint")
        process.join()
        tries += 1
        assert tries < 40
    assert tries > 3
    assert _files(tmp_path / "run") == _files(tmp_path / "whole")


def test_a_file_larger_than_is_allowed_is_said_and_the_same_command_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(1200)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (80_000, hard))
    try:
        with pytest.raises(
            MachineError, match="Next: raise the limit, which `ulimit -f` shows, then the same command again"
        ):
            run_job(open_data_set(path), _job(), tmp_path / "run", OPTIONS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "run").exists() and (unfinished_folder(tmp_path / "run") / "checkpoint.json").exists()
    _finish(path, tmp_path / "run")
    _finish(path, tmp_path / "whole")
    assert _files(tmp_path / "run") == _files(tmp_path / "whole")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", ["b.jsonl", "b.jsonl.gz", "b.parquet"])
def test_an_input_that_is_gone_for_a_moment_is_said_and_the_same_command_goes_on(
    name: str, workers: int, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [_row(number) for number in range(240)]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet", row_group_size=40)
        pq.write_table(pa.Table.from_pylist(rows), folder / name, row_group_size=40)
    else:
        (folder / "a.jsonl").write_bytes(lines)
        (folder / name).write_bytes(gzip.compress(lines) if name.endswith("gz") else lines)
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    options = Options(workers=workers, chunk_bytes=8_000, checkpoint_bytes=1)

    def unplug(*_told: object) -> None:
        if (folder / name).exists():
            (folder / name).rename(tmp_path / name)

    data = open_data_set(folder)
    words = rf"{name} cannot be read: .* Next: see that it is there, then the same command again\nWhat was done so far is kept"
    with pytest.raises(MachineError, match=words):
        run_job(data, job, tmp_path / "run", options, on_progress=unplug)
    assert not (tmp_path / "run").exists() and (unfinished_folder(tmp_path / "run") / "checkpoint.json").exists()
    (tmp_path / name).rename(folder / name)
    run_job(open_data_set(folder), job, tmp_path / "run", options)
    run_job(open_data_set(folder), job, tmp_path / "whole", options)
    assert _files(tmp_path / "run") == _files(tmp_path / "whole")


@pytest.mark.parametrize("where", ["between-renames", "after-rename"])
def test_ctrl_c_as_a_run_replaces_another_leaves_one_of_them_and_says_which(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "data.jsonl", tmp_path / "run"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(30)))
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    run_job(open_data_set(path), job, run)
    before = _files(run)
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(60)))

    def interrupted(name: str) -> None:
        if name == where:
            raise KeyboardInterrupt

    monkeypatch.setattr(places, "fail_point", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_job(open_data_set(path), job, run, Options(force=True))
    is_new = where == "after-rename"
    assert (_files(run) != before) is is_new
    assert any("The run is complete" in note for note in stopped.value.__notes__) is is_new
    assert read_manifest(run)["counts"]["input"] == (60 if is_new else 30)


def test_ctrl_c_as_a_review_is_brought_along_loses_no_row_that_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "data.jsonl", tmp_path / "run"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(60)))
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    run_job(open_data_set(path), job, run)
    options = Options(force=True, chunk_bytes=2_000, checkpoint_bytes=1)
    (run / REVIEW).mkdir()
    (run / REVIEW / "verdicts.sqlite").write_bytes(b"what people said")
    copied = places.shutil.copy2

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(places.shutil, "copy2", interrupted)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_job(open_data_set(path), job, run, options)
    assert any("go on" in note or "goes on" in note for note in stopped.value.__notes__), stopped.value.__notes__
    monkeypatch.setattr(places.shutil, "copy2", copied)
    judged: list[object] = []
    monkeypatch.setattr(run_module, "process_chunks", lambda chunks, *_: judged.extend(chunks) or iter(()))
    run_job(open_data_set(path), job, run, options)
    assert judged == []
    assert verify(run) == []
    assert (run / REVIEW / "verdicts.sqlite").read_bytes() == b"what people said"


def test_an_input_that_is_gone_when_all_was_read_keeps_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(600)))
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    options = Options(chunk_bytes=20_000, checkpoint_bytes=1)

    def gone(*given: Any) -> None:
        path.rename(tmp_path / "elsewhere")
        hold_unchanged(*given)

    monkeypatch.setattr(run_module, "hold_unchanged", gone)
    with pytest.raises(MachineError, match=r"data\.jsonl is gone since it was read\. Next: see that it is there"):
        run_job(open_data_set(path), job, tmp_path / "run", options)
    assert (unfinished_folder(tmp_path / "run") / "checkpoint.json").exists()
    monkeypatch.undo()
    (tmp_path / "elsewhere").rename(path)
    run_job(open_data_set(path), job, tmp_path / "run", options)
    assert verify(tmp_path / "run") == []


def _two_files(folder: Path) -> Path:
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.jsonl").write_text(json.dumps(_row(1)) + "\n")
    return folder


@pytest.mark.parametrize("step", ["_named_twice", "shard_of", "run_job"])
def test_an_input_that_is_gone_just_after_it_was_found_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = _two_files(tmp_path / "set")

    def gone(*given: Any) -> Any:
        (folder / "b.jsonl").unlink()
        return {"_named_twice": named_twice, "shard_of": shard_of, "run_job": run_job}[step](*given)

    named_twice = data_set._named_twice
    if step == "_named_twice":
        monkeypatch.setattr(data_set, step, gone)
    with pytest.raises(MachineError, match=r"b\.jsonl cannot be read: No such file.* Next: see that it is there"):
        data = open_data_set(folder)
        gone(data, 1, 2) if step == "shard_of" else gone(data, Job("messages"), tmp_path / "run")


def test_an_input_that_is_replaced_just_after_it_was_looked_at_makes_no_run(tmp_path: Path) -> None:
    row = json.dumps(_row(0)).encode() + b"\n"
    path = tmp_path / "data.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + row)
    data = open_data_set(path)
    path.write_bytes(b"   " + row)  # three bytes that would be taken for the mark
    with pytest.raises(BadDataError, match="changed while it was read"):
        run_job(data, Job("messages", load_policy("dolphin"), languages=("en",)), tmp_path / "run")


def test_an_input_that_changed_is_another_plan(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(400)))
    process = _start(path, tmp_path / "run", "after-checkpoint")
    process.join()
    path.write_text(path.read_text() + json.dumps(_row(1)) + "\n")
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    with pytest.raises(UsageError, match=r"inputs\.data\.jsonl\.size_bytes was"):
        run_job(open_data_set(path), job, tmp_path / "run", Options(chunk_bytes=8_000))
    run_job(open_data_set(path), job, tmp_path / "run", Options(chunk_bytes=8_000, force=True))
    assert read_manifest(tmp_path / "run")["counts"]["input"] == 401


def test_other_pairs_are_another_plan(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(_row(row)) + "\n" for row in range(600)))
    data = open_data_set(tmp_path / "data.jsonl")
    lists = [tmp_path / name for name in ("first.toml", "second.toml")]
    for path, word in zip(lists, ("tea", "milk"), strict=True):
        path.write_text(f'[[pair]]\na = {{ words = ["{word}"] }}\nb = {{ words = ["coffee"] }}\n')
    first, second = (counting_pairs(Job("messages", languages=("en",)), path) for path in lists)
    options = Options(workers=1, chunk_bytes=20_000, checkpoint_bytes=1)

    def stop(*_told: object) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        run_job(data, first, tmp_path / "run", options, on_progress=stop)
    for job in (second, Job("messages", languages=("en",))):
        with pytest.raises(UsageError, match="pairs"):
            run_job(data, job, tmp_path / "run", options)
    run_job(data, first, tmp_path / "run", options)
