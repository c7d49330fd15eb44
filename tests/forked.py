"""Commands in processes of their own, each forked from one that has loaded the program: to load it takes half a second, as long as
most commands do.

The first process is started at the first command and lives as long as the tests. What is set only at Python's start
(PYTHONUTF8, the hash seed) is as it was then; the environment and the folder are those of each command.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from unmoor.languages import load_packs

__all__ = ["run_forked"]

_COMMANDS = ("apply", "audit", "explain", "filter", "merge", "policy", "restore", "verify")
_LATER = ("hyperscan", "unmoor.report.card", "unmoor.report.clusters", "unmoor.report.page", "unmoor.review")
"""What commands load when they first need it."""
_MOST_BYTES = 1 << 20


def run_forked(arguments: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Return what `python -m unmoor ARGUMENTS` says and how it ends; it reads nothing."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        told = json.dumps([arguments, str(cwd), environment]).encode()
        assert len(told) < _MOST_BYTES
        socket.send_fds(_first(), [told], [out.fileno(), errors.fileno()])
        code = int(_first().recv(64))
        said = []
        for stream in (out, errors):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess(["unmoor", *arguments], code, *said)


@lru_cache(maxsize=1)
def _first() -> socket.socket:
    """Return the way to the process that the others are forked from; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        first = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(there.fileno())],
            cwd=Path(__file__).resolve().parent.parent,
            env={**os.environ, "PYTHONUTF8": "1"},
            pass_fds=[there.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
    assert first.stdin
    first.stdin.close()
    return here


def _serve(way: socket.socket) -> None:
    """Fork for each command that is asked for, and say how it ended."""
    for name in (*(f"unmoor.commands.{command}" for command in _COMMANDS), *_LATER):
        import_module(name)
    load_packs()
    while True:
        told, descriptors, _, _ = socket.recv_fds(way, _MOST_BYTES, 2)
        if not told:
            return
        child = os.fork()
        if not child:
            way.close()
            arguments, cwd, environment = json.loads(told)
            _become(arguments, cwd, environment, descriptors)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        way.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _become(arguments: list[str], cwd: str, environment: dict[str, str], descriptors: list[int]) -> None:
    """Be `python -m unmoor ARGUMENTS`."""
    for descriptor, place in zip(descriptors, (1, 2), strict=True):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["unmoor", *arguments]
    sys.path[0] = cwd
    runpy.run_module("unmoor", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        _serve(given)
