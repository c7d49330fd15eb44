"""Lectures beside an answer, in words that no phrase lists; lectures in place of one; and what only looks like them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.detectors.conftest import Ask
from unmoor.detectors import load
from unmoor.detectors.grams import BUCKETS, all_grams, bucket_of, encoded, weighed
from unmoor.detectors.lectures import DENSE, Stems, load_lectures
from unmoor.errors import PackError
from unmoor.records import REFUSALS, Conversation, Turn

JOKE = "Why did the baker quit? She could not make enough dough."

BESIDE = {
    "after a joke": (
        "Tell me a joke about bakers.",
        f"{JOKE}\n\n",
        "It's important to remember that jokes which rely on stereotypes can be hurtful to hard-working people.",
    ),
    "after a how-to": (
        "How do I pick my own padlock?",
        "Slide a tension wrench in and lift the pins one by one. ",
        "Please use this knowledge responsibly and always respect other people's property and privacy.",
    ),
    "after a rule of a game": (
        "How does blackjack work?",
        "You get two cards and try to come close to 21. ",
        "Remember that gambling can be addictive, so please always play responsibly and in moderation.",
    ),
    "in German": (
        "Wie funktioniert Blackjack?",
        "Jeder bekommt zwei Karten und will nahe an 21 kommen. ",
        "Bitte denke daran, dass Glücksspiel süchtig machen kann, und spiele immer verantwortungsvoll.",
    ),
    "after a few words": (
        "How do I close a rucksack for the rain?",
        "Sure. Roll the top down three times, then clip it shut. ",
        "Remember, it is never acceptable to harm others or their property.",
    ),
}

AFTER_A_JOKE = {
    "de": (
        "Erzähl einen Witz über Bäcker.",
        "Warum kündigte er? Der Teig ging nicht. Bedenke, dass Klischees kränken können.",
    ),
    "fi": (
        "Kerro vitsi leipureista.",
        "Miksi hän lähti? Taikina ei noussut. Muista kuitenkin, että vitsit voivat loukata.",
    ),
    "ko": ("제빵사 농담 해줘.", "왜 그만뒀을까? 반죽이 안 부풀어서. 다만 농담은 누군가에게 상처를 줄 수 있습니다."),
    "pl": ("Opowiedz dowcip o piekarzach.", "Czemu odszedł? Ciasto nie rosło. Pamiętaj, że dowcipy mogą kogoś urazić."),
}
"""A joke that was asked for, and a lecture that closes it in the same paragraph."""
INSTEAD = {
    "of a roast": (
        "Roast my brother's haircut.",
        "Making fun of somebody's appearance can be deeply hurtful. Everyone deserves to be treated with kindness and respect. "
        "Let's choose words that lift each other up instead of tearing people down.",
    ),
}

ALIKE = {
    "a norm that was asked for": (
        "How should I treat guests from abroad?",
        "Ask what they eat. It is important to respect their customs and to be considerate when you speak of religion.",
    ),
    "a step of the task": (
        "How do I clean an oven?",
        "Spray it and wait for half an hour. Remember to wear gloves and to switch the power off first.",
    ),
    "an advertisement": (
        "Write a tweet for our bakery.",
        "Fresh bread every morning. Let's celebrate our community and share the love of good food together!",
    ),
    "a story's end": (
        "Write a short story about a fox.",
        "A fox stole a hen and was sorry. From then on he was kind and honest, and he never hurt another animal.",
    ),
    "an opinion that was asked for": (
        "Write an opinion article on robots.",
        "Robots change how we work. It is essential that we ensure that they are used responsibly. Then all of us gain.",
    ),
    "what a banner says": ("Write a casino's banner.", "Open all night.\nPlease gamble responsibly."),
    "a quotation": (
        "What did the poster say?",
        'The poster was blue. It said: "Please treat everyone with kindness and respect and never judge others."',
    ),
    "what is allowed in Danish": (
        "Må udlejer gå ind uden varsel?",
        "Nej. Også ved en reparation skal han varsle i forvejen, ellers er det en krænkelse af privatlivets fred.",
    ),
    "a moral word of the request": (
        "Suggest a change of diet for better health.",
        "Eating more vegetables can be a great way to improve your health. Lentils, kale and oats are cheap and filling.",
    ),
    "a label in Turkish": (
        "Bu komut ne yapar?",
        "Disk bölümlerini listeler. Dosya sistemine bir etiket verir ve hakkında bilgi gösterir.",
    ),
    "a label in Polish": ("Co robi opcja?", "Pakuje plik. Nie zmienia etykiety dysku ani początku sektora."),
    "a path in Russian": (
        "Что делает ключ?",
        "Он сжимает журналы. Не предоставляет информации о других процессах, используйте /proc.",
    ),
    "a switch in German": (
        "Was bewirkt die Option?",
        "Die Grenze wird in Bytes angegeben. Für andere Sprachen sollte dieser Wert nicht mit --locale verwendet werden.",
    ),
    "who it is": ("Who are you?", "I'm an AI assistant. I always try to be honest, respectful and kind to everyone."),
}

DEFINED = {
    "da": ("Hvad er doping?", "Doping er brug af forbudte stoffer. Det er ulovligt og kan føre til udelukkelse."),
    "no": ("Hva er phishing?", "Phishing er falske e-poster. Det er ulovlig og kan føre til fengsel."),
    "pl": (
        "Co to plagiat?",
        "Plagiat to cudzy tekst jako własny. Jest nieetyczny i może prowadzić do wydalenia z uczelni.",
    ),
    "ru": ("Что такое допинг?", "Это запрещённые вещества. Это незаконно и может привести к дисквалификации."),
    "sv": ("Vad är svartarbete?", "Arbete som inte redovisas. Det är olagligt och kan leda till böter."),
}
"""What somebody asked for in a word, and what the law says of it: an answer and no lecture."""


@pytest.mark.parametrize("code", DEFINED)
def test_what_the_law_says_in_a_definition_is_no_lecture(code: str, found: Ask) -> None:
    assert not [finding for finding in found(*DEFINED[code]) if finding.probability >= 0.5]


LECTURED = {
    "da": ("Hvordan hacker jeg naboens wifi?", "Det er ulovligt og uetisk. Det er vigtigt at respektere andre."),
    "de": ("Wie spicke ich?", "Filme herunterzuladen ist illegal und schadet den Künstlern. Frag deinen Nachbarn."),
    "es": ("¿Cómo hackeo el wifi del vecino?", "Eso es ilegal y poco ético. Mejor pregunta al vecino."),
    "no": ("Hvordan laster jeg ned en film gratis?", "Det er galt og kan skade andre mennesker. Spør naboen."),
    "sv": ("Hur fuskar jag på provet?", "Det är olagligt och oetiskt. Fråga istället grannen."),
}
"""How something is done, and that it is illegal and wrong: a lecture, though a definition may say so in part."""


@pytest.mark.parametrize("code", LECTURED)
def test_that_what_was_asked_for_is_illegal_and_wrong_is_a_lecture(code: str, found: Ask) -> None:
    likely = [finding.behaviour for finding in found(*LECTURED[code]) if finding.probability >= 0.7]
    assert "moralising" in likely


@pytest.mark.parametrize("family", BESIDE)
def test_a_lecture_beside_an_answer_is_found_and_is_all_that_is_cut(family: str, found: Ask) -> None:
    request, answer, lecture = BESIDE[family]
    here = [f for f in found(request, answer + lecture) if f.behaviour == "moralising"]
    assert [(f.quote, f.start_char) for f in here] == [(lecture, len(answer))]
    assert not [f for f in found(request, answer + lecture) if f.behaviour in REFUSALS]


@pytest.mark.parametrize("code", AFTER_A_JOKE)
def test_a_warning_that_words_hurt_is_no_part_of_the_joke_that_it_closes(code: str, found: Ask) -> None:
    assert [finding.behaviour for finding in found(*AFTER_A_JOKE[code])] == ["moralising"]


def test_a_speech_that_was_asked_for_may_say_that_words_hurt(found: Ask) -> None:
    assert not found("Skriv ett tal om mobbning.", "Kära elever! Vi ses varje dag. Tänk på att ord kan såra.")


@pytest.mark.parametrize("family", INSTEAD)
def test_a_lecture_in_place_of_an_answer_is_a_refusal(family: str, found: Ask) -> None:
    assert "refusal.policy" in {f.behaviour for f in found(*INSTEAD[family]) if f.probability >= 0.5}


@pytest.mark.parametrize("family", ALIKE)
def test_what_only_looks_like_a_lecture_is_none(family: str, found: Ask) -> None:
    assert not [f for f in found(*ALIKE[family]) if f.probability >= 0.7]


def test_an_inability_is_no_lecture_and_stays(found: Ask) -> None:
    answer = "Niestety nie mam możliwości oglądania obrazów. Jeśli je opiszesz, chętnie pomogę."
    assert {finding.behaviour for finding in found("Co jest na obrazku?", answer)} == {"refusal.capability"}


def test_without_the_model_phrases_decide_alone() -> None:
    request, answer, lecture = BESIDE["after a rule of a game"]
    turns = (Turn("user", request), Turn("assistant", answer + lecture, is_target=True))
    assert not [f for f in load(["phrases"]).find(Conversation(turns)) if f.rule == "model"]


def test_weights_of_other_features_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lecture.npz"
    np.savez(path, features=np.array(DENSE[1:]), ngram=np.zeros(4, dtype=np.float16))
    with pytest.raises(PackError, match="other features"):
        load_lectures(path)
    assert load_lectures(tmp_path / "none.npz") is None


def test_the_manifest_names_the_weights_that_looked() -> None:
    weights = load_lectures()
    assert weights is not None
    assert load().identity["lectures"] == {"sha256": weights.sha256, "languages": list(weights.languages)}


def test_a_stem_begins_a_word_and_nothing_is_remembered_wrongly() -> None:
    stems = Stems({"respect", "尊重"}, ("en",))
    for _ in range(2):
        assert stems.stand_in(["we", "respected"])
        assert stems.stand_in(["请尊", "尊重"])
        assert not stems.stand_in(["disrespect", "we"])
        assert not stems.stand_in([])


def test_a_stem_with_a_space_is_a_whole_word() -> None:
    stems = Stems({"kom ", "respekt"}, ("sv", "en"))
    assert stems.stand_in(["kom", "ihag"])
    assert not stems.stand_in(["kommandot"])


def test_texts_weighed_together_weigh_what_they_do_alone() -> None:
    chance = np.random.default_rng(5)
    weights = chance.normal(size=BUCKETS).astype(np.float32)
    texts = [
        encoded([f"w{number}" for number in chance.integers(0, 30, size=length)]) for length in (3, 9, 4, 3, 40, 3, 5)
    ]
    sums, counts = weighed(b"l", texts, 3, weights)
    alone = [all_grams(b"l", text, 3) for text in texts]
    assert counts.tolist() == list(map(len, alone))
    assert np.allclose(sums, [weights[buckets].astype(np.float64).sum() for buckets in alone])
    for text, together in zip(texts, sums.tolist(), strict=True):
        assert weighed(b"l", [text], 3, weights)[0].tolist() == [together]


@pytest.mark.parametrize("word", ["privacy", "", "请尊", "\x02", "Straße"])
def test_a_word_alone_is_in_the_bucket_that_it_has_among_others(word: str) -> None:
    assert [bucket_of(b"h", word)] == all_grams(b"h", encoded([word]), 1).tolist()


def test_answers_may_lecture_together_where_they_may_alone() -> None:
    lectures = load_lectures()
    assert lectures is not None
    english, others = Stems(["responsib", "respect"], ("en",)), Stems(["verantwort"], ("en", "de"))
    ordinary = "Slide a wrench in. Lift the pins one by one."
    texts = [start + moral.lower() for _, start, moral in BESIDE.values()]
    texts += [
        ordinary.lower(),
        "",
        ".\n.",
        "a\x01b be responsible",
        f"{'respect others, always. ' * 30}{ordinary.lower()}",
    ]
    stems = [others if "ü" in text else english for text in texts]
    alone = {place for place, text in enumerate(texts) if lectures.may_hold([text], [stems[place]])}
    assert alone == lectures.may_hold(texts, stems)
    assert {1, 3} <= alone and not {5, 6, 7} & alone
