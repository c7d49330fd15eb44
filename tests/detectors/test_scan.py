"""When stage one compiles: not for a few texts, then once for this process and every later one; the findings never change."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from itertools import islice
from pathlib import Path

import pytest

from tests.detectors.compiled import LONGEST_BYTES, compile_packs, compiled_codes
from unmoor.detectors import databases, sets
from unmoor.detectors.normalise import normalise
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.raw_wordlist import RawWordlist
from unmoor.detectors.scan import Scanner
from unmoor.detectors.sets import phrase_database
from unmoor.languages import Pattern, Phrase, load_pack

hyperscan = pytest.importorskip("hyperscan")
REFUSAL = "i'm sorry, but i can't help with that."
TEXT = "i do not have access to real-time data. " + REFUSAL


@pytest.fixture
def phrases() -> tuple[Phrase, ...]:
    return tuple(phrase for phrase in load_pack("en").phrases if phrase.behaviour == "refusal.capability")


@pytest.fixture
def compilations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """An empty cache, a threshold of three texts, and the size of every set that is compiled."""
    seen: list[int] = []

    class Counted(hyperscan.Database):  # type: ignore[misc]
        def compile(self, **arguments: object) -> None:
            expressions = arguments["expressions"]
            assert isinstance(expressions, list)
            seen.append(len(expressions))
            super().compile(**arguments)

    databases.trusted_hyperscan()  # tries a pattern of its own, once
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(hyperscan, "Database", Counted)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 3 * len(TEXT))
    yield seen


def _once_compiled(scanner: Scanner) -> set[int]:
    """Return what a scanner finds once the process beside it has compiled: until then it goes on with words."""
    for _ in range(4):
        assert scanner.hits(TEXT, ["en"])
    (warming,) = scanner._sets.values()
    assert isinstance(warming, sets.WarmingSet) and warming._beside is not None
    warming._beside.wait(300)
    return scanner.hits(TEXT, ["en"])


def test_a_few_texts_compile_nothing(phrases: tuple[Phrase, ...], compilations: list[int]) -> None:
    scanner = Scanner(phrases)
    found = [scanner.hits(REFUSAL, ["en"]) for _ in range(3)]
    assert compilations == []
    assert all(hits == found[0] for hits in found)


def test_many_texts_are_compiled_beside_the_run_and_the_next_one_compiles_nothing(
    phrases: tuple[Phrase, ...], compilations: list[int]
) -> None:
    found = _once_compiled(Scanner(phrases))
    second = Scanner(phrases)
    assert [second.hits(TEXT, ["en"]) for _ in range(6)][5] == found
    assert Scanner(phrases, "hyperscan").hits(TEXT, ["en"]) == found != set()
    assert len(phrases) not in compilations, "another process compiled"


def test_what_compiles_beside_the_first_run_on_a_machine_makes_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "new"))
    beside = databases.compiling_beside([b"an oak"])
    assert beside is not None and beside.wait(300) == 0
    assert databases.is_stored([b"an oak"], "0")


def test_what_compiles_beside_a_run_follows_no_link_in_a_folder_that_others_may_write_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "letters").write_text("Dear aunt")
    (folder := databases.cache_folder()).mkdir(parents=True, exist_ok=True)
    (folder / "compiling.lock").symlink_to(tmp_path / "letters")
    beside = databases.compiling_beside([b"an oak"])
    assert beside is not None and beside.wait(300) != 0
    assert (tmp_path / "letters").read_text() == "Dear aunt"
    (folder / "compiling.lock").unlink()
    again = databases.compiling_beside([b"an oak"])
    assert again is not None and again.wait(300) == 0
    assert databases.is_stored([b"an oak"], "0")


def test_what_was_compiled_is_loaded_once_there_is_much_to_read(
    phrases: tuple[Phrase, ...], compilations: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "WORDS_AFTER_TEXTS", 0)
    monkeypatch.setattr(sets, "LOAD_AFTER_CHARACTERS", 3 * len(TEXT))
    first = Scanner(phrases)
    expected = _once_compiled(first)
    words = list(compilations)
    loaded: list[str] = []

    def noted(expressions: list[bytes], kind: str) -> object:
        loaded.append(kind)
        return databases.stored_set(expressions, kind)

    monkeypatch.setattr(sets, "stored_set", noted)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 10**9)
    second = Scanner(phrases)
    for _ in range(3):
        assert expected <= second.hits(TEXT, ["en"])
        assert loaded == []
    assert [second.hits(TEXT, ["en"]) for _ in range(3)] == [expected] * 3
    assert loaded == ["0"]
    assert len(words) == 1
    assert compilations == words


def test_a_compiled_set_that_was_changed_on_the_disk_is_compiled_again(
    phrases: tuple[Phrase, ...], compilations: list[int], tmp_path: Path
) -> None:
    phrase_database(list(enumerate(phrases)))
    (stored,) = (tmp_path / "unmoor").glob("*.hs")
    written = stored.read_bytes()
    stored.write_bytes(written[:-1] + bytes([written[-1] ^ 1]))
    scanner = Scanner(phrases)
    found = [scanner.hits(TEXT, ["en"]) for _ in range(6)][5]
    assert found == Scanner(phrases, "hyperscan").hits(TEXT, ["en"]) != set()
    assert compilations.count(len(phrases)) == 2
    assert stored.read_bytes() == written


def test_a_set_that_hyperscan_does_not_take_is_tried_once_beside_the_run_and_once_in_it(
    phrases: tuple[Phrase, ...], compilations: list[int]
) -> None:
    one = phrases[0]
    pattern = Pattern(one.pattern.source, lambda: (one.pattern.exact, rb"(?=a)"))
    refused = (replace(one, pattern=pattern), *phrases[1:])
    scanner = Scanner(refused)
    found = _once_compiled(scanner)
    assert [scanner.hits(TEXT, ["en"]) for _ in range(3)] == [found] * 3
    assert found >= Scanner(phrases, "re2").hits(TEXT, ["en"]) != set()
    assert compilations.count(len(refused)) == 1
    with pytest.raises(hyperscan.error):
        Scanner(refused, "hyperscan").hits(REFUSAL, ["en"])


def test_where_no_other_process_starts_the_run_compiles_itself(
    phrases: tuple[Phrase, ...], compilations: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    scanner = Scanner(phrases)
    assert [scanner.hits(TEXT, ["en"]) for _ in range(6)][5] == Scanner(phrases, "hyperscan").hits(TEXT, ["en"])
    assert compilations == [len(phrases)]


class Deaf(hyperscan.Database):  # type: ignore[misc]
    """A library that misses what it should find, as Vectorscan 5.4.12 does."""

    def scan(self, *_: object, **__: object) -> None:
        return


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(hyperscan, "Database", Deaf)
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 0)
    databases.trusted_hyperscan.cache_clear()
    yield
    databases.trusted_hyperscan.cache_clear()


@pytest.mark.usefixtures("deaf")
def test_a_library_that_misses_matches_is_not_used(phrases: tuple[Phrase, ...]) -> None:
    assert Scanner(phrases).hits("i do not have access to real-time data.", ["en"])
    with pytest.raises(ImportError, match="misses matches"):
        Scanner(phrases, "hyperscan").hits(REFUSAL, ["en"])
    with pytest.raises(ImportError, match="misses matches"):
        RawWordlist(["as an ai"])


def test_where_no_library_is_installed_the_sets_of_re2_find_the_same(
    phrases: tuple[Phrase, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setitem(sys.modules, "hyperscan", None)
    monkeypatch.setattr(databases, "version", absent)
    for cached in (databases.trusted_hyperscan, databases._version):
        cached.cache_clear()
    monkeypatch.setattr(sets, "WORDS_AFTER_TEXTS", 0)
    try:
        assert Scanner(phrases).hits(TEXT, ["en"]) == Scanner(phrases, "re2").hits(TEXT, ["en"]) != set()
    finally:
        for cached in (databases.trusted_hyperscan, databases._version):
            cached.cache_clear()


def test_the_installed_library_is_the_one_that_the_project_asks_for() -> None:
    assert databases.trusted_hyperscan() is hyperscan


@pytest.mark.real_data
def test_both_engines_let_the_same_phrases_through_on_real_texts(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stage one of Hyperscan may let more through than the exact patterns, never less."""
    monkeypatch.setattr(sets, "COMPILE_AFTER_CHARACTERS", 0)
    monkeypatch.setattr(sets, "WHOLE_MOST_BYTES", LONGEST_BYTES)
    compile_packs(compiled_codes())
    packs = tuple(map(load_pack, compiled_codes()))
    wide, exact = Phrases(packs, "auto"), Phrases(packs, "re2")
    looked_at = 0
    for path in sorted((real_data / "labelled").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in islice(lines, 150):
                folded = normalise(json.dumps(json.loads(line), ensure_ascii=False)[:3000]).text
                missing = (exact.spoken(folded) | exact.asked(folded)) - (wide.spoken(folded) | wide.asked(folded))
                looked_at += 1
                assert not [exact.all[number].id for number in missing if exact.matches(number, folded)], folded
    assert looked_at > 1400
