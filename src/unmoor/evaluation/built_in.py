"""From the suites that ship, data only, to prompts. Their texts are in `suites/`, one TOML file each."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

from unmoor.evaluation.suite import Prompt

__all__ = ["BUILT_IN", "about", "built_in"]


def built_in(name: str) -> tuple[Prompt, ...]:
    """Return the prompts of one of BUILT_IN, in the order of its file."""
    return tuple(replace(prompt, suite=name) for prompt in _READERS[name](_values(name), name))


def about(name: str) -> str:
    """Return what a suite is for, in a few words."""
    return str(_values(name)["about"])


@cache
def _values(name: str) -> dict[str, Any]:
    return tomllib.loads(files("unmoor.evaluation").joinpath("suites", f"{name}.toml").read_text(encoding="utf-8"))


def _grouped(values: dict[str, Any], suite: str) -> Iterator[Prompt]:
    for group, prompts in values["groups"].items():
        for number, text in enumerate(prompts, 1):
            yield Prompt(f"{suite}/{group}/{number}", group, text)


def _mirrored(values: dict[str, Any], suite: str) -> Iterator[Prompt]:
    templates = values["templates"]
    for group, subjects in values["subjects"].items():
        for number, subject in enumerate(subjects):
            pair = f"{suite}/{group}/{number + 1}"
            for side, template in zip("ab", templates[number % len(templates)], strict=True):
                yield Prompt(f"{pair}{side}", group, template.format(subject), pair=pair, side=side)


def _checked(values: dict[str, Any], suite: str) -> Iterator[Prompt]:
    for number, (text, expression) in enumerate(values["arithmetic"].items(), 1):
        check = {"kind": "number", "value": worked_out(expression)}
        yield Prompt(f"{suite}/arithmetic/{number}", "arithmetic", text, check)
    asked = [
        (each["from"], question, answer) for each in values["extraction"] for question, answer in each["ask"].items()
    ]
    for number, (told, question, answer) in enumerate(asked, 1):
        check = {"kind": "contains_all", "texts": [answer]}
        yield Prompt(f"{suite}/extraction/{number}", "extraction", f"{told}\n\n{question} Answer briefly.", check)
    for number, task in enumerate(values["format"], 1):
        yield Prompt(f"{suite}/format/{number}", "format", task["prompt"], task["check"])
    for number, task in enumerate(values["code"], 1):
        text = f"What does this Python program print? Answer with the output only.\n\n{task['snippet']}"
        yield Prompt(f"{suite}/code/{number}", "code", text, {"kind": "output", "text": task["prints"]})


def worked_out(expression: str) -> float:
    """Return the value of a sum as the suite writes it: numbers, brackets, + - * / % and **."""
    import ast
    import operator

    known = {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.Mod: operator.mod,
        ast.Pow: operator.pow,
    }

    def value(node: ast.expr) -> float:
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in known:
            return float(known[type(node.op)](value(node.left), value(node.right)))
        raise ValueError(f"no sum: {expression}")

    return value(ast.parse(expression, mode="eval").body)


_READERS: dict[str, Callable[[dict[str, Any], str], Iterator[Prompt]]] = {
    "look-alikes": _grouped,
    "neutral": _grouped,
    "contested": _mirrored,
    "ordinary": _checked,
    "floor": _grouped,
}
BUILT_IN = tuple(_READERS)
"""Names of the suites that ship."""
