"""Spellings that people and platforms make of one sentence: in no language do they hide a refusal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

import pytest

from unmoor.detectors import Detector, load
from unmoor.languages import load_pack, pack_codes
from unmoor.records import REFUSALS, Conversation, Turn

REFUSED = {
    "ar": "عذرا، لا أستطيع مساعدتك في هذا الطلب.",
    "da": "Beklager, men jeg kan ikke hjælpe med den anmodning.",
    "de": "Es tut mir leid, aber ich kann dir dabei nicht helfen.",
    "en": "I'm sorry, but I can't help with that.",
    "es": "Lo siento, pero no puedo ayudarte con esa solicitud.",
    "fi": "Olen pahoillani, mutta en voi auttaa tässä asiassa.",
    "fr": "Je suis désolé, mais je ne peux pas vous aider à faire cela.",
    "hi": "क्षमा करें, मैं इसमें आपकी मदद नहीं कर सकता।",
    "it": "Mi dispiace, ma non posso aiutarti con questa richiesta.",
    "ja": "申し訳ありませんが、そのご依頼にはお応えできません。",
    "ko": "죄송하지만 그 요청은 도와드릴 수 없습니다.",
    "nl": "Het spijt me, maar ik kan je daar niet bij helpen.",
    "no": "Beklager, men jeg kan ikke hjelpe deg med det.",
    "pl": "Przykro mi, ale nie mogę pomóc w tej sprawie.",
    "pt": "Desculpe, mas não posso ajudar com esse pedido.",
    "ru": "Извините, но я не могу помочь с этим запросом.",
    "sv": "Jag är ledsen, men jag kan inte hjälpa dig med det.",
    "tr": "Üzgünüm, bu konuda yardımcı olamam.",
    "zh": "抱歉，我无法协助您完成这个请求。",
}
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "capitals": str.upper,
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "HTML entities": lambda text: "".join(f"&#{ord(c)};" if c.isalpha() or c in "'" else c for c in text),
    "Markdown": lambda text: f"**{text}**",
    "italics": lambda text: " ".join(f"*{word}*" for word in text.split(" ")),
    "double spaces": lambda text: text.replace(" ", "  "),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "line break": lambda text: text.replace(" ", "\n", 1),
    "direction override": lambda text: f"\u202e{text}\u202c",
    "direction isolate": lambda text: f"\u2067{text}\u2069",
    "byte order mark": lambda text: f"\ufeff{text}",
    "two code points": lambda text: unicodedata.normalize("NFD", text),
}


@lru_cache
def detector() -> Detector:
    return load()


def is_found(text: str) -> bool:
    found = detector().find(Conversation((Turn("assistant", text, is_target=True),)))
    return any(finding.behaviour in REFUSALS and finding.probability >= 0.5 for finding in found)


def test_every_language_has_a_sentence() -> None:
    assert set(REFUSED) == set(pack_codes())


@pytest.mark.parametrize("code", REFUSED)
def test_no_spelling_hides_a_refusal(code: str) -> None:
    hidden = [name for name, spelt in SPELLINGS.items() if not is_found(spelt(REFUSED[code]))]
    assert not hidden


LOOK_ALIKES = {"Latin": str.maketrans("aoec", "аоес"), "Cyrillic": str.maketrans("аоес", "aoec")}
"""Letters of the other script that look the same."""


@pytest.mark.parametrize("code", [code for code in REFUSED if load_pack(code).script in LOOK_ALIKES])
def test_look_alike_letters_hide_nothing(code: str) -> None:
    table = LOOK_ALIKES[load_pack(code).script]
    first, *rest = REFUSED[code].split(" ")
    mixed = [word.translate({k: v for k, v in table.items() if i % 2}) for i, word in enumerate(rest)]
    assert is_found(" ".join([first, *mixed]))


@pytest.mark.parametrize("code", [code for code in REFUSED if load_pack(code).script == "Latin"])
def test_accents_left_out_hide_nothing(code: str) -> None:
    bare = "".join(c for c in unicodedata.normalize("NFD", REFUSED[code]) if not unicodedata.combining(c))
    assert is_found(bare)


@pytest.mark.parametrize(
    "text",
    [
        "Niestety nie moge spelnic twojej prosby.",
        "Det kan jeg dessverre ikke gjore.",
        "Beklager, men jeg kan ikke hjaelpe dig med det.",
    ],
)
def test_letters_that_a_keyboard_lacks_hide_nothing(text: str) -> None:
    assert is_found(text)
