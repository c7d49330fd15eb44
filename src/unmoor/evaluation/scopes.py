"""From the suites and groups of answers to what each answer counts in: its group, and the whole of its suite.

Groups of the suites that ship have fewer than 30 prompts, so a rate is the suite's. Two suites are never counted together: a
refusal of a harmless look-alike and one of a contested question are not the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unmoor.evaluation.answers import Answer
from unmoor.evaluation.suite import Prompt

__all__ = ["GROUPS", "SUITES", "Scopes", "scopes_of", "suites_of", "told_apart", "whole_suite"]

SUITES, GROUPS = "suites", "groups"
"""The two families of tests: one question per suite, and where in the suite it shows."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """The rows that answers count in, by (suite, group), the suite's own first."""

    by_place: Mapping[tuple[str, str], tuple[str, ...]]

    def of(self, answer: Answer) -> tuple[str, ...]:
        """Return the rows that an answer counts in: its suite's, unless the suite has this one group, and its group's."""
        return self.by_place[answer.suite, answer.group]

    def whole(self, answer: Answer) -> str:
        """Return the row that stands for the whole suite of an answer."""
        return self.of(answer)[0]

    def family(self, row: str) -> str:
        """Return SUITES for a row that stands for a whole suite, else GROUPS."""
        return SUITES if any(rows[0] == row for rows in self.by_place.values()) else GROUPS


def scopes_of(answers: Iterable[Answer]) -> Scopes:
    """Return what each of the answers counts in."""
    groups: dict[str, dict[str, None]] = {}
    for answer in answers:
        groups.setdefault(answer.suite, {})[answer.group] = None
    return Scopes(
        {
            (suite, group): (whole_suite(suite), group) if len(names) > 1 else (group,)
            for suite, names in groups.items()
            for group in names
        }
    )


def whole_suite(suite: str) -> str:
    """Return the name of a suite's own row: "all of look-alikes"; "all" where the suite has no name."""
    return f"all of {suite}" if suite else "all"


def suites_of(prompts: Sequence[Prompt]) -> list[dict[str, Any]]:
    """Return for each suite its `name`, its `groups`, and the `row` that stands for all of it."""
    groups: dict[str, dict[str, None]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.suite, {})[prompt.group] = None
    return [
        {"name": suite, "row": whole_suite(suite) if len(names) > 1 else next(iter(names)), "groups": list(names)}
        for suite, names in groups.items()
    ]


def told_apart(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """Return the prompts; a group's name that stands in two suites, or is that of a suite's own row, gets its suite's name too."""
    suites: dict[str, set[str]] = {}
    for prompt in prompts:
        suites.setdefault(prompt.group, set()).add(prompt.suite)
    rows = {whole_suite(prompt.suite) for prompt in prompts}
    return tuple(
        replace(prompt, group=f"{prompt.group} ({prompt.suite})")
        if prompt.suite and (len(suites[prompt.group]) > 1 or prompt.group in rows)
        else prompt
        for prompt in prompts
    )
