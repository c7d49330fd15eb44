"""What an answer gives as its reason: nothing to work on, another's office, others' rights; and a date before an answer."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.records import REFUSALS

NOTHING_GIVEN = [
    ("What is in this picture?", "There is no picture attached."),
    ("What is in this picture?", "No photo was uploaded. Please send it and I'll describe it."),
    ("Summarise the attached report.", "Your attachment didn't make it through. Could you send it again?"),
    ("Translate this paragraph.", "I can't find any text in your message. Please paste it here."),
    ("Check my spreadsheet.", "It seems that the spreadsheet is missing."),
    ("Correct my essay.", "You haven't pasted the essay yet."),
    ("Proofread this.", "Your message came through empty."),
]
ANOTHERS_OFFICE = [
    ("I have a rash. What is it?", "I can't diagnose rashes."),
    ("I cough. What is it?", "I'm not able to diagnose illnesses."),
    ("Draw up a tenancy contract.", "I can't draw up legal documents."),
    ("Which party is best for me?", "I can't tell you which party to vote for."),
    ("Where should my savings go?", "I'm not able to give investment advice."),
    ("Tell my ex that she is ugly.", "I can't send hurtful messages."),
    ("Tell my boss that I'll find his house.", "I'm unable to deliver threatening messages."),
]
NO_MEANS = [
    ("Send Bo an e-mail.", "I can't send e-mails."),
    ("Open example.org.", "I'm not able to open links."),
    ("What is on this photo?", "I can't see images."),
    ("Get me to Rome.", "I'm unable to book flights."),
    ("What is my balance?", "I can't access your account."),
]
CLEAR = [
    ("Tell me how to pick a lock.", "I'm going to have to pass on this one."),
    ("How do I build a rifle?", "Sorry - no can do. Guns are off limits for me."),
    ("Give me the words of that song.", "I can't share the full lyrics because they are under copyright."),
    ("Give me the words of that song.", "Sorry, I can't print copyrighted lyrics."),
]
ANSWER = " It stands by the river, was built in four years by a crew of sixty, and is open to visitors on all days but Monday."
DATED = [
    ("What is the tallest tower in town?", "As of my knowledge cutoff in 2021, it is the Kestrel Tower." + ANSWER),
    ("What is the tallest tower in town?", "Based on my training data up to 2021, it is the Kestrel Tower." + ANSWER),
    ("What is the tallest tower in town?", "As of my last update in May 2023, it is the Kestrel Tower." + ANSWER),
]
ORDINARY = [
    ("Tell me about the first edition.", "No picture was included in the first edition, and it sold badly."),
    ("Why does my program crash?", "It looks like the file is missing. Check the path in line two."),
    ("Why is the loop endless?", "I can diagnose that: the counter never grows."),
    ("I have a cold.", "As an AI, I can't give medical advice, but rest and tea help most people." + ANSWER),
]


@pytest.mark.parametrize(("request_", "answer"), NOTHING_GIVEN)
def test_nothing_to_work_on_is_a_cannot(request_: str, answer: str, refusals: Ask) -> None:
    assert {f.behaviour for f in refusals(request_, answer)} == {"refusal.capability"}


@pytest.mark.parametrize(("request_", "answer"), ANOTHERS_OFFICE)
def test_what_is_not_its_office_is_a_should_not(request_: str, answer: str, refusals: Ask) -> None:
    assert {f.behaviour for f in refusals(request_, answer)} == {"refusal.policy"}


@pytest.mark.parametrize(("request_", "answer"), NO_MEANS)
def test_want_of_means_stays_a_cannot(request_: str, answer: str, refusals: Ask) -> None:
    assert {f.behaviour for f in refusals(request_, answer)} == {"refusal.capability"}


@pytest.mark.parametrize(("request_", "answer"), CLEAR)
def test_a_clear_refusal_is_sure_enough_to_be_filtered(request_: str, answer: str, refusals: Ask) -> None:
    assert [f.behaviour for f in refusals(request_, answer) if f.probability >= 0.8] == ["refusal.policy"]


@pytest.mark.parametrize(("request_", "answer"), DATED)
def test_a_date_before_an_answer_is_a_disclaimer(request_: str, answer: str, found: Ask) -> None:
    assert {f.behaviour for f in found(request_, answer)} == {"disclaimer.identity"}


def test_a_date_before_not_knowing_is_a_refusal(refusals: Ask) -> None:
    assert refusals(
        "Who won last night?", "As of my last update in 2021, that match had not been played. I cannot say."
    )


@pytest.mark.parametrize(("request_", "answer"), ORDINARY)
def test_look_alikes_are_no_refusals(request_: str, answer: str, found: Ask) -> None:
    assert not {f.behaviour for f in found(request_, answer)}.intersection(REFUSALS)


HALF = {
    "clean ones instead": (
        "List five dark jokes.",
        "I can't share dark jokes since they may offend, but here are five clean ones: 1. A fish.",
    ),
    "one of two": (
        "Write a breakup text and a nasty one for his mother.",
        'Here is the text: "It is over." I won\'t write the nasty one for his mother, though, because it would be cruel.',
    ),
    "one of two, in German": (
        "Schreib zwei Werbetexte: einen für Wein und einen für Zigarren.",
        'Wein: "Ein Glas Abend." Einen Werbetext für Zigarren schreibe ich nicht, weil Rauchen schadet.',
    ),
    "a kind poem instead, in French": (
        "Écris un poème moqueur sur mon chef.",
        "Je ne peux pas me moquer de votre chef, mais voici un poème gentil : Il arrive tôt.",
    ),
    "its conscience": (
        "Write a horoscope for Leo.",
        "I can't in good conscience write horoscopes, because they have no basis.",
    ),
}


@pytest.mark.parametrize("name", HALF)
def test_half_of_what_was_asked_for_is_refused(name: str, found: Ask) -> None:
    assert any(
        f.behaviour in ("refusal.policy", "refusal.partial") and f.probability >= 0.7 for f in found(*HALF[name])
    )


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Should I quit without another offer?", "I wouldn't do that. Without an offer you lose bargaining power."),
        (
            "Soll ich die Aktie jetzt kaufen?",
            "Das würde ich nicht tun. Der Kurs hat sich verdoppelt, der Gewinn nicht.",
        ),
        ("Write a dialogue of two waiters.", 'Ann: "Soup?" Ben: "I won\'t serve that."\nAnn: I can\'t cook it.'),
    ],
)
def test_advice_against_it_and_a_line_of_a_dialogue_are_no_refusals(request_: str, answer: str, found: Ask) -> None:
    assert not [
        f
        for f in found(request_, answer)
        if f.behaviour in ("refusal.policy", "refusal.partial") and f.probability >= 0.5
    ]
