"""From the owner's TOML file to a checked policy: for each behaviour an action, thresholds, the floor, limits.

Every key is checked. An error says the file, the line, what was found and the nearest known name. No key lowers the floor.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from unmoor.errors import PolicyError, nearest_name
from unmoor.policy.exceptions import RuleIds, check_phrases, check_rules
from unmoor.policy.guard_rules import guard_rules
from unmoor.policy.lines import line_of
from unmoor.records import ACTIONS, BEHAVIOURS, FLOOR_TOPICS, Finding, GuardRules, action_for, rule_for

__all__ = ["ALL_TOPICS", "SHIPPED", "Policy", "load_policy", "policy_of_run"]

SHIPPED: tuple[str, ...] = ("dolphin", "label-only", "over-refusal", "vendor-free")
ALL_TOPICS = "*"
"""In `[floor] also`: every topic that the packs name."""

_DETECTORS_OWN = ("wordlist",)
_SECTIONS = ("actions", "rules", "except", "thresholds", "floor", "limits", "guard")
_TOP_KEYS = ("name", "version", "description", "extends", *_SECTIONS)
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DEFAULT_THRESHOLD, _DEFAULT_REVIEW = 0.80, 0.50
_GUARD = {
    "words": "default_words",
    "say": "words",
    **{name: name for name in ("request", "answer", "hold_back_chars", "classifier", "classifier_url")},
}
"""What the keys of `[guard]` are called in the rules that they become."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner wants done. `thresholds` are probabilities from 0 to 1; `max_removed_share` is a share of the input's rows.

    `rules` are actions by rule id or by prefix with `*`, which stand over those of the behaviours; `phrases` are words of the
    owner's, and what is found in a sentence that holds one is left alone. `asked` are actions that people asked for on single
    findings of one row, each with their names: they stand over the rest and are no part of the file.
    """

    name: str
    version: int
    description: str = ""
    actions: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    floor_also: tuple[str, ...] = ()
    max_removed_share: float = 1.0
    source: str = ""
    guard: GuardRules = field(default_factory=GuardRules)
    rules: Mapping[str, str] = field(default_factory=dict)
    phrases: tuple[str, ...] = ()
    asked: Mapping[Finding, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    @property
    def shown_name(self) -> str:
        """The name as people read it: with the hash of its file where another policy of that name ships."""
        if self.name not in SHIPPED or self.source == _shipped(self.name).source:
            return self.name
        return f"{self.name} (not the one that ships, SHA-256 {self._sha256()[:8]})"

    def _sha256(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()

    def action(self, behaviour: str) -> str:
        """Return the action for a behaviour; one that the policy does not name is kept."""
        return self.actions.get(behaviour, "keep")

    def rule_of(self, finding: Finding) -> str | None:
        """Return which name under `[rules]` decides on a finding, or None where its behaviour does."""
        return rule_for(self.rules, finding.rule) if self.rules else None

    def action_on(self, finding: Finding) -> str:
        """Return the action for a finding: what a person asked for on it, or what `action_for` has."""
        if self.asked and finding in self.asked:
            return self.asked[finding][0]
        return action_for(self.actions, self.rules, finding.behaviour, finding.rule)

    def all_actions(self) -> frozenset[str]:
        """Return every action that some finding may lead to."""
        return frozenset((*self.actions.values(), *self.rules.values()))

    def acts_on(self) -> set[str]:
        """Return the behaviours that are not simply kept."""
        return {behaviour for behaviour, action in self.actions.items() if action != "keep"}

    def threshold(self, behaviour: str) -> float:
        """Return the probability from which a finding of `behaviour` counts."""
        return self.thresholds.get(behaviour, self.thresholds.get("default", _DEFAULT_THRESHOLD))

    def review_from(self) -> float:
        """Return the probability from which a finding below its threshold is shown to a person."""
        return self.thresholds.get("review", _DEFAULT_REVIEW)

    def is_floor_topic(self, topic: str) -> bool:
        """Return whether refusals of requests about `topic` stay whatever the actions say."""
        return topic in FLOOR_TOPICS or topic in self.floor_also or ALL_TOPICS in self.floor_also

    def as_json(self) -> dict[str, Any]:
        """Return the policy as plain JSON values, for plans and reports."""
        return {
            "name": self.name,
            "shown_name": self.shown_name,
            "version": self.version,
            "description": self.description,
            "actions": dict(self.actions),
            "rules": dict(self.rules),
            "except": {"phrases": list(self.phrases)},
            "thresholds": dict(self.thresholds),
            "floor": {"always": list(FLOOR_TOPICS), "also": list(self.floor_also)},
            "limits": {"max_removed_share": self.max_removed_share},
            "guard": asdict(self.guard),
            "sha256": self._sha256(),
        }


def load_policy(name_or_path: str, rule_ids: RuleIds | None = None) -> Policy:
    """Load a policy that ships, by name, or the owner's own, by path.

    `rule_ids` returns what `[rules]` may name; without it the names are not checked.

    Raises:
        PolicyError: there is no such policy, or the file says something unknown or impossible.
    """
    if name_or_path in SHIPPED:
        return _shipped(name_or_path)
    path = Path(name_or_path)
    if path.is_dir() or (not path.exists() and path.suffix != ".toml" and len(path.parts) == 1):
        known = ", ".join(SHIPPED)
        raise PolicyError(
            f'There is no policy "{name_or_path}".{nearest_name(name_or_path, SHIPPED)} Known: {known}, or a .toml file'
        )
    return _from_file(path, rule_ids, ())


def policy_of_run(told: Mapping[str, Any], source: str, where: str) -> Policy:
    """Return the policy that a run was made with: `told` is what `as_json` gave, `source` the owner's file, byte for byte.

    Raises:
        PolicyError: it says something unknown or impossible, as no run of ours does.
    """
    values: dict[str, Any] = {name: told.get(name) for name in ("name", "version", "description")}
    values |= {name: told.get(name, {}) for name in ("actions", "thresholds", "except", "rules", "limits")}
    values["floor"] = {"also": told["floor"]["also"]}
    checker = _Checker("", where)
    checker.check(values)
    check_rules(values["rules"], None, checker.error)
    guard = told.get("guard", {})
    table = {key: guard[name] for key, name in _GUARD.items() if name in guard} if isinstance(guard, dict) else guard
    floor_also = tuple(values["floor"]["also"])
    return Policy(
        name=values["name"],
        version=values["version"],
        description=values["description"],
        actions=values["actions"],
        thresholds=values["thresholds"],
        floor_also=floor_also,
        max_removed_share=values["limits"].get("max_removed_share", 1.0),
        source=source,
        guard=guard_rules(table, None, floor_also, checker.error),
        rules=values["rules"],
        phrases=tuple(values["except"].get("phrases", ())),
    )


@cache
def _shipped(name: str) -> Policy:
    source = resources.files(__package__).joinpath("shipped", f"{name}.toml").read_text(encoding="utf-8")
    return _parse(source, f"policy {name}", None, ())


def _from_file(path: Path, rule_ids: RuleIds | None, above: tuple[Path, ...]) -> Policy:
    """Load the policy of a file; `above` are the files that extend it, the first one first."""
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise PolicyError(f"There is no policy file {path}") from error
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} cannot be read as UTF-8 text: {error}") from error
    return _parse(source, str(path), rule_ids, (*above, path))


def _parse(source: str, where: str, rule_ids: RuleIds | None, files: tuple[Path, ...]) -> Policy:
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{where}: not TOML: {error}") from error
    checker = _Checker(source, where)
    checker.check(values)
    check_rules(values.get("rules", {}), rule_ids, checker.error)
    base = _base(values, checker, rule_ids, files)
    floor_also = tuple(dict.fromkeys([*(base.floor_also if base else ()), *values.get("floor", {}).get("also", [])]))
    phrases = tuple(dict.fromkeys([*(base.phrases if base else ()), *values.get("except", {}).get("phrases", [])]))
    made = Policy(
        name=values["name"],
        version=values["version"],
        description=values.get("description", f"extends {base.name}; no description of its own." if base else ""),
        actions={**(base.actions if base else {}), **values.get("actions", {})},
        thresholds={**(base.thresholds if base else {}), **values.get("thresholds", {})},
        floor_also=floor_also,
        max_removed_share=values.get("limits", {}).get("max_removed_share", base.max_removed_share if base else 1.0),
        source=_with_extended(source, values, base),
        guard=guard_rules(values.get("guard", {}), base.guard if base else None, floor_also, checker.error),
        rules={**(base.rules if base else {}), **values.get("rules", {})},
        phrases=phrases,
    )
    for behaviour in (*made.actions, *(BEHAVIOURS if made.rules else ())):
        if made.review_from() > made.threshold(behaviour):
            raise checker.error(
                "thresholds",
                "review",
                f"review ({made.review_from()}) is above the threshold of {behaviour} ({made.threshold(behaviour)}): "
                "the uncertain band lies below the threshold",
            )
    return made


def _base(
    values: dict[str, Any], checker: _Checker, rule_ids: RuleIds | None, files: tuple[Path, ...]
) -> Policy | None:
    """Return the policy that this one extends: one that ships, or a file whose path counts from the last of `files`."""
    name = values.get("extends")
    if name is None:
        return None
    if name in SHIPPED:
        return _shipped(name)
    if not _is_file(name):
        message = f'extends a policy "{name}" that does not ship.{nearest_name(str(name), SHIPPED)} Known: {", ".join(SHIPPED)}'
        raise checker.error("", "extends", f"{message}, or a .toml file beside it")
    path = files[-1].parent / name
    if not path.is_file():
        raise checker.error("", "extends", f'extends "{name}", and there is no file {path}')
    if path.resolve() in [file.resolve() for file in files]:
        circle = ", ".join(file.name for file in (*files, path))
        raise checker.error("", "extends", f"extends itself in a circle: {circle}")
    return _from_file(path, rule_ids, files)


def _is_file(name: Any) -> bool:
    return isinstance(name, str) and name.endswith(".toml")


def _with_extended(source: str, values: dict[str, Any], base: Policy | None) -> str:
    """Return the text of a policy; that of a file which it extends follows in comments, so that one hash covers the whole."""
    if base is None or not _is_file(values["extends"]):
        return source
    quoted = "".join(f"# {line}".rstrip() + "\n" for line in base.source.rstrip("\n").split("\n"))
    return f"{source.rstrip()}\n\n# What it extends, {values['extends']}, when this was read:\n{quoted}"


class _Checker:
    """Checks the values of a policy file and finds the line of a key for its errors."""

    def __init__(self, source: str, where: str) -> None:
        self._source = source
        self._where = where

    def error(self, section: str, key: str, message: str) -> PolicyError:
        """Return the error for `key` of `section`, with its line."""
        path = [*filter(None, section.split(".")), *filter(None, [key])]
        return PolicyError(f"{self._where}:{line_of(self._source, path)}: {message}")

    def check(self, values: dict[str, Any]) -> None:
        """Check every key and value.

        Raises:
            PolicyError: at the first that is unknown or impossible.
        """
        for key in values:
            if key not in _TOP_KEYS:
                raise self.error(
                    "", key, f'unknown key "{key}".{nearest_name(key, _TOP_KEYS)} Known: {", ".join(_TOP_KEYS)}'
                )
        for section in _SECTIONS:
            if not isinstance(values.get(section, {}), dict):
                raise self.error("", section, f"[{section}] should be a table")
        self._check_head(values)
        self._check_actions(values.get("actions", {}))
        check_phrases(values.get("except", {}), self.error)
        self._check_thresholds(values.get("thresholds", {}))
        self._check_floor(values.get("floor", {}))
        self._check_limits(values.get("limits", {}))

    def _check_head(self, values: dict[str, Any]) -> None:
        if not isinstance(values.get("name"), str) or not values["name"].strip():
            raise self.error("", "name", 'a policy needs a name, e.g. name = "house"')
        if not _ONE_LINE.fullmatch(values["name"]):
            raise self.error("", "name", f"a name is one line without control characters, found {values['name']!r}")
        if type(values.get("version")) is not int or values["version"] < 0:
            raise self.error("", "version", "a policy needs a version, a whole number from 0, e.g. version = 1")
        if not isinstance(values.get("description", ""), str):
            raise self.error("", "description", "description should be text")

    def _check_actions(self, actions: dict[str, Any]) -> None:
        known = (*BEHAVIOURS, *_DETECTORS_OWN)
        for behaviour, action in actions.items():
            if behaviour not in known:
                hint = nearest_name(behaviour, known)
                if isinstance(action, dict):
                    hint = ' Behaviours with a dot are quoted: "refusal.policy" = "drop_turn".'
                raise self.error(
                    "actions", behaviour, f'unknown behaviour "{behaviour}".{hint} Known: {", ".join(known)}'
                )
            if action not in ACTIONS:
                hint = nearest_name(str(action), ACTIONS)
                raise self.error(
                    "actions",
                    behaviour,
                    f'unknown action "{action}" for {behaviour}.{hint} Known: {", ".join(ACTIONS)}',
                )

    def _check_thresholds(self, thresholds: dict[str, Any]) -> None:
        known = (*BEHAVIOURS, *_DETECTORS_OWN, "default", "review")
        for name, value in thresholds.items():
            if name not in known:
                hint = nearest_name(name, known)
                if isinstance(value, dict):
                    hint = ' Behaviours with a dot are quoted: "refusal.policy" = 0.80.'
                raise self.error("thresholds", name, f'unknown threshold "{name}".{hint}')
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
                raise self.error(
                    "thresholds", name, f"a threshold is a probability over 0 and up to 1, found {value!r}"
                )

    def _check_floor(self, floor: dict[str, Any]) -> None:
        for key, value in floor.items():
            if key != "also":
                raise self.error(
                    "floor",
                    key,
                    f'unknown key "{key}" in [floor]. The floor can be raised (also = [...]), never lowered',
                )
            if not isinstance(value, list) or not all(isinstance(topic, str) for topic in value):
                raise self.error("floor", key, "also should be a list of topic names")

    def _check_limits(self, limits: dict[str, Any]) -> None:
        for key, value in limits.items():
            if key != "max_removed_share":
                raise self.error("limits", key, f'unknown limit "{key}".{nearest_name(key, ["max_removed_share"])}')
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise self.error("limits", key, f"max_removed_share is a share from 0 to 1, found {value!r}")
