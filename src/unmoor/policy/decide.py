"""From findings and a policy to the decision on a row. Pure: the same row and policy give the same decision everywhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType

from unmoor.policy.follow_ups import exchanges_of, follow_ups_of
from unmoor.policy.left import left_alone
from unmoor.policy.mend import cut_spans, is_enough, merged
from unmoor.policy.policy import Policy
from unmoor.policy.reasons import (
    STRENGTH,
    Plan,
    Weighed,
    audited,
    because,
    nothing_left,
    why_here,
    why_waits,
    with_exceptions,
    with_it,
)
from unmoor.policy.whole import whole_spans
from unmoor.records import (
    REFUSALS,
    Conversation,
    Decision,
    Edit,
    Finding,
    Held,
    without_reasoning,
)

__all__ = ["audited", "decide", "turns_to_remove"]

_NONE_EXCEPTED: Mapping[Finding, str] = MappingProxyType({})
_NO_TURNS: Mapping[int, Held] = MappingProxyType({})
_MILD = ("keep", "label", "review")


def decide(
    conversation: Conversation,
    findings: tuple[Finding, ...],
    policy: Policy,
    *,
    floor_turns: Mapping[int, Held] = _NO_TURNS,
    excepted: Mapping[Finding, str] = _NONE_EXCEPTED,
    judged: Set[Finding] = frozenset(),
    can_mask: bool = True,
) -> Decision:
    """Decide what happens to a row.

    `floor_turns` are refusals that the floor protects, each with the topics, and whether its own request names them or only one
    before it: no edit touches them and no row that holds one is removed. `judged` are the findings of which a person said what
    they are.
    `excepted` are findings that the policy leaves alone, each with the phrase of the owner's for which it does.
    `can_mask` says whether the row's layout can mark a turn as not trained on; where it cannot, the turn is dropped instead.
    Findings inside reasoning blocks are reported and never acted on, but for the row that a person wants dropped.
    """
    others = tuple(finding for finding in findings if finding not in excepted)
    weighed = _weigh(conversation, others, policy, judged)
    asked = {turn: _turn_action(weighed.by_turn[turn], policy, can_mask) for turn in weighed.by_turn}
    actions = _hold_floor(conversation, asked, frozenset(floor_turns))
    edits = _edits(conversation, weighed, policy, actions)
    orphans = _orphans(conversation, edits, frozenset(floor_turns))
    emptied = tuple(edit.turn for edit in edits if edit.action == "drop_turn" and actions[edit.turn] == "mend")
    edits = tuple(sorted((*edits, *(Edit("drop_turn", turn) for turn in orphans)), key=lambda edit: edit.turn))
    held = floor_turns if actions != asked else _NO_TURNS
    plan = Plan(weighed, edits, "drop" in actions.values(), frozenset(actions), held, orphans, emptied, judged)
    decision = _conclude(conversation, others, policy, plan)
    left = left_alone(findings, decision.acted_on, policy, weighed=weighed, excepted=excepted, judged=judged)
    return replace(decision, findings=findings, left_alone=left, reason=with_exceptions(decision, excepted, policy))


def _hold_floor(conversation: Conversation, asked: dict[int, str], floor_turns: frozenset[int]) -> dict[int, str]:
    """Return the actions that leave floor turns alone: not edited, and not taken along by what happens to other turns."""
    if not floor_turns:
        return asked
    held = {turn: action for turn, action in asked.items() if turn not in floor_turns or action in _MILD}
    last = max(floor_turns)
    for turn, action in held.items():
        takes_floor = action == "drop" or (action == "cut" and last > turn)
        held[turn] = "drop_turn" if takes_floor else action
    exchanges, in_order = exchanges_of(conversation), sorted(floor_turns)
    return {
        turn: action
        for turn, action in held.items()
        if action in (*_MILD, "mask") or not _is_among(in_order, exchanges[turn])
    }


def _is_among(turns: Sequence[int], exchange: range) -> bool:
    """Return whether one of some turns, which stand in order, belongs to an exchange."""
    place = bisect_left(turns, exchange.start)
    return place < len(turns) and turns[place] in exchange


def _weigh(conversation: Conversation, findings: tuple[Finding, ...], policy: Policy, judged: Set[Finding]) -> Weighed:
    by_turn: dict[int, list[Finding]] = {}
    uncertain = []
    for finding in findings:
        if policy.action_on(finding) == "keep" or (finding.is_reasoning and not _drops_by_hand(finding, policy)):
            continue
        if finding.probability >= policy.threshold(finding.behaviour):
            by_turn.setdefault(finding.turn, []).append(finding)
        elif finding.probability >= policy.review_from():
            uncertain.append(finding)
    by_turn = {turn: _without_covered(here, policy) for turn, here in by_turn.items()}
    unsure: dict[int, list[Finding]] = {}
    for finding in uncertain:
        unsure.setdefault(finding.turn, []).append(finding)
    mended = {turn: here for turn, here in by_turn.items() if _turn_action(here, policy, can_mask=True) == "mend"}
    hiding = {
        finding: None
        for turn, here in mended.items()
        for finding in here
        if finding not in policy.asked and _hides(finding, unsure.get(turn, ()), policy)
    }
    by_turn = {turn: left for turn, here in by_turn.items() if (left := [f for f in here if f not in hiding])}
    refusing: dict[int, list[tuple[int, int]]] = {}
    for one in findings:
        is_kept = one.behaviour in REFUSALS and one.detector != "model" and policy.action_on(one) == "keep"
        if is_kept and one.field == "text" and one.probability >= policy.review_from():
            refusing.setdefault(one.turn, []).append((one.start_char, one.end_char))
    bare = {
        finding: None
        for turn, here in by_turn.items()
        if turn in mended and turn in refusing
        if _leaves_a_refusal(conversation.turns[turn].text, here, refusing[turn], policy)
        for finding in here
        if policy.action_on(finding) == "mend" and finding not in judged  # a person's word is carried out
    }
    by_turn = {turn: left for turn, here in by_turn.items() if (left := [f for f in here if f not in bare])}
    return Weighed(by_turn, tuple(uncertain), tuple(hiding), tuple(bare))


def _drops_by_hand(finding: Finding, policy: Policy) -> bool:
    """Return whether a person asked on this very finding for its row to be dropped."""
    return finding in policy.asked and policy.action_on(finding) == "drop"


def _without_covered(findings: list[Finding], policy: Policy) -> list[Finding]:
    """Return the findings of a turn without vendors that are named in no other words than those of a disclaimer which is cut:
    nothing of them is left, and the answer beside them need not go. What a person asked for on one is done all the same.
    """
    cut = [f for f in findings if f.behaviour == "disclaimer.identity" and policy.action_on(f) == "mend"]
    return [
        f
        for f in findings
        if f.behaviour != "identity.vendor" or f in policy.asked or not any(c.covers(f) for c in cut)
    ]


def _leaves_a_refusal(said: str, here: list[Finding], refused: list[tuple[int, int]], policy: Policy) -> bool:
    """Return whether a mend of a turn would leave nothing but what stands at `refused`, sentences that refuse and are kept: a
    lecture that declines would become the bare inability that stood before it.
    """
    spans = _mended_spans(here, policy)
    left = cut_spans(said, whole_spans(said, merged(spans, len(said))))
    beside = cut_spans(said, merged((*spans, *refused), len(said)))
    return is_enough(without_reasoning(left)) and not is_enough(without_reasoning(beside))


def _mended_spans(findings: Iterable[Finding], policy: Policy) -> tuple[tuple[int, int], ...]:
    return tuple(
        (finding.start_char, finding.end_char)
        for finding in findings
        if policy.action_on(finding) == "mend" and finding.field == "text"
    )


def _hides(finding: Finding, uncertain: Iterable[Finding], policy: Policy) -> bool:
    """Return whether a mend would cut the words on which a person has yet to judge something that the policy does more about;
    `uncertain` are the findings of its turn.

    What the model found without a phrase only borrows its sentence.
    """
    return policy.action_on(finding) == "mend" and any(
        other.detector != "model"
        and STRENGTH[policy.action_on(other)] > STRENGTH["mend"]
        and finding.shares_words(other)
        for other in uncertain
    )


def _turn_action(findings: Iterable[Finding], policy: Policy, can_mask: bool) -> str:
    action = max((policy.action_on(finding) for finding in findings), key=STRENGTH.__getitem__)
    return "drop_turn" if action == "mask" and not can_mask else action


def _edits(conversation: Conversation, weighed: Weighed, policy: Policy, actions: dict[int, str]) -> tuple[Edit, ...]:
    edits = []
    for turn, action in sorted(actions.items()):
        if action == "mend":
            edits.append(_mend(conversation, turn, weighed.by_turn[turn], policy))
        elif action in ("mask", "drop_turn", "cut"):
            edits.append(Edit(action, turn))  # type: ignore[arg-type]
    return tuple(edits)


def _mend(conversation: Conversation, turn: int, findings: list[Finding], policy: Policy) -> Edit:
    """Cut the spans; if too little of the answer would be left, drop the turn, whatever reasoning stands before it."""
    said = conversation.turns[turn].text
    spans = whole_spans(said, merged(_mended_spans(findings, policy), len(said)))
    left = cut_spans(said, spans)
    return Edit("mend", turn, spans) if is_enough(without_reasoning(left)) else Edit("drop_turn", turn)


def _orphans(conversation: Conversation, edits: tuple[Edit, ...], floor_turns: frozenset[int]) -> tuple[int, ...]:
    """Return the answers after a dropped one that go with it: "Why not?" asks about nothing where what it asks about is gone."""
    dropped = {edit.turn for edit in edits if edit.action == "drop_turn"}
    exchanges, in_order = exchanges_of(conversation) if dropped else [], sorted(floor_turns)
    found: set[int] = set()
    for first in dropped:
        for turn in follow_ups_of(conversation, exchanges[first][-1]):
            if turn in dropped or _is_among(in_order, exchanges[turn]):
                break
            found.add(turn)
    return tuple(sorted(found))


def turns_to_remove(conversation: Conversation, edits: Iterable[Edit]) -> frozenset[int]:
    """Return the indices of turns that `drop_turn` (an answer with its request) and `cut` (from there on) take away."""
    edits = [edit for edit in edits if edit.action in ("drop_turn", "cut")]
    exchanges = exchanges_of(conversation) if edits else []
    gone: set[int] = set()
    for turn in (edit.turn for edit in edits if edit.action == "drop_turn"):
        gone.update(exchanges[turn] if turn not in gone else ())  # what has gone has gone with all that goes with it
    first = min((exchanges[edit.turn].start for edit in edits if edit.action == "cut"), default=len(conversation.turns))
    return frozenset((*gone, *range(first, len(conversation.turns))))


def _conclude(conversation: Conversation, findings: tuple[Finding, ...], policy: Policy, plan: Plan) -> Decision:
    counted = [finding for turn in sorted(plan.weighed.by_turn) for finding in plan.weighed.by_turn[turn]]
    gone = turns_to_remove(conversation, plan.edits)
    labels = tuple(dict.fromkeys(f.behaviour for f in counted if policy.action_on(f) == "label" and f.turn not in gone))
    waits_for = tuple(f for f in _asked_about(plan, counted, policy) if f.turn not in gone)
    acted_on = tuple(f for f in counted if f.turn in plan.acted or policy.action_on(f) in ("label", "review"))
    masked = {edit.turn for edit in plan.edits if edit.action == "mask"}
    left = (turn for i, turn in enumerate(conversation.turns) if i not in gone and i not in masked)
    is_left = any(turn.is_target and (turn.text or turn.reasoning or turn.has_tool_calls) for turn in left)
    if plan.drops_row or (plan.edits and not is_left):
        why = because(counted, policy) + nothing_left(plan) + with_it(conversation, plan)
        why += "" if plan.drops_row else "; nothing was left to train on"
        return Decision("removed", f"removed: {why}", findings, is_floor=bool(plan.held), acted_on=acted_on)
    outcome = "kept"
    if any(edit.action != "mask" for edit in plan.edits):
        outcome = "mended"
    elif plan.edits:
        outcome = "masked"
    elif labels:
        outcome = "labelled"
    why = why_here(plan, counted, findings, policy) + nothing_left(plan) + with_it(conversation, plan)
    reason = f"{outcome}: {why}"
    reason += why_waits(waits_for, plan, counted, policy)
    return Decision(outcome, reason, findings, plan.edits, labels, waits_for, bool(plan.held), acted_on)  # type: ignore[arg-type]


def _asked_about(plan: Plan, counted: list[Finding], policy: Policy) -> list[Finding]:
    """Return the findings that a person is to judge: the uncertain ones, those that cannot be mended, and those for which the
    policy says so and nobody has.
    """
    return [
        *plan.weighed.uncertain,
        *plan.weighed.bare,
        *(one for one in counted if policy.action_on(one) == "review" and one not in plan.judged),
    ]
