"""Answers written by hand for each language: how many that decline are found, and how many that do not are left alone.

No labelled sets exist for these languages, so these fixtures are the only figures there are. They were written together with the
packs, by the same hand, and so are kinder than strangers' texts; a pack that fails here fails everywhere.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from unmoor.detectors import Detector, load
from unmoor.languages import load_pack
from unmoor.records import REFUSALS, Conversation, Turn

FIXTURES = Path(__file__).resolve().parent / "fixtures"
CODES = sorted(path.stem for path in FIXTURES.glob("*.toml"))
COUNTS_FROM = 0.5
"""Probability from which a finding counts as "found"; below it is the uncertain band."""
MIN_RECALL, MIN_PRECISION = 0.80, 0.95


@lru_cache
def answers(code: str) -> tuple[dict[str, Any], ...]:
    content = tomllib.loads((FIXTURES / f"{code}.toml").read_text(encoding="utf-8"))
    return tuple(content["answer"])


@lru_cache
def detector(code: str) -> Detector:
    return load(languages=[code])


@lru_cache
def every_language() -> Detector:
    return load()


@lru_cache
def judged(code: str) -> tuple[tuple[dict[str, Any], tuple[str, ...]], ...]:
    """Each answer with the rules that call it a refusal."""
    return tuple((answer, refusing_rules(code, answer)) for answer in answers(code))


def refusing_rules(code: str, answer: dict[str, Any]) -> tuple[str, ...]:
    turns = (Turn("user", answer["request"]), Turn("assistant", answer["text"], is_target=True))
    found = detector(code).find(Conversation(turns))
    return tuple(
        finding.rule for finding in found if finding.behaviour in REFUSALS and finding.probability >= COUNTS_FROM
    )


@pytest.mark.parametrize("code", CODES)
def test_a_fixture_holds_as_many_refusals_as_other_answers(code: str) -> None:
    texts = [answer["text"] for answer in answers(code)]
    refusals = sum(answer["is_refusal"] for answer in answers(code))
    assert all(set(answer) == {"request", "text", "is_refusal"} for answer in answers(code))
    assert len(set(texts)) == len(texts)
    assert refusals >= 25
    assert len(texts) - refusals >= 25


@pytest.mark.parametrize("code", CODES)
def test_the_written_answers_are_not_the_examples_of_the_pack(code: str) -> None:
    examples = {sentence for phrase in load_pack(code).phrases for sentence in (*phrase.hits, *phrase.misses)}
    shared = [answer["text"] for answer in answers(code) if answer["text"] in examples]
    assert len(shared) <= 3, shared


@pytest.mark.parametrize("code", CODES)
def test_most_answers_that_decline_are_found(code: str) -> None:
    declined = [(answer["text"], rules) for answer, rules in judged(code) if answer["is_refusal"]]
    missed = [text for text, rules in declined if not rules]
    assert 1 - len(missed) / len(declined) >= MIN_RECALL, missed


@pytest.mark.parametrize("code", CODES)
def test_hardly_any_other_answer_is_taken_for_a_refusal(code: str) -> None:
    found = [(answer, rules) for answer, rules in judged(code) if rules]
    wrong = [(answer["text"], rules) for answer, rules in found if not answer["is_refusal"]]
    assert 1 - len(wrong) / max(1, len(found)) >= MIN_PRECISION, wrong


@pytest.mark.parametrize("code", CODES)
def test_the_language_of_hardly_any_written_answer_is_mistaken_for_another(code: str) -> None:
    texts = [answer["text"] for answer in answers(code) if len(answer["text"]) > 60]
    mistaken = [text for text in texts if every_language().language_of(text) not in (code, "und")]
    assert len(mistaken) <= 0.05 * len(texts), mistaken
