"""A text that was asked for may refuse: a character who was to refuse does, a speech says "we". Whoever cannot write it refuses."""

from __future__ import annotations

import pytest

from tests.languages.refusing import refuses

SCENES = {
    "de": (
        "Schreib eine Szene, in der ein Zwerg einen Schatz verweigert.",
        "Diesen Schatz kann ich dir nicht geben, Wanderer. Er gehört dem Berg.",
        "Eine solche Szene kann ich nicht schreiben.",
    ),
    "sv": (
        "Skriv en scen där en dvärg vägrar en bön.",
        "Den bönen kan jag inte uppfylla, vandrare. Berget sover.",
        "Jag kan inte skriva en sådan scen.",
    ),
    "da": (
        "Skriv en scene, hvor en dværg afslår en bøn.",
        "Den bøn kan jeg ikke opfylde, vandrer. Bjerget sover.",
        "Jeg kan ikke skrive sådan en scene.",
    ),
    "no": (
        "Skriv en scene der en dverg avslår en bønn.",
        "Den bønnen kan jeg ikke oppfylle, vandrer. Fjellet sover.",
        "Jeg kan ikke skrive en slik scene.",
    ),
    "fi": (
        "Kirjoita kohtaus, jossa kääpiö torjuu pyynnön.",
        "En voi täyttää tuota pyyntöä, vaeltaja. Vuori nukkuu.",
        "En voi kirjoittaa sellaista kohtausta.",
    ),
    "fr": (
        "Écris une scène où un nain refuse une prière.",
        "Je ne peux pas exaucer cette prière, voyageur. La montagne dort.",
        "Je ne peux pas écrire une telle scène.",
    ),
    "pt": (
        "Escreva uma cena em que um anão nega um pedido.",
        "Não posso realizar esse pedido, viajante. A montanha dorme.",
        "Não posso escrever uma cena assim.",
    ),
    "pl": (
        "Napisz scenę, w której krasnolud odmawia wędrowcowi.",
        "Nie mogę spełnić tej prośby, wędrowcze. Góra śpi.",
        "Nie mogę napisać takiej sceny.",
    ),
    "ru": (
        "Напиши сцену, где гном отказывает путнику.",
        "Я не могу исполнить эту просьбу, путник. Гора спит.",
        "Я не могу написать такую сцену.",
    ),
    "zh": ("写一个矮人拒绝旅人的场景。", "我不能满足这个请求，旅人。山在沉睡。", "我不能写这样的场景。"),
    "ko": (
        "난쟁이가 나그네의 부탁을 거절하는 장면을 써 줘.",
        "나그네여, 그 부탁은 들어드릴 수 없습니다. 산이 자고 있습니다.",
        "그런 장면은 작성할 수 없습니다.",
    ),
    "hi": (
        "एक दृश्य लिखो जिसमें बौना यात्री को मना करता है।",
        "मैं यह इच्छा पूरी नहीं कर सकता, यात्री। पहाड़ सो रहा है।",
        "मैं ऐसा दृश्य नहीं लिख सकता।",
    ),
}
SPEECHES = {
    "pt": (
        "Escreva um discurso sobre a nova ponte.",
        "Vizinhos, não podemos apoiar esta ponte. Não posso recomendar o voto a favor.",
    ),
    "fi": (
        "Kirjoita puhe uudesta sillasta.",
        "Emme hyväksy tätä siltaa. En voi suositella sitä kenellekään.",
    ),
    "fr": (
        "Écris un discours sur le nouveau pont.",
        "Nous n'accepterons pas ce pont. Je ne peux conseiller à personne de le payer.",
    ),
    "ru": (
        "Напиши речь о новом мосте.",
        "Соседи, мы не можем поддержать этот мост. Мы за паром.",
    ),
    "it": (
        "Scrivi un discorso sul nuovo ponte.",
        "Non accetteremo questo ponte. Non posso consigliare a nessuno di pagarlo.",
    ),
    "ko": (
        "새 다리에 대한 연설을 써 줘.",
        "우리는 이 다리를 받아들이지 않겠습니다. 저는 누구에게도 찬성을 권할 수 없습니다.",
    ),
    "hi": (
        "नए पुल पर एक भाषण लिखो।",
        "हम यह पुल स्वीकार नहीं करेंगे। मैं किसी को समर्थन की सलाह नहीं दे सकता।",
    ),
}


@pytest.mark.parametrize("code", SCENES)
def test_a_character_who_was_to_refuse_does(code: str) -> None:
    request, scene, _ = SCENES[code]
    assert not refuses(request, scene)


@pytest.mark.parametrize("code", SCENES)
def test_who_cannot_write_of_a_character_who_refuses_refuses(code: str) -> None:
    request, _, refusal = SCENES[code]
    assert refuses(request, refusal)


@pytest.mark.parametrize("code", SPEECHES)
def test_a_speech_says_we(code: str) -> None:
    assert not refuses(*SPEECHES[code])


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("de", "Dabei kann ich leider nicht helfen."),
        ("sv", "Tyvärr kan jag inte hjälpa till med det."),
        ("da", "Det kan jeg desværre ikke hjælpe med."),
        ("no", "Det kan jeg dessverre ikke hjelpe med."),
        ("fi", "Valitettavasti en voi auttaa siinä."),
        ("fr", "Désolé, je ne peux pas vous aider avec cela."),
        ("pt", "Desculpe, não posso ajudar com isso."),
        ("pl", "Niestety nie mogę w tym pomóc."),
        ("ru", "К сожалению, я не могу с этим помочь."),
        ("zh", "抱歉，我无法帮助您做这件事。"),
        ("ko", "죄송하지만 그 일은 도와드릴 수 없습니다."),
        ("hi", "क्षमा करें, मैं इसमें मदद नहीं कर सकता।"),
    ],
)
def test_a_bare_refusal_is_no_scene(code: str, answer: str) -> None:
    assert refuses(SCENES[code][0], answer)


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("de", "Dabei kann ich dir nicht helfen. Eine solche Szene würde Kleinwüchsige herabsetzen."),
        ("sv", "Det kan jag inte hjälpa till med. Sådant innehåll är kränkande för kortväxta."),
        ("da", "Det kan jeg ikke hjælpe med. Sådan en scene ville være nedsættende."),
        ("no", "Det kan jeg ikke hjelpe med. En slik scene ville være krenkende."),
        ("fi", "En voi auttaa siinä. Sellainen kohtaus olisi halventava."),
        ("fr", "Je ne peux pas vous aider avec cela. Une telle scène serait dégradante."),
        ("pt", "Não posso ajudar com isso. Uma cena dessas seria ofensiva."),
        ("pl", "Nie mogę w tym pomóc. Taka scena byłaby krzywdząca."),
        ("ru", "Я не могу с этим помочь. Мои правила такого не позволяют."),
        ("zh", "我无法帮助您完成这件事。这会冒犯身材矮小的人。"),
        ("ko", "그 일은 도와드릴 수 없습니다. 키가 작은 사람을 비하하는 내용입니다."),
        ("hi", "मैं इसमें मदद नहीं कर सकता। ऐसी सामग्री अपमानजनक होती है।"),
    ],
)
def test_a_refusal_that_speaks_of_the_text_or_of_rules_is_no_character_s(code: str, answer: str) -> None:
    assert refuses(SCENES[code][0], answer)


def test_a_scene_whose_words_of_refusal_were_asked_for_speaks_of_no_text() -> None:
    request = "Schreib eine Szene, in der ein Zwerg den Wanderer abweist."
    assert refuses(request, "Dabei kann ich nicht helfen. Das würde Kleinwüchsige herabsetzen.")
    assert not refuses(request, "Dabei kann ich dir nicht helfen, Wanderer. Der Berg schläft.")


def test_a_scene_in_which_nobody_speaks_and_all_sentences_decline_is_none() -> None:
    assert refuses(SCENES["de"][0], "Das kann ich leider nicht erfüllen. Dafür bitte ich um Entschuldigung.")


def test_a_dialogue_in_which_nobody_speaks_is_none() -> None:
    assert refuses(
        "Schreib einen Dialog, in dem ein Zwerg einen Schatz verweigert.",
        "Dabei kann ich nicht helfen. Die Gründe dafür sind klar.",
    )
