"""From findings and a policy to the decision on a row. Pure: the same row and policy give the same decision everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from unmoor.policy.mend import cut_spans, is_enough
from unmoor.policy.policy import Policy
from unmoor.records import ACTIONS, BEHAVIOURS, Conversation, Decision, Edit, Finding, without_reasoning

__all__ = ["decide", "turns_to_remove"]

_STRENGTH = {action: strength for strength, action in enumerate(ACTIONS)}
_NONE_EXCEPTED: Mapping[Finding, str] = MappingProxyType({})
_MILD = ("keep", "label", "review")
_QUOTE_CHARS = 80


def decide(
    conversation: Conversation,
    findings: tuple[Finding, ...],
    policy: Policy,
    *,
    floor_turns: frozenset[int] = frozenset(),
    excepted: Mapping[Finding, str] = _NONE_EXCEPTED,
    can_mask: bool = True,
) -> Decision:
    """Decide what happens to a row.

    `floor_turns` are refusals of requests that the floor protects: no edit touches them and no row that holds one is removed.
    `excepted` are findings that the policy leaves alone, each with the phrase of the owner's for which it does.
    `can_mask` says whether the row's layout can mark a turn as not trained on; where it cannot, the turn is dropped instead.
    Findings inside reasoning blocks are reported and never acted on.
    """
    others = tuple(finding for finding in findings if finding not in excepted)
    weighed = _weigh(others, policy)
    asked = {turn: _turn_action(weighed.by_turn[turn], policy, can_mask) for turn in weighed.by_turn}
    actions = _hold_floor(asked, floor_turns)
    edits = _edits(conversation, weighed, policy, actions)
    plan = _Plan(weighed, edits, drops_row="drop" in actions.values(), is_floor=actions != asked)
    decision = _conclude(conversation, others, policy, plan)
    return replace(decision, findings=findings, reason=_reason(decision, excepted, policy))


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Findings that count by turn, and those in the uncertain band."""

    by_turn: dict[int, list[Finding]]
    uncertain: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    weighed: _Weighed
    edits: tuple[Edit, ...]
    drops_row: bool
    is_floor: bool


def _hold_floor(asked: dict[int, str], floor_turns: frozenset[int]) -> dict[int, str]:
    """Return the actions that leave floor turns alone: not edited, and not taken along by what happens to other turns."""
    held = {turn: action for turn, action in asked.items() if turn not in floor_turns or action in _MILD}
    for turn, action in held.items():
        takes_floor = action == "drop" or (action == "cut" and any(other > turn for other in floor_turns))
        held[turn] = "drop_turn" if floor_turns and takes_floor else action
    return held


def _weigh(findings: tuple[Finding, ...], policy: Policy) -> _Weighed:
    by_turn: dict[int, list[Finding]] = {}
    uncertain = []
    for finding in findings:
        if finding.is_reasoning or policy.action_on(finding) == "keep":
            continue
        if finding.probability >= policy.threshold(finding.behaviour):
            by_turn.setdefault(finding.turn, []).append(finding)
        elif finding.probability >= policy.review_from():
            uncertain.append(finding)
    held = [f for here in by_turn.values() for f in here if _hides(f, uncertain, policy)]
    by_turn = {turn: left for turn, here in by_turn.items() if (left := [f for f in here if f not in held])}
    return _Weighed(by_turn, (*uncertain, *held))


def _hides(finding: Finding, uncertain: Iterable[Finding], policy: Policy) -> bool:
    """Return whether a mend would cut the words on which a person has yet to judge something that the policy does more about.

    What the model found without a phrase only borrows its sentence.
    """
    return policy.action_on(finding) == "mend" and any(
        (other.turn, other.field) == (finding.turn, finding.field)
        and other.detector != "model"
        and _STRENGTH[policy.action_on(other)] > _STRENGTH["mend"]
        and other.start_char < finding.end_char
        and finding.start_char < other.end_char
        for other in uncertain
    )


def _turn_action(findings: Iterable[Finding], policy: Policy, can_mask: bool) -> str:
    action = max((policy.action_on(finding) for finding in findings), key=_STRENGTH.__getitem__)
    return "drop_turn" if action == "mask" and not can_mask else action


def _edits(conversation: Conversation, weighed: _Weighed, policy: Policy, actions: dict[int, str]) -> tuple[Edit, ...]:
    edits = []
    for turn, action in sorted(actions.items()):
        if action == "mend":
            edits.append(_mend(conversation, turn, weighed.by_turn[turn], policy))
        elif action in ("mask", "drop_turn", "cut"):
            edits.append(Edit(action, turn))  # type: ignore[arg-type]
    return tuple(edits)


def _mend(conversation: Conversation, turn: int, findings: list[Finding], policy: Policy) -> Edit:
    """Cut the spans; if too little of the answer would be left, drop the turn, whatever reasoning stands before it."""
    spans = tuple(
        (finding.start_char, finding.end_char)
        for finding in findings
        if policy.action_on(finding) == "mend" and finding.field == "text"
    )
    left = cut_spans(conversation.turns[turn].text, spans)
    return Edit("mend", turn, spans) if is_enough(without_reasoning(left)) else Edit("drop_turn", turn)


def turns_to_remove(conversation: Conversation, edits: Iterable[Edit]) -> frozenset[int]:
    """Return the indices of turns that `drop_turn` (an answer with its request) and `cut` (from there on) take away."""
    gone: set[int] = set()
    for edit in edits:
        if edit.action in ("drop_turn", "cut"):
            start = _request_start(conversation, edit.turn)
            gone.update(range(start, len(conversation.turns) if edit.action == "cut" else edit.turn + 1))
    return frozenset(gone)


def _request_start(conversation: Conversation, turn: int) -> int:
    """Return where the exchange that ends in `turn` begins: after the previous answer or the system prompt."""
    start = turn
    while start > 0:
        before = conversation.turns[start - 1]
        if before.role == "system" or (before.role == "assistant" and not before.has_tool_calls):
            break
        start -= 1
    return start


def _conclude(conversation: Conversation, findings: tuple[Finding, ...], policy: Policy, plan: _Plan) -> Decision:
    counted = [finding for turn in sorted(plan.weighed.by_turn) for finding in plan.weighed.by_turn[turn]]
    labels = tuple(dict.fromkeys(f.behaviour for f in counted if policy.action_on(f) == "label"))
    needs_review = bool(plan.weighed.uncertain) or "review" in {policy.action_on(f) for f in counted}
    gone = turns_to_remove(conversation, plan.edits)
    masked = {edit.turn for edit in plan.edits if edit.action == "mask"}
    is_left = any(turn.is_target for i, turn in enumerate(conversation.turns) if i not in gone and i not in masked)
    if plan.drops_row or (plan.edits and not is_left):
        why = _because(counted, policy) + ("" if plan.drops_row else "; nothing was left to train on")
        return Decision("removed", f"removed: {why}", findings, is_floor=plan.is_floor)
    outcome = "kept"
    if any(edit.action != "mask" for edit in plan.edits):
        outcome = "mended"
    elif plan.edits:
        outcome = "masked"
    elif labels:
        outcome = "labelled"
    reason = f"{outcome}: {_why_here(plan, counted, findings, policy)}"
    return Decision(outcome, reason, findings, plan.edits, labels, needs_review, plan.is_floor)  # type: ignore[arg-type]


def _why_here(plan: _Plan, counted: list[Finding], findings: tuple[Finding, ...], policy: Policy) -> str:
    if plan.is_floor:
        return "the request names a topic of the floor, and its refusal is never removed"
    if counted:
        return _because(counted, policy)
    if plan.weighed.uncertain:
        finding = plan.weighed.uncertain[0]
        return (
            f"{_says(finding)} with probability {finding.probability:.2f}, under the threshold of "
            f"{policy.threshold(finding.behaviour):.2f}; a person should look"
        )
    return (
        _why_left(max(findings, key=lambda finding: finding.probability), policy) if findings else "nothing was found"
    )


def _why_left(finding: Finding, policy: Policy) -> str:
    """Say why nothing follows from a finding; only people give one the probability 0."""
    if finding.probability == 0:
        return f"{_says(finding)}, and a person called that wrong"
    if finding.is_reasoning:
        return f"{_says(finding)} in its reasoning, which is reported and left alone"
    if policy.action_on(finding) == "keep":
        return f"{_says(finding)}, which policy {policy.name} keeps{_by_rule(finding, policy)}"
    return (
        f"{_says(finding)} with probability {finding.probability:.2f}, too low for policy {policy.name} to act on "
        f"({policy.threshold(finding.behaviour):.2f}) or to ask a person ({policy.review_from():.2f})"
    )


def _because(counted: list[Finding], policy: Policy) -> str:
    strongest = max(counted, key=lambda finding: _STRENGTH[policy.action_on(finding)])
    more = f" and {len(counted) - 1} more" if len(counted) > 1 else ""
    return f"{_says(strongest)}{more}, and policy {policy.name} says {policy.action_on(strongest)}{_by_rule(strongest, policy)}"


def _by_rule(finding: Finding, policy: Policy) -> str:
    rule = policy.rule_of(finding)
    return f" for {rule}" if rule is not None else ""


def _reason(decision: Decision, excepted: Mapping[Finding, str], policy: Policy) -> str:
    """Return the reason with a word about what the policy leaves alone, unless the row goes for something else."""
    if not excepted or decision.outcome == "removed":
        return decision.reason
    finding = max(excepted, key=lambda finding: finding.probability)
    more = f" and {len(excepted) - 1} more" if len(excepted) > 1 else ""
    why = f"{_says(finding)}{more}, which policy {policy.name} excepts: “{excepted[finding]}”"
    return f"{decision.reason}; {why}" if decision.findings else f"kept: {why}"


def _says(finding: Finding) -> str:
    quote = " ".join(finding.quote.split())
    quote = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "…"
    what = BEHAVIOURS.get(finding.behaviour, f"matches {finding.behaviour}")
    return f"turn {finding.turn + 1} {what} ({finding.behaviour}: “{quote}”)"
