"""Scripts other than Latin: spellings of one word fold alike, words keep their vowel signs, sentences end where they end."""

from __future__ import annotations

from dataclasses import replace
from unicodedata import normalize

import pytest

from tests.detectors.conftest import LABELS, Ask
from unmoor.detectors.language import Languages
from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.pieces import beginning_with
from unmoor.detectors.sentences import LONGEST, split_sentences
from unmoor.detectors.structure import read_answer
from unmoor.languages import fold, load_pack, load_packs

SAME = {
    "Arabic: vowel marks": ("لا أَسْتَطِيعُ", "لا أستطيع"),
    "Arabic: hamza left out": ("آسف، لا اقدر ان", "اسف, لا أقدر أن"),
    "Arabic: tatweel": ("عــذراً", "عذرا"),
    "Arabic: final ya and ta marbuta": ("على القنبله", "علي القنبلة"),
    "Arabic: Persian ya and kaf": ("یمکننی", "يمكنني"),
    "Arabic: presentation forms": ("ﻻ", "لا"),
    "Hindi: nukta in one code point or two": ("\u0917\u0932\u0924 \u0958\u093e\u0928\u0942\u0928", "गलत क\u093cानून"),
    "Hindi: nukta left out": ("गैरक़ानूनी सज़ा", "गैरकानूनी सजा"),
    "Hindi: candrabindu": ("यहाँ हूँ", "यहां हूं"),
    "Hindi: danda": ("सकता।", "सकता."),
}


@pytest.mark.parametrize("name", SAME)
def test_two_spellings_of_a_word_are_one(name: str) -> None:
    one, other = SAME[name]
    assert normalise(one).text == normalise(other).text


@pytest.mark.parametrize("name", SAME)
def test_patterns_and_texts_are_folded_alike(name: str) -> None:
    for text in SAME[name]:
        assert fold(text) == normalise(text).text


@pytest.mark.parametrize("words", [("की", "का"), ("में", "मैं"), ("दो", "दे"), ("كتب", "كتاب")])
def test_letters_that_tell_words_apart_stay(words: tuple[str, str]) -> None:
    assert normalise(words[0]).text != normalise(words[1]).text


@pytest.mark.parametrize("text", ["عُذْراً، لا أستطيع", "माफ़ कीजिए, मैं नहीं कर सकता।"])
def test_offsets_lead_back_through_marks_that_are_gone(text: str) -> None:
    folded = normalise(text)
    word = "استطيع" if "\u0644" in text else "सकता"
    start = folded.text.index(word)
    left, right = folded.origin(start, start + len(word))
    assert fold(text[left:right]) == word


def test_a_hindi_word_is_one_word_to_the_language_check() -> None:
    pack = replace(load_pack("en"), code="hi", script="Devanagari", stop_words=frozenset(("मैं", "नहीं", "यह", "क्या")))
    assert Languages([pack]).scores("मैं नहीं जानता यह क्या है।")["hi"] == 4


def test_hindi_and_arabic_sentences_end_at_their_own_marks() -> None:
    assert len(split_sentences("मैं मदद नहीं कर सकता। कुछ और पूछिए।").spans) == 2
    assert len(split_sentences("هل أساعدك؟ نعم، بالطبع.").spans) == 2


def test_speakers_with_vowel_signs_make_a_dialogue() -> None:
    answer = read_answer("विक्रेता: मैं मदद नहीं कर सकता।\nग्राहक: ठीक है।", LABELS)
    assert len(answer.speakers) == 2


@pytest.mark.parametrize(
    "head", ["प्रिय सीमा,", "سيدي العزيز،", "عزيزتي ليلى،", "सेवा में,", "친애하는 지수에게,", "Hi Anna,", "Hej Anna!"]
)
def test_letters_open_as_letters_do(head: str) -> None:
    assert read_answer(f"{head}\n\n...", LABELS).is_letter


def test_a_chinese_phrase_counts_in_a_japanese_answer_only_where_no_kana_stands() -> None:
    languages = Languages(load_packs(["zh"]))
    languages._kana = {"ja"}
    assert not languages.accepts("zh", "ja", "これは違法です。")
    assert languages.accepts("zh", "ja", "我无法提供。")
    assert languages.accepts("zh", "zh", "我无法提供。")


def test_a_unit_after_a_figure_ends_a_sentence_and_an_initial_does_not() -> None:
    assert len(split_sentences("Le mont Blanc culmine à 4 806 m. La mesure change.").spans) == 2
    assert len(split_sentences("Bake at 200 C. Then rest.").spans) == 2
    assert len(split_sentences("Write to J. Smith today.").spans) == 1


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("The correct option is B. As an AI, I have no opinions.", "The correct option is B."),
        ("Scurvy comes from too little vitamin C. However, I am no doctor.", "Scurvy comes from too little vitamin C."),
        ("I'd say no. As an AI, I have no opinions.", "I'd say no."),
        ("The other is x. As an AI, I have no opinions.", "The other is x."),
        ("He is in the U.S. As an AI, I am not.", "He is in the U.S."),
        ("See no. 5 of the list. Then go.", "See no. 5 of the list."),
        ("Das gilt z. B. Hunden und u. a. Katzen. Ende.", "Das gilt z. B. Hunden und u. a. Katzen."),
        (
            "J. R. R. Tolkien met George W. Bush in St. Louis. So what?",
            "J. R. R. Tolkien met George W. Bush in St. Louis.",
        ),
    ],
)
def test_an_answer_of_a_letter_ends_its_sentence_and_an_abbreviation_does_not(text: str, first: str) -> None:
    start, end = split_sentences(text).spans[0]
    assert text[start:end] == first


@pytest.mark.parametrize("text", ["as an AI, I cannot, so " * 900, "作为人工智能，我不能" * 900])
def test_what_never_ends_is_parted(text: str) -> None:
    spans = split_sentences(text).spans
    assert max(end - start for start, end in spans) <= LONGEST
    assert "".join(text[start:end] for start, end in spans).replace(" ", "") == text.replace(" ", "")
    assert all(text[start - 1] == " " for start, _ in spans[1:]) or " " not in text


@pytest.mark.parametrize(
    "label",
    ["Note", "Hinweis", "**Wichtig**", "Remarque", "Nota", "Let op", "OBS", "Huomautus", "Uwaga", "Примечание", "Uyarı", "注意",
     "ご注意", "참고", "ملاحظة", "ध्यान दें"],
)  # fmt: skip
def test_a_note_among_other_labels_is_no_character(label: str) -> None:
    text = f"Titel: Zwei Wege\n{label}: Das geht so nicht.\nAnna: Doch!"
    answer = read_answer(text, LABELS)
    assert not answer.is_dialogue(text.index("Das"))
    assert answer.is_dialogue(text.index("Doch"))


@pytest.mark.parametrize(
    ("stem", "text", "is_found"),
    [
        ("dialog", "schreib dialoge", True),
        ("dialog", "ein monodialog", False),
        ("dikt ", "en dikt.", True),
        ("dikt ", "ett diktat", False),
        ("对话", "写一段对话吧", True),
        (" شعر", "اكتب شعرا", True),
        (" شعر", "لماذا اشعر", False),
    ],
)
def test_a_stem_begins_a_word_and_is_a_whole_one_before_a_space(stem: str, text: str, is_found: bool) -> None:
    assert bool(beginning_with([stem]).search(text)) is is_found


def test_a_speaker_after_a_blank_line_is_a_character_too() -> None:
    text = "**Anna:** Tule mukaan!\n\n**Otto:** En voi auttaa siinä.\n\n**Anna:** Harmi."
    assert read_answer(text, LABELS).is_dialogue(text.index("En voi"))


def test_sections_with_a_label_each_are_no_dialogue() -> None:
    text = "**Short answer:** No.\n\n**Why:** I can't help with that.\n\n**Instead:** Ask a locksmith."
    assert not read_answer(text, LABELS).is_dialogue(text.index("I can't"))


@pytest.mark.parametrize(
    ("asks", "answers"), [("Frage", "Antwort"), ("Question", "Réponse"), ("Soru", "Cevap"), ("问", "答")]
)
def test_who_answers_in_an_interview_is_a_character(asks: str, answers: str) -> None:
    text = f"{asks}: Eins?\n{answers}: Nein.\n{asks}: Zwei?\n{answers}: Auch nicht."
    answer = read_answer(text, LABELS)
    assert answer.is_dialogue(text.index("Nein"))


NEIGHBOURS = {
    "Vietnamese": "Tôi không thể trả lời câu hỏi này, vì thế bạn có thể hỏi người khác; tôi là một máy tính.",
    "Czech": "Omlouvám se, ale to není možné; je mi líto, že na to nemohu říct víc, a jak to bude dál.",
    "Romanian": "Îmi pare rău, dar nu pot să răspund la această întrebare; poate că știți și dumneavoastră.",
    "Ukrainian": "Вибачте, але я не можу відповісти на це запитання, бо це суперечить моїм правилам і є небезпечним.",
    "Persian": "متأسفم، من نمی‌توانم به این پرسش پاسخ بگویم، چون گفتگو درباره‌ی پول و چیزهای دیگر مجاز نیست.",
}


@pytest.mark.parametrize("text", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_a_language_without_a_pack_is_not_named_as_one_that_has_it(text: str) -> None:
    assert Languages(load_packs()).of(text) == "und"


OWN = {
    "en": "The naïve fiancée left her résumé in the café, and that is all there is to say of Zoë.",
    "pl": "Przykro mi, ale nie mogę na to odpowiedzieć, ponieważ to jest sprzeczne z moimi zasadami.",
    "ru": "Извините, но я не могу ответить на этот вопрос, потому что это противоречит моим правилам.",
    "ar": "آسف، لا أستطيع الإجابة عن هذا السؤال لأن ذلك يخالف القواعد التي أتبعها.",
    "fr": "Désolé, je ne peux pas répondre à cette question, car cela va à l'encontre de mes règles.",
    "tr": "Üzgünüm ama bu soruya yanıt veremiyorum çünkü bu benim kurallarıma aykırı ve doğru değil.",
}


@pytest.mark.parametrize("code", OWN)
def test_a_language_is_named_in_its_own_letters_composed_or_not(code: str) -> None:
    languages = Languages(load_packs())
    assert languages.of(OWN[code]) == code
    assert languages.of(normalize("NFD", OWN[code])) == code


GOES_ON = "Do you have any other questions? There is a lot that I would be happy to tell you about the garden."


@pytest.mark.parametrize(
    ("code", "declines"),
    [
        ("es", "No hago eso."),
        ("pl", "Tego nie napiszę."),
        ("tr", "Bunu yazamam."),
        ("fi", "Hei! En kirjoita sitä."),
        ("fr", "Je refuse."),
    ],
)
def test_a_refusal_before_the_first_english_sentence_is_found(code: str, declines: str, refusals: Ask) -> None:
    assert [finding.language for finding in refusals("...", declines)] == [code]
    assert [finding.language for finding in refusals("...", f"{declines} {GOES_ON}")] == [code]


def test_a_foreign_name_in_an_english_sentence_has_no_other_language_looked_for() -> None:
    text = f"Sure! The nights of El Niño are warm. {GOES_ON}"
    assert Languages(load_packs()).route(fold_text(text)) == ("en",)
