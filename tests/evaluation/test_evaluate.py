"""The whole evaluation on a real tiny model: the same prompts to each, answers kept, nothing asked twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from unmoor import __version__, detectors
from unmoor.errors import RunFolderError, UsageError
from unmoor.evaluation import Asking, Judge, Prompt, detector_judge, evaluate_twins
from unmoor.records import Conversation
from unmoor.records.intervals import wilson
from unmoor.serving import NONE, Persona

pytestmark = pytest.mark.slow

SUITE = tuple(Prompt(f"{group}-{n}", group, f"How do I {group} number {n}?") for group in ("x", "y") for n in range(3))
PERSONAS = (NONE, Persona("brief", "You are brief."))


def of_even_length(conversations: Sequence[Conversation]) -> list[bool]:
    return [len(conversation.turns[-1].text) % 2 == 0 for conversation in conversations]


def options(asked: list[tuple[str, int, int]] | None = None, personas: tuple[Persona, ...] = PERSONAS) -> Asking:
    progress = None if asked is None else lambda *report: asked.append(report)
    return Asking(personas, Judge("even", of_even_length), max_new_tokens=4, batch_size=4, progress=progress)


def test_every_model_is_asked_everything_under_every_persona(tmp_path: Path, tiny_base: Path) -> None:
    models = {"one": tiny_base, "two": tiny_base}
    result = evaluate_twins(models, SUITE, tmp_path / "out", options())
    assert result["groups"] == ["x", "y"]
    assert (result["models"], result["personas"], result["judge"]) == (["one", "two"], ["none", "brief"], "even")
    assert result["suites"] == [{"name": "", "row": "all", "groups": ["x", "y"]}]
    assert [(row["group"], row["n"], row["rate"]) for row in result["rates"]] == [
        ("all", 6, None),
        ("x", 3, None),
        ("y", 3, None),
    ] * 4
    assert all(pair["only_a"] == pair["only_b"] == 0 for pair in result["paired"])
    assert len((tmp_path / "out" / "answers.jsonl").read_text().splitlines()) == 24
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text()) == result


def test_every_count_can_be_counted_again_from_the_line_of_each_answer(tmp_path: Path, tiny_base: Path) -> None:
    suite = tuple(
        replace(prompt, check={"kind": "max_words", "most": 1}, pair=prompt.id[-1], side=side)
        for prompt, side in zip(SUITE, "aaabbb", strict=True)
    )
    second = [None, True, False] * 8
    asking = replace(options(), second=lambda _: second, second_name="other")
    result = evaluate_twins({"one": tiny_base, "two": tiny_base}, suite, tmp_path, asking)
    lines = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    kept = {
        (one["model"], one["key"]) for one in map(json.loads, (tmp_path / "answers.jsonl").read_text().splitlines())
    }
    assert {(line["model"], line["key"]) for line in lines} == kept
    assert [line["second"] for line in lines] == second
    for row, tasks in zip(result["rates"], result["capability"], strict=True):
        mine = [line for line in lines if (line["model"], line["persona"]) == (row["model"], row["persona"])]
        mine = [line for line in mine if row["group"] in ("all", line["group"])]
        assert (row["n"], row["refusals"]) == (len(mine), sum(line["refuses"] for line in mine))
        assert (row["empty"], row["cut"]) == tuple(sum(line[key] for line in mine) for key in ("empty", "cut"))
        assert (tasks["right"], tasks["group"]) == (sum(line["right"] for line in mine), row["group"])
    for row in result["asymmetry"]["rows"]:
        mine = [line for line in lines if (line["model"], line["persona"]) == (row["model"], row["persona"])]
        refused = {(line["pair"], line["side"]): line["refuses"] for line in mine}
        assert row["only_a"] == sum(refused[pair, "a"] and not refused[pair, "b"] for pair in "012")


def test_an_evaluation_says_what_it_was_made_with(tmp_path: Path, tiny_base: Path) -> None:
    judge = detector_judge(detectors.load(languages=("en",)))
    made_with = evaluate_twins({"one": tiny_base}, SUITE[:1], tmp_path, replace(options(), judge=judge))["made_with"]
    assert made_with["versions"]["unmoor"] == __version__ and made_with["versions"]["torch"]
    assert (made_with["max_new_tokens"], made_with["detectors"]) == (4, detectors.load(languages=("en",)).identity)
    assert made_with["models"]["one"]["path"] == str(tiny_base) and len(made_with["models"]["one"]["sha256"]) == 64
    assert made_with["system_prompts"] == {"none": "", "brief": "You are brief."}


def test_the_sides_of_a_mirrored_suite_are_counted_as_what_belongs_together(tmp_path: Path, tiny_base: Path) -> None:
    suite = tuple(
        Prompt(f"{n}{side}", "x", f"Question {n}{side}?", pair=str(n), side=side) for n in range(20) for side in "ab"
    )
    judge = Judge("even", lambda asked: [int(one.turns[0].text.split()[1][:-2]) % 2 == 0 for one in asked])
    asking = replace(options(personas=(NONE,)), judge=judge)
    (row,) = evaluate_twins({"one": tiny_base}, suite, tmp_path, asking)["rates"]
    assert (row["n"], row["rate"]) == (40, 0.5)
    low, high = wilson(10, 20)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=0.01), "twenty questions, each asked twice"


def test_batched_answers_equal_single_ones(tmp_path: Path, tiny_base: Path) -> None:
    from unmoor.serving import load_model

    evaluate_twins({"one": tiny_base}, SUITE, tmp_path / "out", options())
    model = load_model(tiny_base)
    for line in (tmp_path / "out" / "answers.jsonl").read_text().splitlines():
        answer = json.loads(line)
        system = [{"role": "system", "content": PERSONAS[1].system}] if answer["persona"] == "brief" else []
        chat = [*system, {"role": "user", "content": answer["prompt"]}]
        assert [one.text for one in model.write_all([chat], 4)] == [answer["answer"]]


def test_a_second_call_asks_only_what_is_missing(tmp_path: Path, tiny_base: Path) -> None:
    first = evaluate_twins({"one": tiny_base}, SUITE, tmp_path / "out", options())
    answers = tmp_path / "out" / "answers.jsonl"
    lines = answers.read_text().splitlines(keepends=True)
    answers.write_text("".join(lines[:9]) + lines[9][:20])
    asked: list[tuple[str, int, int]] = []
    assert evaluate_twins({"one": tiny_base}, SUITE, tmp_path / "out", options(asked)) == first
    assert asked == [("ask one", 12, 12)]
    assert sorted(answers.read_text().splitlines()) == sorted(line.strip() for line in lines)
    evaluate_twins({"one": tiny_base}, SUITE, tmp_path / "out", options(asked))
    assert asked == [("ask one", 12, 12)]


def test_a_model_whose_chat_template_was_changed_is_asked_anew(tmp_path: Path, tiny_base: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_base, model)
    evaluate_twins({"one": model}, SUITE, tmp_path / "out", options())
    template = model / "chat_template.jinja"
    template.write_text(template.read_text() + "{# changed #}")
    asked: list[tuple[str, int, int]] = []
    evaluate_twins({"one": model}, SUITE, tmp_path / "out", options(asked))
    assert asked[-1] == ("ask one", 12, 12)


def test_an_adapter_is_asked_anew_when_its_base_was_changed(tmp_path: Path, tiny_base: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(tiny_base, base)
    _make_adapter(base, adapter)
    evaluate_twins({"one": adapter}, SUITE, tmp_path / "out", options())
    asked: list[tuple[str, int, int]] = []
    evaluate_twins({"one": adapter}, SUITE, tmp_path / "out", options(asked))
    assert asked == []
    _change_weights(base / "model.safetensors")
    evaluate_twins({"one": adapter}, SUITE, tmp_path / "out", options(asked))
    assert asked[-1] == ("ask one", 12, 12)


def _make_adapter(base: Path, folder: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    settings = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), settings).save_pretrained(folder)
    AutoTokenizer.from_pretrained(base).save_pretrained(folder)


def _change_weights(file: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(file)
    save_file({name: -values for name, values in weights.items()}, file, {"format": "pt"})


def test_a_damaged_answers_file_says_so(tmp_path: Path, tiny_base: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('{"answer": 1}\n')
    with pytest.raises(RunFolderError, match="not an answer"):
        evaluate_twins({"one": tiny_base}, SUITE, tmp_path, options())


def test_questions_that_cannot_be_told_apart_are_refused(tmp_path: Path, tiny_base: Path) -> None:
    with pytest.raises(UsageError, match='Two personas are called "none"'):
        evaluate_twins({"one": tiny_base}, SUITE, tmp_path, options(personas=(NONE, NONE)))
    with pytest.raises(UsageError, match="needs a model"):
        evaluate_twins({}, SUITE, tmp_path, options())


def test_a_model_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no model folder"):
        evaluate_twins({"one": tmp_path / "none"}, SUITE, tmp_path / "out", options())


def test_prompts_longer_than_a_model_s_context_are_named_and_nothing_is_asked(tmp_path: Path, tiny_base: Path) -> None:
    suite = (*SUITE, Prompt("x-long", "x", "rice " * 600))
    with pytest.raises(UsageError, match=r"one has a context of 512 tokens.*: x-long \(1\)\. Next: leave them out"):
        evaluate_twins({"one": tiny_base}, suite, tmp_path / "out", options())
    assert not (tmp_path / "out" / "answers.jsonl").exists()
