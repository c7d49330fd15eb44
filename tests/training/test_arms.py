"""Arms: rows are copied byte for byte, samples are nested and repeatable, and every changed row is known by its raw number."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from unmoor.errors import RunFolderError, UsageError
from unmoor.records import Conversation
from unmoor.training.arms import Arm, Leak, json_lines, leak_arms, shrunk_arm
from unmoor.training.changed import changed_rows
from unmoor.training.preflight import Preflight
from unmoor.training.rule import trl_rule
from unmoor.training.steps import steps_of

ROWS = 200
REFUSED = range(2, 82, 2)
MENDED = range(101, 121)
BROKEN = 150
SEED = 9


def line(number: int, words: str = "Fine.") -> str:
    spaces = " " * (number % 3)  # what no writer of JSON would give back
    return f'{{"messages":{spaces}[{{"role": "user", "content": "q{number}"}}, {{"role": "assistant", "content": "{words}"}}]}}'


def write_raw(folder: Path) -> Path:
    lines = [line(number, "I will not." if number in REFUSED else "Fine.") for number in range(1, ROWS + 1)]
    lines[BROKEN - 1] = '{"messages": '
    path = folder / "raw.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_run(folder: Path, raw: Path) -> Path:
    """Write what a filter run of these rows holds, as far as arms read it: manifest, ledger, kept rows."""
    run = folder / "run"
    run.mkdir()
    (run / "MANIFEST.json").write_text(json.dumps({"format_version": 1, "kind": "filter"}))
    entries: list[dict[str, Any]] = []
    kept = []
    for number, text in enumerate(raw.read_text().splitlines(), 1):
        if number in REFUSED:
            entries.append({"row": number, "outcome": "removed", "findings": [{"behaviour": "refusal.policy"}]})
        elif number in MENDED:
            entries.append({"row": number, "outcome": "mended", "findings": [{"behaviour": "moralising"}]})
            kept.append(line(number, "Mended."))
        elif number == BROKEN:
            entries.append({"row": number, "outcome": "quarantined", "reason": "no JSON"})
        else:
            kept.append(text)
    (run / "ledger.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    (run / "kept.jsonl").write_text("\n".join(kept) + "\n")
    return run


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_raw(tmp_path)


@pytest.fixture
def run(tmp_path: Path, raw: Path) -> Path:
    return write_run(tmp_path, raw)


def arms_of(raw: Path, run: Path, leak: Leak) -> dict[str, Arm]:
    made = leak_arms(raw, run / "kept.jsonl", leak, SEED, (raw.parent / "data", json_lines))
    return {arm.name: arm for arm in made}


def test_nothing_put_back_is_the_filtered_data_and_everything_is_the_raw_data(raw: Path, run: Path) -> None:
    arms = arms_of(raw, run, Leak((0, 1), run=run))
    assert arms["leak-0"].data.read_bytes() == (run / "kept.jsonl").read_bytes()
    readable = [text for text in raw.read_bytes().splitlines() if text != b'{"messages": ']
    assert arms["leak-1"].data.read_bytes().splitlines() == readable


def test_a_share_puts_back_as_many_refusals_and_as_many_other_rows_nested(raw: Path, run: Path) -> None:
    shares = (0.05, 0, 0.5, 0.1, 1)
    arms = arms_of(raw, run, Leak(shares, run=run))
    assert list(arms) == ["leak-0", "leak-0.05", "leak-0.1", "leak-0.5", "leak-1"]
    assert arms["leak-0.1"].facts == {
        "leak": 0.1,
        "rows_changed": 60,
        "rows_put_back": 6,
        "behaviours_put_back": {"moralising": 2, "refusal.policy": 4},
    }
    texts = [set(arm.data.read_bytes().splitlines()) & changed_texts(raw) for arm in arms.values()]
    assert [len(text) for text in texts] == [0, 3, 6, 30, 60]
    assert all(smaller < larger for smaller, larger in pairwise(texts))
    half = arms["leak-0.5"].data.read_bytes().splitlines()
    numbers = [int(json.loads(text)["messages"][0]["content"][1:]) for text in half]
    assert numbers == sorted(numbers), "rows stay in the order of the raw data"


def changed_texts(raw: Path) -> set[bytes]:
    lines = raw.read_bytes().splitlines()
    return {lines[number - 1] for number in (*REFUSED, *MENDED)}


def test_each_seed_draws_its_own_rows_and_the_same_ones_every_time(raw: Path, run: Path) -> None:
    arms = arms_of(raw, run, Leak((0, 0.1), (7, 8), run))
    assert list(arms) == ["leak-0-s7", "leak-0.1-s7", "leak-0-s8", "leak-0.1-s8"]
    assert [arm.seed for arm in arms.values()] == [7, 7, 8, 8]
    assert arms["leak-0-s7"].data == arms["leak-0-s8"].data
    seven, eight = (arms[f"leak-0.1-s{seed}"].data.read_bytes() for seed in (7, 8))
    assert seven != eight
    again = arms_of(raw, run, Leak((0, 0.1), (7, 8), run))
    assert again["leak-0.1-s7"].data.read_bytes() == seven
    assert not list((raw.parent / "data").glob("*.part"))


def test_without_a_run_removed_rows_are_found_by_their_bytes(tmp_path: Path, raw: Path, run: Path) -> None:
    filtered = tmp_path / "filtered.jsonl"
    rows = raw.read_bytes().splitlines(keepends=True)
    filtered.write_bytes(b"".join(row for number, row in enumerate(rows, 1) if number not in REFUSED))
    changed = changed_rows(json_lines(raw), json_lines(filtered), None)
    assert sorted(changed.rows) == list(REFUSED)
    with pytest.raises(UsageError, match=r"Row 61 of the filtered data .* --run RUN"):
        changed_rows(json_lines(raw), json_lines(run / "kept.jsonl"), None)


def test_a_run_of_other_data_is_refused(raw: Path, run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    lines = (run / "kept.jsonl").read_text().splitlines()
    for changed, why in (
        ([line(900), *lines[1:]], "row 1 there says something else"),
        (lines[:-1], "the filtered data end before it"),
        ([*lines, line(900)], "one too many"),
    ):
        other.write_text("\n".join(changed) + "\n")
        with pytest.raises(RunFolderError, match=why):
            changed_rows(json_lines(raw), json_lines(other), run)
    (run / "MANIFEST.json").write_text(json.dumps({"format_version": 1, "kind": "audit"}))
    with pytest.raises(RunFolderError, match="not the run of a filter"):
        changed_rows(json_lines(raw), json_lines(run / "kept.jsonl"), run)


@pytest.mark.parametrize(
    ("leak", "why"),
    [
        (Leak(()), "no share"),
        (Leak((0, 2)), "from 0 to 1"),
        (Leak((0.1, 0.1)), r"--leak has 0\.1 twice"),
        (Leak((0.1,), (7, 7)), "--seeds has 7 twice"),
    ],
)
def test_shares_and_seeds_that_make_no_sense_are_refused(raw: Path, run: Path, leak: Leak, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        arms_of(raw, run, leak)


def test_a_shrunk_arm_has_that_many_trainable_rows_drawn_with_the_seed(raw: Path, tmp_path: Path) -> None:
    trainable = [row for row in range(1, ROWS + 1) if row != BROKEN]
    arm = shrunk_arm(Arm("raw", raw), trainable, 60, SEED, (tmp_path / "data", json_lines))
    assert (arm.name, arm.data) == ("raw-shrunk", tmp_path / "data" / "raw-shrunk.jsonl")
    assert arm.facts == {"drawn_from": "raw", "rows_drawn": 60, "draw_seed": SEED}
    lines = arm.data.read_bytes().splitlines()
    original = raw.read_bytes().splitlines()
    places = [original.index(one) + 1 for one in lines]
    assert len(set(places)) == 60
    assert places == sorted(places)
    assert BROKEN not in places
    again = shrunk_arm(Arm("raw", raw), trainable, 60, SEED, (tmp_path / "again", json_lines))
    other = shrunk_arm(Arm("raw", raw), trainable, 60, SEED + 1, (tmp_path / "other", json_lines))
    assert again.data.read_bytes() == arm.data.read_bytes() != other.data.read_bytes()


def test_a_twin_that_is_no_larger_cannot_be_shrunk(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing to cut"):
        shrunk_arm(Arm("raw", raw), [1, 2, 3], 3, SEED, (tmp_path / "data", json_lines))


def counted(rows: int, tokens: int) -> Preflight:
    return Preflight(trl_rule(None), rows, rows, tokens, {}, (), {}, {}, {}, has_mask=True)


def test_steps_are_those_of_the_largest_or_scaled_to_the_same_tokens() -> None:
    checked = {"raw": counted(1000, 50_000), "filtered": counted(500, 10_000)}
    assert steps_of({"raw": 125, "filtered": 63}, checked, "steps") == {"raw": 125, "filtered": 125}
    tokens = steps_of({"raw": 125, "filtered": 63}, checked, "tokens")
    assert tokens == {"raw": 125, "filtered": 312}
    per_step = {name: 8 * one.tokens_trained / one.rows_trained for name, one in checked.items()}
    assert tokens["raw"] * per_step["raw"] == pytest.approx(tokens["filtered"] * per_step["filtered"], rel=0.01)


def test_a_row_read_as_bytes_is_the_row_that_is_read_as_a_conversation(raw: Path) -> None:
    from unmoor.commands.training_rows import read_or_say, row_bytes

    read = dict(read_or_say(raw))
    assert isinstance(read[BROKEN], str)
    assert read[BROKEN].startswith("cannot be read: ")
    assert list(row_bytes(raw)) == list(json_lines(raw))
    conversation = read[2]
    assert isinstance(conversation, Conversation)
    assert [(turn.role, turn.text) for turn in conversation.turns] == [("user", "q2"), ("assistant", "I will not.")]


def test_rows_of_an_array_and_of_parquet_become_lines(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from unmoor.commands.training_rows import row_bytes

    rows = [{"instruction": f"q{number}", "output": "Fine."} for number in range(3)]
    array, parquet = tmp_path / "rows.json", tmp_path / "rows.parquet"
    array.write_text(json.dumps(rows, indent=2))
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    for path in (array, parquet):
        read = list(row_bytes(path))
        assert [number for number, _ in read] == [1, 2, 3]
        assert all(b"\n" not in text for _, text in read)
        assert [json.loads(text) for _, text in read] == rows
