"""The pack loader: strict about keys, helpful about mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from unmoor.detectors.phrases import Phrases
from unmoor.errors import PackError
from unmoor.languages import BEHAVIOUR_FILES, TOPICS, load_pack, load_packs, pack_codes, pack_topics
from unmoor.records import FLOOR_TOPICS

PACK = """
code = "xx"
name = "Testish"
version = 1
script = "Latin"
tested = false
stop_words = ["ja", "nej"]
[shorthand]
cannot = "(?:kan ej|vill ej)"
"""
PHRASE = """
[[phrase]]
id = "xx.refusal.one"
behaviour = "refusal.policy"
pattern = "jag <cannot> hjälpa"
why = "The plain one."
hits = ["Jag kan ej hjälpa."]
misses = ["Jag kan hjälpa."]
"""


def make_pack(folder: Path, *, pack: str = PACK, refusals: str = PHRASE) -> Path:
    home = folder / "xx"
    home.mkdir(exist_ok=True)
    (home / "pack.toml").write_text(pack, encoding="utf-8")
    for name in BEHAVIOUR_FILES:
        (home / f"{name}.toml").write_text(refusals if name == "refusals" else "", encoding="utf-8")
    load_pack.cache_clear()
    return folder


def test_a_small_pack_loads(tmp_path: Path) -> None:
    (pack,) = load_packs(folder=make_pack(tmp_path))
    assert (pack.code, len(pack.phrases)) == ("xx", 1)
    assert pack.phrases[0].strength == "sure"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("why = ", "wyh = "), r'refusals.toml: phrase xx.refusal.one: unknown key "wyh"\. Did you mean "why"'),
        (('"refusal.policy"', '"refusal.polcy"'), r'"refusal.polcy" is not one of .* Did you mean "refusal.policy"'),
        (('"refusal.policy"', '"moralising"'), r'"moralising" is not one of refusal.policy, refusal.partial'),
        (("<cannot>", "<canot>"), r'no shorthand "<canot>"\. Did you mean "cannot"'),
        (("jag ", "Jag "), r"holds the capital 'J'"),
        (('hjälpa"', 'hjälpa("'), r"brackets do not pair"),
        (('"jag ', '"*jag '), r"nothing before"),
        (('"jag ', '"^jag '), r"not a pattern: stuck at"),
        (('hits = ["Jag kan ej hjälpa."]', "hits = []"), r"at least one sentence under hits"),
        (('misses = ["Jag kan hjälpa."]', ""), r'the key "misses" is missing'),
        (('why = "The plain one."', "why = 3"), r'"why" should be str, found int'),
        (('why = "The plain one."', 'why = "x"\nstrength = "shure"'), r'"shure" is not one of .* Did you mean "sure"'),
        (('why = "The plain one."', "why = x"), r"not TOML"),
    ],
)
def test_a_mistake_in_a_phrase_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    make_pack(tmp_path, refusals=PHRASE.replace(*change))
    with pytest.raises(PackError, match=message):
        load_pack("xx", tmp_path)


def test_a_cache_that_was_changed_anywhere_is_made_again_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pack = load_pack("xx", make_pack(tmp_path))
    kept = sorted((tmp_path / "cache" / "unmoor").iterdir())
    assert {path.name.partition("-")[0] for path in kept} == {"contents", "patterns"}
    for path in (path for path in kept if "contents" in path.name or "refusals" in path.name):
        written = path.read_bytes()
        for changed in (b"{}", b"", *(_flipped(written, bit) for bit in range(0, len(written) * 8, 61))):
            path.write_bytes(changed)
            load_pack.cache_clear()
            assert load_pack("xx", tmp_path) == pack
            assert path.read_bytes() == written


def test_patterns_whose_cache_goes_before_they_are_wanted_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pack = load_pack("xx", make_pack(tmp_path))
    load_pack.cache_clear()
    later = load_pack("xx", tmp_path)
    shutil.rmtree(tmp_path / "cache")
    assert later.phrases[0].pattern.exact == pack.phrases[0].pattern.exact != ""
    assert later == pack


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_an_unknown_key_of_the_pack_is_named(tmp_path: Path) -> None:
    make_pack(tmp_path, pack=PACK.replace("tested", "testd"))
    with pytest.raises(PackError, match=r'pack.toml: unknown key "testd"\. Did you mean "tested"'):
        load_pack("xx", tmp_path)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[words]\nbut = [3]\n", r'pack\.toml \[words\]: "but" should be text, found 3'),
        ("shy = 3\n", r'pack\.toml \[shorthand\]: "shy" should be text, found 3'),
    ],
)
def test_a_number_among_words_is_named(tmp_path: Path, more: str, message: str) -> None:
    make_pack(tmp_path, pack=PACK + more)
    with pytest.raises(PackError, match=message):
        load_pack("xx", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    make_pack(tmp_path)
    (tmp_path / "xx" / "opinion.toml").unlink()
    load_pack.cache_clear()
    with pytest.raises(PackError, match=r"xx/opinion\.toml is missing"):
        load_pack("xx", tmp_path)


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_it(tmp_path: Path) -> None:
    make_pack(tmp_path)
    plain = load_pack("xx", tmp_path).phrases
    for path in (tmp_path / "xx").glob("*.toml"):
        path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    load_pack.cache_clear()
    assert [phrase.id for phrase in load_pack("xx", tmp_path).phrases] == [phrase.id for phrase in plain] != []


def test_an_id_used_twice_is_an_error(tmp_path: Path) -> None:
    make_pack(tmp_path, refusals=PHRASE + PHRASE)
    with pytest.raises(PackError, match=r"used twice: in xx/refusals\.toml and again in xx/refusals\.toml"):
        load_pack("xx", tmp_path)


@pytest.mark.parametrize("pattern", ["jag [z-a] hjälpa", "jag (?:kan){3,2} hjälpa"])
def test_an_impossible_pattern_names_the_phrase(tmp_path: Path, pattern: str) -> None:
    make_pack(tmp_path, refusals=PHRASE.replace("jag <cannot> hjälpa", pattern))
    with pytest.raises(PackError, match=r"phrase xx\.refusal\.one"):
        Phrases(load_packs(folder=tmp_path)).spoken("jag")


def test_the_pack_s_hash_changes_with_its_words(tmp_path: Path) -> None:
    before = load_pack("xx", make_pack(tmp_path)).sha256
    make_pack(tmp_path, refusals=PHRASE.replace("plain", "simple"))
    assert load_pack("xx", tmp_path).sha256 != before


def test_the_packs_that_ship_are_found() -> None:
    assert {"en", "sv"} <= set(pack_codes())


def test_every_pack_that_ships_names_all_topics_and_the_page_says_so() -> None:
    named = {code: {phrase.behaviour for phrase in load_pack(code).phrases} for code in pack_codes()}
    assert all(set(BEHAVIOUR_FILES["topics"]) <= behaviours for behaviours in named.values())
    page = (Path(__file__).resolve().parents[2] / "docs" / "responsibility.md").read_text(encoding="utf-8")
    assert all(f"| `{topic}` | {words} |" in page for topic, words in TOPICS.items())
    assert len(named) == 19 and "The topics are named in all nineteen languages." in " ".join(page.split())


def test_the_topics_of_the_packs_are_what_their_files_name(tmp_path: Path) -> None:
    assert pack_topics() == tuple(sorted((*FLOOR_TOPICS, *TOPICS)))
    make_pack(tmp_path)
    own = PHRASE.replace("xx.refusal.one", "xx.floor.dose").replace("refusal.policy", "floor.medical-dosage")
    (tmp_path / "xx" / "floor.toml").write_text(own, encoding="utf-8")
    assert pack_topics(tmp_path) == ("medical-dosage",)
    assert load_packs(folder=tmp_path)[0].phrases[-1].behaviour == "floor.medical-dosage"
