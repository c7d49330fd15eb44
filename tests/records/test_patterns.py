"""Patterns that are compiled at first use: the same as any other from then on, and every one of them a pattern."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import re
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

import unmoor
from unmoor.records import patterns
from unmoor.records.patterns import pattern_when_used


@pytest.mark.parametrize("method", ["search", "match", "fullmatch", "finditer", "findall", "split"])
@pytest.mark.parametrize("text", ["", "Ab1", "ab ab", "x"])
def test_it_does_what_a_compiled_pattern_does(method: str, text: str) -> None:
    late, compiled = pattern_when_used(r"(?P<a>a)b\d?", re.IGNORECASE), re.compile(r"(?P<a>a)b\d?", re.IGNORECASE)
    for _ in range(2):  # as it is compiled, and afterwards
        ours, theirs = getattr(late, method)(text), getattr(compiled, method)(text)
        if method == "finditer":
            ours, theirs = [found.span() for found in ours], [found.span() for found in theirs]
        spans = (ours and ours.span(), theirs and theirs.span()) if hasattr(ours or theirs, "span") else (ours, theirs)
        assert spans[0] == spans[1]
    assert late.sub("-", text) == compiled.sub("-", text)
    assert (late.pattern, late.flags, late.groups) == (compiled.pattern, compiled.flags, compiled.groups)


def test_nothing_is_compiled_before_it_is_wanted_and_a_wrong_one_says_so_then() -> None:
    wrong = pattern_when_used("(")
    with pytest.raises(re.error):
        wrong.search("x")
    with pytest.raises(AttributeError):
        pattern_when_used("x").no_such_method  # noqa: B018


@pytest.mark.parametrize("is_used", [False, True])
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda late: pickle.loads(pickle.dumps(late))])
def test_it_can_be_copied_and_sent_as_a_compiled_one_can(copied: Callable[[Any], Any], is_used: bool) -> None:
    late = pattern_when_used("A+", re.IGNORECASE)
    assert not is_used or late.search("a")
    assert copied(late).findall("xaA") == ["aA"]


def test_threads_may_use_one_first_at_once() -> None:
    found: list[bool] = []
    for _ in range(50):
        late = pattern_when_used("[a-z]+")
        threads = [Thread(target=lambda late=late: found.append(bool(late.search("abc")))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 200
    assert all(found)


def test_every_pattern_of_the_package_compiles() -> None:
    names = [one.name for one in pkgutil.walk_packages(unmoor.__path__, "unmoor.")]
    modules = [importlib.import_module(name) for name in names if "__main__" not in name and ".tests" not in name]
    late = [value for module in modules for value in vars(module).values() if isinstance(value, patterns._Used)]
    late += [
        value
        for module in modules
        for table in vars(module).values()
        if isinstance(table, dict)
        for value in table.values()
        if isinstance(value, patterns._Used)
    ]
    assert len(late) > 100
    for pattern in late:
        assert re.compile(pattern.pattern, pattern.flags)
