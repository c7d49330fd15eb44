"""From a data set to a run on a Ray cluster: one task a shard, each a run of its own on storage that all workers see, then joined.

No text of a row passes through Ray's object store: a task is told which shard it is and answers how many rows that was. A worker
that dies is replaced by Ray, and its shard goes on from its last checkpoint.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from unmoor.engines.job import Job, Options
from unmoor.engines.run import Finisher, plan_of, run_job
from unmoor.engines.shards import merge
from unmoor.engines.summary import Summary
from unmoor.errors import MachineError, MissingExtraError, UnmoorError
from unmoor.layouts import DataSet, open_data_set, schemas_held_alike, shard_of, with_added
from unmoor.run_folder import MANIFEST, hidden_beside, hold_room, read_json
from unmoor.storage import Address, AnyPath, delete

__all__ = ["Cluster", "run_on_ray"]

_BYTES_PER_SHARD = 256 * 2**20
_TRIES = 5
_AGAIN = "Next: more memory for a worker, then the same command, which goes on; or smaller shards (--ray-shards)"
"""Times a shard is begun again after its worker died."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Ray is (None: this machine, for the length of the run), and into how many shards a data set is cut (None: by size)."""

    address: str | None = None
    shards: int | None = None


def _shards_beside(folder: AnyPath) -> AnyPath:
    """Return where the runs of the shards lie until they are joined."""
    if isinstance(folder, Address):
        return folder.with_name(f".{folder.name}.shards")
    return hidden_beside(folder, ".shards")


def run_on_ray(
    path: AnyPath,
    job: Job,
    folder: AnyPath,
    options: Options,
    cluster: Cluster,
    *,
    on_progress: Callable[[int, int], None] = lambda _rows, _bytes: None,
    finish: Finisher = lambda _summary, _writer: None,
) -> Summary:
    """Process the data set at `path`, which every worker sees under that name, and write the run at `folder`.

    Both may be addresses of objects. The data set is opened once, here, and its cuts travel: names and byte ranges, no rows.

    Raises:
        MissingExtraError: Ray is not installed.
        UsageError: the folder holds something else or what is to be read.
        MachineError: a shard's worker died again and again.
        UnmoorError: what a shard raised.
    """
    ray = _ray()
    data = open_data_set(path.resolve())
    hold_room(folder, (source.path for source in data.files), force=options.force, is_audit=job.policy is None)
    count = min(cluster.shards or max(1, data.size_bytes // _BYTES_PER_SHARD), _most_shards(data))
    shards = _shards_beside(folder.resolve())
    is_ours = not ray.is_initialized()
    if is_ours:
        ray.init(address=cluster.address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    try:
        if job.policy is not None and data.format == "parquet":
            schemas_held_alike(data.files)
        cuts = [(shard_of(data, number, count), (number, count)) for number in range(1, count + 1)]
        _run_shards(ray, [(cut, job, shards, shard, options) for cut, shard in cuts], on_progress)
    finally:
        if is_ours:
            ray.shutdown()
    folders: list[AnyPath] = [shards / f"{number:06}" for number in range(1, count + 1)]
    observer: Any = job.observer
    summary = merge(folders, folder, observer, force=options.force, finish=finish, limits=options)
    summary.source = with_added(data)
    if isinstance(shards, Address):
        delete(shards.found())
    else:
        shutil.rmtree(shards)
    return summary


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("The engine ray", "ray") from error
    return ray


def _most_shards(data: DataSet) -> int:
    return 2**31 if any(source.can_be_cut for source in data.files) else len(data.files)


def _run_shards(ray: Any, tasks: list[tuple[Any, ...]], on_progress: Callable[[int, int], None]) -> None:
    remote = ray.remote(max_retries=_TRIES, num_cpus=1)(_run_shard)
    waiting = [remote.remote(*task) for task in tasks]
    rows = 0
    try:
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1)
            counted, size = ray.get(done[0])
            rows += counted
            on_progress(rows, size)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, UnmoorError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise MachineError(f"A Ray worker died {_TRIES + 1} times on one shard: {error}. {_AGAIN}") from error


def _run_shard(data: DataSet, job: Job, shards: AnyPath, shard: tuple[int, int], options: Options) -> tuple[int, int]:
    """Run one shard unless it is done already; return its rows and bytes."""
    options = replace(options, shard=shard, workers=1, force=True)
    folder = shards / f"{shard[0]:06}"
    if not _is_done(folder, plan_of(data, job, options)):
        shards.mkdir(parents=True, exist_ok=True)
        run_job(data, job, folder, options)
    return int(read_json(folder / MANIFEST)["counts"]["input"]), data.size_bytes


def _is_done(folder: AnyPath, plan: dict[str, Any]) -> bool:
    """Return whether the shard was finished by an earlier try with the same plan."""
    import json

    if not (folder / MANIFEST).exists():
        return False
    return bool(read_json(folder / "run.json") == json.loads(json.dumps(plan)))
