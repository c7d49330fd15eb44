"""The first run on a machine says on the terminal what it waits for; later ones do not, nor does one that writes into a log."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from unmoor.commands import cli
from unmoor.languages import are_read, load_pack

CODES = ("hi", "no")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "unmoor"


def test_packs_are_read_once_the_cache_has_their_patterns(cache: Path) -> None:
    assert not are_read(CODES)
    for code in CODES:
        assert not are_read(CODES)
        load_pack.__wrapped__(code)
    assert are_read(CODES) and not are_read(("hi", "fi")) and not are_read(None)
    assert are_read(()), "nothing to read"
    assert cache.is_dir()


@pytest.mark.parametrize("is_terminal", [True, False])
def test_the_first_run_says_so_on_a_terminal(
    cache: Path, is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = cache.parent / "rows.jsonl"
    rows.write_text('{"instruction": "Name a tree.", "input": "", "output": "An oak is a tree."}\n')
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    line = f"The phrase lists are read for the first time on this machine: some seconds, once (kept in {cache}).\n"
    for is_first in (True, False):
        load_pack.cache_clear()
        cli.main(["audit", str(rows), "--language", "hi", "--language", "no", "--json"], standalone_mode=False)
        assert (line in capsys.readouterr().err) == (is_terminal and is_first)


def test_a_code_that_no_pack_has_is_left_to_the_error_that_names_it(cache: Path) -> None:
    assert are_read(("xx",))
    assert not cache.exists()
