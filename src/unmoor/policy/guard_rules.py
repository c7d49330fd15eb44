"""From the `[guard]` table of a policy to the rules of the guard. Every key is checked; no key opens the floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.errors import PolicyError, nearest_name
from unmoor.records import BEHAVIOURS, FLOOR_TOPICS, GUARD_ACTIONS, GuardRules

__all__ = ["guard_rules"]

_KEYS = ("words", "hold_back_chars", "classifier", "classifier_url", "request", "answer", "say")
_MOST_HELD = 4000
Fail = Callable[[str, str, str], PolicyError]


def guard_rules(table: Any, base: GuardRules | None, floor_also: tuple[str, ...], fail: Fail) -> GuardRules:
    """Return the rules of a `[guard]` table over those of the policy it extends; `fail` makes the error for a section and key.

    A topic that this policy puts on the floor is refused, whatever the policy that it extends says about it.

    Raises:
        PolicyError: an unknown key, action or behaviour, a value of another kind, or a floor topic that is not refused.
    """
    base = base or GuardRules()
    if not isinstance(table, dict):
        raise fail("", "guard", "[guard] should be a table")
    for key in table:
        if key not in _KEYS:
            raise fail(
                "guard", key, f'unknown key "{key}" in [guard].{nearest_name(key, _KEYS)} Known: {", ".join(_KEYS)}'
            )
    _check_text(table, fail)
    parts = {name: _part(table.get(name, {}), name, fail) for name in ("request", "answer", "say")}
    floor = tuple(dict.fromkeys((*FLOOR_TOPICS, *floor_also)))
    _check_request(parts["request"], floor, fail)
    _check_answer(parts["answer"], floor, fail)
    inherited = {topic: "refuse" if topic in floor else action for topic, action in base.request.items()}
    return GuardRules(
        request={**inherited, **parts["request"]},
        answer={**base.answer, **parts["answer"]},
        words={**base.words, **parts["say"]},
        default_words=table.get("words", base.default_words),
        hold_back_chars=table.get("hold_back_chars", base.hold_back_chars),
        floor=floor,
        classifier=table.get("classifier", base.classifier),
        classifier_url=table.get("classifier_url", base.classifier_url),
    )


def _check_text(table: Mapping[str, Any], fail: Fail) -> None:
    words, held = table.get("words", "x"), table.get("hold_back_chars", 1)
    if not isinstance(words, str) or not words.strip():
        raise fail("guard", "words", "words should be what the guard says when it refuses")
    for key in ("classifier", "classifier_url"):
        if not isinstance(table.get(key, ""), str):
            raise fail("guard", key, f"{key} should be text, such as openai:MODEL or http://localhost:8000/v1")
    if type(held) is not int or not 1 <= held <= _MOST_HELD:
        raise fail(
            "guard", "hold_back_chars", f"hold_back_chars is a whole number from 1 to {_MOST_HELD}, found {held!r}"
        )


def _part(values: Any, name: str, fail: Fail) -> dict[str, str]:
    if not isinstance(values, dict):
        raise fail("guard", name, f"[guard.{name}] should be a table")
    for key, value in values.items():
        if not isinstance(value, str):
            raise fail(f"guard.{name}", key, f"{key} should be text, found {value!r}")
        if name != "say" and value not in GUARD_ACTIONS:
            hint = nearest_name(value, GUARD_ACTIONS)
            raise fail(f"guard.{name}", key, f'unknown action "{value}".{hint} Known: {", ".join(GUARD_ACTIONS)}')
    return values


def _check_request(request: Mapping[str, str], floor: tuple[str, ...], fail: Fail) -> None:
    for topic, action in request.items():
        if topic in BEHAVIOURS:
            raise fail("guard.request", topic, f"{topic} is a behaviour of answers: it belongs under [guard.answer]")
        if topic in floor and action != "refuse":
            raise fail("guard.request", topic, f"{topic} is on the floor: requests about it are refused, always")


def _check_answer(answer: Mapping[str, str], floor: tuple[str, ...], fail: Fail) -> None:
    known = (*BEHAVIOURS, *floor)
    for name, action in answer.items():
        if name not in known and "." in name:
            raise fail("guard.answer", name, f'unknown behaviour "{name}".{nearest_name(name, known)}')
        if action == "note":
            raise fail("guard.answer", name, "a note is for requests: an answer is allowed, refused or logged")
        if name == "minors" and action != "refuse":
            raise fail("guard.answer", name, "minors is on the floor: answers of that kind are stopped, always")
