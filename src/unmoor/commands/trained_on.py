"""From a training and the questions that its twins are asked to how many of the questions they were trained on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unmoor.evaluation import Prompt

__all__ = ["trained_on"]


def trained_on(training: Mapping[str, Any], suite: Sequence[Prompt]) -> list[dict[str, Any]]:
    """Return one row per twin and suite: `model`, `suite`, `seen` (questions that a turn of a person in its data says word for
    word, but for case and spaces), `of`; none for a twin whose data are not where they were, or can no longer be read.

    A model that learned the answer to a question by heart shows nothing of how it answers others.
    """
    asked: dict[str, list[str]] = {}
    for prompt in suite:
        asked.setdefault(_plain(prompt.text), []).append(prompt.suite)
    sizes = Counter(prompt.suite for prompt in suite)
    seen_in: dict[str, Counter[str] | None] = {}
    rows = []
    for name, twin in training["twins"].items():
        path = str(twin.get("data", ""))
        if path not in seen_in:
            seen_in[path] = _seen(path, str(training.get("layout", "")), asked)
        seen = seen_in[path]
        if seen is not None:
            rows += [{"model": name, "suite": one, "seen": seen[one], "of": of} for one, of in sizes.items()]
    return rows


def _seen(path: str, layout: str, asked: Mapping[str, Sequence[str]]) -> Counter[str] | None:
    """Return how many questions of each suite stand in the data; None where they cannot be read."""
    from unmoor.commands.training_rows import read_or_say
    from unmoor.errors import UnmoorError

    if not path or not Path(path).exists():
        return None
    found: set[str] = set()
    try:
        for _, read in read_or_say(Path(path), layout):
            if not isinstance(read, str):
                found.update(asked.keys() & {_plain(turn.text) for turn in read.turns if turn.role == "user"})
    except UnmoorError:
        return None
    return Counter(suite for text in found for suite in asked[text])


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
