"""From a policy's name to the guard that carries it out: the packs' topics and the detectors, handed to serving."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from threading import Lock

from unmoor.commands.checked import checked_policy
from unmoor.detectors import load, load_topic_classifier
from unmoor.errors import UsageError
from unmoor.policy import ALL_TOPICS
from unmoor.records import BEHAVIOURS, FLOOR_TOPICS, Conversation, Finding, GuardRules, Turn
from unmoor.serving.guard import Guard
from unmoor.serving.policy_guard import PolicyGuard

__all__ = ["guard_from"]

_AT_ONCE = 8
"""Texts that are looked through for topics at a time."""


def guard_from(policy_name_or_path: str, packs: Sequence[Path] = ()) -> Guard:
    """Return the guard of a policy that ships, by name, or of the owner's own, by path.

    `packs` are folders of packs of the owner's, whose topics and phrases count beside those that ship.

    Raises:
        PolicyError: there is no such policy, or the file says something unknown or impossible.
    """
    policy = checked_policy(policy_name_or_path, packs)
    rules = policy.guard
    detector = load(packs=packs)

    classify = _classifier(rules)
    is_raised = not {*rules.floor, *rules.request, *rules.answer} <= {*FLOOR_TOPICS, *BEHAVIOURS, ALL_TOPICS}
    looking = Lock()  # Hyperscan takes one text at a time, and requests for a classifier come in threads

    def topics_in(texts: Collection[str]) -> set[str]:
        asked = [Conversation((Turn("user", text),)) for text in texts]
        found: set[str] = set()
        for start in range(0, len(asked), _AT_ONCE):  # a long request is many, and answers that flow look in between
            with looking:
                named = detector.floor_topics(asked[start : start + _AT_ONCE], is_raised=is_raised)
            found.update(topic for turns in named for topics in turns.values() for topic in topics.here)
        return found

    def find(request: str, answer: str) -> Sequence[Finding]:
        with looking:
            return detector.find(Conversation((Turn("user", request), Turn("assistant", answer, is_target=True))))

    guard = PolicyGuard(rules, topics_in, find, classify)
    find("Who are you?", "I am a model.")  # what is compiled on first use is compiled before the first request
    topics_in(["Hello."])
    return guard


def _classifier(rules: GuardRules) -> Callable[[str], Collection[str]] | None:
    """Return the owner's classifier of requests, which is asked about the topics under [guard.request]."""
    if not rules.classifier:
        return None
    if not rules.request:
        raise UsageError(
            "The policy names a classifier and, under [guard.request], no topic that it could be asked about"
        )
    key = os.environ.get("UNMOOR_CLASSIFIER_KEY", "")
    return load_topic_classifier(rules.classifier, tuple(rules.request), url=rules.classifier_url, key=key)
