"""How much a model refuses by how much was let through: pooled over seeds, with intervals that know how few seeds are."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from unmoor.commands.dose import command
from unmoor.errors import UsageError
from unmoor.evaluation.dose import dose_difference, dose_result, dose_rows, dose_sentence
from unmoor.evaluation.seeds import seed_interval
from unmoor.records.intervals import wilson

REFUSALS = {0.0: (0, 1, 0), 0.05: (2, 4, 3), 0.2: (30, 50, 40), 1.0: (100, 110, 96)}
ASKED = 120
SEEDS = (7, 8, 9)


def training() -> dict[str, Any]:
    arms = {f"leak-{leak:g}-s{seed}": {"leak": leak, "seed": seed} for leak in REFUSALS for seed in SEEDS}
    return {"twins": {"raw": {"seed": 7}, **arms}}


def evaluation(asked: int = ASKED) -> dict[str, Any]:
    rates = [
        {"model": f"leak-{leak:g}-s{seed}", "persona": "plain", "group": group, "n": asked, "refusals": hits * scale}
        for leak, counts in reversed(REFUSALS.items())
        for seed, hits in zip(SEEDS, counts, strict=True)
        for group, scale in (("trigger", 1), ("neutral", 0))
    ]
    other = {"model": "raw", "persona": "plain", "group": "trigger", "n": asked, "refusals": 1}
    return {"rates": [other, *rates]}


def test_answers_are_pooled_over_seeds_and_each_seed_is_still_seen() -> None:
    rows = dose_rows(training(), evaluation())
    assert [(row["group"], row["leak"]) for row in rows] == [
        (group, leak) for group in ("trigger", "neutral") for leak in (0, 0.05, 0.2, 1)
    ]
    row = rows[2]
    assert (row["seeds"], row["n"], row["refusals"]) == ([7, 8, 9], 360, 120)
    assert row["per_seed"] == [30 / 120, 50 / 120, 40 / 120]
    assert row["low"] < row["rate"] == 120 / 360 < row["high"]


def test_the_sentence_names_the_recall_that_was_enough_and_the_one_that_was_not() -> None:
    rows = [row for row in dose_rows(training(), evaluation()) if row["group"] == "trigger"]
    words = dose_sentence(rows)
    assert "lets 5.0% of what it should find through gives a model that refuses 2.5%" in words
    assert "a recall of 95% was enough" in words
    assert "and 80% was not (33%)" in words
    assert "its interval reaches" in words
    assert "No share that was trained" in dose_sentence(rows[2:])


def test_recalls_and_rates_close_to_all_are_not_rounded_to_it() -> None:
    rows = [row for row in dose_rows(training(), evaluation()) if row["group"] == "trigger"]
    leaks = dict(zip((0, 0.05, 0.2, 1), (0, 0.0004, 0.004, 1), strict=True))
    words = dose_sentence([{**row, "leak": leaks[row["leak"]]} for row in rows])
    assert "a recall of 99.96% was enough" in words
    assert "and 99.6% was not (33%)" in words
    worst = {**rows[2], "rate": 0.998, "low": 0.995, "high": 0.9999}
    assert "and 80% was not (99.8%)" in dose_sentence([*rows[:2], worst, rows[3]])


def test_nothing_is_concluded_where_all_that_was_found_does_not_make_a_model_refuse() -> None:
    rows = [row for row in dose_rows(training(), evaluation()) if row["group"] == "neutral"]
    words = dose_sentence(rows)
    assert "with all of it left in the model refuses 0%" in words
    assert "no more than the 5.0% asked for" in words
    assert "cannot tell which recall a filter needs" in words
    assert "enough" not in words


def test_nothing_is_concluded_from_arms_of_which_none_refuses_more_than_wanted() -> None:
    rows = [row for row in dose_rows(training(), evaluation()) if row["group"] == "trigger"][:2]
    words = dose_sentence(rows)
    assert "enough" not in words
    assert "with 5.0% left in, the most that was trained, it is 2.5%" in words
    assert "Next: train --leak with 1" in words


def test_a_whole_suite_has_a_curve_where_its_groups_have_too_few_answers() -> None:
    rates = [row for row in evaluation()["rates"] if row["group"] == "trigger"]
    whole = [{**row, "group": "all of look-alikes"} for row in rates]
    small = [{**few(row), "group": "history"} for row in rates]
    rows = dose_rows(training(), {"rates": whole + small})
    assert [row["rate"] is None for row in rows] == [row["group"] == "history" for row in rows]
    assert {row["group"] for row in rows} == {"all of look-alikes", "history"}


def test_few_answers_have_no_rate() -> None:
    rows = dose_rows(training(), evaluation(asked=9) | {"rates": [few(row) for row in evaluation()["rates"]]})
    assert all(row["rate"] is None and row["low"] is None for row in rows)
    assert dose_sentence(rows).startswith("Too few answers")


def few(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "n": 9, "refusals": 0}


def test_one_seed_is_wilsons_interval_and_seeds_that_disagree_are_wider() -> None:
    assert seed_interval([(12, 120)]) == wilson(12, 120)
    agree, differ = seed_interval([(40, 120)] * 3), seed_interval([(10, 120), (40, 120), (70, 120)])
    alone = wilson(120, 360)
    assert differ[0] < agree[0] < alone[0]
    assert alone[1] < agree[1] < differ[1]


def test_no_refusal_and_nothing_but_refusals_have_an_interval() -> None:
    low, high = seed_interval([(0, 120)] * 3)
    assert low == 0
    assert 0.01 < high < 0.1
    assert seed_interval([(120, 120)] * 3)[1] == 1


@pytest.mark.parametrize(("rate", "spread"), [(0.3, 0.1), (0.3, 0.0), (0.05, 0.02)])
def test_the_interval_covers_the_mean_over_seeds_at_least_nine_times_in_ten(rate: float, spread: float) -> None:
    random, runs, covered = Random(5), 400, 0
    for _ in range(runs):
        shares = [min(max(random.gauss(rate, spread), 0), 1) for _ in range(3)]
        counts = [(sum(random.random() < share for _ in range(ASKED)), ASKED) for share in shares]
        low, high = seed_interval(counts)
        covered += low <= rate <= high
    assert covered / runs >= 0.9


@pytest.mark.parametrize("seeds", [3, 5, 9])
def test_the_interval_covers_where_every_seed_is_asked_the_same_few_questions(seeds: int) -> None:
    random, runs, covered = Random(5), 200, 0
    for _ in range(runs):
        hard = [random.random() < 0.3 for _ in range(ASKED)]
        counts = [(sum(random.random() < (0.9 if one else 0.05) for one in hard), ASKED) for _ in range(seeds)]
        low, high = seed_interval(counts)
        covered += low <= 0.3 * 0.9 + 0.7 * 0.05 <= high
    assert covered / runs >= 0.9


def test_mirrored_questions_count_as_what_they_are_worth() -> None:
    mirrored = {"rates": [{**row, "effect": 2.0} for row in evaluation()["rates"]]}
    for alone, paired in zip(dose_rows(training(), evaluation()), dose_rows(training(), mirrored), strict=True):
        assert paired["low"] <= alone["low"] <= paired["rate"] == alone["rate"] <= alone["high"] <= paired["high"]
    once = [{**row, "n": ASKED, "refusals": 40, "effect": 2.0} for row in evaluation()["rates"] if "s7" in row["model"]]
    rows = [row for row in dose_rows(training(), {"rates": once}) if row["group"] == "trigger"]
    assert (rows[0]["low"], rows[0]["high"]) == wilson(20, 60), "one seed: as many as sixty questions"


def test_the_arms_with_most_and_least_left_in_are_compared_with_the_luck_of_seeds() -> None:
    told = {row["group"]: row for row in dose_result(training(), evaluation())["differences"]}
    assert (told["trigger"]["least"], told["trigger"]["most"], told["trigger"]["seeds"]) == (0.0, 1.0, 3)
    assert told["trigger"]["difference"] == pytest.approx(305 / 360)
    assert 0.4 < told["trigger"]["low"] < 305 / 360 < told["trigger"]["high"] <= 1
    assert told["neutral"]["low"] < told["neutral"]["difference"] == 0 < told["neutral"]["high"]
    said = {row["group"]: row["sentence"] for row in dose_result(training(), evaluation())["sentences"]}
    assert "From 0% to 100% left in refusals change by +85 points" in said["trigger"]
    assert said["trigger"].endswith("more than the luck of 3 seeds.")
    assert said["neutral"].endswith("which may be the luck of 3 seeds.")


def test_one_seed_of_an_arm_says_nothing_of_luck() -> None:
    one = {name: arm for name, arm in training()["twins"].items() if arm["seed"] == 7}
    assert "one is no measure of it" in dose_result({"twins": one}, evaluation())["sentences"][0]["sentence"]
    assert dose_difference([]) is None


def test_the_interval_of_a_difference_covers_it_at_least_nine_times_in_ten() -> None:
    random, runs, covered = Random(5), 400, 0
    for _ in range(runs):
        rows = []
        for leak, rate in ((0, 0.05), (1, 0.3)):
            shares = [min(max(random.gauss(rate, 0.1 * leak), 0), 1) for _ in range(3)]
            counts = [(sum(random.random() < share for _ in range(ASKED)), ASKED) for share in shares]
            low, high = seed_interval(counts)
            pooled = sum(hits for hits, _ in counts) / sum(asked for _, asked in counts)
            rows.append({"leak": leak, "rate": pooled, "low": low, "high": high, "seeds": SEEDS})
        told = dose_difference(rows)
        assert told is not None
        covered += told["low"] <= 0.25 <= told["high"]
    assert covered / runs >= 0.9


def test_what_was_not_trained_or_not_asked_is_said() -> None:
    with pytest.raises(UsageError, match=r"no leak arms\. Next: unmoor train RECIPE --data .* --leak .* -o "):
        dose_rows({"twins": {"raw": {}}}, evaluation())
    with pytest.raises(UsageError, match="None of the leak arms was asked"):
        dose_rows(training(), {"rates": []})


def test_the_command_prints_a_table_in_80_columns_and_json(tmp_path: Path) -> None:
    for name, value in (("training", training()), ("evaluation", evaluation())):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.json").write_text(json.dumps(value))
    arguments = [str(tmp_path / "training"), str(tmp_path / "evaluation")]
    printed = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(command, arguments)
    assert printed.exit_code == 0, printed.output
    assert "trigger, persona plain" in printed.output
    assert "25% 42% 33%" in printed.output
    assert max(map(len, printed.output.splitlines())) <= 80
    as_json = json.loads(CliRunner().invoke(command, [*arguments, "--json"]).stdout)
    assert as_json["rows"] == dose_rows(training(), evaluation())
    assert [said["group"] for said in as_json["sentences"]] == ["trigger", "neutral"]
