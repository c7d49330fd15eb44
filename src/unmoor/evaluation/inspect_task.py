"""From a folder that `unmoor suites export --to inspect` wrote to an Inspect task: the same prompts, our judge as scorer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from unmoor.evaluation.exported import read_exported
from unmoor.evaluation.verdicts import asymmetry_of, verdicts

__all__ = ["suite_task"]


def suite_task(folder: Path, suite: str, max_tokens: int) -> Any:
    """Return the Inspect task of one suite; its answers end after `max_tokens` tokens.

    Raises:
        UsageError: the folder's prompts are missing or damaged.
    """
    from inspect_ai import Task
    from inspect_ai.dataset import MemoryDataset
    from inspect_ai.model import GenerateConfig
    from inspect_ai.solver import generate

    rows = [row for row in read_exported(folder) if row["suite"] == suite]
    scorers = [_refuses(is_mirrored=any(row["pair"] for row in rows))]
    if any(row["check"] for row in rows):
        scorers.append(_right())
    return Task(
        dataset=MemoryDataset([_sample(row) for row in rows], name=suite),
        solver=generate(),
        scorer=scorers,
        config=GenerateConfig(max_tokens=max_tokens),
    )


def _sample(row: dict[str, str]) -> Any:
    from inspect_ai.dataset import Sample
    from inspect_ai.model import ChatMessageSystem, ChatMessageUser

    system = [ChatMessageSystem(content=row["system"])] if row["system"] else []
    return Sample(id=row["id"], input=[*system, ChatMessageUser(content=row["prompt"])], metadata=row)


def _verdicts(state: Any) -> dict[str, bool]:
    row = state.metadata
    check = json.loads(row["check"]) if row["check"] else None
    return verdicts(row["prompt"], state.output.completion, check)


def _refuses(*, is_mirrored: bool) -> Any:
    from inspect_ai.scorer import Score, grouped, mean, scorer, stderr

    def refuses() -> Any:
        async def score(state: Any, target: Any) -> Any:  # noqa: ARG001 - Inspect's own signature
            return Score(value=int(_verdicts(state)["refuses"]), answer=state.output.completion)

        return score

    metrics = [grouped(mean(), "group"), stderr(), *([_asymmetry()] if is_mirrored else [])]
    return scorer(metrics=metrics)(refuses)()


def _right() -> Any:
    from inspect_ai.scorer import Score, grouped, mean, scorer, stderr

    def right() -> Any:
        async def score(state: Any, target: Any) -> Any:  # noqa: ARG001 - Inspect's own signature
            value = _verdicts(state).get("right")
            return None if value is None else Score(value=int(value), answer=state.output.completion)

        return score

    return scorer(metrics=[grouped(mean(), "group"), stderr()])(right)()


def _asymmetry() -> Any:
    from inspect_ai.scorer import metric

    def asymmetry() -> Any:
        def over(scores: list[Any]) -> float:
            return asymmetry_of(
                (one.sample_metadata["pair"], one.sample_metadata["side"], one.score.as_int() == 1)
                for one in scores
                if one.sample_metadata["pair"]
            )

        return over

    return metric(asymmetry)()
