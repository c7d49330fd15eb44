"""The same plan on a Ray cluster gives the same bytes, also when a worker is killed; one cluster for all tests here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.commands.test_packs import make_pack
from tests.on_ray import dies_once, write_two_files
from unmoor.engines import Cluster, Job, Options, run_job, run_on_ray
from unmoor.errors import BadDataError
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.run_folder import verify

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_two_files(tmp_path / "data", 800)


def _job() -> Job:
    return Job("alpaca", load_policy("dolphin"), languages=("en",), observer=ChunkFacts)


def _files(run: Path) -> dict[str, bytes]:
    assert verify(run) == []
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in ("run.json", "MANIFEST.json")}


def test_a_cluster_gives_the_bytes_of_one_process(data: Path, tmp_path: Path) -> None:
    expected = run_job(open_data_set(data), _job(), tmp_path / "local")
    name = "run" * 83  # as long as a name may be: beside it lie the shards, under another
    summary = run_on_ray(data, _job(), tmp_path / name, Options(), Cluster(shards=5))
    assert _files(tmp_path / name) == _files(tmp_path / "local")
    assert summary.counts() == expected.counts() and summary.observed.as_json() == expected.observed.as_json()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "local", name]


def test_the_shard_of_a_killed_worker_is_done_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(open_data_set(data), _job(), tmp_path / "local")
    marker = tmp_path / "killed"

    job = Job("alpaca", load_policy("dolphin"), languages=("en",), observer=dies_once(marker))
    monkeypatch.setenv("UNMOOR_TEST_MARKER", "")
    run_on_ray(data, job, tmp_path / "run", Options(), Cluster(shards=4))
    assert marker.exists(), "no worker was killed: the test proved nothing"
    assert _files(tmp_path / "run") == _files(tmp_path / "local")


def test_what_a_shard_finds_wrong_is_said_as_on_one_machine(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="rows cannot be read, over the limit of 0"):
        run_on_ray(data, _job(), tmp_path / "run", Options(max_bad_rows=0), Cluster(shards=2))
    assert not (tmp_path / "run").exists()


def test_a_cluster_looks_with_the_owner_s_pack_and_policy(tmp_path: Path) -> None:
    make_pack(tmp_path / "acme")
    rows = [
        "That is one for the green desk.",
        "An oak is a tree.",
        "I'm sorry, but I can't assist with that request.",
    ] * 4
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps({"instruction": "Help?", "input": "", "output": row}) + "\n" for row in rows))
    policy = replace(_job().policy or load_policy("dolphin"), max_removed_share=1.0, phrases=("assist with that",))
    job = replace(_job(), policy=policy, packs=(tmp_path / "acme",))
    run_job(open_data_set(data), job, tmp_path / "local")
    summary = run_on_ray(data, job, tmp_path / "run", Options(), Cluster(shards=3))
    assert _files(tmp_path / "run") == _files(tmp_path / "local")
    assert (summary.outcomes["removed"], summary.outcomes["kept"]) == (4, 8)
