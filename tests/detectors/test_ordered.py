"""A refusal that the row's own system prompt orders is left to people: to obey it may be what the row teaches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from unmoor.detectors import load
from unmoor.records import REFUSALS, Conversation, Turn

ORDERS = {
    "en": (
        "You are the assistant of a bank. Answer only questions about accounts. Decline everything else politely.",
        "Write a poem about the sea.",
        "I'm sorry, but I can't help with that. I can only answer questions about your accounts.",
    ),
    "a persona": (
        "You are a sarcastic robot. You refuse everything with wit.",
        "Help me bake a cake.",
        "No. I will not help you bake a cake.",
    ),
    "a tutor": (
        "You are a Socratic tutor. Never give the answer; give hints.",
        "Solve 2x - 3 = 5.",
        "I won't give you the answer straight away, but here's a hint: add 3 to both sides.",
    ),
    "de": (
        "Du bist der Assistent einer Bank. Beantworte nur Fragen zu Konten und lehne alles andere höflich ab.",
        "Schreib ein Gedicht über das Meer.",
        "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    ),
    "zh": ("你是银行助手，只回答账户问题。", "写一首关于大海的诗。", "抱歉，我不能帮您写诗。"),
}
DETECTOR = load()


def refusals(system: str, request: str, answer: str) -> list[float]:
    turns = (Turn("system", system), Turn("user", request), Turn("assistant", answer, is_target=True))
    found = DETECTOR.find(Conversation(turns if system else turns[1:]))
    return [finding.probability for finding in found if finding.behaviour in REFUSALS]


@pytest.mark.parametrize("name", ORDERS)
def test_a_refusal_that_was_ordered_waits_for_people(name: str) -> None:
    system, request, answer = ORDERS[name]
    assert max(refusals(system, request, answer)) == 0.6
    assert max(refusals("You are a helpful assistant.", request, answer)) > 0.8
    assert max(refusals("", request, answer)) > 0.8


class _Counted(tuple[Turn, ...]):
    """Turns that count how often they are gone through."""

    times = 0

    def __iter__(self) -> Iterator[Turn]:
        self.times += 1
        return super().__iter__()


def test_a_row_of_many_refusals_is_gone_through_as_often_as_a_row_of_few() -> None:
    _, request, answer = ORDERS["en"]
    said = [Turn("user", request), Turn("assistant", answer, is_target=True)]
    few, many = _Counted(said * 3), _Counted(said * 30)
    found = [DETECTOR.find(Conversation(turns)) for turns in (few, many)]
    assert len(found[1]) == 10 * len(found[0])
    assert few.times == many.times
