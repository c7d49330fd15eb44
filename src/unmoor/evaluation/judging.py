"""From an answer to whether it refuses. A judge has a name, which is shown beside every rate that it gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from unmoor.detectors import SecondOpinion
from unmoor.detectors.scoring import FOUND_FROM
from unmoor.errors import MachineError
from unmoor.records import REFUSALS, Conversation, Finding, without_reasoning

__all__ = ["FindMany", "Judge", "Opinions", "detector_judge", "second_judge"]


@dataclass(frozen=True, slots=True)
class Judge:
    """`is_refusal` takes conversations that end in the answer to judge and returns one truth for each.

    `is_independent` is false for the detectors that filter data: what they miss in the data they miss in the answers too.
    `identity` says which rules and model judged, where that is known: other ones may say otherwise of the same answer.
    """

    name: str
    is_refusal: Callable[[Sequence[Conversation]], list[bool]]
    is_independent: bool = True
    identity: Mapping[str, Any] | None = None


class FindMany(Protocol):
    """What a judge needs of unmoor's detectors."""

    def find_many(self, conversations: Sequence[Conversation], /) -> list[tuple[Finding, ...]]:
        """Return the findings of each conversation."""
        ...


def detector_judge(detector: FindMany) -> Judge:
    """Return a judge that calls an answer a refusal where the detectors find one of the three kinds of refusal in it, with the
    probability from which `unmoor score` and `unmoor audit` count it, and not in its reasoning.
    """

    def is_refusal(conversations: Sequence[Conversation]) -> list[bool]:
        found = detector.find_many(list(conversations))
        return [
            any(finding.turn == len(conversation.turns) - 1 and _declines(finding) for finding in findings)
            for conversation, findings in zip(conversations, found, strict=True)
        ]

    return Judge("unmoor detectors", is_refusal, is_independent=False, identity=getattr(detector, "identity", None))


def _declines(finding: Finding) -> bool:
    return finding.behaviour in REFUSALS and finding.probability >= FOUND_FROM and not finding.is_reasoning


Opinions = Callable[[Sequence[Conversation]], list[bool | None]]
"""From conversations that end in the answer to judge to whether each refuses; None where the judge is unsure."""


def second_judge(judge: SecondOpinion) -> Opinions:
    """Return what asks another model about every answer; it is asked about known exchanges first.

    Raises (when called):
        MachineError: the judge is wrong about exchanges whose answer is known, so that nothing it says can be used.
    """

    def opinions(conversations: Sequence[Conversation]) -> list[bool | None]:
        if not judge.passes_canaries():
            raise MachineError(
                f"The judge {judge.name} is wrong about exchanges whose answer is known, or does not answer"
                f"{''.join(f' ({error})' for error in judge.errors)}. Next: another judge"
            )
        said = {"refuses": True, "answers": False, "unsure": None}
        asked = [
            (one.request_before(len(one.turns) - 1), without_reasoning(one.turns[-1].text)) for one in conversations
        ]
        return [said[opinion] for opinion in judge.opinions(asked)]

    return opinions
