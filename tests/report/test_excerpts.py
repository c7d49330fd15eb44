"""Excerpts show the evidence, stay short, and a mend is shown as what changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.report.made_up import entry
from unmoor.report.excerpts import example, mend_difference, short_text


def _entry(answer: str, quote: str, **more: Any) -> dict[str, Any]:
    start = answer.index(quote)
    finding = {
        "behaviour": "moralising",
        "turn": 1,
        "start_char": start,
        "end_char": start + len(quote),
        "quote": quote,
    }
    finding |= {
        "rule": "r",
        "probability": 0.9,
        "language": "en",
        "detector": "phrases",
        "field": "text",
        "is_reasoning": False,
    }
    return entry(3, "Ask", answer, [finding], more.pop("outcome", "removed"), **more)


def _marked(shown: dict[str, Any]) -> list[str]:
    return [shown["excerpt"][start:end] for start, end in shown["marks"]]


@pytest.mark.parametrize("before", ["", "Word. " * 3, "Word. " * 90])
@pytest.mark.parametrize("after", ["", " And more.", " word" * 300])
def test_the_mark_is_exactly_the_evidence(before: str, after: str) -> None:
    shown = example(_entry(before + "Please behave." + after, "Please behave."), "moralising")
    assert _marked(shown) == ["Please behave."]
    assert len(shown["excerpt"]) < 700


def test_an_excerpt_from_a_window_deep_in_an_answer_is_right() -> None:
    answer = "Long text. " * 500 + "Please behave." + " tail" * 500
    start = answer.index("Please")
    one = _entry(answer, "Please behave.") | {
        "answer": answer[start - 600 : start + 1400],
        "answer_offset": start - 600,
    }
    shown = example(one, "moralising")
    assert _marked(shown) == ["Please behave."]
    assert shown["cut_before"] and shown["cut_after"]


def test_evidence_in_another_turn_than_the_window_is_quoted_alone() -> None:
    one = _entry("Please behave.", "Please behave.") | {"answer": "Another turn altogether."}
    assert _marked(example(one, "moralising")) == ["Please behave."]


def test_three_megabytes_of_answer_and_of_evidence_stay_short() -> None:
    huge = "z" * 3_000_000
    one = _entry(huge, huge) | {"request": huge, "reason": huge}
    shown = example(one, "moralising")
    assert sum(len(str(value)) for value in shown.values()) < 3000


def test_a_cut_text_ends_in_an_ellipsis_and_holds_no_half_character() -> None:
    assert short_text("abcdef", 4) == "abc…"
    assert short_text("abcd", 4) == "abcd"
    assert short_text("a\ud835b", 4) == "a\ufffdb"


def _mend(answer: str, quote: str, after: str | None) -> dict[str, Any]:
    found = mend_difference(_entry(answer, quote, outcome="mended", after=after))
    assert found is not None
    return found


def test_a_mend_shows_what_was_cut_and_the_new_capital() -> None:
    shown = _mend("As an AI, I can say that bread is old.", "As an AI, I can say that ", "Bread is old.")
    assert shown["pieces"] == [["cut", "As an AI, I can say that "], ["new", "Bread"], ["same", " is old."]]


def test_a_mend_in_a_longer_text_leaves_out_what_is_far_from_the_cut() -> None:
    good = "Good text here. " * 60
    shown = _mend(good + "Please behave. " + good, "Please behave. ", good + good)
    assert [kind for kind, _ in shown["pieces"]] == ["gap", "same", "cut", "same", "gap"]


def test_a_mend_of_a_text_longer_than_the_window_is_shown_from_its_spans() -> None:
    good = "Good text here. " * 300
    shown = _mend("Please behave. " + good, "Please behave. ", good)
    assert shown["pieces"][0] == ["cut", "Please behave. "]


def test_a_mend_outside_the_window_is_not_shown() -> None:
    one = _entry("Good text. Please behave.", "Please behave.", outcome="mended") | {
        "answer": "Go",
        "answer_chars": 9000,
    }
    assert mend_difference(one) is None
