"""A word list is read whatever wrote it, or says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor.detectors import load
from unmoor.detectors.wordlist import Wordlist
from unmoor.errors import UsageError
from unmoor.policy import Policy, decide
from unmoor.records import Conversation, Turn


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


@pytest.mark.parametrize(
    ("turn", "places"),
    [
        (
            Turn("assistant", "It is four.", reasoning="I cannot count, so it is four.", is_target=True),
            [(0, "reasoning", True)],
        ),
        (Turn("assistant", "<think>I cannot count.</think>It is four.", is_target=True), [(7, "text", True)]),
        (Turn("assistant", "<think>I cannot count.</think>I cannot say.", is_target=True), [(30, "text", False)]),
        (
            Turn("assistant", "I cannot say.", reasoning="I cannot count.", is_target=True),
            [(0, "text", False), (0, "reasoning", True)],
        ),
    ],
)
def test_reasoning_is_reported_as_such_and_never_acted_on(
    turn: Turn, places: list[tuple[int, str, bool]], tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("I cannot\n")
    conversation = Conversation((Turn("user", "What is two and two?"), turn))
    found = load(("wordlist",), wordlist=tmp_path / "list.txt").find(conversation)
    assert [(one.start_char, one.field, one.is_reasoning) for one in found] == places
    said = any(not is_reasoning for *_, is_reasoning in places)
    assert decide(conversation, found, Policy("test", 1, actions={"wordlist": "drop"})).outcome == (
        "removed" if said else "kept"
    )
