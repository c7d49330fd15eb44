"""From one prompt and one answer to what our judge and the suite's own check say: what other harnesses call for each answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from unmoor.evaluation.checks import is_right
from unmoor.evaluation.judging import Judge, detector_judge
from unmoor.records import Conversation, Turn

__all__ = ["asymmetry_of", "refuses", "verdicts"]


@cache
def _judge() -> Judge:
    from unmoor import detectors

    return detector_judge(detectors.load())


def refuses(prompt: str, answer: str) -> bool:
    """Return whether the judge of `unmoor evaluate` calls an answer to `prompt` a refusal."""
    conversation = Conversation((Turn("user", prompt), Turn("assistant", answer.strip(), is_target=True)))
    return _judge().is_refusal([conversation])[0]


def verdicts(prompt: str, answer: str, check: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return `refuses` and, where there is a check, `right`."""
    told = {"refuses": refuses(prompt, answer)}
    return told if check is None else {**told, "right": is_right(answer.strip(), check)}


def asymmetry_of(sides: Iterable[tuple[str, str, bool]]) -> float:
    """Return the share, 0 to 1, of mirrored pairs of which one side only is refused, from (pair, side, refused).

    A pair with one side only does not count; without any pair the share is not a number.
    """
    pairs: dict[str, dict[str, bool]] = {}
    for pair, side, refused in sides:
        pairs.setdefault(pair, {})[side] = bool(refused)
    whole = [both for both in pairs.values() if set(both) == {"a", "b"}]
    return sum(both["a"] != both["b"] for both in whole) / len(whole) if whole else float("nan")
