"""From a data set to a run: plan, process every chunk, write every output, account for every row."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from unmoor import __version__
from unmoor.engines.chunks import ChunkWorker
from unmoor.engines.duplicates import write_duplicates
from unmoor.engines.identity import described, hold_unchanged, schemas_of, times_of
from unmoor.engines.job import ChunkResult, Job, Options, RowObserver
from unmoor.engines.limits import bad_row_limits, hold_bad_rows, hold_to_limit
from unmoor.engines.loaded import detector_of
from unmoor.engines.local import process_chunks
from unmoor.engines.outputs import Outputs
from unmoor.engines.summary import Summary
from unmoor.errors import UsageError
from unmoor.layouts import Chunk, DataSet, package_of_layout, read_data_set, with_added
from unmoor.run_folder import RunWriter, dump_json, hold_room, machine_errors
from unmoor.storage import AnyPath

__all__ = ["Finisher", "manifest_of", "plan_of", "publish_done", "run_job"]

DEFAULT_OPTIONS = Options()
Finisher = Callable[[Summary, RunWriter], None]
_CHECKPOINT_SECONDS = 5.0
"""Seconds of work that a crash may cost."""


def run_job(
    data: DataSet,
    job: Job,
    folder: AnyPath | None = None,
    options: Options = DEFAULT_OPTIONS,
    *,
    on_progress: Callable[[int, int], None] = lambda _rows, _bytes: None,
    finish: Finisher = lambda _summary, _writer: None,
) -> Summary:
    """Process `data` as `job` says; with `folder`, write the run there, or nothing at all.

    A run that was killed goes on from its last checkpoint, one that was complete with its upload, if it is asked for again with the
    same plan. `on_progress` is told the
    rows and decompressed bytes done so far. `finish` may write more files (report, card) before the manifest closes the run.

    Raises:
        UsageError: the folder holds something else or what is to be read, or an unfinished run that was planned otherwise.
        RunFolderError: another process is writing the same run.
        BadDataError: more rows would go than the policy's limit allows, the file is damaged, or it changed while it was read.
        MachineError: the disk is full, or a worker died.
    """
    if folder is None:
        return _count_only(data, job, options, on_progress)
    if job.dedup is not None and options.shard is not None:
        raise UsageError(
            "--dedup looks at all rows, and a shard is a part. Next: merge the shards, then filter with --dedup"
        )
    hold_room(folder, (source.path for source in data.files), force=options.force, is_audit=job.policy is None)
    written = times_of(data.files)
    plan = plan_of(data, job, options)
    with RunWriter(folder, force=options.force, plan=plan) as writer:
        if writer.done is not None:
            told = Summary(data, job.layout, detectors=plan["detectors"], inputs=plan["inputs"])
            return publish_done(writer, told, job.observer)
        with _duplicates_found(data, job, writer.path("")) as with_duplicates:
            run = _Run(writer, data, with_duplicates, options)
            run.summary.detectors, run.summary.inputs = plan["detectors"], plan["inputs"]
            for result in run.results():
                run.take(result)
                on_progress(run.summary.rows, result.bytes_read)
        _hold_whole(run.summary, job, options)
        run.outputs.close()
        hold_unchanged(data, plan["inputs"], written)
        run.summary.source = with_added(data)
        finish(run.summary, writer)
        if options.shard is not None:
            state = {"summary": run.summary.state(), "outputs": run.outputs.state(), "limits": bad_row_limits(options)}
            writer.write("shard.json", dump_json(state))
        writer.finish(manifest_of(plan, run.summary, run.outputs), run.summary.state())
    return run.summary


def _hold_whole(summary: Summary, job: Job, options: Options) -> None:
    hold_bad_rows(summary, options, is_end=True)
    if options.shard is None:  # of a share of the rows no limit on the whole can be told
        hold_to_limit(summary, job)


def publish_done(writer: RunWriter, summary: Summary, observer: Callable[[], RowObserver] | None) -> Summary:
    """Go on with the upload of a run that was complete before; `summary` gets what it counted."""
    summary.add_state(writer.done or {}, observer)
    writer.publish()
    return summary


@contextmanager
def _duplicates_found(data: DataSet, job: Job, unfinished: Path) -> Iterator[Job]:
    """Yield the job with the list of its duplicates, which lies in the folder of the unfinished run until the block ends.

    What a killed process left there is cleared away by whoever goes on with that run, or begins it anew.
    """
    if job.dedup is None:
        yield job
        return
    with (
        machine_errors(f"Writing in {unfinished}"),
        TemporaryDirectory(prefix="duplicates.", dir=unfinished) as work,
    ):
        yield replace(job, duplicates=write_duplicates(data, job, job.dedup, Path(work)))


def _count_only(data: DataSet, job: Job, options: Options, on_progress: Callable[[int, int], None]) -> Summary:
    summary = Summary(data, job.layout, detectors={"detectors": list(job.detectors)})
    for result in process_chunks(read_data_set(data, options.chunk_bytes), job, options.workers):
        summary.take(result)
        hold_bad_rows(summary, options)
        on_progress(summary.rows, result.bytes_read)
    hold_bad_rows(summary, options, is_end=True)
    summary.source = with_added(data)
    return summary


class _Run:
    """One run being carried out: what was written, what was counted, and how far both are safe."""

    def __init__(self, writer: RunWriter, data: DataSet, job: Job, options: Options) -> None:
        self.summary = Summary(data, job.layout)
        self.outputs = Outputs(writer, data, is_audit=job.policy is None)
        self._writer, self._data, self._job, self._options = writer, data, job, options
        self._done = 0
        self._bytes, self._time = 0, time.monotonic()
        if writer.state is not None:
            self._done = writer.state["chunks"]
            self.summary.add_state(writer.state["summary"], job.observer)
            self.outputs.load(writer.state["outputs"])

    def results(self) -> Iterator[ChunkResult]:
        """Yield the results of the chunks that no checkpoint vouches for."""
        chunks = self.outputs.watch(self._left(read_data_set(self._data, self._options.chunk_bytes)))
        return process_chunks(chunks, self._job, self._options.workers)

    def _left(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass on the chunks from the checkpoint on. The tables before it are placed again, as the ledger says: a Parquet file
        cannot be appended to."""
        worker: ChunkWorker | None = None
        entries: Iterator[dict[str, Any]] = iter(())
        for chunk in chunks:
            if chunk.index >= self._done:
                yield chunk
                continue
            if chunk.table is not None and self._job.policy is not None:
                if worker is None:
                    worker, entries = ChunkWorker(self._job), _entries(self._writer.written("ledger.jsonl"))
                self.outputs.take_tables(worker.replay(chunk, entries))

    def take(self, result: ChunkResult) -> None:
        """Write and count one result, and now and then make all of it safe."""
        self.outputs.take(result)
        self.summary.take(result)
        hold_bad_rows(self.summary, self._options)
        self._bytes += result.bytes_read
        is_due = self._bytes >= self._options.checkpoint_bytes or time.monotonic() - self._time > _CHECKPOINT_SECONDS
        if is_due and self.outputs.is_between_rows() and not result.is_part:
            state = {"summary": self.summary.state(), "outputs": self.outputs.state(), "chunks": result.index + 1}
            self._writer.checkpoint(state)
            self._bytes, self._time = 0, time.monotonic()


def _entries(ledger: Path) -> Iterator[dict[str, Any]]:
    with ledger.open("rb") as file:
        for line in file:
            yield orjson.loads(line)


def plan_of(data: DataSet, job: Job, options: Options) -> dict[str, Any]:
    """Return all that decides what comes out: version, policy, packs, model, inputs, how they are cut.

    `chunk_bytes` does not; it is there because a checkpoint counts chunks.
    """
    schemas = schemas_of(data, is_shard=options.shard is not None) if job.policy is not None else {}
    detector = detector_of(job)
    inputs = [{**described(data, index, source), **schemas.get(index, {})} for index, source in enumerate(data.files)]
    return {
        "unmoor": __version__,
        "kind": "audit" if job.policy is None else "filter",
        "input": {"name": data.name, "format": data.format, **({"revision": data.revision} if data.revision else {})},
        "inputs": inputs,
        "shard": {"number": options.shard[0], "count": options.shard[1], "of": data.whole} if options.shard else None,
        "chunk_bytes": options.chunk_bytes,
        "compression": inputs[0]["compression"],
        "layout": job.layout,
        **({"layout_package": package} if (package := package_of_layout(job.layout)) else {}),
        "policy": job.policy.as_json() if job.policy else None,
        "detectors": detector.identity,
        **({"judge": job.judge.name} if job.judge else {}),
        **({"dedup": {"method": job.dedup.method, "threshold": job.dedup.threshold}} if job.dedup else {}),
        **({"pairs": {"sha256": job.pairs}} if job.pairs else {}),
        **({"verdicts": _fingerprint(job)} if job.verdicts else {}),
    }


def _fingerprint(job: Job) -> dict[str, Any]:
    """Return how many verdicts a run carries out, and their hash."""
    said = [[row, [verdict.as_json() for verdict in verdicts]] for row, verdicts in sorted(job.verdicts.items())]
    count = sum(len(verdicts) for verdicts in job.verdicts.values())
    return {"count": count, "sha256": hashlib.sha256(orjson.dumps(said)).hexdigest()}


def manifest_of(plan: dict[str, Any], summary: Summary, outputs: Outputs) -> dict[str, Any]:
    """Return the plan with what came of it: counts, rows of each file, what stood between elements of arrays, what was not read."""
    added = set(outputs.added_newlines)
    inputs = [
        {**file, "rows": summary.file_rows[file["name"]], "added_newline": file["name"] in added}
        for file in plan["inputs"]
    ]
    told = {"inputs": inputs, "counts": summary.counts(), "arrays": outputs.array()}
    return {**plan, **told, **summary.source.not_read()}
