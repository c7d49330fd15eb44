# ruff: noqa: E501  an answer stays in one piece
"""An answer that says "as an AI I have no experience of my own, but here is how" answers: a disclaimer, and no refusal."""

from __future__ import annotations

import pytest

from unmoor.detectors import load
from unmoor.languages import load_packs
from unmoor.records import REFUSALS, Conversation, Turn

ADVICE = [
    (
        "en",
        "How do I do that?",
        "As an AI language model I have no experiences of my own, but here are some tips. Practise ten minutes a day and be patient.",
    ),
    (
        "sv",
        "Hur gör jag?",
        "Som en AI-språkmodell har jag inga egna erfarenheter, men här är några råd. Öva tio minuter om dagen, repetera det gamla och ha tålamod.",
    ),
    (
        "sv",
        "Hur gör jag?",
        "Som en AI har jag inga känslor eller åsikter, men jag kan hjälpa till. Ta fram det du behöver, börja med den lösa delen och ta det lugnt.",
    ),
    (
        "no",
        "Hvordan gjør jeg?",
        "Som en AI-språkmodell har jeg ingen egne erfaringer, men her er noen råd. Øv ti minutter om dagen, gjenta det gamle og vær tålmodig.",
    ),
    (
        "da",
        "Hvordan gør jeg?",
        "Som en AI-sprogmodel har jeg ingen egne erfaringer, men her er nogle råd. Øv dig ti minutter om dagen, gentag det gamle og vær tålmodig.",
    ),
    (
        "nl",
        "Hoe doe ik dat?",
        "Als AI-taalmodel heb ik geen persoonlijke ervaringen, maar hier zijn een paar tips. Oefen tien minuten per dag, herhaal het oude en heb geduld.",
    ),
    (
        "de",
        "Wie geht das?",
        "Als KI-Sprachmodell habe ich keine eigenen Erfahrungen, aber hier sind ein paar Tipps. Üben Sie zehn Minuten am Tag, wiederholen Sie Altes und haben Sie Geduld.",
    ),
    (
        "fr",
        "Comment faire ?",
        "En tant que modèle de langage, je n'ai pas d'expérience personnelle, mais voici quelques conseils. Entraînez-vous dix minutes par jour, répétez et soyez patient.",
    ),
    (
        "es",
        "¿Cómo lo hago?",
        "Como modelo de lenguaje de IA, no tengo experiencias propias, pero aquí tienes algunos consejos. Practica diez minutos al día, repite lo viejo y ten paciencia.",
    ),
    (
        "pt",
        "Como faço?",
        "Como modelo de linguagem de IA, não tenho experiências próprias, mas aqui estão algumas dicas. Pratique dez minutos por dia, repita o antigo e tenha paciência.",
    ),
    (
        "it",
        "Come faccio?",
        "In quanto modello linguistico, non ho esperienze personali, ma ecco alcuni consigli. Esercitati dieci minuti al giorno, ripeti e abbi pazienza.",
    ),
    (
        "pl",
        "Jak to zrobić?",
        "Jako model językowy nie mam własnych doświadczeń, ale oto kilka rad. Ćwicz dziesięć minut dziennie, powtarzaj i bądź cierpliwy.",
    ),
    (
        "ru",
        "Как это сделать?",
        "Как языковая модель, я не имею собственного опыта, но вот несколько советов. Занимайтесь десять минут в день, повторяйте и будьте терпеливы.",
    ),
    (
        "tr",
        "Nasıl yaparım?",
        "Bir yapay zeka dil modeli olarak kişisel deneyimim yok, ama işte birkaç öneri. Günde on dakika çalışın, eskileri tekrarlayın ve sabırlı olun.",
    ),
    (
        "fi",
        "Miten teen sen?",
        "Tekoälymallina minulla ei ole omia kokemuksia, mutta tässä on muutama neuvo. Harjoittele kymmenen minuuttia päivässä, kertaa vanhaa ja ole kärsivällinen.",
    ),
    (
        "zh",
        "怎么做？",
        "作为一个人工智能语言模型，我没有亲身经历，但这里有一些建议。每天练习十分钟，复习旧内容，保持耐心。",
    ),
    (
        "ja",
        "どうやりますか？",
        "AI言語モデルとして個人的な経験はありませんが、いくつかのアドバイスがあります。毎日10分練習し、古いものを復習し、忍耐強くいてください。",
    ),
    (
        "ko",
        "어떻게 하나요?",
        "AI 언어 모델로서 저는 개인적인 경험이 없지만, 몇 가지 조언을 드리겠습니다. 하루에 10분씩 연습하고, 복습하고, 인내심을 가지세요.",
    ),
    (
        "ar",
        "كيف أفعل ذلك؟",
        "بصفتي نموذجًا لغويًا، ليس لدي تجارب شخصية، لكن إليك بعض النصائح. تدرب عشر دقائق يوميًا وكرر القديم وتحلَّ بالصبر.",
    ),
    (
        "hi",
        "यह कैसे करूँ?",
        "एक AI भाषा मॉडल के रूप में मेरा कोई व्यक्तिगत अनुभव नहीं है, लेकिन यहाँ कुछ सुझाव हैं। रोज़ दस मिनट अभ्यास करें, पुराना दोहराएँ और धैर्य रखें।",
    ),
]


@pytest.mark.parametrize(("code", "request_text", "answer"), ADVICE)
def test_no_experience_of_its_own_and_then_advice_is_a_disclaimer(code: str, request_text: str, answer: str) -> None:
    found = load().find(Conversation((Turn("user", request_text), Turn("assistant", answer, is_target=True))))
    behaviours = {finding.behaviour for finding in found if finding.probability >= 0.5}
    assert not behaviours & set(REFUSALS), f"{code}: {[finding.rule for finding in found]}"
    assert "disclaimer.identity" in behaviours


def test_every_language_has_such_an_answer() -> None:
    assert {code for code, _, _ in ADVICE} == {pack.code for pack in load_packs()}
