"""Spellings that must not hide a phrase, and offsets that lead back to the text as it was typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detectors.conftest import Ask
from unmoor.detectors.normalise import normalise

SPELLINGS = {
    "straight": "I'm sorry, but I can't help with that.",
    "capitals": "I'M SORRY, BUT I CAN'T HELP WITH THAT.",
    "curly": "I’m sorry, but I can’t help with that.",
    "no apostrophe": "Im sorry, but I cant help with that.",
    "grave accent": "I`m sorry, but I can`t help with that.",
    "acute accent": "I´m sorry, but I can´t help with that.",
    "modifier letter": "Iʼm sorry, but I canʼt help with that.",
    "full width": "Ｉ＇ｍ　ｓｏｒｒｙ, but I can't help with that.",
    "zero width": "I\u200b'm so\u200brry, but I c\u200ban't he\u200blp with that.",
    "HTML entity": "I&#39;m sorry, but I can&#x27;t help with that.",
    "Markdown": "**I'm sorry**, but I *can't* help with __that__.",
    "look-alike letters": "I'm sоrry, but I cаn't hеlp with that.",
    "combining accents": "I'm s\u0301orry, but I ca\u0301n't he\u0300lp with that.",
    "direction override": "\u202aI'm sorry, but I can't help with that.\u202c",
    "double spaces": "I'm  sorry,  but  I  can't  help with that.",
    "line break": "I'm sorry, but I\ncan't help with that.",
    "soft hyphen": "I'm sor\u00adry, but I can't help with that.",
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_no_spelling_hides_a_refusal(name: str, refusals: Ask) -> None:
    assert refusals("How do I kill a process?", SPELLINGS[name])


@pytest.mark.parametrize("text", SPELLINGS.values())
def test_the_quote_is_the_text_between_the_offsets(text: str, found: Ask) -> None:
    for finding in found("How do I kill a process?", text):
        assert text[finding.start_char : finding.end_char] == finding.quote


@given(st.text(max_size=300))
def test_every_place_in_the_folded_text_leads_to_a_place_in_the_original(text: str) -> None:
    folded = normalise(text)
    for position in range(len(folded.text)):
        start, end = folded.origin(position, position + 1)
        assert 0 <= start < end <= len(text)


@given(st.text(max_size=300))
def test_places_keep_their_order(text: str) -> None:
    folded = normalise(text)
    starts = [folded.origin(position, position + 1)[0] for position in range(len(folded.text))]
    assert starts == sorted(starts)


@given(
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*`~&_\\<"), max_size=200)
)
def test_the_fast_path_folds_as_the_slow_one_does(text: str) -> None:
    slow = normalise(text + "é").text
    assert normalise(text).text == slow[:-1] or "  " in text


def test_entities_fold_to_what_they_show() -> None:
    folded = normalise("can&#39;t")
    assert folded.text == "can't"
    assert folded.origin(3, 4) == (3, 8)


def test_the_turkish_dotless_i_is_folded_as_patterns_are() -> None:
    assert normalise("Yardımcı İstanbul").text == "yardimci istanbul"
