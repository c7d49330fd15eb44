"""From two plans of a run to where they differ: a run goes on only with the plan that it began with, and shards are of one plan."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

__all__ = ["Difference", "differences", "first_difference", "named_differences"]

_NAMED = 4
"""Differences that are named; the others are counted."""
_OF_THE_WHOLE = ("sha256", "shown_name")
"""Keys of a policy that differ wherever another one does."""


class Difference(NamedTuple):
    """A field, named by the keys that lead to it, and its two values."""

    field: str
    old: Any
    new: Any


def differences(old: Any, new: Any, where: str = "") -> list[Difference]:
    """Return the fields in which two plans differ, in their order; of a policy its hash alone where nothing that it says does."""
    found = list(_differences(old, new, where))
    policy = [one for one in found if one.field.startswith("policy.")]
    whole = [one for one in policy if one.field.removeprefix("policy.") in _OF_THE_WHOLE]
    return [one for one in found if one not in whole or (len(policy) == len(whole) and one.field == "policy.sha256")]


def _differences(old: Any, new: Any, where: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            yield from _differences(old.get(key), new.get(key), f"{where}.{key}" if where else key)
    elif (before := _by_name(old)) and (after := _by_name(new)) and list(before) == list(after):
        for name in before:
            yield from _differences(before[name], after[name], f"{where}.{name}")
    elif before and after and old != new:
        yield from _of_other_names(list(before), list(after), where)
    elif old != new:
        yield Difference(where, old, new)


def _by_name(listed: Any) -> dict[str, Any]:
    """Return a list of what has names, as the files that a run reads have, by name; empty where it is none."""
    is_named = isinstance(listed, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in listed
    )
    named = {one["name"]: one for one in listed} if is_named else {}
    return named if is_named and len(named) == len(listed) else {}


def _of_other_names(old: list[str], new: list[str], where: str) -> Iterator[Difference]:
    """Yield which names came or went; the first that stands elsewhere where none did."""
    changed = [name for name in dict.fromkeys((*old, *new)) if (name in old) != (name in new)]
    for name in changed:
        yield Difference(f"{where}.{name}", *(("there", "not there") if name in old else ("not there", "there")))
    if not changed:
        place, (one, other) = next(
            (place, pair) for place, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]
        )
        yield Difference(f"{where}[{place}]", one, other)


def first_difference(old: Any, new: Any) -> str:
    """Return the first fields in which two plans differ, with both values, or the empty string.

    Of other things than the policy the first alone is named: where the input is another one, all that is said of it differs.
    """
    found = differences(old, new)
    in_policy = [one for one in found if one.field.startswith("policy.")]
    first = found[:1] if found and found[0] not in in_policy else []
    return named_differences([*first, *in_policy], "{field} was {old} and is now {new}")


def named_differences(found: list[Difference], words: str) -> str:
    """Return the first differences, each in `words` with {field}, {old} and {new}, and how many more there are."""
    named = [words.format(field=one.field, old=_brief(one.old), new=_brief(one.new)) for one in found[:_NAMED]]
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return ", ".join([*named, *more])


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
