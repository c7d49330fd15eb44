"""What stands beside a request: a copy of the whole row, an answer to a list of messages, answers of other models."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.layouts.rows import ASKED, SAID
from unmoor.errors import LayoutError
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
        {"instruction": ASKED, "prompt": f"{ASKED}\n", "output": " "},
        {"instruction": " ", "prompt": f"{ASKED} {SAID}"},
    ],
)
def test_a_prompt_without_the_answer_is_the_request(more: Row) -> None:
    row = {"output": SAID, **more}
    assert recognise_layout([row], X).name == "prompt_completion"
    assert _turns(row)[0][1].startswith(more["prompt"])


ASKING = [{"role": "user", "content": ASKED}]
EXCHANGED = [*ASKING, {"role": "assistant", "content": SAID}]


def test_earlier_answers_of_an_input_are_context() -> None:
    row = {"system_prompt": "Be brief.", "input": [*EXCHANGED, *ASKING], "response": "An elm."}
    assert _turns(row) == [
        ("system", "Be brief.", False),
        *((role, said, False) for role, said, _ in EXCHANGE),
        ("user", ASKED, False),
        ("assistant", "An elm.", True),
    ]


@pytest.mark.parametrize("said", [{"content": SAID}, {"refusal": SAID}, {"content": [{"type": "text", "text": SAID}]}])
@pytest.mark.parametrize("end", [*ASKING, {"role": "tool", "content": "42"}])
def test_what_stands_beside_messages_that_hold_an_answer_takes_no_target_from_them(said: Row, end: Row) -> None:
    row = {"messages": [*ASKING, {"role": "assistant", **said}, end], "output": "stdout of the run"}
    assert _turns(row)[:2] == EXCHANGE and len(_turns(row)) == 3
    shared = [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}, {"from": "human", "value": "Bye"}]
    assert _turns({"conversations": shared, "answer": "C"})[:2] == EXCHANGE


def test_messages_in_other_words_are_read_as_without_an_answer_beside_them() -> None:
    row = {"messages": [{"role": "user", "text": ASKED}], "output": SAID}
    assert recognise_layout([row], X).name == "chat_list"


@pytest.mark.parametrize(
    "call", [{"content": None}, {"content": "\n"}, {"content": [{"type": "tool_use", "name": "f"}]}]
)
def test_a_call_of_a_tool_is_no_answer_of_messages(call: Row) -> None:
    called = {"role": "assistant", "tool_calls": [{"function": {"name": "f"}}], **call}
    row = {"messages": [*ASKING, called, {"role": "tool", "content": "42"}], "response": SAID}
    assert _turns(row)[-1] == ("assistant", SAID, True)


@pytest.mark.parametrize("asking", [{"messages": ASKING}, {"prompt": ASKED}])
def test_an_empty_text_hides_no_answer(asking: Row) -> None:
    assert _turns({**asking, "completion": " ", "response": SAID}) == EXCHANGE
    assert _turns({"prompt": ASKED, "completion": "", "response": None})[-1] == ("assistant", "", True)


@pytest.mark.parametrize("prompt", ["", None])
def test_an_empty_prompt_hides_no_request(prompt: str | None) -> None:
    assert _turns({"prompt": prompt, "input": ASKING, "output": SAID}) == EXCHANGE


@pytest.mark.parametrize(
    "row",
    [
        {"messages": ASKING, "ground_truth": "oak", "dataset": "trees"},
        {"messages": ASKING, "question": ASKED, "answer": "oak"},
        {"messages": ASKING, "ground_truth": "oak", "answer": "oak"},
        {"messages": ASKING, "response": " "},
        {"messages": ASKING, "": "7"},
        {"messages": ASKING, "response": {"choices": [{"message": EXCHANGED[1]}] * 2}},
        {"messages": EXCHANGED, "response": "An elm."},
    ],
)
def test_what_is_no_answer_to_messages_is_not_read_beside_them(row: Row) -> None:
    assert recognise_layout([row], X).name == "messages"
    assert [turn[1] for turn in _turns(row)] == [message["content"] for message in row["messages"]]


def test_a_row_that_may_have_its_answer_beside_it_is_never_plain() -> None:
    for row in ({"messages": EXCHANGED}, {"conversations": [{"from": "gpt", "value": SAID}]}):
        layout = recognise_layout([row], X)
        assert layout.is_plain(row) and not layout.is_plain({**row, "response": None})


_OF_MODELS = (
    *(
        "attempt",
        "gemini_attempt",
        "generation",
        "model_answer",
        "GPT4_response",
        "r1_solution_1",
        "generated_solution",
    ),
    *("Model Response", "llm_output", "some_response", "generations", "modelAnswer"),
)


@pytest.mark.parametrize("pair", [("question", "solution"), ("question", "answer"), ("prompt", "answer")])
@pytest.mark.parametrize("other", _OF_MODELS)
def test_the_answer_of_a_task_beside_that_of_a_model_is_not_guessed(pair: tuple[str, str], other: str) -> None:
    row = {pair[0]: ASKED, pair[1]: "oak", other: [SAID] if other == "generations" else SAID}
    with pytest.raises(LayoutError) as caught:
        recognise_layout([row], X)
    assert f'"{pair[0]}" and "{pair[1]}" are not taken for request and answer beside {other}' in str(caught.value)
    named = f"columns:user={pair[0]},assistant={other}"
    is_text = isinstance(row[other], str)
    assert (f"If {other} is the answer: --layout " in str(caught.value) and named in str(caught.value)) is is_text


def test_a_list_of_messages_beside_a_pair_is_in_the_way_of_a_guess() -> None:
    with pytest.raises(LayoutError, match="If reannotated_messages is the conversation: rename it"):
        recognise_layout([{"problem": ASKED, "solution": "oak", "reannotated_messages": EXCHANGED}] * 2, X)
    assert recognise_layout([{"messages": ASKING, "answer": "oak", "model_answer": SAID}], X).name == "messages"


@pytest.mark.parametrize(
    "beside",
    [
        {"final_answer": "oak", "expected_answer": "oak", "short_solution": "oak"},
        {"model": "a", "generation_model": "a", "response_model": "a", "answer_id": "7", "model_name": "a"},
        {"attempt": 3, "generation": "", "model_answer": None, "log_messages": ["An oak."]},
        {"attempts": "3", "generation": "v2", "is_ai_answer": "false", "generations": [" oak\n"]},
        {"incorrect_response": SAID, "wrong_model_answer": SAID, "badLLMOutput": SAID, "worse_messages": EXCHANGED},
        {"expected_response": SAID, "final_model_answer": SAID, "predicted_answer": SAID, "Gold Response": SAID},
        {"user_response": SAID, "customer_response": SAID, "human_messages": EXCHANGED},
        {"_r1" * 40 + "_answer": SAID},
    ],
)
@pytest.mark.parametrize(
    ("user", "assistant"), [("question", "answer"), ("problem", "solution"), ("query", "response")]
)
def test_what_no_model_said_leaves_a_pair_as_it_is(user: str, assistant: str, beside: Row) -> None:
    assert recognise_layout([{user: ASKED, assistant: SAID, **beside}], X).name.startswith(
        f"columns:user={user},assist"
    )


@pytest.mark.parametrize("other", ["rejected_response", "incorrect_response", "expected_response", "user_response"])
def test_a_prompt_and_its_answer_are_read_beside_a_response_that_is_not_learned(other: str) -> None:
    assert _turns({"prompt": ASKED, "answer": SAID, other: "No way."}) == EXCHANGE


def test_a_rejected_response_is_never_said_to_be_the_answer() -> None:
    with pytest.raises(
        LayoutError, match=r"beside rejected_response, which may say more\. Next: .*assistant=answer if"
    ):
        recognise_layout([{"question": ASKED, "answer": SAID, "rejected_response": "No way."}], X)


def test_another_response_beside_what_is_called_one_leaves_the_pair_as_it_is() -> None:
    assert _turns({"query": ASKED, "response": SAID, "original_response": "An elm."}) == EXCHANGE
