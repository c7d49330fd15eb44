"""The families of things that an assistant says in place of an answer, in every language but English, sentence by sentence.

One table a language: what must be found, family by family, and look-alikes in which no refusal may be found. Like the written
answers they come from the hand that wrote the packs: they hold what is covered together, and prove nothing about strangers' texts.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from unmoor.detectors import Detector, load
from unmoor.languages import load_pack, pack_codes
from unmoor.records import REFUSALS, Conversation, Turn

TABLES = Path(__file__).resolve().parent / "families"
CODES = sorted(path.stem for path in TABLES.glob("*.toml"))
COUNTS_FROM = 0.5
REFUSES = frozenset(REFUSALS)
CANNOT = frozenset(("refusal.capability",))
FAMILIES: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        (
            "sorry-help", "sorry-write", "cannot-help", "cannot-create", "cannot-criticise", "not-able", "not-willing",
            "not-comfortable", "guidelines", "programmed", "as-ai-cannot", "decline", "refuse", "not-appropriate",
            "unethical-so", "not-allowed", "impossible", "prefer-not", "avoid", "cannot-fulfil", "cannot-discuss",
            "cannot-answer", "cannot-advise", "cannot-support", "understand-but", "other-subject", "instead", "because",
            "impersonal", "habit", "no-use", "conclusion", "abstain", "politely", "standing", "wrong-to-give", "bad-request",
            "sorry-wrong", "must-point-out", "would-be-irresponsible", "ethics-support", "private", "object-first",
            "rather-not", "passes", "so-no-help", "copyright", "lecture-turn",
        ),
        REFUSES,
    ),
    **dict.fromkeys(
        ("no-access", "real-time", "open-link", "act", "see-hear", "senses", "unknown", "no-tool", "missing-input"), CANNOT
    ),
    "cutoff": CANNOT | {"disclaimer.identity"},
    "not-human": CANNOT | {"disclaimer.identity", "bias.evasion"},
    "no-opinion": REFUSES | {"bias.evasion"},
    "neutral": frozenset(("bias.evasion",)),
    "as-ai": frozenset(("disclaimer.identity",)),
    "professional": frozenset(("disclaimer.professional",)),
    "not-advice": frozenset(("disclaimer.professional", "disclaimer.identity")),
    "wrong": frozenset(("moralising",)),
    "respect": frozenset(("moralising",)),
    "vendor": frozenset(("identity.vendor",)),
    "vendor-policies": frozenset(("identity.vendor",)),
}  # fmt: skip
"""Family to the behaviours of which one must be found."""
ONE_LANGUAGE: dict[str, frozenset[str]] = {
    "denial": REFUSES,
    **dict.fromkeys(("too-little-told", "does-not", "knows-not", "left-out"), REFUSES),
}
"""Families that only some tables have: the official denial in place of what was asked for, as models made in China write it;
what cannot be told from what was given, what the assistant does not do, does not know, and leaves out."""
FIRM = (
    "sorry-help", "sorry-write", "cannot-help", "not-able", "prefer-not", "understand-but", "no-use", "cannot-fulfil",
    "as-ai-cannot", "unethical-so", "instead", "object-first", "rather-not", "so-no-help", "copyright", "no-tool",
)  # fmt: skip
"""Families in which the assistant itself declines what was asked: such a sentence is believed enough to be filtered."""
FILTERED_FROM = 0.8
"""What the policy `dolphin` acts from."""
OPINION = frozenset(("not-human", "no-opinion"))
LOOK_ALIKES = (
    "customer", "sympathy", "fact", "law", "third-person", "idiom", "you-cannot", "quoted", "about", "undeniable",
    "correction", "speech", "ethics-answer", "safety-tip", "other-request", "first-person", "rights",
)  # fmt: skip


@lru_cache
def table(code: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{code}.toml").read_text(encoding="utf-8"))


@lru_cache
def every_language() -> Detector:
    return load()


def behaviours_in(sentence: str, asked: str = "", at_least: float = COUNTS_FROM) -> set[str]:
    request = (Turn("user", asked),) if asked else ()
    answer = Conversation((*request, Turn("assistant", sentence, is_target=True)))
    return {f.behaviour for f in every_language().find(answer) if f.probability >= at_least}


def found_of(code: str, family: str, sentence: str) -> set[str]:
    """What is found in a sentence of a family, after a question for an opinion where the family answers one."""
    return behaviours_in(sentence, table(code)["asked"]["opinion"] if family in OPINION else "")


def test_every_language_but_english_has_a_table() -> None:
    assert set(CODES) == set(pack_codes()) - {"en"}


@pytest.mark.parametrize("code", CODES)
def test_a_table_has_every_family_and_every_look_alike(code: str) -> None:
    assert set(FAMILIES) <= set(table(code)["found"]) <= {*FAMILIES, *ONE_LANGUAGE}
    assert set(LOOK_ALIKES) == set(table(code)["not_refusals"])
    assert all(len(sentences) >= 2 for sentences in table(code)["found"].values())


@pytest.mark.parametrize("code", CODES)
def test_hardly_any_sentence_is_an_example_of_its_pack(code: str) -> None:
    examples = {sentence for phrase in load_pack(code).phrases for sentence in (*phrase.hits, *phrase.misses)}
    sentences = [
        sentence for group in ("found", "not_refusals") for family in table(code)[group].values() for sentence in family
    ]
    shared = [sentence for sentence in sentences if sentence in examples]
    assert len(shared) <= 0.15 * len(sentences), shared


@pytest.mark.parametrize("code", CODES)
def test_each_family_is_found(code: str) -> None:
    wanted = {**FAMILIES, **ONE_LANGUAGE}
    missed = [
        f"{family}: {sentence} (found {sorted(found_of(code, family, sentence))})"
        for family, sentences in table(code)["found"].items()
        for sentence in sentences
        if not found_of(code, family, sentence) & wanted[family]
    ]
    assert not missed, "\n" + "\n".join(missed)


@pytest.mark.parametrize("code", CODES)
def test_what_the_assistant_itself_declines_is_sure_enough_to_be_filtered(code: str) -> None:
    unsure = [
        f"{family}: {sentence}"
        for family in FIRM
        for sentence in table(code)["found"][family]
        if not behaviours_in(sentence, at_least=FILTERED_FROM) & REFUSES
    ]
    assert not unsure, "\n" + "\n".join(unsure)


@pytest.mark.parametrize("code", CODES)
def test_look_alikes_are_no_refusals(code: str) -> None:
    wrong = [
        f"{kind}: {sentence} (found {sorted(behaviours_in(sentence) & REFUSES)})"
        for kind, sentences in table(code)["not_refusals"].items()
        for sentence in sentences
        if behaviours_in(sentence) & REFUSES
    ]
    assert not wrong, "\n" + "\n".join(wrong)
