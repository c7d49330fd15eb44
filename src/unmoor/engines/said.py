"""From what the detectors found and what people said of it to what counts: the last word on each finding is a person's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unmoor.policy import Policy
from unmoor.records import Finding, Verdict

__all__ = [
    "asked_by",
    "asked_by_a_person",
    "findings_as_judged",
    "judged_among",
    "judges_of",
    "policy_as_judged",
    "that_hold",
]


_ACTIONS = ("mend", "drop")
"""What a person may ask for on a row, whatever the policy says of it; the stronger last."""


def findings_as_judged(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> tuple[Finding, ...]:
    """Return the findings with the probability that people gave them: 0 if called wrong, 1 if called right.

    They stay in the ledger either way, so that the verdict has something to stand on when it is applied again. A finding that was
    called something else has both: the old one at 0, the new one at 1. Of several verdicts on one the last said holds.
    """
    said = {_place(verdict): verdict for verdict in verdicts if verdict.judgement != "skip"}
    judged: list[Finding] = []
    for finding in findings:
        verdict = said.get(_place(finding))
        if verdict is None:
            judged.append(finding)
            continue
        other = verdict.corrected_behaviour
        is_wrong = verdict.judgement == "wrong" or other not in (None, finding.behaviour)
        judged.append(replace(finding, probability=0.0 if is_wrong else 1.0))
        if other not in (None, finding.behaviour):
            judged.append(replace(finding, behaviour=str(other), probability=1.0))
    return tuple(judged)


def that_hold(verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return, of the verdicts on one row from the oldest on, those that say of their finding what the newest on it says."""
    said = [verdict for verdict in verdicts if verdict.judgement != "skip"]
    newest = {_place(verdict): _word(verdict) for verdict in said}
    return tuple(verdict for verdict in said if _word(verdict) == newest[_place(verdict)])


def policy_as_judged(policy: Policy, verdicts: Sequence[Verdict]) -> Policy:
    """Return the policy for one row, with `mend` or `drop` where a person asked for it; `drop` is about the whole row, so it stands
    over `mend`. The floor is not a policy's to change.
    """
    acting = _mend_then_drop(verdicts)
    asked = {verdict.corrected_behaviour or verdict.behaviour: verdict.judgement for verdict in acting}
    by_rule = {verdict.rule: verdict.judgement for verdict in acting if _names_the_rule(policy, verdict)}
    return replace(policy, actions={**policy.actions, **asked}, rules={**policy.rules, **by_rule}) if asked else policy


def asked_by(policy: Policy, verdicts: Sequence[Verdict]) -> dict[str, tuple[str, ...]]:
    """Return who asked for the action that `policy_as_judged` has for a behaviour or a rule."""
    said: dict[str, dict[str, str]] = {}
    for verdict in _mend_then_drop(verdicts):
        rule = (verdict.rule,) if _names_the_rule(policy, verdict) else ()
        for name in (verdict.corrected_behaviour or verdict.behaviour, *rule):
            agreeing = {by: judgement for by, judgement in said.get(name, {}).items() if judgement == verdict.judgement}
            said[name] = {**agreeing, verdict.by: verdict.judgement}
    return {name: tuple(sorted(people)) for name, people in said.items()}


def _mend_then_drop(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts that ask for an action, the weaker one first, so that the later of two names wins by strength."""
    return sorted(
        (verdict for verdict in verdicts if verdict.judgement in _ACTIONS),
        key=lambda verdict: _ACTIONS.index(verdict.judgement),
    )


def _names_the_rule(policy: Policy, verdict: Verdict) -> bool:
    """Return whether an action has to be asked for by rule as well, since a policy's action may depend on that."""
    return bool(policy.rules) or (verdict.corrected_behaviour or verdict.behaviour) == "refusal.partial"


def asked_by_a_person(finding: Finding, verdicts: Sequence[Verdict]) -> bool:
    """Return whether a person asked for an action on this very finding, which no exception of a policy stands over."""
    return any(said.judgement in _ACTIONS and _where(said) == _where(finding) for said in verdicts)


def judged_among(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> frozenset[Finding]:
    """Return which findings, as `findings_as_judged` gives them, a person has spoken of."""
    named = {
        (behaviour, *_where(verdict))
        for verdict in verdicts
        if verdict.judgement != "skip"
        for behaviour in (verdict.behaviour, verdict.corrected_behaviour)
    }
    return frozenset(finding for finding in findings if _place(finding) in named)


def judges_of(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> str:
    """Return who judged one of the findings, in the order of their names; the empty string where nobody did."""
    found = set(map(_place, findings))
    return ", ".join(sorted({said.by for said in verdicts if said.judgement != "skip" and _place(said) in found}))


def _word(verdict: Verdict) -> tuple[str, str | None]:
    return verdict.judgement, verdict.corrected_behaviour


def _where(judged: Finding | Verdict) -> tuple[int, str, int, int, str]:
    return judged.turn, judged.field, judged.start_char, judged.end_char, judged.rule


def _place(judged: Finding | Verdict) -> tuple[str, int, str, int, int, str]:
    return judged.behaviour, *_where(judged)
