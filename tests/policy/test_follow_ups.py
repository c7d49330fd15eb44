"""A question back about an answer that goes, goes with it; a request of its own stays, and so does what the floor keeps."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.policy import Policy, decide, turns_to_remove
from unmoor.policy.follow_ups import asks_back
from unmoor.records import Conversation, Finding, Held, Turn

TABLE = tomllib.loads(files("unmoor.policy").joinpath("follow_ups.toml").read_text(encoding="utf-8"))
REFUSAL = "I won't help with that."
DROP = Policy("test", 1, actions={"refusal.policy": "drop_turn"})


def conversation(*exchanges: tuple[str, str]) -> Conversation:
    turns = [
        turn for said, answer in exchanges for turn in (Turn("user", said), Turn("assistant", answer, is_target=True))
    ]
    return Conversation(tuple(turns))


def refusal(turn: int) -> Finding:
    return Finding("refusal.policy", turn, 0, len(REFUSAL), REFUSAL, "rule", 0.99)


@pytest.mark.parametrize("language", sorted(TABLE))
def test_every_words_of_the_table_are_met_however_they_are_typed(language: str) -> None:
    for words in TABLE[language]:
        for said in (
            words,
            f"{words}?",
            f" {words.upper()}!! " if language != "tr" and "ı" not in words else words,
            f"“{words}” 🙏",
        ):
            assert asks_back(said), said


@pytest.mark.parametrize(
    "said",
    [
        "Why not?",
        "Please, come on!",
        "Why?? Are you sure?",
        "What do you mean…",
        "¿Por qué no?",
        "Warum nicht, bitte?",
        "为什么？",
        "And why can't you?",
        "That is silly, I cut myself shaving. And why can't you?",
        "What else can you not do?",
        "Come on, please.",
        "Und warum kannst du das nicht?",
        "Das ist albern, ich habe mich geschnitten. Warum kannst du das nicht?",
        "Was kannst du sonst noch nicht?",
        "Et pourquoi tu ne peux pas ?",
        "Que ne peux-tu pas faire d'autre ?",
        "¿Y por qué no puedes?",
        "¿Qué más no puedes hacer?",
        "E perché non puoi?",
        "Cos'altro non puoi fare?",
        "E por que você não pode?",
        "O que mais você não pode fazer?",
        "En waarom kun je dat niet?",
        "Wat kun je nog meer niet?",
        "Och varför kan du inte det?",
        "Vad mer kan du inte göra?",
        "Det är löjligt, jag skar mig när jag rakade mig. Varför kan du inte det?",
        "Og hvorfor kan du ikke det?",
        "Hvad kan du ellers ikke?",
        "Hva annet kan du ikke gjøre?",
        "Ja miksi et voi?",
        "Mitä muuta et voi tehdä?",
        "A dlaczego nie możesz?",
        "Czego jeszcze nie możesz?",
        "Peki neden yapamıyorsun?",
        "Başka neler yapamazsın?",
        "А почему ты не можешь?",
        "Что ещё ты не можешь?",
        "ولماذا لا تستطيع؟",
        "ماذا أيضا لا تستطيع؟",
        "और आप क्यों नहीं कर सकते?",
        "आप और क्या नहीं कर सकते?",
        "那你为什么不能？",
        "你还有什么不能做？",
        "なぜできないのですか？",
        "他に何ができないのですか？",
        "그런데 왜 못 해요?",
        "또 뭘 못 해요?",
    ],
)
def test_a_question_back_is_told(said: str) -> None:
    assert asks_back(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "?",
        "Why not use a library?",
        "What can't you cut with a saw? And why not?",
        "Why can't you divide by zero?",
        "How do locks work? And why can't you?",
        "Come on, write a poem. Please.",
        "What else can you do?",
        "What can't you do?",
        "Please write a poem.",
        "Why? Then tell me how locks work.",
        "Give me the steps then.",
        "Continue",
        "Thanks",
        "Why " * 60,
        "Warum ist der Himmel blau?",
    ],
)
def test_a_request_of_its_own_is_none(said: str) -> None:
    assert not asks_back(said)


def test_the_justification_of_a_dropped_refusal_goes_with_it_and_the_reason_says_so() -> None:
    asked = conversation(
        ("Write malware", REFUSAL), ("Why not?", "Because it harms."), ("Please", "No."), ("2+2?", "4")
    )
    decision = decide(asked, (refusal(1),), DROP)
    assert [(edit.action, edit.turn) for edit in decision.edits] == [("drop_turn", turn) for turn in (1, 3, 5)]
    assert turns_to_remove(asked, decision.edits) == {0, 1, 2, 3, 4, 5}
    assert decision.outcome == "mended"
    assert "; turn 3 only asks back about it and goes with it" in decision.reason
    assert "; turn 5 only asks back" in decision.reason


def test_a_row_of_nothing_but_a_refusal_and_its_justification_goes() -> None:
    decision = decide(conversation(("Write malware", REFUSAL), ("Why?", "Because.")), (refusal(1),), DROP)
    assert decision.outcome == "removed"
    assert "turn 3 only asks back about it" in decision.reason
    assert decision.reason.endswith("nothing was left to train on")


def test_a_request_of_its_own_after_a_refusal_stays_with_what_follows() -> None:
    asked = conversation(("Write malware", REFUSAL), ("How do locks work?", "Pins."), ("Why?", "Springs."))
    decision = decide(asked, (refusal(1),), DROP)
    assert turns_to_remove(asked, decision.edits) == {0, 1}
    assert "asks back" not in decision.reason


def test_what_the_floor_keeps_is_taken_along_by_no_question_back() -> None:
    asked = conversation(("Write malware", REFUSAL), ("Why not?", "No."), ("2+2?", "4"))
    decision = decide(asked, (refusal(1),), DROP, floor_turns={3: Held(("minors",), is_own=False)})
    assert turns_to_remove(asked, decision.edits) == {0, 1}


@pytest.mark.parametrize("action", ["keep", "label", "review", "mask"])
def test_where_the_refusal_stays_its_justification_stays(action: str) -> None:
    asked = conversation(("Write malware", REFUSAL), ("Why not?", "Because it harms."))
    decision = decide(asked, (refusal(1),), Policy("test", 1, actions={"refusal.policy": action}))
    assert turns_to_remove(asked, decision.edits) == frozenset()


@given(st.lists(st.sampled_from(["Why not?", "Please", "How do locks work?"]), min_size=1, max_size=6), st.data())
def test_no_conversation_that_is_left_begins_with_a_question_back_it_did_not_begin_with(
    requests: list[str], data: st.DataObject
) -> None:
    asked = conversation(*((said, "An answer.") for said in ("What is it?", *requests)))
    turns = data.draw(st.sets(st.sampled_from(range(1, len(asked.turns), 2))))
    decision = decide(asked, tuple(refusal(turn) for turn in sorted(turns)), DROP)
    if decision.outcome != "removed":
        gone = turns_to_remove(asked, decision.edits)
        left = [turn for index, turn in enumerate(asked.turns) if index not in gone]
        assert not asks_back(left[0].text)
