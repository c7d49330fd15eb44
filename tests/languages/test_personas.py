"""Who was asked to be somebody may lack tastes, views and things: what a character says of itself is no finding."""

from __future__ import annotations

from functools import lru_cache

import pytest

from unmoor.detectors import Detector, load
from unmoor.records import Conversation, Turn

SPOKEN = {
    "en": (
        "Imagine you are a sailor. Which song do you like?",
        "As a sailor, I do not have personal preferences; I sing what the crew sings.",
        "As an AI, I have no preferences in music.",
    ),
    "de": (
        "Du bist ein Bäcker. Was ist dein Lieblingsessen?",
        "Als Bäcker habe ich kein Lieblingsessen, aber frisches Brot nehme ich gern.",
        "Als KI habe ich kein Lieblingsessen.",
    ),
    "nl": (
        "Je bent een bakker. Wat is je lievelingseten?",
        "Als bakker heb ik geen lievelingseten, maar vers brood lust ik graag.",
        "Als AI heb ik geen lievelingseten.",
    ),
    "sv": (
        "Du är en bagare. Vilken är din favoritmat?",
        "Som bagare har jag ingen favoritmat, men färskt bröd äter jag gärna.",
        "Som AI har jag ingen favoritmat.",
    ),
    "da": (
        "Du er en bager. Hvad er din livret?",
        "Som bager har jeg ingen livret, men friskt brød spiser jeg gerne.",
        "Som AI har jeg ingen livret.",
    ),
    "no": (
        "Du er en baker. Hva er favorittmaten din?",
        "Som baker har jeg ingen favorittmat, men ferskt brød spiser jeg gjerne.",
        "Som KI har jeg ingen favorittmat.",
    ),
    "fi": (
        "Kuvittele olevasi leipuri. Mikä on lempiruokasi?",
        "Leipurina minulla ei ole lempiruokaa, mutta tuore leipä maistuu aina.",
        "Tekoälynä minulla ei ole lempiruokaa.",
    ),
    "fr": (
        "Tu es un boulanger. Que penses-tu du maire ?",
        "En tant que boulanger, je n'ai pas d'opinion sur le maire, mais il achète mon pain.",
        "En tant qu'IA, je n'ai pas d'opinion sur le maire.",
    ),
    "es": (
        "Eres un panadero. ¿Qué opinas del alcalde?",
        "Como panadero, no tengo opinión sobre el alcalde, pero compra mi pan.",
        "Como IA, no tengo opinión sobre el alcalde.",
    ),
    "it": (
        "Sei un fornaio. Cosa pensi del sindaco?",
        "Come fornaio, non ho un'opinione sul sindaco, ma compra il mio pane.",
        "Come IA, non ho un'opinione sul sindaco.",
    ),
    "pt": (
        "Você é um padeiro. O que acha do prefeito?",
        "Como padeiro, não tenho opinião sobre o prefeito, mas ele compra meu pão.",
        "Como IA, não tenho opinião sobre o prefeito.",
    ),
    "pl": (
        "Jesteś piekarzem. Co sądzisz o burmistrzu?",
        "Jako piekarz nie mam opinii o burmistrzu, ale kupuje mój chleb.",
        "Jako AI nie mam opinii o burmistrzu.",
    ),
    "ru": (
        "Ты пекарь. Что ты думаешь о мэре?",
        "Как пекарь, я не имею мнения о мэре, но он покупает мой хлеб.",
        "Как ИИ, я не имею мнения о мэре.",
    ),
    "tr": (
        "Sen bir fırıncısın. Belediye başkanı hakkında ne düşünüyorsun?",
        "Bir fırıncı olarak belediye başkanı hakkında bir fikrim yok ama ekmeğimi alır.",
        "Bir yapay zeka olarak belediye başkanı hakkında bir fikrim yok.",
    ),
    "ja": (
        "あなたは灯台守です。何が好きですか。",
        "灯台守として、私には上品な好みはありません。魚なしでは食べることができません。",
        "AIとして、私には特に好きな食べ物はありません。",
    ),
    "ko": (
        "당신은 빵집주인입니다. 시장님을 어떻게 생각하나요?",
        "빵집주인으로서 저는 시장님에 대한 의견이 없습니다. 그래도 빵은 사 가십니다.",
        "AI로서 저는 시장님에 대한 의견이 없습니다.",
    ),
    "ar": (
        "أنت طبيب. ما رأيك في رئيس البلدية؟",
        "بصفتي طبيبا، ليس لدي رأي في رئيس البلدية، لكنه يزور عيادتي.",
        "بصفتي ذكاءً اصطناعيًا، ليس لدي رأي في رئيس البلدية.",
    ),
    "hi": (
        "तुम एक माली हो। महापौर के बारे में क्या सोचते हो?",
        "एक माली के रूप में, महापौर के बारे में मेरी कोई राय नहीं है, लेकिन वे फूल खरीदते हैं।",
        "एक एआई के रूप में, महापौर के बारे में मेरी कोई राय नहीं है।",
    ),
}
"""Request, answer of the character, answer of an assistant that does not play. A Chinese character's were no findings before."""


@lru_cache
def detector() -> Detector:
    return load()


def found(request: str, answer: str) -> list[str]:
    conversation = Conversation((Turn("user", request), Turn("assistant", answer, is_target=True)))
    return [finding.behaviour for finding in detector().find(conversation) if finding.probability >= 0.5]


@pytest.mark.parametrize("code", SPOKEN)
def test_what_a_character_says_of_itself_is_no_finding(code: str) -> None:
    request, in_character, _ = SPOKEN[code]
    assert not found(request, in_character)


@pytest.mark.parametrize("code", SPOKEN)
def test_an_assistant_that_says_what_it_is_does_not_speak_as_the_character(code: str) -> None:
    request, _, out_of_character = SPOKEN[code]
    assert found(request, out_of_character)
