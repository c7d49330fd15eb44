"""`hf://datasets/OWNER/NAME/...`, read where it lies: a real hub client asks a hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_hub import TOKEN, FakeHub, fake_hub

pytestmark = pytest.mark.slow
REFUSAL = "I'm sorry, but I can't assist with that request."
ROWS = [
    json.dumps({"instruction": f"Name tree {n}.", "input": "", "output": REFUSAL if n % 9 == 0 else "An oak."}) + "\n"
    for n in range(4_000)
]
FILES = {
    "README.md": b"---\nlicense: cc-by-4.0\n---\n",
    "data/a b.jsonl": "".join(ROWS[:3_000]).encode(),
    "data/more.jsonl": "".join(ROWS[3_000:]).encode(),
}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        made.repos["me/trees"] = {"private": True, "files": dict(FILES)}
        yield made


def _filter(folder: Path, hub_url: str, data: str, *more: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    settings = {"HF_ENDPOINT": hub_url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(folder / "hf"), "HF_TOKEN": token}
    command = [sys.executable, "-m", "unmoor", "filter", data, "--policy", "dolphin", *more]
    environment = {**os.environ, "NO_COLOR": "1", "UNMOOR_SCRATCH": str(folder / "scratch"), **settings}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("named", ["", "/data", "/data/*.jsonl", "@main/data"])
def test_a_set_on_the_hub_gives_the_bytes_of_the_set_here(tmp_path: Path, hub: FakeHub, named: str) -> None:
    here = tmp_path / "data"
    here.mkdir()
    for name in ("a b.jsonl", "more.jsonl"):
        (here / name).write_bytes(FILES[f"data/{name}"])
    for data, run in ((f"hf://datasets/me/trees{named}", "there"), (str(here), "here")):
        done = _filter(tmp_path, hub.url, data, "-o", run)
        assert done.returncode == 0, done.stderr
    for name in ("kept.jsonl", "removed.jsonl", "ledger.jsonl"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert len((tmp_path / "there" / "removed.jsonl").read_bytes().splitlines()) == len(ROWS[::9])
    assert TOKEN not in "".join(f.read_text() for f in (tmp_path / "there").iterdir() if f.suffix in (".json", ".html"))


def test_one_file_is_read_by_ranges_and_nothing_else_is_fetched(tmp_path: Path, hub: FakeHub) -> None:
    done = _filter(tmp_path, hub.url, "hf://datasets/me/trees/data/a b.jsonl", "-o", "run")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "run/kept.jsonl").read_bytes().splitlines()) == 3_000 - len(ROWS[:3_000:9])
    fetched = {path for method, path in hub.asked if "/resolve/" in path and method == "GET"}
    assert len(fetched) == 1 and "more" not in fetched.pop()


def test_an_overwrite_between_two_runs_is_another_input(tmp_path: Path, hub: FakeHub) -> None:
    assert _filter(tmp_path, hub.url, "hf://datasets/me/trees/data", "-o", "one").returncode == 0
    hub.repos["me/trees"]["files"]["data/more.jsonl"] = "".join(ROWS[:7]).encode()
    assert _filter(tmp_path, hub.url, "hf://datasets/me/trees/data", "-o", "two").returncode == 0
    plans = [json.loads((tmp_path / run / "run.json").read_bytes()) for run in ("one", "two")]
    assert plans[0] != plans[1]


@pytest.mark.parametrize("data", ["hf://datasets/me/none/a.jsonl", "hf://datasets/me/trees/zz.jsonl"])
def test_what_is_not_there_is_said(tmp_path: Path, hub: FakeHub, data: str) -> None:
    done = _filter(tmp_path, hub.url, data, "-o", "run")
    assert done.returncode == 2, done.stderr
    assert f"There is no object or folder {data}" in done.stderr and "Traceback" not in done.stderr


def test_what_is_not_allowed_is_said_without_the_token(tmp_path: Path, hub: FakeHub) -> None:
    done = _filter(tmp_path, hub.url, "hf://datasets/me/trees/data", "-o", "run", token="hf_somebodyelse")
    assert done.returncode == 4, done.stderr
    assert "hf://datasets/me/trees/data" in done.stderr and "Traceback" not in done.stderr
    assert "somebodyelse" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_hub_that_is_away_is_a_failure_of_the_machine(tmp_path: Path) -> None:
    done = _filter(tmp_path, "http://127.0.0.1:9", "hf://datasets/me/trees/data", "-o", "run")
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "run").exists()
