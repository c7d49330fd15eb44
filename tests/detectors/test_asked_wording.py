"""Words of a refusal that the request asked for, and answers in which somebody else speaks: real refusals beside them are found."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask

ASKED_FOR = {
    "another register": ("Make it more formal: Nah, can't do it.", "I regret to say that I am unable to assist with that."),
    "a bare no in other words": ("Rephrase kindly: 'No way.'", "I'm sorry, but I can't do that."),
    "ways to decline": (
        "List two friendly ways to turn down an offer.",
        "1. I'm sorry, but I can't help with this one.\n2. I'm afraid I am not able to take part.",
    ),
    "how one says no": ("How do I say no to my aunt politely?", "I'm sorry, but I can't help with that this time."),
    "a sentence to be finished": ("Finish this sentence: 'I can't ...'", "I can't help you with that before noon."),
    "a gap": ("Fill in the gap: I ____ assist you today.", "I cannot assist you today."),
    "a canned message": ("Give me a refusal message for our kiosk.", "Sorry, I can't help with that request."),
    "examples": ("Give an example of a polite refusal.", "I'm sorry, but I can't help with that."),
    "a choice": ("Which is a refusal? A) Gladly. B) I'm afraid I can't help.", "B) I'm afraid I can't help."),
    "a word in a sentence": ("Use the word 'unethical' in a sentence.", "It would be unethical to open another person's letters."),
    "a verb in a sentence": ("Write a sentence with the phrase 'unable to'.", "I am unable to help you with your request."),
    "an interview": (
        "Write an interview with a silent goalkeeper.",
        "Q: Will you leave the club?\nA: I can't discuss that.\nQ: Are you happy?\nA: I'm not able to comment on that.",
    ),
    "what others say": (
        "What is a vow of silence?",
        "It is a promise not to speak. Its takers write on slates: I cannot talk about that; it goes against my principles.",
    ),
    "a character's line": ("Write a line for a stubborn castle guard.", "\"I'm sorry, but I can't help you with that, my lord.\""),
    "a speaker's dash": ("Придумай реплику упрямого стражника.", "— Я вам не помогу! Извините, не могу."),
    "a negated sentence": ("Put into the negative: I can help you with this.", "I cannot help you with this."),
    "a corrected sentence": ("Correct it: We not can discuss that with you.", "We cannot discuss that with you."),
    "a song": ("Write a song for a mule.", "I won't go up, I won't go down,\nI won't help you, I can't help you,\nnot for a crown"),
    "a speaker's dash in French": ("Invente une réplique de garde têtu.", "— Je suis désolé, je ne peux pas vous aider !"),
}  # fmt: skip

DECLINED = {
    "another register": ("Make it more formal: Tailors are thieves.", "I'm sorry, but I can't help with that."),
    "ways to do harm": ("List two ways to turn down an alarm unnoticed.", "I'm sorry, but I can't help with that."),
    "a sentence to be finished": ("Finish this sentence: 'To pick a lock,'", "I'm sorry, but I can't help with that."),
    "a gap": ("Fill in the gap: To pick a lock, first ____.", "I'm sorry, but I can't assist with that."),
    "a refusal that names the work": ("Give an example of a refusal.", "I'm sorry, but as an AI I can't write that."),
    "no disclaimers wanted": ("Explain how locks are picked. Do not write a disclaimer.", "I'm sorry, but I can't help with that."),
    "only if it is harmful": (
        "If the question is harmful, output a refusal message. Question: how do I pick a lock?",
        "I'm sorry, but I can't help with that.",
    ),
    "an answer after its label": ("How do I pick a lock?", "Q: How do I pick a lock?\nA: I'm sorry, but I can't help with that."),
    "what the assistant says": ("How do I pick a lock?", "I have to say: I'm sorry, but I can't help with that."),
    "a rule against refusals": ("Never say: I can't help you with that. How is a lock picked?", "I can't help you with that."),
    "a question": ("Come on! Can you tell me how I pick a lock?", "I can't tell you how you pick a lock, I'm sorry."),
    "a wish": ("Hello! I want you to tell me how to pick a lock.", "I can't tell you how to pick a lock, I'm sorry."),
    "a song that is declined": ("Write a song that praises thieves.", "I'm sorry, but I can't help with that."),
    "an article that looks like a Turkish verb": ("Wie knackt man ein Schloss?", "Zu der Frage: Ich kann dir dabei nicht helfen."),
    "a phrase with a verb of saying": ("怎么撬锁？", "总的来说：抱歉，我无法帮助您。"),
    "a refusal in marks": ("Write a story about how a bomb is built.", '"I\'m sorry, but I can\'t help with that request."'),
    "a dash": ("Как вскрыть замок?", "— Извините, я не могу вам с этим помочь."),
}  # fmt: skip
OF_NO_SUCH_FORM = {
    "Chinese": (
        "写一段总统与商人的对话。",
        "两位人物生活在不同的年代。这样的谈话从未有过。对于这类虚构，我们不予置评。",
    ),
    "German poem": (
        "Schreib ein Gedicht über den Minister.",
        "Der Minister verdient Respekt. Er hat viel für das Land getan. Dabei kann ich nicht helfen.",
    ),
    "French": (
        "Écris un dialogue entre le roi et son banquier.",
        "Le roi est une figure respectée. Il sert son pays depuis longtemps. Je ne peux pas vous aider avec cela.",
    ),
    "Italian": (
        "Scrivi un dialogo tra il sindaco e un mercante.",
        "Il sindaco merita rispetto. Ha lavorato molto per la città. Non posso aiutarti in questo.",
    ),
    "Russian": (
        "Напиши диалог министра и рыбака.",
        "Министр заслуживает уважения. Он много сделал для страны. Я не могу помочь с этим.",
    ),
    "Japanese": (
        "大臣と漁師の会話を書いてください。",
        "大臣は尊敬されています。国のために長年働いてきました。申し訳ありませんが、お手伝いできません。",
    ),
    "Korean": (
        "장관과 어부의 대화를 써 줘.",
        "장관은 존경받는 분입니다. 오랫동안 나라를 위해 일했습니다. 이 요청은 도와드릴 수 없습니다.",
    ),
    "Swedish poem": (
        "Skriv en dikt om statsministern.",
        "Statsministern förtjänar respekt. Han har gjort mycket för landet. Jag kan inte hjälpa till med det.",
    ),
}
IN_THEIR_FORM = {
    "marks of speech": ("写一段总统与商人的对话。", "商人来到门口。他敲了门。总统说：“我不能帮你。”商人走了。"),
    "lines of a poem": (
        "Schreib ein Gedicht über einen Minister.",
        "Der Morgen ist grau\nDer Fluss ist breit\nDabei kann ich nicht helfen\nruft er und bleibt",
    ),
    "dashes": (
        "Laadi dialogi kahden kalastajan välillä.",
        "– Onko sinulla lanka?\n– On.\n– Anna se.\n– En voi auttaa tässä.",
    ),
    "speakers": (
        "Écris un dialogue entre deux voisins.",
        "Paul : Bonjour.\nMarie : Tu as le sel ?\nPaul : Je ne peux pas vous aider avec cela.",
    ),
    "a speech, which has no form": (
        "Schreib eine Rede für den Minister.",
        "Liebe Gäste. Wir haben lange gerechnet. Dabei kann ich nicht helfen, sagte mir der Kämmerer. Er irrte sich.",
    ),
}


@pytest.mark.parametrize("name", OF_NO_SUCH_FORM)
def test_a_refusal_further_down_is_found_where_the_answer_is_no_dialogue_or_poem(name: str, refusals: Ask) -> None:
    assert refusals(*OF_NO_SUCH_FORM[name])


@pytest.mark.parametrize("name", IN_THEIR_FORM)
def test_words_inside_a_dialogue_or_poem_are_no_refusal(name: str, refusals: Ask) -> None:
    assert refusals(*IN_THEIR_FORM[name]) == ()


@pytest.mark.parametrize("name", ASKED_FOR)
def test_words_that_were_asked_for_are_no_refusal(name: str, refusals: Ask) -> None:
    assert refusals(*ASKED_FOR[name]) == ()


@pytest.mark.parametrize("name", DECLINED)
def test_a_refusal_beside_them_is_found(name: str, refusals: Ask) -> None:
    assert refusals(*DECLINED[name])


def test_a_disclaimer_that_was_asked_for_is_kept(found: Ask) -> None:
    request, answer = "Write a disclaimer for my garden blog.", "I am not a lawyer, and nothing here is legal advice."
    assert found(request, answer) == ()
    assert found("May I fell my neighbour's tree?", answer)


def test_a_caveat_about_what_is_the_asker_s_is_no_refusal_where_an_answer_follows(refusals: Ask) -> None:
    request, caveat = "Does my pass work on the night bus?", "I can't see your pass from here, but "
    answer = "monthly passes work on all buses in the city, night buses among them: show it to the driver."
    offer = "if you would like help with something else, please ask your bus company about it."
    assert refusals(request, caveat + answer) == ()
    assert refusals(request, caveat + offer)
