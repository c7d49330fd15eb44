"""How much there is to read, from headers and ends of files alone."""

from __future__ import annotations

import gzip
import sys
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from unmoor.commands import cli
from unmoor.commands.totals import total_to_read
from unmoor.layouts import open_data_set, shard_of

ROWS = b'{"instruction": "Name a tide.", "input": "", "output": "The ebb."}\n' * 300


def _zstd(content: bytes) -> bytes:
    module = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    packed: bytes = module.compress(content)
    return packed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", ROWS),
        ("a.jsonl.gz", gzip.compress(ROWS)),
        ("a.jsonl.zst", _zstd(ROWS)),
        ("a.json", b"[" + b",".join(ROWS.splitlines()) + b"]"),
    ],
)
def test_a_file_says_how_much_text_it_holds(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    expected = len(content) if name == "a.json" else len(ROWS)
    assert total_to_read(open_data_set(tmp_path / name)) == expected


def test_files_of_a_folder_are_added_up(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        (tmp_path / name).write_bytes(gzip.compress(ROWS))
    assert total_to_read(open_data_set(tmp_path)) == 2 * len(ROWS)


def test_parquet_is_counted_in_rows_of_the_shard_s_groups(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["Name a tide."] * 90, "completion": ["The ebb."] * 90})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=30)
    data = open_data_set(tmp_path / "a.parquet")
    assert total_to_read(data) == 90
    assert [total_to_read(shard_of(data, number, 3)) for number in (1, 2, 3)] == [30, 30, 30]


@pytest.mark.parametrize("shard", [(1, 1), (2, 2)])
def test_an_empty_file_among_tables_holds_no_rows(tmp_path: Path, shard: tuple[int, int]) -> None:
    table = pa.table({"prompt": ["Name a tide."] * 90, "completion": ["The ebb."] * 90})
    parquet.write_table(table, tmp_path / "a.parquet")
    parquet.write_table(table, tmp_path / "c.parquet")
    (tmp_path / "b.parquet").touch()
    (tmp_path / "d.parquet").touch()
    data = open_data_set(tmp_path)
    assert total_to_read(data) == 180
    assert total_to_read(shard_of(data, *shard)) == 180 // shard[1]


def test_a_run_over_parquet_opens_it_when_it_is_found_recognised_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.table({"prompt": ["Name a tide."] * 90, "completion": ["The ebb."] * 90})
    parquet.write_table(table, tmp_path / "a.parquet", row_group_size=30)
    opened: list[object] = []
    made = parquet.ParquetFile.__init__

    def opening(file: parquet.ParquetFile, source: object, *more: object, **named: object) -> None:
        opened.append(source)
        made(file, source, *more, **named)

    monkeypatch.setattr(parquet.ParquetFile, "__init__", opening)
    arguments = ["filter", str(tmp_path / "a.parquet"), "-o", str(tmp_path / "run"), "--language", "en", "--json"]
    cli.main(arguments, standalone_mode=False)
    assert opened == [tmp_path / "a.parquet"] * 3


def test_what_a_file_does_not_say_is_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(ROWS) + gzip.compress(b"\n"))
    assert total_to_read(open_data_set(path)) is None
