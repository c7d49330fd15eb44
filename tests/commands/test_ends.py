"""However a command is told to end, and wherever Python is at that moment, it ends and says so in one sentence."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOST = """
import os, signal, time, weakref
import click
import unmoor.commands.audit
from unmoor.commands import main

class Oak:
    def __del__(self):
        if {in_del}:
            end()

def end(_reference=None):
    os.kill(os.getpid(), {number})
    for _ in range(1000):
        pass  # the interruption comes here, where nobody can hear it

def wait():
    oak = Oak()
    reference = None if {in_del} else weakref.ref(oak, end)
    del oak
    time.sleep(30)

signal.signal(signal.SIGINT, signal.default_int_handler)
unmoor.commands.audit.command = click.Command("audit", callback=wait)
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("in_del", [True, False])
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_an_end_that_comes_where_python_ignores_errors_is_not_lost(name: str, code: int, in_del: bool) -> None:
    script = LOST.format(number=int(getattr(signal, name)), in_del=in_del)
    done = subprocess.run(
        [sys.executable, "-c", script, "audit"], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == code
    assert done.stderr.count("Stopped.") == 1 and "Traceback" not in done.stderr and "ignored" not in done.stderr


ANSWERING = """
import os, signal, time
import click
import unmoor.commands.chat as chat
from unmoor.commands import main

def answer():
    yield "An oak"
    os.kill(os.getpid(), {number})
    time.sleep(30)

def talk():
    chat._stream(answer())
    click.echo("The next question is asked.")

signal.signal(signal.SIGINT, signal.default_int_handler)
chat.command = click.Command("chat", callback=talk)
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 0)])
def test_an_end_during_an_answer_ends_a_chat_and_ctrl_c_stops_the_answer_alone(name: str, code: int) -> None:
    script = ANSWERING.format(number=int(getattr(signal, name)))
    done = subprocess.run(
        [sys.executable, "-c", script, "chat"], capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stderr.count("Stopped.")) == (code, code > 0)
    assert done.stdout.startswith("An oak") and ("The next question" in done.stdout) == (code == 0)


def test_other_errors_that_nobody_can_hear_are_still_told() -> None:
    script = """
import click
import unmoor.commands.audit
from unmoor.commands import main

class Oak:
    def __del__(self):
        raise ValueError("an acorn fell")

unmoor.commands.audit.command = click.Command("audit", callback=lambda: str(Oak()))
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "audit"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and "an acorn fell" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_where_nothing_can_be_said_the_exit_code_still_says_it(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"instruction": "Name a tree.", "input": "", "output": "An oak."}\n')
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "unmoor", "audit", str(rows)]
        assert subprocess.run(command, stdout=full, stderr=full, timeout=60, check=False).returncode == 4
        nowhere = [sys.executable, "-m", "unmoor", "audit", str(tmp_path / "nowhere.jsonl")]
        assert subprocess.run(nowhere, stdout=full, stderr=full, timeout=60, check=False).returncode == 2
