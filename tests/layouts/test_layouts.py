"""Every layout is recognised, says the same conversation, and points back at its own texts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.layouts.rows import ASKED, CASES, ROWS, SAID
from unmoor.errors import BadRow, LayoutError, UsageError
from unmoor.layouts import (
    LAYOUTS,
    SetSlice,
    alpaca,
    apply_to_row,
    apply_to_text,
    layout_named,
    layout_of_row,
    recognise_layout,
)
from unmoor.records import Row


@pytest.mark.parametrize(("name", "row"), CASES)
def test_a_row_is_recognised_as_its_own_layout_alone(name: str, row: Row) -> None:
    assert next(layout.name for layout in LAYOUTS.values() if layout.recognises(row)) == name
    assert recognise_layout([row], Path("x")).name == name


@pytest.mark.parametrize(("name", "row"), CASES)
def test_every_layout_says_the_same_conversation(name: str, row: Row) -> None:
    turns = [turn for turn in LAYOUTS[name].read(row).turns if turn.text]
    assert [(turn.role, turn.text, turn.is_target) for turn in turns] == [
        ("user", ASKED, False),
        ("assistant", SAID, True),
    ]


@pytest.mark.parametrize(("name", "row"), CASES)
def test_pieces_point_at_the_texts_they_come_from(name: str, row: Row) -> None:
    for turn in LAYOUTS[name].read(row).turns:
        for piece in turn.pieces:
            value: Any = row
            for step in piece.path:
                value = value[step]
            said = turn.text[piece.start_char : piece.end_char]
            assert said == value[piece.offset : piece.offset + len(said)]
            assert said == value or name in ("transcript", "segments") or "Human:" in value


def test_every_layout_has_an_example() -> None:
    assert set(ROWS) == set(LAYOUTS)


def test_the_rejected_side_is_no_turn() -> None:
    for row in ROWS["preference"]:
        assert "No." not in [turn.text for turn in LAYOUTS["preference"].read(row).turns]


def test_an_undesirable_answer_is_no_target() -> None:
    row = {**ROWS["kto"][1], "label": False}
    assert not any(turn.is_target for turn in LAYOUTS["kto"].read(row).turns)


UNLABELLED = [(name, row) for name, row in CASES if name not in ("preference", "kto")]


NO_TRAINERS = ("alpaca", "segments", "transcript")
LABELLED = [
    (name, row, key)
    for name, row in UNLABELLED
    for key in ("label", "kto_tag")
    if key != "label" or name not in NO_TRAINERS
]


@pytest.mark.parametrize(("name", "row"), [case for case in UNLABELLED if case[0] in NO_TRAINERS])
def test_a_label_where_no_trainer_reads_one_is_anybody_s_note(name: str, row: Row) -> None:
    for note in (True, False):
        labelled = {**row, "label": note}
        layout = recognise_layout([labelled], Path("x"))
        assert layout is LAYOUTS[name] and layout.read(labelled) == layout.read(row)


@pytest.mark.parametrize(("name", "row", "key"), LABELLED)
def test_a_row_of_any_layout_with_a_true_or_false_label_is_one_of_kto(name: str, row: Row, key: str) -> None:
    read = LAYOUTS[name].read(row)
    for is_desirable in (True, False):
        labelled = {**row, key: is_desirable}
        layout = layout_of_row(labelled, LAYOUTS[name])
        assert layout is LAYOUTS["kto"] and recognise_layout([labelled], Path("x")) is layout
        turns = tuple(turn._replace(is_target=turn.is_target and is_desirable) for turn in read.turns)
        assert layout.read(labelled) == replace(read, turns=turns)
        assert layout.mask(labelled, 0) == LAYOUTS[name].mask(row, 0)
        assert not LAYOUTS[name].is_plain(labelled)


@pytest.mark.parametrize("label", [0, 1, "false", "true", "trees", None])
@pytest.mark.parametrize(("name", "row"), UNLABELLED)
def test_a_label_that_is_a_class_or_a_text_is_none_of_kto(name: str, row: Row, label: object) -> None:
    labelled = {**row, "label": label, "kto_tag": label}
    layout = layout_of_row(labelled, LAYOUTS["kto"])
    assert layout is LAYOUTS[name] and layout.read(labelled) == layout.read(row)
    assert layout.is_plain(labelled) == layout.is_plain(row)


@pytest.mark.parametrize("label", [True, False])
def test_a_prompt_and_completion_as_text_beside_a_label_are_kto(label: bool) -> None:
    row = {"prompt": "Name a tree.", "completion": "I can't help with that.", "label": label}
    layout = recognise_layout([row], Path("rows.jsonl"))
    turns = layout.read(row).turns
    assert layout.name == "kto"
    assert [(turn.role, turn.is_target) for turn in turns] == [("user", False), ("assistant", label)]


def test_a_pair_of_kto_beside_its_messages_is_read_and_nothing_of_them_is_changed() -> None:
    pair, layout = ROWS["kto"][0], LAYOUTS["kto"]
    listed = {"messages": [*pair["prompt"], *pair["completion"]], "label": True}
    assert layout.remove(listed, (0, 1)) and layout.mask(listed, 1)
    both = {**listed, **pair}
    assert [turn.pieces[0].path[0] for turn in layout.read(both).turns] == ["prompt", "completion"]
    assert layout.remove(both, (0, 1)) is None and layout.mask(both, 0) is None


def test_a_turn_marked_train_false_is_no_target() -> None:
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "train": False}]}
    assert not LAYOUTS["messages"].read(row).turns[1].is_target


def test_rows_under_one_key_of_the_only_object_are_named_without_a_list_of_layouts() -> None:
    path = Path("rows.json")
    with pytest.raises(LayoutError) as told:
        recognise_layout([{"data": [{"instruction": "a", "output": "b"}]}], path)
    assert str(told.value).splitlines() == [
        f"{path}: no known layout. Keys of the first row: data",
        f'The rows may be those in the list under "data". Next: jq -c \'.["data"][]\' {path} > rows.jsonl',
    ]


def test_earlier_answers_of_a_preference_pair_are_context() -> None:
    messages = [{"role": role, "content": role} for role in ("user", "assistant", "user", "assistant")]
    turns = LAYOUTS["preference"].read({"chosen": messages, "rejected": messages}).turns
    assert [turn.is_target for turn in turns] == [False, False, False, True]


def test_tool_calls_and_reasoning_are_kept_apart_from_the_answer() -> None:
    row = {
        "tools": [{"name": "weather"}],
        "messages": [
            {"role": "user", "content": "Rain?"},
            {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "no", "tool_call_id": "1"},
            {"role": "assistant", "content": "No rain.", "reasoning_content": "The tool said no."},
        ],
    }
    conversation = LAYOUTS["messages"].read(row)
    assert conversation.has_tools
    assert conversation.turns[1].has_tool_calls and conversation.turns[1].text == ""
    assert conversation.turns[3].reasoning == "The tool said no."


@pytest.mark.parametrize("kind", ["tool_use", "tool_call", "image"])
def test_a_part_that_calls_a_tool_is_known_as_a_call(kind: str) -> None:
    said = [{"type": "text", "text": "Let me look."}, {"type": kind, "name": "weather", "input": {}}]
    read = LAYOUTS["messages"].read(
        {"messages": [{"role": "user", "content": "Rain?"}, {"role": "assistant", "content": said}]}
    )
    assert (read.turns[1].text, read.turns[1].has_tool_calls) == ("Let me look.", kind != "image")


@pytest.mark.parametrize(
    "said",
    [
        {"content": None, "refusal": SAID},
        {"content": "", "refusal": SAID},
        {"content": [{"type": "refusal", "refusal": SAID}]},
        {"content": [{"type": "text", "text": None, "refusal": SAID}, {"type": "image"}]},
        {"content": SAID, "refusal": None},
    ],
)
def test_a_refusal_in_a_field_of_its_own_is_what_the_assistant_said(said: dict[str, Any]) -> None:
    row = {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", **said}]}
    (*_, turn) = LAYOUTS["messages"].read(row).turns
    assert (turn.text, turn.is_target) == (SAID, True)
    (piece,) = turn.pieces
    mended = apply_to_row(row, (SetSlice(piece.path, 0, 3, ""),))
    assert LAYOUTS["messages"].read(mended).turns[1].text == SAID[3:]
    assert json.loads(apply_to_text(json.dumps(row), (SetSlice(piece.path, 0, 3, ""),))) == mended


def test_a_tool_s_result_may_be_an_object_and_what_people_say_may_not() -> None:
    for role, is_read in (("tool", True), ("user", False), ("assistant", False)):
        row = {"messages": [{"role": role, "content": {"result": 1}}, {"role": "assistant", "content": SAID}]}
        if is_read:
            assert [turn.text for turn in LAYOUTS["messages"].read(row).turns] == ["", SAID]
        else:
            with pytest.raises(BadRow, match="should be text or parts"):
                LAYOUTS["messages"].read(row)


@pytest.mark.parametrize("name", ["messages", "sharegpt", "prompt_completion", "kto", "preference", "exchange_list"])
def test_a_row_offers_its_tools_in_every_layout_that_has_them(name: str) -> None:
    for row in ROWS[name]:
        assert LAYOUTS[name].read({**row, "tools": [{"name": "weather"}]}).has_tools or "Human:" in str(row)
        assert not LAYOUTS[name].read(row).has_tools


class _Watched(str):
    """A text that counts the code points that stand before it where it is added to another."""

    before = 0

    def __radd__(self, other: str) -> str:
        _Watched.before += len(other)
        return f"{other}{self}"


def test_many_parts_of_a_text_are_joined_at_once_and_found_again() -> None:
    parts = [_Watched("oak"), {"type": "image"}, {"text": ""}] * 200
    (turn,) = LAYOUTS["messages"].read({"messages": [{"role": "user", "content": parts}]}).turns
    assert turn.text == "\n".join(["oak", ""] * 200)
    assert [turn.text[piece.start_char : piece.end_char] for piece in turn.pieces] == ["oak", ""] * 200
    assert turn.pieces[-1].path == ("messages", 0, "content", 599, "text")
    assert _Watched.before < len(turn.text)


def test_history_comes_before_the_request() -> None:
    row = {"instruction": "c", "input": "more", "output": "d", "history": [["a", "b"]], "system": "s"}
    conversation = LAYOUTS["alpaca"].read(row)
    assert [(turn.role, turn.text) for turn in conversation.turns] == [
        ("system", "s"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "c\nmore"),
        ("assistant", "d"),
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"messages": []}, "NO_TURNS"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "UNKNOWN_ROLE"),
        ({"messages": [{"role": "user", "content": 7}]}, "TEXT_EXPECTED"),
        ({"messages": [{"role": "assistant", "content": None}]}, "TEXT_EXPECTED"),
        ({"messages": ["hello"]}, "BAD_TURN"),
    ],
)
def test_a_broken_conversation_says_what_is_wrong(row: Row, code: str) -> None:
    with pytest.raises(BadRow) as caught:
        LAYOUTS["messages"].read(row)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["chatgpt", "Bing", "bard", "GPT", "Human", "bot"])
def test_odd_speakers_of_old_dumps_are_known(name: str) -> None:
    row = {"conversations": [{"from": name, "value": "x"}]}
    assert LAYOUTS["sharegpt"].read(row).turns[0].role in ("user", "assistant")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"messages": None}, '"messages" is null where a list of turns belongs'),
        ({"prompt": "x", "completion": None}, '"completion" is null where a text belongs'),
    ],
)
def test_a_key_of_a_layout_that_holds_nothing_is_named(row: Row, words: str) -> None:
    with pytest.raises(LayoutError, match=words):
        recognise_layout([row], Path("x.jsonl"))


def test_a_file_in_no_layout_names_its_keys_and_the_known_layouts() -> None:
    with pytest.raises(LayoutError, match=r"(?s)frage.*sharegpt.*--layout"):
        recognise_layout([{"frage": "?", "antwort": "!"}], Path("x.jsonl"))


def test_a_mistyped_layout_names_the_nearest() -> None:
    with pytest.raises(UsageError, match='Did you mean "sharegpt"'):
        layout_named("sharegtp")


def test_a_row_in_another_layout_than_its_file_is_still_read() -> None:
    found = layout_of_row(ROWS["sharegpt"][0], LAYOUTS["alpaca"])
    assert found is LAYOUTS["sharegpt"]


@pytest.mark.parametrize("more", [{}, {"input": ""}, {"input": "Oak\nElm"}, {"input": "x", "source": "a", "id": 3}])
def test_a_plain_alpaca_row_is_read_as_any_is(more: Row) -> None:
    row = {"instruction": ASKED, "output": SAID, **more}
    assert alpaca._is_plain(row)
    assert alpaca._read_plain(row) == alpaca._read_any(row)
