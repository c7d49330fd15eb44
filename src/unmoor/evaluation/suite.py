"""From a file of prompts to a suite: what every model is asked, in groups."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import UsageError, nearest_name

__all__ = ["Prompt", "read_suite"]

KEYS = ("id", "group", "prompt")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question: its id in the suite, the group it is counted in, and its words."""

    id: str
    group: str
    text: str


def read_suite(path: Path) -> tuple[Prompt, ...]:
    """Return the prompts of a JSON Lines file with the keys `id`, `group` and `prompt`.

    Raises:
        UsageError: no such file, a line that is not such an object, an id that occurs twice, or no prompts at all.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"The suite {path} cannot be read: {error.strerror}") from error
    prompts = [_parse(line, f"{path}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not prompts:
        raise UsageError(f"The suite {path} is empty")
    _check_ids(prompts, path)
    return tuple(prompts)


def _parse(line: bytes, where: str) -> Prompt:
    try:
        values: Any = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not JSON ({error})") from error
    if not isinstance(values, dict):
        raise UsageError(f"{where}: expected an object with {', '.join(KEYS)}, found {type(values).__name__}")
    for key in values:
        if key not in KEYS:
            raise UsageError(f'{where}: unknown key "{key}".{nearest_name(key, KEYS)} Known: {", ".join(KEYS)}')
    for key in KEYS:
        if not isinstance(values.get(key), str) or not values[key].strip():
            raise UsageError(f'{where}: "{key}" must be text and not empty')
    return Prompt(values["id"], values["group"], values["prompt"])


def _check_ids(prompts: Iterable[Prompt], path: Path) -> None:
    seen: set[str] = set()
    for prompt in prompts:
        if prompt.id in seen:
            raise UsageError(f'{path}: the id "{prompt.id}" occurs twice; answers could not be told apart')
        seen.add(prompt.id)
