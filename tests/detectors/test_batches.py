"""Many texts at once, by whichever engine, give what one text at a time gives by the plain path."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.detectors.compiled import compile_packs
from unmoor.detectors import sets
from unmoor.detectors.detector import DEFAULT, Detector
from unmoor.detectors.literals import bare, must_have
from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.wordlist import Wordlist
from unmoor.languages import load_pack, load_packs
from unmoor.records import Conversation, Turn

SEED = 11
CODES = ("en", "de", "fr", "ru", "zh", "ja", "ko", "ar", "hi")
ODD = (
    "**",
    "_",
    "  ",
    "\t",
    "&amp;",
    "&#39;",
    "<b>",
    "</p>",
    "\u200b",
    "\u2019",
    "\u0301",
    "\x00",
    "\\",
    "~",
    "\u3099",
)
ORDINARY = ("Cut the leeks and wash them well.", "Die Kinder gehen nach Hause.", "Le train arrive.", "水は百度で沸く。")


def _conversations(count: int) -> list[Conversation]:
    """Answers made of the packs' own examples and ordinary sentences in any mixture, with odd characters strewn in."""
    chance = random.Random(SEED)
    sentences = [
        sentence for code in CODES for phrase in load_pack(code).phrases for sentence in (*phrase.hits, *phrase.misses)
    ]

    def text() -> str:
        said = " ".join(chance.choices((*ORDINARY, chance.choice(sentences)), k=chance.randrange(1, 5)))
        place = chance.randrange(len(said))
        return said[:place] + chance.choice(ODD) + said[place:] if chance.random() < 0.4 else said

    return [Conversation((Turn("user", text()), Turn("assistant", text(), is_target=True))) for _ in range(count)]


@pytest.mark.parametrize("step", ["sets", "words", "phrases", "phrases and words"])
def test_many_at_once_find_what_one_at_a_time_finds(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hyperscan")
    conversations = _conversations(200)
    plain = Detector(DEFAULT, CODES, None, "re2")
    expected = [plain.find(conversation) for conversation in conversations]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sets, "WORDS_AFTER_TEXTS", 10**9 if step == "sets" else 0)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 0 if "phrases" in step else 10**9)
    monkeypatch.setattr(sets, "COMPILE_MOST_BYTES", 80_000)
    monkeypatch.setattr(sets, "WHOLE_MOST_BYTES", 600 if step == "phrases and words" else 10**9)
    if "phrases" in step:
        compile_packs(CODES)
    assert Detector(DEFAULT, CODES, None, "auto").find_many(conversations) == expected
    assert any(expected)


@pytest.mark.parametrize("most", [0, 30_000, 10**9])
def test_of_a_pack_with_too_many_phrases_the_longest_alone_stay_with_their_words(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "COMPILE_MOST_BYTES", most)
    monkeypatch.setattr(sets, "WHOLE_MOST_BYTES", 10**9)
    phrases = list(enumerate(load_pack("ru").phrases))
    whole, stay = sets.parted(phrases)
    sizes = sorted(len(phrase.pattern.wide) for _, phrase in phrases)
    assert sorted(whole + stay) == phrases
    assert [len(whole) > 0, len(stay) > 0] == [most > 0, most < sum(sizes)]
    assert sorted(len(phrase.pattern.wide) for _, phrase in whole) == sizes[: len(whole)]
    assert sum(sizes[: len(whole)]) <= most


def test_every_match_holds_a_word_of_each_list_of_one_of_its_phrases_ways() -> None:
    packs = load_packs()
    phrases = Phrases(packs, "re2")
    looked_at = several = parted = 0
    for number, phrase in enumerate(phrases.all):
        ways = must_have(phrase.pattern.exact)
        several += any(len(lists) > 1 for lists in ways)
        parted += len(ways) > 1
        for sentence in phrase.hits:
            folded = fold_text(sentence)
            for start, end in phrases.matches(number, folded):
                looked_at += 1
                said = bare(folded[start:end])
                held = [all(any(word in said for word in words) for words in lists) for lists in ways]
                assert any(held) or not ways, (phrase.id, sentence)
    assert looked_at > 8000
    assert several > 1000
    assert parted > 1000


def test_the_words_of_a_phrase_are_the_same_in_every_process() -> None:
    """Where two lists are as rare, what one adds up must not hang on the order of a set."""
    program = (
        "from unmoor.detectors.literals import must_have; from unmoor.languages import load_pack\n"
        "print([must_have(phrase.pattern.exact) for code in ('fi', 'pl') for phrase in load_pack(code).phrases])"
    )
    assert len({printed(program, seed) for seed in ("1", "2")}) == 1


def printed(program: str, seed: str) -> bytes:
    """Return what a program prints in a process of its own that orders sets by `seed`."""
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True).stdout


def test_the_languages_of_a_text_are_the_same_in_every_process() -> None:
    """What shared words say for a language is added up in an order that no set decides: a bit more or less is another pack."""
    program = (
        "from unmoor.detectors.language import Languages; from unmoor.languages import load_packs\n"
        "from unmoor.detectors.normalise import fold_text\n"
        "lead = 'Ha, that is the one thing which I was not able to do for you in the end. '\n"
        "packs = load_packs()\n"
        "hits = [hit for pack in packs if pack.script == 'Latin' for one in pack.phrases for hit in one.hits]\n"
        "texts = [text for hit in hits for text in (lead + hit, f'{hit} {lead}')]\n"
        "print(Languages(packs).routes(list(map(fold_text, texts))))"
    )
    assert len({printed(program, seed) for seed in ("1", "2", "3")}) == 1


@pytest.mark.parametrize(
    ("exact", "ways"),
    [
        ("i (?:refuse|decline).{0,40}?(?:forgery|heist)", [[{"irefuse", "idecline"}, {"forgery", "heist"}]]),
        ("(?:quux.{0,9}bazaar|zyzzy.{0,9}vexing)", [[{"quux"}, {"bazaar"}], [{"zyzzy"}, {"vexing"}]]),
        ("(?:(?:quux.{0,9}bazaar)|zyzzy|zyzzy)", [[{"quux"}, {"bazaar"}], [{"zyzzy"}]]),
        ("(?:quux.{0,9}bazaar|zyzzy) a?", [[{"bazaar", "zyzzy"}]]),
        ("(?:quux|zyzzy).{0,9}quux", [[{"quux"}]]),
        ("quux.{0,9}(?:e|a)", [[{"quux"}]]),
        ("quux|.{0,9}", []),
        (".{0,9}", []),
    ],
)
def test_lists_of_words_come_from_either_side_of_a_gap_and_from_each_alternative_unless_they_would_tell_little(
    exact: str, ways: list[list[set[str]]]
) -> None:
    assert [sorted(map(sorted, lists)) for lists in must_have(exact)] == [sorted(map(sorted, lists)) for lists in ways]


def test_a_phrase_may_stand_in_a_text_that_holds_a_word_of_each_of_its_lists_and_in_no_other() -> None:
    pytest.importorskip("hyperscan")
    phrases = [(7, load_pack("en").phrases[0]), (9, load_pack("en").phrases[1]), (11, load_pack("en").phrases[2])]
    found = sets.WordSet(phrases, [[[["quux", "zyzzy"], ["bazaar"]], [["vexing"]]], [[["zyzzy"]]], []])
    texts = ["quux", "a bazaar, zyzzy", "bazaar", "", "quux zyzzy quux zyzzy", "QUUX b.a.z.a.a.r", "vexing"]
    assert sorted(found.hits_many(texts)) == sorted(
        [(1, 7), (5, 7), (6, 7), (1, 9), (4, 9), *((index, 11) for index in range(len(texts)))]
    )


def test_a_text_folded_without_a_map_is_the_text_folded_with_one() -> None:
    chance = random.Random(SEED)
    pieces = (*ODD, *ORDINARY, "каo", "ｆｕｌｌ", "\u1112\u1161\u11ab", "ﬁ", "ß", "I can't", "İ", "x_y")
    for _ in range(5000):
        text = "".join(chance.choices(pieces, k=chance.randrange(1, 9)))
        assert fold_text(text) == normalise(text).text
        assert "\0" not in fold_text(text)


def test_a_text_that_holds_a_nul_is_one_text_to_a_word_list(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("forbidden\n")
    texts = ["one \0 two forbidden", "fine and clean", "also forbidden here", "clean"]
    found = Wordlist.read(tmp_path / "list.txt").find_many([(1, text, "text") for text in texts])
    assert [bool(here) for here in found] == [True, False, True, False]
    assert found[0][0].start_char == texts[0].index("forbidden")
