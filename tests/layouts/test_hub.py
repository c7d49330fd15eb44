"""A data set that Hugging Face `datasets` saved is read like any other, and a damaged one is an error in words."""

from __future__ import annotations

import re
import resource
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unmoor.errors import BadDataError, LayoutError, MachineError, UsageError
from unmoor.layouts import first_layout, open_data_set, read_rows

datasets = pytest.importorskip("datasets", reason="datasets is not installed")
ROWS = [
    {"messages": [{"role": "user", "content": f"Tree {n}?"}, {"role": "assistant", "content": "An oak."}]}
    for n in range(50)
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache" / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def _save(folder: Path, *splits: str) -> Path:
    rows = datasets.Dataset.from_list(ROWS)
    (datasets.DatasetDict(dict.fromkeys(splits, rows)) if splits else rows).save_to_disk(str(folder))
    return folder


@pytest.mark.parametrize("splits", [(), ("train",)], ids=["plain", "one split"])
def test_a_saved_data_set_is_read_row_for_row(tmp_path: Path, splits: tuple[str, ...]) -> None:
    saved = _save(tmp_path / "saved", *splits)
    assert [row for _, row in read_rows(saved)] == ROWS


def test_a_command_that_is_proposed_for_a_saved_data_set_reads_its_rows(tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    rows = [{"talk": row["messages"]} for row in ROWS]
    datasets.Dataset.from_list(rows).save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(LayoutError, match=f"^{re.escape(str(tmp_path / 'saved'))}: no known layout") as caught:
        first_layout(tmp_path / "saved")
    command = str(caught.value).partition("Next: python ")[2].partition("\n")[0]
    subprocess.run(f"{shlex.quote(sys.executable)} {command}", shell=True, check=True, cwd=tmp_path)
    assert [row for _, row in read_rows(tmp_path / "rows.jsonl")] == ROWS


def test_of_two_splits_one_has_to_be_named(tmp_path: Path) -> None:
    saved = _save(tmp_path / "saved", "train", "test")
    with pytest.raises(UsageError, match=r"splits train, test.*Next: name one"):
        open_data_set(saved)
    assert [row for _, row in read_rows(saved / "test")] == ROWS


def test_a_split_without_rows_hides_no_other_and_is_called_empty(tmp_path: Path) -> None:
    rows = datasets.Dataset.from_list(ROWS)
    splits = datasets.DatasetDict({"train": rows, "test": rows.select(range(0))})
    splits.save_to_disk(str(tmp_path / "saved"))
    with pytest.raises(UsageError, match=r"splits train, test.*Next: name one"):
        open_data_set(tmp_path / "saved")
    assert [row for _, row in read_rows(tmp_path / "saved" / "train")] == ROWS
    with pytest.raises(UsageError, match=r"test holds no row"):
        open_data_set(tmp_path / "saved" / "test")


def test_a_damaged_arrow_file_is_bad_data_and_leaves_nothing_in_the_cache(tmp_path: Path) -> None:
    saved = _save(tmp_path / "saved")
    (arrow,) = saved.glob("*.arrow")
    arrow.write_bytes(arrow.read_bytes()[:200])
    words = r"(`datasets` cannot read it: .*(Arrow|Invalid|EOF|OSError|Expected)|killed by signal).*Next: "
    with pytest.raises(BadDataError, match=words):
        open_data_set(saved)
    assert list((tmp_path / "cache" / "unmoor").iterdir()) == []


@pytest.mark.parametrize("module", ["unmoor", "datasets"])
def test_no_module_beside_the_rows_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    saved = _save(tmp_path / "saved")
    (saved / f"{module}.py").write_text("raise SystemExit('code of the data set was run')")
    monkeypatch.chdir(saved)
    assert [row for _, row in read_rows(saved)] == ROWS


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this system limits no file's size")
def test_a_limit_on_the_size_of_a_file_is_not_their_fault(tmp_path: Path) -> None:
    saved = _save(tmp_path / "saved")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(
            MachineError,
            match=r"saved cannot be written to .*: File too large. Next: raise the limit, which `ulimit -f` shows, then",
        ):
            open_data_set(saved)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list((tmp_path / "cache" / "unmoor").iterdir()) == []
