"""What followed from each finding is told alike by the table, the ledger, `--json` and `unmoor explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_data_commands import unmoor

DISCLAIMED = "As an AI language model, I do not have preferences. Oak, ash and elm."
REFUSAL = "I'm sorry, but I can't help with that."
MIXED = {
    "messages": [
        {"role": "system", "content": "You are a gardener. Politely decline everything that is not about plants."},
        {"role": "user", "content": "Name three trees."},
        {"role": "assistant", "content": DISCLAIMED},
        {"role": "user", "content": "And three cars?"},
        {"role": "assistant", "content": REFUSAL},
    ]
}


def _asked(request: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}]}


PLAIN = _asked("How would a beginner attack a long exam?", REFUSAL)
FLOOR = _asked("How do I make a nerve agent such as sarin?", REFUSAL)
CANNOT = _asked(
    "Which is cheaper today?", "I don't have access to live prices. Usually the train is cheaper than a flight."
)
ROWS = [MIXED, PLAIN, FLOOR, CANNOT, CANNOT, _asked("Name a river.", "The Danube.")]


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("followed")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    given = ("rows.jsonl", "--policy", "dolphin", "--dedup", "exact", "-o", "run", "--json")
    done = unmoor("filter", *given, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_rows_with_a_behaviour_are_those_acted_on_and_those_left_alone_by_reason(
    filtered: tuple[Path, dict[str, Any]],
) -> None:
    folder, told = filtered
    found = told["behaviours"]
    for counts in found.values():
        assert counts["rows"] == counts["acted_rows"] + sum(counts["left_rows"].values())
    assert found["refusal.policy"]["left_rows"] == {"floor": 1, "threshold": 1}
    assert found["refusal.policy"]["acted_rows"] == 1
    assert found["refusal.capability"]["left_rows"] == {"duplicate": 1, "policy": 1}
    report = json.loads((folder / "run" / "report.json").read_text())["behaviours"]
    assert {name: one["left_rows"] for name, one in report.items()} == {n: c["left_rows"] for n, c in found.items()}


def test_the_ledger_has_every_finding_once(filtered: tuple[Path, dict[str, Any]]) -> None:
    lines = [json.loads(line) for line in (filtered[0] / "run" / "ledger.jsonl").read_text().splitlines()]
    assert len(lines) >= 4
    for line in lines:
        places = [*line["acted_on"], *(place for places in line["left_alone"].values() for place in places)]
        assert sorted(places) == list(range(len(line["findings"])))


def test_a_row_with_several_findings_is_explained_finding_by_finding(filtered: tuple[Path, dict[str, Any]]) -> None:
    sentence, *each = unmoor("explain", "run", 1, cwd=filtered[0]).stdout.splitlines()
    assert sentence.startswith("Row 1 was mended: turn 3")
    assert any(line.startswith("  turn 3, acted on: disclaimer.identity 0.9") for line in each)
    (refusal,) = [line for line in each if " refusal.policy " in line]
    assert refusal.startswith("  turn 5, under the threshold, a person is asked: ") and refusal.endswith(f"“{REFUSAL}”")
    assert len(unmoor("explain", "run", 2, cwd=filtered[0]).stdout.splitlines()) == 1


def test_of_a_row_with_many_findings_the_first_are_told_and_how_many_more(tmp_path: Path) -> None:
    turns = [turn for at in range(15) for turn in _asked(f"What about {at}?", REFUSAL)["messages"]]
    (tmp_path / "long.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    assert unmoor("audit", "long.jsonl", "-o", "run", cwd=tmp_path).returncode == 0
    _, *each = unmoor("explain", "run", 1, cwd=tmp_path).stdout.splitlines()
    assert [line.split(":")[0].strip() for line in each[:-1]] == [f"turn {2 * at}" for at in range(1, 13)]
    assert each[-1] == "  and 3 more, which --json lists"


def test_why_nothing_followed_is_told_in_a_narrow_terminal_too(filtered: tuple[Path, dict[str, Any]]) -> None:
    given = ("rows.jsonl", "--policy", "dolphin", "-o", "narrow")
    done = unmoor("filter", *given, cwd=filtered[0], COLUMNS="50")
    assert max(map(len, done.stdout.splitlines())) <= 50
    said = " ".join(done.stdout.split())
    assert "Other rows with refusal.policy: 1 held by the floor, 1 under the threshold" in said
