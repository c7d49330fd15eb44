"""From what the detectors found and what people said of it to what counts: the last word on each finding is a person's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from unmoor.policy import Policy
from unmoor.records import ACTIONS, Finding, Verdict
from unmoor.records.verdict import REWRITES

__all__ = [
    "findings_as_judged",
    "judged_among",
    "judges_of",
    "policy_as_judged",
    "that_hold",
]

_Where = tuple[int, str, int, int, str]


def findings_as_judged(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> tuple[Finding, ...]:
    """Return the findings with the probability that people gave them: 0 if called wrong, 1 if called right; `verdicts` are those
    `that_hold`, the newest last.

    They stay in the ledger either way, so that the verdict has something to stand on when it is applied again. A finding that was
    called something else has both: the old one at 0, the new one at 1, until a newer verdict says another thing of that.
    """
    judged = {_place(finding): finding for finding in findings}
    order = {place: (number, 0) for number, place in enumerate(judged)}
    for verdict in verdicts:
        place = behaviour, where = _place(verdict)
        if verdict.judgement == "skip" or place not in judged:
            continue
        named = verdict.corrected_behaviour or behaviour
        is_right = verdict.judgement != "wrong" and named == behaviour
        judged[place] = replace(judged[place], probability=1.0 if is_right else 0.0)
        if named != behaviour:
            other = judged.get((named, where), judged[place])
            judged[named, where] = replace(other, behaviour=named, probability=1.0)
            order.setdefault((named, where), (order[place][0], len(order)))
    return tuple(judged[place] for place in sorted(judged, key=order.__getitem__))


def that_hold(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """Return, of the verdicts on one row from the oldest on, those that say of their finding what the newest on it says; none on
    what is neither among the `findings` of the detectors nor put there by a correction that holds.
    """
    said = [verdict for verdict in verdicts if verdict.judgement != "skip"]
    newest = {_place(verdict): _word(verdict) for verdict in said}
    said = [verdict for verdict in said if _word(verdict) == newest[_place(verdict)]]
    there, before = set(map(_place, findings)), 0
    while len(there) > before:
        before = len(there)
        there |= {_acted_on(verdict) for verdict in said if _place(verdict) in there}
    return tuple(verdict for verdict in said if _place(verdict) in there)


def policy_as_judged(policy: Policy, findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> Policy:
    """Return the policy for one row, with `mend` or `drop` on the very findings on which a person asked for it; `findings` are as
    `findings_as_judged` gives them. `drop` is about the whole row, so it stands over `mend`. The floor is not a policy's to change.

    What was said of a finding by calling another one that holds until something newer is said of it itself.
    """
    said: dict[tuple[str, _Where], dict[str, set[str]]] = {}
    for verdict in verdicts:
        word, itself = verdict.judgement, _place(verdict)
        if itself in said:
            said[itself] = {same: people for same, people in said[itself].items() if same == word}
        if word in REWRITES:
            said.setdefault(_acted_on(verdict), {}).setdefault(word, set()).add(verdict.by)
    asked = {}
    for finding in findings if said else ():
        if people := said.get(_place(finding)):
            action = max(people, key=ACTIONS.index)
            asked[finding] = action, tuple(sorted(people[action]))
    return replace(policy, asked=asked) if asked else policy


def judged_among(findings: Sequence[Finding], verdicts: Sequence[Verdict]) -> frozenset[Finding]:
    """Return which findings, as `findings_as_judged` gives them, a person has spoken of."""
    named = {
        (behaviour, _where(verdict))
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


def _where(judged: Finding | Verdict) -> _Where:
    return judged.turn, judged.field, judged.start_char, judged.end_char, judged.rule


def _place(judged: Finding | Verdict) -> tuple[str, _Where]:
    return judged.behaviour, _where(judged)


def _acted_on(verdict: Verdict) -> tuple[str, _Where]:
    """Return the place of the finding that a verdict's word is about: the one that its correction puts there."""
    return verdict.corrected_behaviour or verdict.behaviour, _where(verdict)
