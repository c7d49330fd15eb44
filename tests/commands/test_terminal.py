"""What the terminal is shown: visible text, and progress that a log can hold."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path

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


def _told(folder: Path, *arguments: str, out: str | None = None, **environment: str) -> tuple[int, str, str]:
    stdout = Path(out).open("wb") if out else subprocess.PIPE  # noqa: SIM115
    done = subprocess.run(
        [sys.executable, "-m", "unmoor", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, (done.stdout or b"").decode("latin-1"), done.stderr.decode()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    refusal = "I\u2019m sorry, but I can\u2019t assist with that request. \U0001f600"
    answers = [refusal, *["An oak."] * 9]
    lines = [json.dumps({"instruction": "Name a tree.", "output": answer}) + "\n" for answer in answers]
    (folder / "rows.jsonl").write_text("".join(lines))
    assert _told(folder, "filter", "rows.jsonl", "-o", "run")[0] == 0
    return folder


@pytest.mark.parametrize("columns", ["0", "1", "7"])
def test_a_terminal_of_no_width_is_written_to(rows: Path, columns: str) -> None:
    assert _told(rows, "audit", "rows.jsonl", COLUMNS=columns)[::2] == (0, "")


@pytest.mark.parametrize(
    "arguments", [("audit", "rows.jsonl"), ("explain", "run", "1"), ("explain", "run", "1", "--json")]
)
def test_output_that_cannot_be_written_is_one_message(rows: Path, arguments: tuple[str, ...]) -> None:
    code, _, said = _told(rows, *arguments, out="/dev/full")
    assert code == 4
    assert said == (
        "unmoor: The output cannot be written: No space left on device. Next: make room, or send it elsewhere\n"
    )


def test_output_to_a_file_that_may_not_grow_is_one_message(rows: Path) -> None:
    command = f"ulimit -f 0; {shlex.quote(sys.executable)} -m unmoor explain run 1 > said.txt"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=rows, check=False)
    assert done.returncode == 4
    limit = "raise the limit on the size of a file, which `ulimit -f` shows"
    assert done.stderr == f"unmoor: The output cannot be written: File too large. Next: {limit}, or send it elsewhere\n"


def test_a_sentence_on_a_row_is_one_line_in_a_pipe_and_breaks_no_word_on_a_terminal(rows: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "unmoor", "explain", "run", "1"]
    subprocess.run(command, stdout=theirs, cwd=rows, env={**os.environ, "COLUMNS": "40"}, check=True)
    lines = os.read(ours, 4096).decode().splitlines()
    os.close(ours)
    os.close(theirs)
    assert max(map(len, lines)) <= 40
    assert (
        " ".join(lines) + "\n" == subprocess.run(command, capture_output=True, text=True, cwd=rows, check=True).stdout
    )


def test_characters_that_an_encoding_has_not_are_escaped(rows: Path) -> None:
    code, said, _ = _told(rows, "explain", "run", "1", PYTHONIOENCODING="latin-1")
    assert code == 0 and "\\u201c" in said
    code, said, _ = _told(rows, "explain", "run", "1", "--json", PYTHONIOENCODING="latin-1")
    assert code == 0 and json.loads(said)["answer"].endswith("\U0001f600")


@pytest.mark.parametrize(
    ("raw", "said_as"), [(b"it's \xff\xe9.jsonl", "it\\x27s \\xff\\xe9.jsonl"), (b"-\xff.jsonl", "./-\\xff.jsonl")]
)
def test_a_name_that_is_not_utf8_is_said_with_the_way_to_rename_it(rows: Path, raw: bytes, said_as: str) -> None:
    name = os.fsdecode(b"./" + raw)
    (rows / name).write_bytes((rows / "rows.jsonl").read_bytes())
    assert _told(rows, "audit", name)[0] == 0
    code, _, said = _told(rows, "filter", name, "-o", "other")
    assert code == 2 and said.startswith(f"unmoor: The name {said_as} is not UTF-8")
    command = said.split("in bash: ")[1].replace("NAME", "renamed.jsonl")
    subprocess.run(["bash", "-c", command], cwd=rows, check=True)
    (rows / "renamed.jsonl").unlink()
    assert not (rows / name).exists() and not (rows / "other").exists()


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
    [
        (0, "0%"),
        (0.000004, "<0.01%"),
        (0.0008, "0.08%"),
        (0.037, "3.7%"),
        (0.41, "41%"),
        (0.996, "99.6%"),
        (0.9999, "99.9%"),
        (1, "100%"),
    ],
)
def test_only_all_is_a_hundred_percent_and_only_none_is_none(share: float, words: str) -> None:
    assert percent(share) == words
