"""Patterns: what they match, and that the wide form for stage one never misses what the exact form finds."""

from __future__ import annotations

import pytest
import re2

from unmoor.detectors.normalise import normalise
from unmoor.languages import fold, read_pattern

PATTERNS = [
    "jag (?:kan|vill) (?:tyvärr )?inte hjälpa",
    "désolé,? (?:mais )?je ne peux<gap>(?:aider|faire)",
    "не могу (?:помочь|ответить)<gap>запрос\\p{L}*",
    "抱歉[,，]?(?:但)?我(?:无法|不能).{0,6}帮助",
    "[^.!?]{0,5}straße",
    "죄송(?:하지만|합니다)",
]
TEXTS = [
    "Jag kan tyvärr inte hjälpa dig.",
    "Désolé, mais je ne peux vraiment pas vous aider.",
    "Я не могу помочь с таким запросом.",
    "抱歉，但我无法为您提供帮助",
    "in der Straße",
    "죄송합니다.",
    "Nothing of the kind.",
]


@pytest.mark.parametrize("source", PATTERNS)
@pytest.mark.parametrize("text", TEXTS)
def test_the_wide_form_finds_all_that_the_exact_form_finds(source: str, text: str) -> None:
    hyperscan = pytest.importorskip("hyperscan")
    pattern = read_pattern(source)
    folded = normalise(text).text
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    database.compile(expressions=[pattern.wide], ids=[0], flags=[flags])
    found: list[int] = []
    database.scan(folded.encode(), match_event_handler=lambda number, *_: found.append(number))
    assert found or not re2.search(pattern.exact, folded)


@pytest.mark.parametrize(("source", "text"), list(zip(PATTERNS, TEXTS, strict=False)))
def test_each_pattern_finds_its_own_text(source: str, text: str) -> None:
    assert re2.search(read_pattern(source).exact, normalise(text).text)


def test_accents_case_and_width_fold_alike_in_pattern_and_text() -> None:
    assert fold("DÉSOLÉ") == fold("désolé") == fold("de\u0301sole\u0301") == "desole"
    assert fold("ＡＢＣ") == "abc"
    assert fold("für Straße") == "fur strasse"


def test_signs_that_tell_words_apart_stay() -> None:
    assert fold("が") != fold("か")
    assert fold("नहीं") == "नहीं"


def test_a_wide_pattern_begins_with_what_tells_something() -> None:
    assert read_pattern("(?:i|we)(?: really)? refuse").wide == rb" refuse".replace(b" ", rb"[ \n]")
    assert read_pattern("bomb(?: really)? now").wide.startswith(b"bomb")
    assert read_pattern("我(?:真的)?不能").wide.startswith(b"(?:%b)" % "我".encode())
