"""Where most texts take a short way, it leads where the plain way leads: on the packs' own sentences and on made-up texts."""

from __future__ import annotations

import random
import re
from binascii import crc32
from collections.abc import Iterator
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest

from unmoor.detectors import normalise
from unmoor.detectors import sentences as sentences_room
from unmoor.detectors.detector import DEFAULT, Detector
from unmoor.detectors.features import dense_features, ngram_features
from unmoor.detectors.grams import BUCKETS
from unmoor.detectors.language import Languages
from unmoor.detectors.model import load_model
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import view_turn
from unmoor.detectors.view import TurnView
from unmoor.languages import fold, load_packs
from unmoor.languages.fold import fold_character
from unmoor.records import Conversation, Turn

SEED = 12
MARKS = (
    *".!?…。！？؟।\"'”’»)]*_#>:：“„«「」『』‘、&<\\`~-",
    "\t",
    "\n",
    "\r\n",
    " \n",
    "  ",
    "**",
    "__",
    "&amp;",
    "<b>",
    "\x07",
)
WORDS = (
    *"aIé0",
    "the",
    "Der",
    "don't",
    "x_y",
    "Mr.",
    "e.g.",
    "12.",
    "Anna:",
    "- ",
    "1. ",
    "# ",
    "```",
    "水",
    "кот",
    "مرحبا",
)
BREAK = re.compile(r"(?<=[.!?…])[\"'”’»)\]*_]*[ \t]+(?=[^\s.,;:a-zà-öø-ÿ])|[。！？][”」』\"']*|(?<=[؟।])\s+|\s*\n\s*")
"""Where a sentence ends, as one would write it down."""


def made_up(count: int) -> Iterator[str]:
    """Yield texts of marks, spaces and words in any order."""
    chance = random.Random(SEED)
    for _ in range(count):
        yield "".join(chance.choices((*MARKS, *WORDS, " ", " "), k=chance.randrange(1, 30)))


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """What the packs of all languages say a phrase must hit and must miss."""
    return [text for pack in load_packs() for phrase in pack.phrases for text in (*phrase.hits, *phrase.misses)]


def test_ascii_is_folded_as_any_text_is(sentences: list[str]) -> None:
    plain = normalise._SPECIAL
    for text in (*made_up(20_000), *sentences):
        if text.isascii():
            assert fold_text(text) == plain.sub(normalise._fold_found, text.lower()), text


def test_a_short_text_is_folded_character_by_character() -> None:
    for code in (*range(0xD800), *range(0xE000, 0x30000)):
        assert fold(f"a{chr(code)}") == "a" + fold_character(chr(code))


def test_sentences_end_where_the_plain_pattern_ends_them() -> None:
    looked_at = 0
    for text in made_up(20_000):
        found = [match.span() for match in sentences_room._BREAK.finditer(text)]
        breaks = [(start + (text[start] in sentences_room._STAYS), end) for start, end in found]
        assert breaks == [match.span() for match in BREAK.finditer(text)], text
        looked_at += len(breaks)
    assert looked_at > 20_000


def test_the_language_is_what_scoring_every_word_says(sentences: list[str]) -> None:
    packs = load_packs()
    languages = Languages(packs)
    latin = {pack.code for pack in packs if pack.script == "Latin"}
    told = 0
    for text in sentences:
        scores = languages.scores(text)
        if text.isascii() and scores.get("en", 0.0) >= 1.0:
            best = max(latin, key=lambda code: (scores[code], code == "en", code))
            told += best == "en"
            if best == "en":
                assert languages.of(text) == "en", text
    assert told > 300


@pytest.fixture(scope="module")
def views(sentences: list[str]) -> list[TurnView]:
    phrases = Phrases(load_packs(), "re2")
    chance = random.Random(SEED)
    found = []
    for _ in range(400):
        said, asked = " ".join(chance.choices(sentences, k=4)), chance.choice(sentences)
        found.append(view_turn(phrases, said, asked, has_tools=False))
    return [view for view in found if view is not None]


def test_the_model_s_answer_is_the_sum_over_the_features_bit_for_bit(views: list[TurnView]) -> None:
    model = load_model()
    assert model is not None
    assert len(views) > 200
    for view in views:
        buckets, weights = ngram_features(view)
        logits = model.ngram[:, buckets] @ weights + model.dense @ dense_features(view) + model.bias
        chances = 1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))
        verdict = model.judge(view)
        assert astuple(verdict) == tuple(float(chance) for chance in chances)


def test_a_request_s_grams_are_the_checksums_of_its_words(views: list[TurnView]) -> None:
    looked_at = 0
    for view in views:
        words = re.findall(r"[a-z]+(?:'[a-z]+)?|\d+|[?!:\n]+", view.request)
        if not view.request.isascii() or not 0 < len(words) <= 140:
            continue
        pairs = [" ".join(pair) for pair in pairwise(words)]
        expected = {crc32(f"r{gram}".encode()) % BUCKETS for gram in (*words, *pairs)}
        assert expected <= set(ngram_features(view)[0].tolist()), view.request
        looked_at += 1
    assert looked_at > 50


def test_all_languages_at_once_find_what_one_answer_at_a_time_finds(sentences: list[str]) -> None:
    chance = random.Random(SEED)
    rows = [
        Conversation(
            (
                Turn("user", chance.choice(sentences)),
                Turn("assistant", chance.choice(MARKS).join(chance.choices(sentences, k=3)), is_target=True),
            )
        )
        for _ in range(300)
    ]
    plain, fast = Detector(DEFAULT, None, None, "re2"), Detector(DEFAULT, None, None)
    expected = [plain.find(row) for row in rows]
    assert fast.find_many(rows) == expected
    assert sum(map(bool, expected)) > 100
