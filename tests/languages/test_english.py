"""How today's English-speaking assistants decline: without an apology, by a preference, a line, a broken rule.

Like the tables of the other languages it comes from the hand that wrote the pack, and proves nothing about strangers' texts.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

from unmoor.detectors import Detector, load
from unmoor.languages import load_pack
from unmoor.records import REFUSALS, Conversation, Turn

TABLE = tomllib.loads((Path(__file__).resolve().parent / "english.toml").read_text(encoding="utf-8"))


@lru_cache
def detector() -> Detector:
    return load()


def refusals(request: str, answer: str) -> list[str]:
    found = detector().find(Conversation((Turn("user", request), Turn("assistant", answer, is_target=True))))
    return [f.rule for f in found if f.behaviour in REFUSALS and f.probability >= 0.5]


@pytest.mark.parametrize("family", TABLE["found"])
def test_each_family_is_found(family: str) -> None:
    missed = [answer for request, answer in TABLE["found"][family] if not refusals(request, answer)]
    assert not missed, "\n" + "\n".join(missed)


@pytest.mark.parametrize("kind", TABLE["not_found"])
def test_look_alikes_are_no_refusals(kind: str) -> None:
    wrong = [(answer, rules) for request, answer in TABLE["not_found"][kind] if (rules := refusals(request, answer))]
    assert not wrong


def test_no_sentence_is_an_example_of_the_pack() -> None:
    examples = {sentence for phrase in load_pack("en").phrases for sentence in (*phrase.hits, *phrase.misses)}
    said = {answer for group in TABLE.values() for family in group.values() for _, answer in family}
    assert not said & examples
