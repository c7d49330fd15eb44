"""Where what is kept between runs lies: in the user's cache, and where there is no user in a folder that no other can fill."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from unmoor.errors import MachineError
from unmoor.records.cache import cache_folder, keep_in_cache, kept_in_cache


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Be a user without a name and a home, as containers have them; return where temporary files lie."""

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_user_without_a_home_has_a_cache_that_is_closed_to_others(nobody: Path) -> None:
    folder = cache_folder()
    assert folder == cache_folder() and folder.is_relative_to(nobody)
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_others_could_have_filled_is_not_taken(nobody: Path) -> None:
    cache_folder().parent.chmod(0o777)
    with pytest.raises(MachineError, match="Next: set XDG_CACHE_HOME"):
        cache_folder()
    cache_folder_of_another = next(nobody.iterdir())
    cache_folder_of_another.rmdir()
    cache_folder_of_another.symlink_to(nobody)
    with pytest.raises(MachineError, match="Next: set XDG_CACHE_HOME"):
        cache_folder()


def test_what_another_user_put_into_the_cache_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html.j2"
    keep_in_cache(path, b"code")
    owner = path.stat().st_uid or 65534
    if not path.stat().st_uid:
        os.chown(path, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert kept_in_cache(path) == b"code"
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert kept_in_cache(path) is None


def test_what_was_kept_comes_back_and_with_any_bit_changed_or_any_byte_missing_does_not(tmp_path: Path) -> None:
    path = tmp_path / "new" / "kept.json"
    assert kept_in_cache(path) is None
    keep_in_cache(path, b'{"pattern": "i can.?t"}')
    written = path.read_bytes()
    assert kept_in_cache(path) == b'{"pattern": "i can.?t"}'
    for bit in range(len(written) * 8):
        flipped = bytearray(written)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert kept_in_cache(path) is None
    for length in range(len(written)):
        path.write_bytes(written[:length])
        assert kept_in_cache(path) is None
