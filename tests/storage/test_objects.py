"""A data set and a run that lie in S3: the same bytes as here, whole or not there, and every failure in words."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from time import sleep
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from click.testing import CliRunner

from tests.storage.conftest import SECRET
from tests.storage.server import BUSY, DENIED, Server
from unmoor.commands import cli
from unmoor.engines import Job, Options, Summary, explain_row, merge, restore, run_job
from unmoor.errors import BadDataError, MachineError, RunFolderError, UsageError
from unmoor.layouts import open_data_set, read_data_set, shard_of
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.run_folder import MANIFEST, RunWriter, read_json, read_manifest, unfinished_folder, verify
from unmoor.storage import Address

ANSWERS = (
    "Oak, ash and elm grow in a cool climate.",
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm.",
)
KILLS = int(os.environ.get("UNMOOR_KILLS", "3"))
PLANNED = ("run.json", MANIFEST)
"""These two hold the versions of the objects, which files of this machine have not."""


def _row(number: int) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": f"Name three trees. ({number})"},
            {"role": "assistant", "content": ANSWERS[number % 3] + " " + "x" * (number % 90)},
        ]
    }


def _lines(start: int, stop: int) -> bytes:
    return b"".join(json.dumps(_row(n)).encode() + b"\n" for n in range(start, stop))


def _jsonl(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(_lines(0, 40).rstrip(b"\n"))
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "sub").mkdir()
    (folder / "sub" / "b.jsonl").write_bytes(b"null\n\n" + _lines(40, 90))


def _gzip(folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress(_lines(30 * number, 30 * number + 30), mtime=0))


def _zstd(folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.jsonl.zst").write_bytes(zstd.compress(_lines(30 * number, 30 * number + 30)))


def _arrays(folder: Path) -> None:
    for number in range(2):
        rows = [_row(n) for n in range(30 * number, 30 * number + 30)]
        (folder / f"{number}.json").write_text(json.dumps(rows, indent=number))


def _parquet(folder: Path) -> None:
    for number in range(2):
        table = pa.Table.from_pylist([_row(n) for n in range(50 * number, 50 * number + 50)])
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=7)


MAKERS = {"jsonl": _jsonl, "gzip": _gzip, "zstd": _zstd, "arrays": _arrays, "parquet": _parquet}


@pytest.fixture(params=sorted(MAKERS))
def either(request: pytest.FixtureRequest, tmp_path: Path, objects: Any, bucket: str) -> tuple[Path, Address]:
    """The same data set as a folder here and below a prefix there, in each format."""
    folder = tmp_path / "set"
    folder.mkdir()
    MAKERS[request.param](folder)
    objects.put(f"{folder}/", f"{bucket}/set/", recursive=True)
    return folder, Address(f"s3://{bucket}/set")


@pytest.fixture
def data(objects: Any, bucket: str) -> Address:
    """One object of 200 rows."""
    objects.pipe_file(f"{bucket}/data.jsonl", _lines(0, 200))
    return Address(f"s3://{bucket}/data.jsonl")


def _job() -> Job:
    return Job("messages", load_policy("dolphin"), languages=("en",), observer=ChunkFacts)


def _filter(data: Any, run: Any, options: Options | None = None) -> Summary:
    return run_job(open_data_set(data), _job(), run, options or Options(max_bad_rows=100))


def _files(run: Any) -> dict[str, bytes]:
    assert verify(run) == []
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in PLANNED}


def test_a_set_in_s3_gives_the_bytes_of_the_set_here(either: tuple[Path, Address], tmp_path: Path) -> None:
    folder, address = either
    here, there = _filter(folder, tmp_path / "here"), _filter(address, tmp_path / "there")
    assert there.counts() == here.counts() and here.counts()["removed"] > 0
    assert _files(tmp_path / "there") == _files(tmp_path / "here")
    mine, other = (read_manifest(tmp_path / name)["inputs"] for name in ("here", "there"))
    assert [{k: v for k, v in file.items() if k != "version"} for file in other] == mine
    assert all(file["version"] for file in other)


def test_a_run_in_s3_is_the_run_here_and_is_read_there(either: tuple[Path, Address], tmp_path: Path) -> None:
    folder, address = either
    run = address.with_name("run")
    _filter(folder, tmp_path / "here")
    _filter(address, run)
    assert _files(run) == _files(tmp_path / "here")
    assert not any((tmp_path / "scratch").iterdir())
    assert explain_row(run, 2)["reason"] == explain_row(tmp_path / "here", 2)["reason"]
    restore(run, tmp_path / "again")
    restore(tmp_path / "here", tmp_path / "expected")
    one, other = (
        {f.relative_to(d): f.read_bytes() for f in d.rglob("*.*")} for d in (tmp_path / "again", tmp_path / "expected")
    )
    assert one == other and one


def test_shards_from_and_to_s3_join_to_the_run_of_the_whole(either: tuple[Path, Address], tmp_path: Path) -> None:
    folder, address = either
    count = 2
    parts = []
    for number in range(1, count + 1):
        parts.append(address.with_name(f"part-{number}"))
        cut = shard_of(open_data_set(address), number, count)
        run_job(cut, _job(), parts[-1], Options(shard=(number, count), max_bad_rows=100))
    merge(parts, address.with_name("joined"), ChunkFacts)
    _filter(folder, tmp_path / "here")
    assert _files(address.with_name("joined")) == _files(tmp_path / "here")


def test_a_pattern_finds_what_the_same_pattern_finds_here(either: tuple[Path, Address], monkeypatch: Any) -> None:
    folder, address = either
    monkeypatch.chdir(folder)
    for pattern in ("*", "**/*.jsonl", "[0a]*"):
        try:
            expected = [file.path.as_posix() for file in open_data_set(pattern).files]
        except UsageError:
            with pytest.raises(UsageError, match="No object matches"):
                open_data_set(f"{address}/{pattern}")
            continue
        found = open_data_set(f"{address}/{pattern}")
        assert [found.file_name(index) for index in range(len(found.files))] == expected


def test_a_shard_reads_no_byte_of_the_shards_before_it(objects: Any, bucket: str, s3: Server) -> None:
    content = _lines(0, 60_000)
    objects.pipe_file(f"{bucket}/big.jsonl", content)
    part = shard_of(open_data_set(f"s3://{bucket}/big.jsonl"), 49, 50)
    s3.ranges.clear()
    rows = sum(chunk.rows for chunk in read_data_set(part))
    assert 1_000 < rows < 1_400
    assert min(first for first, _ in s3.ranges) == part.files[0].start - 1
    assert sum(last + 1 - first for first, last in s3.ranges) <= len(content) * 2 // 50 + 2


def test_the_command_line_filters_checks_explains_and_joins_in_s3(data: Address, tmp_path: Path) -> None:
    for number in (1, 2):
        arguments = [
            "filter",
            str(data),
            "--shard",
            f"{number}/2",
            "--language",
            "en",
            "-o",
            f"{data.parent}/part-{number}",
        ]
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, done.output
    joined = f"{data.parent}/run"
    for arguments in (
        ["merge", f"{data.parent}/part-*", "-o", joined],
        ["verify", joined],
        ["explain", joined, "2"],
        ["explain", joined, "--outcome", "removed"],
        ["compare", joined, joined],
        ["restore", joined, "-o", str(tmp_path / "again.jsonl")],
    ):
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, done.output
    assert (tmp_path / "again.jsonl").read_bytes() == _lines(0, 200)


@pytest.mark.parametrize("verb", [["review"], ["apply"], ["push", "--repo", "x/y"]])
def test_a_verb_for_files_here_says_what_to_do_with_an_address(verb: list[str]) -> None:
    done = CliRunner().invoke(cli, [*verb, "s3://bucket/run"])
    assert isinstance(done.exception, UsageError)
    assert f"unmoor {verb[0]} works with files of this machine, found s3://. Next: copy" in str(done.exception)


def test_nothing_to_restore_into_but_this_machine(data: Address) -> None:
    _filter(data, data.with_name("run"))
    done = CliRunner().invoke(cli, ["restore", f"{data.parent}/run", "-o", f"{data.parent}/again.jsonl"])
    assert isinstance(done.exception, UsageError) and "restore writes to this machine" in str(done.exception)


def test_no_secret_stands_in_what_is_written_or_said(data: Address, s3: Server, objects: Any) -> None:
    run = data.with_name("run")
    _filter(data, run)
    for content in (*_files(run).values(), *((run / name).read_bytes() for name in PLANNED)):
        assert SECRET.encode() not in content and b"AKIAEXAMPLE" not in content
    s3.rule = lambda _method, _path: ("403 Forbidden", f"InvalidAccessKeyId {SECRET}")
    with pytest.raises(MachineError) as caught:
        open_data_set(data)
    assert SECRET not in str(caught.value) and "denied" in str(caught.value)


def test_a_run_that_is_there_is_not_replaced_unasked(data: Address) -> None:
    run = data.with_name("run")
    _filter(data, run)
    with pytest.raises(UsageError, match="holds a run already"):
        _filter(data, run)
    _filter(data, run, Options(force=True))
    assert verify(run) == []


def test_other_objects_are_never_written_among(data: Address, objects: Any, bucket: str) -> None:
    objects.pipe_file(f"{bucket}/run/notes.txt", b"mine")
    with pytest.raises(UsageError, match="holds other files"):
        _filter(data, data.with_name("run"), Options(force=True))


def test_other_objects_in_a_run_are_never_deleted_with_it(data: Address, objects: Any, bucket: str) -> None:
    run = data.with_name("run")
    _filter(data, run)
    objects.pipe_file(f"{bucket}/run/mine/notes.txt", b"mine")
    with pytest.raises(UsageError, match=r"other files too, .*: mine\. Next: "):
        _filter(data, run, Options(force=True))
    assert (run / "mine" / "notes.txt").read_bytes() == b"mine"


def test_objects_that_others_put_into_a_run_while_the_next_was_made_are_not_deleted(
    data: Address, objects: Any, bucket: str
) -> None:
    run = data.with_name("run")
    _filter(data, run)
    with pytest.raises(UsageError, match="other files too"), RunWriter(run, force=True) as writer:
        objects.pipe_file(f"{bucket}/run/notes.txt", b"mine")
        writer.finish({})
    assert (run / "notes.txt").read_bytes() == b"mine" and (run / "MANIFEST.json").exists()


def test_objects_that_others_put_where_a_first_run_is_being_made_are_not_deleted(
    data: Address, objects: Any, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = data.with_name("run")
    with pytest.raises(UsageError, match=r"other files too, .*: notes\.txt\. Next: "):
        run_job(
            open_data_set(data),
            _job(),
            run,
            finish=lambda _summary, _writer: objects.pipe_file(f"{bucket}/run/notes.txt", b"mine"),
        )
    assert (run / "notes.txt").read_bytes() == b"mine"
    assert not (run / "kept.jsonl").exists() and not (run / MANIFEST).exists()
    objects.rm_file(f"{bucket}/run/notes.txt")
    monkeypatch.setattr("unmoor.engines.run.read_data_set", lambda *_: pytest.fail("what was done was not kept"))
    _filter(data, run)
    assert verify(run) == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("plan", ["of a run that was killed", "of another program"])
def test_objects_beside_a_plan_without_a_manifest_are_not_deleted(
    data: Address, objects: Any, bucket: str, plan: str, force: bool
) -> None:
    run = data.with_name("run")
    if plan == "of another program":
        objects.pipe_file(f"{bucket}/run/run.json", b'{"miles": 5}')
        objects.pipe_file(f"{bucket}/run/README.md", b"mine")
    else:
        _filter(data, run)
        objects.rm_file(f"{bucket}/run/{MANIFEST}")
        objects.pipe_file(f"{bucket}/run/notes.txt", b"mine")
    before = objects.find(f"{bucket}/run")
    with pytest.raises(UsageError, match="holds other files"):
        _filter(data, run, Options(force=force))
    assert objects.find(f"{bucket}/run") == before


def test_what_a_killed_upload_left_is_no_obstacle_and_goes_with_force(
    data: Address, objects: Any, bucket: str, tmp_path: Path
) -> None:
    run = data.with_name("run")
    objects.pipe_file(f"{bucket}/data.jsonl", _lines(0, 20) + b"null\n")
    _filter(data, run)
    objects.rm_file(f"{bucket}/run/{MANIFEST}")  # as another machine left it
    _filter(data, run)
    assert verify(run) == []
    objects.rm_file(f"{bucket}/run/{MANIFEST}")
    objects.pipe_file(f"{bucket}/data.jsonl", _lines(0, 20))
    _filter(data, run, Options(force=True))
    assert verify(run) == [] and not (run / "quarantine.raw").exists()


def test_a_replacement_that_stops_knows_later_what_the_old_run_had(data: Address, s3: Server) -> None:
    run = data.with_name("run")
    run_job(open_data_set(data), _job(), run, finish=lambda _summary, writer: writer.write("own.txt", b"of a finisher"))
    s3.rule = lambda method, path: DENIED if method == "PUT" and path.endswith("/kept.jsonl") else None
    with pytest.raises(MachineError):
        _filter(data, run, Options(force=True))
    assert (run / "own.txt").exists() and not (run / MANIFEST).exists()
    s3.rule = lambda _method, _path: None
    _filter(data, run)
    assert verify(run) == [] and not (run / "own.txt").exists()


def test_a_run_that_is_replaced_leaves_nothing_of_the_old_one(data: Address, objects: Any, bucket: str) -> None:
    run = data.with_name("run")
    objects.pipe_file(f"{bucket}/data.jsonl", _lines(0, 20) + b"null\n")
    _filter(data, run)
    assert (run / "quarantine.raw").exists()
    objects.pipe_file(f"{bucket}/data.jsonl", _lines(0, 20))
    _filter(data, run, Options(force=True))
    assert verify(run) == [] and not (run / "quarantine.raw").exists()


CHILD = """
import sys
from tests.storage.test_objects import _filter
from unmoor.storage import Address
_filter(Address(sys.argv[1]), Address(sys.argv[2]))
"""


def _killed_at(point: str, data: Address, run: Address) -> None:
    """Do the same in a process that dies at a named point."""
    settings = {"FSSPEC_S3": "{}", "UNMOOR_FAIL_AT": point}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(data), str(run)],
        env={**os.environ, **settings},
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before-upload-kept.jsonl", "before-upload-removed.jsonl", "before-upload-manifest"])
def test_an_upload_that_was_killed_is_no_run_and_goes_on(data: Address, s3: Server, point: str) -> None:
    run = data.with_name("run")
    _killed_at(point, data, run)
    assert (run / "run.json").exists() and not (run / MANIFEST).exists()
    with pytest.raises(RunFolderError, match="not a finished run, or one that is being uploaded"):
        verify(run)
    s3.asked.clear()
    summary = _filter(data, run)
    assert verify(run) == [] and summary.counts()["input"] == 200
    assert summary.observed is not None
    assert s3.count("PUT", "/run/ledger.jsonl") == int(point == "before-upload-kept.jsonl")
    _filter(data, data.with_name("whole"))
    assert _files(run).keys() == _files(data.with_name("whole")).keys()
    assert (run / "kept.jsonl").read_bytes() == (data.with_name("whole") / "kept.jsonl").read_bytes()


@pytest.mark.slow
def test_a_run_killed_while_it_works_goes_on_from_its_checkpoint(
    data: Address, tmp_path: Path, monkeypatch: Any
) -> None:
    run = data.with_name("run")
    _killed_at("before-manifest", data, run)
    assert not (run / MANIFEST).exists() and (run / "run.json").exists()
    _filter(data, run)
    _filter(data, tmp_path / "here")
    assert (run / "kept.jsonl").read_bytes() == (tmp_path / "here" / "kept.jsonl").read_bytes()
    assert verify(run) == []


@pytest.mark.slow
def test_a_run_killed_at_random_moments_is_whole_or_no_run(data: Address, tmp_path: Path) -> None:
    random = Random(20261127)
    _filter(data, tmp_path / "here")
    expected = _files(tmp_path / "here")
    unfinished = 0
    for number in range(KILLS):
        run = data.with_name(f"run-{number}")
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(data), str(run)], stderr=subprocess.PIPE)
        awaited = unfinished_folder(run) / ("uploaded.json" if number % 2 else "run.json")
        while not awaited.exists() and child.poll() is None:
            sleep(0.002)
        sleep(random.random() * 0.3)
        child.kill()
        child.communicate()
        if not (run / MANIFEST).exists():
            unfinished += 1
            with pytest.raises(RunFolderError, match=r"not a finished run|is half-written"):
                verify(run)
            _filter(data, run)
        elif unfinished_folder(run).exists():  # killed behind the manifest: what was uploaded is cleared away here
            with pytest.raises(UsageError, match="holds a run already"):
                _filter(data, run)
        assert _files(run) == expected
        assert not unfinished_folder(run).exists()
    assert unfinished, "every run was complete before it was killed: the test proved nothing"


def test_an_unfinished_run_with_another_plan_is_named(data: Address, objects: Any, bucket: str) -> None:
    run = data.with_name("run")
    _filter(data, data.with_name("other"))
    plan = read_json(data.with_name("other") / "run.json")
    objects.pipe_file(f"{bucket}/run/run.json", json.dumps({**plan, "layout": "alpaca"}).encode())
    with pytest.raises(UsageError, match='was planned otherwise: layout was "alpaca" and is now "messages"'):
        _filter(data, run)
    _filter(data, run, Options(force=True))
    assert verify(run) == []


def test_a_run_that_may_not_be_leaves_nothing_behind(data: Address, objects: Any, bucket: str, tmp_path: Path) -> None:
    objects.pipe_file(f"{bucket}/data.jsonl", b"null\n" * 10)
    with pytest.raises(BadDataError, match="over the limit of 0"):
        run_job(open_data_set(data), _job(), data.with_name("run"), Options(max_bad_rows=0))
    assert not data.with_name("run").exists() and not any((tmp_path / "scratch").iterdir())


def test_an_object_changed_while_it_was_read_is_named(data: Address, objects: Any, bucket: str) -> None:
    class Overwrites(ChunkFacts):
        def __init__(self) -> None:
            super().__init__()
            objects.pipe_file(f"{bucket}/data.jsonl", _lines(1, 201))  # another version of about the same size

    job = Job("messages", load_policy("dolphin"), languages=("en",), observer=Overwrites)
    with pytest.raises(BadDataError, match=rf"s3://{bucket}/data\.jsonl changed while it was read"):
        run_job(open_data_set(data), job, data.with_name("run"))
    assert not data.with_name("run").exists()


def test_another_process_that_writes_the_same_run_is_noticed(
    data: Address, s3: Server, objects: Any, bucket: str
) -> None:
    def meddle(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/run/report.json"):  # it comes after kept.jsonl
            s3.rule = lambda _method, _path: None
            objects.pipe_file(f"{bucket}/run/kept.jsonl", b"other\n")

    s3.rule = meddle  # type: ignore[assignment]
    with pytest.raises(RunFolderError, match="was written by another process"):
        run_job(
            open_data_set(data),
            _job(),
            data.with_name("run"),
            finish=lambda _s, writer: writer.write("report.json", b"{}"),
        )
    assert not (data.with_name("run") / MANIFEST).exists()


@pytest.mark.parametrize("times", [1, 3])
def test_a_busy_server_is_asked_again(data: Address, s3: Server, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "s3", {})  # as patient as s3fs is by itself
    left = {"GET": times, "PUT": times, "HEAD": times}

    def busy(method: str, _path: str) -> tuple[str, str] | None:
        left[method] = left.get(method, 0) - 1
        return BUSY if left[method] >= 0 else None

    s3.rule = busy
    run = data.with_name("run")
    _filter(data, run)
    s3.rule = lambda _method, _path: None
    assert verify(run) == []


@pytest.mark.parametrize("names", [["data-00000-of-00001.arrow", "state.json"], ["dataset_dict.json", "a/state.json"]])
def test_a_data_set_that_was_saved_there_has_to_be_copied_here(objects: Any, bucket: str, names: list[str]) -> None:
    for name in names:
        objects.pipe_file(f"{bucket}/saved/{name}", b"{}")
    with pytest.raises(
        UsageError, match=f"s3://{bucket}/saved is a data set that `datasets` saved. Next: copy it to this"
    ):
        open_data_set(Address(f"s3://{bucket}/saved"))


def test_a_bucket_that_is_not_there_is_named(data: Address, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no object or folder s3://no-such-bucket/data"):
        open_data_set("s3://no-such-bucket/data")
    with pytest.raises(MachineError, match="there is no bucket no-such-bucket"):
        _filter(data, Address("s3://no-such-bucket/run"))
    assert not any((tmp_path / "scratch").iterdir())


def test_no_leave_to_write_is_said_before_a_row_is_read(data: Address, s3: Server) -> None:
    s3.rule = lambda method, _path: DENIED if method == "PUT" else None
    asked = []
    with pytest.raises(MachineError, match=r"Writing s3://.*/run/run\.json: access was denied"):
        run_job(open_data_set(data), _job(), data.with_name("run"), on_progress=lambda *told: asked.append(told))
    assert not asked


def test_credentials_that_end_during_the_upload_lose_nothing(data: Address, s3: Server) -> None:
    run = data.with_name("run")
    s3.rule = lambda method, path: DENIED if method == "PUT" and path.endswith("removed.jsonl") else None
    with pytest.raises(
        MachineError,
        match=r"removed\.jsonl: access was denied.*, then the same command again\nWhat was done so far is kept",
    ):
        _filter(data, run)
    assert not (run / MANIFEST).exists()
    s3.rule = lambda _method, _path: None
    s3.asked.clear()
    asked = []
    run_job(open_data_set(data), _job(), run, Options(max_bad_rows=100), on_progress=lambda *told: asked.append(told))
    assert not asked and s3.count("PUT", "kept.jsonl") == 0, "what was done and uploaded was done again"
    assert verify(run) == []


@pytest.mark.slow
def test_a_server_that_is_slow_is_waited_for_and_one_that_hangs_is_not(data: Address, s3: Server) -> None:
    s3.delay_seconds = 0.1
    _filter(data, data.with_name("run"))
    s3.delay_seconds = 1.5
    with pytest.raises(MachineError, match="cannot be reached or refuses"):
        open_data_set(data)
    s3.delay_seconds = 0


@pytest.mark.slow
def test_a_server_that_is_gone_is_said(monkeypatch: pytest.MonkeyPatch, s3: Server) -> None:
    settings = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 1}}}
    monkeypatch.setitem(fsspec.config.conf, "s3", settings)
    with pytest.raises(
        MachineError, match=r"s3://bucket/data\.jsonl: the storage cannot be reached or refuses: \w+"
    ) as caught:
        open_data_set("s3://bucket/data.jsonl")
    assert caught.value.exit_code == 4


def test_storage_that_fails_amid_a_parquet_file_is_no_damaged_file(
    objects: Any, bucket: str, s3: Server, tmp_path: Path
) -> None:
    _parquet(tmp_path)
    objects.put_file(str(tmp_path / "0.parquet"), f"{bucket}/0.parquet")
    data = open_data_set(f"s3://{bucket}/0.parquet")
    chunks = read_data_set(data, 1)
    next(chunks)
    s3.rule = lambda _method, _path: DENIED
    with pytest.raises(MachineError, match=r"0\.parquet: access was denied"):
        list(chunks)


UPLOAD = """
import re, sys
from pathlib import Path
from unmoor.storage import Address, put
put(Path(sys.argv[1]), Address(sys.argv[2]))
status = Path("/proc/self/status")
print(int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1]) // 1024 if status.exists() else 0)
"""


@pytest.mark.slow
def test_a_large_upload_stays_within_the_memory_of_a_run(bucket: str, tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as file:
        file.truncate(420 * 2**20)
    done = subprocess.run(
        [sys.executable, "-c", UPLOAD, str(tmp_path / "big"), f"s3://{bucket}/big"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 400, "the parts of an upload that are under way are held in memory"
