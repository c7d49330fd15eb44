"""Counts over all rows: the same however rows are cut into chunks, picklable, bounded."""

from __future__ import annotations

import pickle
import random

import pytest

from unmoor.report import ChunkFacts, terms
from unmoor.report.terms import terms_of


def _rows(count: int, seed: int) -> list[tuple[str, str, str]]:
    rng = random.Random(seed)
    words = ["bread", "garden", "tide", "letter", "kettle", "river"]
    return [
        (" ".join(rng.choices(words, k=4)), rng.choice(["kept", "removed", "mended"]), rng.choice(["en", "sv"]))
        for _ in range(count)
    ]


def _counted(rows: list[tuple[str, str, str]]) -> ChunkFacts:
    facts = ChunkFacts()
    for row in rows:
        facts.add_row(*row, behaviours=["deflection"] if len(row[0]) % 2 else [])
    return facts


def _figures(facts: ChunkFacts) -> tuple[object, ...]:
    return facts.rows, facts.rows_lost, facts.seen, facts.lost, facts.lost_by, facts.languages


def test_words_are_lowered_and_short_ones_left_out() -> None:
    assert terms_of("Is a Python process ÖVER?") == {"python", "process", "över"}


def test_a_term_counts_once_a_request() -> None:
    assert _counted([("bread bread bread", "kept", "en")]).seen == {"bread": 1}


def test_unspaced_writing_is_counted_in_pairs_of_characters() -> None:
    assert terms_of("生物多样性 and bees") == {"生物", "物多", "多样", "样性", "and", "bees"}


def test_only_the_beginning_of_a_long_request_is_looked_at() -> None:
    assert terms_of("bread " + "9" * 3_000_000 + " river") == {"bread"}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_chunks_merged_are_the_whole(size: int) -> None:
    rows = _rows(100, seed=3)
    merged = ChunkFacts()
    for start in range(0, 100, size):
        merged.merge(pickle.loads(pickle.dumps(_counted(rows[start : start + size]))))
    assert _figures(merged) == _figures(_counted(rows))


def test_removed_rows_and_declining_rows_of_an_audit_are_lost() -> None:
    facts = _counted(
        [("bread", "removed", "en"), ("bread", "found", "en"), ("bread", "mended", "en"), ("bread", "kept", "en")]
    )
    assert (facts.rows, facts.rows_lost, facts.lost["bread"]) == (4, 2, 2)


def test_the_rarest_terms_are_forgotten_first_and_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "MOST_TERMS", 50)
    facts = ChunkFacts()
    for number in range(400):
        made_up = "".join(chr(ord("a") + int(digit)) for digit in f"{number:05d}")
        facts.add_row(f"bread {made_up}", "removed", "en", behaviours=["deflection"])
        assert len(facts.seen) <= 2 * 50 + 2
    assert facts.seen["bread"] == facts.lost["bread"] == 400
    assert facts.lost_by["deflection"] == facts.lost and facts.lost.keys() <= facts.seen.keys()
