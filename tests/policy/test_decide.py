"""Each action does what its name says, and the floor holds against every policy."""

from __future__ import annotations

from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.policy import Policy, audited, decide, load_policy, turns_to_remove
from unmoor.records import ACTIONS, BEHAVIOURS, Conversation, Edit, Finding, Held, Turn


def _conversation(*answers: str, system: str = "") -> Conversation:
    turns = [Turn("system", system)] if system else []
    for number, answer in enumerate(answers):
        turns += [Turn("user", f"Question {number}?"), Turn("assistant", answer, is_target=True)]
    return Conversation(tuple(turns))


def _finding(
    conversation: Conversation, turn: int, quote: str, behaviour: str = "refusal.policy", probability: float = 0.99
) -> Finding:
    start = conversation.turns[turn].text.index(quote)
    return Finding(behaviour, turn, start, start + len(quote), quote, "rule", probability)


def _policy(action: str, behaviour: str = "refusal.policy") -> Policy:
    return Policy("test", 1, actions={behaviour: action})


TWO = _conversation("I won't help with that.", "An oak.", system="Be kind.")
NAMED, EARLIER = Held(("violence",)), Held(("minors", "fraud"), is_own=False)
REFUSAL = _finding(TWO, 2, "I won't help with that.")


@pytest.mark.parametrize(
    ("action", "outcome", "edits"),
    [
        ("keep", "kept", ()),
        ("label", "labelled", ()),
        ("review", "kept", ()),
        ("mask", "masked", (Edit("mask", 2),)),
        ("drop_turn", "mended", (Edit("drop_turn", 2),)),
        ("cut", "removed", ()),
        ("drop", "removed", ()),
    ],
)
def test_each_action_has_its_outcome(action: str, outcome: str, edits: tuple[Edit, ...]) -> None:
    decision = decide(TWO, (REFUSAL,), _policy(action))
    assert (decision.outcome, decision.edits) == (outcome, edits)
    assert decision.needs_review is (action == "review")
    assert decision.labels == (("refusal.policy",) if action == "label" else ())


def test_a_turn_that_goes_leaves_no_label() -> None:
    policy = Policy("test", 1, actions={"refusal.policy": "drop_turn", "moralising": "label"})
    lecture = replace(REFUSAL, behaviour="moralising")
    gone = decide(TWO, (REFUSAL, lecture), policy)
    assert (gone.outcome, gone.labels) == ("mended", ())
    also = decide(TWO, (REFUSAL, lecture, _finding(TWO, 4, "An oak.", "moralising")), policy)
    assert (also.outcome, also.labels) == ("mended", ("moralising",))


def test_a_mend_cuts_the_finding_alone() -> None:
    conversation = _conversation("As an AI, I like oaks. An oak is a tree.")
    finding = _finding(conversation, 1, "As an AI, I like oaks.", "disclaimer.identity")
    decision = decide(conversation, (finding,), _policy("mend", "disclaimer.identity"))
    assert decision.outcome == "mended"
    assert decision.edits == (Edit("mend", 1, ((0, 22),)),)


def test_a_mend_that_leaves_nothing_takes_the_turn() -> None:
    conversation = _conversation("As an AI, I cannot.")
    finding = _finding(conversation, 1, "As an AI, I cannot.", "disclaimer.identity")
    assert decide(conversation, (finding,), _policy("mend", "disclaimer.identity")).outcome == "removed"


def test_the_reason_says_that_a_mend_left_nothing_of_an_answer_and_that_it_goes_with_its_request() -> None:
    two = _conversation("I am ChatGPT.", "An oak.")
    vendor, policy = _finding(two, 1, "I am ChatGPT.", "identity.vendor"), _policy("mend", "identity.vendor")
    mended = decide(two, (vendor,), policy)
    assert (mended.outcome, mended.edits) == ("mended", (Edit("drop_turn", 1),))
    gone = "; nothing else was left of the answer in turn 2, so it goes with its request"
    assert mended.reason.endswith(f"policy test says mend{gone}")
    one = _conversation("I am ChatGPT.")
    assert decide(one, (vendor,), policy).reason.endswith(f"{gone}; nothing was left to train on")
    longer = _conversation("I am ChatGPT. An oak is a tree.", "An oak.")
    assert "left of the answer" not in decide(longer, (vendor,), policy).reason
    assert "left of the answer" not in decide(two, (vendor,), _policy("drop_turn", "identity.vendor")).reason


@pytest.mark.parametrize(
    ("before", "after"),
    [("<think>", "</think>\n\n{}"), ("<|begin_of_thought|>", "<|end_of_thought|>\n\n<answer>{}</answer>")],
)
def test_a_mend_that_leaves_only_reasoning_takes_the_turn(before: str, after: str) -> None:
    said = after.format("As an AI, I cannot.")
    conversation = _conversation(f"{before}They ask about oaks. What do I know of oaks?{said}")
    finding = _finding(conversation, 1, "As an AI, I cannot.", "disclaimer.identity")
    assert decide(conversation, (finding,), _policy("mend", "disclaimer.identity")).outcome == "removed"


def test_a_mend_leaves_the_words_on_which_a_person_has_yet_to_judge() -> None:
    conversation = _conversation("As an AI, I have no opinion. Both have their merits. As an AI, I like oaks.")
    evades = _finding(conversation, 1, "As an AI, I have no opinion.", "bias.evasion", 0.75)
    first = _finding(conversation, 1, "As an AI, I have no opinion.", "disclaimer.identity")
    second = _finding(conversation, 1, "As an AI, I like oaks.", "disclaimer.identity")
    policy = Policy("test", 1, actions={"disclaimer.identity": "mend", "bias.evasion": "drop_turn"})
    waits = decide(conversation, (evades, first), policy)
    assert (waits.outcome, waits.edits, waits.needs_review) == ("kept", (), True)
    assert waits.waits_for == (evades,)
    assert waits.reason.endswith(
        '; a person should look; a mend waits for that, since turn 2 opens with "As an AI language model" or the like, then '
        "answers (disclaimer.identity: “As an AI, I have no opinion.”)"
    )
    both = decide(conversation, (evades, first, second), policy)
    assert both.edits == (Edit("mend", 1, ((second.start_char, second.end_char),)),)
    assert both.needs_review
    unlike = replace(evades, detector="model", rule="model")
    assert decide(conversation, (unlike, first), policy).outcome == "mended"
    kept = replace(policy, actions={"disclaimer.identity": "mend", "bias.evasion": "keep"})
    assert decide(conversation, (evades, first), kept).outcome == "mended"


def test_a_mend_that_would_leave_nothing_but_a_refusal_waits_for_a_person() -> None:
    conversation = _conversation("As an AI, I have no beliefs. It is wrong to ask. Be kind to everyone.")
    refusal = _finding(conversation, 1, "As an AI, I have no beliefs.", "refusal.capability")
    first = _finding(conversation, 1, "It is wrong to ask.", "moralising")
    second = _finding(conversation, 1, "Be kind to everyone.", "moralising")
    policy = Policy("test", 1, actions={"moralising": "mend", "refusal.capability": "keep"})
    waits = decide(conversation, (refusal, first, second), policy)
    assert (waits.outcome, waits.edits, waits.waits_for, waits.acted_on) == ("kept", (), (first, second), ())
    assert waits.reason.endswith("and without it nothing but words that decline would be left; a person should look")
    said = replace(first, probability=1.0), replace(second, probability=1.0)
    assert decide(conversation, (refusal, *said), policy, judged=frozenset(said)).outcome == "mended"
    longer = _conversation("As an AI, I have no beliefs. It is wrong to ask. Oaks live long, and so do yews.")
    beside = _finding(longer, 1, "As an AI, I have no beliefs.", "refusal.capability")
    wrong = _finding(longer, 1, "It is wrong to ask.", "moralising")
    assert decide(longer, (beside, wrong), policy).outcome == "mended"
    assert decide(conversation, (first, second), policy).outcome == "mended"
    weak = replace(refusal, probability=0.3)
    assert decide(conversation, (weak, first, second), policy).outcome == "mended"


def test_no_mend_waits_for_a_person_in_a_turn_that_goes_anyway() -> None:
    conversation = _conversation("As an AI, I have no opinion. I will not write that.")
    evades = _finding(conversation, 1, "As an AI, I have no opinion.", "bias.evasion", 0.75)
    disclaims = _finding(conversation, 1, "As an AI, I have no opinion.", "disclaimer.identity")
    declines = _finding(conversation, 1, "I will not write that.")
    policy = Policy(
        "test", 1, actions={"disclaimer.identity": "mend", "bias.evasion": "drop_turn", "refusal.policy": "drop_turn"}
    )
    removed = decide(conversation, (evades, disclaims, declines), policy)
    assert (removed.outcome, removed.waits_for) == ("removed", ())
    assert removed.acted_on == (disclaims, declines)


def test_a_changed_row_that_waits_says_for_what() -> None:
    two = _conversation("As an AI, I like oaks. An oak is a tree.", "I would rather not.")
    disclaims = _finding(two, 1, "As an AI, I like oaks.", "disclaimer.identity")
    unsure = _finding(two, 3, "I would rather not.", probability=0.6)
    policy = Policy("test", 1, actions={"disclaimer.identity": "mend", "refusal.policy": "drop_turn"})
    mended = decide(two, (disclaims, unsure), policy)
    assert (mended.outcome, mended.waits_for) == ("mended", (unsure,))
    assert mended.reason.endswith(
        ", and policy test says mend; a person should look, since turn 4 declines because it should not (refusal.policy: "
        "“I would rather not.”) by rule rule with probability 0.60, under the threshold of 0.80"
    )
    asked = replace(policy, actions={"disclaimer.identity": "mend", "refusal.policy": "review"})
    sure = replace(unsure, probability=0.99)
    assert decide(two, (disclaims, sure), asked).reason.endswith(
        "; a person should look, since turn 4 declines because it should not (refusal.policy: “I would rather not.”) by rule rule "
        "with probability 0.99, and policy test says review"
    )


def test_no_row_waits_for_words_that_went_with_their_turn() -> None:
    unsure = _finding(TWO, 2, "help", "moralising", 0.6)
    policy = Policy("test", 1, actions={"refusal.policy": "drop_turn", "moralising": "mend"})
    decision = decide(TWO, (REFUSAL, unsure), policy)
    assert (decision.outcome, decision.waits_for, decision.needs_review) == ("mended", (), False)


def test_a_row_with_no_other_answer_goes_when_its_turn_goes() -> None:
    conversation = _conversation("I won't.")
    decision = decide(conversation, (_finding(conversation, 1, "I won't."),), _policy("drop_turn"))
    assert decision.outcome == "removed"
    assert "nothing was left to train on" in decision.reason


def test_a_row_goes_when_only_an_empty_answer_would_be_left_of_it() -> None:
    conversation = _conversation("", "I won't.")
    decision = decide(conversation, (_finding(conversation, 3, "I won't."),), _policy("drop_turn"))
    assert decision.outcome == "removed"
    assert "nothing was left to train on" in decision.reason


def test_a_row_whose_every_answer_is_masked_goes() -> None:
    conversation = _conversation("I won't.")
    assert decide(conversation, (_finding(conversation, 1, "I won't."),), _policy("mask")).outcome == "removed"


def test_a_layout_without_masks_drops_the_turn() -> None:
    assert decide(TWO, (REFUSAL,), _policy("mask"), can_mask=False).edits == (Edit("drop_turn", 2),)


def test_the_strongest_action_of_a_turn_wins() -> None:
    other = _finding(TWO, 2, "help", "moralising")
    policy = Policy("test", 1, actions={"refusal.policy": "drop_turn", "moralising": "mend"})
    assert decide(TWO, (other, REFUSAL), policy).edits == (Edit("drop_turn", 2),)


def test_the_uncertain_band_asks_a_person_and_changes_nothing() -> None:
    policy = Policy("test", 1, actions={"refusal.policy": "drop"}, thresholds={"default": 0.8, "review": 0.5})
    decision = decide(TWO, (_finding(TWO, 2, "help", probability=0.6),), policy)
    assert (decision.outcome, decision.needs_review) == ("kept", True)
    assert "a person should look" in decision.reason
    below = decide(TWO, (_finding(TWO, 2, "help", probability=0.4),), policy)
    assert (below.outcome, below.needs_review) == ("kept", False)


def test_what_is_found_in_reasoning_is_not_acted_on() -> None:
    finding = Finding("refusal.policy", 2, 0, 1, "I", "rule", 0.99, is_reasoning=True)
    assert decide(TWO, (finding,), _policy("drop")).outcome == "kept"


def test_dropping_a_turn_takes_its_request_and_its_tool_calls_along() -> None:
    conversation = Conversation(
        (
            Turn("system", "s"),
            Turn("user", "a"),
            Turn("assistant", "b", is_target=True),
            Turn("user", "c"),
            Turn("assistant", "", has_tool_calls=True),
            Turn("tool", "d"),
            Turn("assistant", "e", is_target=True),
            Turn("user", "f"),
        )
    )
    assert turns_to_remove(conversation, [Edit("drop_turn", 6)]) == {3, 4, 5, 6}
    assert turns_to_remove(conversation, [Edit("cut", 6)]) == {3, 4, 5, 6, 7}
    assert turns_to_remove(conversation, [Edit("drop_turn", 2)]) == {1, 2}


def test_a_call_that_is_written_in_the_text_goes_with_its_exchange() -> None:
    turns = (
        Turn("user", "Name a tree."),
        Turn("assistant", "An oak.", is_target=True),
        Turn("user", "How do I pick a lock?"),
        Turn("assistant", "<tool_call>{}</tool_call>", is_target=True),
        Turn("tool", "<tool_response>{}</tool_response>"),
        Turn("assistant", "I won't help with that.", is_target=True),
        Turn("user", "Why not?"),
        Turn("assistant", "[ask(why=1)]", is_target=True),
        Turn("tool", "[]"),
        Turn("assistant", "It is locked.", is_target=True),
    )
    conversation, alone = Conversation(turns), Conversation(turns[2:6])
    found = (_finding(conversation, 5, "I won't help with that."),)
    assert turns_to_remove(conversation, decide(conversation, found, _policy("drop_turn")).edits) == {2, 3, 4, 5}
    assert decide(alone, (_finding(alone, 3, "I won't help with that."),), _policy("drop_turn")).outcome == "removed"


CALLS = Conversation(
    (
        Turn("user", "What is the weather?"),
        Turn("assistant", "I won't help with that.", is_target=True, has_tool_calls=True),
        Turn("tool", "12"),
        Turn("assistant", "It is mild.", is_target=True),
        Turn("user", "Why not?"),
        Turn("assistant", "I won't help with that.", is_target=True),
        Turn("user", "Name a tree."),
        Turn("assistant", "An oak.", is_target=True),
        Turn("assistant", "An ash.", is_target=True),
    )
)


@pytest.mark.parametrize(("turn", "gone"), [(1, {0, 1, 2, 3, 4, 5}), (7, {6, 7, 8}), (8, {8})])
def test_what_follows_a_dropped_answer_up_to_the_next_request_goes_with_it(turn: int, gone: set[int]) -> None:
    found = (_finding(CALLS, turn, CALLS.turns[turn].text),)
    assert turns_to_remove(CALLS, decide(CALLS, found, _policy("drop_turn")).edits) == gone


@pytest.mark.parametrize("action", ["drop_turn", "cut", "drop", "mend"])
@pytest.mark.parametrize(("turn", "floor"), [(1, 3), (3, 1), (1, 5), (7, 8)])
def test_no_exchange_goes_in_which_the_floor_keeps_an_answer(turn: int, floor: int, action: str) -> None:
    found = (_finding(CALLS, turn, CALLS.turns[turn].text),)
    decision = decide(CALLS, found, _policy(action), floor_turns={floor: NAMED})
    assert decision.outcome != "removed" and floor not in turns_to_remove(CALLS, decision.edits)


@pytest.mark.parametrize("action", ACTIONS)
def test_no_action_touches_a_floor_refusal(action: str) -> None:
    decision = decide(TWO, (REFUSAL,), _policy(action), floor_turns={2: NAMED})
    assert decision.outcome in ("kept", "labelled")
    assert decision.edits == ()


three_answers = _conversation("One is here.", "Two is here.", "Three is here.")
findings = st.lists(
    st.builds(
        lambda turn, behaviour, probability: Finding(
            behaviour, turn, 0, 5, three_answers.turns[turn].text[:5], "rule", probability
        ),
        st.sampled_from([1, 3, 5]),
        st.sampled_from(sorted(BEHAVIOURS)),
        st.floats(0, 1),
    ),
    max_size=6,
)
policies = st.builds(
    lambda actions: Policy("any", 1, actions=actions),
    st.dictionaries(st.sampled_from(sorted(BEHAVIOURS)), st.sampled_from(ACTIONS)),
)


@given(findings, policies, st.sets(st.sampled_from([1, 3, 5]), min_size=1))
def test_whatever_the_policy_a_floor_refusal_stays(found: list[Finding], policy: Policy, floor: set[int]) -> None:
    decision = decide(three_answers, tuple(found), policy, floor_turns=dict.fromkeys(floor, NAMED))
    assert decision.outcome != "removed"
    assert not floor & turns_to_remove(three_answers, decision.edits)
    assert not floor & {edit.turn for edit in decision.edits}


@given(findings, policies)
def test_a_kept_row_has_no_edits_and_a_changed_one_has_some(found: list[Finding], policy: Policy) -> None:
    decision = decide(three_answers, tuple(found), policy)
    assert bool(decision.edits) == (decision.outcome in ("mended", "masked"))
    assert decision.reason.startswith(f"{decision.outcome}: ")
    gone = turns_to_remove(three_answers, decision.edits) | {
        edit.turn for edit in decision.edits if edit.action == "mask"
    }
    if decision.outcome != "removed":
        assert any(turn.is_target and i not in gone for i, turn in enumerate(three_answers.turns))


@pytest.mark.parametrize("name", ["dolphin", "over-refusal", "vendor-free", "label-only"])
def test_an_honest_cannot_is_never_removed_by_a_shipped_policy(name: str) -> None:
    conversation = _conversation("I have no access to your calendar.")
    finding = _finding(conversation, 1, "I have no access to your calendar.", "refusal.capability")
    assert decide(conversation, (finding,), load_policy(name)).outcome in ("kept", "labelled")


@pytest.mark.parametrize(
    ("action", "probability", "is_reasoning", "said"),
    [
        ("keep", 0.99, False, "which policy test keeps"),
        (
            "drop",
            0.40,
            False,
            "with probability 0.40, too low for policy test to act on (0.80) or to ask a person (0.50)",
        ),
        ("keep", 0.40, False, "which policy test keeps"),
        ("drop", 0.99, True, "in its reasoning, which is reported and left alone"),
        ("drop", 0.0, False, "too low for policy test to act on (0.80) or to ask a person (0.50)"),
    ],
)
def test_the_reason_for_leaving_a_row_alone_is_the_true_one(
    action: str, probability: float, is_reasoning: bool, said: str
) -> None:
    finding = replace(REFUSAL, probability=probability, is_reasoning=is_reasoning)
    decision = decide(TWO, (finding,), _policy(action))
    assert decision.outcome == "kept" and not decision.needs_review
    assert decision.reason.endswith(said), decision.reason


def test_an_honest_cannot_beside_an_answer_is_kept_and_the_reason_says_why() -> None:
    conversation = _conversation("I have no access to your calendar. Most people book in May.")
    finding = replace(
        _finding(conversation, 1, "I have no access to your calendar.", "refusal.partial"),
        rule="en.capability.no-access",
    )
    decision = decide(conversation, (finding,), load_policy("dolphin"))
    assert decision.outcome == "kept"
    assert decision.reason.endswith(
        "by rule en.capability.no-access an honest inability beside an answer, and refusal.capability is what policy dolphin keeps"
    )


def test_of_findings_that_change_nothing_the_reason_names_the_most_likely() -> None:
    weak, kept = replace(REFUSAL, probability=0.3), _finding(TWO, 4, "An oak.", "identity.vendor", 0.9)
    decision = decide(TWO, (weak, kept), _policy("drop"))
    assert "identity.vendor" in decision.reason and decision.reason.endswith("which policy test keeps")


def test_a_rule_decides_over_its_behaviour_and_the_reason_names_it() -> None:
    conversation = _conversation("Crime is wrong. An oak is a tree.")
    finding = _finding(conversation, 1, "Crime is wrong.", "moralising")
    for rules, outcome in (({"rule": "keep"}, "kept"), ({"rul*": "drop"}, "removed")):
        decision = decide(conversation, (finding,), replace(_policy("mend", "moralising"), rules=rules))
        assert decision.outcome == outcome
        assert f" for {next(iter(rules))}" in decision.reason


def test_what_the_owner_excepts_is_left_alone_and_said() -> None:
    decision = decide(TWO, (REFUSAL,), _policy("drop"), excepted={REFUSAL: "I won't help"})
    assert (decision.outcome, decision.findings) == ("kept", (REFUSAL,))
    assert decision.reason == (
        "kept: turn 3 declines because it should not (refusal.policy: “I won't help with that.”), "
        "which policy test excepts: “I won't help”"
    )


def test_an_exception_saves_no_other_finding() -> None:
    conversation = _conversation("We cannot refund that.", "I won't help with that.", "An oak.")
    own = _finding(conversation, 1, "We cannot refund that.")
    other = _finding(conversation, 3, "I won't help with that.")
    decision = decide(conversation, (own, other), _policy("drop_turn"), excepted={own: "We cannot refund"})
    assert decision.edits == (Edit("drop_turn", 3),)
    assert decision.findings == (own, other)
    assert decision.reason.endswith("which policy test excepts: “We cannot refund”")
    assert "says drop_turn; turn 2" in decision.reason


@pytest.mark.parametrize("action", ACTIONS)
def test_no_rule_removes_a_refusal_of_the_floor(action: str) -> None:
    policy = replace(_policy("keep"), rules={"*": action})
    decision = decide(TWO, (REFUSAL,), policy, floor_turns={2: NAMED})
    assert 2 not in turns_to_remove(TWO, decision.edits)
    assert decision.outcome in ("kept", "labelled")


def test_where_the_floor_holds_one_turn_the_reason_says_what_was_done_to_another_too() -> None:
    three = _conversation("I won't joke about that.", "I won't help with that.", "An oak.")
    joke, sarin = _finding(three, 1, "I won't joke about that."), _finding(three, 3, "I won't help with that.")
    decision = decide(three, (joke, sarin), _policy("drop_turn"), floor_turns={3: NAMED})
    assert decision.edits == (Edit("drop_turn", 1),)
    assert decision.is_floor
    assert "turn 2 declines" in decision.reason and "policy test says drop_turn" in decision.reason
    assert decision.reason.endswith(
        "; turn 4 names a topic of the floor (violence) in its request, and such a refusal is never removed"
    )


def test_what_the_floor_or_an_exception_keeps_was_not_acted_on_beside_what_was() -> None:
    found = (_finding(TWO, 2, "I won't help with that."), _finding(TWO, 4, "An oak."))
    held = decide(TWO, found, _policy("drop_turn"), floor_turns={2: NAMED})
    assert (held.outcome, held.acted_on) == ("mended", found[1:])
    excepted = decide(TWO, found, _policy("drop_turn"), excepted={found[0]: "won't"})
    assert (excepted.outcome, excepted.acted_on) == ("mended", found[1:])
    assert decide(TWO, found, _policy("drop")).acted_on == found
    assert decide(TWO, found, _policy("label"), floor_turns={2: NAMED}).acted_on == found
    assert decide(TWO, found, _policy("keep")).acted_on == ()


def test_a_refusal_after_a_request_of_the_floor_says_why_it_stays() -> None:
    three = _conversation("I won't help with that.", "I won't joke about that.", "An oak.")
    found = (_finding(three, 1, "I won't help with that."), _finding(three, 3, "I won't joke about that."))
    decision = decide(three, found, _policy("drop_turn"), floor_turns={1: NAMED, 3: EARLIER})
    assert (decision.outcome, decision.edits) == ("kept", ())
    assert decision.reason == (
        "kept: turn 2 names a topic of the floor (violence) in its request, and such a refusal is never removed; turn 4 refuses "
        "after a request that names a topic of the floor (minors, fraud), which it may still be about, and is never removed"
    )


def test_the_reason_says_which_rule_found_what_is_acted_on_and_how_surely() -> None:
    guessed = replace(REFUSAL, rule="model", probability=0.9022)
    assert decide(TWO, (guessed,), _policy("drop")).reason == (
        "removed: turn 3 declines because it should not (refusal.policy: “I won't help with that.”) by rule model with "
        "probability 0.90, and policy test says drop"
    )
    decision = decide(TWO, (replace(guessed, probability=0.6),), _policy("drop"))
    assert "by rule model with probability 0.60, under the threshold of 0.80" in decision.reason


def test_the_reason_says_whose_word_an_action_is() -> None:
    policy = _policy("drop")
    assert "and policy test says drop" in decide(TWO, (REFUSAL,), policy).reason
    for asked in (policy, replace(policy, rules={"rule": "keep"})):
        said = decide(TWO, (REFUSAL,), replace(asked, asked={REFUSAL: ("drop", ("ada",))}))
        assert said.outcome == "removed" and "and ada says drop" in said.reason
    assert "policy test says drop for rule" in decide(TWO, (REFUSAL,), replace(policy, rules={"rule": "drop"})).reason


def test_what_a_person_asks_for_is_done_though_other_findings_of_the_words_wait_or_stand_in_reasoning() -> None:
    """A mend waits for no other judgement, and a row is dropped for its reasoning too, which no policy looks at."""
    answer = _conversation("I won't help with that. Oak, ash and elm grow in most gardens here.")
    refusal = _finding(answer, 1, "I won't help with that.")
    unsure = replace(refusal, behaviour="refusal.partial", probability=0.6)
    policy = Policy("test", 1, actions={"refusal.policy": "mend", "refusal.partial": "drop_turn"})
    assert decide(answer, (refusal, unsure), policy).edits == ()
    asked = decide(answer, (refusal, unsure), replace(policy, asked={refusal: ("mend", ("ada",))}))
    assert [edit.action for edit in asked.edits] == ["mend"] and asked.waits_for == (unsure,)
    thought = replace(REFUSAL, is_reasoning=True)
    for action, outcome in (("mend", "kept"), ("drop", "removed")):
        assert decide(TWO, (thought,), replace(policy, asked={thought: (action, ("ada",))})).outcome == outcome


def test_an_audit_says_what_it_found_likeliest_first_and_no_endless_list() -> None:
    found = tuple(replace(REFUSAL, quote=f"No {number}.", probability=number / 10) for number in range(1, 6))
    decision = audited((*found, replace(REFUSAL, quote="Never.", probability=0.95, is_reasoning=True)))
    assert (decision.outcome, decision.edits, len(decision.findings)) == ("kept", (), 6)
    assert decision.reason == (
        "kept: turn 3 declines because it should not (refusal.policy: “Never.”) in its reasoning by rule rule with probability "
        "0.95; turn 3 declines because it should not (refusal.policy: “No 5.”) by rule rule with probability 0.50; "
        "turn 3 declines because it should not (refusal.policy: “No 4.”) by rule rule with probability 0.40; 3 more; "
        "an audit changes nothing"
    )


@pytest.mark.parametrize(
    ("actions", "rules", "expected"),
    [
        ({"refusal.partial": "drop", "refusal.capability": "keep"}, {}, "keep"),
        ({"refusal.partial": "drop"}, {}, "keep"),
        ({"refusal.partial": "drop", "refusal.capability": "label"}, {}, "label"),
        ({"refusal.partial": "label", "refusal.capability": "drop"}, {}, "label"),
        ({"refusal.partial": "drop"}, {"en.capability.*": "drop_turn"}, "drop_turn"),
    ],
)
def test_an_honest_inability_with_an_answer_gets_the_milder_action(
    actions: dict[str, str], rules: dict[str, str], expected: str
) -> None:
    policy = Policy("test", 1, actions=actions, rules=rules)
    partial = replace(REFUSAL, behaviour="refusal.partial")
    assert policy.action_on(replace(partial, rule="en.capability.no-internet")) == expected
    assert policy.action_on(replace(partial, rule="en.refusal.cannot")) == actions["refusal.partial"]
    assert policy.action_on(replace(partial, rule="model")) == actions["refusal.partial"]


@pytest.mark.parametrize("name", ["dolphin", "over-refusal", "vendor-free"])
def test_shipped_policies_keep_an_inability_beside_an_answer(name: str) -> None:
    finding = replace(REFUSAL, behaviour="refusal.partial", rule="de.capability.no-internet")
    assert decide(TWO, (finding,), load_policy(name)).outcome == "kept"


@pytest.mark.parametrize(
    ("action", "asked"), [("drop_turn", "Why not?"), ("cut", "Name a tree."), ("mend", "Name a tree.")]
)
def test_a_row_of_many_findings_is_decided_in_no_long_time(action: str, asked: str) -> None:
    said = "I won't help with that."
    exchange = (Turn("user", asked), Turn("assistant", said, is_target=True))
    found = [Finding("refusal.policy", 2 * n + 1, 0, len(said), said, "rule", 0.99) for n in range(20_000)]
    unsure = [replace(one, behaviour="moralising", probability=0.6) for one in found]
    policy = Policy("test", 1, actions={"refusal.policy": action, "moralising": "drop"})
    started = process_time()
    decision = decide(Conversation(exchange * 20_000), (*found, *unsure), policy)
    assert process_time() - started < 5
    assert decision.outcome == ("kept" if action == "mend" else "removed")
