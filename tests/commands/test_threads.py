"""Threads that wait let others work and memory goes back to the system, unless the owner has said how it should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from unmoor.commands.threads import wait_briefly


def test_threads_spin_a_moment_and_sleep() -> None:
    environment: dict[str, str] = {}
    wait_briefly(environment)
    assert environment == {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "5000"}


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"])
def test_the_owners_word_stands(name: str) -> None:
    environment = {name: "owner's"}
    wait_briefly(environment)
    assert environment == {name: "owner's"}


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("train", ["none.yaml", "--data", "raw=none.jsonl", "-o", "out"]),
        ("evaluate", ["--model", "m=none", "--suite", "neutral", "-o", "out"]),
        ("chat", ["none"]),
    ],
)
def test_a_command_that_computes_says_so_before_pytorch_is_loaded(
    tmp_path: Path, verb: str, arguments: list[str]
) -> None:
    code = (
        "import json, os, sys\n"
        "from unmoor.commands import cli\n"
        f"try: cli.main({[verb, *arguments]!r}, standalone_mode=False)\n"
        "except BaseException: pass\n"
        "print(json.dumps([os.environ.get('OMP_WAIT_POLICY'), os.environ.get('GOMP_SPINCOUNT')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == ["PASSIVE", "5000"]


@pytest.mark.parametrize("chosen", ["", "mimalloc"])
def test_arrow_takes_memory_from_the_system_unless_the_owner_has_chosen(chosen: str) -> None:
    code = (
        "import sys\n"
        "from unmoor.commands import main\n"
        "sys.argv = ['unmoor', '--version']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import pyarrow\n"
        "print(pyarrow.default_memory_pool().backend_name)\n"
    )
    name = "ARROW_DEFAULT_MEMORY_POOL"
    environment = {key: value for key, value in os.environ.items() if key != name} | ({name: chosen} if chosen else {})
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == (chosen or "system")
