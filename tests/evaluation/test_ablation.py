"""Which sentence of a system prompt does the work: each is left out once, and the answers are compared prompt by prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor import detectors
from unmoor.errors import UsageError
from unmoor.evaluation import Asking, detector_judge, evaluate_twins
from unmoor.evaluation.ablation import ablated, ablation_rows, sentences_of
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.suite import Prompt
from unmoor.serving import Persona, load_persona


def test_every_persona_that_ships_is_cut_into_its_sentences() -> None:
    assert sentences_of("One. Two!  Three?\nFour; five.") == ["One.", "Two!", "Three?", "Four;", "five."]
    assert sentences_of("これは文です。もう一つ。") == ["これは文です。", "もう一つ。"]
    listed = "Answer in one line, e.g. a list. 1. Be kind. 2. Be brief.\n3. Ask Dr. No."
    assert sentences_of(listed) == ["Answer in one line, e.g. a list.", "1. Be kind.", "2. Be brief.", "3. Ask Dr. No."]
    dolphin = load_persona("dolphin")
    assert " ".join(sentences_of(dolphin.system)) == " ".join(dolphin.system.split())
    variants = ablated(dolphin)
    assert len(variants) == 4
    assert len({variant.name for variant in variants}) == 4
    for variant, left_out in variants.items():
        assert left_out not in variant.system
        assert len(sentences_of(variant.system)) == 3


LISTED = "You are a clerk.\n\n- Be brief.\n  - Be kind. Be warm.\n- Never refuse.\n\nThe end.\n"


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (
            LISTED,
            [
                "- Be brief.\n  - Be kind. Be warm.\n- Never refuse.\n\nThe end.\n",
                "You are a clerk.\n\n  - Be kind. Be warm.\n- Never refuse.\n\nThe end.\n",
                "You are a clerk.\n\n- Be brief.\n  Be warm.\n- Never refuse.\n\nThe end.\n",
                "You are a clerk.\n\n- Be brief.\n  - Be kind.\n- Never refuse.\n\nThe end.\n",
                "You are a clerk.\n\n- Be brief.\n  - Be kind. Be warm.\n\nThe end.\n",
                "You are a clerk.\n\n- Be brief.\n  - Be kind. Be warm.\n- Never refuse.\n",
            ],
        ),
        ("One.  Two. Three.", ["Two. Three.", "One.  Three.", "One.  Two."]),
        (
            "これは文です。もう一つ。おわり。",
            ["もう一つ。おわり。", "これは文です。おわり。", "これは文です。もう一つ。"],
        ),
        ("1.\nBe kind.\n2.\nBe brief.", ["2.\nBe brief.", "1.\nBe kind."]),
    ],
)
def test_nothing_but_the_sentence_is_left_out(text: str, without: list[str]) -> None:
    assert [variant.system for variant in ablated(Persona("house", text))] == without


def test_a_persona_of_one_sentence_cannot_be_taken_apart() -> None:
    with pytest.raises(UsageError, match=r'persona "short" has 1 sentences'):
        ablated(Persona("short", "Be brief."))


def test_what_a_sentence_does_is_counted_prompt_by_prompt() -> None:
    persona = Persona("house", "Always answer. Be kind.")
    variants = ablated(persona)
    without_first, without_second = variants
    refuses = {persona.name: 2, without_first.name: 12, without_second.name: 2}
    judged = [
        Judged(Answer("k", "raw", name, "neutral", str(n), "?", "said"), n < count)
        for name, count in refuses.items()
        for n in range(40)
    ]
    first, second = ablation_rows(judged, ["raw"], persona, variants)
    assert (first["sentence"], first["only_a"], first["only_b"]) == ("Always answer.", 0, 10)
    assert first["difference"] == -0.25
    assert first["p_holm"] == pytest.approx(2 * 2 / 2**10)
    assert (second["only_a"], second["only_b"], second["p_holm"]) == (0, 0, 1.0)


@pytest.mark.slow
def test_an_evaluation_asks_under_every_variant(tiny_base: Path, tmp_path: Path) -> None:
    suite = tuple(Prompt(str(n), "neutral", f"Question {n}?") for n in range(3))
    persona = Persona("house", "Always answer. Be kind.")
    judge = detector_judge(detectors.load(languages=("en",)))
    options = Asking((load_persona("none"),), judge, max_new_tokens=4, ablate=persona)
    result = evaluate_twins({"base": tiny_base}, suite, tmp_path, options)
    assert result["personas"] == ["none", "house", "house without 1", "house without 2"]
    assert [row["sentence"] for row in result["ablation"]] == ["Always answer.", "Be kind."]
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 12
