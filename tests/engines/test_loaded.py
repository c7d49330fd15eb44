"""The detectors of a job are loaded once in a process, and anew where what they hold may have changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from unmoor.engines import Job
from unmoor.engines.loaded import detector_of


def test_two_runs_with_the_same_detectors_load_them_once() -> None:
    job = Job("messages", languages=("en",))
    assert detector_of(job) is detector_of(replace(job, layout="alpaca"))
    assert detector_of(job) is not detector_of(replace(job, languages=("sv",)))


def test_a_word_list_that_was_edited_is_read_again(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("no\n")
    job = Job("messages", detectors=("wordlist",), wordlist=words)
    before = detector_of(job).identity["wordlist"]
    words.write_text("no\nnever\n")
    assert detector_of(job).identity["wordlist"] != before
