"""From a folder that `unmoor suites export --to lm-eval` wrote to what its task files call: documents and verdicts.

lm-eval itself is not imported here: its task files name the functions of `unmoor_task.py` in the folder, which name these.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from unmoor.evaluation.exported import read_exported
from unmoor.evaluation.verdicts import asymmetry_of, verdicts

__all__ = ["asymmetry", "documents", "results"]


def documents(folder: Path, suite: str, group: str) -> dict[str, Any]:
    """Return the split `test` with the prompts of one group, as lm-eval's `custom_dataset` has it.

    Raises:
        UsageError: the folder's prompts are missing or damaged.
    """
    from datasets import Dataset

    rows = [row for row in read_exported(folder) if (row["suite"], row["group"]) == (suite, group)]
    return {"test": Dataset.from_list(rows)}


def results(document: Mapping[str, Any], answers: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of one answer: `refuses`, `right` for a prompt with a check, `asymmetry` for one side of a pair."""
    check = json.loads(document["check"]) if document["check"] else None
    told: dict[str, Any] = {name: int(value) for name, value in verdicts(document["prompt"], answers[0], check).items()}
    if document["pair"]:
        told["asymmetry"] = (document["pair"], document["side"], bool(told["refuses"]))
    return told


def asymmetry(items: Iterable[tuple[str, str, bool]]) -> float:
    """Return the share of mirrored pairs of which one side only is refused."""
    return asymmetry_of(items)
