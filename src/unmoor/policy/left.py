"""From a decision to why nothing followed for each of the findings that it leaves alone."""

from __future__ import annotations

from collections.abc import Collection, Set

from unmoor.policy.policy import Policy
from unmoor.policy.reasons import Weighed
from unmoor.records import Finding, Left

__all__ = ["left_alone"]


def left_alone(
    findings: Collection[Finding],
    acted_on: Collection[Finding],
    policy: Policy,
    *,
    weighed: Weighed,
    excepted: Collection[Finding],
    judged: Set[Finding],
) -> tuple[tuple[Finding, Left], ...]:
    """Return of all `findings` of a row those about which nothing was done, each with why.

    What counts and was not `acted_on` the floor holds. `judged` are those of which a person said what they are.
    A vendor's name that would go with a disclaimer shares the lot of that.
    """
    acted = frozenset(acted_on)
    if acted.issuperset(findings):
        return ()
    waits = frozenset((*weighed.hiding, *weighed.bare))
    counted = frozenset(finding for here in weighed.by_turn.values() for finding in here)

    def why(finding: Finding) -> Left:
        stands_in_the_way: tuple[tuple[bool, Left], ...] = (
            (finding.probability == 0 and finding in judged, "wrong"),
            (finding in counted, "floor"),
            (finding in waits, "waits"),
            (finding.is_reasoning, "reasoning"),
            (policy.action_on(finding) == "keep", _why_kept(finding, policy)),
            (finding in excepted, "exception"),
            (finding.probability < policy.threshold(finding.behaviour), "threshold"),
        )
        first = next((reason for is_so, reason in stands_in_the_way if is_so), None)
        if first is not None:
            return first
        around = [one for one in (*counted, *waits) if one.behaviour == "disclaimer.identity" and one.covers(finding)]
        return why(around[0]) if around and acted.isdisjoint(around) else "covered"

    return tuple((finding, why(finding)) for finding in findings if finding not in acted)


def _why_kept(finding: Finding, policy: Policy) -> Left:
    if policy.rule_of(finding) is not None:
        return "rule"
    return "policy" if policy.actions.get(finding.behaviour, "keep") == "keep" else "inability"
