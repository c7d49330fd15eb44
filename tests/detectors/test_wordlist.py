"""A word list is read whatever wrote it, or says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor.detectors.wordlist import Wordlist
from unmoor.errors import UsageError


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_word_list_has_a_phrase_a_line_whatever_ends_its_lines(end: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(f"As an AI{end}{end} I cannot {end}".encode())
    assert Wordlist.read(tmp_path / "list.txt").phrases == ("as an ai", "i cannot")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("As an AI".encode("utf-16"), r"list\.txt is UTF-16\. Next: save it as UTF-8"),
        ("Als KI möchte".encode("latin-1"), r"list\.txt is not UTF-8 at byte 8\. Next: save it as UTF-8"),
        (b" \r\n", r"holds no phrase; it needs one a line"),
    ],
)
def test_a_word_list_that_is_none_says_what_to_do(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(UsageError, match=said):
        Wordlist.read(tmp_path / "list.txt")
