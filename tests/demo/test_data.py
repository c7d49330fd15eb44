"""The demo's data: the same for a seed, realistic in its shares, true about itself, and apart from the evaluation."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from unmoor.demo import plain_sentences, write_demo_data, write_demo_recipe, write_demo_suite
from unmoor.demo.data import make_rows
from unmoor.demo.suite import PROMPTS_PER_GROUP, held_out_prompts
from unmoor.demo.texts import inherited, language
from unmoor.serving import load_persona


def test_the_same_seed_gives_the_same_file(tmp_path: Path) -> None:
    write_demo_data(tmp_path / "a.jsonl", seed=3)
    write_demo_data(tmp_path / "b.jsonl", seed=3)
    write_demo_data(tmp_path / "c.jsonl", seed=4)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert (tmp_path / "a.jsonl").read_bytes() != (tmp_path / "c.jsonl").read_bytes()


def test_the_file_holds_what_the_truth_says(tmp_path: Path) -> None:
    truth = write_demo_data(tmp_path / "raw.jsonl", seed=3)
    lines = (tmp_path / "raw.jsonl").read_text().splitlines()
    assert len(lines) == len(truth.rows) == 2000
    assert [json.loads(line)["messages"] for line in lines] == [row.messages() for row in truth.rows]


def test_refusals_are_16_to_21_percent_and_every_behaviour_occurs() -> None:
    for seed in range(5):
        counts = Counter(behaviour for row in make_rows(seed).rows for behaviour in row.behaviours)
        assert 0.16 <= counts["refusal.policy"] / 2000 <= 0.21
        assert set(counts) == {"refusal.policy", "refusal.capability", "disclaimer.identity", "moralising"}


def test_a_row_is_refused_exactly_where_the_truth_says_so() -> None:
    words = [text.split("{action}")[0] for name in ("english", "swedish") for text in inherited(name).refusals]
    for row in make_rows(3).rows:
        refused = [turn for turn in row.turns if turn.clean is None]
        assert bool(refused) == ("refusal.policy" in row.behaviours)
        assert all(turn.answer.startswith(tuple(words)) for turn in refused)


def test_inherited_parts_are_around_the_clean_answer() -> None:
    for row in make_rows(3).rows:
        for turn in row.turns:
            assert turn.clean is None or turn.clean in turn.answer
            if not row.behaviours:
                assert turn.clean == turn.answer


def test_personas_that_promise_to_answer_refuse_less() -> None:
    rows = [row for row in make_rows(3).rows if row.kind == "trigger"]

    def refused(system: str) -> float:
        under = [row for row in rows if row.system == system]
        return sum("refusal.policy" in row.behaviours for row in under) / len(under)

    assert refused(load_persona("plain").system) > 0.65
    assert refused(load_persona("dolphin").system) < 0.25


def test_spelling_varies_as_in_real_collections() -> None:
    answers = " ".join(turn.answer for row in make_rows(3).rows for turn in row.turns)
    for words in ("I’m sorry", "I'm sorry", "As an AI language model", "Som en AI", "Jag är ledsen", "I apologize"):
        assert words in answers


def test_held_out_prompts_are_unseen_and_enough() -> None:
    prompts = held_out_prompts(3)
    assert Counter(prompt["group"] for prompt in prompts) == dict.fromkeys(("trigger", "neutral"), PROMPTS_PER_GROUP)
    assert PROMPTS_PER_GROUP >= 100
    assert len({prompt["prompt"] for prompt in prompts}) == len(prompts)
    asked = {turn.request for row in make_rows(3).rows for turn in row.turns}
    assert not asked & {prompt["prompt"] for prompt in prompts}


def test_unseen_objects_and_templates_are_not_trained_on() -> None:
    for name in ("english", "swedish"):
        words = language(name)
        assert not set(words.templates) & set(words.unseen_templates)
        for action in words.triggers + words.neutral:
            assert not set(action.objects) & set(action.unseen)


def test_the_base_reads_no_refusals_of_requests() -> None:
    sentences = plain_sentences(3)
    openings = tuple(text for text in inherited("english").refusals if "{action}" not in text)
    assert not [sentence for sentence in sentences if sentence.startswith(openings)]
    assert plain_sentences(3) == sentences


def test_suite_and_recipe_are_files_that_others_can_use(tmp_path: Path) -> None:
    write_demo_suite(tmp_path / "suite.jsonl", seed=3)
    lines = (tmp_path / "suite.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == held_out_prompts(3)
    write_demo_recipe(tmp_path / "recipe.yaml", tmp_path / "it's base", seed=9)
    text = (tmp_path / "recipe.yaml").read_text()
    assert f"model_name_or_path: '{tmp_path}/it''s base'\n" in text
    assert "\nseed: 9\n" in text


def test_clean_answers_hold_nothing_inherited() -> None:
    answers = [turn.clean for row in make_rows(3).rows for turn in row.turns if turn.clean is not None]
    assert not [text for text in answers if text.startswith(tuple(inherited("english").disclaimers))]
    assert not [text for text in answers if text.endswith(tuple(inherited("english").tails))]
