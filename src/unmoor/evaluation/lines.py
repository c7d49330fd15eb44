"""From judged answers to one line each: what every count of an evaluation is counted from, so that a reader can count again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from unmoor.evaluation.checks import is_right
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.suite import Prompt

__all__ = ["verdict_lines"]


def verdict_lines(
    judged: Sequence[Judged], suite: Mapping[str, Prompt], second: Sequence[bool | None] | None = None
) -> bytes:
    """Return JSON Lines, one for each answer in the order given: `key`, `model`, `persona`, `suite`, `group`, `id`; `refuses`,
    `empty`, `cut`, `drawn`, `withheld`; `right` where the prompt has a check, `pair` and `side` where it is mirrored, and `second`
    where there is a second judge, which is null where that one is unsure.

    `suite` has each prompt by its id. The answer itself is the line of answers.jsonl with the same model and key.
    """
    opinions: Sequence[dict[str, Any]] = [{"second": opinion} for opinion in second] if second else [{}] * len(judged)
    lines = []
    for one, opinion in zip(judged, opinions, strict=True):
        answer, prompt = one.answer, suite[one.answer.id]
        line: dict[str, Any] = {
            key: getattr(answer, key) for key in ("key", "model", "persona", "suite", "group", "id")
        }
        line |= {"refuses": one.is_refusal, "empty": one.is_empty, "cut": answer.is_cut}
        line |= {"drawn": answer.is_drawn, "withheld": answer.is_withheld}
        if prompt.check is not None:
            line["right"] = is_right(answer.answer, prompt.check)
        if prompt.pair:
            line |= {"pair": prompt.pair, "side": prompt.side}
        lines.append(json.dumps(line | opinion, ensure_ascii=False) + "\n")
    return "".join(lines).encode(errors="replace")
