"""What is predicted before training is what the trainers' own preparation does, row by row."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pytest

from unmoor.commands.training_rows import read_or_say
from unmoor.errors import BadDataError
from unmoor.records import Conversation, Turn
from unmoor.training.preflight import Preflight, of_prepared, refuse_dropped
from unmoor.training.prepare import IGNORED, gather, look_at_rows, messages_of
from unmoor.training.rule import Rule, axolotl_rule, trl_rule
from unmoor.training.template import CHATML

SHORT, LONG, VERY_LONG = "Mix them.", "Mix them well and wait for it. " * 12, "Stir and stir and stir again. " * 60


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def talk(*words: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(words)]


MESSAGES = [
    {"messages": talk("How do I mix soil?", SHORT)},
    {"messages": talk("How do I mix soil?", LONG)},
    {"messages": talk("How?", SHORT, "And then?", LONG, "And after that?", SHORT)},
    {"messages": talk(VERY_LONG, SHORT)},
    {"messages": [{"role": "system", "content": "You are brief."}, *talk("How?", VERY_LONG)]},
]
ROLES = {"user": "human", "assistant": "gpt", "system": "system"}
SHAREGPT = [
    {"conversations": [{"from": ROLES[turn["role"]], "value": turn["content"]} for turn in row["messages"]]}
    for row in MESSAGES
]
PAIRS = [{"prompt": row["messages"][:-1], "completion": row["messages"][-1:]} for row in MESSAGES]
SINGLE_PAIRS = [PAIRS[0], PAIRS[1], PAIRS[3]]
SINGLE = [row["messages"] for row in MESSAGES if len(row["messages"]) < 4]
COLUMNS = [
    {
        "system": turns[0]["content"] if len(turns) == 3 else "",
        "question": turns[-2]["content"],
        "answer": turns[-1]["content"],
    }
    for turns in SINGLE
]


def preflight(rows: Iterable[tuple[int, Conversation | str]], tokenizer: Any, template: str, rule: Rule) -> Preflight:
    return of_prepared(gather(look_at_rows(rows, tokenizer, template, rule), rule), template)


def conversations(path: Path) -> list[tuple[int, Conversation]]:
    return [(row, read) for row, read in read_or_say(path) if isinstance(read, Conversation)]


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


LAYOUTS = {
    "messages": (MESSAGES, MESSAGES),
    "sharegpt": (SHAREGPT, MESSAGES),
    "pairs": (SINGLE_PAIRS, SINGLE_PAIRS),
    "columns": (COLUMNS, [{"messages": turns} for turns in SINGLE]),
}
"""Name to (what unmoor reads, what TRL is given): TRL 1.16 takes no ShareGPT rows with a loss on assistant turns only."""


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_prediction_is_what_trl_prepares(
    tmp_path: Path, tiny_base: Path, tokenizer: Any, layout: str, keep: Literal["start", "end"]
) -> None:
    rows, given = LAYOUTS[layout]
    theirs = prepared_by_trl(given, (tiny_base, tokenizer, tmp_path / "out"), keep)
    read = conversations(written(tmp_path, rows))
    ours = preflight(read, tokenizer, CHATML, trl_rule(64, keep))
    assert ours.rows == len(rows)
    assert ours.rows_trained == len(theirs)
    assert sorted(set(range(1, len(rows) + 1)) - set(ours.dropped)) == sorted(theirs["index"])
    assert ours.tokens_trained == sum(label != IGNORED for labels in theirs["labels"] for label in labels)
    whole = tokens_of(tokenizer, read)
    cut = [index for index, ids in zip(theirs["index"], theirs["input_ids"], strict=True) if len(ids) < whole[index]]
    assert sorted(one.row for one in ours.cuts) == sorted(cut) != []


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("name", ["lf_alpaca_en_demo", "oasst_fr_top1", "lf_identity", "ja_vicuna_qa"])
def test_on_public_rows_too_the_prediction_is_what_trl_prepares(
    tmp_path: Path, tiny_base: Path, tokenizer: Any, real_data: Path, name: str
) -> None:
    read = conversations(real_data / "raw" / f"{name}.jsonl.gz")[:200]
    rows = [(number, one) for number, (_, one) in enumerate(read, 1)]
    given = [{"messages": messages_of(one)} for _, one in rows]
    theirs = prepared_by_trl(given, (tiny_base, tokenizer, tmp_path / "out"), "start", 300)
    ours = preflight(rows, tokenizer, CHATML, trl_rule(300))
    assert ours.rows_trained == len(theirs) > 0
    assert sorted(set(range(1, len(rows) + 1)) - set(ours.dropped)) == sorted(theirs["index"])
    assert ours.tokens_trained == sum(label != IGNORED for labels in theirs["labels"] for label in labels)


def prepared_by_trl(
    rows: list[dict[str, Any]], made_of: tuple[Path, Any, Path], keep: str, max_length: int = 64
) -> Any:
    """Return the data that TRL's own trainer prepares; `index` is the row's number."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    base, tokenizer, out = made_of
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # keep_end goes with TRL 2
        arguments = SFTConfig(
            str(out),
            assistant_only_loss=True,
            use_cpu=True,
            bf16=False,
            report_to="none",
            max_length=max_length,
            truncation_mode=f"keep_{keep}",
        )
    numbered = Dataset.from_list([{**row, "index": index} for index, row in enumerate(rows, 1)])
    return SFTTrainer(str(base), args=arguments, train_dataset=numbered, processing_class=tokenizer).train_dataset


def tokens_of(tokenizer: Any, rows: list[tuple[int, Conversation]]) -> dict[int, int]:
    return {
        row: len(tokenizer.apply_chat_template(messages_of(one), chat_template=CHATML, return_dict=True)["input_ids"])
        for row, one in rows
    }


@pytest.mark.slow
def test_packing_keeps_the_start_of_a_row_and_the_prediction_says_so(tiny_base: Path, tokenizer: Any) -> None:
    from trl import pack_dataset

    from unmoor.training.backends.trl_sft import _dataset
    from unmoor.training.prepare import prepare

    rows = [(1, as_conversation(MESSAGES[1])), (2, as_conversation(MESSAGES[0])), (3, as_conversation(MESSAGES[4]))]
    for strategy, rule in (("bfd", trl_rule(64)), ("bfd_split", Rule("trl", 64, "split"))):
        prepared = prepare(rows, tokenizer, CHATML, rule)
        packed = pack_dataset(_dataset(prepared), 64, strategy)
        learned = sum(label != IGNORED for labels in packed["labels"] for label in labels)
        assert prepared.tokens_trained == learned
        assert bool(prepared.cuts) == (strategy == "bfd")


def as_conversation(row: dict[str, Any]) -> Conversation:
    return Conversation(
        tuple(Turn(one["role"], one["content"], is_target=one["role"] == "assistant") for one in row["messages"])
    )


ROWS = [(number, as_conversation(row)) for number, row in enumerate(MESSAGES, 1)]


def test_a_cut_row_says_which_tokens_stay_and_how_many_are_not_learned(tokenizer: Any) -> None:
    whole = preflight(ROWS, tokenizer, CHATML, trl_rule(None))
    assert (whole.rows_trained, whole.cuts, whole.dropped) == (5, (), {})
    start = preflight(ROWS, tokenizer, CHATML, trl_rule(64))
    end = preflight(ROWS, tokenizer, CHATML, trl_rule(64, "end"))
    assert {(cut.kept_from, cut.kept_to) for cut in start.cuts} == {(0, 64)}
    assert all((cut.kept_from, cut.kept_to) == (cut.tokens - 64, cut.tokens) for cut in end.cuts)
    assert 4 in {cut.row for cut in end.cuts}
    assert start.tokens_lost == sum(cut.trained_lost for cut in start.cuts) > 0
    of_row_4 = preflight([ROWS[3]], tokenizer, CHATML, trl_rule(None)).tokens_trained
    assert start.tokens_trained + start.tokens_lost + of_row_4 == whole.tokens_trained


def test_axolotl_leaves_out_what_trl_cuts(tokenizer: Any) -> None:
    trl, axolotl = (preflight(ROWS, tokenizer, CHATML, rule) for rule in (trl_rule(64), axolotl_rule(64)))
    assert set(axolotl.dropped) == {cut.row for cut in trl.cuts} | set(trl.dropped)
    assert "too long: " in axolotl.dropped[2]
    assert "axolotl leaves out more than 64" in axolotl.dropped[2]
    assert axolotl.cuts == ()


def test_rows_that_cannot_be_learned_from_say_why(tokenizer: Any) -> None:
    silent = Conversation((Turn("user", "Hello?"),))
    masked = Conversation((Turn("user", "Hello?"), Turn("assistant", "No.", is_target=False)))
    rows = [(1, "cannot be read: no JSON"), (2, silent), (3, masked), (4, ROWS[0][1])]
    found = preflight(rows, tokenizer, CHATML, trl_rule(64))
    assert found.dropped == {
        1: "cannot be read: no JSON",
        2: "no assistant turn to learn from",
        3: "every answer is context only: marked train: false, undesirable, or not chosen",
    }
    assert found.share_dropped == pytest.approx(3 / 4)


STRICT = (
    "{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] }}{% endgeneration %}"
    "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
)


def test_a_wrong_order_of_roles_is_dropped_where_the_template_refuses_it_and_noted_where_it_does_not(
    tokenizer: Any,
) -> None:
    twice = Conversation((*as_conversation(MESSAGES[0]).turns, Turn("assistant", "And wait.", is_target=True)))
    refused = preflight([(7, twice)], tokenizer, STRICT, trl_rule(64))
    assert refused.dropped[7].startswith("wrong order of roles (turn 3: assistant after assistant): ")
    assert "must alternate" in refused.dropped[7]
    kept = preflight([(7, twice)], tokenizer, CHATML, trl_rule(64))
    assert kept.dropped == {}
    assert kept.odd == {7: "turn 3: assistant after assistant"}


@pytest.mark.parametrize(
    ("roles", "odd"),
    [
        ("system user assistant user assistant", ""),
        ("user assistant tool assistant", ""),
        ("user assistant tool tool assistant user", ""),
        ("assistant user assistant", "turn 1: assistant after nothing"),
        ("system assistant", "turn 2: assistant after system"),
        ("user user assistant", "turn 2: user after user"),
        ("user assistant system user assistant", "turn 3: system after assistant"),
        ("user tool assistant", "turn 2: tool after user"),
    ],
)
def test_the_order_of_roles_is_plain_or_says_what_is_odd(roles: str, odd: str) -> None:
    from unmoor.training.roles import odd_order

    turns = [Turn(role, "x", is_target=role == "assistant") for role in roles.split()]  # type: ignore[arg-type]
    assert odd_order(Conversation(tuple(turns))) == odd


def test_a_template_without_marks_is_named(tokenizer: Any) -> None:
    bare = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    found = preflight(ROWS, tokenizer, bare, trl_rule(64))
    assert not found.has_mask
    assert found.rows_trained == 0
    with pytest.raises(BadDataError, match=re.escape("has no {% generation %} marks")):
        refuse_dropped({"raw": found}, 1.0)


def test_a_twin_that_would_lose_too_much_stops_with_its_first_rows(tokenizer: Any) -> None:
    silent = Conversation((Turn("user", "Hello?"),))
    rows = [*((number, silent) for number in range(1, 13)), *((number + 12, one) for number, one in ROWS)]
    found = {"raw": preflight(rows, tokenizer, CHATML, trl_rule(None))}
    with pytest.raises(BadDataError) as error:
        refuse_dropped(found, 0.5, "out/preflight.json")
    words = str(error.value)
    assert "Twin raw: 12 of 17 rows would be dropped (70.6%, the limit is 50.0%)" in words
    assert "  row 10: no assistant turn to learn from\n  and 2 more\n" in words
    assert "All rows: out/preflight.json" in words
    assert error.value.exit_code == 3
    refuse_dropped(found, 0.75)


def test_the_record_is_plain_json_and_names_every_row(tokenizer: Any) -> None:
    found = preflight(ROWS, tokenizer, CHATML, trl_rule(64)).as_json()
    assert json.loads(json.dumps(found)) == found
    assert [one["row"] for one in found["dropped"]] == [4]
    assert {"row", "tokens", "kept_from", "kept_to", "trained_lost"} == set(found["truncated"][0])
