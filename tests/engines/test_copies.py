"""What went from a row and stands in another column of it, which nobody reads, is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from unmoor.commands import cli

ASKED = "Name three trees."
DISCLAIMER = "As an AI language model, I do not have preferences. Oak, ash and elm."
MESSAGES = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": DISCLAIMER}]
QUOTED = 'As an AI language model, I do not have "opinions" of my own. Oak, ash and elm.'
QUOTING = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": QUOTED}]
PLAIN = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": "Oak, ash and elm."}]


def _filter(folder: Path, rows: list[dict[str, Any]], *more: str) -> str:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = CliRunner().invoke(cli, ["filter", str(folder / "rows.jsonl"), "-o", str(folder / "run"), *more])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ({"prompt": ASKED, "chosen": DISCLAIMER, "rejected": "No.", "messages": MESSAGES}, "messages"),
        ({"messages": MESSAGES, "text": f"USER: {ASKED} ASSISTANT: {DISCLAIMER}"}, "text"),
        ({"messages": QUOTING, "raw": json.dumps({"m": QUOTING})}, "raw"),
        ({"instruction": ASKED, "output": DISCLAIMER, "prompt": f"### In: {ASKED} ### Out: {DISCLAIMER}\n"}, "prompt"),
        ({"messages": MESSAGES, "conversations": [{"from": "gpt", "value": DISCLAIMER}]}, "conversations"),
    ],
)
def test_a_copy_that_still_says_what_was_cut_is_named(tmp_path: Path, row: dict[str, Any], column: str) -> None:
    told = json.loads(_filter(tmp_path, [row, row, {"messages": PLAIN}], "--json"))
    assert told["copied"] == {column: 2}
    (tmp_path / "again").mkdir()
    said = " ".join(_filter(tmp_path / "again", [row]).split())
    assert f"What went from 1 row still stands in the column {column}, which is not read" in said


def test_a_rejected_side_and_words_that_went_nowhere_are_no_copies(tmp_path: Path) -> None:
    rows = [
        {"prompt": ASKED, "chosen": DISCLAIMER, "rejected": DISCLAIMER[:52] + "None."},
        {"messages": MESSAGES, "text": "Oak, ash and elm."},
        {"messages": PLAIN, "text": DISCLAIMER},
    ]
    assert "copied" not in json.loads(_filter(tmp_path, rows, "--json"))
