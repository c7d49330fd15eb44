"""What a message says, in whichever of the forms that model servers use."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.records import Said, said_in

DEEP: Any = "x"
for _ in range(5_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, Said()),
        ("Oak.", Said("Oak.")),
        ([], Said()),
        (["Oak", {"type": "text", "text": " and ash."}], Said("Oak and ash.")),
        ({"type": "text", "text": "Oak."}, Said("Oak.")),
        ([{"type": "output_text", "text": "Oak.", "annotations": []}], Said("Oak.")),
        ([{"text": {"value": "Oak.", "annotations": []}, "type": "text"}], Said("Oak.")),
        ([{"type": "thinking", "thinking": "Hm.", "signature": "abc"}, {"type": "text", "text": "Oak."}], Said("Oak.", "Hm.")),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}], Said("", "Hm.")),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}], Said("", "Hm.")),
        ([{"type": "reasoning", "summary": [], "text": "Hm."}], Said("", "Hm.")),
        ([{"thought": True, "text": "Hm."}, {"text": "Oak."}], Said("Oak.", "Hm.")),
        ([{"type": "redacted_thinking", "data": "abc"}, {"type": "refusal", "refusal": "No."}], Said("", "", "No.")),
        ([{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": None}, 5, None, {}], Said()),
        ([{"type": ["text"], "text": "Oak."}], Said("Oak.")),
        ([{"type": "thinking", "thinking": DEEP}], Said()),
        (5, None),
        (True, None),
        ({}, None),
        ({"a": "b"}, None),
    ],
)  # fmt: skip
def test_the_words_of_a_content(content: Any, said: Said | None) -> None:
    assert said_in(content) == said
