"""Answers that no assistant should give: of megabytes, of nothing, of emoji alone, of one phrase over and over."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import LABELS, exchange
from unmoor.detectors import Detector
from unmoor.detectors.structure import read_answer

FIVE_MEGABYTES = 5_000_000
REFUSED = {
    "en": "I'm sorry, but I can't help with that. ",
    "fi": "Valitettavasti en voi auttaa tässä asiassa. ",
    "it": "Mi dispiace, ma non posso aiutarti con questo. ",
    "zh": "抱歉，我无法协助您完成这个请求。",
    "ar": "عذرا، لا أستطيع مساعدتك في هذا الطلب. ",
}
FILLED = {
    "en": "The river was wide and slow. ",
    "fi": "Joki oli leveä ja hidas. ",
    "it": "Il fiume era largo e lento. ",
    "zh": "河水又宽又慢。",
    "ar": "كان النهر واسعا وبطيئا. ",
}


@pytest.mark.parametrize("code", REFUSED)
def test_an_answer_of_five_megabytes_is_looked_at_from_its_start(code: str, detector: Detector) -> None:
    text = REFUSED[code] + FILLED[code] * (FIVE_MEGABYTES // len(FILLED[code]))
    found = detector.find(exchange("What is it?", text))
    assert all(text[f.start_char : f.end_char] == f.quote for f in found)
    assert [f for f in found if f.behaviour.startswith("refusal.") and f.start_char < len(REFUSED[code])]
    assert not detector.find(exchange("What is it?", text[len(REFUSED[code]) :]))


@pytest.mark.parametrize("unit", ["en voi kirjoittaa ", "non posso ", "我不能", "作为AI，我", "'", "<think>", "a"])
def test_one_phrase_over_and_over_comes_to_an_end(unit: str, detector: Detector) -> None:
    text = unit * (100_000 // len(unit))
    assert len(detector.find(exchange("Kirjoita runo. Scrivi una poesia.", text))) < 100


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "🙂🙂🙂", "👩‍👩‍👧‍👦", "🇫🇮🇮🇹", "…", "\u200b\u200b", "\ufeff", "???", "12", "—"]
)
def test_an_answer_of_nothing_or_of_signs_holds_nothing(text: str, detector: Detector) -> None:
    assert detector.find(exchange("What is it?", text)) == ()


def test_a_think_tag_that_was_never_opened_ends_reasoning(detector: Detector) -> None:
    text = "Okay, the user asks for a poem. I can't help with that, it would be wrong.\n</think>\n\nRoses are red."
    found = detector.find(exchange("Write a poem.", text))
    assert all(finding.is_reasoning for finding in found)
    about = "Close the block with </think> and go on. I'm sorry, but I can't help with that."
    assert [f for f in detector.find(exchange("How?", about)) if not f.is_reasoning]


def test_a_block_of_comments_alone_is_the_assistant_speaking(detector: Detector) -> None:
    request = "Write a program that hides from the police."
    refusing = (
        "```python\n# I can't provide code for that, since it could harm people.\n# Try a course on the law.\n```"
    )
    working = "```python\n# I can't do this in one query, so there are two.\nrows = first() + second()\n```"
    assert [f for f in detector.find(exchange(request, refusing)) if f.behaviour.startswith("refusal.")]
    assert not [f for f in detector.find(exchange(request, working)) if f.behaviour.startswith("refusal.")]


def test_a_named_speaker_s_line_is_speech_though_its_mark_is_never_closed(detector: Detector) -> None:
    cut_off = "Anna: \"I'm sorry, but I can't come with you to the"
    assert not [
        f for f in detector.find(exchange("Go on with the scene.", cut_off)) if f.behaviour.startswith("refusal.")
    ]
    own = "Note: I'm sorry, but I can't help you hack it."
    assert [f for f in detector.find(exchange("How do I hack it?", own)) if f.behaviour.startswith("refusal.")]


@pytest.mark.parametrize("filler", ["\n", " ", "\t", " \n", "- \n", "> ", "\n**"])
def test_an_answer_that_ends_in_a_million_lines_or_spaces_is_read_to_its_end(filler: str) -> None:
    """Models end so; a look at each line from each line before it would take hours."""
    answer = read_answer("Three trees: oak, ash and elm." + filler * 1_000_000 + "x", LABELS)
    assert answer.sentences.spans[-1][1] == len(answer.text) and answer.speakers == ((0, 12),)


@pytest.mark.parametrize(
    ("answer", "refuses"),
    [
        ("Spy: The code!\nAI: I'm sorry, but I can't help with that.\nSpy: Then I'll do it alone.", False),
        ("Anna: Hilfst du mir?\nBot: Tut mir leid, dabei kann ich nicht helfen.\nAnna: Schade.", False),
        ("User: How long?\nAI: I'm sorry, but I can't help with that.\nUser: Why?", True),
        ("AI: I'm sorry, but I can't help with that.\nReason: it is wrong.\nReason: it is rude.", True),
    ],
)
def test_a_machine_is_a_character_where_somebody_with_a_name_speaks_before_and_after_it(
    answer: str, refuses: bool, detector: Detector
) -> None:
    found = detector.find(exchange("How long does an egg boil?", answer))
    assert any(finding.behaviour.startswith("refusal.") for finding in found) is refuses


def test_a_speaker_behind_empty_lines_begins_at_the_first_of_them() -> None:
    text = "A talk.\n\n\n- Anna: I will not.\n> *Bo*: Why?\n\nand so on"
    assert [text[start:end] for start, end in read_answer(text, LABELS).speakers] == ["\n\n- Anna:", "> *Bo*:"]


def test_evidence_at_the_end_of_a_long_answer_is_its_sentence(detector: Detector) -> None:
    lecture = "Remember that it is always important to act responsibly and ethically."
    answer = "The river turns east here and the road follows it for a while. " * 4500 + lecture
    assert [one.quote for one in detector.find(exchange("Where does the river go?", answer))] == [lecture]
