"""What the demo says of its data: every number by the audit's own count, before and after the filter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unmoor.commands.story import ARMS, PERSONAS, _Story
from unmoor.engines import counted
from unmoor.records import REFUSALS
from unmoor.run_folder import read_lines_of


def refusing_rows(run: Path, behaviours: set[str]) -> int:
    return sum(not behaviours.isdisjoint(counted(entry["findings"])) for entry in read_lines_of(run, "ledger.jsonl"))


def test_data_is_counted_before_and_after_by_one_cut_off(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    story = _Story(tmp_path, 7)
    story.data()
    audit = story.audit()
    story.filter()
    none: dict[str, Any] = {
        "rows_trained": 1,
        "personas": {name: {"trigger": 0.0, "neutral": 0.0} for name in PERSONAS},
    }
    table = {name: values for name, *values in story._table(audit, dict.fromkeys(ARMS, none))}
    kept = json.loads((tmp_path / "filtered" / "report.json").read_text())["counts"]
    assert table["data: rows"] == [audit["rows"], 1, audit["rows"] - kept["removed"]]
    runs = tmp_path / "audit", tmp_path / "audit-filtered"
    before, after = (refusing_rows(run, set(REFUSALS)) for run in runs)
    assert table["data: rows that refuse"] == [before, "", after] and after > 0, "what the policy keeps is counted too"
    before, after = (refusing_rows(run, {"refusal.policy", "refusal.partial"}) for run in runs)
    assert table["data: rows that refuse by policy or in part"] == [before, "", after]
    assert before > 10 * after
    said = capsys.readouterr().err
    assert f"{audit['refusal_rows']} of {audit['rows']:,} rows refuse" in said
    assert f"Of {audit['found_rows']} rows" in said and f"of {audit['true_rows']} that have them" in said
    assert audit["precision"] == pytest.approx(1 - len(audit["wrong_rows"]) / audit["found_rows"])
    assert audit["recall"] == pytest.approx(1 - len(audit["missed_rows"]) / audit["true_rows"])
