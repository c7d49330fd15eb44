"""From findings and a policy to the decision on a row. Pure: the same row and policy give the same decision everywhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from unmoor.policy.follow_ups import follow_ups_of
from unmoor.policy.mend import cut_spans, is_enough, merged
from unmoor.policy.policy import Policy
from unmoor.policy.whole import whole_spans
from unmoor.records import ACTIONS, BEHAVIOURS, Conversation, Decision, Edit, Finding, Held, without_reasoning

__all__ = ["audited", "decide", "turns_to_remove"]

_STRENGTH = {action: strength for strength, action in enumerate(ACTIONS)}
_NONE_EXCEPTED: Mapping[Finding, str] = MappingProxyType({})
_NOBODY: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_NO_TURNS: Mapping[int, Held] = MappingProxyType({})
_MILD = ("keep", "label", "review")
_QUOTE_CHARS = 80
_FOUND_SAID = 3
"""Findings that an audit's reason names, the likeliest first."""


def audited(findings: tuple[Finding, ...]) -> Decision:
    """Return the decision on a row in which an audit found something: what it was, and that nothing follows."""
    likeliest = sorted(findings, key=lambda finding: -finding.probability)
    said = [
        f"{_says(finding)}{' in its reasoning' if finding.is_reasoning else ''} {_by(finding)}"
        for finding in likeliest[:_FOUND_SAID]
    ]
    more = [f"{len(likeliest) - _FOUND_SAID} more"] if len(likeliest) > _FOUND_SAID else []
    return Decision("kept", f"kept: {'; '.join([*said, *more])}; an audit changes nothing", findings)


def decide(
    conversation: Conversation,
    findings: tuple[Finding, ...],
    policy: Policy,
    *,
    floor_turns: Mapping[int, Held] = _NO_TURNS,
    excepted: Mapping[Finding, str] = _NONE_EXCEPTED,
    asked_by: Mapping[str, tuple[str, ...]] = _NOBODY,
    can_mask: bool = True,
) -> Decision:
    """Decide what happens to a row.

    `floor_turns` are refusals that the floor protects, each with the topics, and whether its own request names them or only one
    before it: no edit touches them and no row that holds one is removed. `asked_by` has the behaviours and rules whose action is
    a person's word and not the policy's, with the persons' names.
    `excepted` are findings that the policy leaves alone, each with the phrase of the owner's for which it does.
    `can_mask` says whether the row's layout can mark a turn as not trained on; where it cannot, the turn is dropped instead.
    Findings inside reasoning blocks are reported and never acted on.
    """
    others = tuple(finding for finding in findings if finding not in excepted)
    weighed = _weigh(others, policy)
    asked = {turn: _turn_action(weighed.by_turn[turn], policy, can_mask) for turn in weighed.by_turn}
    actions = _hold_floor(conversation, asked, frozenset(floor_turns))
    edits = _edits(conversation, weighed, policy, actions)
    orphans = _orphans(conversation, edits, frozenset(floor_turns))
    edits = tuple(sorted((*edits, *(Edit("drop_turn", turn) for turn in orphans)), key=lambda edit: edit.turn))
    held = floor_turns if actions != asked else _NO_TURNS
    plan = _Plan(weighed, edits, "drop" in actions.values(), frozenset(actions), held, orphans, asked_by)
    decision = _conclude(conversation, others, policy, plan)
    return replace(decision, findings=findings, reason=_reason(decision, excepted, policy))


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Findings that count by turn, those in the uncertain band, and those whose mend would cut the words of one of these."""

    by_turn: dict[int, list[Finding]]
    uncertain: tuple[Finding, ...]
    hiding: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done: `acted` are the turns that something is done to, `held` those that the floor keeps from it, `orphans`
    the answers that go because their request asks back about one that goes.
    """

    weighed: _Weighed
    edits: tuple[Edit, ...]
    drops_row: bool
    acted: frozenset[int]
    held: Mapping[int, Held]
    orphans: tuple[int, ...]
    asked_by: Mapping[str, tuple[str, ...]]


def _hold_floor(conversation: Conversation, asked: dict[int, str], floor_turns: frozenset[int]) -> dict[int, str]:
    """Return the actions that leave floor turns alone: not edited, and not taken along by what happens to other turns."""
    if not floor_turns:
        return asked
    held = {turn: action for turn, action in asked.items() if turn not in floor_turns or action in _MILD}
    last = max(floor_turns)
    for turn, action in held.items():
        takes_floor = action == "drop" or (action == "cut" and last > turn)
        held[turn] = "drop_turn" if takes_floor else action
    exchanges, in_order = _exchanges(conversation), sorted(floor_turns)
    return {
        turn: action
        for turn, action in held.items()
        if action in (*_MILD, "mask") or not _is_among(in_order, exchanges[turn])
    }


def _is_among(turns: Sequence[int], exchange: range) -> bool:
    """Return whether one of some turns, which stand in order, belongs to an exchange."""
    place = bisect_left(turns, exchange.start)
    return place < len(turns) and turns[place] in exchange


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
    unsure: dict[int, list[Finding]] = {}
    for finding in uncertain:
        unsure.setdefault(finding.turn, []).append(finding)
    mended = {turn: here for turn, here in by_turn.items() if _turn_action(here, policy, can_mask=True) == "mend"}
    hiding = {f: None for turn, here in mended.items() for f in here if _hides(f, unsure.get(turn, ()), policy)}
    by_turn = {turn: left for turn, here in by_turn.items() if (left := [f for f in here if f not in hiding])}
    return _Weighed(by_turn, tuple(uncertain), tuple(hiding))


def _hides(finding: Finding, uncertain: Iterable[Finding], policy: Policy) -> bool:
    """Return whether a mend would cut the words on which a person has yet to judge something that the policy does more about;
    `uncertain` are the findings of its turn.

    What the model found without a phrase only borrows its sentence.
    """
    return policy.action_on(finding) == "mend" and any(
        other.detector != "model"
        and _STRENGTH[policy.action_on(other)] > _STRENGTH["mend"]
        and finding.shares_words(other)
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
    said = conversation.turns[turn].text
    spans = tuple(
        (finding.start_char, finding.end_char)
        for finding in findings
        if policy.action_on(finding) == "mend" and finding.field == "text"
    )
    spans = whole_spans(said, merged(spans, len(said)))
    left = cut_spans(said, spans)
    return Edit("mend", turn, spans) if is_enough(without_reasoning(left)) else Edit("drop_turn", turn)


def _orphans(conversation: Conversation, edits: tuple[Edit, ...], floor_turns: frozenset[int]) -> tuple[int, ...]:
    """Return the answers after a dropped one that go with it: "Why not?" asks about nothing where what it asks about is gone."""
    dropped = {edit.turn for edit in edits if edit.action == "drop_turn"}
    exchanges, in_order = _exchanges(conversation) if dropped else [], sorted(floor_turns)
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
    exchanges = _exchanges(conversation) if edits else []
    gone: set[int] = set()
    for turn in (edit.turn for edit in edits if edit.action == "drop_turn"):
        gone.update(exchanges[turn] if turn not in gone else ())  # what has gone has gone with all that goes with it
    first = min((exchanges[edit.turn].start for edit in edits if edit.action == "cut"), default=len(conversation.turns))
    return frozenset((*gone, *range(first, len(conversation.turns))))


def _exchanges(conversation: Conversation) -> list[range]:
    """Return the turns that go with each turn: its request, which begins after the previous answer or the system prompt, and what
    follows it up to the next one, such as the result of a call and the answer made of it. None of them stands without the others.
    """
    turns = conversation.turns
    starts, ends = [0] * len(turns), [len(turns)] * len(turns)
    for place, before in enumerate(turns[:-1], 1):
        is_end = before.role == "system" or (before.role == "assistant" and not before.has_tool_calls)
        starts[place] = place if is_end else starts[place - 1]
    for place in range(len(turns) - 2, -1, -1):
        ends[place] = place + 1 if turns[place + 1].role in ("user", "system") else ends[place + 1]
    return list(map(range, starts, ends))


def _conclude(conversation: Conversation, findings: tuple[Finding, ...], policy: Policy, plan: _Plan) -> Decision:
    counted = [finding for turn in sorted(plan.weighed.by_turn) for finding in plan.weighed.by_turn[turn]]
    labels = tuple(dict.fromkeys(f.behaviour for f in counted if policy.action_on(f) == "label"))
    gone = turns_to_remove(conversation, plan.edits)
    waits_for = tuple(f for f in _asked_about(plan, counted, policy) if f.turn not in gone)
    acted_on = tuple(f for f in counted if f.turn in plan.acted or policy.action_on(f) in ("label", "review"))
    masked = {edit.turn for edit in plan.edits if edit.action == "mask"}
    is_left = any(turn.is_target for i, turn in enumerate(conversation.turns) if i not in gone and i not in masked)
    if plan.drops_row or (plan.edits and not is_left):
        why = _because(counted, policy, plan.asked_by) + _with_it(conversation, plan)
        why += "" if plan.drops_row else "; nothing was left to train on"
        return Decision("removed", f"removed: {why}", findings, is_floor=bool(plan.held), acted_on=acted_on)
    outcome = "kept"
    if any(edit.action != "mask" for edit in plan.edits):
        outcome = "mended"
    elif plan.edits:
        outcome = "masked"
    elif labels:
        outcome = "labelled"
    reason = f"{outcome}: {_why_here(plan, counted, findings, policy)}{_with_it(conversation, plan)}"
    reason += _why_waits(waits_for, plan, counted, policy)
    return Decision(outcome, reason, findings, plan.edits, labels, waits_for, bool(plan.held), acted_on)  # type: ignore[arg-type]


def _asked_about(plan: _Plan, counted: list[Finding], policy: Policy) -> list[Finding]:
    """Return the findings that a person is to judge: the uncertain ones, and those for which the policy says so."""
    return [*plan.weighed.uncertain, *(finding for finding in counted if policy.action_on(finding) == "review")]


def _why_here(plan: _Plan, counted: list[Finding], findings: tuple[Finding, ...], policy: Policy) -> str:
    if plan.held:
        acted = [finding for finding in counted if finding.turn in plan.acted]
        return (f"{_because(acted, policy, plan.asked_by)}; " if acted else "") + _why_held(plan.held)
    if counted:
        return _because(counted, policy, plan.asked_by)
    if plan.weighed.uncertain:
        return _is_unsure(plan.weighed.uncertain[0], policy)
    return (
        _why_left(max(findings, key=lambda finding: finding.probability), policy) if findings else "nothing was found"
    )


def _why_waits(waits_for: tuple[Finding, ...], plan: _Plan, counted: list[Finding], policy: Policy) -> str:
    """Say what a person is to judge besides what the reason names already, and which mend is left undone so long."""
    if not waits_for:
        return ""
    named = None if plan.held else _strongest(counted, policy) if counted else plan.weighed.uncertain[0]
    others = [finding for finding in waits_for if finding != named]
    why = _because(others, policy, _NOBODY) if others and others[0] in counted else ""
    more = f" and {len(others) - 1} more" if others[1:] and not why else ""
    since = f", since {why or _is_unsure(others[0], policy)}{more}" if others else ""
    waiting = {one.turn for one in waits_for}
    hiding = [finding for finding in plan.weighed.hiding if finding.turn in waiting]
    undone = f"; a mend waits for that, since {_says(hiding[0])}" if hiding else ""
    return f"; a person should look{since}{undone}"


def _is_unsure(finding: Finding, policy: Policy) -> str:
    return f"{_says(finding)} {_by(finding)}, under the threshold of {policy.threshold(finding.behaviour):.2f}"


def _why_held(held: Mapping[int, Held]) -> str:
    """Say why the floor keeps refusals: their own request names a topic of it, or one before does."""
    told = []
    for turn, (topics, is_own) in sorted(held.items()):
        named = f"a topic of the floor ({', '.join(topics)})"
        words = (
            f"names {named} in its request, and such a refusal is never removed"
            if is_own
            else f"refuses after a request that names {named}, which it may still be about, and is never removed"
        )
        told.append(f"turn {turn + 1} {words}")
    return "; ".join(told)


def _with_it(conversation: Conversation, plan: _Plan) -> str:
    """Say which exchanges go along because they only ask back about what goes."""
    exchanges = _exchanges(conversation) if plan.orphans else []
    asking = [exchanges[turn].start for turn in plan.orphans]
    return "".join(f"; turn {turn + 1} only asks back about it and goes with it, answer and all" for turn in asking)


def _why_left(finding: Finding, policy: Policy) -> str:
    """Say why nothing follows from a finding; only people give one the probability 0."""
    if finding.probability == 0:
        return f"{_says(finding)}, and a person called that wrong"
    if finding.is_reasoning:
        return f"{_says(finding)} in its reasoning, which is reported and left alone"
    if policy.action_on(finding) == "keep":
        if policy.rule_of(finding) is None and policy.actions.get(finding.behaviour, "keep") != "keep":
            honest = f"by rule {finding.rule} an honest inability beside an answer"
            return f"{_says(finding)}, {honest}, and refusal.capability is what policy {policy.shown_name} keeps"
        return f"{_says(finding)}, which policy {policy.shown_name} keeps{_by_rule(finding, policy)}"
    return (
        f"{_says(finding)} {_by(finding)}, too low for policy {policy.shown_name} to act on "
        f"({policy.threshold(finding.behaviour):.2f}) or to ask a person ({policy.review_from():.2f})"
    )


def _because(counted: list[Finding], policy: Policy, asked_by: Mapping[str, tuple[str, ...]]) -> str:
    strongest = _strongest(counted, policy)
    more = f" and {len(counted) - 1} more" if len(counted) > 1 else ""
    found, action = f"{_says(strongest)} {_by(strongest)}{more}", policy.action_on(strongest)
    who = asked_by.get(policy.rule_of(strongest) or strongest.behaviour)
    if who is not None:
        return f"{found}, and {' and '.join(who)} {'say' if who[1:] else 'says'} {action}"
    return f"{found}, and policy {policy.shown_name} says {action}{_by_rule(strongest, policy)}"


def _strongest(counted: list[Finding], policy: Policy) -> Finding:
    return max(counted, key=lambda finding: _STRENGTH[policy.action_on(finding)])


def _by_rule(finding: Finding, policy: Policy) -> str:
    rule = policy.rule_of(finding)
    return f" for {rule}" if rule is not None else ""


def _reason(decision: Decision, excepted: Mapping[Finding, str], policy: Policy) -> str:
    """Return the reason with a word about what the policy leaves alone, unless the row goes for something else."""
    if not excepted or decision.outcome == "removed":
        return decision.reason
    finding = max(excepted, key=lambda finding: finding.probability)
    more = f" and {len(excepted) - 1} more" if len(excepted) > 1 else ""
    why = f"{_says(finding)}{more}, which policy {policy.shown_name} excepts: “{excepted[finding]}”"
    return f"{decision.reason}; {why}" if decision.findings else f"kept: {why}"


def _says(finding: Finding) -> str:
    quote = " ".join(finding.quote.split())
    quote = quote if len(quote) <= _QUOTE_CHARS else quote[: _QUOTE_CHARS - 1] + "…"
    what = BEHAVIOURS.get(finding.behaviour, f"matches {finding.behaviour}")
    return f"turn {finding.turn + 1} {what} ({finding.behaviour}: “{quote}”)"


def _by(finding: Finding) -> str:
    return f"by rule {finding.rule} with probability {finding.probability:.2f}"
