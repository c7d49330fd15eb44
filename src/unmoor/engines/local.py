"""From chunks to results on one machine: in this process, or in several, always in the order of the rows."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread, current_thread, main_thread
from typing import Any, cast

from unmoor.engines.chunks import ChunkWorker
from unmoor.engines.job import ChunkResult, Job
from unmoor.errors import MachineError
from unmoor.layouts import Chunk

__all__ = ["process_chunks"]

_WAITING_PER_WORKER = 2
"""Chunks handed out ahead of the writer, per worker: enough to keep them busy, few enough to bound memory."""
_ENDED_WITHIN = 5.0
"""Seconds that the thread which minds the workers is waited for once they were told to end."""
_LOOKED_AFTER = 2.0
"""Seconds without a result after which the workers are looked at, and once more before a dead one ends the run."""
_TOLD_BYTES = 32_768
"""What a worker is told through a pipe, which holds twice as much."""
_ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
_SAFE_PATH = "PYTHONSAFEPATH"
"""The variable with which Python leaves the current folder out of where it looks for modules."""

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
    with _told(job) as told:
        with _ends_held(), _nothing_run_from_here():
            pool = ProcessPoolExecutor(workers, context, _start, (told,))
        with pool:
            yield from _results(chunks, pool, workers * _WAITING_PER_WORKER)


@contextmanager
def _told(job: Job) -> Iterator[bytes | Path]:
    """Yield the job as workers are told it: much (what people said of thousands of rows) in a file, for Python would wait without
    end for a worker that died before it had read more than a pipe holds.
    """
    said = pickle.dumps(job)
    if len(said) <= _TOLD_BYTES:
        yield said
        return
    with TemporaryDirectory(prefix="unmoor.") as folder:
        (file := Path(folder) / "job").write_bytes(said)
        yield file


def _results(chunks: Iterator[Chunk], pool: ProcessPoolExecutor, most_waiting: int) -> Iterator[ChunkResult]:
    waiting: deque[Future[ChunkResult]] = deque()
    try:
        for chunk in chunks:
            with _ends_held(), _nothing_run_from_here():
                waiting.append(_submitted(chunk, pool))
            if len(waiting) >= most_waiting:
                yield _result(waiting.popleft(), pool)
        while waiting:
            yield _result(waiting.popleft(), pool)
    except BrokenProcessPool as error:
        _end(pool)  # one that was being started as another died is known to nobody else
        raise MachineError("A worker process died, most often for lack of memory. Next: --workers 1") from error
    except BaseException:
        _end(pool)
        raise


def _submitted(chunk: Chunk, pool: ProcessPoolExecutor) -> Future[ChunkResult]:
    """Hand a chunk to the workers. Each of the first chunks starts one, and Python closes what that is told by as another dies."""
    try:
        return pool.submit(_process, chunk)
    except (OSError, ValueError) as error:  # a closed end of a pipe, or one that has no number any more
        if pool._broken:
            raise BrokenProcessPool("a worker died while another was started") from error
        raise


@contextmanager
def _nothing_run_from_here() -> Iterator[None]:
    """Keep processes that start meanwhile from looking for modules in the current folder, which may be a stranger's data set with a
    `pickle.py` in it: `python -c`, with which `multiprocessing` starts them, looks there before anywhere else.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


@contextmanager
def _ends_held() -> Iterator[None]:
    """Hold the signals that end a run back for a moment from this process, whichever of its threads gets them, and from one that it
    starts: a worker would say what it was importing, or that it was told half of what to do, and what keeps account of what the
    workers share would be gone before them.
    """
    heard = {number: heed for number in _ENDS if (heed := signal.getsignal(number)) not in (signal.SIG_IGN, None)}
    if current_thread() is not main_thread() or not hasattr(signal, "pthread_sigmask") or not heard:
        yield
        return
    came: list[int] = []
    for number in heard:
        signal.signal(number, lambda number, _frame: came.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)  # which a worker inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number, heed in heard.items():
            signal.signal(number, heed)
        if came:
            signal.raise_signal(came[0])


def _result(waited_for: Future[ChunkResult], pool: ProcessPoolExecutor) -> ChunkResult:
    """Wait for a result, and look after the workers meanwhile: where one died while it handed over its own, Python waits without
    end for the rest, and the other workers for their turn.
    """
    is_one_dead = False
    while True:
        wait((waited_for,), _LOOKED_AFTER)
        if waited_for.done():
            return waited_for.result()
        if is_one_dead:
            _end(pool)
            raise BrokenProcessPool("a worker died while it handed over its result")
        is_one_dead = not all(process.is_alive() for process in _processes(pool))


def _end(pool: ProcessPoolExecutor) -> None:
    """End the workers in the middle of what they do: it is not wanted any more, and a chunk takes seconds."""
    processes = _processes(pool)
    manager = cast("Thread | None", pool._executor_manager_thread)
    results = cast("Any", pool._result_queue)
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()  # one that is stopped, or starts, would heed nothing else
    if results is not None:  # the last end to write into: who reads half a result then hears that no more will come
        results._writer.close()
    if manager is not None:
        # it would close the pipe that Python writes to as this process ends, now and then just before that
        manager.join(_ENDED_WITHIN)


def _processes(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((pool._processes or {}).values())  # terminate_workers() comes with Python 3.14


def _start(told: bytes | Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a worker without a word: the parent says it all
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDS)
    Thread(target=_end_with_parent, daemon=True).start()
    global _worker  # noqa: PLW0603  one worker per process is what a pool's initialiser is for
    said = told if isinstance(told, bytes) else told.read_bytes()
    _worker = ChunkWorker(pickle.loads(said))  # noqa: S301  of the process that started this one


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however that ended: nobody else would."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _process(chunk: Chunk) -> ChunkResult:
    if _worker is None:
        raise RuntimeError("the pool's initialiser did not run")
    return _worker.process(chunk)
