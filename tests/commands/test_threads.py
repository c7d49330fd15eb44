"""Threads that wait let others work, unless the owner has said how they wait."""

from __future__ import annotations

import json
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
