"""From chunks to results on one machine: in this process, or in several, always in the order of the rows."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from unmoor.engines.chunks import ChunkWorker
from unmoor.engines.job import ChunkResult, Job
from unmoor.errors import MachineError
from unmoor.layouts import Chunk

__all__ = ["process_chunks"]

_WAITING_PER_WORKER = 2
"""Chunks handed out ahead of the writer, per worker: enough to keep them busy, few enough to bound memory."""

_worker: ChunkWorker | None = None


def process_chunks(chunks: Iterator[Chunk], job: Job, workers: int = 1) -> Iterator[ChunkResult]:
    """Yield the result of each chunk in order.

    Raises:
        MachineError: a worker process died, as when the machine runs out of memory.
    """
    if workers <= 1:
        worker = ChunkWorker(job)
        yield from map(worker.process, chunks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (job,)) as pool:
        waiting: deque[Future[ChunkResult]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_process, chunk))
                if len(waiting) >= workers * _WAITING_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise MachineError("A worker process died, most often for lack of memory. Next: --workers 1") from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start(job: Job) -> None:
    global _worker  # noqa: PLW0603  one worker per process is what a pool's initialiser is for
    _worker = ChunkWorker(job)


def _process(chunk: Chunk) -> ChunkResult:
    if _worker is None:
        raise RuntimeError("the pool's initialiser did not run")
    return _worker.process(chunk)
