"""Facts add up, do not depend on the order of the ledger, and stay small."""

from __future__ import annotations

import json
import random
import tracemalloc
from typing import Any

import pytest

from tests.report import made_up
from unmoor.records import BEHAVIOURS, readable_rows
from unmoor.records.intervals import wilson
from unmoor.report import FactsBuilder, Made, empty_facts
from unmoor.report.headline import completed


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    return made_up.facts("filter")


def test_every_behaviour_has_its_rows_share_and_interval(facts: dict[str, Any]) -> None:
    _, entries = made_up.run()
    for name in BEHAVIOURS:
        expected = sum(
            any(f["behaviour"] == name and f["probability"] >= 0.5 for f in one["findings"]) for one in entries
        )
        item = facts["behaviours"][name]
        assert item["rows"] == expected
        assert (item["low"], item["high"]) == wilson(expected, readable_rows(facts["counts"]))
        assert sum(item["outcomes"].values()) == expected


def test_the_funnel_adds_up_to_the_input(facts: dict[str, Any]) -> None:
    done = completed(facts)["headline"]["done"]
    assert sum(part["rows"] for part in done["funnel"]) == done["rows"] == facts["counts"]["input"]


def test_the_order_of_the_ledger_does_not_matter(facts: dict[str, Any]) -> None:
    _, entries = made_up.run()
    random.Random(4).shuffle(entries)
    builder = FactsBuilder(policy=made_up.POLICY)
    for one in entries:
        builder.add_entry(one)
    shuffled = builder.build(Made("filter", made_up.CREATED, counts=facts["counts"], acted=made_up.acted(entries)))
    for part in ("behaviours", "examples", "mends", "rules", "positions", "refusals"):
        assert shuffled[part] == facts[part], part


def test_what_happened_equally_often_stands_in_the_order_of_names() -> None:
    builder = FactsBuilder(policy={"name": "house"})
    line = next(entry for entry in made_up.run(rows=200)[1] if entry["outcome"] == "mended")
    edits = [{"action": action, "turn": 1, "spans": []} for action in ("mend", "drop_turn", "cut")]
    builder.add_entry({**line, "edits": edits})
    built = builder.build(Made("filter", "2026-01-01", {"input": 1, "mended": 1}))
    assert list(built["edits"]) == ["cut", "drop_turn", "mend"]


def test_examples_show_both_sides_and_several_rules(facts: dict[str, Any]) -> None:
    shown = facts["examples"]["refusal.policy"]
    assert {item["side"] for item in shown} == {"acted", "kept"}
    assert {item["outcome"] for item in shown if item["side"] == "kept"} == {"kept"}
    assert len({item["rule"] for item in shown if item["side"] == "acted"}) == 4


CANNOT, LECTURE = "I can't see the screen.", "Always behave."


def _both(outcome: str, acted_on: tuple[int, ...] = (1,)) -> dict[str, Any]:
    """Return a row that `outcome` befell for its lecture; beside it stands an inability, which the policy keeps."""
    answer = f"{CANNOT} Turn it off and on. {LECTURE}"
    said = (("refusal.capability", CANNOT, "en.capability.see"), ("moralising", LECTURE, "en.moralising.behave"))
    found = [made_up._finding(name, (rule, answer, quote), 0.9, "en") for name, quote, rule in said]
    spans = [[found[1]["start_char"], found[1]["end_char"]]]
    return made_up.entry(1, "It hangs.", answer, found, outcome) | {
        "acted_on": list(acted_on),
        "edits": [{"action": "mend", "turn": 1, "spans": spans}] if outcome == "mended" else [],
    }


@pytest.mark.parametrize("outcome", ["mended", "removed"])
def test_a_finding_that_the_policy_keeps_is_not_shown_as_acted_on(outcome: str) -> None:
    builder = FactsBuilder(policy=made_up.POLICY)
    builder.add_entry(_both(outcome))
    built = builder.build(Made("filter", made_up.CREATED, counts={"input": 1}))
    assert [(name, [item["side"] for item in shown]) for name, shown in built["examples"].items()] == [
        ("moralising", ["acted"])
    ]
    assert [mend["behaviours"] for mend in built["mends"]] == ([["moralising"]] if outcome == "mended" else [])


@pytest.mark.parametrize("acted_on", [(1,), (0, 1)])
def test_what_is_acted_on_is_what_the_ledger_says(acted_on: tuple[int, ...]) -> None:
    builder = FactsBuilder(policy=made_up.POLICY)
    builder.add_entry(_both("removed", acted_on))
    shown = builder.build(Made("filter", made_up.CREATED, counts={"input": 1}))["examples"]
    assert ("refusal.capability" in shown) == (0 in acted_on)


def test_findings_below_one_half_and_in_reasoning_are_not_counted() -> None:
    _, entries = made_up.run(400)
    one = next(one for one in entries if one["findings"])
    finding = one["findings"][0]
    builder = FactsBuilder()
    builder.add_entry({**one, "findings": [{**finding, "probability": 0.49}]})
    builder.add_entry({**one, "findings": [{**finding, "is_reasoning": True, "field": "reasoning"}]})
    built = builder.build(Made("audit", made_up.CREATED, counts={"input": 2}))
    assert built["behaviours"][finding["behaviour"]]["rows"] == 0
    assert built["reasoning"]["rows"] == 1


def test_blank_and_quarantined_lines_of_a_ledger_count_for_nothing() -> None:
    builder = FactsBuilder()
    builder.add_entry({"row": 1, "outcome": "blank", "before": "\n"})
    builder.add_entry({"row": 2, "outcome": "quarantined", "reason": "quarantined: INVALID_UTF8", "size_bytes": 9})
    built = builder.build(Made("filter", made_up.CREATED, counts={"input": 2, "blank": 1, "quarantined": 1}))
    assert built["found"]["rows"] == 0 and built["examples"] == {}


@pytest.mark.parametrize(
    ("answer", "quote", "expected"),
    [
        ("I can't help.", "I can't help.", "whole"),
        ("I can't help. " + "Here is more. " * 40, "I can't help.", "opening"),
        ("Here is more. " * 40 + "I can't help.", "I can't help.", "closing"),
        (
            "Beer from 16, spirits from 18. " * 2 + "Note that I am no lawyer and this is no advice at all.",
            "Note that",
            "closing",
        ),
        ("B" * 67 + " " + "N" * 64, "N" * 64, "closing"),
        ("N" * 64 + " " + "B" * 67, "N" * 64, "opening"),
        ("B" * 60 + " " + "N" * 72, "N" * 72, "closing"),
        ("I can't help with that. " * 3 + "Ask me more.", "I can't help with that. " * 3, "whole"),
        ("Here is more. " * 40 + "I can't help. " + "Here is more. " * 40, "I can't help.", "buried"),
    ],
)
def test_positions_are_told_apart(answer: str, quote: str, expected: str) -> None:
    start = answer.index(quote)
    finding = {
        "behaviour": "refusal.policy",
        "turn": 1,
        "start_char": start,
        "end_char": start + len(quote),
        "quote": quote,
    }
    finding |= {
        "rule": "r",
        "probability": 0.9,
        "language": "en",
        "detector": "phrases",
        "field": "text",
        "is_reasoning": False,
    }
    builder = FactsBuilder()
    builder.add_entry(made_up.entry(1, "Ask", answer, [finding], "removed"))
    assert builder.build(Made("filter", made_up.CREATED))["positions"] == {"refusal.policy": {expected: 1}}


def test_memory_does_not_grow_with_the_ledger() -> None:
    _, entries = made_up.run(600)
    builder = FactsBuilder(policy=made_up.POLICY)
    tracemalloc.start()
    for number in range(16_000):
        builder.add_entry({**entries[number % len(entries)], "row": number + 1})
        if number == 4_000:
            before = tracemalloc.get_traced_memory()[0]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 300_000


def test_facts_without_a_data_set_can_be_completed_and_written_as_json() -> None:
    whole = completed(empty_facts("evaluate", made_up.CREATED) | {"evaluation": made_up.evaluation()})
    assert whole["headline"]["data"] is None
    assert whole["headline"]["model"]["first"]["rate"] == 0.95
    json.dumps(whole, allow_nan=False)


def test_completing_twice_changes_nothing() -> None:
    once = completed(made_up.facts("demo", 300))
    assert completed(once) == once


def test_numbers_that_are_not_finite_become_null_and_lone_surrogates_are_replaced() -> None:
    training = made_up.training()
    training["twins"]["raw"]["loss"] = [[1, float("nan")], [2, float("inf")], [3, 1.5]]
    whole = completed(
        {**empty_facts("train", made_up.CREATED), "training": training, "input": {"path": "a\ud800.jsonl"}}
    )
    assert whole["training"]["twins"]["raw"]["loss"] == [[1, None], [2, None], [3, 1.5]]
    assert whole["input"]["path"] == "a\ufffd.jsonl"
