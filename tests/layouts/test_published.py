"""`hf:OWNER/NAME` is the rows that the hub has now: `datasets` and the hub's client ask a hub on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fake_hub import TOKEN, FakeHub, fake_hub

pytest.importorskip("datasets", reason="datasets is not installed")
pytestmark = pytest.mark.slow
OLD, NEW = "a" * 40, "b" * 40
NOWHERE = "http://127.0.0.1:9"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        made.repos["me/trees"] = {"private": True}
        publish(made, OLD, rows=3)
        yield made


def publish(hub: FakeHub, commit: str, rows: int) -> None:
    lines = [json.dumps({"instruction": f"Name tree {n}.", "output": "An oak."}) + "\n" for n in range(rows)]
    files = {"README.md": b"---\nlicense: mit\n---\n", "data/train.jsonl": "".join(lines).encode()}
    hub.repos["me/trees"] |= {"files": files, "sha": commit}


@pytest.fixture
def filtered(tmp_path: Path) -> Run:
    """Return what filters a data set of the hub at an address into a folder, with one cache for all calls."""

    def run(data: str, output: str, url: str) -> subprocess.CompletedProcess[str]:
        settings = {"HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": TOKEN, "NO_COLOR": "1"}
        folders = {name: str(tmp_path / name) for name in ("HF_HOME", "XDG_CACHE_HOME")}
        command = [sys.executable, "-m", "unmoor", "filter", data, "--language", "de", "-o", output]
        environment = {**os.environ, **settings, **folders}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def told(folder: Path) -> tuple[str, int]:
    """Return the commit and the rows that the manifest of a run names; the card and the report name the same commit."""
    manifest = json.loads((folder / "MANIFEST.json").read_bytes())
    commit = str(manifest["input"]["revision"])
    assert f"at commit `{commit}`" in (folder / "README.md").read_text()
    assert commit in (folder / "report.html").read_text()
    return commit, manifest["counts"]["input"]


def test_a_data_set_that_changed_on_the_hub_is_read_anew_and_old_rows_never_without_a_word(
    tmp_path: Path, hub: FakeHub, filtered: Run
) -> None:
    assert filtered("hf:me/trees:train", "one", hub.url).returncode == 0
    assert told(tmp_path / "one") == (OLD, 3)
    publish(hub, NEW, rows=5)
    done = filtered("hf:me/trees:train", "two", hub.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert told(tmp_path / "two") == (NEW, 5)

    done = filtered("hf:me/trees:train", "away", NOWHERE)
    assert done.returncode == 0
    assert "The hub cannot be asked (" in done.stderr
    assert "These are the rows of hf:me/trees:train as read on 20" in done.stderr and NEW in done.stderr
    assert told(tmp_path / "away") == (NEW, 5)

    done = filtered("hf:me/trees@main:train", "never", NOWHERE)
    assert done.returncode == 4
    assert "nothing of that name is kept here. Next: see that the network is there" in done.stderr
    assert not (tmp_path / "never").exists()


def test_a_commit_that_is_named_is_read_and_asked_for_once(tmp_path: Path, hub: FakeHub, filtered: Run) -> None:
    assert filtered(f"hf:me/trees@{OLD}:train", "one", hub.url).returncode == 0
    done = filtered(f"hf:me/trees@{OLD}:train", "two", NOWHERE)
    assert (done.returncode, done.stderr) == (0, "")
    assert told(tmp_path / "one") == told(tmp_path / "two") == (OLD, 3)
    applied = subprocess.run(
        [sys.executable, "-m", "unmoor", "apply", "two"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    assert told(tmp_path / "two") == (OLD, 3)


@pytest.mark.parametrize("data", ["hf:me/none", "hf:me/trees@none:train"])
def test_what_the_hub_does_not_have_is_said(hub: FakeHub, filtered: Run, data: str) -> None:
    done = filtered(data, "run", hub.url)
    assert done.returncode == 2
    assert f"{data}: the hub has no such data set or revision, or does not show it" in done.stderr
    assert "Traceback" not in done.stderr and TOKEN not in done.stderr
