"""The whole conversation of every item is shown whatever format the run is in."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.forked import run_forked
from tests.review.web.runs import filtered, row
from unmoor.commands.row_reading import row_reader, rows_of
from unmoor.review.row_files import Reading
from unmoor.review.store import Store, View
from unmoor.run_folder import verify

pytestmark = pytest.mark.slow
LONG_AGO = [
    {"role": "user", "content": f"An earlier question. {'word ' * 900}"},
    {"role": "assistant", "content": "Aye."},
]
ROWS = [row(number, before=LONG_AGO) for number in range(60)]


def _run(folder: Path, name: str) -> Path:
    folder.mkdir()
    data = folder / name
    lines = "".join(json.dumps(each) + "\n" for each in ROWS).encode()
    if name.endswith(".parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(ROWS), data, row_group_size=7)
    elif name.endswith(".json"):
        data.write_text(json.dumps(ROWS))
    else:
        data.write_bytes(gzip.compress(lines, mtime=0) if name.endswith(".gz") else lines)
    policy = folder / "policy.toml"
    policy.write_text('name = "house"\nversion = 1\nextends = "dolphin"\n\n[limits]\nmax_removed_share = 0.95\n')
    arguments = ["filter", str(data), "-o", str(folder / "run"), "--policy", str(policy), "--language", "en"]
    done = run_forked(arguments, folder, dict(os.environ))
    assert done.returncode == 0, done.stderr
    return folder / "run"


def _found(run: Path, text: str) -> list[tuple[int, str]]:
    """Return (row, request) of each line of a search."""
    store = Store.open(run, "ada", read_row=row_reader(run), reading=Reading(rows_of))
    try:
        return [(line.row, line.request) for line in store.page(View(text=text), None, 500)]
    finally:
        store.close()


def _items(run: Path) -> list[tuple[Any, ...]]:
    store = Store.open(run, "ada", read_row=row_reader(run), reading=Reading(rows_of))
    try:
        items = [store.item(line.id) for view in (View(), View(sample=True)) for line in store.page(view, None, 500)]
        return [(item.row, item.finding, item.turns, item.missing) for item in items]
    finally:
        store.close()


def test_every_format_shows_the_same_whole_conversations(tmp_path: Path) -> None:
    plain = _items(_run(tmp_path / "plain", "rows.jsonl"))
    assert len(plain) > 60, "findings, and a sample of rows without"
    assert all(len(turns) == 4 and not missing for _, _, turns, missing in plain)
    for name in ("rows.jsonl.gz", "rows.json", "rows.parquet"):
        run = _run(tmp_path / name, name)
        assert _items(run) == plain, name
        assert {row for row, _ in _found(run, "earlier")} == {row for row, finding, *_ in plain if finding.rule}, name
        assert verify(run) == []


def test_a_row_is_found_by_the_words_of_any_turn_and_each_finding_named_by_its_own_request(tmp_path: Path) -> None:
    first, last = {"role": "user", "content": "Name a bolt."}, {"role": "user", "content": "Thank you."}
    mended = {"role": "assistant", "content": "As an AI language model, I have no hands. A padlock is a lock."}
    bye = {"role": "assistant", "content": "Gladly.", "reasoning_content": "Quite a zebra."}
    said = row(1, "I'm sorry, but I can't assist with that.", before=[first, mended])
    said["messages"] += [last, bye]
    run = filtered(tmp_path, [said, row(2)])
    requests = {request for _, request in _found(run, "locks")}
    assert requests == {"Name a bolt.", "How do locks work, case 1?"}
    for text in ("padlock", "Gladly", "zebra", "bolt sorry thank"):
        assert {request for _, request in _found(run, text)} == requests, text
    assert _found(run, "zebras") == []


def test_an_index_made_without_the_rows_is_made_again_with_them(tmp_path: Path) -> None:
    run = _run(tmp_path / "house", "rows.parquet")
    Store.open(run, "ada").close()
    assert all(not missing for _, _, _, missing in _items(run))
    made = (run / "review" / "index.sqlite").stat().st_mtime_ns
    Store.open(run, "ada").close()
    assert (run / "review" / "index.sqlite").stat().st_mtime_ns == made, "and is good enough for whoever needs none"
    assert len(list((run / "review").glob("rows.*.jsonl"))) == 1
