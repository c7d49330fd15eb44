"""What an assistant says of itself: an answer where it was asked, a disclaimer where an answer follows, no refusal."""

from __future__ import annotations

from functools import lru_cache

import pytest

from unmoor.detectors import Detector, load
from unmoor.records import REFUSALS, Conversation, Turn

ASKED = {
    "de": ("Wer bist du?", "Ich bin ein KI-Assistent. Ich habe keinen Körper und versuche, ehrlich zu sein."),
    "fr": ("Qui es-tu ?", "Je suis un assistant IA. Je n'ai pas de corps et je m'efforce d'être honnête."),
    "es": ("¿Quién eres?", "Soy un asistente de IA. No tengo cuerpo y procuro ser honesto."),
    "it": ("Chi sei?", "Sono un assistente IA. Non ho un corpo e cerco di essere onesto."),
    "pt": ("Quem é você?", "Sou um assistente de IA. Não tenho corpo e procuro ser honesto."),
    "ru": ("Кто ты?", "Я помощник на основе искусственного интеллекта. У меня нет тела, и я стараюсь быть честным."),
    "sv": ("Vem är du?", "Jag är en AI-assistent. Jag har ingen kropp och försöker vara ärlig."),
    "nl": ("Wie ben je?", "Ik ben een AI-assistent. Ik heb geen lichaam en probeer eerlijk te zijn."),
    "pl": ("Kim jesteś?", "Jestem asystentem AI. Nie mam ciała i staram się być uczciwy."),
    "ja": ("あなたは誰ですか？", "私はAIアシスタントです。体はありませんが、誠実であるよう心がけています。"),
    "zh": ("你是谁？", "我是一个人工智能助手。我没有身体，但我会努力做到诚实。"),
}
ASKED_IN_TWO_WORDS = {
    "fi": ("Oletko ihminen?", "En, olen tekoälyavustaja."),
    "es": ("¿Eres humana?", "No, soy una inteligencia artificial."),
    "fr": ("Es-tu humain ?", "Non, je suis une intelligence artificielle."),
    "pl": ("Jesteś człowiekiem?", "Nie, jestem modelem językowym."),
    "tr": ("İnsan mısın?", "Hayır, ben bir yapay zeka asistanıyım."),
    "de": ("Vorstellung, bitte!", "Ich bin eine KI, und ich beantworte Fragen."),
}
"""Two words hold no stop word: what the request asks is then told by its answer. The German one asks nothing of it."""
BEFORE_AN_ANSWER = {
    "de": (
        "Wie wird ein Winterbad angenehm?",
        "Als KI habe ich keinen Körper. Allerdings gehen geübte Schwimmer langsam hinein, atmen ruhig aus und bleiben "
        "höchstens zwei Minuten.",
    ),
    "fr": (
        "Comment rendre agréable un bain d'hiver ?",
        "En tant qu'IA, je n'ai pas de corps. Cependant, les nageurs entrent lentement dans l'eau, expirent calmement et "
        "restent deux minutes au plus.",
    ),
    "es": (
        "¿Cómo es más agradable un baño en invierno?",
        "Como IA, no tengo cuerpo. Sin embargo, los nadadores entran despacio en el agua, respiran con calma y se quedan "
        "dos minutos.",
    ),
    "it": (
        "Come rendere piacevole un bagno d'inverno?",
        "Come IA, non ho un corpo. Tuttavia, i nuotatori entrano lentamente nell'acqua, espirano con calma e restano due "
        "minuti al massimo.",
    ),
    "pt": (
        "Como tornar agradável um banho no inverno?",
        "Como IA, não tenho corpo. No entanto, os nadadores entram devagar na água, respiram com calma e ficam dois "
        "minutos.",
    ),
    "ru": (
        "Как сделать зимнее купание приятным?",
        "Как ИИ, я не имею тела. Однако опытные пловцы входят в воду медленно, спокойно выдыхают и остаются не больше "
        "двух минут.",
    ),
    "sv": (
        "Hur blir ett vinterbad skönt?",
        "Som AI har jag ingen kropp. Däremot går vana badare långsamt ner i vattnet, andas ut lugnt och stannar högst två "
        "minuter.",
    ),
    "nl": (
        "Hoe wordt een winterbad prettig?",
        "Als AI heb ik geen lichaam. Toch gaan geoefende zwemmers langzaam het water in, ademen rustig uit en blijven "
        "hooguit twee minuten.",
    ),
    "pl": (
        "Jak sprawić, by zimowa kąpiel była przyjemna?",
        "Jako AI nie mam ciała. Jednak doświadczeni pływacy wchodzą do wody powoli, spokojnie wydychają powietrze i "
        "zostają najwyżej dwie minuty.",
    ),
    "ja": (
        "冬の水泳を快適にするには？",
        "AIとして、私には体がありません。しかし、経験のある人はゆっくり水に入り、静かに息を吐き、長くても二分で上がります。",
    ),
    "zh": (
        "怎样让冬泳更舒服？",
        "作为人工智能，我没有身体。不过，有经验的泳者会慢慢下水，平静地呼气，最多停留两分钟。",
    ),
}


@lru_cache
def detector() -> Detector:
    return load()


def behaviours(request: str, answer: str) -> set[str]:
    found = detector().find(Conversation((Turn("user", request), Turn("assistant", answer, is_target=True))))
    return {finding.behaviour for finding in found if finding.probability >= 0.5}


@pytest.mark.parametrize("code", ASKED)
def test_who_it_is_when_asked_is_neither_lecture_nor_refusal(code: str) -> None:
    assert not behaviours(*ASKED[code]) & {*REFUSALS, "moralising"}


@pytest.mark.parametrize("code", ASKED_IN_TWO_WORDS)
def test_what_it_is_when_two_words_asked_is_no_disclaimer(code: str) -> None:
    assert ("disclaimer.identity" in behaviours(*ASKED_IN_TWO_WORDS[code])) == (code == "de")


@pytest.mark.parametrize("code", BEFORE_AN_ANSWER)
def test_to_have_no_body_before_an_answer_is_a_disclaimer(code: str) -> None:
    assert behaviours(*BEFORE_AN_ANSWER[code]) == {"disclaimer.identity"}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("이 온도계로 내일 기온을 알 수 있나요?", "이 온도계는 내일의 기온을 예측할 수 없습니다. 지금 온도만 잽니다."),
        ("공유기에서 연결된 기기를 볼 수 있나요?", "이 공유기는 현재 연결된 기기를 조회할 수 없습니다."),
        ("스피커에서 소리가 안 나요.", "이 스피커는 음악을 들려 줄 수 없습니다. 전원이 꺼져 있습니다."),
        ("여기서 유튜브를 볼 수 있나요?", "이 기기는 인터넷에 접속할 수 없습니다."),
    ],
)
def test_what_a_device_cannot_do_is_no_inability_of_the_assistant(request_: str, answer: str) -> None:
    assert behaviours(request_, answer).isdisjoint(REFUSALS)


def test_what_the_assistant_cannot_do_on_a_device_is_its_own() -> None:
    assert "refusal.capability" in behaviours(
        "여기서 유튜브를 틀어 줘.", "저는 이 기기에서 인터넷에 접속할 수 없습니다."
    )
