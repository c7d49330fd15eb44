"""Which requests of a row are lost: those that were taken out with their answers, and in an audit those that were declined."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.engines.exchanges import exchanges_told
from unmoor.records import Conversation, Turn

SAID = [("system", "Be kind."), ("user", "bread"), ("assistant", "Bake."), ("user", "tides"), ("assistant", "No.")]
SAID += [("user", "wool"), ("assistant", "Spin.")]
ROW = Conversation(tuple(Turn(role, text, is_target=role == "assistant") for role, text in SAID))  # type: ignore[arg-type]


def _entry(*, action: str = "", behaviour: str = "refusal.policy", probability: float = 0.9) -> dict[str, Any]:
    finding = {"turn": 4, "behaviour": behaviour, "probability": probability, "is_reasoning": False}
    return {"findings": [finding], "edits": [{"action": action, "turn": 4, "spans": []}] if action else []}


@pytest.mark.parametrize(
    ("outcome", "entry", "lost"),
    [
        ("kept", None, []),
        ("removed", _entry(), ["bread", "tides", "wool"]),
        ("mended", _entry(action="drop_turn"), ["tides"]),
        ("mended", _entry(action="cut"), ["tides", "wool"]),
        ("mended", _entry(action="mend"), []),
        ("masked", _entry(action="mask"), []),
        ("found", _entry(), ["tides"]),
        ("found", _entry(probability=0.4), []),
        ("found", _entry(behaviour="moralising"), []),
    ],
)
def test_a_request_is_lost_with_its_exchange_or_its_row(
    outcome: str, entry: dict[str, Any] | None, lost: list[str]
) -> None:
    told = exchanges_told(ROW, outcome, entry)
    assert [text for text, *_ in told] == ["bread", "tides", "wool"]
    assert [text for text, is_lost, _ in told if is_lost] == lost
    found = entry is not None and entry["findings"][0]["probability"] >= 0.5
    assert [text for text, _, behaviours in told if behaviours] == (["tides"] if found else [])
