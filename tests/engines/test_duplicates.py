"""Rows that another row stands for: found as a slow and simple search finds them, told in the ledger, and led back."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unmoor.engines import Dedup, Job, Options, Summary, explain_row, restore, run_job
from unmoor.engines.alike import Exact, MinHash
from unmoor.engines.duplicate_rows import DUPLICATE
from unmoor.engines.duplicates import _greedy, _star_pairs
from unmoor.errors import UsageError
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.records import Conversation, Turn, Verdict
from unmoor.run_folder import read_lines_of, verify

REFUSAL = "I'm sorry, but I can't assist with that request."
FLOOR_REQUEST = "How is sarin made?"
WORDS = [
    *("oak", "elm", "ash", "fir", "pine", "yew", "lime", "beech", "birch", "alder"),
    *("hazel", "holly", "maple", "cedar", "larch", "rowan", "willow", "poplar", "spruce", "acacia"),
]


def _row(request: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}], **more}


def _run(folder: Path, rows: list[Any], dedup: Dedup, **options: Any) -> tuple[Path, Summary]:
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "rows.jsonl"
    data.write_bytes(b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows))
    policy = load_policy("dolphin")
    job = Job("messages", policy, languages=("en",), dedup=dedup)
    return folder / "run", run_job(open_data_set(data), job, folder / "run", Options(**options))


def _gone(run: Path) -> dict[int, int]:
    return {
        entry["row"]: entry["duplicate_of"] for entry in read_lines_of(run, "ledger.jsonl") if "duplicate_of" in entry
    }


def _said(run: Path, judgements: dict[int, str]) -> dict[int, tuple[Verdict, ...]]:
    """Return a person's verdicts on the first findings of rows, for a job."""
    verdicts = {}
    for entry in read_lines_of(run, "ledger.jsonl"):
        if entry["findings"] and entry["row"] in judgements:
            said = {
                name: entry["findings"][0][name]
                for name in ("behaviour", "turn", "field", "start_char", "end_char", "rule")
            }
            by = {"by": "ada", "at": "2026-01-08", "note": "", "corrected_behaviour": None}
            verdict = Verdict.from_json({"row": entry["row"], **said, **by, "judgement": judgements[entry["row"]]})
            verdicts[entry["row"]] = (verdict,)
    return verdicts


def _judged(folder: Path, rows: list[Any], dedup: Dedup | None, judgements: dict[int, str]) -> dict[int, str]:
    """Return the outcomes of rows once a person judged some of them, in a run called `judged`."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    policy = replace(load_policy("dolphin"), max_removed_share=1.0)
    job = Job("messages", policy, languages=("en",), dedup=dedup)
    run_job(open_data_set(path), job, folder / "run", Options(force=True))
    judged = replace(job, verdicts=_said(folder / "run", judgements))
    run_job(open_data_set(path), judged, folder / "judged", Options(force=True))
    return dict.fromkeys(range(1, len(rows) + 1), "kept") | {
        entry["row"]: entry["outcome"] for entry in read_lines_of(folder / "judged", "ledger.jsonl")
    }


def test_the_first_of_equal_rows_stays_and_the_ledger_names_it(tmp_path: Path) -> None:
    rows = [
        _row("A tree?", "An oak."),
        _row("Two?", "Ash, elm."),
        _row("A tree?", "An oak.", id=7),
        _row("A tree?", "An elm."),
    ]
    run, summary = _run(tmp_path, rows, Dedup("exact"))
    assert _gone(run) == {3: 1}
    assert summary.duplicate_rows == 1
    assert summary.counts()["removed"] == 1
    entry = explain_row(run, 3)
    assert (entry["reason"], entry["similarity"]) == ("removed: the same as row 1", 1.0)
    assert [json.loads(line)["id"] for line in (run / "removed.jsonl").read_text().splitlines()] == [7]
    assert verify(run) == []


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("There are three oaks, two elms and an ash tree near the old wall of the garden.", "en"),
        ("Im Garten stehen drei Eichen, zwei Ulmen und eine Esche nahe der alten Mauer.", "und"),
        ("4", "en"),
    ],
)
def test_a_duplicate_in_which_nothing_was_found_has_its_language_in_the_ledger(
    tmp_path: Path, answer: str, language: str
) -> None:
    rows = [_row("Which of the trees grow in this garden?", answer)] * 2
    run, summary = _run(tmp_path, rows, Dedup("exact"))
    assert (explain_row(run, 2)["language"], dict(summary.languages)) == (language, {language: 2})


def test_a_row_does_not_go_for_the_sake_of_one_that_the_policy_removes(tmp_path: Path) -> None:
    refused = _row("How do I open a lock?", REFUSAL)
    rows = [refused, refused, _row(FLOOR_REQUEST, REFUSAL), _row(FLOOR_REQUEST, REFUSAL), _row("A tree?", "An oak.")]
    run, summary = _run(tmp_path, rows, Dedup("exact"))
    assert _gone(run) == {}, "refusals go for their own sake, and every copy that the floor protects stays"
    assert summary.counts()["removed"] == 2
    assert summary.duplicate_rows == 0


def test_who_drops_a_row_brings_none_of_its_duplicates_back(tmp_path: Path) -> None:
    vague = "I have no access to live weather data."
    rows = [_row("The weather?", vague), _row("A tree?", "An oak."), _row("The weather?", vague)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    job = Job("messages", load_policy("dolphin"), languages=("en",), dedup=Dedup("exact"))
    run_job(open_data_set(path), job, tmp_path / "run", Options())
    judged = replace(job, verdicts=_said(tmp_path / "run", {1: "drop"}))
    run_job(open_data_set(path), judged, tmp_path / "judged", Options())
    assert _gone(tmp_path / "judged") == {3: 1}
    assert [json.loads(line) for line in (tmp_path / "judged" / "kept.jsonl").read_text().splitlines()] == [rows[1]]


def test_a_row_that_is_like_one_that_a_person_drops_comes_back(tmp_path: Path) -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    steps = " ".join(f"Step {step}: water the young tree slowly and note word{step}." for step in range(40))
    rows = [_row("How do I care for a tree?", f"As an AI language model, I do not have preferences. {steps}")]
    rows += [_row("How do I care for a tree?", steps)] * 2
    assert _judged(tmp_path, rows, Dedup("minhash", 0.8), {}) == {1: "mended", 2: "removed", 3: "removed"}
    assert _judged(tmp_path, rows, Dedup("minhash", 0.8), {1: "drop"}) == {1: "removed", 2: "kept", 3: "removed"}
    assert _gone(tmp_path / "judged") == {3: 2}


@pytest.mark.parametrize("seed", range(8))
def test_with_verdicts_too_a_row_goes_for_one_that_stays_or_that_a_person_took_out_for_all(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    answers = [
        REFUSAL,
        "As an AI language model, I have no taste. An oak.",
        "I have no access to live data.",
        "An elm.",
    ]
    rows = [_row(f"Tree {chance.randrange(2)}?", chance.choice(answers), id=n) for n in range(24)]
    said = {row: chance.choice(["wrong", "drop", "mend", "skip"]) for row in range(1, 25) if chance.random() < 0.4}
    alone = _judged(tmp_path, rows, None, said)
    told = _judged(tmp_path, rows, Dedup("exact"), said)
    gone = _gone(tmp_path / "judged")
    ledger = (tmp_path / "judged" / "ledger.jsonl").read_bytes()
    words = {row: json.dumps(value["messages"]) for row, value in enumerate(rows, 1)}
    assert {row: told[row] for row in told if row not in gone} == {row: alone[row] for row in told if row not in gone}
    for row, other in gone.items():
        assert words[row] == words[other] and other not in gone and alone[row] != "removed"
        assert told[other] != "removed" or (said[other] in ("drop", "mend") and said.get(row, "skip") == "skip")
    stay = [words[row] for row in told if told[row] != "removed"]
    assert len(stay) == len(set(stay))
    _judged(tmp_path, rows, Dedup("exact"), said)
    assert (tmp_path / "judged" / "ledger.jsonl").read_bytes() == ledger


@pytest.mark.parametrize("method", ["exact", "minhash"])
@pytest.mark.parametrize(
    ("layout", "row", "key"),
    [
        ("preference", {"instruction": "Good or bad?", "chosen": "Good", "rejected": "Bad"}, "input"),
        ("preference", {"question": "What is told?", "chosen": "A", "rejected": "B"}, "context"),
        ("preference", {"prompt": "And now?", "chosen": "A", "rejected": "B"}, "system_prompt"),
        ("alpaca", {"instruction": "Good or bad?", "output": "Good", "response": ""}, "question"),
        ("alpaca", {"instruction": "Good or bad?", "input": "It is told.", "output": "Good"}, "context"),
        ("alpaca", {"instruction": "Write SQL.", "output": "select 1"}, "schema"),
        ("messages", _row("Good or bad?", "Good"), "system_prompt"),
        ("messages", _row("Good or bad?", "Good"), "context"),
        ("kto", {"prompt": "Good or bad?", "completion": "Good", "label": True}, "system"),
        ("prompt_completion", {"prompt": "Good or bad?", "completion": "Good"}, "input"),
        ("alpaca", {"question": "How many?", "response": "Two.", "output": "Two."}, "image_id"),
        (
            "exchange_list",
            {"conversation": [{"input": "Good or bad?", "output": "Good"}]},
            "system_prompt",
        ),
    ],
)
def test_what_stands_in_another_column_tells_rows_apart(
    tmp_path: Path, layout: str, row: dict[str, Any], key: str, method: str
) -> None:
    said = [139, 285, 139] if key == "image_id" else ["I loved it.", "I hated it.", "I loved it."]
    rows = [{**row, key: value, "id": number, "source": f"set {number}"} for number, value in enumerate(said)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    job = Job(layout, load_policy("dolphin"), languages=("en",), dedup=Dedup(method))
    run_job(open_data_set(path), job, tmp_path / "run", Options())
    assert _gone(tmp_path / "run") == {3: 1}


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        *((name, False) for name in ("source", "model_name", "conversation_uuid", "score_chosen", "openai_moderation")),
        *((name, False) for name in ("image_count", "avatarUrl", "header", "text", "num_turns")),
        *((name, True) for name in ("hashtags", "narrating", "title", "schema", "source_text", "image_id", "images")),
    ],
)
def test_a_column_tells_rows_apart_by_what_it_is_called(tmp_path: Path, name: str, tells: bool) -> None:
    rows = [{**_row("A tree?", "An oak."), name: f"number {number}"} for number in range(2)]
    run, _ = _run(tmp_path, rows, Dedup("exact"))
    assert (_gone(run) == {}) is tells


def test_what_a_turn_holds_beside_its_text_tells_rows_apart(tmp_path: Path) -> None:
    rows = [_row("A tree?", "An oak.") for _ in range(5)]
    rows[1]["messages"][0]["name"] = "ada"
    rows[2]["messages"][1]["reasoning"] = "Trees grow."
    rows[3]["messages"][1]["id"] = "turn 2"
    rows[4]["text"] = "USER: A tree? ASSISTANT: An oak."
    run, _ = _run(tmp_path, rows, Dedup("exact"))
    assert _gone(run) == {4: 1, 5: 1}


def test_roles_tools_labels_and_pictures_tell_rows_apart(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "A tree?"}, {"role": "assistant", "content": "An oak."}]
    rows = [
        {"messages": said},
        {"messages": [{"role": "system", "content": "Be brief."}, *said]},
        {"messages": said, "tools": [{"type": "function", "function": {"name": "look"}}]},
        {"messages": said, "images": ["a.png"]},
        {"messages": said, "images": ["b.png"]},
        {"messages": [*said, {"role": "user", "content": "A tree?"}]},
    ]
    for method in ("exact", "minhash"):
        if method == "minhash":
            pytest.importorskip("rensa", reason="rensa is not installed")
        run, summary = _run(tmp_path / method, rows, Dedup(method, 0.8))
        assert _gone(run) == {}
        assert summary.duplicate_rows == 0


def _pair(rejected: Any, **more: Any) -> dict[str, Any]:
    return {"prompt": "What is the capital?", "chosen": "Paris.", "rejected": rejected, **more}


def _as_messages(answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "A tree?"}, {"role": "assistant", "content": answer}]


def _function_call(name: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": "Go."}]}, {"role": "model", "parts": [{"functionCall": {"name": name}}]}]}


def _shown(picture: str) -> list[dict[str, Any]]:
    told = [{"type": "image", "image": picture}, {"type": "text", "text": "Which tree is this?"}]
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": told}]


def _told_by_a_tool(result: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "tool", "content": result}, *_as_messages("An oak.")]}


_TURNS = [{"from": "human", "value": "A tree?"}, {"from": "gpt", "value": "An oak."}] * 2
TAUGHT_APART: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rejected text": (_pair("I do not know."), _pair("Lyon, of course.")),
    "rejected messages": (
        {"chosen": _as_messages("An oak."), "rejected": _as_messages("No idea.")},
        {"chosen": _as_messages("An oak."), "rejected": _as_messages("Stone.")},
    ),
    "rejected turn": (
        {"conversations": _TURNS[:1], "chosen": _TURNS[1], "rejected": {"from": "gpt", "value": "No idea."}},
        {"conversations": _TURNS[:1], "chosen": _TURNS[1], "rejected": {"from": "gpt", "value": "Stone."}},
    ),
    "label": (
        {"messages": _as_messages("An oak."), "label": True},
        {"messages": _as_messages("An oak."), "label": False},
    ),
    "tools": (_row("A tree?", "An oak.", tools=[{"name": "look"}]), _row("A tree?", "An oak.", tools=[])),
    "system": (
        {"conversations": _TURNS, "system": "Be brief."},
        {"conversations": _TURNS, "system": "Be long."},
    ),
    "which turn is learned": (
        {"conversations": [*_TURNS[:1], {**_TURNS[1], "train": False}, *_TURNS[2:]]},
        {"conversations": [*_TURNS[:3], {**_TURNS[3], "train": False}]},
    ),
    "function call": (_function_call("sow"), _function_call("fell")),
    "a tool's result": (_told_by_a_tool({"height": 5}), _told_by_a_tool({"height": 30})),
    "picture in a request beside its answer": (
        {"input": _shown("a.png"), "output": "An oak."},
        {"input": _shown("b.png"), "output": "An oak."},
    ),
    "picture": (_row("A tree?", "An oak.", image_path="a.png"), _row("A tree?", "An oak.", image_path="b.png")),
    "short reasoning": (
        {"messages": [_as_messages("")[0], {"role": "assistant", "content": "An oak.", "reasoning_content": "Oaks"}]},
        {"messages": [_as_messages("")[0], {"role": "assistant", "content": "An oak.", "reasoning_content": "Elms"}]},
    ),
}


@pytest.mark.parametrize("method", ["exact", "minhash"])
@pytest.mark.parametrize("rows", TAUGHT_APART.values(), ids=TAUGHT_APART)
def test_rows_that_teach_other_things_both_stay(
    tmp_path: Path, method: str, rows: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    if method == "minhash":
        pytest.importorskip("rensa", reason="rensa is not installed")
    run, _ = _run(tmp_path, [*rows, {**rows[0], "id": 3}], Dedup(method, 0.8))
    assert _gone(run) == {3: 1}


SAID_APART = {
    "emoji": (("\U0001f600\U0001f600", "\U0001f389"), ("\U0001f621", "\U0001f480")),
    "symbols": (("!!! ???", "..."), ("+++ ---", "***")),
    "punctuation alone": (("Oak or elm?", "..."), ("Oak or elm?", "!")),
    "sums": (("1+1", "2"), ("1-1", "2")),
    "decimals": (("Is 3.5 enough?", "Yes"), ("Is 3,5 enough?", "Yes")),
    "comparison": (
        ("Is it true that 3 < 5 for all integers in this ring?", "Yes"),
        ("Is it true that 3 > 5 for all integers in this ring?", "Yes"),
    ),
    "a number at the end of a short text": (
        (f"{' '.join(WORDS)} 15", "Yes"),
        (f"{' '.join(WORDS)} 16", "Yes"),
    ),
    "operators": (("Mend it.", "x = a[i] + b[j] * c"), ("Mend it.", "x = a[i] - b[j] / c")),
    "brackets": (("Mend it.", "(a + b) * c"), ("Mend it.", "a + (b * c)")),
    "negation": (("Mend it.", "if !ready then wait"), ("Mend it.", "if ready then wait")),
    "a quoted name": (("Mend it.", 'print("oak")'), ("Mend it.", "print(oak)")),
}


@pytest.mark.parametrize("rows", SAID_APART.values(), ids=SAID_APART)
def test_short_rows_that_differ_in_symbols_or_numbers_are_not_nearly_the_same(
    tmp_path: Path, rows: tuple[tuple[str, str], tuple[str, str]]
) -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    run, _ = _run(tmp_path, [*(_row(*each) for each in rows), _row(*rows[0], id=3)], Dedup("minhash", 0.8))
    assert _gone(run) == {3: 1}


def test_only_equal_texts_are_called_the_same(tmp_path: Path) -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    run, _ = _run(tmp_path, [_row("A tree?", "An oak."), _row("a tree", "An oak!")], Dedup("minhash", 0.8))
    assert explain_row(run, 2)["reason"] == "removed: 99% like row 1"


@pytest.mark.parametrize("method", ["exact", "minhash"])
def test_what_was_removed_comes_back_byte_for_byte_and_in_any_cut(tmp_path: Path, method: str) -> None:
    if method == "minhash":
        pytest.importorskip("rensa", reason="rensa is not installed")
    chance = random.Random(5)
    rows: list[Any] = [_row(f"Tree {chance.randrange(40)}?", " ".join(WORDS) + ".") for _ in range(150)]
    rows[20:20] = [b"not json\n", b"\n", b'{"messages": []}\n']
    ways = {"one": {}, "small chunks": {"chunk_bytes": 1_500}, "two workers": {"workers": 2, "chunk_bytes": 4_000}}
    runs = {name: _run(tmp_path / name, rows, Dedup(method, 0.8), **options)[0] for name, options in ways.items()}
    for name, run in runs.items():
        for file in ("kept.jsonl", "removed.jsonl", "ledger.jsonl"):
            assert (run / file).read_bytes() == (runs["one"] / file).read_bytes(), (name, file)
    assert _gone(runs["one"])
    restore(runs["one"], tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "one" / "rows.jsonl").read_bytes()
    assert not list((tmp_path / "one").glob(".run.dedup*")), "the working files are gone"


@pytest.mark.parametrize("seed", range(20))
def test_exact_duplicates_are_those_that_a_dictionary_finds(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    rows = [_row(f"Tree {chance.randrange(9)}?", chance.choice(WORDS), id=n) for n in range(chance.randrange(1, 60))]
    seen: dict[str, int] = {}
    expected = {}
    for number, row in enumerate(rows, 1):
        first = seen.setdefault(json.dumps(row["messages"]), number)
        if first != number:
            expected[number] = first
    assert _gone(_run(tmp_path, rows, Dedup("exact"))[0]) == expected


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def _jaccard(one: str, other: str) -> float:
    a, b = _shingles(one), _shingles(other)
    return len(a & b) / len(a | b)


def _varied(text: str, changes: int, chance: random.Random) -> str:
    words = text.split()
    for at in chance.sample(range(len(words)), changes):
        words[at] = f"changed{chance.randrange(10**6)}"
    return " ".join(words)


def test_near_duplicates_are_found_by_what_they_share_and_not_otherwise(tmp_path: Path) -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    chance = random.Random(11)
    rows, truth = [], {}
    for family in range(60):
        text = " ".join(chance.choice(WORDS) + str(chance.randrange(99)) for _ in range(200))
        changes = (0, 1, 2, 20)[family % 4]
        other = _varied(text, changes, chance)
        rows += [_row(f"Tell me about wood number {family} please.", each) for each in (text, other)]
        truth[2 * family + 2] = _jaccard(text, other)
    gone = _gone(_run(tmp_path, rows, Dedup("minhash", 0.8))[0])
    alike = {row for row, share in truth.items() if share >= 0.9}
    unlike = {row for row, share in truth.items() if share < 0.6}
    assert len(alike) == 45
    assert len(unlike) == 15
    assert alike <= set(gone)
    assert not unlike & set(gone)
    assert all(gone[row] == row - 1 for row in alike)


def test_one_answer_to_many_questions_and_one_question_with_many_answers_are_no_duplicates(tmp_path: Path) -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    chance = random.Random(3)
    texts = [" ".join(chance.choice(WORDS) + str(chance.randrange(99)) for _ in range(60)) for _ in range(20)]
    rows = [_row(text, texts[0]) for text in texts[1:]] + [_row(texts[0], text) for text in texts[1:]]
    assert _gone(_run(tmp_path, rows, Dedup("minhash", 0.8))[0]) == {}


def test_the_estimate_is_near_jaccards_measure() -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    chance = random.Random(2)
    minhash = MinHash(0.8)
    errors = []
    for _ in range(60):
        text = " ".join(chance.choice(WORDS) + str(chance.randrange(99)) for _ in range(300))
        other = _varied(text, chance.randrange(0, 20), chance)
        signed = [
            minhash.sign([({}, Conversation((Turn("user", each), Turn("assistant", each, is_target=True))))])[0]
            for each in (text, other)
        ]
        errors.append(float(minhash.similarity(*signed)[0]) - _jaccard(text, other))
    assert abs(sum(errors) / len(errors)) < 0.03
    assert max(map(abs, errors)) < 0.16, "four and a half standard errors of 128 permutations"


def test_chinese_and_japanese_are_compared_by_characters() -> None:
    pytest.importorskip("rensa", reason="rensa is not installed")
    text = "橡树是一种常见的落叶乔木，它的木材坚硬而耐用，常用来制作家具和酒桶。在北方的森林里可以见到很多橡树。"
    signed = [
        MinHash(0.8).sign([({}, Conversation((Turn("user", "树？"), Turn("assistant", each, is_target=True))))])[0]
        for each in (text, text.replace("。", "！"), text[::-1])
    ]
    assert 0.99 < MinHash(0.8).similarity(signed[0], signed[1])[0] < 1
    assert MinHash(0.8).similarity(signed[0], signed[2])[0] < 0.2


def test_half_a_surrogate_can_be_signed() -> None:
    row = ({}, Conversation((Turn("user", "A \ud800 tree?"), Turn("assistant", "\udfff", is_target=True))))
    assert (Exact().sign([row])[0] == Exact().sign([row])[0]).all()


def test_rows_that_differ_in_half_a_surrogate_are_not_the_same(tmp_path: Path) -> None:
    signs = ("\ud83d", "\ude00", "\ufffd", "\\ud83d", "\ud83d")
    run, _ = _run(
        tmp_path, [_row("Which sign is this?", f"The sign is {sign}, an odd one.") for sign in signs], Dedup("exact")
    )
    assert _gone(run) == {5: 1}
    pictures = [_row("Which sign is this?", "An odd one.", images=[sign]) for sign in signs]
    run, _ = _run(tmp_path / "pictures", pictures, Dedup("exact"))
    assert _gone(run) == {5: 1}


def test_no_row_goes_for_one_that_goes_itself() -> None:
    pairs = np.array([(2, 1, 0.9), (3, 2, 0.9), (4, 3, 0.85), (5, 3, 0.8), (5, 1, 0.95), (6, 5, 1.0)], DUPLICATE)
    chance = random.Random(1)
    many = np.unique(
        np.array([(max(a, b), min(a, b), 0.8) for a, b in (chance.sample(range(80), 2) for _ in range(400))], DUPLICATE)
    )
    for each in (np.unique(pairs), many):
        found = _greedy(each)
        gone, kept = set(found["row"].tolist()), set(found["kept_row"].tolist())
        assert not gone & kept
        linked = {(int(row), int(other)) for row, other, _ in each.tolist()}
        assert {(int(row), int(other)) for row, other, _ in found.tolist()} <= linked
        assert all(row in gone or other in gone for row, other in linked), "of two that are alike not both stay"
    assert _greedy(np.unique(pairs))["row"].tolist() == [2, 4, 5]


def test_a_band_of_many_rows_gives_a_few_pairs_for_each() -> None:
    records = np.array(
        [(1, row) for row in range(5_000)] + [(2, 9_000), (2, 9_001)], dtype=[("key", "<u8"), ("row", "<i8")]
    )
    pairs = _star_pairs(records)
    assert len(pairs) <= 5 * 5_000
    assert (pairs[:, 0] > pairs[:, 1]).all()
    assert {(later, 0) for later in range(1, 5_000)} <= set(map(tuple, pairs.tolist()))
    assert (9_001, 9_000) in set(map(tuple, pairs.tolist()))
    assert all(later > 4_999 or earlier < 5_000 for later, earlier in pairs.tolist())


def test_a_shard_cannot_be_asked_for_duplicates(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="merge the shards"):
        _run(tmp_path, [_row("A?", "B.")], Dedup("exact"), shard=(1, 2))


@pytest.mark.parametrize("write", ["array", "parquet"])
def test_arrays_and_parquet_lose_their_duplicates_too(tmp_path: Path, write: str) -> None:
    rows = [_row(f"Tree {number % 5}?", "An oak.") for number in range(20)]
    data = tmp_path / f"rows.{'json' if write == 'array' else 'parquet'}"
    if write == "array":
        data.write_text(json.dumps(rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), data, row_group_size=3)
    job = Job("messages", load_policy("dolphin"), languages=("en",), dedup=Dedup("exact"))
    summary = run_job(open_data_set(data), job, tmp_path / "run")
    assert summary.duplicate_rows == 15
    assert summary.counts()["kept"] == 5
    assert verify(tmp_path / "run") == []


@pytest.mark.parametrize("method", ["exact", "minhash"])
@pytest.mark.parametrize(("column", "gone"), [("rejected", {}), ("context", {}), ("source", {2: 1})])
def test_a_value_that_cannot_be_read_is_the_same_as_none(
    tmp_path: Path, column: str, gone: dict[int, int], method: str
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    broken = pa.array([b"I like \xff cars.", b"Trees? \xff Ask somebody else."], pa.binary())
    said = pa.Array.from_buffers(pa.string(), 2, broken.buffers())
    columns = {"prompt": ["A tree?"] * 2, "chosen": ["An oak."] * 2, "rejected": ["A car."] * 2, column: said}
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet")
    job = Job("preference", load_policy("dolphin"), languages=("en",), dedup=Dedup(method))
    summary = run_job(open_data_set(tmp_path / "rows.parquet"), job, tmp_path / "run")
    assert summary.counts()["quarantined"] == 0
    assert _gone(tmp_path / "run") == gone


@pytest.mark.parametrize("point", ["after-checkpoint", "before-checkpoint"])
def test_what_a_killed_search_leaves_is_cleared_away_by_the_next(tmp_path: Path, point: str) -> None:
    rows = [_row("Name a tree.", WORDS[number % 20]) for number in range(60)]
    pid = os.fork()
    if pid == 0:
        os.environ["UNMOOR_FAIL_AT"] = point
        _run(tmp_path, rows, Dedup("exact"), chunk_bytes=500, checkpoint_bytes=1)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    run, _ = _run(tmp_path, rows, Dedup("exact"), chunk_bytes=500)
    whole, _ = _run(tmp_path / "whole", rows, Dedup("exact"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl", "run", "whole"]
    assert (run / "ledger.jsonl").read_bytes() == (whole / "ledger.jsonl").read_bytes()
    assert verify(run) == []


@pytest.mark.parametrize("method", ["exact", "minhash"])
def test_few_files_may_be_open_at_once(tmp_path: Path, method: str) -> None:
    rows = [_row("Name a tree.", f"{WORDS[number % 20]} and then {WORDS[number // 20]}.") for number in range(60)] * 2
    run, _ = _run(tmp_path / "many", rows, Dedup(method, 0.9), chunk_bytes=500)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(list(Path("/proc/self/fd").iterdir())) + 30, hard))
    try:
        few, _ = _run(tmp_path / "few", rows, Dedup(method, 0.9), chunk_bytes=500)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert _gone(few) == _gone(run) and len(_gone(run)) >= 60
