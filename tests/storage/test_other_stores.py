"""What lies on storage other than S3: the same bytes as here, written, joined, checked and restored there.

`memory://` always; what UNMOOR_TEST_STORES names beside it ("gs://BUCKET az://CONTAINER"), whose libraries are installed and whose
credentials, or an emulator's address, are in the environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.storage.test_objects import MAKERS, _files, _filter, _job, _lines
from unmoor.engines import Job, Options, explain_row, merge, restore, run_job
from unmoor.errors import BadDataError
from unmoor.layouts import open_data_set, shard_of
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.storage import Address

STORES = ("memory://box", *os.environ.get("UNMOOR_TEST_STORES", "").split())


@pytest.fixture(params=STORES)
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """A prefix of its own on the storage, gone after the test."""
    monkeypatch.setenv("UNMOOR_SCRATCH", str(tmp_path / "scratch"))
    address = Address(f"{request.param}/test-{uuid4().hex[:12]}")
    yield address
    system, path = address.storage()
    if system.exists(path):
        system.rm(path, recursive=True)


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_a_set_there_gives_the_bytes_of_the_set_here(place: Address, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    MAKERS[kind](folder)
    system, path = (place / "set").storage()
    system.put(f"{folder}/", f"{path}/", recursive=True)
    here, there = _filter(folder, tmp_path / "here"), _filter(place / "set", place / "run")
    assert there.counts() == here.counts() and here.counts()["removed"] > 0
    assert _files(place / "run") == _files(tmp_path / "here")
    assert explain_row(place / "run", 2)["reason"] == explain_row(tmp_path / "here", 2)["reason"]
    restore(place / "run", tmp_path / "again")
    restore(tmp_path / "here", tmp_path / "expected")
    one, other = (
        {f.relative_to(d): f.read_bytes() for f in d.rglob("*.*")} for d in (tmp_path / "again", tmp_path / "expected")
    )
    assert one == other and one
    for number in (1, 2):
        cut = shard_of(open_data_set(place / "set"), number, 2)
        run_job(cut, _job(), place / f"part-{number}", Options(shard=(number, 2), max_bad_rows=100))
    merge([place / "part-1", place / "part-2"], place / "joined", ChunkFacts)
    assert _files(place / "joined") == _files(tmp_path / "here")


def test_an_object_changed_while_it_was_read_is_named_and_leaves_no_run(place: Address) -> None:
    data, system = place / "data.jsonl", place.storage()[0]
    system.pipe_file(data.storage()[1], _lines(0, 200))

    class Overwrites(ChunkFacts):
        def __init__(self) -> None:
            super().__init__()
            system.pipe_file(data.storage()[1], _lines(0, 200).replace(b"Oak", b"Elm"))

    job = Job("messages", load_policy("dolphin"), languages=("en",), observer=Overwrites)
    with pytest.raises(BadDataError, match=r"data\.jsonl changed while it was read"):
        run_job(open_data_set(data), job, place / "run")
    assert (place / "run").found() == []
    assert data.read_bytes().startswith(b'{"messages"')
