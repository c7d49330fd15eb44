"""The judge calls a refusal what the detectors call one, in the answer and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from unmoor.evaluation import detector_judge
from unmoor.records import Conversation, Finding, Turn


class Marks:
    """A detector for tests: finds the behaviour written in brackets in a turn, such as `[refusal.policy]`."""

    def find_many(self, conversations: Sequence[Conversation], /) -> list[tuple[Finding, ...]]:
        return [tuple(self._find(conversation)) for conversation in conversations]

    def _find(self, conversation: Conversation) -> list[Finding]:
        return [
            Finding(turn.text.strip("[]"), index, 0, len(turn.text), turn.text, "mark", 1.0)
            for index, turn in enumerate(conversation.turns)
            if turn.text.startswith("[")
        ]


def answered(*texts: str) -> Conversation:
    return Conversation(
        tuple(Turn("user" if index % 2 == 0 else "assistant", text) for index, text in enumerate(texts))
    )


def test_the_three_kinds_of_refusal_count_and_other_behaviours_do_not() -> None:
    judge = detector_judge(Marks())
    texts = ["[refusal.policy]", "[refusal.capability]", "[refusal.partial]", "[moralising]", "Tap it."]
    assert judge.is_refusal([answered("Why?", text) for text in texts]) == [True, True, True, False, False]


def test_only_the_last_turn_is_judged() -> None:
    judge = detector_judge(Marks())
    assert judge.is_refusal([answered("Why?", "[refusal.policy]", "And now?", "Tap it.")]) == [False]
    assert judge.name == "unmoor detectors"
