"""What stands beside a request: a copy of the whole row, an answer to a list of messages, answers of other models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layouts.rows import ASKED, SAID
from unmoor.layouts import recognise_layout
from unmoor.records import Row

X = Path("x.jsonl")
EXCHANGE = [("user", ASKED, False), ("assistant", SAID, True)]


def _turns(row: Row) -> list[tuple[str, str, bool]]:
    return [(turn.role, turn.text, turn.is_target) for turn in recognise_layout([row], X).read(row).turns]


def _in_a_template(row: Row, end: str = "") -> str:
    return f"Below is an instruction.\n\n### Instruction:\n{row['instruction']}\n\n### Output:\n{row['output']}{end}"


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_prompt_that_says_the_answer_too_is_no_request(end: str) -> None:
    row = {"instruction": ASKED, "input": "", "output": SAID}
    row["prompt"] = _in_a_template(row, end)
    assert recognise_layout([row], X).name == "alpaca"
    assert _turns(row) == EXCHANGE


@pytest.mark.parametrize(
    "more",
    [
        {"instruction": ASKED, "prompt": f"{ASKED} Be brief."},
        {"instruction": ASKED, "prompt": f"Not {SAID}"},
        {"instruction": "Oak or ash? Say: An oak.", "prompt": "Oak or ash? Say: An oak."},
        {"instruction": ASKED, "prompt": f"{ASKED}\n", "output": ""},
    ],
)
def test_a_prompt_without_the_answer_is_the_request(more: Row) -> None:
    row = {"output": SAID, **more}
    assert recognise_layout([row], X).name == "prompt_completion"
    assert _turns(row)[0][1].startswith(more["prompt"])
