"""From the tables `[rules]` and `[except]` of a policy to what they say: actions by rule, and phrases that are left alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from unmoor.errors import PolicyError, nearest_name
from unmoor.records import ACTIONS, rule_for

__all__ = ["OpenRules", "RulesOrPhrases", "check_phrases", "check_rules", "is_rule", "near_rule", "nearest_rule"]

Fail = Callable[[str, str, str], PolicyError]
RuleIds = Callable[[], Collection[str]]


class OpenRules(tuple[str, ...]):
    """Ids of rules where there may be others that nobody can list: those of another package's detector."""

    __slots__ = ()


class RulesOrPhrases(OpenRules):
    """Ids of rules where the only others may be the phrases of a word list, since no package here has a detector."""

    __slots__ = ()


def check_rules(rules: Mapping[str, Any], rule_ids: RuleIds | None, fail: Fail) -> None:
    """Check the table `[rules]`; `rule_ids` returns the ids that a finding can have, and None leaves the ids unchecked. Beside
    `OpenRules` a name that begins as none of them does is some other rule's, and beside `RulesOrPhrases` if it may be a phrase.

    Raises:
        PolicyError: no rule has that id or begins so, or the action is unknown.
    """
    known = rule_ids() if rules and rule_ids is not None else None
    for name, action in rules.items():
        if isinstance(action, dict):
            raise fail("rules", name, f'rules with a dot are quoted: "{name}.…" = "keep"')
        if action not in ACTIONS:
            hint = nearest_name(str(action), ACTIONS)
            raise fail("rules", name, f'unknown action "{action}" for {name}.{hint} Known: {", ".join(ACTIONS)}')
        if known is None or is_rule(name, known) or (isinstance(known, OpenRules) and _is_apart(name, known)):
            continue
        near = near_rule(name, known)
        where = "A run's report and ledger name the rules; those of your own pack, word list or detector are known with"
        raise fail("rules", name, f'no rule is called "{name}".{near} {where} --pack, --wordlist or --detector')


def is_rule(name: str, known: Collection[str]) -> bool:
    """Return whether a name under `[rules]` is one of these rules, or the beginning of one."""
    return any(rule_for({name: ""}, rule) for rule in known)


def _is_apart(name: str, known: OpenRules) -> bool:
    """Return whether a name begins as none of these rules does, up to the first dot, and may be another rule's."""
    is_phrase = not isinstance(known, RulesOrPhrases) or _may_be_phrase(name, known)
    return is_phrase and name.partition(".")[0] not in {rule.partition(".")[0] for rule in known}


def _may_be_phrase(name: str, known: Collection[str]) -> bool:
    """Return whether a name may be words, as "www.gov.uk" is, and no rule misspelt, as "eng.moral.urge" and "acme.*" are."""
    if " " in name:
        return True
    return not name.endswith("*") and not ("." in name and near_rule(name, known))


def near_rule(name: str, known: Collection[str]) -> str:
    """Return ` Did you mean "x"?` with the nearest of these rules or of their beginnings, or the empty string."""
    return nearest_rule(name, [*known, *sorted(_families(known))])


def nearest_rule(name: str, known: Collection[str]) -> str:
    """Return ` Did you mean "x"?` with the nearest rule, of the same language if one of those is near, or the empty string."""
    language = f"{name.partition('.')[0]}."
    return nearest_name(name, [rule for rule in known if rule.startswith(language)]) or nearest_name(name, known)


def _families(rule_ids: Collection[str]) -> set[str]:
    return {f"{rule.rpartition('.')[0]}.*" for rule in rule_ids if "." in rule}


def check_phrases(table: Mapping[str, Any], fail: Fail) -> None:
    """Check the table `[except]`.

    Raises:
        PolicyError: another key than `phrases`, or a phrase that is no text on one line with a letter or digit.
    """
    for key, value in table.items():
        if key != "phrases":
            raise fail(
                "except", key, f'unknown key "{key}" in [except].{nearest_name(key, ["phrases"])} Known: phrases'
            )
        if not isinstance(value, list):
            raise fail("except", key, 'phrases should be a list, e.g. phrases = ["We cannot refund"]')
        for phrase in value:
            if not isinstance(phrase, str) or len(phrase.splitlines()) != 1 or not any(map(str.isalnum, phrase)):
                raise fail("except", key, f"a phrase is words on one line, found {phrase!r}")
