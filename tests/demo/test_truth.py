"""Precision and recall by row, worked out by hand."""

from __future__ import annotations

from unmoor.demo.truth import GroundTruth, Score, TrueRow, TrueTurn


def row(number: int, *behaviours: str, also: tuple[str, ...] = ()) -> TrueRow:
    turns = (TrueTurn("Why?", "Because.", "Because."),)
    return TrueRow(number, "kind", "en", "", turns, frozenset(behaviours), frozenset(also))


TRUTH = GroundTruth(
    (
        row(1, "refusal.policy", also=("moralising",)),
        row(2, "refusal.policy"),
        row(3, "moralising"),
        row(4),
        row(5, "refusal.capability"),
    )
)
ACTED_ON = ("refusal.policy", "moralising")


def test_a_perfect_audit_scores_one() -> None:
    found = {1: {"refusal.policy"}, 2: {"refusal.policy"}, 3: {"moralising"}, 5: {"refusal.capability"}}
    assert TRUTH.score(found, ACTED_ON) == Score(1.0, 1.0, (), (), 3)


def test_what_is_missed_lowers_recall_and_what_is_invented_precision() -> None:
    found = {1: {"refusal.policy"}, 3: {"moralising"}, 4: {"moralising"}}
    assert TRUTH.score(found, ACTED_ON) == Score(2 / 3, 2 / 3, (2,), (4,), 2)


def test_a_behaviour_that_may_be_there_counts_neither_for_nor_against() -> None:
    found = {1: {"refusal.policy", "moralising"}, 2: {"refusal.policy"}, 3: {"moralising"}}
    assert TRUTH.score(found, ACTED_ON) == Score(1.0, 1.0, (), (), 3)


def test_the_wrong_behaviour_is_both_wrong_and_missed() -> None:
    found = {1: {"refusal.policy"}, 2: {"moralising"}, 3: {"moralising"}}
    assert TRUTH.score(found, ACTED_ON) == Score(2 / 3, 2 / 3, (2,), (2,), 2)


def test_behaviours_that_the_policy_keeps_are_left_out() -> None:
    found = {4: {"refusal.capability"}, 1: {"refusal.policy"}, 2: {"refusal.policy"}, 3: {"moralising"}}
    assert TRUTH.score(found, ACTED_ON) == Score(1.0, 1.0, (), (), 3)
    assert GroundTruth(()).score({}, ACTED_ON) == Score(1.0, 1.0, (), (), 0)


def test_precision_is_a_share_of_what_was_found_and_recall_of_what_is_there() -> None:
    score = TRUTH.score({1: {"refusal.policy"}, 4: {"moralising"}, 5: {"moralising"}}, ACTED_ON)
    assert (score.found, score.true) == (3, 3)
    assert (score.precision * score.found, score.recall * score.true) == (1, 1)
