"""Lists of strings, of exchanges, of turns under other names, of Gemini's contents and of Axolotl's segments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.layouts.rows import ASKED, SAID
from unmoor.errors import BadRow, LayoutError
from unmoor.layouts import LAYOUTS, apply_to_row, layout_of_row, recognise_layout
from unmoor.records import Row

X = Path("x.jsonl")
TWO = [(ASKED, SAID), ("Another.", "An ash.")]


@pytest.mark.parametrize(
    ("name", "row", "code"),
    [
        ("turn_list", {"data": []}, "NO_TURNS"),
        ("turn_list", {"data": [ASKED, SAID, 5]}, "TEXT_EXPECTED"),
        ("turn_list", {"data": [ASKED, SAID, None, SAID]}, "TEXT_EXPECTED"),
        ("exchange_list", {"conversation": []}, "NO_TURNS"),
        ("exchange_list", {"conversation": [{"human": ASKED, "assistant": SAID}, {"human": ASKED}]}, "BAD_TURN"),
        ("exchange_list", {"conversation": [{"human": ASKED, "assistant": SAID}, "x"]}, "BAD_TURN"),
        ("exchange_list", {"conversation": [{"human": ASKED, "assistant": None}]}, "TEXT_EXPECTED"),
        ("chat_list", {"turns": []}, "NO_TURNS"),
        ("chat_list", {"turns": [{"speaker": "user", "text": ASKED}, {"speaker": "bot"}]}, "TEXT_EXPECTED"),
        ("chat_list", {"turns": [{"speaker": "user", "text": ASKED}, {"speaker": "bot", "text": SAID}, 5]}, "BAD_TURN"),
        (
            "chat_list",
            {"turns": [{"role": r, "content": SAID} for r in ("user", "assistant", "wizard")]},
            "UNKNOWN_ROLE",
        ),
        (
            "chat_list",
            {"turns": [{"from": r, "value": SAID} for r in ("human", "gpt", "wizard")]},
            "UNKNOWN_ROLE",
        ),
        ("gemini", {"contents": []}, "NO_TURNS"),
        ("gemini", {"contents": [{"role": "wizard", "parts": [{"text": ASKED}]}]}, "UNKNOWN_ROLE"),
        ("gemini", {"contents": [{"parts": [{"text": ASKED}]}, ASKED]}, "BAD_TURN"),
        ("gemini", {"contents": [{"role": "user", "parts": []}]}, "TEXT_EXPECTED"),
        ("segments", {"segments": []}, "NO_TURNS"),
        ("segments", {"segments": [{"label": True, "text": SAID}, {"label": 1, "text": SAID}]}, "BAD_TURN"),
        ("segments", {"segments": [{"label": True, "text": 5}]}, "TEXT_EXPECTED"),
    ],
)
def test_a_broken_row_is_of_its_layout_and_says_what_is_wrong(name: str, row: Row, code: str) -> None:
    assert layout_of_row(row, LAYOUTS["alpaca"]) is LAYOUTS[name]
    with pytest.raises(BadRow) as caught:
        LAYOUTS[name].read(row)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "row",
    [
        {"turns": ["Name a tree.", "Name another."], "category": "trees"},
        {"dialog": ["Hi!", "Hello."]},
        {"data": ["one"]},
        {"data": [[1, 2], [3]]},
        {"data": [{"instruction": ASKED, "output": SAID}] * 2},
        {"conversation": [{"a": ASKED, "b": SAID}]},
        {"turns": [{"speaker": "Anna", "text": "Hi!"}, {"speaker": "Ben", "text": "Hello."}]},
        {"turns": [{"speaker": "user", "text": "Hi!"}, {"speaker": "Ben", "text": "Hello."}]},
        {"conversation": [{"role": "Anna", "text": "Hi!"}, {"role": "Ben", "text": "Hello."}]},
        {"items": [{"role": "seed", "content": "acorn"}, {"role": "crop", "content": "oak"}]},
        {"chat": [{"content": "no speaker"}]},
        {"contents": ["text"]},
        {"contents": "text"},
        {"segments": [{"label": "yes", "text": SAID}]},
        {"segments": [{"start": 0, "text": SAID}]},
    ],
)
def test_a_list_that_may_be_something_else_is_not_guessed(row: Row) -> None:
    assert layout_of_row(row, LAYOUTS["alpaca"]) is None


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("messages", {"turns": [], "messages": [{"role": "user", "content": ASKED}]}),
        ("sharegpt", {"conversations": [{"from": "human", "value": ASKED}], "data": [ASKED, SAID]}),
        ("sharegpt", {"conversations": []}),
        ("messages", {"messages": []}),
        ("alpaca", {"instruction": ASKED, "output": SAID, "data": [ASKED, SAID]}),
        ("prompt_completion", {"prompt": ASKED, "response": SAID, "turns": [{"role": "user", "content": ASKED}]}),
        ("columns:user=question,assistant=answer", {"question": ASKED, "answer": SAID, "chat": [{"role": "user"}]}),
        ("messages", {"conversation": [{"role": "user", "content": ASKED, "input": "", "output": ""}]}),
    ],
)
def test_what_was_recognised_by_its_keys_still_is(name: str, row: Row) -> None:
    found = layout_of_row(row, LAYOUTS["gemini"])
    assert found is not None and found.name == name


def test_the_context_of_palm_s_rows_is_their_system_prompt() -> None:
    row = {"context": "Be brief.", "messages": [{"author": "user", "content": ASKED}]}
    assert [(turn.role, turn.text) for turn in LAYOUTS["chat_list"].read(row).turns] == [
        ("system", "Be brief."),
        ("user", ASKED),
    ]


def _left(name: str, row: Row, positions: tuple[int, ...]) -> Row | None:
    changes = LAYOUTS[name].remove(row, positions)
    return None if changes is None else apply_to_row(row, changes)


def test_whole_exchanges_go_from_a_list_of_strings() -> None:
    row = {"data": ["a", "b", "c", "d", "e"]}
    assert _left("turn_list", row, (0, 1)) == {"data": ["c", "d", "e"]}
    assert _left("turn_list", row, (2, 3)) == {"data": ["a", "b", "e"]}
    assert _left("turn_list", row, (4,)) == {"data": ["a", "b", "c", "d"]}
    assert _left("turn_list", row, (1,)) is None


def test_an_exchange_with_the_system_prompt_cannot_go_alone() -> None:
    row: Row = {"conversation": [{"system": "s", "input": "a", "output": "b"}, {"input": "c", "output": "d"}]}
    assert [turn.role for turn in LAYOUTS["exchange_list"].read(row).turns][:2] == ["system", "user"]
    assert _left("exchange_list", row, (0,)) is None
    assert _left("exchange_list", row, (1,)) == {"conversation": row["conversation"][:1]}


def test_xtuners_flag_is_read_and_written() -> None:
    row: Row = {"conversation": [{"input": q, "output": a, "output_with_loss": q != ASKED} for q, a in TWO]}
    layout = LAYOUTS["exchange_list"]
    assert [turn.is_target for turn in layout.read(row).turns] == [False, False, False, True]
    changes = layout.mask(row, 1)
    assert changes is not None
    assert not any(turn.is_target for turn in layout.read(apply_to_row(row, changes)).turns)
    assert layout.mask({"conversation": [{"input": "a", "output": "b"}]}, 0) is None


def test_gemini_has_a_system_prompt_calls_and_what_functions_give() -> None:
    row: Row = {
        "systemInstruction": {"role": "system", "parts": [{"text": "Be brief."}]},
        "tools": [{"functionDeclarations": []}],
        "contents": [
            {"parts": [{"text": "Rain?"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "rain"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "rain"}}]},
            {"role": "model", "parts": [{"text": "No."}, {"text": "No rain."}]},
        ],
    }
    conversation = LAYOUTS["gemini"].read(row)
    assert [(turn.role, turn.text, turn.is_target, turn.has_tool_calls) for turn in conversation.turns] == [
        ("system", "Be brief.", False, False),
        ("user", "Rain?", False, False),
        ("assistant", "", False, True),
        ("tool", "", False, False),
        ("assistant", "No.\nNo rain.", True, False),
    ]
    assert conversation.has_tools


def _segments(*said: tuple[bool, str]) -> Row:
    return {"segments": [{"label": label, "text": text} for label, text in said]}


def test_segments_say_who_speaks_by_what_is_learned_and_by_markers() -> None:
    row = _segments(
        (False, "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\na [/INST] b </s><s>[INST] c [/INST]"), (True, " d </s>")
    )
    turns = LAYOUTS["segments"].read(row).turns
    assert [(turn.role, turn.text, turn.is_target) for turn in turns] == [
        ("system", "Be brief.", False),
        ("user", "a", False),
        ("assistant", "b", False),
        ("user", "c", False),
        ("assistant", "d", True),
    ]
    for turn in turns:
        (piece,) = turn.pieces
        assert row["segments"][piece.path[1]]["text"][piece.offset :].startswith(turn.text)


def test_segments_go_whole_or_not_at_all_and_have_a_place_for_a_mask() -> None:
    plain = _segments((False, "a "), (True, "b</s>"), (False, "c "), (True, "d</s>"))
    assert _left("segments", plain, (0, 1)) == _segments((False, "c "), (True, "d</s>"))
    begun = _segments((False, "<s>a "), (True, "b</s>"), (False, "c "), (True, "d</s>"))
    assert _left("segments", begun, (0, 1)) is None
    more = _segments((False, "[INST] a [/INST] b</s>[INST] c [/INST]"), (True, "d</s>"))
    assert _left("segments", more, (0, 1)) is None
    changes = LAYOUTS["segments"].mask(plain, 1)
    assert changes is not None
    assert [turn.is_target for turn in LAYOUTS["segments"].read(apply_to_row(plain, changes)).turns] == [
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(("asked", "said"), [("inputs", "targets"), ("input", "target"), ("Inputs", "Targets")])
def test_inputs_and_targets_are_a_pair_where_nothing_else_answers(asked: str, said: str) -> None:
    row = {asked: ASKED, said: SAID, "kind": "trees", "language": "eng"}
    assert recognise_layout([row], X).name == f"columns:user={asked},assistant={said}"
    both = recognise_layout([{"question": ASKED, "answer": SAID, "target": "1"}], X)
    assert both.name == "columns:user=question,assistant=answer"
    assert layout_of_row({"question": ASKED, asked: ASKED, said: SAID}, LAYOUTS["gemini"]) is None


NOT_ROWS: list[tuple[Row, str]] = [
    ({"message_tree_id": "1", "prompt": {"text": ASKED, "role": "prompter", "replies": []}}, "A tree of replies"),
    ({"message_id": "1", "message_tree_id": "1", "text": ASKED, "role": "prompter"}, "A tree of replies"),
    ({"conversation_a": [], "conversation_b": [], "winner": "model_a"}, "Two answers to compare"),
    ({"prompt": ASKED, "response_0": SAID, "response_1": "No."}, "Two answers to compare"),
    ({"prompt": ASKED, "answers": [{"answer": SAID, "rank": 1}, {"answer": "No."}]}, r"Several answers .*\(answers\)"),
    ({"input_ids": [1, 2], "labels": [1, 2]}, "These are token ids"),
    ({"messages": '[{"role": "user", "content": "x"}]'}, r"\.messages \|= fromjson' x.jsonl > rows.jsonl"),
]


@pytest.mark.parametrize(("row", "words"), NOT_ROWS)
def test_what_is_no_training_row_is_called_what_it_is(row: Row, words: str) -> None:
    with pytest.raises(LayoutError, match=words) as caught:
        recognise_layout([row], X)
    assert "Next: " in str(caught.value)


def test_the_list_of_layouts_fits_a_terminal() -> None:
    with pytest.raises(LayoutError) as caught:
        recognise_layout([{"frage": "?"}], X)
    lines = str(caught.value).splitlines()
    assert [line for line in lines if len(line) > 80] == []
    assert len(lines) <= 20


def test_a_file_of_several_new_layouts_is_read_row_by_row() -> None:
    rows: list[dict[str, Any]] = [{"data": [ASKED, SAID]}, {"text": f"### Human: {ASKED}### Assistant: {SAID}"}]
    first = recognise_layout(rows, X)
    assert [layout_of_row(row, first) for row in rows] == [LAYOUTS["turn_list"], LAYOUTS["transcript"]]
