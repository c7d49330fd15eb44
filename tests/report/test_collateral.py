"""A filter that eats a topic is named; one that takes rows by chance is not."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from unmoor.commands.outputs import RunReport
from unmoor.engines import Job, run_job
from unmoor.layouts import open_data_set
from unmoor.report import ChunkFacts, FactsBuilder, Made
from unmoor.report.collateral import Collateral

SUBJECTS = [
    "biodiversity in ponds",
    "bread without yeast",
    "a letter to a landlord",
    "tides and the moon",
    "chess openings",
    "wool carpets",
]


def _rows(seed: int, count: int = 3000) -> list[str]:
    rng = random.Random(seed)
    asks = ["Explain {}", "Write about {}", "What matters for {}", "Summarise {}"]
    return [f"{rng.choice(asks).format(rng.choice(SUBJECTS))} case {number}" for number in range(count)]


def _facts(outcomes: list[tuple[str, str]], behaviour: str = "wordlist") -> dict[str, Any]:
    observed = ChunkFacts()
    for request, outcome in outcomes:
        observed.add_row(request, outcome, "en", behaviours=[behaviour] if outcome == "removed" else [])
    builder = FactsBuilder(observed, policy={"actions": {}, "thresholds": {}})
    for row, (request, outcome) in enumerate(outcomes, 1):
        if outcome == "removed":
            finding = {
                "behaviour": behaviour,
                "turn": 1,
                "start_char": 0,
                "end_char": 9,
                "quote": "diversity",
                "rule": "list",
            }
            finding |= {
                "probability": 0.9,
                "language": "en",
                "detector": "wordlist",
                "field": "text",
                "is_reasoning": False,
            }
            builder.add_entry(
                {
                    "row": row,
                    "outcome": outcome,
                    "findings": [finding],
                    "edits": [],
                    "request": request,
                    "answer": "diversity",
                }
            )
    built = builder.build(Made("filter", "2026-01-01T00:00:00+00:00", counts={"input": len(outcomes)}))
    return dict(built["collateral"])


def test_a_filter_built_to_drop_one_topic_is_named_by_the_report() -> None:
    rng = random.Random(5)
    rows = [(r, "removed" if "biodiversity" in r or rng.random() < 0.02 else "kept") for r in _rows(seed=5)]
    topics = _facts(rows)["topics"]
    assert topics[0]["term"] == "biodiversity"
    assert topics[0]["lost"] == topics[0]["rows"] > 400
    assert topics[0]["low"] > 0.98
    assert topics[0]["with"] == ["ponds"]
    assert topics[0]["behaviours"] == {"wordlist": topics[0]["lost"]}
    assert [topic["term"] for topic in topics] == ["biodiversity"]


def test_a_filter_that_takes_rows_by_chance_is_not_accused() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        rows = _rows(seed=seed, count=1_500)
        facts = _facts([(r, "removed" if rng.random() < 0.15 else "kept") for r in rows])
        assert facts["topics"] == [], seed


def test_a_topic_that_loses_half_more_than_others_is_seen_among_many_rows() -> None:
    rng = random.Random(8)
    rows = [
        (r, "removed" if rng.random() < (0.30 if "wool" in r else 0.12) else "kept") for r in _rows(seed=8, count=6000)
    ]
    (topic,) = _facts(rows)["topics"]
    assert {topic["term"], *topic["with"]} == {"wool", "carpets"}


def test_when_everything_goes_no_topic_goes_more_than_others() -> None:
    assert _facts([(r, "removed") for r in _rows(seed=2)])["topics"] == []


def test_words_that_carry_no_topic_are_never_named() -> None:
    observed = ChunkFacts()
    for number in range(500):
        is_lost = number % 10 == 0
        observed.add_row("What would you do" if is_lost else "Bake bread", "removed" if is_lost else "kept", "en")
    assert Collateral(observed).as_json()["topics"] == []


def test_a_word_is_corrected_for_all_words_that_could_have_been_named_not_for_those_that_lost_rows() -> None:
    """Five of the 30 rows of a word among 80 lost of 8,000: once in 90,000 draws, and so once in some 45 runs with 2,000 words."""
    for others, is_named in ((100, True), (2_000, False)):
        observed = ChunkFacts()
        observed.rows, observed.rows_lost = 8_000, 80
        observed.seen.update({"economy": 30, "rare": 4, "the": 900, "write": 7_000})
        observed.seen.update({f"word{number}": 5 + number % 40 for number in range(others)})
        observed.lost.update({"economy": 5, "the": 9, "write": 70})
        facts = Collateral(observed).as_json()
        assert facts["terms_tested"] == others + 1
        assert [topic["term"] for topic in facts["topics"]] == ["economy"] * is_named


def test_where_no_word_lost_rows_enough_none_was_tested() -> None:
    observed = ChunkFacts()
    for number in range(400):
        observed.add_row(f"Bake bread {chr(97 + number % 20) * 3}", "removed" if number < 4 else "kept", "en")
    assert Collateral(observed).as_json()["terms_tested"] == 0


def test_a_subject_that_goes_with_its_exchange_is_named_wherever_in_the_row_it_was_asked() -> None:
    observed = ChunkFacts()
    for number in range(400):
        observed.add_row(
            "", "kept", "en", exchanges=[(f"Bake bread {number}", False, ()), (f"And cake {number}?", False, ())]
        )
    for number in range(60):
        gone, stays = (f"Crack an egg {number}", True, ()), (f"And cake {number}?", False, ())
        observed.add_row("", "mended", "en", exchanges=[gone, stays] if number % 2 else [stays, gone])
    facts = Collateral(observed).as_json()
    assert (facts["rows"], facts["lost"]) == (460, 60)
    assert {(topic["term"], topic["rows"], topic["lost"]) for topic in facts["topics"]} == {
        ("crack", 60, 60),
        ("egg", 60, 60),
    }
    (group,) = facts["clusters"]["named"]
    assert (group["terms"], group["rows"], group["lost"]) == (["crack", "egg"], 30, 30)


def test_a_word_that_one_row_holds_in_many_requests_counts_once() -> None:
    observed = ChunkFacts()
    observed.add_row("", "removed", "en", exchanges=[(f"Feed pelicans {number}", True, ()) for number in range(9)])
    assert (observed.rows_lost, observed.seen["pelicans"], observed.lost["pelicans"]) == (1, 1, 1)


def test_one_request_asked_many_times_is_no_subject_that_lost_more_than_chance() -> None:
    """Two hundred requests of 15 rows each, of which a filter takes one in twenty, all its rows alike."""
    for seed in range(5):
        rng, observed = random.Random(seed), ChunkFacts()
        for number in range(200):
            words = f"Explain {chr(97 + number // 20) * 3}{chr(97 + number % 20) * 3}"
            outcome = "removed" if rng.random() < 0.05 else "kept"
            for _ in range(15):
                observed.add_row(words, outcome, "en")
        facts = Collateral(observed).as_json()
        assert facts["lost"] > 15
        assert (facts["topics"], facts["clusters"]["named"]) == ([], []), seed


def test_the_interval_of_a_subject_whose_requests_repeat_covers_what_the_filter_does_to_it() -> None:
    """Forty requests of 1 to 20 rows, each taken with all its rows in six of ten cases: Wilson's own interval covers 4 of 10."""
    covered = 0
    for seed in range(100):
        rng, observed = random.Random(seed), ChunkFacts()
        observed.rows = observed.rows_lost = 0
        for number in range(40):
            rows, is_lost = rng.randint(1, 20), rng.random() < 0.6
            observed.rows += rows
            observed.seen["biodiversity"] += rows
            for _ in range(rows * is_lost):
                observed.rows_lost += 1
                observed.lost["biodiversity"] += 1
                observed.lost_requests.add(f"Is biodiversity {number}?")
        observed.rows, observed.rows_lost = observed.rows + 20_000, observed.rows_lost + 200
        (topic,) = Collateral(observed).as_json()["topics"]
        covered += topic["low"] <= 0.6 <= topic["high"]
    assert covered >= 90


def test_nothing_observed_is_no_division_by_zero() -> None:
    facts = Collateral(None).as_json()
    assert (facts["rows"], facts["share"], facts["topics"]) == (0, 0.0, [])


def test_no_behaviour_of_a_term_is_found_in_more_rows_than_the_term_lost(tmp_path: Path) -> None:
    """In talks of several turns the request that is declined need not be the first one."""
    refusal = "I'm sorry, but I can't assist with that request."

    def talk(*said: str) -> str:
        roles = ("user", "assistant") * len(said)
        return json.dumps({"messages": [{"role": r, "content": c} for r, c in zip(roles, said, strict=False)]}) + "\n"

    plain, late = "Oak and ash grow in a cool climate.", "Now tell me about pelicans."
    rows = [talk("Tell me about pelicans.", refusal)] * 25 + [talk("Tell me about pelicans.", plain)] * 5
    rows += [talk(f"Name {n} trees.", plain, late, refusal) for n in range(20)]
    rows += [talk(f"Name {n} trees.", plain) for n in range(400)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(rows))
    report = RunReport(None, b"", [])
    job = Job("messages", observer=report.observer)
    run_job(open_data_set(path), job, tmp_path / "run", finish=report.write)
    (topic,) = report.facts["collateral"]["topics"]
    assert (topic["term"], topic["rows"], topic["lost"]) == ("pelicans", 50, 45)
    assert topic["behaviours"] and max(topic["behaviours"].values()) <= topic["lost"]
