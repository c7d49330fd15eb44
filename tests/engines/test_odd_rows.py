"""A value of any type at any place of any layout: the row is read or quarantined, and the run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from tests.layouts.rows import ASKED, CASES, SAID
from unmoor.engines import Job, Options, restore, run_job
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.records import BEHAVIOURS
from unmoor.run_folder import read_lines_of

ODD: list[Any] = [
    *(None, True, 5, 1.5, "", "x", "\ud800", 10**30),
    *([], {}, ["x"], {"a": 1}, [[]], [None], [{}], [5], [["a", None]]),
    *([{"role": ["x"], "content": "x"}], [{"from": {}, "value": []}], [{"type": "text", "text": 5}]),
]
_SAID = {"role": "assistant", "content": SAID, "reasoning_content": "Hm.", "tool_calls": [], "train": True, "weight": 1}
ROWS: list[Any] = [
    *(row for _, row in CASES),
    {"instruction": ASKED, "input": "", "output": SAID, "system": "Be brief.", "history": [[ASKED, SAID]]},
    {"messages": [{"role": "user", "content": ASKED}, _SAID], "system": "Be brief.", "tools": [], "source": "made"},
    {"question": ASKED, "answer": SAID, "system": "Be brief."},
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield from _places(item, (*path, step))


def _with(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = _with(value[path[0]], path[1:], new)
    return changed


def _odd_rows() -> Iterator[Any]:
    for row in ROWS:
        for path in _places(row):
            yield from (_with(row, path, odd) for odd in ODD)
        yield {**row, "\udc00": 1}
        yield {"\ud800": row}


@pytest.mark.parametrize("action", ["drop", "mask", "label"])
@pytest.mark.parametrize("detectors", [("wordlist",), ("phrases", "wordlist")])
def test_an_odd_value_at_any_place_is_one_row_at_most(tmp_path: Path, detectors: tuple[str, ...], action: str) -> None:
    words, path, run = tmp_path / "words.txt", tmp_path / "rows.jsonl", tmp_path / "run"
    words.write_text("oak\n")
    rows = list(_odd_rows())
    path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    actions = dict.fromkeys([*BEHAVIOURS, "wordlist"], action)
    policy = replace(load_policy("dolphin"), max_removed_share=1.0, actions=actions)
    counts = run_job(
        open_data_set(path), Job("messages", policy, detectors, ("en",), words), run, Options(max_bad_share=1.0)
    ).counts()
    assert counts["input"] == len(rows) and counts["quarantined"] and counts["kept"]
    assert counts["labelled" if action == "label" else "removed"] or action == "mask"
    restore(run, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_line_of_a_ledger_has_what_a_script_asks_it_for(tmp_path: Path) -> None:
    path, run = tmp_path / "rows.jsonl", tmp_path / "run"
    good = json.dumps(
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": "I can't help with that."}]}
    )
    path.write_bytes(f"{good}\n\nno json\n".encode() + b"\xff\n" + b'{"unknown": 1}\n')
    policy = replace(load_policy("dolphin"), max_removed_share=1.0)
    run_job(open_data_set(path), Job("messages", policy, languages=("en",)), run, Options(max_bad_share=1.0))
    entries = [json.loads(line) for line in (run / "ledger.jsonl").read_bytes().splitlines()]
    assert [entry["outcome"] for entry in entries] == ["removed", "blank", "quarantined", "quarantined", "quarantined"]
    for entry in entries:
        assert {
            "row",
            "outcome",
            "reason",
            "findings",
            "edits",
            "labels",
            "needs_review",
            "waits_for",
            "acted_on",
            "is_floor",
        } <= entry.keys()
        assert entry["reason"].startswith(f"{entry['outcome']}: ")
    assert [entry["row"] for entry in entries if entry["is_floor"] or entry["findings"]] == [1]
    restore(run, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_row_of_many_findings_takes_no_long_time(tmp_path: Path) -> None:
    turns = [{"role": role, "content": "As an AI, no."} for _ in range(20_000) for role in ("user", "assistant")]
    (tmp_path / "data.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    (tmp_path / "words.txt").write_text("As an AI\n")
    policy = replace(load_policy("dolphin"), actions={"wordlist": "drop_turn"}, max_removed_share=1.0)
    job = Job("messages", policy, detectors=("wordlist",), wordlist=tmp_path / "words.txt")
    started = process_time()
    run_job(open_data_set(tmp_path / "data.jsonl"), job, tmp_path / "run")
    assert process_time() - started < 10
    (entry,) = read_lines_of(tmp_path / "run", "ledger.jsonl")
    assert len(entry["acted_on"]) == 20_000
