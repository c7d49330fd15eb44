"""The report and the cards that training and asking leave behind: with the data's own figures where they are known."""

from __future__ import annotations

import hashlib
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation import test_seeds
from tests.report import made_up
from unmoor.commands.evaluation_shown import _print_odd_answers, _print_pairs, _print_rest, print_evaluation
from unmoor.commands.judges_shown import print_people, print_second
from unmoor.commands.model_report import _filters_of, as_typed, read_training, write_cards, write_model_report
from unmoor.errors import RunFolderError
from unmoor.evaluation import seeds_result
from unmoor.report import write_model_card
from unmoor.report.headline import one_seed, shown_evaluation


@pytest.fixture
def trained(tmp_path: Path) -> dict[str, Any]:
    """A training of two twins, one of them on what a filter run kept."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "report.json").write_text(json.dumps(made_up.facts("filter")))
    training = made_up.training()
    training["config_difference"]["data"] = {"raw": str(tmp_path / "raw.jsonl"), "filtered": str(run / "kept.jsonl")}
    for name, twin in training["twins"].items():
        (tmp_path / "twins" / name).mkdir(parents=True)
        twin["path"] = str(tmp_path / "twins" / name)
    (tmp_path / "twins" / "training.json").write_text(json.dumps(training))
    return training


def test_a_report_begins_with_the_figures_of_the_run_that_the_data_came_from(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    facts = write_model_report(tmp_path / "twins", ["unmoor train ..."], trained)
    page = (tmp_path / "twins" / "report.html").read_text()
    assert "What helpers.jsonl inherited" in page.replace("<bdi data-text>", "").replace("</bdi>", "")
    assert facts["kind"] == "train"
    assert facts["reproduce"][-1] == "unmoor train ..."
    assert len(facts["reproduce"]) > 1
    assert json.loads((tmp_path / "twins" / "report.json").read_text())["counts"]["removed"] == 632


def test_twins_of_two_policies_of_one_name_are_told_apart_by_hash_and_keys(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    for name, action in (("raw", "keep"), ("filtered", "mend")):
        policy = {**made_up.POLICY, "name": "own", "sha256": name.encode().hex() * 4}
        policy["actions"] = {**policy["actions"], "moralising": action}
        (tmp_path / f"of-{name}").mkdir()
        facts = json.dumps(made_up.facts("filter", 300) | {"policy": policy})
        (tmp_path / f"of-{name}" / "report.json").write_text(facts)
        trained["config_difference"]["data"][name] = str(tmp_path / f"of-{name}" / "kept.jsonl")
    facts = write_model_report(tmp_path / "twins", ["unmoor train ..."], trained)
    differs = facts["training"]["config_difference"]
    assert differs["policy.actions.moralising"] == {"raw": "keep", "filtered": "mend"}
    assert "policy.sha256" not in differs
    page, said = (tmp_path / "twins" / "report.html").read_text(), "own, version 1, SHA-256 726177726177…"
    assert f"that of <span data-text>raw</span> by <span data-text>{said}</span>;" in page
    write_cards(facts)
    card = (tmp_path / "twins" / "filtered" / "README.md").read_text()
    assert (
        f"was made with policy `{said}` for `raw` and `own, version 1, SHA-256 66696c746572…` for `filtered`." in card
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "audit"}', None])
def test_a_run_that_cannot_be_read_leaves_a_report_on_models_alone(
    trained: dict[str, Any], tmp_path: Path, content: str | None
) -> None:
    report = tmp_path / "run" / "report.json"
    report.write_text(content) if content is not None else report.unlink()
    facts = write_model_report(tmp_path / "twins", ["unmoor evaluate ..."], trained, made_up.evaluation())
    assert facts["kind"] == "evaluate"
    assert "What the models learned" in (tmp_path / "twins" / "report.html").read_text()


def test_a_report_needs_no_training(tmp_path: Path) -> None:
    write_model_report(tmp_path, ["unmoor evaluate ..."], None, made_up.evaluation())
    assert "What people say" in (tmp_path / "report.html").read_text()


def test_each_twin_has_a_card_and_nobody_elses_card_is_written_over(trained: dict[str, Any], tmp_path: Path) -> None:
    theirs = tmp_path / "twins" / "raw" / "README.md"
    theirs.write_text("# My own words\n")
    (tmp_path / "asked").mkdir()
    facts = write_model_report(tmp_path / "asked", ["unmoor evaluate ..."], trained, made_up.evaluation())
    for _ in range(2):
        assert [path.parent.name for path in write_cards(facts)] == ["filtered"]
    assert theirs.read_text() == "# My own words\n"
    assert "one of twins" in (tmp_path / "twins" / "filtered" / "README.md").read_text()


def test_a_training_that_was_moved_is_found_where_it_is(trained: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "twins").rename(tmp_path / "elsewhere")
    read = read_training(tmp_path / "elsewhere")
    assert [Path(twin["path"]).parent.name for twin in read["twins"].values()] == ["elsewhere", "elsewhere"]
    with pytest.raises(RunFolderError, match=r"no training\.json"):
        read_training(tmp_path)


@pytest.mark.parametrize("was", ["", "elsewhere", "/gone/by/now"])
def test_the_data_of_a_training_that_was_moved_are_found_beside_it(
    was: str, trained: dict[str, Any], tmp_path: Path
) -> None:
    """A relative path is one of where `unmoor train` ran, which need not be where `unmoor evaluate` runs."""
    names = {"raw": "raw.jsonl", "filtered": "run/kept.jsonl"}
    for name, twin in trained["twins"].items():
        twin["path"] = str(Path(was, "twins", name))
        trained["config_difference"]["data"][name] = twin["data"] = str(Path(was, names.get(name, "none.jsonl")))
    (tmp_path / "twins" / "training.json").write_text(json.dumps(trained))
    (tmp_path / "run" / "kept.jsonl").write_text("")
    read = read_training(tmp_path / "twins")
    assert read["twins"]["filtered"]["data"] == str(tmp_path / "run" / "kept.jsonl")
    assert read["config_difference"]["data"]["filtered"] == str(tmp_path / "run" / "kept.jsonl")
    assert read["twins"]["raw"]["data"] == str(Path(was, "raw.jsonl")), "what is not there stays as it was written"
    assert "filtered" in _filters_of(read)


@pytest.mark.parametrize(("beside", "here"), [("right", "other"), ("other", "right"), ("other", "")])
def test_another_file_of_the_same_name_is_not_taken_for_the_data_of_a_training(
    beside: str, here: str, trained: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for folder, text in ((tmp_path, beside), (tmp_path / "here", here)):
        if text:
            (folder / "data.jsonl").write_text(text)
    for name, twin in trained["twins"].items():
        twin |= {"path": f"twins/{name}", "data": "data.jsonl"}
        told = json.dumps({"data": hashlib.sha256(b"right").hexdigest()})
        (tmp_path / "twins" / name / "plan.json").write_text(told)
    (tmp_path / "twins" / "training.json").write_text(json.dumps(trained))
    expected = str(tmp_path / "data.jsonl") if beside == "right" else "data.jsonl"
    assert read_training(tmp_path / "twins")["twins"]["raw"]["data"] == expected


def test_a_password_in_a_url_stays_out_of_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["unmoor", "evaluate", "--model", "a=https://me:secret@host/v1", "-o", "my run"])
    assert as_typed("evaluate", tmp_path) == "unmoor evaluate --model a=https://host/v1 -o 'my run'"
    monkeypatch.setattr(sys, "argv", ["pytest"])
    assert as_typed("train", Path("x")) == "unmoor train ... -o x"


@pytest.mark.parametrize("few", [False, True])
def test_the_terminal_says_when_no_label_corrects_a_rate(few: bool, capsys: pytest.CaptureFixture[str]) -> None:
    people = made_up.people(["raw"])
    if few:
        people["rates"] = [{**row, "corrected": None, "low": None, "high": None} for row in people["rates"]]
    print_people(people)
    said = capsys.readouterr().out
    assert ("No rate is corrected: that takes 30 labels" in said) == few
    assert ("with its errors taken out" in said) == (not few)


@pytest.mark.parametrize("errors_of", ["suite", "all"])
def test_a_rate_that_the_errors_of_other_suites_correct_is_named(
    errors_of: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people = made_up.people(["raw"])
    people["rates"] = [{**row, "errors_of": errors_of} for row in people["rates"]]
    print_people(people)
    write_model_report(tmp_path, ["unmoor evaluate ..."], None, {**made_up.evaluation(), "people": people})
    for said in (capsys.readouterr().out, (tmp_path / "report.html").read_text()):
        assert ("Labels of their own are too few for trigger:" in said) == (errors_of == "all")


def test_what_too_few_agree_on_is_said_to_be_too_few(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = {"n": 29, "unsure": 0, "share": 1.0, **dict.fromkeys(("kappa", "kappa_low", "kappa_high"))}
    people = {**made_up.people(["raw"]), "agreement": [{"sheets": ["one.csv", "two.csv"], **few}]}
    second = {**made_up.evaluation()["second_judge"], "agreement": [{"group": "ordinary", **few}]}
    print_second(second)
    print_people({**people, "gone": 12})
    said = capsys.readouterr().out
    assert "  12 more are of answers that were not counted now" in said
    assert "  both judges, ordinary: too few for a kappa, 29 answers\n" in said
    assert "  one.csv and two.csv: too few for a kappa, 29\n" in said
    evaluation = {**made_up.evaluation(), "second_judge": second, "people": people}
    write_model_report(tmp_path, ["unmoor evaluate ..."], made_up.training(), evaluation)
    page = (tmp_path / "report.html").read_text()
    assert "On ordinary there are too few answers for a kappa (29)." in page
    assert "Two of them labelled too few of the same for a kappa, 29." in page


def test_answers_that_are_no_whole_greedy_ones_are_said_with_what_they_count_as(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rate = {"model": "raw", "persona": "none", "n": 120, "refusals": 0, "rate": 0.0, "low": 0.0, "high": 0.031}
    kinds = {"empty": 12, "cut": 3, "drawn": 120, "withheld": 1}
    rates = [{**rate, **kinds, "group": group} for group in ("all of mine", "a")]
    rates += [{**rate, **dict.fromkeys(kinds, 0), "group": "other"}]
    _print_odd_answers({"suites": [{"row": "all of mine"}, {"row": "other"}], "rates": rates})
    said = " ".join(capsys.readouterr().out.split())
    counted = "12 empty, 3 cut off, 1 withheld, 120 drawn"
    assert said.startswith(f"raw, persona none, all of mine: of 120 answers {counted} An empty answer declines nothing")
    assert "persona none, a:" not in said and "other:" not in said
    evaluation = {**made_up.evaluation(), "rates": [{**one, "group": "harmless look-alikes"} for one in rates]}
    facts = write_model_report(tmp_path, ["unmoor evaluate ..."], made_up.training(), evaluation)
    card = write_model_card(facts, tmp_path, "raw").read_text()
    for text in (said, (tmp_path / "report.html").read_text(), card):
        assert text is said or f"0 of 120 ({counted})" in text
        assert "An empty answer declines nothing" in text
        assert "cut off at the length allowed is judged by its beginning" in text
        assert "A withheld answer was kept back by the server" in text
        assert "asked again, the server may answer otherwise" in text


def test_groups_that_may_differ_by_chance_are_counted_and_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    def pair(group: str, family: str, p_holm: float) -> dict[str, Any]:
        counts = {"only_a": 1, "only_b": 9, "p_value": p_holm / 2, "p_holm": p_holm, "tests": 3}
        return {"a": "raw", "b": "filtered", "persona": "none", "group": group, "family": family, **counts}

    pairs = [pair("all of mine", "suites", 0.9), pair("x", "groups", 0.04), pair("y", "groups", 0.05)]
    result = {"models": ["raw", "filtered"], "paired": [*pairs, pair("z", "groups", 1.0)]}
    _print_pairs(result, result, Path("asked"))
    said = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in said if "only raw" in line] == ["all of mine", "x"]
    assert max(map(len, said)) <= 80
    assert said[4] == "In the other 2 tests of groups the difference may be chance (p from 0.05 on)"
    assert said[-1] == "Every model against every other: asked/evaluation.json"


def test_twins_of_several_seeds_are_one_model_each_on_the_terminal_the_page_and_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    training = made_up.training()
    twin = training["twins"]["raw"]
    arms = {name: {**twin, **arm} for name, arm in test_seeds.training()["twins"].items()}
    training |= {"twins": arms, "config_difference": {"seed": {name: arm["seed"] for name, arm in arms.items()}}}
    evaluation = {**made_up.evaluation(), **test_seeds.evaluation(), "paired": [], "dose": None, "people": None}
    evaluation["models"] = list(arms)
    evaluation["rates"] = evaluation["rates"][:-1]
    evaluation["suites"] = [{"name": "", "row": "look-alikes", "groups": ["look-alikes"]}]
    evaluation["over_seeds"] = seeds_result(training, evaluation)
    facts = write_model_report(tmp_path, ["unmoor evaluate ..."], training, evaluation)
    shown = shown_evaluation(facts)
    assert shown is not None and shown["models"] == ["raw", "filtered"]
    print_evaluation(evaluation, shown, tmp_path)
    printed = capsys.readouterr().out
    assert "25% 42% 33%" in printed and "2.3%" not in printed, "one table of twins, none of single models"
    assert "raw, persona plain, look-alikes: of 360 answers 3 empty\n" in printed
    assert max(map(len, printed.split("An empty")[0].splitlines())) <= 80
    page = (tmp_path / "report.html").read_text()
    card = write_model_card(facts, tmp_path, "raw-s7").read_text()
    for text in (" ".join(printed.split()), page, card):
        assert "+31 points (+13 to +53), more than the luck of 3 seeds" in text
        assert "Each twin was trained with seeds 7, 8 and 9" in text
        assert "Each was trained once" not in text and "another seed" not in text
    for share in ("25.0%", "41.7%", "33.3%", "8.3%"):
        assert f'<td class="n">{share}</td>' in page, "each seed's rate, and their standard deviation"
    assert "120 of 360" in page and "120 of 360" in card


def test_models_of_several_seeds_are_not_said_to_be_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    pair = {
        "a": "x",
        "b": "y",
        "persona": "none",
        "group": "g",
        "only_a": 1,
        "only_b": 2,
        "p_value": 1.0,
        "p_holm": 1.0,
    }
    pair |= {"family": "suites", "tests": 1}
    for seeds in ([7], [7, 8]):
        result = {"models": ["x", "y"], "paired": [pair], "dose": {"rows": [{"seeds": seeds}]}}
        _print_pairs(result, result, Path("asked"))
        assert ("another seed" in capsys.readouterr().out) is (len(seeds) == 1)
        assert bool(one_seed(result)) is (len(seeds) == 1)


def test_tasks_that_were_cut_off_are_said_beside_what_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = {
        "model": "raw",
        "persona": "none",
        "group": "code",
        "n": 40,
        "right": 10,
        "rate": 0.25,
        "low": 0.14,
        "high": 0.4,
    }
    tasks = [{**place, "cut": 21}, {**place, "model": "filtered", "cut": 0}]
    _print_rest({"leaks": [], "capability": tasks})
    assert capsys.readouterr().out == (
        "raw, persona none: 10 of 40 right, code (14% to 40%); 21 of the wrong were cut\noff: raise --max-new-tokens\n"
        "filtered, persona none: 10 of 40 right, code (14% to 40%)\n"
    )
    evaluation = {**made_up.evaluation(), "capability": tasks}
    write_model_report(tmp_path, ["unmoor evaluate ..."], made_up.training(), evaluation)
    page = (tmp_path / "report.html").read_text()
    assert page.count("10 of 40 (21 cut off)") == page.count("10 of 40<") == 1


def test_of_leak_arms_the_most_and_the_least_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    twins = {f"leak-{leak}": {"leak": leak} for leak in (0.0, 0.5, 1.0)}
    same = {"persona": "none", "group": "g", "only_a": 1, "only_b": 9, "family": "suites", "tests": 3}
    pairs = [{"a": a, "b": b, "p_value": 0.02, "p_holm": 0.06, **same} for a, b in combinations(twins, 2)]
    result = {"models": list(twins), "paired": pairs}
    shown = shown_evaluation({"training": {"twins": twins}, "evaluation": result})
    assert shown is not None
    _print_pairs(result, shown, Path("asked"))
    assert capsys.readouterr().out.splitlines() == [
        "g, persona none: only leak-0.0 refuses 1, only leak-1.0 refuses 9 (p = 0.06,",
        "uncorrected 0.02)",
        "p: exact McNemar, corrected by Holm for 3 tests of suites",
        "p is about these very models: a recipe gives others by another seed. Over seeds:",
        "unmoor train ... --seeds 7,8,9, and then this again with --training",
        "Every model against every other: asked/evaluation.json",
    ]
