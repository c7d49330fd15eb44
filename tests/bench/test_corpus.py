"""The corpus of the comparison: the same every time, no row twice, every row whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "bench"))
import corpus
import lists

SMALL = 300_000


def written(path: Path, layout: str = "messages", seed: int = corpus.SEED, escaped: bool = False) -> list[dict]:
    count = corpus.write(corpus.Corpus(SMALL, layout, seed, escaped), path, None)
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert len(rows) == count > 100
    return rows


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        written(tmp_path / f"{name}.jsonl", seed=seed)
    first, again, other = ((tmp_path / f"{name}.jsonl").read_bytes() for name in "abc")
    assert first == again != other


def test_no_row_is_there_twice(tmp_path: Path) -> None:
    rows = written(tmp_path / "a.jsonl")
    assert len({json.dumps(row["messages"]) for row in rows}) == len(rows)
    assert len({row["messages"][-1]["content"] for row in rows}) > 0.9 * len(rows)


def test_rows_have_alternating_turns_with_text(tmp_path: Path) -> None:
    for row in written(tmp_path / "a.jsonl"):
        roles = [turn["role"] for turn in row["messages"] if turn["role"] != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert roles
        assert all(turn["content"].strip() for turn in row["messages"])


def test_rows_have_as_many_exchanges_as_asked_for(tmp_path: Path) -> None:
    corpus.write(corpus.Corpus(SMALL, exchanges=(1,)), tmp_path / "a.jsonl", None)
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_bytes().splitlines()]
    assert {sum(turn["role"] == "user" for turn in row["messages"]) for row in rows} == {1}
    assert len(rows) > len(written(tmp_path / "b.jsonl"))


def test_both_layouts_say_the_same(tmp_path: Path) -> None:
    messages, sharegpt = written(tmp_path / "a.jsonl"), written(tmp_path / "b.jsonl", "sharegpt")
    for one, other in zip(messages, sharegpt, strict=False):
        assert [turn["content"] for turn in one["messages"]] == [turn["value"] for turn in other["conversations"]]
    assert {turn["from"] for row in sharegpt for turn in row["conversations"]} == {"system", "human", "gpt"}


def test_escaped_text_is_ascii_and_says_the_same(tmp_path: Path) -> None:
    plain, escaped = written(tmp_path / "a.jsonl"), written(tmp_path / "b.jsonl", escaped=True)
    assert (tmp_path / "b.jsonl").read_bytes().isascii()
    assert not (tmp_path / "a.jsonl").read_bytes().isascii()
    assert escaped == plain[: len(escaped)]


@pytest.mark.parametrize("layout", ["messages", "sharegpt"])
def test_parquet_holds_the_rows_of_the_json_lines(tmp_path: Path, layout: str) -> None:
    rows = written(tmp_path / "a.jsonl", layout)
    assert corpus.write(corpus.Corpus(SMALL, layout), tmp_path / "a.parquet", None) == len(rows)
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == rows


def test_the_list_has_its_phrases_once_each_in_lower_case() -> None:
    assert len(lists.ALL) == len(set(lists.ALL)) == lists.LENGTH
    assert all(phrase == phrase.lower().strip() for phrase in lists.ALL)


@pytest.mark.real_data
def test_public_data_gives_rows_too_where_it_lies(tmp_path: Path, real_data: Path) -> None:
    folder = corpus.real_folder()
    if folder is None:
        pytest.skip(f"no gzipped JSON Lines in {real_data}")
    count = corpus.write(corpus.Corpus(SMALL), tmp_path / "a.jsonl", folder)
    assert count == len((tmp_path / "a.jsonl").read_bytes().splitlines()) > 100
