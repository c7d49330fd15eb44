"""Verdicts go to Argilla and Label Studio and come back the same, to the finding they were said of or not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.review.generate_run import generate
from tests.review.test_store import read_row
from tests.review.web.runs import lines_of, rewrite
from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS, JUDGEMENTS
from unmoor.review.exchange import FORMATS, Imported, export_labels, import_labels, standing_of
from unmoor.review.label_studio import CONFIG
from unmoor.review.store import Store


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of 30 findings on which two people have said something."""
    made = generate(tmp_path / "house", 30)
    ada, grace = Store.open(made, "ada"), Store.open(made, "grace")
    for item, judgement in enumerate(JUDGEMENTS, 1):
        ada.decide(item, judgement, note="déjà <b>vu</b>\n“2”" if item == 2 else "")
    ada.decide(
        6, "correct", corrected_behaviour="bias.evasion" if ada.line(6).behaviour != "bias.evasion" else "moralising"
    )
    grace.decide(1, "wrong")
    ada.close()
    grace.close()
    return made


def said(run: Path) -> list[dict[str, Any]]:
    store = Store.open(run, "reader")
    try:
        return sorted((verdict.as_json() for verdict in store.verdicts()), key=lambda v: (v["row"], v["by"]))
    finally:
        store.close()


@pytest.mark.parametrize("tool", FORMATS)
def test_verdicts_come_back_as_they_went(run: Path, tmp_path: Path, tool: str) -> None:
    before = said(run)
    assert len(before) == 7
    assert export_labels(run, tmp_path / "out.json", tool) == 30
    shutil.rmtree(run / "review")
    assert import_labels(run, tmp_path / "out.json") == Imported(added=7, known=0, stale=0)
    assert said(run) == before


@pytest.mark.parametrize("tool", FORMATS)
def test_importing_twice_adds_nothing_and_one_undo_takes_an_import_back(run: Path, tmp_path: Path, tool: str) -> None:
    export_labels(run, tmp_path / "out.json", tool, only_judged=True)
    shutil.rmtree(run / "review")
    import_labels(run, tmp_path / "out.json")
    assert import_labels(run, tmp_path / "out.json") == Imported(added=0, known=7, stale=0)
    store = Store.open(run, "ada")
    assert store.undo() is not None
    assert {verdict.by for verdict in store.verdicts()} == {"grace"}
    store.close()


@pytest.mark.parametrize("tool", FORMATS)
def test_only_what_was_judged_goes_out_when_asked(run: Path, tmp_path: Path, tool: str) -> None:
    assert export_labels(run, tmp_path / "out.json", tool, only_judged=True) == 6
    assert len(json.loads((tmp_path / "out.json").read_text())) == 6


@pytest.mark.parametrize("tool", FORMATS)
def test_a_verdict_on_a_finding_that_the_run_does_not_hold_is_counted_and_left_out(
    run: Path, tmp_path: Path, tool: str
) -> None:
    export_labels(run, tmp_path / "out.json", tool)
    shutil.rmtree(run / "review")
    rewrite(run, "ledger.jsonl", lines_of(run, "ledger.jsonl")[1:])
    assert import_labels(run, tmp_path / "out.json") == Imported(added=5, known=0, stale=2)


def test_argilla_s_people_come_back_under_their_id_and_without_a_time_of_ours(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "argilla")
    records = json.loads((tmp_path / "out.json").read_text())
    person = str(uuid4())
    records[9]["responses"] = {
        "verdict": [{"value": "wrong", "user_id": person}],
        "note": [{"value": "a quotation", "user_id": person}],
    }
    (tmp_path / "out.json").write_text(json.dumps(records))
    assert import_labels(run, tmp_path / "out.json").added == 1
    (verdict,) = (each for each in said(run) if each["by"] == person)
    assert (verdict["judgement"], verdict["note"]) == ("wrong", "a quotation")


def test_label_studio_s_own_annotations_are_read_skips_and_changed_minds_too(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "label-studio")
    tasks = json.loads((tmp_path / "out.json").read_text())
    choice = {"from_name": "verdict", "to_name": "answer", "type": "choices", "value": {"choices": ["drop"]}}
    made = {"id": 7, "completed_by": {"id": 3, "email": "alan@example.org"}, "was_cancelled": False}
    tasks[10] |= {"id": 11, "annotations": [{**made, "created_at": "2026-03-09T22:16:08.728353Z", "result": [choice]}]}
    tasks[11] |= {"id": 12, "annotations": [{"completed_by": 3, "was_cancelled": True, "result": []}]}
    tasks[12] |= {"id": 13, "annotations": [{"completed_by": 4, "was_cancelled": True, "result": [choice]}]}
    (tmp_path / "out.json").write_text(json.dumps(tasks))
    assert import_labels(run, tmp_path / "out.json").added == 3
    found = {each["by"]: each for each in said(run)}
    assert found["alan@example.org"]["judgement"] == "drop"
    assert found["alan@example.org"]["at"] == "2026-03-09T22:16:08.728+00:00"
    assert found["3"]["judgement"] == found["4"]["judgement"] == "skip"  # one skipped after something was chosen


def test_a_verdict_that_was_changed_in_label_studio_is_of_the_time_of_the_change(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "label-studio")
    tasks = json.loads((tmp_path / "out.json").read_text())
    choice = {"from_name": "verdict", "to_name": "answer", "type": "choices", "value": {"choices": ["drop"]}}
    times = {"created_at": "2026-03-09T22:16:08.728353Z", "updated_at": "2026-04-01T07:00:00.5Z"}
    tasks[10]["annotations"] = [{"completed_by": 3, "was_cancelled": False, "result": [choice], **times}]
    (tmp_path / "out.json").write_text(json.dumps(tasks))
    import_labels(run, tmp_path / "out.json")
    assert [each["at"] for each in said(run) if each["by"] == "3"] == ["2026-04-01T07:00:00.500+00:00"]


@pytest.mark.parametrize("tool", ["argilla", "label-studio"])
def test_who_spoke_last_within_a_second_is_still_last_when_verdicts_come_back(
    tool: str, run: Path, tmp_path: Path
) -> None:
    for person, word in (("zoe", "wrong"), ("ada", "correct")):  # no order of names, nor of files, tells who was last
        store = Store.open(run, person)
        store.decide(20, word)
        store.close()
    out = tmp_path / "out.json"
    export_labels(run, out, tool)
    (run / "review" / "verdicts.sqlite").unlink()
    import_labels(run, out)
    said_of = {key: verdict for key, verdict in standing_of(run) if verdict.by == "zoe"}
    assert [verdict.by for key, verdict in standing_of(run) if key in said_of] == ["zoe", "ada"]


@pytest.fixture
def of_two_exchanges(tmp_path: Path) -> Path:
    """A run whose first removed row goes on after the refusal, with a second finding there."""
    run = generate(tmp_path / "two", 9)
    entries, removed = lines_of(run, "ledger.jsonl"), lines_of(run, "removed.jsonl")
    entry = next(entry for entry in entries if entry["outcome"] == "removed")
    quote = "As an AI language model, I do not know."
    removed[0]["messages"] += [
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": f"Oh. {quote}"},
    ]
    place = {"turn": 3, "start_char": 4, "end_char": 4 + len(quote), "quote": quote}
    entry["findings"].append({**entry["findings"][0], "behaviour": "disclaimer.identity", **place})
    rewrite(run, "ledger.jsonl", entries)
    rewrite(run, "removed.jsonl", removed)
    return run


@pytest.mark.parametrize("tool", FORMATS)
def test_a_finding_goes_out_with_the_exchange_that_it_lies_in(
    of_two_exchanges: Path, tmp_path: Path, tool: str
) -> None:
    export_labels(of_two_exchanges, tmp_path / "out.json", tool, read_row=read_row)
    asked = _exported(tmp_path / "out.json", tool)
    assert all(each["evidence"] in each["answer"] for each in asked)
    assert [(each["request"], each["answer"]) for each in asked if each["evidence"].endswith("I do not know.")] == [
        ("And now?", "Oh. As an AI language model, I do not know.")
    ]
    assert sum("case" in each["request"] for each in asked) == 9


def test_where_the_row_cannot_be_read_a_finding_goes_out_without_the_words_of_another_turn(
    of_two_exchanges: Path, tmp_path: Path
) -> None:
    export_labels(of_two_exchanges, tmp_path / "out.json", "argilla")
    (second,) = [each for each in _exported(tmp_path / "out.json", "argilla") if not each["request"]]
    assert second["answer"] == second["evidence"] == "As an AI language model, I do not know."


def _exported(path: Path, tool: str) -> list[dict[str, Any]]:
    return [each["fields" if tool == "argilla" else "data"] for each in json.loads(path.read_text())]


def test_a_name_given_for_the_file_stands_over_the_file_s_own(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "label-studio", only_judged=True)
    shutil.rmtree(run / "review")
    import_labels(run, tmp_path / "out.json", person="hedy")
    assert {each["by"] for each in said(run)} == {"hedy"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("nonsense", "is not JSON"),
        ('{"a": 1}', "holds no list"),
        ('[{"data": {"key": "1"}}]', "not JSON-MIN"),
        ('[{"id": "1", "verdict": "drop"}]', "not JSON-MIN"),
        ("[1, 2]", "it is no object"),
        (
            '[{"id": "1", "responses": {"verdict": [{"value": "maybe", "user_id": "x"}]}}]',
            'there is no verdict "maybe"',
        ),
        (
            '[{"id": "one", "responses": {"verdict": [{"value": "wrong", "user_id": "x"}]}}]',
            'should be a number, found "one"',
        ),
        ("[17]", "record 1 is no finding"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_is_neither_tool_s_is_refused_and_nothing_is_added(
    run: Path, tmp_path: Path, content: str, words: str
) -> None:
    before = said(run)
    (tmp_path / "in.json").write_text(content)
    with pytest.raises(UsageError, match=words):
        import_labels(run, tmp_path / "in.json")
    assert said(run) == before


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"created_at": "9999-12-31T23:59:59-14:00"},
            "record 1 .*9999-12-31T23:59:59-14:00 is not in the years 1 to 9999",
        ),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "record 1 .*is not in the years 1 to 9999"),
        ({"completed_by": "A\ud800b"}, r"record 1 .*'A\\ud800b', which is no Unicode text; --person"),
    ],
)
def test_a_time_or_a_name_that_is_none_is_refused_in_words(
    run: Path, tmp_path: Path, value: dict[str, str], words: str
) -> None:
    export_labels(run, tmp_path / "out.json", "label-studio")
    tasks = json.loads((tmp_path / "out.json").read_text())
    verdict = {"from_name": "verdict", "type": "choices", "value": {"choices": ["wrong"]}}
    tasks[0]["annotations"] = [{"result": [verdict], "completed_by": "me", **value}]
    (tmp_path / "in.json").write_text(json.dumps(tasks))
    before = said(run)
    with pytest.raises(UsageError, match=words):
        import_labels(run, tmp_path / "in.json")
    assert said(run) == before


def test_verdicts_are_of_nobody_whose_name_is_no_text(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "argilla")
    with pytest.raises(UsageError, match=r"in Unicode text, found 'a\\udcffb'"):
        import_labels(run, tmp_path / "out.json", person="a\udcffb")
    with pytest.raises(UsageError, match=r"in Unicode text, found 'a\\udcffb'"):
        Store.open(run, "a\udcffb")


def test_the_interface_for_label_studio_offers_every_verdict_and_behaviour() -> None:
    from xml.etree import ElementTree

    view = ElementTree.fromstring(CONFIG)
    offered = {each.get("name"): [choice.get("value") for choice in each] for each in view.iter("Choices")}
    assert offered == {"verdict": list(JUDGEMENTS), "behaviour": list(BEHAVIOURS)}


def test_only_what_waits_is_written_and_a_file_without_verdicts_is_told(run: Path, tmp_path: Path) -> None:
    entries = lines_of(run, "ledger.jsonl")
    for entry in entries[::2]:
        entry["waits_for"] = [0]
    for entry in entries[1::2]:
        entry["waits_for"] = []
    rewrite(run, "ledger.jsonl", entries)
    judged = {each["row"] for each in said(run)}
    count = export_labels(run, tmp_path / "waiting.json", "label-studio", only_waiting=True)
    tasks = json.loads((tmp_path / "waiting.json").read_text())
    assert [task["data"]["row"] for task in tasks] == [
        entry["row"] for entry in entries[::2] if entry["row"] not in judged
    ]
    assert count == len(tasks) > 0
    done = import_labels(run, tmp_path / "waiting.json")
    assert (done.added, done.known, done.stale, done.asked) == (0, 0, 0, count)


def test_responses_without_a_person_are_of_the_one_that_is_named(run: Path, tmp_path: Path) -> None:
    export_labels(run, tmp_path / "out.json", "argilla")
    records = json.loads((tmp_path / "out.json").read_text())
    records[9]["responses"] = {"verdict": [{"value": "wrong"}]}
    (tmp_path / "out.json").write_text(json.dumps(records))
    assert import_labels(run, tmp_path / "out.json", person="me").added >= 1
    assert any(each["by"] == "me" and each["judgement"] == "wrong" for each in said(run))
