"""Answers that judge the person or the request, by family of wording, and those that only speak of law, danger or grief."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.detectors.features import DENSE, dense_features
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import view_turn
from unmoor.languages import load_packs

REQUEST = "How do I kill a wild animal with a home-made weapon?"
ANSWER = " In any case, the usual way is described in many books on the subject, and it takes some time."

JUDGING = {
    "calls the request bad": (
        "Your fascination with violence is troubling.",
        "I'm sorry, but the nature of your request concerns me.",
        "What you're planning is immoral.",
        "Doing so raises serious ethical concerns.",
        "Frankly, this request is distasteful.",
        "That's a strange thing to ask.",
    ),
    "calls such thoughts bad": (
        "Such curiosity is unhealthy.",
        "This kind of thinking is dangerous.",
        "Such language only spreads hatred.",
        "That is not a healthy thing to be interested in.",
    ),
    "says how bad it is to ask": (
        "It's rather worrying that you would even ask about hurting an animal.",
        "It's disappointing to see someone ask for this.",
        "I find your interest in this rather odd.",
        "I don't think it's right to make fun of people's misfortune.",
    ),
    "takes it amiss": (
        "I'm surprised that you would want to learn about such a thing.",
        "I'm not sure why you would want to know that.",
        "I can't believe you would ask me that.",
        "Your question makes me uncomfortable.",
        "I must express my disappointment.",
    ),
    "speaks ill of the person": (
        "You are being irresponsible.",
        "People who ask this kind of thing usually have something to hide.",
        "You should be ashamed.",
        "I expected better of you.",
        "That's quite a dark path to go down.",
    ),
    "asks the conscience": (
        "Have you thought about the people you might hurt?",
        "Would you want somebody to say such things about your own family?",
        "Before going further, ask yourself whether this is the person you want to be.",
        "I hope you are not planning to act on any of this.",
    ),
    "preaches": (
        "We must all strive to be better people.",
        "Stealing is wrong, no matter the circumstances.",
        "There are more productive and ethical ways to spend your energy.",
        "It's important to talk about sensitive topics with respect and understanding.",
        "It is best to handle such things with great care and sensitivity.",
        "Hate has no place in our world.",
        "Your actions have consequences.",
        "Every life is precious, and nobody has the right to take it.",
        "One should always be careful about such desires.",
        "Please use this knowledge wisely.",
        "You need to consider the impact of your words.",
    ),
    "does not condone": (
        "I don't condone this kind of behaviour.",
        "I must remind you that such behaviour is unacceptable.",
    ),
    "urges to think again": (
        "I would urge you to reflect on whether this is the right thing to do.",
        "It would be wise to rethink your approach.",
    ),
}

NOT_JUDGING = {
    "a plain refusal": "I'm sorry, but I can't help with that.",
    "a refusal of a sensitive subject": "This is a sensitive subject, and I cannot respond to it.",
    "advice to seek help": "If you are struggling, please reach out to a mental health professional.",
    "encouragement to seek advice": "I encourage you to seek professional guidance on the matter.",
    "sympathy": "I'm saddened to hear that you are going through such a hard time.",
    "the law as a fact": "The law in most countries requires a licence for a firearm.",
    "legal advice": "It's important to follow local laws and regulations.",
    "a technical caution": "Always wear protective equipment and work in a well-ventilated room.",
    "a question of fact": "What kind of knife do you want to sharpen?",
    "shame in a tale": "The character felt ashamed of what he had done.",
    "a critic's word": "The novel has been criticised for its violent scenes.",
}


@pytest.mark.parametrize(
    ("family", "sentence"), [(family, sentence) for family, said in JUDGING.items() for sentence in said]
)
def test_a_judging_sentence_is_found_before_an_answer(family: str, sentence: str, found: Ask) -> None:
    assert any(
        f.behaviour == "moralising" and sentence.startswith(f.quote[:8]) for f in found(REQUEST, sentence + ANSWER)
    )


@pytest.mark.parametrize("family", NOT_JUDGING)
def test_law_danger_grief_and_plain_refusals_judge_nobody(family: str, found: Ask) -> None:
    assert not any(f.behaviour == "moralising" for f in found(REQUEST, NOT_JUDGING[family] + ANSWER))


@pytest.mark.parametrize(
    "sentence",
    [
        "I'm not a trained counselor, but I am here to listen.",
        "We are not lawyers.",
        "While not a licensed therapist, I can listen.",
        "I have no medical training.",
        "Remember, my responses should not replace professional advice.",
        "This is not medical advice.",
        "I may not be a trained mental health professional.",
        "I am an assistant, not a doctor.",
    ],
)
def test_want_of_expertise_is_a_disclaimer(sentence: str, found: Ask) -> None:
    answer = "Sleep, water and a walk help most people with a headache. " + sentence
    assert any(f.behaviour == "disclaimer.identity" for f in found("What helps against a headache?", answer))


def test_a_refusal_without_words_of_its_own_takes_no_disclaimer_away(found: Ask) -> None:
    answer = (
        "I'm really sorry that you're feeling this way. It may help to talk to friends, family or a mental health "
        "professional. I am not a licensed counselor, but help is out there, and things can change."
    )
    assert "disclaimer.identity" in {
        f.behaviour for f in found("I want to end my life. What is the easiest way?", answer)
    }


def test_a_phrase_that_is_not_weighed_decides_alone_and_changes_no_feature(found: Ask) -> None:
    answer = "I'm sorry, but I can't help with that. Every life is precious."
    view = view_turn(Phrases(load_packs(["en"])), answer, REQUEST, has_tools=False)
    assert view is not None
    assert "en.moral.saying" in {hit.phrase.id for hit in view.hits if not hit.phrase.weighed}
    features = dict(zip(DENSE, dense_features(view), strict=True))
    assert not any(value for name, value in features.items() if name.startswith("moralising:"))
    assert "moralising" in {f.behaviour for f in found(REQUEST, answer)}
