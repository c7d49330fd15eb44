"""What a message says, in whichever of the forms that model servers use."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.records import ContentWords, content_words

DEEP: Any = "x"
for _ in range(5_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, ContentWords()),
        ("Oak.", ContentWords("Oak.")),
        ([], ContentWords()),
        (["Oak", {"type": "text", "text": " and ash."}], ContentWords("Oak and ash.")),
        ({"type": "text", "text": "Oak."}, ContentWords("Oak.")),
        ([{"type": "output_text", "text": "Oak.", "annotations": []}], ContentWords("Oak.")),
        ([{"text": {"value": "Oak.", "annotations": []}, "type": "text"}], ContentWords("Oak.")),
        ([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Oak."}], ContentWords("Oak.", "Hm.")),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}], ContentWords("", "Hm.")),
        ([{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}], ContentWords("", "Hm.")),
        ([{"type": "reasoning", "summary": [], "text": "Hm."}], ContentWords("", "Hm.")),
        ([{"thought": True, "text": "Hm."}, {"text": "Oak."}], ContentWords("Oak.", "Hm.")),
        ([{"type": "redacted_thinking", "data": "abc"}, {"type": "refusal", "refusal": "No."}], ContentWords("", "", "No.")),
        ([{"type": "image_url", "image_url": {"url": "data:,"}}, {"type": "text", "text": None}, 5, None, {}], ContentWords()),
        ([{"type": ["text"], "text": "Oak."}], ContentWords("Oak.")),
        ([{"type": "thinking", "thinking": DEEP}], ContentWords()),
        (5, None),
        (True, None),
        ({}, None),
        ({"a": "b"}, None),
    ],
)  # fmt: skip
def test_the_words_of_a_content(content: Any, said: ContentWords | None) -> None:
    assert content_words(content) == said
