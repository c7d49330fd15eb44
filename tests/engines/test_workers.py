"""However a run ends, its workers end with it, and what becomes of them is said in one sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from multiprocessing import active_children
from pathlib import Path
from typing import Any, cast

import pytest

from tests.engines.test_crash import _row
from unmoor.engines import Job, Options, local, run_job
from unmoor.errors import MachineError
from unmoor.layouts import open_data_set, read_data_set
from unmoor.policy import load_policy

MUCH_TOLD = """
import os, signal, sys, threading
from pathlib import Path
from unmoor.engines import Job, local
from unmoor.errors import MachineError
from unmoor.layouts import open_data_set, read_data_set
from unmoor.policy import load_policy

def kill_the_first():
    while True:
        for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(int(pid), signal.SIGKILL)
                return

if __name__ == "__main__":
    job = Job("messages", load_policy("dolphin"), languages=("en",), verdicts={row: () for row in range(100_000)})
    threading.Thread(target=kill_the_first, daemon=True).start()
    try:
        list(local.process_chunks(read_data_set(open_data_set(sys.argv[1]), 20_000), job, 2))
    except MachineError as error:
        print(str(error).partition(",")[0])
"""


def _alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_however_a_run_is_ended_its_workers_end_with_it(name: str, tmp_path: Path) -> None:
    path, number = tmp_path / "data.jsonl", getattr(signal, name)
    path.write_text("".join(json.dumps(_row(row)) + "\n" for row in range(60_000)))
    command = [sys.executable, "-m", "unmoor", "filter", str(path), "-o", str(tmp_path / "run"), "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        deadline = time.monotonic() + 60
        while len(pids := list(map(int, children.read_text().split()))) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(pids) == 3, "two workers and what keeps account of what they share"
        time.sleep(1)
        run.send_signal(number)
        said = run.communicate(timeout=60)[1]
    assert run.returncode == (-number if name == "SIGKILL" else 128 + number)
    assert "Traceback" not in said and ("Stopped." in said or name == "SIGKILL")
    deadline = time.monotonic() + 30
    while _alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert _alive(pids) == [] and not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
@pytest.mark.parametrize(
    ("name", "after"),
    [
        ("SIGINT", 0.0),
        ("SIGINT", 0.1),
        ("SIGINT", 0.3),
        ("SIGINT", 0.6),
        ("SIGTERM", 0.0),
        ("SIGTERM", 0.1),
        ("SIGHUP", 0.0),
        ("SIGHUP", 0.3),
    ],
)
def test_an_end_while_workers_start_says_one_sentence(name: str, after: float, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(row)) + "\n" for row in range(60_000)))
    command = [sys.executable, "-m", "unmoor", "filter", str(path), "-o", str(tmp_path / "run"), "--workers", "2"]
    number = getattr(signal, name)
    heeds = "import os, signal, sys; [signal.signal(n, signal.SIG_DFL) for n in (1, 2)]; os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", heeds, *command], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        deadline = time.monotonic() + 60
        while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(after)
        os.killpg(run.pid, number)
        said = run.communicate(timeout=60)[1]
    assert run.returncode == 128 + number
    assert "Traceback" not in said and said.count("Stopped.") == 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="children are found in /proc")
def test_a_worker_that_dies_as_it_starts_is_a_failing_machine_however_much_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(300)))
    script = tmp_path / "script.py"
    script.write_text(MUCH_TOLD)
    for _ in range(6):  # as another worker is being started, or has been
        done = subprocess.run([sys.executable, script, path], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (0, "A worker process died\n"), done.stderr


@pytest.mark.slow
def test_a_worker_that_heeds_nothing_keeps_no_run_from_ending(tmp_path: Path) -> None:
    before = threading.enumerate()
    results, workers = _hand_over_unheard(tmp_path / "data.jsonl")
    os.kill(workers[0].pid, signal.SIGSTOP)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt())
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    assert not any(worker.is_alive() for worker in workers)


@pytest.mark.slow
def test_an_interruption_leaves_no_thread_of_the_workers_behind(tmp_path: Path) -> None:
    """One that still runs as Python ends closes a pipe under its hands: a stack trace after "Stopped.", one time in hundreds."""
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(3_000)))
    chunks = read_data_set(open_data_set(path), 20_000)
    before = threading.enumerate()
    results = cast(
        "Generator[Any]", local.process_chunks(chunks, Job("messages", load_policy("dolphin"), languages=("en",)), 2)
    )
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt())
    assert [thread for thread in threading.enumerate() if thread not in before] == []


class _Heavy:
    """Something seen in a chunk that does not go through a pipe at once."""

    def __init__(self) -> None:
        self.seen = bytes(8_000_000)

    def add_row(self, *_said: object, **_more: object) -> None:
        pass


def _hand_over_unheard(path: Path) -> tuple[Generator[Any], list[Any]]:
    """Return the results of a job, the first taken, and its two workers, who both wait in the middle of handing over another."""
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(3_000)))
    job = Job("messages", load_policy("dolphin"), languages=("en",), observer=cast("Any", _Heavy))
    before = set(active_children())
    results = cast("Generator[Any]", local.process_chunks(read_data_set(open_data_set(path), 20_000), job, 2))
    next(results)
    interval = sys.getswitchinterval()
    try:
        sys.setswitchinterval(60)  # no other thread of this process runs until this one waits for something
        until = time.monotonic() + 3
        while time.monotonic() < until:
            pass
    finally:
        sys.setswitchinterval(interval)
    return results, [child for child in active_children() if child not in before]


@pytest.mark.slow
def test_an_interruption_while_results_are_handed_over_ends_all(tmp_path: Path) -> None:
    before = threading.enumerate()
    results, workers = _hand_over_unheard(tmp_path / "data.jsonl")
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt())
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    assert len(workers) == 2 and not any(worker.is_alive() for worker in workers)


@pytest.mark.slow
@pytest.mark.parametrize("dying", [slice(1), slice(1, 2), slice(2)])
def test_a_worker_that_dies_while_it_hands_over_its_result_is_a_failing_machine(dying: slice, tmp_path: Path) -> None:
    """Python would wait for the rest of the result without end, and the other worker for its turn."""
    before = threading.enumerate()
    results, workers = _hand_over_unheard(tmp_path / "data.jsonl")
    for worker in workers[dying]:
        os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(MachineError, match="A worker process died"):
        for _ in results:
            pass
    assert [thread for thread in threading.enumerate() if thread not in before] == []
    assert not any(worker.is_alive() for worker in workers)


def test_ctrl_c_that_another_thread_gets_waits_too() -> None:
    reached = []
    listener = threading.Thread(target=time.sleep, args=(2,), daemon=True)
    listener.start()  # before Ctrl-C is held back, so that it is not in this thread
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), local._ends_held():
            signal.pthread_kill(cast("int", listener.ident), signal.SIGINT)
            time.sleep(0.2)
            reached.append("the end")
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert reached == ["the end"]


def test_a_broken_worker_is_a_failing_machine(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(_row(number)) + "\n" for number in range(1000)))
    job = Job("messages", load_policy("dolphin"), languages=("en",), observer=_Dies)
    with pytest.raises(MachineError, match="A worker process died"):
        run_job(open_data_set(path), job, tmp_path / "run", Options(workers=2, chunk_bytes=20_000))
    assert not (tmp_path / "run").exists()


def _Dies() -> None:  # noqa: N802  stands where a class would
    os.kill(os.getpid(), signal.SIGKILL)
