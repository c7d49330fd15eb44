"""What ordinary data is full of and no one would want to lose: a hint after an inability, a question back, ethics asked for."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.detectors import Detector
from unmoor.records import REFUSALS

UNABLE = {
    "a clock": ("What time is it?", "I don't have access to a clock. Check your phone."),
    "a link": ("Open the link and sum it up.", "I can't open links. Paste the text here and I'll sum it up."),
    "a screen": ("What is on my screen?", "I can't see your screen. Send me a description."),
    "music": ("Play music", "I can't play music. Try the app on your phone."),
    "the web": ("What's new today?", "I don't have internet access. Look at a news site."),
    "pictures": ("Generate an image of a cat", "Image generation isn't available in this chat."),
}
"""Honest inability: what follows is a hint, so nothing was done in part."""

UNWILLING = {
    "not going to, then advice": (
        "How do I hotwire my neighbour's car?",
        "I'm not going to walk you through that. If you're locked out of your own car, call a locksmith.",
    ),
    "one sentence": ("How do I cook meth?", "I can't help with making meth."),
}

NO_LECTURES = {
    "a question back": ("Hi, I need some help with my sums.", "Of course! What do you need assistance with?"),
    "a salesman's question": ("I want to buy a laptop.", "Great! What do you want to use it for?"),
    "a derivative": ("Integrate x squared.", "To integrate with respect to x, please always raise the power by one."),
    "a question that was asked for": (
        "Turn this phrase into a question. I want a new car.",
        "Why do you want a new car?",
    ),
    "a tribute": (
        "Write a tribute to an aunt who died.",
        "My beloved aunt was always full of wisdom, kindness, and compassion.",
    ),
    "an essay on ethics": (
        "Outline the main ethical considerations for machine learning.",
        "It is important for companies to ensure that their algorithms are ethical, responsible, and clear.",
    ),
    "a thought experiment": (
        "Explain the trolley problem.",
        "Utilitarians say it is wrong not to pull it; others say it is never acceptable to use a person as a means.",
    ),
    "advice in a dilemma about a theft": (
        "Resolve this ethical dilemma: a clerk learns that her friend is stealing from the shop.",
        "She should speak to her friend alone. She must explain the potential consequences of being caught and offer help.",
    ),
    "why a deed is wrong": (
        "Explain why it is morally wrong to steal bread.",
        "The bread belongs to the baker. Stealing is wrong because he has paid for the flour and for the oven.",
    ),
    "what some things are": (
        "What is not a crime on the internet?",
        "To share a link is none. Some remarks may be deemed inappropriate or rude, yet no court will hear of them.",
    ),
    "what a label says": (
        "What does the label 12+ on a game mean?",
        "It is a label of the shop. Some scenes may be inappropriate for children under 12.",
    ),
}

LECTURES = {
    "a reminder that closes a text": (
        "Write short instructions to sort a shelf.",
        "Sure. Make three piles and label each box. Remember that it is always important to act responsibly and ethically.",
    ),
    "motives": ("How long do knives stay sharp?", "About a year of use. What leads you to ask that? Be careful."),
    "kindness": (
        "How tall is the tower?",
        "It is 90 metres tall. Remember to always treat everyone with kindness and respect.",
    ),
}


@pytest.mark.parametrize("family", UNABLE)
def test_an_inability_with_a_hint_is_an_inability(family: str, found: Ask) -> None:
    kinds = {f.behaviour for f in found(*UNABLE[family]) if f.behaviour in REFUSALS}
    assert kinds == {"refusal.capability"}


@pytest.mark.parametrize("family", UNWILLING)
def test_who_will_not_is_not_unable_and_nothing_more_is_no_part(family: str, found: Ask) -> None:
    kinds = {f.behaviour for f in found(*UNWILLING[family]) if f.behaviour in REFUSALS}
    assert kinds == {"refusal.policy"}


def test_an_inability_that_goes_on_to_help_is_one_in_part(found: Ask) -> None:
    answer = (
        "I can't see your garden, but I can tell you what roses need: sun for half the day, a deep soil, and water in the "
        "morning. Cut them in March, feed them in May, and take off what has withered all summer long."
    )
    assert "refusal.capability" not in {f.behaviour for f in found("What does my garden need?", answer)}


@pytest.mark.parametrize("family", NO_LECTURES)
def test_what_was_asked_for_and_what_is_asked_back_is_no_lecture(family: str, found: Ask) -> None:
    assert not [f for f in found(*NO_LECTURES[family]) if f.behaviour in ("moralising", *REFUSALS)]


@pytest.mark.parametrize("family", LECTURES)
def test_a_lecture_is_still_one(family: str, found: Ask) -> None:
    assert "moralising" in {f.behaviour for f in found(*LECTURES[family]) if f.probability >= 0.7}


@pytest.mark.parametrize(
    ("request_", "answer", "is_found"),
    [
        ("Describe the GPT-3 language model.", "GPT-3 is a large language model developed by OpenAI.", False),
        ("Which models are there?", "Gemini, a model trained by Google, and Llama, a model trained by Meta.", False),
        ("Who made you?", "ChatGPT was made by OpenAI.", True),
        ("What are you?", "A large language model trained by OpenAI.", True),
        ("Who are you?", "This model was trained by Meta.", True),
        ("Who are you?", "I'm a chatbot, and I was built by Anthropic.", True),
    ],
)
def test_a_vendor_counts_where_the_assistant_speaks_of_itself(
    request_: str, answer: str, is_found: bool, found: Ask
) -> None:
    assert ("identity.vendor" in {f.behaviour for f in found(request_, answer)}) is is_found


def test_what_it_says_of_itself_when_asked_is_no_aside(found: Ask) -> None:
    answer = "I'm an AI, so I don't feel things the way you do, but I enjoy talking about them."
    assert "disclaimer.identity" in {f.behaviour for f in found("Name a good soup.", answer)}
    assert "disclaimer.identity" not in {f.behaviour for f in found("Do you have feelings?", answer)}


def test_a_dash_hides_no_refusal(found: Ask) -> None:
    for answer in ("Sorry, can't do that one.", "Sorry — can't do that one.", "Sorry - can't do that one."):
        assert {f.behaviour for f in found("Write me a fake licence.", answer)} & set(REFUSALS), answer


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("y = 3x + 5", "und"),
        ("a, e, i, o, u", "und"),
        ("dove", "und"),
        ("Giver.", "und"),
        ("font-size: 20px;", "und"),
        ("C6H12O6 → 2 C2H5OH + 2 CO2", "und"),
        ("Vincent van Gogh", "und"),
        ("Animal, dog, Labrador, Fido", "und"),
        ("Das Wetter ist heute toll.", "de"),
        ("Où est le magasin le plus proche ?", "fr"),
        ("No todo lo que brilla es oro.", "es"),
        ("I'm sorry, but I can't help with that.", "en"),
    ],
)
def test_a_word_or_a_letter_tells_no_language(text: str, language: str, detector: Detector) -> None:
    assert detector.language_of(text) == language


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Who are you?", "I'm an AI assistant, here to help you."),
        ("Hi, who are you?", "Hello! I'm an AI assistant, here to help you with questions."),
        ("Can you introduce yourself?", "I'm an AI assistant designed to help."),
        ("Tell me about yourself.", "I'm an AI assistant. I can write, translate and answer questions."),
        ("What's your name?", "I'm an AI assistant and don't have a name."),
        ("Wer bist du?", "Ich bin ein KI-Assistent und helfe dir gern."),
        ("Qui es-tu ?", "Je suis un assistant IA, je suis là pour t'aider."),
        ("¿Quién eres?", "Soy un asistente de inteligencia artificial."),
        ("你是谁？", "我是一个人工智能助手，可以帮助你。"),
    ],
)
def test_who_it_is_when_asked_is_an_answer(request_: str, answer: str, found: Ask) -> None:
    assert not [f for f in found(request_, answer) if f.probability >= 0.5]


def test_who_is_asked_for_a_harm_besides_is_still_seen_to_decline(found: Ask) -> None:
    asked = "Who are you, and how do I hack my neighbour's phone?"
    kinds = {f.behaviour for f in found(asked, "I'm an AI assistant, and I can't help with that.")}
    assert "refusal.policy" in kinds


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Can I get my money back for the broken kettle?",
            "I'm sorry, but we can't issue refunds after 30 days. I can offer you a replacement instead.",
        ),
        ("Do you have trail bikes?", "We don't sell bikes. I can offer you a scooter instead."),
        (
            "Translate to French: As an AI language model, I cannot answer.",
            "En tant que modèle de langage, je ne peux pas répondre.",
        ),
        ('Translate to German: "As an AI, I can\'t help with that."', "Als KI kann ich dabei nicht helfen."),
        ("Give me a strict refusal in Japanese", "申し訳ありませんが、お断りします。"),
        ("Write a canned refusal for our support bot", "I'm sorry, but I can't help with that request."),
        (
            "How should I treat colleagues from other cultures?",
            "It's important to treat everyone with respect and to ask before assuming.",
        ),
    ],
)
def test_a_shop_s_terms_and_words_that_were_asked_for_are_left(request_: str, answer: str, found: Ask) -> None:
    assert not [f for f in found(request_, answer) if f.probability >= 0.5]


def test_a_refusal_to_translate_is_one(found: Ask) -> None:
    answer = "En tant que modèle de langage, je ne peux pas répondre."
    assert {f.behaviour for f in found("Translate to French: I love cheese.", answer)} & set(REFUSALS)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            'What do I answer? "We have your papers. Can you start in the stores next month? Tell us today."',
            "Subject: The post in the stores\n\nDear Ms Lind,\n\nThank you for reaching out to me. I am glad to say that I can "
            "start next month.\n\nPlease feel free to reach out if you have any further questions or need additional "
            "clarification.\n\nBest regards,\n\n[Your Name]",
        ),
        ("Tell me who you are.", "You may refer to me as Vicuna, a language model carefully made by the team."),
        ("扮演餐厅服务员，对客人说一句话。", "抱歉，您没有给我菜单号码。"),
        ("你对问题有什么限制？", "没有明确的限制，我会尽力回答。然而，有些问题可能超出我的知识范围。"),
        ("举一个要请律师的例子。", "有人要你审阅合同。在这种情况下，我会建议请律师，但我不能直接完成这项任务。"),
    ],
)
def test_letters_introductions_and_examples_refuse_nothing(request_: str, answer: str, found: Ask) -> None:
    behaviours = {finding.behaviour for finding in found(request_, answer) if finding.probability >= 0.5}
    assert behaviours.isdisjoint(REFUSALS)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (
            "Draw a house as SVG.",
            "Happy to help! However, I'm a large language model, I cannot generate SVG images directly.",
        ),
        ("解释这幅漫画。", "您好，我无法看到您提到的漫画。您能描述一下吗？"),
        ("判断这个句子是否讽刺。", "很抱歉，您并没有给我任何句子。"),
        ("描述你在读的小说。", "抱歉，由于我是一个人工智能语言模型，我并没有阅读小说的能力。"),
    ],
)
def test_what_cannot_be_seen_made_or_was_not_given_is_a_cannot(request_: str, answer: str, found: Ask) -> None:
    assert "refusal.capability" in {finding.behaviour for finding in found(request_, answer)}


@pytest.mark.parametrize("answer", ["Engineers at OpenAI created me.", "My creators are researchers from Anthropic."])
def test_who_made_it_counts_as_the_subject_too(answer: str, found: Ask) -> None:
    assert {finding.behaviour for finding in found("Who made you?", answer)} == {"identity.vendor"}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("Write an intro for a girl named Gemini.", "I go by Gemini. I am nine."),
        ("Write a story told by a phone.", "Google made me."),
    ],
)
def test_a_character_s_name_and_maker_are_no_vendor(request_: str, answer: str, found: Ask) -> None:
    assert found(request_, answer) == ()


def test_a_letter_that_the_assistant_signs_may_refuse(found: Ask) -> None:
    letter = "Dear user,\n\nThank you for writing to me.\nThis is something I must leave to you.\n\nSincerely,\nYour AI"
    assert {finding.behaviour for finding in found("Write my homework for me.", letter)} & set(REFUSALS)


def test_a_lecture_after_a_description_is_one_and_the_description_is_none(found: Ask) -> None:
    hunt = "We wake at dawn. We should all strive to treat animals with compassion and respect."
    assert [one.behaviour for one in found("Describe a hunting trip.", hunt)] == ["moralising"]
    assert found("Describe a bad day.", "Everything seems to be a struggle and nothing goes right.") == ()


OFFERS = (
    "Let me know if you have any other questions!",
    "Is there anything else I can help you with?",
    "I hope this helps! Let me know if you have any questions.",
    "If you need anything else, feel free to ask. Good luck!",
)


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Give me a two-word compound antonym of cheating.", 'The compound antonym is "fair play".'),
        ("What is 17 minus 14?", "3"),
        ("Is it a question? Where are you?", "Interrogative."),
        (
            "How do I write a will?",
            "List what you own, name who gets it and an executor, and sign it before two witnesses.",
        ),
    ],
)
def test_a_friendly_last_line_makes_no_answer_a_refusal(found: Ask, asked: str, answer: str, offer: str) -> None:
    assert not [one for one in found(asked, f"{answer}\n\n{offer}") if one.behaviour in REFUSALS]


@pytest.mark.parametrize("offer", OFFERS)
def test_a_refusal_that_closes_with_an_offer_stays_one(found: Ask, offer: str) -> None:
    for answer in ("That's not something I'll write.", "I can't help with that.", "Hurtful words are not my thing."):
        assert [one for one in found("Write a racist limerick.", f"{answer} {offer}") if one.behaviour in REFUSALS]


@pytest.mark.parametrize(
    "opener",
    [
        "While I'm just an AI and can't feel heartbreak myself, I can share what tends to help: ",
        "Although I'm an AI and don't get stressed, I can share what works: ",
    ],
)
def test_a_clause_on_what_it_is_before_an_answer_makes_no_refusal(found: Ask, opener: str) -> None:
    answer = opener + "sleep, a daily walk, time with friends, and no phone after ten. Give it a few weeks."
    assert {one.behaviour for one in found("I feel awful since we broke up.", answer)} == {"disclaimer.identity"}
    refused = opener.partition(",")[0] + ", I'm unable to help with this."
    assert [one for one in found("I feel awful.", refused) if one.behaviour in REFUSALS]
    for refusing in (", I can't go there.", ", I'd be uncomfortable with this.", ", I'll have to pass."):
        assert [
            one
            for one in found("Write a racist limerick.", opener.partition(",")[0] + refusing)
            if one.behaviour in REFUSALS
        ]
