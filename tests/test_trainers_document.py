"""docs/trainers.md: its entries for LLaMA-Factory name keys of the layouts for which it gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from unmoor.layouts import layout_named, layout_of_row

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "trainers.md").read_text(encoding="utf-8")
(ENTRIES,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
DEFAULT_TAGS = {"role_tag": "from", "content_tag": "value", "user_tag": "human", "assistant_tag": "gpt"}
"""What LLaMA-Factory takes where an entry has no tags."""


def _row_of(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the keys that an entry says its file has."""
    columns, tags = entry["columns"], entry.get("tags", DEFAULT_TAGS)
    if entry.get("formatting", "alpaca") == "alpaca":
        return dict.fromkeys(columns.values(), "Name a tree.")
    turns = [{tags["role_tag"]: tags[who], tags["content_tag"]: "An oak."} for who in ("user_tag", "assistant_tag")]
    return {name: turns if key == "messages" else "[]" for key, name in columns.items()}


@pytest.mark.parametrize(
    ("name", "layout"), [("alpaca_filtered", "alpaca"), ("glaive_filtered", "sharegpt"), ("chats_filtered", "messages")]
)
def test_an_entry_fits_the_rows_that_unmoor_keeps(name: str, layout: str) -> None:
    row = _row_of(ENTRIES[name])
    found = layout_of_row(row, layout_named(layout))
    assert found is not None and found.name == layout
    assert len(found.read(row).turns) == 2
    assert f"Layout `{layout}`" in PAGE
