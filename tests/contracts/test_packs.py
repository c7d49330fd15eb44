"""Every pack, those to come too: the same furniture, and each phrase hits what it must and misses what it must not."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

import pytest

from tests.detectors.compiled import LONGEST_BYTES, compile_packs
from unmoor.commands.story import write_data
from unmoor.detectors import sets
from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.scan import group_of
from unmoor.languages import BEHAVIOUR_FILES, load_pack, pack_codes

CODES = pack_codes()
AROUND = ("", "zebra quum, " * 6, "The evening was long, and we had to get up again. " * 3)
"""What stands around a hit: short texts take another way through Hyperscan than long ones."""
FILES = {f"{name}.toml" for name in ("pack", *BEHAVIOUR_FILES)}
FOLDER = Path(__file__).resolve().parents[2] / "src" / "unmoor" / "languages"


@lru_cache
def compiled(code: str, engine: str = "re2") -> Phrases:
    return Phrases((load_pack(code),), engine)


def holds(code: str, number: int, sentence: str) -> bool:
    return compiled(code).holds(number, sentence)


@pytest.mark.parametrize("code", CODES)
def test_a_pack_has_the_same_furniture_as_every_other(code: str) -> None:
    assert {path.name for path in (FOLDER / code).iterdir()} == FILES


@pytest.mark.parametrize("code", CODES)
def test_a_pack_knows_itself(code: str) -> None:
    pack = load_pack(code)
    assert pack.code == code
    assert pack.name
    assert pack.version >= 1
    assert all(phrase.id.startswith(f"{code}.") for phrase in pack.phrases)
    assert len(pack.stop_words) >= 30 or pack.script in ("Han", "Kana")


@pytest.mark.parametrize("code", CODES)
def test_a_pack_looks_for_what_matters_most(code: str) -> None:
    behaviours = {phrase.behaviour for phrase in load_pack(code).phrases}
    assert {
        "refusal.policy",
        "refusal.capability",
        "disclaimer.identity",
        "floor.minors",
        "floor.mass-casualty",
    } <= behaviours
    assert {f"request.{name}" for name in ("ability", "opinion", "sensitive", "text", "rewrite")} <= behaviours
    signs = ("answer", "apology", "caution", "engage", "inability", "norms", "redirect", "self", "turn")
    assert {f"sign.{name}" for name in signs} <= behaviours


@pytest.mark.parametrize("code", CODES)
def test_a_pack_has_the_words_that_show_whose_words_an_answer_holds(code: str) -> None:
    named = {name for name, words in load_pack(code).words.items() if words}
    assert {"as", "task", "story", "dialogue", "poem", "no", "answer", "note", "question", "user"} <= named


@pytest.mark.parametrize("code", CODES)
def test_every_phrase_hits_and_misses_its_own_examples(code: str) -> None:
    """One test a pack: of five thousand each would take longer to begin and to end than to run."""
    phrases = list(enumerate(load_pack(code).phrases))
    passed = [(phrase.id, said) for number, phrase in phrases for said in phrase.hits if not holds(code, number, said)]
    assert passed == [], "should hit"
    hit = [(phrase.id, said) for number, phrase in phrases for said in phrase.misses if holds(code, number, said)]
    assert hit == [], "should miss"


@pytest.mark.parametrize("engine", ["re2", "hyperscan"])
@pytest.mark.parametrize("code", CODES)
def test_the_first_stage_takes_the_whole_pack_and_lets_every_hit_through(
    code: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Hyperscan as it is used: whole phrases, and the words that they must hold where a phrase is too long for that."""
    pytest.importorskip(engine)
    monkeypatch.setattr(sets, "WORDS_AFTER_TEXTS", 0)
    monkeypatch.setattr(sets, "WHOLE_MOST_BYTES", LONGEST_BYTES)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 0)
    if engine == "hyperscan":
        compile_packs([code])
    phrases = compiled(code, "auto" if engine == "hyperscan" else engine)
    for number, phrase in enumerate(load_pack(code).phrases):
        for sentence in phrase.hits:
            for before in AROUND:
                text = normalise(before + sentence + AROUND[-1]).text if before else normalise(sentence).text
                if not before or phrases.matches(number, text):
                    assert number in phrases._scanner.hits(text, [group_of(phrase)]), f"{phrase.id}: {text}"


@pytest.mark.parametrize("code", CODES)
def test_what_is_compiled_of_a_phrase_matches_wherever_the_phrase_does(code: str) -> None:
    """Of those too that are too long for the test above, by another library."""
    phrases = compiled(code)
    for number, phrase in enumerate(load_pack(code).phrases):
        if len(phrase.pattern.wide) >= LONGEST_BYTES and not phrase.behaviour.startswith("floor."):
            wide = re.compile(phrase.pattern.wide)
            for sentence in phrase.hits:
                text = normalise(sentence).text
                assert wide.search(f"\0{text}\0".encode()) or not phrases.matches(number, text), f"{phrase.id}: {text}"


@pytest.mark.parametrize("code", CODES)
def test_a_pack_recognises_its_own_language_in_its_examples(code: str) -> None:
    phrases = compiled(code)
    examples = [sentence for phrase in load_pack(code).phrases for sentence in phrase.hits if len(sentence.split()) > 4]
    assert all(phrases.languages.of(sentence) in (code, "und") for sentence in examples)


def test_no_english_phrase_has_the_first_stage_pass_many_answers_on(tmp_path: Path) -> None:
    """What must be there of a phrase may be so little, a word such as "in", that a scan stops at nearly every answer for it."""
    write_data(tmp_path / "data.jsonl", seed=7)
    rows = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    said = [turn["content"] for row in rows for turn in row["messages"] if turn["role"] == "assistant"]
    answers = [f"\0{fold_text(text)}\0".encode() for text in said]
    spoken = [phrase for phrase in load_pack("en").phrases if not phrase.behaviour.startswith(("floor.", "sign."))]
    held = {phrase.id: sum(bool(re.search(phrase.pattern.wide, one)) for one in answers) for phrase in spoken}
    assert {name for name, count in held.items() if count > len(answers) / 5} == set()
