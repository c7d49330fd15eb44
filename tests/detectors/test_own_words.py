"""The owner's phrases are found as texts are read, in the sentence of a finding and nowhere else."""

from __future__ import annotations

import pytest

from unmoor.detectors import OwnWords

TEXT = "Thank you for your order. I'm sorry, but we cannot refund it. An oak is a tree."
INSIDE, OUTSIDE = TEXT.index("sorry"), TEXT.index("oak")


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("we cannot refund", "I'm sorry: WE  CANNOT\u00a0refund it."),
        ("We can't refund", "I'm sorry: we can\u2019t refund it."),
        ("désolé", "DESOLE, nous ne remboursons pas."),
        ("We cannot refund", "Sorry: we **cannot** refund it."),
        ("返金できません", "申し訳ありませんが返金できません。"),
        ("2 days", "It takes more than 2 days."),
    ],
)
def test_a_phrase_is_found_however_it_is_typed(phrase: str, text: str) -> None:
    assert OwnWords([phrase]).around(text, 0, len(text)) == phrase


@pytest.mark.parametrize(
    ("phrase", "text"), [("we can", "We cannot."), ("our fund", "Your fund."), ("2 days", "12 days")]
)
def test_a_part_of_a_word_is_no_phrase(phrase: str, text: str) -> None:
    assert OwnWords([phrase]).around(text, 0, len(text)) is None


def test_only_the_sentence_of_the_place_counts() -> None:
    words = OwnWords(["nothing", "We cannot refund"])
    assert words.around(TEXT, INSIDE, INSIDE + 5) == "We cannot refund"
    assert words.around(TEXT, OUTSIDE, OUTSIDE + 3) is None
    assert words.around(TEXT, INSIDE, OUTSIDE + 3) == "We cannot refund"


def test_a_refusal_may_be_said_in_the_sentence_before() -> None:
    words = OwnWords(["We cannot refund"])
    said = "Hello. We cannot refund it. I can offer you a voucher instead. Goodbye."
    voucher, goodbye = said.index("voucher"), said.index("Goodbye")
    assert words.around(said, voucher, voucher + 7) is None
    assert words.around(said, voucher, voucher + 7, with_one_before=True) == "We cannot refund"
    assert words.around(said, goodbye, goodbye + 7, with_one_before=True) is None
