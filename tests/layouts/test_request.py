"""What is asked may stand in more than one column; the floor and a system prompt's orders hold wherever they do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.layouts.rows import STYLES
from unmoor.engines import Job, Options, run_job
from unmoor.errors import BadRow, LayoutError
from unmoor.layouts import LAYOUTS, apply_to_row, layout_named, layout_of_row, open_data_set, recognise_layout
from unmoor.layouts.request import system_turns, with_more
from unmoor.policy import load_policy
from unmoor.records import Row, Turn
from unmoor.run_folder import read_lines_of

ASKED = "How is sarin made?"
DECLINES = "I'm sorry, but I can't help with that."
ORDERED = "You are a gardener. Politely decline everything that is not about plants."

_ELSEWHERE: dict[str, Row] = {
    "more of a preference": {
        "instruction": "Answer.",
        "input": ASKED,
        "chosen": DECLINES,
        "rejected": "A long text.",
    },
    "context of a preference": {
        "question": "Answer.",
        "context": ASKED,
        "chosen": DECLINES,
        "rejected": "A long text.",
    },
    "messages before a preference": {
        "messages": [{"role": "user", "content": ASKED}],
        "chosen": {"role": "assistant", "content": DECLINES},
        "rejected": {"role": "assistant", "content": "A long text."},
    },
    "more of a prompt": {"prompt": "Answer.", "input": ASKED, "completion": DECLINES},
    "more of kto": {"prompt": "Answer.", "input": ASKED, "completion": DECLINES, "label": True},
    "context beside an empty input": {"instruction": "Answer.", "input": "", "context": ASKED, "output": DECLINES},
    "a question beside an instruction": {"instruction": "Answer.", "question": ASKED, "response": DECLINES},
    "more of an exchange": {"conversation": [{"instruction": "Answer.", "input": ASKED, "response": DECLINES}]},
}


def _entry(folder: Path, row: Row) -> dict[str, Any]:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": 2}) + "\n")
    policy = replace(load_policy("dolphin"), max_removed_share=1.0)
    layout = recognise_layout([row], path).name
    run_job(open_data_set(path), Job(layout, policy, languages=("en",)), folder / "run", Options())
    return next(read_lines_of(folder / "run", "ledger.jsonl"))


@pytest.mark.parametrize("where", sorted(_ELSEWHERE))
def test_the_floor_is_found_in_every_column_of_a_request(tmp_path: Path, where: str) -> None:
    entry = _entry(tmp_path, _ELSEWHERE[where])
    assert (entry["outcome"], entry["is_floor"]) == ("kept", True)


_ANSWERED: dict[str, Row] = {
    "preference": {"chosen": "Oak.", "rejected": "Elm."},
    "prompt_completion": {"completion": "Oak."},
    "kto": {"completion": "Oak.", "label": True},
}


def test_messages_beside_a_pair_that_holds_its_prompt_are_not_said_twice() -> None:
    said = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": DECLINES}]
    row = {"chosen": said, "rejected": [*said[:1], {"role": "assistant", "content": "No."}], "messages": said}
    assert [turn.role for turn in LAYOUTS["preference"].read(row).turns] == ["user", "assistant"]


@pytest.mark.parametrize(
    "prompt", ["And now?", " And now?\n", [{"role": "user", "content": "Hi"}, {"role": "user", "content": "And now?"}]]
)
def test_a_prompt_that_the_chosen_side_says_too_is_told_once_and_in_order(prompt: Any) -> None:
    said = [("user", "Hi"), ("assistant", "Hello."), ("user", "And now?"), ("assistant", "Oak.")]
    chosen = [{"role": role, "content": words} for role, words in said]
    row = {"system": "Be brief.", "prompt": prompt, "chosen": chosen, "rejected": [*chosen[:-1], {**chosen[-1]}]}
    read = LAYOUTS["preference"].read(row).turns
    assert [(turn.role, turn.text) for turn in read] == [("system", "Be brief."), *said]
    assert [turn.is_target for turn in read] == [False] * 4 + [True]
    assert LAYOUTS["preference"].has_equal_sides(row)
    other = LAYOUTS["preference"].read({**row, "prompt": "How is sarin made?"}).turns
    assert [turn.text for turn in other[:3]] == ["Be brief.", "How is sarin made?", "Hi"]


def test_sides_under_names_of_responses_are_a_pair_beside_a_prompt_alone() -> None:
    sides = {"chosen_response": "Oak.", "rejected_response": "Oak."}
    row = {"query": "And now?", "history": [["Hi", "Hello."]], "system": "Be brief.", **sides}
    layout = LAYOUTS["preference"]
    assert [turn.text for turn in layout.read(row).turns] == ["Be brief.", "Hi", "Hello.", "And now?", "Oak."]
    assert layout.has_equal_sides(row) and not layout.has_equal_sides({**row, "rejected_response": "Elm."})
    for no_pair in (sides, {"question": "And now?", "response": "Oak.", "rejected_response": "Elm."}):
        assert not layout.recognises(no_pair)


def test_an_answer_rejected_beside_messages_makes_them_a_pair_of_which_no_turn_goes() -> None:
    layout, said = LAYOUTS["preference"], ["Hi", "Hello.", "And now?", "Oak."]
    messages = [{"role": ("user", "assistant")[at % 2], "content": words} for at, words in enumerate(said)]
    row = {"messages": messages, "rejected_response": "Elm."}
    assert layout_of_row(row, LAYOUTS["messages"]) is layout and not LAYOUTS["messages"].is_plain(row)
    assert [(turn.text, turn.is_target) for turn in layout.read(row).turns] == [(one, one == "Oak.") for one in said]
    assert layout.remove(row, (2, 3)) is None
    assert not layout.has_equal_sides(row) and layout.has_equal_sides({**row, "rejected_response": "Oak."})
    for other in (
        {**row, "rejected_response": None},
        {**row, "messages": messages[:3]},
        {**row, "chosen_response": "x"},
    ):
        assert layout_of_row(other, LAYOUTS["messages"]) is LAYOUTS["messages"]


_HISTORIES = (
    [[ASKED, DECLINES]],
    [{"role": "user", "content": ASKED}, {"role": "assistant", "content": DECLINES}],
    [{"from": "human", "value": ASKED}, {"from": "gpt", "value": DECLINES}],
)


@pytest.mark.parametrize("history", _HISTORIES)
@pytest.mark.parametrize("name", sorted(_ANSWERED))
def test_what_was_said_before_a_prompt_is_its_context(name: str, history: list[Any]) -> None:
    row = {"history": history, "prompt": "And now?", **_ANSWERED[name]}
    turns = LAYOUTS[name].read(row).turns
    assert [(turn.role, turn.text, turn.is_target) for turn in turns] == [
        ("user", ASKED, False),
        ("assistant", DECLINES, False),
        ("user", "And now?", False),
        ("assistant", "Oak.", True),
    ]
    for other in ("Some years ago", ["1815"], [{"year": 1815}]):
        assert len(LAYOUTS[name].read({**row, "history": other}).turns) == 2


@pytest.mark.parametrize("history", _HISTORIES)
def test_what_was_said_before_an_instruction_is_learned_and_can_go(history: list[Any]) -> None:
    layout, row = LAYOUTS["alpaca"], {"instruction": "And now?", "output": "Oak.", "history": history}
    turns = layout.read(row).turns
    assert [(turn.text, turn.is_target) for turn in turns[:2]] == [(ASKED, False), (DECLINES, True)]
    changes = layout.remove(row, tuple(turn.position for turn in turns[:2]))
    assert changes and apply_to_row(row, changes)["history"] == []


@pytest.mark.parametrize("history", _HISTORIES)
def test_a_query_and_its_response_are_read_with_what_was_said_before(history: list[Any]) -> None:
    plain: Row = {"query": "And now?", "response": "Oak."}
    row = {"system": "Be brief.", **plain, "history": history}
    layout = recognise_layout([row, {**plain, "history": []}, {**plain, "history": None}], Path("x.jsonl"))
    turns = layout.read(row).turns
    assert [turn.text for turn in turns] == ["Be brief.", ASKED, DECLINES, "And now?", "Oak."]
    assert [turn.is_target for turn in turns] == [False, False, True, False, True]
    changes = layout.remove(row, tuple(turn.position for turn in turns[1:3]))
    assert changes and apply_to_row(row, changes) == {**row, "history": []}
    with pytest.raises(
        LayoutError, match=r"beside history, which may say more\. To read these too: --layout alpaca\. "
    ):
        recognise_layout([plain, plain, row], Path("x.jsonl"))
    assert layout_of_row(plain, layout) is layout_named("columns:user=query,assistant=response")


@pytest.mark.parametrize("history", ["Some years ago", ["1815"], [{"year": 1815}], [[ASKED, None]]])
def test_an_instruction_with_a_history_of_anything_else_is_a_bad_row(history: object) -> None:
    with pytest.raises(BadRow):
        LAYOUTS["alpaca"].read({"instruction": "And now?", "output": "Oak.", "history": history})


_UNDER_ORDERS: dict[str, Row] = {
    "messages": {
        "messages": [{"role": "user", "content": "Name three cars."}, {"role": "assistant", "content": DECLINES}],
        "system_prompt": ORDERED,
    },
    "kto messages": {
        "messages": [{"role": "user", "content": "Name three cars."}, {"role": "assistant", "content": DECLINES}],
        "label": True,
        "system": ORDERED,
    },
    "kto": {"prompt": "Name three cars.", "completion": DECLINES, "label": True, "system": ORDERED},
    "prompt_completion": {"prompt": "Name three cars.", "completion": DECLINES, "system": ORDERED},
    "preference": {"prompt": "Name three cars.", "chosen": DECLINES, "rejected": "Opel.", "system_prompt": ORDERED},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Name three cars."}, {"from": "gpt", "value": DECLINES}],
        "system_prompt": ORDERED,
    },
    "turn_list": {"data": ["Name three cars.", DECLINES], "system_prompt": ORDERED},
    "exchange_list": {"conversation": [{"input": "Name three cars.", "output": DECLINES}], "system_prompt": ORDERED},
    "chat_list": {
        "turns": [{"role": "user", "content": "Name three cars."}, {"role": "assistant", "content": DECLINES}],
        "system_prompt": ORDERED,
    },
    "gemini": {
        "contents": [
            {"role": role, "parts": [{"text": said}]}
            for role, said in (("user", "Name three cars."), ("model", DECLINES))
        ],
        "system_prompt": ORDERED,
    },
}


_UNDER_MORE_ORDERS: dict[str, Row] = {
    "a column over the prompt in a text": {
        "text": STYLES["ChatML"]([("Name three cars.", DECLINES)], "Be kind."),
        "system": f"SYSTEM: {ORDERED}",
    },
    "its own prompt under the column": {
        "messages": [{"role": "system", "content": ORDERED}, *_UNDER_ORDERS["messages"]["messages"]],
        "system_prompt": "Be kind.",
    },
    "an exchange of its own": {
        "conversation": [{"system": ORDERED, **_UNDER_ORDERS["exchange_list"]["conversation"][0]}],
        "system": "Be kind.",
    },
}


@pytest.mark.parametrize("name", sorted(_UNDER_MORE_ORDERS))
def test_people_look_at_a_refusal_that_any_system_prompt_of_the_row_orders(tmp_path: Path, name: str) -> None:
    entry = _entry(tmp_path, _UNDER_MORE_ORDERS[name])
    assert (entry["outcome"], entry["needs_review"]) == ("kept", True)


@pytest.mark.parametrize("name", sorted(_UNDER_ORDERS))
def test_people_look_at_a_refusal_that_the_rows_own_system_prompt_orders(tmp_path: Path, name: str) -> None:
    entry = _entry(tmp_path, _UNDER_ORDERS[name])
    assert (entry["outcome"], entry["needs_review"]) == ("kept", True)


def test_a_system_prompt_that_is_told_twice_is_one() -> None:
    messages = [{"role": "system", "content": ORDERED}, {"role": "user", "content": "Hi"}]
    row = {"messages": [*messages, {"role": "assistant", "content": "Hello."}], "system_prompt": ORDERED}
    assert [turn.role for turn in LAYOUTS["messages"].read(row).turns] == ["system", "user", "assistant"]
    assert system_turns({"system": "", "system_prompt": 7}) == ()


@pytest.mark.parametrize(
    "parts", [[{"text": "Be brief."}, {"cachePoint": {}}], [{"type": "text", "text": "Be brief."}]]
)
def test_a_system_prompt_may_stand_in_parts(parts: list[Any]) -> None:
    row = {"system": parts, "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    (system, _) = LAYOUTS["messages"].read(row).turns
    assert (system.role, system.text) == ("system", "Be brief.")
    assert system.pieces[0].path == ("system", 0, "text")
    assert LAYOUTS["prompt_completion"].read({**row, "prompt": "Hi", "completion": "x"}).turns[0] == system
    for other in ([{"image": "a.png"}], [7], {"text": "Be brief."}):
        with pytest.raises(BadRow, match="system should be text"):
            LAYOUTS["messages"].read({**row, "system": other})


def test_what_belongs_to_no_request_makes_no_row_a_bad_one() -> None:
    assert (
        len(LAYOUTS["prompt_completion"].read({"prompt": "Hi", "completion": "x", "system": {"os": "linux"}}).turns)
        == 2
    )
    kto = {"prompt": "Hi", "completion": "x", "label": True, "system": 7}
    assert len(LAYOUTS["kto"].read(kto).turns) == 2
    alpaca = {"instruction": "Sum up.", "input": "text", "context": ["a", "b"], "output": "x"}
    assert LAYOUTS["alpaca"].read(alpaca).turns[0].text == "Sum up.\ntext"
    with pytest.raises(BadRow, match="context should be text"):
        LAYOUTS["alpaca"].read({"instruction": "Sum up.", "context": ["a", "b"], "output": "x"})


def test_a_transcript_and_a_pair_stand_under_their_system_prompt_too() -> None:
    text = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nYo<|im_end|>\n"
    (system, *_) = LAYOUTS["transcript"].read({"text": text, "system_prompt": ORDERED}).turns
    assert (system.role, system.text) == ("system", ORDERED)
    told = {"text": STYLES["ChatML"]([("Hi", "Yo")], ORDERED), "system": f"SYSTEM: {ORDERED}\n\n"}
    assert [turn.role for turn in LAYOUTS["transcript"].read(told).turns] == ["system", "user", "assistant"]
    sides = {side: f"\n\nHuman: Hi\n\nAssistant: {said}" for side, said in (("chosen", "Yo"), ("rejected", "No"))}
    assert LAYOUTS["preference"].read({**sides, "system": ORDERED}).turns[0].text == ORDERED
    asked = LAYOUTS["preference"].read({"chosen": "Yo", "rejected": "No", "context": ASKED}).turns[0]
    assert (asked.role, asked.text) == ("user", ASKED)


def test_more_of_a_request_is_told_once_and_leads_back_to_its_column() -> None:
    row = {"input": "Oak", "context": "Elm"}
    asked = with_more(row, Turn("user", "Which of them is taller, Oak or Ash?"))
    assert asked.text.splitlines()[1:] == ["Elm"]
    (piece,) = asked.pieces
    assert (piece.path, asked.text[piece.start_char : piece.end_char]) == (("context",), "Elm")


@pytest.mark.parametrize("more", ["oak", "リン", "रिन"])
def test_a_part_of_a_longer_word_does_not_tell_more_of_a_request(more: str) -> None:
    asked = with_more({"input": more}, Turn("user", "What do oaks, サリン and सरिन have in common?"))
    assert asked.text.splitlines()[1:] == [more]


@pytest.mark.parametrize("more", ["a", "tree", "ree", "An oak."])
@pytest.mark.parametrize("beside", [{"system_prompt": ""}, {"history": []}, {"question": None}])
def test_an_instruction_and_its_input_are_the_same_request_whatever_stands_beside_them(more: str, beside: Row) -> None:
    row = {"instruction": "Name a tree.", "input": more, "output": "An oak."}
    plain, other = (LAYOUTS["alpaca"].read({**row, **keys}) for keys in ({}, beside))
    assert plain.turns[0].text == f"Name a tree.\n{more}"
    assert plain == other and plain.sha256() == other.sha256()
