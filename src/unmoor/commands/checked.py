"""From a policy's name to the policy, held against the packs: its rules are theirs, and so are the topics that it protects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path

from unmoor.commands.terminal import tell
from unmoor.errors import PolicyError, nearest_name
from unmoor.languages import Phrase, pack_topics, rule_ids
from unmoor.policy import ALL_TOPICS, OpenRules, Policy, RulesOrPhrases, is_rule, load_policy, near_rule
from unmoor.records import BEHAVIOURS

__all__ = ["checked_policy", "rules_that_ship"]

_MODEL = "model"
"""The rule of what the learned model finds without a phrase."""


def checked_policy(
    name_or_path: str,
    packs: Sequence[Path] = (),
    *,
    detectors: Sequence[str] | None = None,
    wordlist: Path | None = None,
) -> Policy:
    """Return the policy of that name or file, and say on standard error which other topics no pack names; `packs` are the owner's.

    `detectors` and `wordlist` are what data is looked at with; None and None where none is. Nobody can list the rules of another
    package's detector, nor, where no data is looked at, the phrases of a word list: which names are taken for one of those is
    said on standard error.

    Raises:
        PolicyError: there is no such policy, or it says something unknown or impossible; a rule that no pack has is unknown, and
            so is a topic of the floor: it would protect nothing, and be told as if it did.
        PackError: a pack breaks its contract or does not find its own examples.
    """
    own = _phrases_of(packs)
    listed = _listed(wordlist) if wordlist and wordlist.is_file() else ()
    is_open = detectors is None or _has_others(detectors)

    @cache
    def rules() -> tuple[str, ...]:
        known = (*rules_that_ship(), *(phrase.id for phrase in own), *listed)
        if detectors is None and not _has_detectors_elsewhere():
            return RulesOrPhrases(known)
        return OpenRules(known) if is_open else known

    policy = load_policy(name_or_path, rules)
    for name in policy.rules if is_open else ():
        if not is_rule(name, rules()):
            others = "" if isinstance(rules(), RulesOrPhrases) else " or of another package's detector"
            told = f'Policy {policy.shown_name}, [rules]: no rule is called "{name}" in a pack'
            tell(f"{told}, so it is taken for one of a word list{others}.{near_rule(name, rules())}")
    topics = {phrase.behaviour.removeprefix("floor.") for phrase in own if phrase.behaviour.startswith("floor.")}
    _hold_topics(policy, topics)
    return policy


def _has_detectors_elsewhere() -> bool:
    """Return whether an installed package registers a detector."""
    from unmoor.detectors.elsewhere import GROUP
    from unmoor.records.registered import registered_names

    return bool(registered_names(GROUP))


def rules_that_ship() -> tuple[str, ...]:
    """Return the rules by which the packs that ship and the learned model find something."""
    return (*rule_ids(), _MODEL)


def _has_others(detectors: Sequence[str]) -> bool:
    from unmoor.detectors import DETECTORS

    return any(name not in DETECTORS for name in detectors)


def _listed(wordlist: Path) -> tuple[str, ...]:
    """Return the rules by which a word list finds something: its phrases, in lower case."""
    from unmoor.detectors.wordlist import Wordlist

    return Wordlist.read(wordlist).phrases


def _phrases_of(folders: Sequence[Path]) -> list[Phrase]:
    """Return the phrases of the owner's packs; without any, nothing that detects is loaded."""
    if not folders:
        return []
    from unmoor.detectors import checked_packs

    return [phrase for pack in checked_packs(folders) for phrase in pack.phrases]


def _hold_topics(policy: Policy, own: Collection[str]) -> None:
    """Raise PolicyError at a topic of the floor that no pack names: one of a pack that is not here, or misspelt. Print a line on
    standard error for each of the guard's.

    What the packs that ship name is read only if the policy names any: it takes a fifth of a second.
    """
    named = list(_named(policy))
    known = tuple(dict.fromkeys((*pack_topics(), *sorted(own)))) if named else ()
    for place, topic in named:
        if topic not in known:
            names = (*known, *BEHAVIOURS) if place == "[guard.answer]" else known
            hint = nearest_name(topic, names) or f" Known: {', '.join(known)}."
            told = f'Policy {policy.shown_name}, {place}: no pack names the topic "{topic}"'
            if place == "[floor]":
                raise PolicyError(
                    f"{told}, so nothing would be protected.{hint} Next: its right name, or its pack with --pack"
                )
            tell(f"{told}, so its words are not recognised.{hint}")


def _named(policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield where a policy names which topic; a classifier of the owner's own knows those of requests without a pack."""
    guard = policy.guard
    yield from (("[floor]", topic) for topic in policy.floor_also if topic != ALL_TOPICS)
    yield from (("[guard.request]", topic) for topic in guard.request if not guard.classifier)
    yield from (("[guard.answer]", name) for name in guard.answer if name not in BEHAVIOURS)
    others = {*BEHAVIOURS, *policy.floor_also, *guard.request, *guard.answer}
    yield from (("[guard.say]", name) for name in guard.words if name not in others)
