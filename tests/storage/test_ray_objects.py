"""A Ray cluster that reads from S3 and writes to S3: the bytes of one process here, also when a worker is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.on_ray import dies_once, write_two_files
from tests.storage.server import Server
from unmoor.engines import Cluster, Job, Options, run_job, run_on_ray
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.run_folder import MANIFEST, verify
from unmoor.storage import Address

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture
def cluster(s3: Server) -> Iterator[None]:
    """Two workers, begun when the server's address is in the environment."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def test_a_cluster_on_s3_gives_the_bytes_of_one_process_here(
    cluster: None, s3: Server, objects: Any, bucket: str, tmp_path: Path
) -> None:
    write_two_files(tmp_path / "set", 600)
    objects.put(f"{tmp_path}/set/", f"{bucket}/set/", recursive=True)
    marker = tmp_path / "killed"

    job = Job("alpaca", load_policy("dolphin"), languages=("en",), observer=ChunkFacts)
    expected = run_job(open_data_set(tmp_path / "set"), job, tmp_path / "here")
    dying = Job("alpaca", load_policy("dolphin"), languages=("en",), observer=dies_once(marker))
    run = Address(f"s3://{bucket}/run")
    summary = run_on_ray(Address(f"s3://{bucket}/set"), dying, run, Options(), Cluster(shards=4))
    assert marker.exists(), "no worker was killed: the test proved nothing"
    assert summary.counts() == expected.counts()
    assert verify(run) == []
    for path in (tmp_path / "here").iterdir():
        if path.name not in ("run.json", MANIFEST):
            assert (run / path.name).read_bytes() == path.read_bytes(), path.name
    assert {name.split("/")[1] for name in objects.find(bucket)} == {"set", "run"}, "parts were left behind"
