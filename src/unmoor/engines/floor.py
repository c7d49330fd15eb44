"""From the floor topics that requests name to the answers that no policy takes away: those that decline such a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress

from unmoor.detectors import Detector
from unmoor.policy import Policy, cut_spans
from unmoor.records import REFUSALS, Conversation, Finding, FloorTopics, Held, Turn

__all__ = ["Floor"]

_INSTEAD_OF_AN_ANSWER = (
    "identity.vendor",
    "disclaimer.identity",
    "disclaimer.professional",
    "moralising",
    "bias.evasion",
)
_AN_ANSWER_CHARS = 300
"""Code points beside such findings from which an answer was given."""


class Floor:
    """What a policy may not touch, in the words of the packs; nothing, where there is no policy and nothing is done."""

    def __init__(self, detector: Detector, policy: Policy | None) -> None:
        self._detector = detector
        self._policy = policy
        self._is_raised = policy is not None and bool(policy.floor_also)

    def topics_of(
        self, conversations: Sequence[Conversation], acted_on: Sequence[bool]
    ) -> Iterator[Mapping[int, FloorTopics]]:
        """Yield for each conversation the floor topics of its turns; of those that nothing is done to, none."""
        wanted = [self._policy is not None and is_acted_on for is_acted_on in acted_on]
        if not any(wanted):
            return iter([{}] * len(wanted))
        here = list(compress(conversations, wanted))
        named = iter(self._detector.floor_topics(here, is_raised=self._is_raised))
        return (next(named) if is_wanted else {} for is_wanted in wanted)

    def turns_of(
        self,
        conversation: Conversation,
        findings: tuple[Finding, ...],
        topics: Mapping[int, FloorTopics],
    ) -> dict[int, Held]:
        """Return the answers that decline a request on a topic of the floor, whichever detectors were asked for, with the topics
        that the exchange of each names; else those of a request before it, which "give me the steps then" is still about.
        """
        refusing = {finding.turn for finding in findings if finding.behaviour in REFUSALS}
        held = {}
        for index, named in sorted(topics.items()):
            turn = conversation.turns[index]
            own, earlier = self._of_the_floor(named.here), self._of_the_floor(named.earlier)
            if (
                turn.is_target
                and (own or earlier)
                and (
                    index in refusing or (own and _declines(turn, index, findings)) or self._detector.refuses(turn.text)
                )
            ):
                held[index] = Held(own) if own else Held(earlier, is_own=False)
        return held

    def _of_the_floor(self, topics: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filter(self._policy.is_floor_topic, topics)) if self._policy is not None else ()


def _declines(turn: Turn, index: int, findings: Sequence[Finding]) -> bool:
    """Return whether an answer says who speaks or lectures, and hardly more: no refusal in words, and no answer either."""
    said = [finding for finding in findings if finding.turn == index and finding.behaviour in _INSTEAD_OF_AN_ANSWER]
    spans = [(finding.start_char, finding.end_char) for finding in said if finding.field == "text"]
    return bool(said) and len(cut_spans(turn.text, spans)) < _AN_ANSWER_CHARS
