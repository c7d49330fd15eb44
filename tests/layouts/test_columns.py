"""Columns by their names: what a name may say, which pairs are recognised, and where nothing is guessed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.layouts.rows import ASKED, SAID
from unmoor.errors import BadRow, LayoutError, UsageError
from unmoor.layouts import first_layout, layout_named, layout_of_row, parse_row, recognise_layout
from unmoor.layouts.columns import FAMILIES
from unmoor.records import Row

X = Path("x.jsonl")
PAIRS = [
    ("question", "answer"),
    ("query", "answer"),
    ("query", "response"),
    ("input", "output"),
    ("user", "assistant"),
    ("human", "assistant"),
    ("instruction", "answer"),
    ("problem", "solution"),
    ("Question", "Answer"),
]
DOUBTFUL: list[dict[str, Any]] = [
    {"question": ASKED, "answer": SAID, "context": ""},
    {"question": ASKED, "answer": SAID, "choices": ["An oak.", "A rose."]},
    {"question": ASKED, "answer": SAID, "history": []},
    {"query": ASKED, "response": SAID, "history": "Some years ago"},
    {"query": ASKED, "response": SAID, "history": [], "label": True},
    {"question": ASKED, "answer": SAID, "label": False},
    {"question": ASKED, "answer": SAID, "label": 0},
    {"question": ASKED, "answer": SAID, "kto_tag": False},
    {"question": ASKED, "answer": SAID, "rejected_answer": "No."},
    {"question": ASKED, "answer": SAID, "solution": "Oak"},
    {"question": ASKED, "query": ASKED, "answer": SAID},
    {"question": ASKED, "answer": SAID, "Answer": "No."},
    {"question": ASKED, "assistant": SAID},
]


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _turns(row: Row, name: str = "") -> list[tuple[str, str, bool]]:
    layout = layout_named(name) if name else recognise_layout([row], X)
    return [(turn.role, turn.text, turn.is_target) for turn in layout.read(row).turns]


EXCHANGE = [("user", ASKED, False), ("assistant", SAID, True)]


@pytest.mark.parametrize(("user", "assistant"), PAIRS)
def test_a_common_pair_is_recognised_and_its_columns_are_named(user: str, assistant: str) -> None:
    row = {"id": 7, user: ASKED, assistant: SAID, "source": "made", "label": "trees"}
    assert recognise_layout([row], X).name == f"columns:user={user},assistant={assistant}"
    assert _turns(row) == EXCHANGE


@pytest.mark.parametrize("key", ["system", "system_prompt"])
def test_a_system_prompt_beside_a_pair_is_read_and_named(key: str) -> None:
    row = {key: "Be brief.", "question": ASKED, "answer": SAID}
    assert recognise_layout([{**row, key: ""}, row], X).name == f"columns:user=question,assistant=answer,system={key}"
    assert _turns(row) == [("system", "Be brief.", False), *EXCHANGE]
    assert _turns(row, "columns:user=question,assistant=answer") == [("system", "Be brief.", False), *EXCHANGE]
    assert _turns({**row, key: None}) == EXCHANGE


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("alpaca", {"instruction": ASKED, "input": "", "output": SAID}),
        ("alpaca", {"question": ASKED, "response": SAID}),
        ("prompt_completion", {"prompt": ASKED, "answer": SAID}),
        ("preference", {"question": ASKED, "answer": SAID, "chosen": SAID, "rejected": "No."}),
        ("messages", {"question": ASKED, "answer": SAID, "messages": [{"role": "user", "content": ASKED}]}),
    ],
)
def test_a_pair_never_stands_before_another_layout(name: str, row: Row) -> None:
    assert recognise_layout([row], X).name == name


@pytest.mark.parametrize("row", DOUBTFUL)
def test_a_pair_beside_something_that_may_say_more_is_not_guessed_but_proposed(row: Row) -> None:
    with pytest.raises(LayoutError, match=r"Next: --layout columns:user=\w+,assistant=\w+ if these are"):
        recognise_layout([row], X)
    assert layout_of_row(row, layout_named("messages")) is None


def test_what_casts_doubt_on_a_pair_is_said() -> None:
    with pytest.raises(LayoutError, match=r'"question" and "answer" are not taken .* beside context, which may say'):
        recognise_layout([DOUBTFUL[0]], X)


def test_one_row_with_more_to_it_is_enough_for_doubt() -> None:
    plain = {"question": ASKED, "answer": SAID}
    with pytest.raises(LayoutError, match="beside context"):
        recognise_layout([plain] * 5 + [{**plain, "context": "Trees grow."}], X)
    assert recognise_layout([plain] * 5 + [{"question": ASKED, "answer": None}], X).name.startswith("columns:")


def test_no_request_is_called_as_an_answer_is() -> None:
    requests, answers = (set().union(*names) for names in zip(*FAMILIES, strict=True))
    assert not requests & answers


@pytest.mark.parametrize(
    ("row", "proposal"),
    [
        ({"id": "7", "frage": ASKED, "antwort": SAID}, "--layout columns:user=frage,assistant=antwort if"),
        ({"My Query": ASKED, "answer": SAID}, "--layout 'columns:user=My Query,assistant=answer' if"),
        ({"a=b": "x" * 99, "a,b": "x" * 99, "q": ASKED, "a": SAID}, "--layout columns:user=q,assistant=a if"),
        ({"frage": ASKED, "zahl": 7}, "Next: --layout NAME if"),
        ({"reply": SAID, "n": 1, "thema": "trees"}, "--layout columns:user=thema,assistant=reply if"),
    ],
)
def test_rows_in_no_layout_get_the_option_with_their_own_names(row: Row, proposal: str) -> None:
    with pytest.raises(LayoutError) as caught:
        recognise_layout([row], X)
    assert proposal in str(caught.value)


NO_TEXT_OF_A_SIDE: list[dict[str, Any]] = [
    {"title": "A tree", "current_node": "c7", "mapping": {}},
    {"id": "x7", "custom_id": "request-7", "response": {"body": {}}},
    {"question": {"problem": ASKED}, "labeler": "Ada Lovelace", "timestamp": "2023-01-01 10:00"},
    {"question": ASKED, "source": "reddit", "created_at": "2023-01-01"},
    {"question": ASKED, "url": "https://x.org/a", "topic": "trees"},
    {"query": ASKED, "answers": '[{"name": "f", "arguments": {}}]', "tools": "[]"},
    {"head": "x", "narrative": "n", "dialogue": [ASKED, SAID], "speakers": ["Ada", "Bob"]},
    {"question": ASKED, "rejected_answer": "No, I will not."},
]


@pytest.mark.parametrize("row", NO_TEXT_OF_A_SIDE)
def test_what_tells_of_a_row_is_never_proposed_as_request_or_answer(row: Row) -> None:
    with pytest.raises(LayoutError) as caught:
        recognise_layout([row, {**row}], X)
    said = str(caught.value)
    assert "--layout columns:user=" not in said.partition("columns, by name")[2]
    assert "No two columns look like a request and its answer: " in said
    assert all(key in said for key in row)


def test_a_text_that_is_the_same_over_the_rows_is_no_side() -> None:
    rows = [{"rules": "You are a helpful bot.", "frage": f"{ASKED} {n}", "kind": "open question"} for n in range(3)]
    with pytest.raises(LayoutError, match="text in rules, frage, kind"):
        recognise_layout(rows, X)


@pytest.mark.parametrize(
    ("row", "proposal"),
    [
        ({"role_1": "A Mathematician", "message_1": ASKED, "message_2": SAID}, "user=message_1,assistant=message_2"),
        ({"source": ASKED, "target": SAID, "task": "t"}, "user=source,assistant=target"),
        ({"questionID": "a b", "questionText": ASKED, "answerText": SAID}, "user=questionText,assistant=answerText"),
        (
            {"model_output": SAID, "user_input": ASKED, "note": "x y " * 9},
            "user=user_input,assistant=model_output",
        ),
        (
            {"problem": ASKED, "expected_answer": "An oak or an elm", "generated_solution": SAID},
            "user=problem,assistant=generated_solution",
        ),
        (
            {"message": ASKED, "chat_history": [{"role": "CHATBOT", "message": "Hi."}], "text": SAID},
            "user=message,assistant=text",
        ),
        ({"prompt": ASKED, "reasoning_text": "x y " * 9, "content": SAID}, "user=prompt,assistant=content"),
        ({"问题描述": "请说出一种树。", "回复": "橡树。"}, "user=问题描述,assistant=回复"),
    ],
)
def test_a_side_is_taken_by_the_words_of_its_name_or_else_by_its_texts(row: Row, proposal: str) -> None:
    with pytest.raises(LayoutError) as caught:
        recognise_layout([row], X)
    assert proposal in str(caught.value)


def test_a_name_is_written_in_one_way_whatever_the_order_of_its_parts() -> None:
    layout = layout_named("columns:system=a rule, assistant=an.swer,user=frage")
    assert layout.name == "columns:user=frage,assistant=an.swer,system=a rule"
    assert layout_named(layout.name) is layout
    row = {"frage": ASKED, "an.swer": SAID, "a rule": "Be brief.", "system": "not this"}
    assert _turns(row, layout.name) == [("system", "Be brief.", False), *EXCHANGE]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("columns", "user is missing"),
        ("columns:user=a", "assistant is missing"),
        ("columns:user=a,asistant=b", '"asistant" is none of user, assistant, system. Did you mean "assistant"? Next:'),
        ("columns:user=a,b,assistant=c", '"b" is none of'),
        ("columns:user=a=b,assistant=c", 'user cannot be "a=b"'),
        ("columns:user=,assistant=c", 'user cannot be ""'),
        ("columns:user=a\x1b[2J,assistant=c", "a control character must be renamed"),
        ("columns:user=a,user=b,assistant=c", "user is given twice"),
        ("columns:user=a,assistant=a", '"a" is given for two parts'),
        ("colums:user=a,assistant=b", 'Did you mean "columns"'),
    ],
)
def test_a_name_that_makes_no_sense_says_why(name: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        layout_named(name)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("columns:user=question,assistant=answr", 'a column "answr". Did you mean "answer"? Columns: question, answer'),
        ("columns:user=question,assistant=answer,system=rules", 'a column "rules"'),
        ("columns:user=n,assistant=answer", 'the column "n" holds no text in the 2 rows that were looked at'),
        ("columns:user=question,assistant=empty", "holds no text in the 2 rows that were looked at, but nothing"),
        ("columns:user=question,assistant=answer,system=n", 'the column "n" holds no text'),
    ],
)
def test_a_column_that_is_not_there_or_no_text_is_said_before_anything_is_read(
    tmp_path: Path, name: str, words: str
) -> None:
    rows = [{"question": ASKED, "answer": SAID, "n": n, "empty": None, "rule": None} for n in (1, 2)]
    with pytest.raises(UsageError) as caught:
        first_layout(_file(tmp_path, *rows), name)
    assert words in str(caught.value)


def test_a_column_may_show_itself_late_and_a_system_prompt_never(tmp_path: Path) -> None:
    late = [{"question": ASKED, "answer": None, "rule": None}] * 500 + [{"question": ASKED, "answer": SAID}]
    name = "columns:user=question,assistant=answer,system=rule"
    assert first_layout(_file(tmp_path, *late), name).name == name
    (tmp_path / "broken.jsonl").write_text("null\n")
    assert first_layout(tmp_path / "broken.jsonl", name).name == name


@pytest.mark.parametrize("value", [None, 7, ["An oak."], {"text": "An oak."}])
def test_a_value_that_is_no_text_is_a_bad_row(value: Any) -> None:
    layout = layout_named("columns:user=frage,assistant=antwort")
    with pytest.raises(BadRow) as caught:
        layout.read({"frage": ASKED, "antwort": value})
    assert caught.value.code == "TEXT_EXPECTED" and caught.value.message.startswith("antwort should be text")


def test_named_columns_stand_before_every_other_layout() -> None:
    row = {"instruction": "Be a poet.", "input": ASKED, "output": SAID, "messages": []}
    layout = layout_named("columns:user=input,assistant=output")
    assert layout_of_row(row, layout) is layout
    assert _turns(row, layout.name) == EXCHANGE


@pytest.mark.parametrize(
    "row",
    [
        {"q": ASKED, "a": SAID},
        {"q": ASKED, "a": SAID, "s": None},
        {"q": ASKED, "a": SAID, "s": 7},
        {"q": ASKED, "a": SAID, "s": "Be brief.", "system": 7},
        {"q": ASKED, "a": 7},
        {"q": ASKED},
    ],
)
@pytest.mark.parametrize("name", ["columns:user=q,assistant=a", "columns:user=q,assistant=a,system=s"])
def test_a_plain_row_is_read_without_an_error(name: str, row: Row) -> None:
    layout = layout_named(name)
    if layout.is_plain(row):
        assert layout.recognises(row)
        assert layout.read(parse_row(json.dumps(row).encode()).readable).turns
    assert layout.is_plain({"q": ASKED, "a": SAID})
