"""A filter run is published as a person expects: nothing without --yes, private, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from tests.fake_hub import TOKEN, FakeHub, fake_hub

pytestmark = pytest.mark.slow
REFUSAL = "I'm sorry, but I can't assist with that request."
ROWS = [
    {
        "instruction": f"Name tree {number} of the park.",
        "input": "",
        "output": REFUSAL if number % 9 == 0 else "An oak.",
    }
    for number in range(120)
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("push")
    (folder / "trees.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    done = _unmoor(folder, None, "filter", "trees.jsonl", "-o", "run", "--json")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with fake_hub() as made:
        yield made


def _unmoor(folder: Path, hub: FakeHub | None, *arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    settings = {
        "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:9",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(folder / "hf"),
    }
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", **settings, "HF_TOKEN": token}
    command = [sys.executable, "-m", "unmoor", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _push(run: Path, hub: FakeHub | None, *arguments: str, token: str = TOKEN) -> subprocess.CompletedProcess[str]:
    return _unmoor(run.parent, hub, "push", str(run), "me/trees", *arguments, token=token)


def test_without_yes_nothing_is_asked_and_the_plan_is_shown(run: Path, hub: FakeHub) -> None:
    done = _push(run, hub)
    assert done.returncode == 0, done.stderr
    assert hub.asked == []
    assert "Nothing was sent" in done.stdout
    assert "private" in done.stdout
    assert all(name in done.stdout for name in ("README.md", "kept.jsonl", "removed.jsonl"))
    assert "ledger" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_rows_arrive_byte_for_byte_in_one_commit_with_a_card_that_names_them(run: Path, hub: FakeHub) -> None:
    done = _push(run, hub, "--yes", "--license", "cc-by-4.0", "--also", "ledger")
    assert done.returncode == 0, done.stderr
    held = hub.repos["me/trees"]
    assert held["private"] is True
    assert set(held["files"]) == {"README.md", "kept.jsonl", "removed.jsonl", "ledger.jsonl"}
    for name in ("kept.jsonl", "removed.jsonl", "ledger.jsonl"):
        assert held["files"][name] == (run / name).read_bytes()
    assert len([path for _, path in hub.asked if "/commit/" in path]) == 1
    assert hub.stored, "the large file went another way than the small ones"
    card = DatasetCard(held["files"]["README.md"].decode())
    assert card.data.license == "cc-by-4.0"
    assert [(config["config_name"], config["data_files"][0]["path"]) for config in card.data.to_dict()["configs"]] == [
        ("kept", "kept.jsonl"),
        ("removed", "removed.jsonl"),
    ]
    assert "report.html" not in card.text


def test_the_rest_can_be_read_back_with_datasets_own_configs(run: Path, hub: FakeHub) -> None:
    assert _push(run, hub, "--yes").returncode == 0
    files = hub.repos["me/trees"]["files"]
    kept, removed = (len(files[f"{name}.jsonl"].splitlines()) for name in ("kept", "removed"))
    assert kept + removed == len(ROWS)
    assert removed == sum(row["output"] == REFUSAL for row in ROWS)


@pytest.mark.parametrize("data_format", ["jsonl", "parquet"])
def test_where_nothing_was_removed_no_config_is_offered_that_nobody_can_load(
    tmp_path: Path, hub: FakeHub, data_format: str
) -> None:
    whole = [row for row in ROWS if row["output"] != REFUSAL]
    pq.write_table(pa.Table.from_pylist(whole), tmp_path / "trees.parquet")
    (tmp_path / "trees.jsonl").write_text("".join(json.dumps(row) + "\n" for row in whole))
    assert _unmoor(tmp_path, None, "filter", f"trees.{data_format}", "-o", "run").returncode == 0
    assert _push(tmp_path / "run", hub, "--yes").returncode == 0
    held = hub.repos["me/trees"]["files"]
    assert set(held) == {"README.md", f"kept.{data_format}"}
    for card in (DatasetCard(held["README.md"].decode()), DatasetCard((tmp_path / "run" / "README.md").read_text())):
        assert [config["config_name"] for config in card.data.to_dict()["configs"]] == ["kept"]
        assert "No row was removed" in card.text


def test_rows_of_several_layouts_are_named_before_they_are_sent(tmp_path: Path, run: Path) -> None:
    talk = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "An oak."}]
    rows = [*ROWS, {"messages": talk}]
    (tmp_path / "trees.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert _unmoor(tmp_path, None, "filter", "trees.jsonl", "-o", "run").returncode == 0
    said = " ".join(_push(tmp_path / "run", None).stdout.split())
    assert (
        "rows are in several layouts (alpaca 120, messages 1): `datasets` may refuse to load what stays as one table."
        in said
    )
    assert json.loads(_push(tmp_path / "run", None, "--json").stdout)["mixed_layouts"] == {"alpaca": 120, "messages": 1}
    assert "several layouts" not in _push(run, None).stdout
    assert json.loads(_push(run, None, "--json").stdout)["mixed_layouts"] == {}


def test_a_public_data_set_is_not_written_to_unless_public_was_said(run: Path, hub: FakeHub) -> None:
    hub.repos["me/trees"] = {"private": False, "files": {}}
    done = _push(run, hub, "--yes")
    assert done.returncode == 2
    assert "exists and is public" in done.stderr
    assert hub.repos["me/trees"]["files"] == {}
    assert _push(run, hub, "--yes", "--public").returncode == 0
    assert hub.repos["me/trees"]["files"]


def test_public_means_public(run: Path, hub: FakeHub) -> None:
    assert _push(run, hub, "--yes", "--public").returncode == 0
    assert hub.repos["me/trees"]["private"] is False


def test_a_wrong_token_is_named_and_never_printed(run: Path, hub: FakeHub) -> None:
    done = _push(run, hub, "--yes", token="hf_somebodyelse")
    assert done.returncode == 2
    assert "HF_TOKEN" in done.stderr
    assert "somebodyelse" not in done.stdout + done.stderr


def test_without_a_token_it_says_how_to_get_one(run: Path, hub: FakeHub) -> None:
    done = _push(run, hub, "--yes", token="")
    assert done.returncode == 2
    assert "hf auth login" in done.stderr
    assert hub.repos == {}


def test_a_hub_that_fails_or_is_away_is_a_failure_of_the_machine(run: Path, hub: FakeHub) -> None:
    hub.is_broken = True
    done = _push(run, hub, "--yes")
    assert done.returncode == 4, done.stderr
    assert hub.repos["me/trees"]["files"] == {}
    away = _push(run, None, "--yes")
    assert away.returncode == 4, away.stderr
    assert "cannot be reached" in away.stderr


def test_an_altered_run_is_not_published(run: Path, hub: FakeHub, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    with (copy / "kept.jsonl").open("ab") as file:
        file.write(b"{}\n")
    done = _push(copy, hub, "--yes")
    assert done.returncode == 1
    assert "kept.jsonl" in done.stderr
    assert hub.asked == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trees"], "names no owner"),
        (["me/../trees"], "cannot be a data set's name"),
        (["me/trees", "--license", "MIT: yes"], "no licence as the hub writes it"),
        (["me/trees", "--also", "ledgr"], "ledger"),
    ],
)
def test_misuse_is_said_before_anything_is_asked(run: Path, hub: FakeHub, arguments: list[str], words: str) -> None:
    done = _unmoor(run.parent, hub, "push", str(run), *arguments, "--yes")
    assert done.returncode == 2
    assert words in done.stderr
    assert hub.asked == []


@pytest.mark.parametrize(
    ("licence", "told"), [("apache", 'Did you mean "apache-2.0"?'), ("cc-by-4.0", ""), ("llama3.1", "")]
)
def test_a_licence_that_the_hub_does_not_list_is_told(run: Path, licence: str, told: str) -> None:
    done = _push(run, None, "--license", licence)
    assert done.returncode == 0 and "Nothing was sent" in done.stdout
    assert told in done.stderr if told else done.stderr == ""


def test_a_shard_is_no_data_set_to_publish(run: Path, hub: FakeHub) -> None:
    done = _unmoor(run.parent, None, "filter", "trees.jsonl", "--shard", "1/3", "-o", "part")
    assert done.returncode == 0, done.stderr
    done = _unmoor(run.parent, hub, "push", "part", "me/trees", "--yes")
    assert done.returncode == 2 and "is a shard, a part of the rows. Next: unmoor merge" in done.stderr
    assert hub.asked == []


def test_an_audit_has_nothing_to_publish(run: Path, hub: FakeHub) -> None:
    assert _unmoor(run.parent, hub, "audit", "trees.jsonl", "-o", "audit").returncode == 0
    done = _unmoor(run.parent, hub, "push", "audit", "me/trees", "--yes")
    assert done.returncode == 2
    assert "no filter run" in done.stderr
