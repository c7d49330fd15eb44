"""What a person searches for is found: by whole words, and in scripts without spaces by any part."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.review.generate_run import generate
from tests.review.web.runs import lines_of, rewrite
from unmoor.records import Conversation, Turn
from unmoor.review.store import Store, View
from unmoor.review.words import query_of, text_of_row, words_in

SAID = {
    "zh": "很抱歉，我无法提供这方面的帮助。大模型GPT和GPT模型。",
    "ja": "申し訳ありませんが、お手伝いできません。",
    "ko": "죄송합니다만 도와드릴 수 없습니다.",
    "th": "ขอโทษ กินข้าวแล้ว",
    "en": "I'm sorry, but no carpets fly.",
}


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("无法提供", ["zh"]),
        ("我无法提供这方面的帮助", ["zh"]),
        ("法", ["zh"]),
        ("助", ["zh"]),
        ("帮助。大模型", ["zh"]),
        ("模型GPT", ["zh"]),
        ("GPT模型", ["zh"]),
        ("提供 大模", ["zh"]),
        ("供无", []),
        ("抱歉我", []),
        ("手伝", ["ja"]),
        ("ん", ["ja"]),
        ("죄송", ["ko"]),
        ("กิน", ["th"]),
        ("SORRY carpets", ["en"]),
        ("carpet", []),
    ],
)
def test_a_search_finds_whole_words_and_any_part_of_a_run_without_spaces(text: str, languages: list[str]) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("create virtual table words using fts5(said, content = '', columnsize = 0)")
    for number, said in enumerate(SAID.values()):
        database.execute("insert into words(rowid, said) values (?, ?)", (number, words_in(said)))
    found = database.execute("select rowid from words where words match ? order by rowid", (query_of(text),)).fetchall()
    assert [list(SAID)[number] for (number,) in found] == languages


def test_the_findings_of_a_row_are_found_by_the_words_of_each_where_the_row_itself_cannot_be_read(
    tmp_path: Path,
) -> None:
    run = generate(tmp_path / "house", 3)
    entries = lines_of(run, "ledger.jsonl")
    entries[1]["findings"].append({**entries[1]["findings"][0], "turn": 3, "quote": "作为人工智能，我没有地毯"})
    rewrite(run, "ledger.jsonl", entries)
    store = Store.open(run, "ada")
    found = [line.id for line in store.page(View(text="没有地毯"), None, 10)]
    store.close()
    assert found == [2, 3]


def test_of_a_row_all_turns_are_searched_up_to_a_length() -> None:
    """Rows with a finding and without one alike: a word that finds these alone would tell who looks blind."""
    turns = Turn("user", "first"), Turn("assistant", "second \ud800", reasoning="third"), Turn("tool", "x" * 30_000)
    said = text_of_row(Conversation((*turns, Turn("user", "last"))))
    assert said.startswith("first third second ? xxx") and len(said) < 10_100 and "last" not in said
