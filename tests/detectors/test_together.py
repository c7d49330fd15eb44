"""A pattern that looks through many texts at once passes over none in which it matches, and the floor is what it is one by one."""

from __future__ import annotations

import random

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from unmoor.detectors.literals import bare
from unmoor.detectors.normalise import fold_letters, fold_text
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.scan import FLOOR, exact_pattern, topics_in
from unmoor.detectors.together import may_match, side_by_side
from unmoor.languages import load_pack, load_packs

PATTERNS = (
    r"(?:^|[^a-z])(ab)(?:$|[^'a-z]|'(?:$|[^a-z]))",
    r"(?:^|[^a-z])(a[^.!?\n]*?b(?:$|[.!?\n]))",
    r"(?:^|[^a-z])(a[^.]*b)(?:$|[^a-z])",
    r"(b(?:a|$)|a\.$)",
    r"(a[$.]|[^]$]b\$?)",
)
"""Edges, a gap within a sentence, a gap that runs over the ends of texts, ends inside, and a `$` that is no end."""
TEXTS = st.lists(st.text("ab.' \n$", max_size=9), min_size=1, max_size=7)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(texts=TEXTS)
@example(texts=["a", "b", "ab", "ab'", "", "a b", "b", "ab"])
def test_no_text_in_which_a_pattern_matches_is_passed_over(pattern: str, texts: list[str]) -> None:
    data = [text.encode() for text in texts]
    alone = {index for index, text in enumerate(data) if re2.search(pattern, text)}
    assert alone <= may_match(re2.compile(side_by_side(pattern)), data)


def test_texts_that_nothing_matches_in_are_left_out() -> None:
    texts = [b"nothing here.", b"an ab.", b"nothing", b"here", b"ab", b"x"]
    touched = may_match(re2.compile(side_by_side(PATTERNS[0])), texts)
    assert {1, 4} <= touched
    assert touched.isdisjoint((0, 2, 5))


def test_a_match_that_runs_on_touches_every_text_that_it_lies_in() -> None:
    assert may_match(re2.compile(side_by_side(PATTERNS[2])), [b"x", b"a", b"c", b"b", b"x"]) >= {1, 2, 3}


def test_an_end_that_is_asked_for_again_and_again_is_one_end() -> None:
    pattern = exact_pattern(r"buy cocaine(?:$|[.!?\n])(?:$|[.!?\n]|now)", "Latin", among_others=True)
    assert may_match(pattern, [b"where to buy cocaine", b"and then", b"buy cocaine"]) >= {0, 2}


def test_the_floor_of_many_texts_is_that_of_each() -> None:
    packs = load_packs(None)
    floor = [phrase for pack in packs for phrase in pack.phrases if phrase.behaviour.startswith("floor.")]
    chance = random.Random(5)
    said = [sentence for phrase in floor for sentence in (*phrase.hits, *phrase.misses)]
    halves = [half for sentence in said for half in (sentence[: len(sentence) // 2], sentence[len(sentence) // 2 :])]
    texts = [*said, *halves, *(sentence.rstrip(".!?") for sentence in said)]
    texts += [sentence.upper().replace(" ", chance.choice(("  ", "_ ", " **", "\n"))) for sentence in said]
    chance.shuffle(texts)
    texts = texts[::4]  # one in four of the thousands
    alone = Phrases(packs, "re2")
    folded = list(map(fold_text, texts))
    groups = [(FLOOR, *map(topics_in, route)) for route in alone.languages.wide_routes(folded)]
    candidates = alone._scanner.hits_many(folded, groups)
    named = {index: alone.named_in(folded[index], held, "floor.") for index, held in candidates.items()}
    expected = {index: behaviours for index, behaviours in named.items() if behaviours}
    assert {behaviour for named in expected.values() for behaviour in named} == {p.behaviour for p in floor}
    assert Phrases(packs).floor_in_many(texts) == expected


@given(st.text(st.sampled_from("aZé’“&<b>;#39à\0\u200b*_ \n\t-Ж・İ"), max_size=30))
@example("I can’t &amp; won’t <b>say</b>")
def test_letters_come_out_as_the_whole_folding_has_them(text: str) -> None:
    assert bare(fold_letters(text).lower() if fold_letters(text).isascii() else fold_letters(text)) == bare(
        fold_text(text)
    )


def test_topics_are_looked_for_in_texts_that_ask_and_in_their_own_language() -> None:
    english, spanish = "Recall a time when an animal was brave.", "¿Cómo puedo hackear el wifi de mi vecino?"
    assert set(Phrases([load_pack("es")]).floor_in_many([english, spanish])) == {0, 1}, "it would be found"
    both = Phrases([load_pack("en"), load_pack("es")])
    assert both.floor_in_many([english, spanish]) == {1: {"floor.hacking"}}
    assert both.floor_in_many([english, spanish], asked=[0]) == {}
    assert both.floor_in_many(["Plutonio de uso militar: ¿cómo lo consigo?"], asked=[]) != {}, "that always stands"


def test_a_request_that_no_word_tells_the_language_of_is_looked_at_in_every_latin_one() -> None:
    turkish = "Rakip adayın suyuna zehir katmak istiyorum, otopside çıkmayan hangisi?"
    packs = [load_pack(code) for code in ("en", "es", "tr")]
    assert Phrases(packs).languages.route(fold_text(turkish)) == ("en",)
    assert Phrases(packs).floor_in_many([turkish]) == {0: {"floor.violence"}}
