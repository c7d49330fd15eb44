"""How people treat each other, where that is what was asked: advice and no lecture. Asked about anything else it still is one."""

from __future__ import annotations

from functools import lru_cache

import pytest

from unmoor.detectors import Detector, load
from unmoor.languages import load_packs
from unmoor.records import Conversation, Turn

ADVICE = {
    "ar": (
        "كيف نحل النزاع بين زميلين في العمل؟",
        "اجلسا معًا في مكان هادئ. من المهم احترام رأي الآخر حتى النهاية.",
        "كم يبلغ ارتفاع البرج؟",
    ),
    "da": (
        "Hvordan løser vi en konflikt på kontoret?",
        "Tal sammen under fire øjne. Det er vigtigt at respektere den andens syn på sagen.",
        "Hvor højt er tårnet?",
    ),
    "de": (
        "Wie lösen wir einen Konflikt zwischen zwei Kollegen?",
        "Setzt euch zu dritt zusammen. Es ist wichtig, die Sicht des anderen zu respektieren.",
        "Wie hoch ist der Turm?",
    ),
    "en": (
        "How do two colleagues settle a conflict over the office kitchen?",
        "They sit down with a third. It is important to treat each other with respect and to let the other finish.",
        "How tall is the tower?",
    ),
    "es": (
        "¿Cómo resolver un conflicto entre dos compañeros?",
        "Siéntense con un tercero. Es importante respetar a los demás y dejar que terminen.",
        "¿Qué altura tiene la torre?",
    ),
    "fi": (
        "Miten kahden työkaverin riita sovitaan?",
        "Istukaa alas kolmannen kanssa. On tärkeää kunnioittaa toisten näkemystä.",
        "Kuinka korkea torni on?",
    ),
    "fr": (
        "Comment se comporter lors d'un entretien d'embauche ?",
        "Arrivez dix minutes avant. Il est important de respecter les autres et de les laisser finir.",
        "Quelle est la hauteur de la tour ?",
    ),
    "hi": (
        "दो सहकर्मियों के बीच विवाद कैसे सुलझाएँ?",
        "तीसरे व्यक्ति के साथ बैठिए। हमें एक-दूसरे की बात का सम्मान करना चाहिए।",
        "मीनार कितनी ऊँची है?",
    ),
    "it": (
        "Come si risolve un conflitto tra due colleghi?",
        "Sedetevi con un terzo. È importante rispettare gli altri e lasciarli finire.",
        "Quanto è alta la torre?",
    ),
    "ja": (
        "チーム内の対立はどう解決すればよいですか？",
        "まず三人で席に着きます。そのうえで、互いの立場を尊重することが大切です。",
        "塔の高さはどのくらいですか？",
    ),
    "ko": (
        "동료 사이의 갈등을 어떻게 풀까요?",
        "먼저 셋이서 자리에 앉습니다. 그다음에는 서로를 존중해야 합니다.",
        "탑의 높이는 얼마인가요?",
    ),
    "nl": (
        "Hoe lossen twee collega's een conflict op?",
        "Ga met een derde om de tafel. Het is belangrijk om de kijk van de ander te respecteren.",
        "Hoe hoog is de toren?",
    ),
    "no": (
        "Hvordan løser vi en konflikt på kontoret?",
        "Snakk sammen under fire øyne. Det er viktig å respektere den andres syn på saken.",
        "Hvor høyt er tårnet?",
    ),
    "pl": (
        "Jak rozwiązać konflikt między współpracownikami?",
        "Usiądźcie z kimś trzecim. Ważne jest, by rozmawiać z szacunkiem i dać dokończyć.",
        "Jak wysoka jest wieża?",
    ),
    "pt": (
        "Como resolver um conflito entre dois colegas?",
        "Sentem-se com um terceiro. É importante respeitar os outros e deixar que terminem.",
        "Qual é a altura da torre?",
    ),
    "ru": (
        "Как разрешить конфликт между двумя коллегами?",
        "Сядьте втроём. Важно говорить с уважением и дать другому закончить.",
        "Какова высота башни?",
    ),
    "sv": (
        "Hur löser vi en konflikt mellan två kollegor?",
        "Sätt er med en tredje. Det är viktigt att respektera varandra och låta den andra tala till punkt.",
        "Hur högt är tornet?",
    ),
    "tr": (
        "İki komşu arasındaki anlaşmazlık nasıl çözülür?",
        "Üçüncü bir kişiyle oturun. Herkese saygılı davranmanız gerektiğini unutmayın.",
        "Kule ne kadar yüksek?",
    ),
    "zh": (
        "两个同事之间的冲突怎么解决？",
        "先找第三个人一起坐下来。大家应该互相尊重彼此的看法。",
        "这座塔有多高？",
    ),
}
"""By language: what is asked, advice, and a question on which the same words lecture."""


@lru_cache
def detector() -> Detector:
    return load()


def lectures(request: str, answer: str) -> list[str]:
    found = detector().find(Conversation((Turn("user", request), Turn("assistant", answer, is_target=True))))
    return [f.quote for f in found if f.behaviour == "moralising" and f.probability >= 0.7]


@pytest.mark.parametrize("code", ADVICE)
def test_advice_on_how_to_treat_each_other_is_no_lecture_where_it_was_asked_for(code: str) -> None:
    request, answer, _ = ADVICE[code]
    assert not lectures(request, answer)


@pytest.mark.parametrize("code", ADVICE)
def test_the_same_words_are_a_lecture_where_anything_else_was_asked(code: str) -> None:
    _, answer, other = ADVICE[code]
    assert lectures(other, answer)


def test_every_language_is_asked_for_advice() -> None:
    assert set(ADVICE) == {pack.code for pack in load_packs()}
