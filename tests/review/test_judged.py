"""What a report says of people's verdicts: how much, and how often the detectors were right where that can be said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from unmoor.records import Verdict
from unmoor.records.intervals import wilson
from unmoor.review.agreement import NO_FINDING
from unmoor.review.judged import Drawn, drawn_before, people_facts

WHOLE = Drawn("moralising", "mended", 100, (0, 1, 2, 3, 4))


def said(
    key: int, judgement: str = "correct", *, by: str = "ada", of: str = "moralising", is_: str | None = None
) -> Any:
    return key, Verdict(key, of, 1, "text", 0, 5, "rule", judgement, is_, by, "2026-01-01T00:00:00+00:00")  # type: ignore[arg-type]


def facts(*verdicts: Any, drawn: list[Drawn] | None = None) -> dict[str, Any]:
    told = people_facts(verdicts, [WHOLE] if drawn is None else drawn)
    assert told is not None
    return told


def test_the_last_word_on_a_finding_counts_and_a_skip_is_none() -> None:
    told = facts(said(0), said(0, "wrong", by="bo"), said(1, "mend"), said(2, is_="bias.stance"), said(3, "skip"))
    assert (told["people"], told["findings"]) == (2, 3)
    assert told["verdicts"] == {"wrong": 1, "another behaviour": 1, "mend": 1}
    assert people_facts([said(3, "skip")], [WHOLE]) is None


def test_a_whole_sample_speaks_for_the_run_and_a_part_of_it_does_not() -> None:
    part = [said(0, "wrong"), *(said(key) for key in range(1, 4))]
    assert facts(*part)["behaviours"]["moralising"] == {
        "findings": 100, "judged": 4, "right": 3, "precision": None, "low": None, "high": None
    }  # fmt: skip
    told = facts(*part, said(4), said(77, "wrong"))["behaviours"]["moralising"]
    assert (told["judged"], told["right"], told["precision"]) == (6, 4, pytest.approx(0.8))
    assert told["low"] < 0.8 < told["high"]


def test_where_all_were_judged_the_share_is_of_all() -> None:
    told = facts(said(0), said(1, "wrong"), drawn=[Drawn("moralising", "mended", 2, (0,))])["behaviours"]["moralising"]
    assert (told["precision"], told["low"], told["high"]) == (0.5, *wilson(1, 2))


def test_without_the_sample_nothing_is_said_of_the_run() -> None:
    told = people_facts([said(key) for key in range(5)], None)
    assert told is not None and told["sample"] is None
    assert told["behaviours"]["moralising"]["precision"] is told["behaviours"]["moralising"]["findings"] is None


def test_what_a_correction_put_there_is_no_finding_of_the_detectors() -> None:
    told = facts(said(0, is_="bias.stance"), (9, said(0, of="bias.stance")[1]))
    assert list(told["behaviours"]) == ["moralising"] and told["findings"] == 1


def test_rows_without_a_finding_say_what_was_missed_once_all_that_were_drawn_are_read() -> None:
    drawn = [Drawn(NO_FINDING, "kept", 900, (7, 8))]
    for missed in (said(8, "wrong", of=NO_FINDING), said(8, of=NO_FINDING, is_="moralising")):
        read = [said(7, of=NO_FINDING), missed]
        assert people_facts(read[:1], drawn) is None
        assert facts(read[0], said(0), drawn=[WHOLE, *drawn])["missed"] is None
        told = facts(*read, drawn=drawn)["missed"]
        assert (told["rows"], told["judged"], told["missed"], told["share"]) == (900, 2, 1, 0.5)


def test_who_only_read_rows_without_a_finding_judged_none(tmp_path: Path) -> None:
    told = facts(said(0), said(7, of=NO_FINDING, by="bo"), drawn=[Drawn(NO_FINDING, "kept", 900, (7,))])
    assert (told["people"], told["findings"]) == (1, 1)


@pytest.mark.parametrize(
    "content", ["", "{}", '{"people": null}', '{"people": {"sample": [1]}}', '{"people": {"sample": 5}}']
)
def test_a_report_gives_its_sample_back_or_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "report.json"
    assert drawn_before(path) is None
    path.write_text(content)
    assert drawn_before(path) is None
    path.write_text(json.dumps({"people": facts(said(0))}))
    assert drawn_before(path) == [WHOLE]
