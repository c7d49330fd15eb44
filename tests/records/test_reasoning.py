"""Reasoning is told by the marks that models put around it, and the marks around the answer are no words of the answer."""

from __future__ import annotations

import pytest

from unmoor.records import may_reason, reasoning_spans, without_reasoning


@pytest.mark.parametrize(
    "text",
    [
        "<think>Hm.</think>Oak.",
        "<Thinking>Hm.</THINKING>Oak.",
        "<seed:think>Hm.</seed:think>Oak.",
        "Hm.</think>\nOak.",
        "<think>Hm.</think><answer>Oak.</answer>\n",
        "<|begin_of_thought|>\n\nHm.\n\n<|end_of_thought|>\n\n<|begin_of_solution|>Oak.<|end_of_solution|>",
        "<|begin_of_thought|>No <think> here.<|end_of_thought|>Oak.",
        "Hm.<|end_of_thought|>\nOak.",
        "[THINK]Hm.[/THINK]Oak.",
        "◁think▷Hm.◁/think▷Oak.",
        "<|im_start|>think\nHm.\n<|im_start|>answer\nOak.",
        "<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>Oak.",
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Oak.<|return|>",
    ],
)
def test_the_answer_is_what_stands_outside_the_marks(text: str) -> None:
    assert may_reason(text)
    assert without_reasoning(text) == "Oak."


@pytest.mark.parametrize("text", ["[THINK]Hm.", "<|begin_of_thought|>Hm.", "<think>Hm. </thinking> Hm.", "◁think▷"])
def test_what_never_came_to_an_answer_is_all_reasoning(text: str) -> None:
    assert reasoning_spans(text) == [(0, len(text))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Oak.",
        "a < b",
        "Put it in <b>bold</b>, as [this](https://example.org).",
        "[think] Let me see. [/think]",
        "<thınk>Oak.</thınk>",
        "Write </think> behind it, and <|end_of_thought|> too.",
        "<answer>Oak.</answer>",
        "<|im_start|>assistant\nOak.<|im_end|>",
        "<|channel|>final<|message|>Oak.<|return|>",
        "It begins its thoughts with [THINK] and goes on. I cannot help with that.",
        "Its mark is ◁think▷, and that of others <|begin_of_thought|>.",
        "```\n<|im_start|>think\n```\nThat is how it begins.",
    ],
)
def test_a_text_without_such_marks_is_all_answer(text: str) -> None:
    assert reasoning_spans(text) == []
