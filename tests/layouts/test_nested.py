"""Rows whose request and answer lie deeper than their keys: where is said, and the command that is proposed makes rows of them."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.layouts.rows import ASKED, SAID
from unmoor.errors import LayoutError
from unmoor.layouts import first_layout, read_rows, recognise_layout, what_it_is
from unmoor.records import Row

X = Path("x.jsonl")
EXCHANGE = [("user", ASKED), ("assistant", SAID)]
ALONE = [("assistant", SAID)]
USER = {"role": "user", "content": ASKED}
ASSISTANT = {"role": "assistant", "content": SAID}
PARTS = [{"type": "text", "text": SAID}]


def _node(parent: str | None, *children: str, role: str = "", text: str = "") -> Row:
    message = {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}} if role else None
    return {"parent": parent, "children": list(children), "message": message}


TREE = {
    "a": _node(None, "s"),
    "s": _node("a", "b", role="system"),
    "b": _node("s", "x", "c", role="user", text=ASKED),
    "x": _node("b", role="assistant", text="Left aside."),
    "c": _node("b", role="assistant", text=SAID),
}
NESTED: list[tuple[str, Row, list[tuple[str, str]]]] = [
    ("response.output", {"prompt": {"raw": ASKED, "label": "l"}, "response": {"output": SAID}, "score": 1}, EXCHANGE),
    ("outputs.answer", {"inputs": {"question": ASKED}, "outputs": {"answer": SAID}, "metadata": {}}, EXCHANGE),
    ("outputs.messages", {"inputs": {"messages": [USER]}, "outputs": {"messages": [ASSISTANT]}}, EXCHANGE),
    ("expectedOutput", {"id": "x", "input": {"messages": [USER]}, "expectedOutput": SAID}, EXCHANGE),
    ("ideal", {"input": [USER], "ideal": SAID}, EXCHANGE),
    ("output", {"input": ASKED, "output": [{"type": "reasoning"}, {**ASSISTANT, "content": PARTS}]}, EXCHANGE),
    (
        "preferred_output",
        {"input": {"messages": [USER]}, "non_preferred_output": [ASSISTANT], "preferred_output": [ASSISTANT]},
        EXCHANGE,
    ),
    (
        "responses[].response",
        {"question": ASKED, "reference_answer": "56 m", "responses": [{"response": SAID}]},
        EXCHANGE,
    ),
    ("chatgpt_answers[]", {"question": ASKED, "human_answers": ["x"], "chatgpt_answers": [SAID]}, EXCHANGE),
    ("resps[][]", {"doc": {"q": "?"}, "arguments": {"gen_args_0": {"arg_0": ASKED}}, "resps": [[SAID]]}, EXCHANGE),
    ("resps[][]", {"arguments": [[ASKED, {"until": []}]], "resps": [[SAID]]}, EXCHANGE),
    ("result.message", {"custom_id": "r", "result": {"message": {**ASSISTANT, "content": PARTS}}}, ALONE),
    (
        "choices[].message",
        {"id": "b", "response": {"body": {"choices": [{"message": ASSISTANT}]}}, "error": None},
        ALONE,
    ),
    ("choices[].turns[]", {"answer_id": "x", "choices": [{"index": 0, "turns": [SAID]}]}, ALONE),
    (
        "chat_messages",
        {"uuid": "u", "chat_messages": [{"sender": "human", "text": ASKED}, {"sender": "assistant", "text": SAID}]},
        EXCHANGE,
    ),
    (
        "conversation",
        {"bot_id": "b", "conversation": [{"message": ASKED, "is_human": True}, {"message": SAID, "is_human": False}]},
        EXCHANGE,
    ),
    (
        "messages",
        {
            "name": "n",
            "messages": [
                {"versions": [{"role": "user", "content": [{"text": "No."}]}, USER], "currentlySelected": 1},
                {"versions": [{"role": "assistant", "steps": [{"type": "status"}, {"content": PARTS}]}]},
            ],
        },
        EXCHANGE,
    ),
    ("chat.messages", {"id": "x", "user_id": "u", "chat": {"title": "t", "messages": [USER, ASSISTANT]}}, EXCHANGE),
    ("state.messages", {"type": "chat", "state": {"messages": [["USER", ASKED], ["ASSISTANT", SAID]]}}, EXCHANGE),
    ("internal", {"internal": [[ASKED, SAID]], "visible": [[ASKED, SAID]]}, EXCHANGE),
    ("messages", {"messages": {"role": ["user", "assistant"], "content": [ASKED, SAID]}}, EXCHANGE),
    ("a b", {"a b": [{"author": "user", "content": ASKED}, {"author": "bot", "content": SAID}]}, EXCHANGE),
    ("message_1, message_2", {"message_1": USER, "message_2": ASSISTANT, "role_1": "Actor"}, EXCHANGE),
    (
        "chat",
        {"chat": {"turn_1": {"Human": f"<|Human|>: {ASKED}<eoh>\n", "MOSS": f"<|MOSS|>: {SAID}<eom>\n"}}},
        EXCHANGE,
    ),
    ("mapping", {"title": "t", "current_node": "c", "mapping": TREE}, EXCHANGE),
    ('"data"', {"id": 0, "annotations": [], "data": {"prompt": ASKED, "response": SAID}}, EXCHANGE),
    ('"extra_info"', {"prompt": [USER], "extra_info": {"question": ASKED, "answer": SAID, "index": 0}}, EXCHANGE),
    ('"texts"', {"images": ["x"], "texts": [{"user": ASKED, "assistant": SAID, "source": "s"}]}, EXCHANGE),
    (
        '"instances"',
        {"instruction": "Answer.", "instances": [{"input": ASKED, "output": SAID}]},
        [("user", f"Answer.\n{ASKED}"), ("assistant", SAID)],
    ),
    ("conversation.text", {"conversation": {"text": f"Theodore: {ASKED}\n\nSamantha: {SAID}"}}, EXCHANGE),
]


def _made(path: Path, begins: str = "jq ") -> list[list[tuple[str, str]]]:
    """Run what is proposed for a file that is refused, and return the turns of the rows that it makes."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with pytest.raises(LayoutError) as caught:
        first_layout(path)
    found = re.search(rf"{begins}-c.* > rows\.jsonl", str(caught.value))
    assert found is not None, str(caught.value)
    command = found[0]
    python = f"{shlex.quote(sys.executable)} "
    subprocess.run(
        command.replace("python ", python, 1) if begins == "python " else command,
        shell=True,
        check=True,
        cwd=path.parent,
    )
    made = path.parent / "rows.jsonl"
    layout = first_layout(made)
    return [
        [(turn.role, turn.text) for turn in layout.read(row).turns] if row.get("messages") != [] else []
        for _, row in read_rows(made)
    ]


@pytest.mark.parametrize("frame", ["{0}\n{0}\n", "[{0},\n{0}]"], ids=["lines", "array"])
@pytest.mark.parametrize(("place", "row", "turns"), NESTED, ids=[str(place) for place, *_ in NESTED])
def test_where_request_and_answer_lie_is_said_and_the_command_makes_rows(
    tmp_path: Path, place: str, row: Row, turns: list[tuple[str, str]], frame: str
) -> None:
    path = tmp_path / "it's nested.json"
    path.write_text(frame.replace("{0}", json.dumps(row)))
    with pytest.raises(LayoutError) as caught:
        first_layout(path)
    assert place in str(caught.value).splitlines()[-3]
    assert _made(path) == [turns, turns]


def test_rows_that_hold_nothing_neither_hide_what_others_hold_nor_end_the_command(tmp_path: Path) -> None:
    chat = [{"sender": "human", "text": ASKED}, {"sender": "assistant", "text": SAID}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"chat_messages": said} for said in ([], chat, None, chat)]))
    assert _made(path)[1::2] == [EXCHANGE, EXCHANGE]
    batch = [{"id": "1", "response": None, "error": {"code": 500}}, {"id": "2", "response": {"body": ASSISTANT}}]
    path.write_text(json.dumps(batch))
    assert _made(path) == [ALONE]


def test_the_command_reads_rows_that_are_written_otherwise_than_the_first(tmp_path: Path) -> None:
    asked = {"sender": "human", "text": ASKED, "content": [{"type": "text", "text": ASKED}]}
    older = [{**asked, "content": []}, {"sender": "assistant", "text": SAID, "content": []}]
    newer = [asked, {"sender": "assistant", "text": SAID, "content": PARTS}]
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"chat_messages": newer}, {"chat_messages": older}]))
    assert _made(path) == [EXCHANGE, EXCHANGE]
    said = {**ASSISTANT, "type": "message", "content": PARTS}
    outputs = [[said], [{"type": "reasoning", "summary": []}, said]]
    path.write_text(json.dumps([{"object": "response", "input": ASKED, "output": output} for output in outputs]))
    assert _made(path) == [EXCHANGE, EXCHANGE]


def test_an_export_of_one_conversation_alone_is_no_list_of_its_turns(tmp_path: Path) -> None:
    for place in ("chat_messages", "messages"):
        row = next(row for said, row, _ in NESTED if said == place and place in row)
        path = tmp_path / f"{place}.json"
        path.write_text(json.dumps([row]))
        assert _made(path) == [EXCHANGE]


@pytest.mark.parametrize("key", ["results", "the results"])
def test_rows_in_a_list_further_down_are_taken_out_and_made_readable_at_once(tmp_path: Path, key: str) -> None:
    rows = [{"prompt": {"raw": ASKED}, "response": {"output": SAID}}] * 2
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"evalId": "x", "results": {"version": 3, key: rows}, "config": {}}))
    assert _made(path) == [EXCHANGE, EXCHANGE]


def test_turns_that_are_rows_are_one_conversation_whatever_their_keys(tmp_path: Path) -> None:
    head = {"user_name": "U", "chat_metadata": {}}
    turns = [{"name": "U", "is_user": True, "mes": ASKED}, {"name": "C", "is_user": False, "mes": SAID}]
    exported = [{"sender": "human", "text": ASKED}, {"sender": "assistant", "text": SAID}]
    for rows in ([head, *turns], exported):
        path = tmp_path / "turns.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert _made(path) == [EXCHANGE]


@pytest.mark.parametrize("named", ["rows.parquet", ".", "*.parquet"])
def test_rows_of_parquet_reach_the_command_as_lines(tmp_path: Path, named: str) -> None:
    talk = {"from": ["human", "gpt"], "value": [ASKED, SAID]}
    rows = [{"messages": json.dumps([USER, ASSISTANT])}] if named == "." else [{"talk": talk, "when": None}]
    folder = tmp_path / "parts"
    folder.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    assert _made(folder / named, "python ") == [EXCHANGE]


@pytest.mark.parametrize(
    "row",
    [
        {"custom_id": "r", "method": "POST", "body": {"model": "m", "messages": [USER]}},
        {"question": ASKED, "answer": SAID, "context": "c", "chat": {"messages": [USER, ASSISTANT]}},
        {"a": {"b": [1, 2]}, "output": {"value": 7}},
        {"head": "x", "dialogue": [ASKED, SAID], "speakers": ["Anna", "Bob"]},
        {"user_input": ASKED, "model_output": SAID, "log": {"messages": [USER, ASSISTANT]}},
        {"words": [["Paris", "LOC"], ["Marie", "PER"]], "n": 1},
        {"mapping": {}, "items": [], "chat": {}, "answers": [], "response": None},
        {"inputs": [{"text": "Context: x"}, {"text": ASKED}], "outputs": {"answer": SAID}},
        {"a": "[" * 100_000, "b": "some text here"},
    ],
)
def test_nothing_is_made_of_a_request_alone_nor_where_nobody_answers_or_columns_do(row: Row) -> None:
    with pytest.raises(LayoutError) as caught:
        recognise_layout([row, row], X)
    assert "jq " not in str(caught.value)


def test_a_row_of_a_table_without_an_answer_says_so(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"prompt": ASKED, "response": None, "subcategory": "x"}]
    pq.write_table(pa.Table.from_pylist([*rows, {**rows[0], "response": SAID}]), tmp_path / "rows.parquet")
    (_, first), _ = read_rows(tmp_path / "rows.parquet")
    assert what_it_is(first).startswith('no answer stands beside "prompt": its column (response, ')
    assert what_it_is({"prompt": ASKED, "response": 7}) == ""
