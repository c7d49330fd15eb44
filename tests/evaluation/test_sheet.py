"""The sheet that people label: blind, balanced, safe in a spreadsheet, and read back as spreadsheets write it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from unmoor.errors import UsageError
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.sheet import answer_id, read_people, read_sample, write_sheet


def judged(count: int, refusals: int, model: str = "raw") -> list[Judged]:
    def one(number: int) -> Judged:
        text = "=1+1" if number == 0 else f"answer {number}\nwith a line, a comma and \U0001f600"
        answer = Answer(f"key{number}", model, "plain", "trigger", str(number), f"question {number}", text)
        return Judged(answer, number < refusals)

    return [one(number) for number in range(count)]


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines(keepends=True)))


def label(path: Path, words: dict[str, str], *, delimiter: str = ",") -> Path:
    rows = rows_of(path)
    out = path.with_name(f"labelled-{delimiter == ',' or 'other'}-{len(words)}.csv")
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows({**row, "refuses": words.get(row["id"], "")} for row in rows)
    return out


def test_half_of_the_sheet_is_judged_a_refusal_where_there_are_so_many(tmp_path: Path) -> None:
    path = write_sheet(judged(300, 100), 60, tmp_path)
    sample = read_sample(tmp_path)
    assert sorted(sample.verdicts) == sorted(row["id"] for row in rows_of(path))
    assert sum(sample.verdicts.values()) == 30
    assert len(sample.verdicts) == 60


@pytest.mark.parametrize(("refusals", "size", "expected"), [(5, 60, (5, 55)), (300, 60, (60, 0)), (10, 900, (10, 290))])
def test_what_one_side_lacks_the_other_fills(
    tmp_path: Path, refusals: int, size: int, expected: tuple[int, int]
) -> None:
    write_sheet(judged(300, refusals), size, tmp_path)
    verdicts = list(read_sample(tmp_path).verdicts.values())
    assert (verdicts.count(True), verdicts.count(False)) == expected


def test_a_sheet_tells_neither_model_nor_verdict_and_is_in_no_telling_order(tmp_path: Path) -> None:
    path = write_sheet(judged(80, 40, model="the-raw-twin"), 40, tmp_path)
    assert "the-raw-twin" not in path.read_text("utf-8-sig")
    verdicts = [read_sample(tmp_path).verdicts[row["id"]] for row in rows_of(path)]
    assert verdicts not in (sorted(verdicts), sorted(verdicts, reverse=True))
    assert set(rows_of(path)[0]) == {"id", "refuses", "note", "prompt", "answer"}


def test_an_answer_to_prompts_of_the_same_words_is_on_the_sheet_once(tmp_path: Path) -> None:
    twice = [replace(one, answer=replace(one.answer, id="again", group="other")) for one in judged(40, 20)]
    rows = rows_of(write_sheet([*judged(40, 20), *twice], 60, tmp_path))
    assert len(rows) == len({row["id"] for row in rows}) == len(read_sample(tmp_path).verdicts) == 40


def test_a_label_beside_a_long_text_is_read(tmp_path: Path) -> None:
    path = write_sheet(judged(40, 20), 20, tmp_path)
    first = rows_of(path)[0]["id"]
    path.write_text(f"id,refuses,answer\n{first},yes,{'a' * 300_000}\n", encoding="utf-8")
    assert read_people([path], read_sample(tmp_path)).truths == {first: True}


def test_two_labels_of_one_answer_are_unsure_unless_they_are_the_same(tmp_path: Path) -> None:
    path = write_sheet(judged(40, 20), 20, tmp_path)
    same, other, last = [row["id"] for row in rows_of(path)[:3]]
    path.write_text(f"id,refuses\n{same},yes\n{other},yes\n{last},no\n{same},yes\n{other},no\n", encoding="utf-8")
    people = read_people([path], read_sample(tmp_path))
    assert (people.truths, people.unsure) == ({same: True, last: False}, 1)


def test_what_a_spreadsheet_would_run_is_shown_as_text(tmp_path: Path) -> None:
    answers = judged(1, 1)
    rows = rows_of(write_sheet(answers, 10, tmp_path))
    assert [row["answer"] for row in rows] == ["'=1+1"]
    assert rows[0]["id"] == answer_id(answers[0].answer)


def test_a_sheet_that_may_hold_labels_is_never_replaced(tmp_path: Path) -> None:
    write_sheet(judged(40, 20), 10, tmp_path)
    with pytest.raises(UsageError, match="already"):
        write_sheet(judged(40, 20), 10, tmp_path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_labels_are_read_as_spreadsheets_write_them(tmp_path: Path, delimiter: str) -> None:
    path = write_sheet(judged(40, 20), 20, tmp_path)
    sample = read_sample(tmp_path)
    names = list(sample.verdicts)
    words = dict(zip(names, ["Yes", " no ", "1", "0", "TRUE", "unsure", "?", "x"], strict=False))
    people = read_people([label(path, words, delimiter=delimiter)], sample)
    assert [people.truths.get(name) for name in names[:8]] == [True, False, True, False, True, None, None, True]
    assert people.unsure == 2
    assert len(people.truths) == 6


def test_several_people_decide_by_number_and_their_agreement_is_said(tmp_path: Path) -> None:
    path = write_sheet(judged(60, 30), 40, tmp_path)
    sample = read_sample(tmp_path)
    names = list(sample.verdicts)
    said = {"one": dict.fromkeys(names, "yes")}
    said["two"] = {**said["one"], names[0]: "no", names[1]: "no"}
    two = [label(path, words).rename(tmp_path / f"{name}.csv") for name, words in said.items()]
    people = read_people(two, sample)
    assert (len(people.truths), people.unsure) == (38, 2)
    assert people.agreement[0]["n"] == 40
    assert people.agreement[0]["share"] == pytest.approx(0.95)
    third = label(path, {names[0]: "no", names[1]: "yes"}).rename(tmp_path / "three.csv")
    decided = read_people([*two, third], sample)
    assert (decided.truths[names[0]], decided.truths[names[1]]) == (False, True)
    assert len(decided.agreement) == 3


def test_a_label_that_is_none_is_named_with_its_row(tmp_path: Path) -> None:
    path = write_sheet(judged(40, 20), 20, tmp_path)
    first = rows_of(path)[0]["id"]
    with pytest.raises(UsageError, match=r'row 2: "yess" is not a label.*yes'):
        read_people([label(path, {first: "yess"})], read_sample(tmp_path))


def test_sheets_without_labels_columns_or_a_sample_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No sheet was drawn"):
        read_sample(tmp_path)
    path = write_sheet(judged(40, 20), 20, tmp_path)
    sample = read_sample(tmp_path)
    with pytest.raises(UsageError, match="No answer is labelled"):
        read_people([path], sample)
    (tmp_path / "other.csv").write_text("prompt,label\nx,y\n")
    with pytest.raises(UsageError, match="no column id and no column refuses"):
        read_people([tmp_path / "other.csv"], sample)
    (tmp_path / "latin.csv").write_bytes(b"id,refuses\n\xe4,yes\n")
    with pytest.raises(UsageError, match="CSV UTF-8"):
        read_people([tmp_path / "latin.csv"], sample)
    with pytest.raises(UsageError, match="cannot be read"):
        read_people([tmp_path / "none.csv"], sample)
    (tmp_path / "sheet.json").write_text(json.dumps({"verdicts": []}))
    with pytest.raises(UsageError, match="does not say how the sheet was drawn"):
        read_sample(tmp_path)
