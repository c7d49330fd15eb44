"""Of every finding it is told what followed: it was acted on, or why it was left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.policy import Policy, decide
from unmoor.records import ACTIONS, BEHAVIOURS, LEFT_ALONE, Conversation, Finding, Held, Turn

ANSWER = "As an AI made by Acme, I won't pick a lock. It would be wrong. Turn the key twice, then pull the door hard."
ROW = Conversation((Turn("user", "How do I open it?"), Turn("assistant", ANSWER, is_target=True)))
ACTS = {
    "refusal.policy": "drop",
    "refusal.partial": "drop_turn",
    "disclaimer.identity": "mend",
    "identity.vendor": "drop",
}
POLICY = Policy("house", 1, actions=ACTS)


def _finding(quote: str, behaviour: str, probability: float = 0.99, rule: str = "en.refusal.wont") -> Finding:
    start = ANSWER.index(quote)
    return Finding(behaviour, 1, start, start + len(quote), quote, rule, probability)


REFUSAL = _finding("I won't pick a lock.", "refusal.policy")


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (replace(REFUSAL, probability=0.79), "threshold"),
        (replace(REFUSAL, probability=0.2), "threshold"),
        (replace(REFUSAL, behaviour="moralising"), "policy"),
        (replace(REFUSAL, behaviour="refusal.partial", rule="en.capability.no-hands"), "inability"),
        (replace(REFUSAL, rule="en.kept.by-hand"), "rule"),
        (replace(REFUSAL, is_reasoning=True), "reasoning"),
        (replace(REFUSAL, probability=0.0), "threshold"),
    ],
)
def test_a_finding_of_which_nothing_follows_says_why(finding: Finding, why: str) -> None:
    policy = replace(POLICY, rules={"en.kept.*": "keep"})
    decision = decide(ROW, (finding,), policy)
    assert decision.outcome == "kept"
    assert decision.left_alone == ((finding, why),)


def test_only_what_a_person_called_wrong_is_left_for_that() -> None:
    doubted = replace(REFUSAL, probability=0.0)
    by_a_person = decide(ROW, (doubted,), POLICY, judged={doubted})
    assert by_a_person.left_alone == ((doubted, "wrong"),) and "a person called that wrong" in by_a_person.reason
    by_a_detector = decide(ROW, (doubted,), POLICY, judged={REFUSAL})
    assert by_a_detector.left_alone == ((doubted, "threshold"),) and "too low for policy house" in by_a_detector.reason


def test_what_a_phrase_of_the_policy_excepts_is_left_for_that() -> None:
    assert decide(ROW, (REFUSAL,), POLICY, excepted={REFUSAL: "a lock"}).left_alone == ((REFUSAL, "exception"),)


def test_what_the_floor_holds_is_left_for_the_floor() -> None:
    held = {1: Held(("fraud",))}
    assert decide(ROW, (REFUSAL,), POLICY, floor_turns=held).left_alone == ((REFUSAL, "floor"),)


def test_a_mend_that_would_hide_what_a_person_has_to_judge_waits() -> None:
    disclaimer = _finding("As an AI made by Acme, I won't pick a lock.", "disclaimer.identity")
    unsure = replace(REFUSAL, probability=0.6)
    decision = decide(ROW, (disclaimer, unsure), POLICY)
    assert decision.acted_on == ()
    assert decision.left_alone == ((disclaimer, "waits"), (unsure, "threshold"))


def test_a_name_that_goes_with_a_disclaimer_is_told_so_and_shares_what_keeps_that() -> None:
    disclaimer, name = _finding("As an AI made by Acme,", "disclaimer.identity"), _finding("Acme", "identity.vendor")
    assert decide(ROW, (disclaimer, name), POLICY).left_alone == ((name, "covered"),)
    held = decide(ROW, (disclaimer, name), POLICY, floor_turns={1: Held(("fraud",))})
    assert held.left_alone == ((disclaimer, "floor"), (name, "floor"))


def test_what_is_acted_on_is_not_left_alone_in_the_same_row() -> None:
    weak = _finding("It would be wrong.", "refusal.policy", 0.3)
    decision = decide(ROW, (REFUSAL, weak), POLICY)
    assert decision.acted_on == (REFUSAL,)
    assert decision.left_alone == ((weak, "threshold"),)


QUOTES = ("As an AI made by Acme,", "Acme", "I won't pick a lock.", "It would be wrong.")
FINDINGS = st.builds(
    _finding,
    st.sampled_from(QUOTES),
    st.sampled_from(sorted(BEHAVIOURS)),
    st.sampled_from((0.0, 0.3, 0.6, 0.79, 0.9, 1.0)),
    st.sampled_from(("en.refusal.wont", "en.capability.no-hands", "model")),
)


@given(
    findings=st.lists(FINDINGS, max_size=6, unique=True),
    actions=st.dictionaries(st.sampled_from(sorted(BEHAVIOURS)), st.sampled_from(ACTIONS)),
    is_floor=st.booleans(),
    first=st.integers(0, 5),
)
def test_every_finding_is_acted_on_or_left_alone_and_none_is_both(
    findings: list[Finding], actions: dict[str, str], is_floor: bool, first: int
) -> None:
    excepted = dict.fromkeys(findings[first : first + 1], "so")
    floor = {1: Held(("fraud",))} if is_floor else {}
    decision = decide(ROW, tuple(findings), Policy("any", 1, actions=actions), floor_turns=floor, excepted=excepted)
    left = [finding for finding, why in decision.left_alone if why in LEFT_ALONE]
    assert sorted((*decision.acted_on, *left), key=repr) == sorted(findings, key=repr)
    assert is_floor or "floor" not in dict(decision.left_alone).values()
