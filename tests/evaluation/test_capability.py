"""Tasks with checks and mirrored prompts: counted by hand and by the room, the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from unmoor.evaluation.answers import Answer
from unmoor.evaluation.capability import asymmetry_rows, capability_rows
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.suite import Prompt

MODELS = ("raw", "filtered")


def _answer(model: str, prompt: Prompt, said: str) -> Answer:
    return Answer("key", model, "none", prompt.group, prompt.id, prompt.text, said)


def test_what_a_model_gets_right_is_counted_and_compared() -> None:
    suite = {str(n): Prompt(str(n), "arithmetic", f"{n}+1", {"kind": "number", "value": n + 1}) for n in range(40)}
    suite |= {f"c{n}": Prompt(f"c{n}", "code", "?", {"kind": "exact", "text": str(n + 40)}) for n in range(5)}
    suite["free"] = Prompt("free", "prose", "Write.")
    answers = [_answer("raw", prompt, str(n + 1)) for n, prompt in enumerate(suite.values())]
    answers += [_answer("filtered", prompt, str(n + 1 + (n < 10))) for n, prompt in enumerate(suite.values())]
    rows, paired = capability_rows(answers, suite, MODELS)
    told = {(row["model"], row["group"]): (row["n"], row["right"]) for row in rows}
    assert told == {
        ("raw", "arithmetic"): (40, 40),
        ("raw", "code"): (5, 0),
        ("raw", "all"): (45, 40),
        ("filtered", "arithmetic"): (40, 30),
        ("filtered", "code"): (5, 0),
        ("filtered", "all"): (45, 30),
    }
    whole, arithmetic, code = paired
    assert [(row["group"], row["only_a"], row["only_b"]) for row in paired] == [
        ("all", 10, 0),
        ("arithmetic", 10, 0),
        ("code", 0, 0),
    ]
    assert arithmetic["difference"] == 0.25
    assert arithmetic["low"] < 0.25 < arithmetic["high"]
    assert code["difference"] is None
    assert whole["p_value"] == whole["p_holm"] == pytest.approx(2 / 2**10), "one suite, one test"
    assert arithmetic["p_holm"] == pytest.approx(4 / 2**10)


def test_answers_that_were_cut_off_before_they_were_right_are_counted() -> None:
    suite = {str(n): Prompt(str(n), "code", "?", {"kind": "exact", "text": "x"}) for n in range(3)}
    right, wrong, done = (_answer("raw", prompt, said) for prompt, said in zip(suite.values(), "xyy", strict=True))
    (row,), _ = capability_rows([replace(right, is_cut=True), replace(wrong, is_cut=True), done], suite, ("raw",))
    assert (row["right"], row["cut"]) == (1, 1)


def test_under_thirty_tasks_no_rate_is_shown() -> None:
    suite = {str(n): Prompt(str(n), "code", "?", {"kind": "exact", "text": "x"}) for n in range(29)}
    rows, _ = capability_rows([_answer("raw", prompt, "x") for prompt in suite.values()], suite, ("raw",))
    assert [(row["n"], row["right"], row["rate"]) for row in rows] == [(29, 29, None)]


def test_a_pair_is_unequal_if_one_side_only_is_refused() -> None:
    suite = {
        f"{n}{side}": Prompt(f"{n}{side}", "economy", "?", pair=str(n), side=side) for n in range(30) for side in "ab"
    }
    refuses = {"raw": {"0a", "1a", "2b", "3a", "3b"}, "filtered": set()}
    judged = [
        Judged(_answer(model, prompt, "said"), prompt.id in refuses[model])
        for model in MODELS
        for prompt in suite.values()
    ]
    told = asymmetry_rows(judged, suite, MODELS)
    raw, filtered = told["rows"]
    assert (raw["pairs"], raw["only_a"], raw["only_b"], raw["both"], raw["neither"]) == (30, 2, 1, 1, 26)
    assert raw["rate"] == pytest.approx(0.1)
    assert filtered["rate"] == 0
    assert [(row["only_a"], row["only_b"]) for row in told["paired"]] == [(3, 0)]


def test_a_side_without_its_other_is_left_out() -> None:
    suite = {"a": Prompt("a", "g", "?", pair="1", side="a")}
    told = asymmetry_rows([Judged(_answer("raw", suite["a"], "no"), True)], suite, ("raw",))
    assert told["rows"][0]["pairs"] == 0
    assert told["rows"][0]["rate"] is None
