"""What the detectors hold in memory does not grow with the rows: exact patterns are renewed, and no pack takes much to compile."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
import re2

from tests.detectors.compiled import compiled_codes
from unmoor.detectors import phrases as phrases_module
from unmoor.detectors.detector import Detector
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import Said, view_many
from unmoor.languages import load_pack
from unmoor.records import Conversation, Turn

MOST_MEGABYTES = 250
"""A worker holds some 300 MB; with this on top it stays under the 600 that are promised."""
COMPILED = """
import resource, sys
from unmoor.detectors.scan import group_of
from unmoor.detectors.sets import parted, phrase_database
from unmoor.languages import load_pack

pack = load_pack(sys.argv[1])
spoken = [(number, phrase) for number, phrase in enumerate(pack.phrases) if group_of(phrase) == pack.code]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
phrase_database(parted(spoken)[0])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1000)
"""


def _compiled(phrases: Phrases) -> set[int]:
    """Return the identities of the phrases' exact patterns that are compiled and held by anyone."""
    exact = {phrase.pattern.exact for phrase in phrases.all}
    return {
        id(held) for held in gc.get_objects() if type(held) is re2._Regexp and any(one in held.pattern for one in exact)
    }


def test_exact_patterns_are_dropped_after_so_much_text(monkeypatch: pytest.MonkeyPatch) -> None:
    re2.purge()
    phrases = Phrases([load_pack("sv")], "re2")
    others = _compiled(phrases)
    texts = [fold_text(hit) for phrase in phrases.all for hit in phrase.hits]
    assert len(list(view_many(phrases, [Said(text, "", has_tools=False) for text in texts]))) > 100
    assert len(_compiled(phrases) - others) > 50
    monkeypatch.setattr(phrases_module, "RENEWED_AFTER", len(texts[0]))
    assert phrases.matches(0, f"{texts[0]} {texts[0]}")
    assert len(_compiled(phrases) - others) == 1


def test_floor_patterns_are_dropped_after_so_much_text_and_name_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    re2.purge()
    phrases = Phrases([load_pack("sv")], "re2")
    floor = [phrase for phrase in phrases.all if phrase.behaviour.startswith("floor.")]
    texts = [hit for phrase in floor for hit in phrase.hits]
    named = phrases.floor_in_many(texts)
    assert len(named) == len(texts) and len(phrases._together) > 20
    monkeypatch.setattr(phrases_module, "RENEWED_AFTER_TOGETHER", 1)
    assert phrases.floor_in_many(texts) == named
    assert len(phrases._together) == 1


def test_renewed_patterns_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [hit for code in ("en", "sv") for phrase in load_pack(code).phrases for hit in phrase.hits][::3]
    said = [Conversation((Turn("user", "Why?"), Turn("assistant", text, is_target=True))) for text in sentences]
    expected = Detector(("phrases",), ("en", "sv"), None, "re2").find_many(said)
    monkeypatch.setattr(phrases_module, "RENEWED_AFTER", 500)
    assert Detector(("phrases",), ("en", "sv"), None, "re2").find_many(said) == expected
    assert sum(map(bool, expected)) > 50


@pytest.mark.slow
@pytest.mark.parametrize("code", compiled_codes()[:1])
def test_the_largest_pack_takes_little_memory_to_compile(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("hyperscan")
    pytest.importorskip("resource")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", COMPILED, code], check=True, capture_output=True, text=True)
    assert int(done.stdout) < MOST_MEGABYTES
