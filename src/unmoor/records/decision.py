"""From findings and the owner's policy to what happens to a row: an action, the edits it takes, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from unmoor.records.finding import Finding

__all__ = [
    "ACTIONS",
    "LEFT_ALONE",
    "OUTCOMES",
    "Decision",
    "Edit",
    "FloorTopics",
    "Held",
    "Left",
    "Outcome",
    "action_for",
    "is_list_alone",
    "readable_rows",
    "rule_for",
]

ACTIONS: tuple[str, ...] = ("keep", "label", "review", "mend", "mask", "drop_turn", "cut", "drop")
"""Every action a policy can name, from the mildest to the strongest; the strongest asked for in a turn wins."""

_CANNOT = ".capability."
"""In the ids of phrases that say what cannot be done."""

Outcome = Literal["kept", "mended", "masked", "labelled", "removed", "quarantined", "blank"]
OUTCOMES: tuple[Outcome, ...] = ("kept", "mended", "masked", "labelled", "removed", "quarantined", "blank")
"""Where a row ends up. Each row has exactly one; their counts add up to the input's rows.

`mended` covers every row that was rewritten and still teaches less than before: a span cut, a turn dropped, a tail cut off.
"""

Left = Literal[
    "threshold",
    "policy",
    "inability",
    "rule",
    "exception",
    "floor",
    "waits",
    "wrong",
    "reasoning",
    "covered",
    "duplicate",
    "whole",
]
LEFT_ALONE: dict[Left, str] = {
    "threshold": "under the threshold",
    "policy": "kept by the policy",
    "inability": "an honest inability beside an answer",
    "rule": "kept by a rule of the policy",
    "exception": "excepted by the policy",
    "floor": "held by the floor",
    "waits": "waiting until a person has judged the same words",
    "wrong": "called wrong by a person",
    "reasoning": "in reasoning, which is left alone",
    "covered": "in words that go with a disclaimer",
    "duplicate": "in a row that went as a duplicate",
    "whole": "in a row that the floor keeps whole",
}
"""Why nothing followed from a finding, each reason with what people are told."""


def is_list_alone(detectors: Mapping[str, Any] | None) -> bool:
    """Return whether a run, by its plan's `detectors`, looked for nothing but a word list: then no figure on refusals is known."""
    return (detectors or {}).get("detectors") == ["wordlist"]


def readable_rows(counts: Mapping[str, int]) -> int:
    """Return how many of the rows of an `input` are neither blank nor quarantined: shares of what was found are of these."""
    return counts.get("input", 0) - counts.get("blank", 0) - counts.get("quarantined", 0)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to one turn: `mend` cuts `spans` (start_char, end_char) from its text; other actions take the turn whole."""

    action: Literal["mend", "mask", "drop_turn", "cut"]
    turn: int
    spans: tuple[tuple[int, int], ...] = ()


class FloorTopics(NamedTuple):
    """Topics of the floor: those that a turn and the request right before it name, and those of requests before that alone."""

    here: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()


class Held(NamedTuple):
    """Why the floor keeps an answer: the topics that a request names, and whether its own does or only one before it."""

    topics: tuple[str, ...]
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one row and why.

    `outcome` is where the row goes; `edits` how it is rewritten (empty for kept and removed rows); `waits_for` are findings that a
    person is to judge while the row stays where `outcome` says; `acted_on` those for which something followed: not where a rule, an
    exception or the floor stood in the way; `left_alone` all others, each with why. `reason` is one plain sentence for the owner.
    """

    outcome: Outcome
    reason: str
    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()
    labels: tuple[str, ...] = ()
    waits_for: tuple[Finding, ...] = ()
    is_floor: bool = False
    acted_on: tuple[Finding, ...] = ()
    left_alone: tuple[tuple[Finding, Left], ...] = ()

    @property
    def needs_review(self) -> bool:
        """Return whether the row is in the queue for people."""
        return bool(self.waits_for)


def rule_for(rules: Mapping[str, str], rule: str) -> str | None:
    """Return which name under `[rules]` speaks for a finding's rule: the id itself, or the longest prefix, or None."""
    if rule in rules:
        return rule
    prefixes = [name for name in rules if name.endswith("*") and rule.startswith(name[:-1])]
    return max(prefixes, key=len, default=None)


def action_for(actions: Mapping[str, str], rules: Mapping[str, str], behaviour: str, rule: str) -> str:
    """Return the action for a finding: that of its rule if `rules` name it, of its behaviour otherwise; none named is `keep`.

    A refusal in part whose rule says what cannot be done ("en.capability.no-internet") is an honest inability and help besides:
    of the actions for the two behaviours it gets the milder one.
    """
    named = rule_for(rules, rule) if rules else None
    if named is not None:
        return rules[named]
    action = actions.get(behaviour, "keep")
    if behaviour != "refusal.partial" or _CANNOT not in rule:
        return action
    return min(action, actions.get("refusal.capability", "keep"), key=ACTIONS.index)
