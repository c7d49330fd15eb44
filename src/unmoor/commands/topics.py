"""From the topics that a policy names to a word about those that no pack does: nothing is found by their words."""

from __future__ import annotations

from collections.abc import Iterator

import click

from unmoor.commands.terminal import visible
from unmoor.errors import nearest_name
from unmoor.languages import pack_topics
from unmoor.policy import ALL_TOPICS, Policy
from unmoor.records import BEHAVIOURS

__all__ = ["warn_of_topics"]


def warn_of_topics(policy: Policy) -> None:
    """Print a line on standard error for each topic that no pack names: one of an owner's pack that is not here, or misspelt."""
    known = pack_topics()
    for place, topic in _named(policy):
        if topic not in known:
            names = (*known, *BEHAVIOURS) if place == "[guard.answer]" else known
            hint = nearest_name(topic, names) or f" Known: {', '.join(known)}"
            told = f'{place}: no pack names the topic "{topic}", so its words are not recognised.{hint}'
            click.echo(visible(f"Policy {policy.name}, {told}"), err=True)


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield where a policy names which topic; a classifier of the owner's own knows those of requests without a pack."""
    guard = policy.guard
    yield from (("[floor]", topic) for topic in policy.floor_also if topic != ALL_TOPICS)
    yield from (("[guard.request]", topic) for topic in guard.request if not guard.classifier)
    yield from (("[guard.answer]", name) for name in guard.answer if name not in BEHAVIOURS)
    others = {*BEHAVIOURS, *policy.floor_also, *guard.request, *guard.answer}
    yield from (("[guard.say]", name) for name in guard.words if name not in others)
