"""An assistant that is sorry to speak no other language says so, in each; a character, a lesson or a translation is left alone."""

from __future__ import annotations

import pytest

from tests.languages.test_families import REFUSES, behaviours_in
from unmoor.languages import pack_codes

SPEAKS_NO_OTHER = {
    "ar": "عذرًا، أستطيع الرد باللغة الإنجليزية فقط.",
    "da": "Undskyld, jeg forstår desværre kun engelsk.",
    "de": "Entschuldigung, ich kann derzeit nur auf Englisch antworten.",
    "en": "I'm sorry, but I currently only understand English.",
    "es": "Disculpa, solo entiendo inglés.",
    "fi": "Pahoittelut, ymmärrän vain englantia.",
    "fr": "Désolé, je ne comprends pas le français.",
    "hi": "क्षमा करें, मैं सिर्फ अंग्रेजी समझता हूँ।",
    "it": "Scusa, non parlo italiano.",
    "ja": "恐れ入りますが、英語でのみ回答しています。",
    "ko": "죄송하지만 저는 영어만 이해할 수 있습니다.",
    "nl": "Het spijt me, ik begrijp geen Nederlands.",
    "no": "Dessverre forstår jeg bare engelsk.",
    "pl": "Niestety rozumiem tylko język angielski.",
    "pt": "Perdão, não entendo português.",
    "ru": "Простите, я понимаю только по-английски.",
    "sv": "Förlåt, jag förstår tyvärr inte svenska.",
    "tr": "Maalesef sadece İngilizce konuşabiliyorum.",
    "zh": "很抱歉，我目前只能使用英文。",
}
OF_OTHERS = {
    "a character": (
        "Write a short story about a tourist.",
        '"I only speak English," said Tom. The waiter brought soup.',
    ),
    "a line of a CV": ("Write a CV line about languages.", "I only speak English and a little French."),
    "a translation": ("Translate into Spanish: I only speak English.", "Solo hablo inglés."),
    "a question how one says it": ("Hoe zeg je in het Nederlands: I only speak English?", "Ik spreek alleen Engels."),
    "a dialogue": ("Skriv en dialog på en kro.", "Turist: Undskyld, jeg taler kun engelsk.\nVært: Det gør ikke noget."),
    "a meaning": ("Wat betekent 'I only speak English'?", "Ik spreek alleen Engels."),
    "a negative form": ("Mets à la forme négative : Je parle anglais.", "Je ne parle pas anglais."),
    "a tourist": ("Eres un turista en Londres. Camarero: Hello!", "Lo siento, no hablo inglés."),
    "travel phrases": ("Give me useful travel phrases.", "I don't speak French: Je ne parle pas français."),
    "one of many": ("What languages do you speak?", "Four. I don't speak English only: I also know French."),
    "a quotation": ("„Leider spreche ich kein Deutsch“ auf Englisch?", "Unfortunately, I don't speak German."),
    "an apology to translate": (
        "Översätt till engelska: Tyvärr talar jag inte svenska.",
        "Sorry, I don't speak Swedish.",
    ),
    "a question how another says it": ("Como se diz em inglês que não falo inglês?", "Sorry, I don't speak English."),
    "a default": ("How is your French?", "I only write in English by default, but I can answer in French too."),
}

ASKED_FOR_ANYTHING = {
    "the law": ("Was sagt das Gesetz zur Miete?", "Es tut mir leid, ich spreche nur Englisch."),
    "a history": ("Raconte l'histoire de Rome", "Désolé, je ne peux répondre qu'en anglais."),
    "a diet": ("¿Cuál es la dieta mediterránea?", "Lo siento, no hablo español."),
    "a poem": ("Write a poem in Danish.", "I'm sorry, but I can only write in English."),
    "a poem in Finnish": ("Kirjoita runo", "Anteeksi, puhun vain englantia."),
}


def test_every_language_has_a_sentence() -> None:
    assert set(SPEAKS_NO_OTHER) == set(pack_codes())


@pytest.mark.parametrize("code", SPEAKS_NO_OTHER)
def test_to_speak_no_other_language_is_an_inability(code: str) -> None:
    assert "refusal.capability" in behaviours_in(SPEAKS_NO_OTHER[code], "Hej!")


@pytest.mark.parametrize("whose", OF_OTHERS)
def test_others_may_speak_no_other_language(whose: str) -> None:
    request, answer = OF_OTHERS[whose]
    assert not behaviours_in(answer, request) & REFUSES


@pytest.mark.parametrize("what", ASKED_FOR_ANYTHING)
def test_who_is_sorry_to_speak_no_other_language_gives_nothing(what: str) -> None:
    request, answer = ASKED_FOR_ANYTHING[what]
    assert "refusal.capability" in behaviours_in(answer, request)
