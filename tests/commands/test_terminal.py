"""What the terminal is shown: visible text, and progress that a log can hold."""

from __future__ import annotations

import pytest

from unmoor.commands.terminal import PlainProgress, duration, percent, progress_bar, visible


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_with_share_rate_and_time_left_every_ten_seconds(capfd: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    advance = PlainProgress("Reading all.jsonl", 1_000, clock=clock)
    for second in range(1, 25):
        clock.now = float(second)
        advance(10, second * 300)
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "  Reading all.jsonl: 10%, 300 rows/s, 90 s left",
        "  Reading all.jsonl: 20%, 300 rows/s, 80 s left",
    ]


def test_where_the_end_is_not_known_only_the_rate_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    advance = PlainProgress("Reading a\x1b[2Jb", None, clock=clock)
    clock.now = 10.0
    advance(55)
    assert capfd.readouterr().err == "  Reading a<U+001B>[2Jb: 5.5/s\n"


def test_short_work_leaves_no_line_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with progress_bar("Reading", 10) as advance:
        advance(10, 10)
    assert capfd.readouterr() == ("", "")


def test_bytes_that_steer_a_terminal_are_shown_and_not_sent() -> None:
    assert visible("a\x1b]0;x\x07\u202eb\tc\n") == "a<U+001B>]0;x<U+0007><U+202E>b\tc\n"


def test_more_than_was_foreseen_leaves_no_time_to_say(capfd: pytest.CaptureFixture[str]) -> None:
    clock = _Clock()
    advance = PlainProgress("Reading", 10, clock=clock)
    clock.now = 10.0
    advance(11, 300)
    assert capfd.readouterr().err == "  Reading: 30 rows/s\n"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (5_400, "90 min"), (12_000, "3 h 20 min")]
)
def test_a_long_time_is_said_in_minutes_and_hours(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0%"), (0.0008, "0.08%"), (0.037, "3.7%"), (0.41, "41%"), (0.996, "99.6%"), (0.9999, "99.9%"), (1, "100%")],
)
def test_only_all_is_a_hundred_percent(share: float, words: str) -> None:
    assert percent(share) == words
