"""Many texts at once, by whichever engine, give what one text at a time gives by the plain path."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

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
    conversations = _conversations(300)
    plain = Detector(DEFAULT, CODES, None, "re2")
    expected = [plain.find(conversation) for conversation in conversations]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sets, "WORDS_AFTER_TEXTS", 10**9 if step == "sets" else 0)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 0 if "phrases" in step else 10**9)
    monkeypatch.setattr(sets, "COMPILE_MOST_BYTES", 80_000)
    monkeypatch.setattr(sets, "WHOLE_MOST_BYTES", 600 if step == "phrases and words" else 10**9)
    assert Detector(DEFAULT, CODES, None, "auto").find_many(conversations) == expected
    assert any(expected)


def test_every_match_holds_one_of_the_words_of_its_phrase() -> None:
    packs = load_packs()
    phrases = Phrases(packs, "re2")
    looked_at = 0
    for number, phrase in enumerate(phrases.all):
        words = must_have(phrase.pattern.exact)
        for sentence in phrase.hits:
            folded = fold_text(sentence)
            for start, end in phrases.matches(number, folded):
                looked_at += 1
                assert not words or any(word in bare(folded[start:end]) for word in words), (phrase.id, sentence)
    assert looked_at > 2000


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
