"""In every layout a run gives what the layout would have written of what is left, and the input back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.layouts.rows import CASES, NO_SYSTEM, STYLES, Exchanges
from unmoor.commands.training_rows import read_or_say
from unmoor.engines import Job, Options, restore, run_job
from unmoor.layouts import LAYOUTS, first_layout, open_data_set, table_rows
from unmoor.policy import Policy, load_policy
from unmoor.records import BEHAVIOURS, REFUSALS, Conversation
from unmoor.run_folder import read_lines_of, verify

ASKED = "Name three trees."
REFUSAL = "I'm sorry, but I can't assist with that request."
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
DISCLAIMER = (
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm."
)
MENDED = "Here are three trees: oak, ash and elm."
RULES = "You are a helpful assistant."


def _listed(key: str, asked: dict[str, Any], said: dict[str, Any], words: str) -> Callable[[Exchanges], dict[str, Any]]:
    return lambda exchanges: {
        key: [{**who, words: text} for q, a in exchanges for who, text in ((asked, q), (said, a))]
    }


def _in_style(style: str, key: str, prompt: str) -> Callable[[Exchanges], dict[str, Any]]:
    return lambda exchanges: {key: STYLES[style](exchanges, prompt)}


def _gemini(exchanges: Exchanges) -> dict[str, Any]:
    turns = [turn for q, a in exchanges for turn in (("user", q), ("model", a))]
    return {"contents": [{"role": role, "parts": [{"text": text}]} for role, text in turns]}


WRITTEN: dict[str, Callable[[Exchanges], dict[str, Any]]] = {
    "messages": _listed("messages", {"role": "user"}, {"role": "assistant"}, "content"),
    "sharegpt": _listed("conversations", {"from": "human"}, {"from": "gpt"}, "value"),
    "chat_list/turns": _listed("turns", {"role": "user"}, {"role": "assistant"}, "content"),
    "chat_list/chat": _listed("chat", {"from": "human"}, {"from": "gpt"}, "value"),
    "chat_list/dialog": _listed("dialog", {"speaker": "user"}, {"speaker": "bot"}, "text"),
    "turn_list": lambda exchanges: {"data": [text for exchange in exchanges for text in exchange]},
    "exchange_list/human": lambda exchanges: {"conversation": [{"human": q, "assistant": a} for q, a in exchanges]},
    "exchange_list/input": lambda exchanges: {"conversation": [{"input": q, "output": a} for q, a in exchanges]},
    "segments": lambda exchanges: {
        "segments": [
            {"label": is_said, "text": f"{text}{'</s>' if is_said else ' '}"}
            for exchange in exchanges
            for is_said, text in zip((False, True), exchange, strict=True)
        ]
    },
    "gemini": _gemini,
    **{f"transcript/{style}": _in_style(style, "text", "") for style in STYLES},
    **{f"transcript/{style}, rules": _in_style(style, "text", RULES) for style in STYLES if style not in NO_SYSTEM},
    "transcript/chat": _in_style("Glaive", "chat", RULES),
}
"""What writes (request, answer) pairs in a layout that holds several."""

SAID = [PLAIN, DISCLAIMER, REFUSAL, DISCLAIMER, PLAIN]
ORDERS = [[REFUSAL, DISCLAIMER, PLAIN], [DISCLAIMER, REFUSAL, PLAIN, REFUSAL], SAID, [PLAIN, REFUSAL, REFUSAL], [PLAIN]]


def _policy(refusals: str, others: str = "mend") -> Policy:
    actions = {behaviour: refusals if behaviour in REFUSALS else others for behaviour in BEHAVIOURS}
    return replace(load_policy("dolphin"), max_removed_share=1.0, actions=actions)


def _exchanges(answers: list[str]) -> list[tuple[str, str]]:
    return [(f"{ASKED} {number}", answer) for number, answer in enumerate(answers)]


def _after(answers: list[str], action: str) -> list[tuple[str, str]]:
    """Return what is left: refusals gone with their requests, or all that follows too, and disclaimers mended."""
    said = _exchanges(answers)
    if action == "cut" and REFUSAL in answers:
        said = said[: answers.index(REFUSAL)]
    return [(asked, answer.replace(DISCLAIMER, MENDED)) for asked, answer in said if answer != REFUSAL]


def _run(folder: Path, rows: list[dict[str, Any]], policy: Policy, kind: str) -> list[dict[str, Any]]:
    """Run a filter over rows, see that the input comes back, and return what was kept."""
    path, run, again = folder / f"rows.{kind}", folder / "run", folder / f"again.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    else:
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    job = Job(first_layout(path).name, policy, languages=("en",))
    run_job(open_data_set(path), job, run, Options(force=True, max_bad_share=1.0))
    assert verify(run) == []
    assert not list(read_lines_of(run, "quarantine.jsonl"))
    restore(run, again)
    if kind == "parquet":
        assert pq.read_table(again).equals(pq.read_table(path))
        return table_rows(pq.read_table(run / f"kept.{kind}"))
    assert again.read_bytes() == path.read_bytes()
    return [json.loads(line) for line in (run / f"kept.{kind}").read_bytes().splitlines()]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("action", ["drop_turn", "cut"])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_kept_is_what_the_layout_writes_of_what_is_left(
    tmp_path: Path, name: str, action: str, kind: str
) -> None:
    write = WRITTEN[name]
    rows = [write(_exchanges(answers)) for answers in ORDERS]
    left = [_after(answers, action) for answers in ORDERS]
    assert _run(tmp_path, rows, _policy(action), kind) == [write(said) for said in left if said]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("action", ["drop", "mask", "label"])
@pytest.mark.parametrize("name", WRITTEN)
def test_every_action_of_every_layout_can_be_taken_back(tmp_path: Path, name: str, action: str, kind: str) -> None:
    write = WRITTEN[name]
    rows = [write(_exchanges(answers)) for answers in ORDERS]
    kept = _run(tmp_path, rows, _policy(action, action), kind)
    if action == "label":
        assert [bool(row.pop("unmoor", None)) for row in kept] == [True, True, True, True, False] and kept == rows
    if action == "drop":
        assert kept == [write(_exchanges([PLAIN]))]
    if action == "mask":
        read = LAYOUTS[name.partition("/")[0]].read
        answers = [turn for row in kept for turn in read(row).turns if turn.role == "assistant"]
        assert {turn.text for turn in answers if turn.is_target} == {PLAIN}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize(("name", "row"), CASES, ids=[f"{name}-{at}" for at, (name, _) in enumerate(CASES)])
def test_an_answer_is_mended_where_it_stands_in_every_layout(
    tmp_path: Path, name: str, row: dict[str, Any], kind: str
) -> None:
    def saying(answer: str) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(json.dumps(row).replace("Name a tree.", ASKED).replace("An oak.", answer))
        return made

    assert _run(tmp_path, [saying(DISCLAIMER), saying(PLAIN)], _policy("drop"), kind) == [
        saying(MENDED),
        saying(PLAIN),
    ]


PAIRS = [row for name, row in CASES if name == "preference"]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("row", PAIRS)
def test_a_pair_whose_sides_would_be_the_same_is_removed(tmp_path: Path, row: dict[str, Any], kind: str) -> None:
    def pair(chosen: str, rejected: str) -> dict[str, Any]:
        said = json.dumps(row).replace("Name a tree.", ASKED).replace('No."', f'{rejected}"').replace("An oak.", chosen)
        made: dict[str, Any] = json.loads(said)
        return made

    rows = [pair(DISCLAIMER, MENDED), pair(DISCLAIMER, PLAIN), pair(PLAIN, PLAIN)]
    assert _run(tmp_path, rows, _policy("drop"), kind) == [pair(MENDED, PLAIN), pair(PLAIN, PLAIN)]
    (entry, _) = read_lines_of(tmp_path / "run", "ledger.jsonl")
    assert entry["outcome"] == "removed" and entry["edits"] == []
    assert entry["reason"].startswith("removed: turn 2 ")
    assert entry["reason"].endswith("; both sides of the pair would say the same, and nothing would be preferred")


def _llava(exchanges: Exchanges) -> dict[str, Any]:
    (asked, said), *more = exchanges
    return {"image": "a.jpg", **WRITTEN["sharegpt"]([(f"<image>\n{asked}", said), *more])}


def _trl(exchanges: Exchanges) -> dict[str, Any]:
    row = WRITTEN["messages"](exchanges)
    for at, turn in enumerate(row["messages"]):
        text = {"type": "text", "text": turn["content"]}
        turn["content"] = [text] if at else [{"type": "image"}, text]
    return {"images": ["a.jpg"], **row}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("write", [_llava, _trl])
def test_a_row_whose_image_would_have_no_place_in_it_any_more_is_removed(
    tmp_path: Path, write: Callable[[Exchanges], dict[str, Any]], kind: str
) -> None:
    rows = [write(_exchanges(answers)) for answers in ([REFUSAL, PLAIN], [PLAIN, REFUSAL], [PLAIN, DISCLAIMER])]
    kept = [write(_exchanges(answers)) for answers in ([PLAIN], [PLAIN, MENDED])]
    assert _run(tmp_path, rows, _policy("drop_turn"), kind) == kept
    (entry, *_) = read_lines_of(tmp_path / "run", "ledger.jsonl")
    assert entry["outcome"] == "removed" and entry["edits"] == []
    assert entry["reason"].endswith("; an image, video or sound of the row has its place in what would go")


@pytest.mark.parametrize("row", [{"images": []}, {"image": None}, {}])
def test_a_word_that_looks_like_the_place_of_an_image_is_none_in_a_row_without_one(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    write = WRITTEN["sharegpt"]
    said = [("Does HTML know <image>?", REFUSAL), (ASKED, PLAIN)]
    assert _run(tmp_path, [row | write(said)], _policy("drop_turn"), "jsonl") == [row | write(said[1:])]


def test_a_row_that_can_only_go_whole_stays_where_the_floor_keeps_a_refusal_in_it(tmp_path: Path) -> None:
    row = _llava([(ASKED, REFUSAL), ("How is sarin made?", REFUSAL)])
    assert _run(tmp_path, [row], _policy("drop_turn"), "jsonl") == [row]
    (entry,) = read_lines_of(tmp_path / "run", "ledger.jsonl")
    assert entry["outcome"] == "kept" and entry["is_floor"] and entry["acted_on"] == []
    assert entry["reason"].endswith("; the row holds a refusal of the floor too, and stays as it is")


def test_a_mended_pair_with_the_same_words_and_other_tool_calls_stays(tmp_path: Path) -> None:
    def side(said: str, tool: str) -> list[dict[str, Any]]:
        calls = [{"type": "function", "function": {"name": tool, "arguments": "{}"}}]
        return [{"role": "user", "content": ASKED}, {"role": "assistant", "content": said, "tool_calls": calls}]

    def pair(chosen: str) -> dict[str, Any]:
        return {"chosen": side(chosen, "find"), "rejected": side(MENDED, "guess")}

    assert _run(tmp_path, [pair(DISCLAIMER)], _policy("drop"), "jsonl") == [pair(MENDED)]


def test_a_mend_keeps_what_cannot_be_written_as_utf8_and_the_bytes_of_other_columns(tmp_path: Path) -> None:
    text = STYLES["ChatML"]([(f"{ASKED} \ud835", DISCLAIMER), ("\ud83d\ude00?", f"{PLAIN} \ud835")], "")
    line = f'{{"n":12345678901234567890123,  "text": {json.dumps(text)},"f":1.0e5}}\n'
    (tmp_path / "rows.jsonl").write_text(line)
    run_job(
        open_data_set(tmp_path / "rows.jsonl"), Job("transcript", _policy("drop"), languages=("en",)), tmp_path / "run"
    )
    expected = json.dumps(text.replace(DISCLAIMER, MENDED))
    assert (tmp_path / "run" / "kept.jsonl").read_text() == line.replace(json.dumps(text), expected)
    restore(tmp_path / "run", tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_text() == line


@pytest.mark.parametrize("name", WRITTEN)
def test_a_trainer_is_given_the_words_and_no_marker(tmp_path: Path, name: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(WRITTEN[name](_exchanges(SAID))) + "\n")
    ((number, conversation),) = read_or_say(path)
    assert number == 1 and isinstance(conversation, Conversation)
    said = [(turn.role, turn.text, turn.is_target) for turn in conversation.turns if turn.role != "system"]
    assert said == [
        turn for asked, answer in _exchanges(SAID) for turn in (("user", asked, False), ("assistant", answer, True))
    ]
    assert all(turn.text == RULES for turn in conversation.turns if turn.role == "system")
