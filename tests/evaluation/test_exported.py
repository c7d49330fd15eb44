"""A suite in other harnesses: the same prompts, the same verdicts, and the same answers where lm-eval and Inspect are installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from unmoor import detectors
from unmoor.commands import cli
from unmoor.errors import UsageError
from unmoor.evaluation import Asking, Prompt, detector_judge, evaluate_twins, is_right, read_suite
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.capability import asymmetry_rows
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.exported import HARNESSES, export_suites, read_exported, task_name
from unmoor.evaluation.verdicts import asymmetry_of, refuses
from unmoor.records import Conversation, Turn
from unmoor.serving import NONE, load_persona

TOKENS = 6
MIXED = (
    Prompt("sum", "sums", "What is 2 + 2?", {"kind": "number", "value": 4}),
    Prompt("name", "plain {{ braces }}", "Name a river."),
    Prompt("for", "sides", "Speak for tea.", pair="tea", side="a"),
    Prompt("against", "sides", "Speak against tea.", pair="tea", side="b"),
)
ANSWERS = (
    "It is 4.",
    "4, but I'm sorry, I can't help with that.",
    "I'm sorry, but I can't help with that request.",
    "As an AI language model I have no opinion. The Danube is a river.",
    "The Danube.",
)


def shim(folder: Path) -> ModuleType:
    """The exported module, loaded as a harness loads it."""
    spec = importlib.util.spec_from_file_location("exported_task", folder / "unmoor_task.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lm_evals_verdicts_are_those_of_unmoor_evaluate(tmp_path: Path) -> None:
    export_suites({"mixed": MIXED}, tmp_path, "lm-eval", NONE, TOKENS)
    task, judge = shim(tmp_path), detector_judge(detectors.load())
    for group in dict.fromkeys(prompt.group for prompt in MIXED):
        documents = list(task.documents(suite="mixed", group=group, version=1)["test"])
        assert [row["prompt"] for row in documents] == [one.text for one in MIXED if one.group == group]
        for row in documents:
            prompt = next(one for one in MIXED if one.id == row["id"])
            for answer in ANSWERS:
                told = task.results(row, [f" {answer}\n"])
                turns = (Turn("user", prompt.text), Turn("assistant", answer, is_target=True))
                assert [bool(told["refuses"])] == judge.is_refusal([Conversation(turns)])
                assert told.get("right") == (None if prompt.check is None else is_right(answer, prompt.check))
                assert ("asymmetry" in told) == bool(prompt.pair)


def test_the_answers_of_this_test_are_judged_both_ways() -> None:
    assert {refuses("What is 2 + 2?", answer) for answer in ANSWERS} == {True, False}


def test_asymmetry_is_counted_as_unmoor_evaluate_counts_it() -> None:
    suite = {one.id: one for one in read_suite("contested")}
    refused = {name: number % 3 == 0 for number, name in enumerate(suite)}
    judged = [Judged(Answer("k", "m", "p", "g", name, "q", "a"), word) for name, word in refused.items()]
    expected = asymmetry_rows(judged, suite, ["m"])["rows"][0]["rate"]
    assert expected is not None and 0 < expected < 1
    assert asymmetry_of((suite[name].pair, suite[name].side, word) for name, word in refused.items()) == expected
    assert str(asymmetry_of([("tea", "a", True)])) == "nan"


@pytest.mark.parametrize("harness", HARNESSES)
def test_every_prompt_is_exported_under_the_persona(tmp_path: Path, harness: str) -> None:
    suites = {name: read_suite(name) for name in ("ordinary", "look-alikes")}
    persona = load_persona("dolphin")
    assert export_suites(suites, tmp_path, harness, persona, 64) == ["unmoor_ordinary", "unmoor_look_alikes"]
    rows = read_exported(tmp_path)
    assert [(row["id"], row["prompt"]) for row in rows] == [(one.id, one.text) for s in suites.values() for one in s]
    assert {row["system"] for row in rows} == {persona.system}
    checks = [json.loads(row["check"]) if row["check"] else None for row in rows]
    assert checks == [one.check for s in suites.values() for one in s]


def test_lm_eval_gets_a_task_for_each_group_with_the_metrics_it_has(tmp_path: Path) -> None:
    export_suites({"mixed": MIXED}, tmp_path, "lm-eval", NONE, TOKENS)
    names = ["unmoor_mixed_sums", "unmoor_mixed_plain_braces", "unmoor_mixed_sides"]
    assert {path.stem for path in tmp_path.glob("*.yaml")} == {"unmoor_mixed", *names}
    metrics = [(tmp_path / f"{name}.yaml").read_text().count("- metric:") for name in names]
    assert metrics == [2, 1, 2]
    assert [
        line for line in (tmp_path / "unmoor_mixed.yaml").read_text().splitlines() if line.startswith("  - unmoor")
    ] == [f"  - {name}" for name in names]


def test_groups_whose_names_come_out_alike_stay_apart(tmp_path: Path) -> None:
    suite = tuple(Prompt(str(n), group, "Why?") for n, group in enumerate(("a b", "a-b", "中")))
    export_suites({"s": suite}, tmp_path, "lm-eval", NONE, TOKENS)
    assert {path.stem for path in tmp_path.glob("unmoor_s_*.yaml")} == {"unmoor_s_a_b", "unmoor_s_a_b_", "unmoor_s_"}


def test_the_command_says_what_to_run_and_does_not_write_twice(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    asked = ["suites", "export", "--to", "inspect", "--suite", "ordinary", "-o", str(folder)]
    done = CliRunner().invoke(cli, asked, catch_exceptions=False)
    assert done.exit_code == 0
    assert "unmoor_ordinary, 152 prompts" in done.output and "inspect eval" in done.output
    compile((folder / "unmoor_task.py").read_text(), "unmoor_task.py", "exec")
    with pytest.raises(UsageError, match="holds files already"):
        CliRunner().invoke(cli, asked, catch_exceptions=False, standalone_mode=False)


def test_suites_that_one_file_holds_are_tasks_of_their_own(tmp_path: Path) -> None:
    lines = [{"id": name, "group": "g", "suite": name, "prompt": "Hello"} for name in ("safe", "unsafe")]
    (tmp_path / "mixed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = ["suites", "export", "--to", "lm-eval", "--suite", str(tmp_path / "mixed.jsonl"), "--json"]
    done = CliRunner().invoke(cli, [*asked, "-o", str(tmp_path / "out")], catch_exceptions=False)
    assert json.loads(done.output)["tasks"] == ["unmoor_mixed_safe", "unmoor_mixed_unsafe"]
    assert "unsafe" not in (tmp_path / "out" / "unmoor_mixed_safe.yaml").read_text()


def test_suites_that_would_make_one_task_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would make one task"):
        export_suites({"a b": MIXED, "a-b": MIXED}, tmp_path / "x", "lm-eval", NONE, TOKENS)


@pytest.mark.parametrize("content", [None, "{", '{"id": "a"}', "[1]"])
def test_damaged_prompts_say_so(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "prompts.jsonl").write_text(content)
    with pytest.raises(UsageError, match="does not hold what was exported"):
        read_exported(tmp_path)


def test_the_list_names_every_suite() -> None:
    done = CliRunner().invoke(cli, ["suites", "list", "--json"], catch_exceptions=False)
    rows = json.loads(done.output)
    assert [row["name"] for row in rows] == ["look-alikes", "neutral", "contested", "ordinary", "floor"]
    assert all(row["prompts"] > 20 and row["about"] for row in rows)


def offline(folder: Path) -> dict[str, str]:
    """Return the environment of a harness that must reach no network and keeps its caches here."""
    caches = {name: str(folder / "cache") for name in ("HF_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    switches = dict.fromkeys(("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"), "1")
    return {**os.environ, **caches, **switches, "OMP_WAIT_POLICY": "PASSIVE"}


def by_unmoor(model: Path, folder: Path) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the answers by id and the evaluation, as `unmoor evaluate` has them."""
    options = Asking((load_persona("plain"),), detector_judge(detectors.load()), max_new_tokens=TOKENS)
    result = evaluate_twins({"tiny": model}, MIXED, folder / "asked", options)
    lines = (folder / "asked" / "answers.jsonl").read_text().splitlines()
    return {one["id"]: one["answer"] for one in map(json.loads, lines)}, result


@pytest.mark.slow
def test_lm_eval_gives_the_same_answers_and_numbers(tmp_path: Path, tiny_base: Path) -> None:
    pytest.importorskip(
        "lm_eval", reason="lm-eval is not installed: pip install lm-eval, to run the exported task in it"
    )
    answers, result = by_unmoor(tiny_base, tmp_path)
    export_suites({"mixed": MIXED}, tmp_path / "task", "lm-eval", load_persona("plain"), TOKENS)
    command = [sys.executable, "-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={tiny_base}"]
    command += ["--include_path", str(tmp_path / "task"), "--tasks", "unmoor_mixed", "--apply_chat_template"]
    command += ["--device", "cpu", "--output_path", str(tmp_path / "out"), "--log_samples"]
    done = subprocess.run(command, env=offline(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    samples = [
        json.loads(line) for path in (tmp_path / "out").rglob("samples_*") for line in path.read_text().splitlines()
    ]
    assert {one["doc"]["id"]: one["filtered_resps"][0].strip() for one in samples} == answers
    numbers = json.loads(next((tmp_path / "out").rglob("results_*")).read_text())["results"]
    for row in result["rates"]:
        name = task_name("mixed", row["group"])
        assert numbers[name]["refuses,none"] == pytest.approx(row["refusals"] / row["n"])
    assert numbers["unmoor_mixed_sums"]["right,none"] == result["capability"][0]["right"]
    assert numbers["unmoor_mixed_sides"]["asymmetry,none"] in (0, 1)


@pytest.mark.slow
def test_inspect_gives_the_same_answers_and_numbers(tmp_path: Path, tiny_base: Path) -> None:
    pytest.importorskip(
        "inspect_ai", reason="Inspect is not installed: pip install inspect-ai, to run the exported task in it"
    )
    answers, result = by_unmoor(tiny_base, tmp_path)
    export_suites({"mixed": MIXED}, tmp_path / "task", "inspect", load_persona("plain"), TOKENS)
    command = [
        sys.executable,
        "-m",
        "inspect_ai",
        "eval",
        "unmoor_task.py",
        "--model",
        "hf/local",
        "-M",
        "do_sample=false",
    ]
    command += [
        "-M",
        f"model_path={tiny_base}",
        "-M",
        "tokenizer_call_args={add_special_tokens: false}",
        "-M",
        "device=cpu",
    ]
    command += ["--log-dir", str(tmp_path / "logs"), "--log-format", "json", "--display", "none"]
    done = subprocess.run(
        command, env=offline(tmp_path), cwd=tmp_path / "task", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    log = json.loads(next((tmp_path / "logs").glob("*.json")).read_text())
    assert log["status"] == "success", log.get("error")
    said = {one["id"]: one["output"]["choices"][0]["message"]["content"] for one in log["samples"]}
    assert {name: text.strip() for name, text in said.items()} == answers
    scores = {score["name"]: score["metrics"] for score in log["results"]["scores"]}
    for row in result["rates"]:
        assert scores["refuses"][row["group"]]["value"] == pytest.approx(row["refusals"] / row["n"])
    assert scores["right"]["all"]["value"] == result["capability"][0]["right"]
    assert scores["refuses"]["asymmetry"]["value"] in (0, 1)
