"""From a decision's plan to the sentence that says why: what was found, by which rule, and what a person should look at."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from unmoor.policy.follow_ups import exchanges_of
from unmoor.policy.policy import Policy
from unmoor.records import ACTIONS, BEHAVIOURS, Conversation, Decision, Edit, Finding, Held

__all__ = [
    "STRENGTH",
    "Plan",
    "Weighed",
    "audited",
    "because",
    "nothing_left",
    "why_here",
    "why_waits",
    "with_exceptions",
    "with_it",
]

STRENGTH = {action: strength for strength, action in enumerate(ACTIONS)}
"""Actions from the mildest to the strongest."""
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


@dataclass(frozen=True, slots=True)
class Weighed:
    """Findings that count by turn, those in the uncertain band, those whose mend would cut the words of one of these, and those
    whose mend would leave nothing but a refusal that stays.
    """

    by_turn: dict[int, list[Finding]]
    uncertain: tuple[Finding, ...]
    hiding: tuple[Finding, ...]
    bare: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done: `acted` are the turns that something is done to, `held` those that the floor keeps from it, `orphans`
    the answers that go because their request asks back about one that goes, `emptied` those of which a mend would leave nothing,
    `judged` the findings of which a person has spoken.
    """

    weighed: Weighed
    edits: tuple[Edit, ...]
    drops_row: bool
    acted: frozenset[int]
    held: Mapping[int, Held]
    orphans: tuple[int, ...]
    emptied: tuple[int, ...]
    judged: Set[Finding] = frozenset()


def why_here(plan: Plan, counted: list[Finding], findings: tuple[Finding, ...], policy: Policy) -> str:
    """Say why a row that is not removed is as it is: what was done, what holds it, or what is too unsure."""
    if plan.held:
        acted = [finding for finding in counted if finding.turn in plan.acted]
        return (f"{because(acted, policy)}; " if acted else "") + _why_held(plan.held)
    if counted:
        return because(counted, policy)
    if plan.weighed.uncertain:
        return _is_unsure(plan.weighed.uncertain[0], policy)
    if plan.weighed.bare:
        return _is_bare(plan.weighed.bare[0])
    likeliest = max(findings, key=lambda finding: finding.probability, default=None)
    return "nothing was found" if likeliest is None else _why_left(likeliest, policy, plan.judged)


def why_waits(waits_for: tuple[Finding, ...], plan: Plan, counted: list[Finding], policy: Policy) -> str:
    """Say what a person is to judge besides what the reason names already, and which mend is left undone so long."""
    if not waits_for:
        return ""
    named = None if plan.held else _strongest(counted, policy) if counted else waits_for[0]
    bare = frozenset(plan.weighed.bare)
    told = bare if named in bare else (named,)  # one reason for all of these
    others = [finding for finding in waits_for if finding not in told]
    why = because(others, policy) if others and others[0] in counted else ""
    more = f" and {len(others) - 1} more" if others[1:] and not why else ""
    since = ""
    if others:
        unsure = _is_bare(others[0]) if others[0] in bare else _is_unsure(others[0], policy)
        since = f", since {why or unsure}{more}"
    waiting = {one.turn for one in waits_for}
    hiding = [finding for finding in plan.weighed.hiding if finding.turn in waiting]
    undone = f"; a mend waits for that, since {_says(hiding[0])}" if hiding else ""
    return f"; a person should look{since}{undone}"


def _is_unsure(finding: Finding, policy: Policy) -> str:
    return f"{_says(finding)} {_by(finding)}, under the threshold of {policy.threshold(finding.behaviour):.2f}"


def _is_bare(finding: Finding) -> str:
    return f"{_says(finding)}, and without it nothing but words that decline would be left"


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


def nothing_left(plan: Plan) -> str:
    """Say which answers go, each with its request, because a mend would leave nothing of them."""
    left = () if plan.drops_row else plan.emptied
    return "".join(
        f"; nothing else was left of the answer in turn {turn + 1}, so it goes with its request" for turn in left
    )


def with_it(conversation: Conversation, plan: Plan) -> str:
    """Say which exchanges go along because they only ask back about what goes."""
    exchanges = exchanges_of(conversation) if plan.orphans else []
    asking = [exchanges[turn].start for turn in plan.orphans]
    return "".join(f"; turn {turn + 1} only asks back about it and goes with it, answer and all" for turn in asking)


def _why_left(finding: Finding, policy: Policy, judged: Set[Finding]) -> str:
    """Say why nothing follows from a finding; `judged` are those of which a person has spoken."""
    if finding.probability == 0 and finding in judged:
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


def because(counted: list[Finding], policy: Policy) -> str:
    """Say by which finding something is done, the one with the strongest action, and who or what says so."""
    strongest = _strongest(counted, policy)
    more = f" and {len(counted) - 1} more" if len(counted) > 1 else ""
    found, action = f"{_says(strongest)} {_by(strongest)}{more}", policy.action_on(strongest)
    if strongest in policy.asked:
        _, who = policy.asked[strongest]
        return f"{found}, and {' and '.join(who)} {'say' if who[1:] else 'says'} {action}"
    return f"{found}, and policy {policy.shown_name} says {action}{_by_rule(strongest, policy)}"


def _strongest(counted: list[Finding], policy: Policy) -> Finding:
    """Return the finding with the strongest action; of several one that a person asked for it."""
    return max(counted, key=lambda finding: (STRENGTH[policy.action_on(finding)], finding in policy.asked))


def _by_rule(finding: Finding, policy: Policy) -> str:
    rule = policy.rule_of(finding)
    return f" for {rule}" if rule is not None else ""


def with_exceptions(decision: Decision, excepted: Mapping[Finding, str], policy: Policy) -> str:
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
