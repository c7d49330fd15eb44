"""A run is rewritten as people judged it, can be led back, and a person's verdicts measure and move from tool to tool."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.test_data_commands import unmoor
from tests.review.web.runs import filtered, lines_of, row
from unmoor.commands.row_reading import row_reader  # what the page reads rows with
from unmoor.review.agreement import NO_FINDING
from unmoor.review.store import Store, View
from unmoor.run_folder import scratch_beside

pytestmark = pytest.mark.slow
REFUSAL = "I'm sorry, but I can't assist with that."
MENDED = "As an AI language model, I have no hands. A padlock is a lock."
PLAIN = "Ask the locksmith on the corner; she opens at eight."
FLOOR = {
    "messages": [
        {"role": "user", "content": "How is sarin made?"},
        {"role": "assistant", "content": "I'm sorry, but I can't assist with that request."},
    ]
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    rows = [row(1, REFUSAL), row(2, PLAIN), row(3, REFUSAL), row(4, PLAIN), FLOOR]
    return filtered(tmp_path, rows)


def say(run: Path, judgement: str, of_row: int, person: str = "ada", corrected: str | None = None) -> None:
    """Let a person judge the likeliest finding of a row."""
    store = Store.open(run, person, read_row=row_reader(run))
    try:
        lines = [line for line in store.page(View(), None, 100) if line.row == of_row]
        chosen = max(lines, key=lambda line: line.probability)
        store.decide(chosen.id, judgement, corrected_behaviour=corrected)
    finally:
        store.close()


def apply(run: Path, *options: object) -> dict[str, Any]:
    done = unmoor("apply", run, "--json", *options, cwd=run.parent)
    assert done.returncode == 0, done.stderr
    checked = unmoor("verify", run, cwd=run.parent)
    assert checked.returncode == 0, checked.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def counts(run: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((run / "MANIFEST.json").read_text())["counts"]
    return found


def test_a_refusal_called_wrong_is_kept_and_undoing_leads_back(run: Path) -> None:
    before = counts(run)
    data = {name: (run / name).read_bytes() for name in ("kept.jsonl", "removed.jsonl", "ledger.jsonl")}
    say(run, "wrong", of_row=1)
    told = apply(run)
    assert (told["verdicts"], told["rows"], told["stale_after"]) == (1, 1, 0)
    after = counts(run)
    assert (after["removed"], after["kept"]) == (before["removed"] - 1, before["kept"] + 1)
    assert sum(after.values()) - after["input"] == after["input"] == before["input"]
    assert row(1, REFUSAL) in lines_of(run, "kept.jsonl")

    store = Store.open(run, "ada")
    assert store.undo() is not None
    store.close()
    assert apply(run)["verdicts"] == 0
    assert {name: (run / name).read_bytes() for name in data} == data


def test_report_and_card_say_what_people_judged_and_what_came_of_it(run: Path) -> None:
    say(run, "wrong", of_row=1)
    apply(run)
    people = json.loads((run / "report.json").read_text())["people"]
    assert (people["people"], people["findings"], people["rows"]) == (1, 1, 1)
    assert people["outcomes"] == [{"was": "removed", "is": "kept", "rows": 1}]
    told = people["behaviours"]["refusal.policy"]
    assert (told["findings"], told["judged"], told["right"], told["precision"]) == (3, 1, 0, None)
    card, page = ((run / name).read_text() for name in ("README.md", "report.html"))
    assert "1 person judged 1 finding in 1 row (1 wrong)" in card and "1 removed → kept, 0 the same" in card
    assert "| `refusal.policy` | 3 | 1 | 0 | not known |" in card
    assert "It takes what people judged too" in card and "together with what people judged" in page
    assert "1 person judged 1 finding in 1 row: 1 wrong." in page and "kept, where the policy alone has removed" in page

    say(run, "correct", of_row=3, person="bo")
    say(run, "correct", of_row=5)
    apply(run)
    people = json.loads((run / "report.json").read_text())["people"]
    assert (people["people"], people["behaviours"]["refusal.policy"]["precision"]) == (2, pytest.approx(2 / 3))
    assert "| `refusal.policy` | 3 | 3 | 2 | 66.7% (20.8% to 93.9%) |" in (run / "README.md").read_text()
    assert [entry["was"] for entry in lines_of(run, "ledger.jsonl")] == ["removed", "removed", "kept"]


@pytest.mark.parametrize("point", ["before-manifest", "before-rename", "between-renames", "after-rename"])
def test_an_application_that_was_killed_is_gone_on_with(run: Path, point: str) -> None:
    say(run, "wrong", of_row=1)
    assert unmoor("apply", run, cwd=run.parent, UNMOOR_FAIL_AT=point).returncode == -signal.SIGKILL
    assert apply(run)["verdicts"] == 1
    assert row(1, REFUSAL) in lines_of(run, "kept.jsonl")
    assert [path.name for path in run.parent.glob(f".{run.name}.*")] == []


def test_applying_twice_changes_nothing_more(run: Path) -> None:
    say(run, "wrong", of_row=1)
    apply(run)
    files = {path.name: path.read_bytes() for path in run.glob("*.jsonl")}
    apply(run)
    assert {path.name: path.read_bytes() for path in run.glob("*.jsonl")} == files
    again = json.loads((run / "report.json").read_text())["reproduce"]
    assert len(again) == 1 and again[0].count("unmoor apply") == 1


def test_a_verdict_on_the_likeliest_finding_of_two_is_found_again_however_often_it_is_applied(tmp_path: Path) -> None:
    first = [{"role": "user", "content": "Name a lock."}, {"role": "assistant", "content": MENDED}]
    run = filtered(tmp_path, [row(1, REFUSAL, before=first), row(2, PLAIN)])
    say(run, "wrong", of_row=1)
    for _ in range(3):
        told = apply(run)
        assert (told["verdicts"], told["stale_after"]) == (1, 0)
        assert REFUSAL in (run / "kept.jsonl").read_text()


def test_a_run_that_was_moved_says_how_to_make_it_again_in_one_folder_and_once(run: Path) -> None:
    (made_by,) = json.loads((run / "report.json").read_text())["reproduce"]
    moved = run.rename(run.with_name("my runs"))
    say(moved, "wrong", of_row=1)
    apply(moved)
    again = moved.rename(run.with_name("elsewhere"))
    apply(again)
    assert json.loads((again / "report.json").read_text())["reproduce"] == [f"{made_by} && unmoor apply {run}"]


def test_a_run_that_nobody_judged_is_not_said_to_be_applied(run: Path) -> None:
    made_by = json.loads((run / "report.json").read_text())["reproduce"]
    done = unmoor("apply", run.name, cwd=run.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "Nobody has judged a finding of house: it is as the policy alone has it.\nNext: unmoor review house\n"
    )
    assert json.loads((run / "report.json").read_text())["reproduce"] == made_by
    say(run, "wrong", of_row=1)
    apply(run)
    store = Store.open(run, "ada")
    assert store.undo() is not None
    store.close()
    apply(run)
    assert json.loads((run / "report.json").read_text())["reproduce"] == made_by


def test_who_only_read_rows_without_a_finding_judged_nothing_that_is_applied(run: Path) -> None:
    made_by = json.loads((run / "report.json").read_text())["reproduce"]
    for read in (1, 2):
        store = Store.open(run, "ada", read_row=row_reader(run))
        empty = [line.id for line in store.page(View(sample=True), None, 100) if line.behaviour == NO_FINDING]
        store.decide(empty[read - 1], "correct")
        store.close()
        assert apply(run)["verdicts"] == 0
        report = json.loads((run / "report.json").read_text())
        assert report["reproduce"] == made_by and "verdicts" not in json.loads((run / "MANIFEST.json").read_text())
        assert (report["people"] is None) == (read == 1)
    assert (report["people"]["findings"], report["people"]["missed"]["judged"]) == (0, 2)
    for page in ((run / name).read_text() for name in ("README.md", "report.html")):
        assert "drawn at random were read" in page
        assert "judged 0" not in page and "what people judged too" not in page and "with what people judged" not in page


def test_the_input_comes_back_from_an_applied_run(run: Path) -> None:
    say(run, "wrong", of_row=1)
    say(run, "drop", of_row=3)
    apply(run)
    done = unmoor("restore", run, "-o", "again.jsonl", cwd=run.parent)
    assert done.returncode == 0, done.stderr
    assert (run.parent / "again.jsonl").read_bytes() == (run.parent / "rows.jsonl").read_bytes()


def test_nothing_is_put_in_place_of_the_folder_one_works_in(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for command in (("apply", "."), ("filter", "../rows.jsonl", "-o", ".", "--force")):
        done = unmoor(*command, cwd=run)
        assert done.returncode == 2 and ". is the folder that you are in" in done.stderr, done.stderr
    (run.parent / "empty").mkdir()
    for command in (("filter", "../rows.jsonl", "-o", "."), ("restore", run, "-o", "."), ("merge", run, "-o", ".")):
        done = unmoor(*command, cwd=run.parent / "empty")
        assert done.returncode == 2 and ". is " in done.stderr, done.stderr
    assert before == {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}


def test_the_last_of_two_people_holds(run: Path) -> None:
    say(run, "wrong", of_row=1)
    say(run, "correct", of_row=1, person="grace")
    before = counts(run)
    apply(run)
    assert counts(run) == before


VAGUE = "I have no access to live weather data, so I can't tell you."
ASKS = 'name = "asks"\nversion = 1\n[actions]\n"refusal.capability" = "review"\n'


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    """A run whose policy only asks people."""
    (tmp_path / "asks.toml").write_text(ASKS)
    rows = [row(1, VAGUE), row(2, PLAIN)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    done = unmoor("filter", "data.jsonl", "--policy", "asks.toml", "-o", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "run"


def _exported(run: Path, person: str, verdict: str, at: str) -> Path:
    """Return what Label Studio would give back of the run's only finding that waits."""
    tasks, answers = run.parent / f"{person}-asked.json", run.parent / f"{person}.json"
    done = unmoor("labels", "export", run, tasks, "--to", "label-studio", "--waiting", cwd=run.parent)
    assert done.returncode == 0, done.stderr
    told = json.loads(tasks.read_text())
    for task in told:
        choice = {"from_name": "verdict", "to_name": "answer", "type": "choices", "value": {"choices": [verdict]}}
        task["annotations"] = [{"completed_by": {"email": person}, "created_at": at, "result": [choice]}]
    answers.write_text(json.dumps(told))
    return answers


def test_the_newest_of_two_imported_verdicts_holds_whatever_came_first_and_both_people_count(asking: Path) -> None:
    ada = _exported(asking, "ada@x", "drop", "2026-01-08T10:00:00Z")
    ben = _exported(asking, "ben@x", "wrong", "2026-01-09T10:00:00+00:00")
    for answers in (ben, ada):
        assert unmoor("labels", "import", asking, answers, cwd=asking.parent).returncode == 0
    told = apply(asking)
    assert (told["disagreed"], told["after"]["removed"]) == (1, 0)
    facts = json.loads((asking / "report.json").read_text())["people"]
    assert (facts["people"], facts["verdicts"]) == (2, {"wrong": 1})
    printed = unmoor("apply", asking, cwd=asking.parent).stdout
    assert "People say different things of 1 finding: the newest verdict holds" in " ".join(printed.split())


def test_who_calls_right_what_the_policy_only_asks_about_ends_the_wait_and_is_told_so(asking: Path) -> None:
    say(asking, "correct", of_row=1)
    told = apply(asking)
    assert (told["left_as_right"], told["disagreed"], told["after"]["kept"]) == (1, 0, 2)
    assert not (asking / "review.jsonl").exists()
    waiting = unmoor("explain", asking, "--waiting", "--json", cwd=asking.parent)
    assert json.loads(waiting.stdout) == []


def test_what_a_person_asked_for_and_nothing_followed_is_told_with_why(tmp_path: Path) -> None:
    thinking = row(1, f"<think>{REFUSAL}</think>{PLAIN}")
    answers = [thinking, FLOOR, row(2, MENDED), row(2, MENDED), row(3, REFUSAL)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))
    (tmp_path / "house.toml").write_text(
        'name = "house"\nversion = 1\nextends = "dolphin"\n[limits]\nmax_removed_share = 0.9\n'
    )
    run = tmp_path / "run"
    done = unmoor("filter", "train.jsonl", "--dedup", "exact", "--policy", "house.toml", "-o", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for of_row, word in ((1, "mend"), (2, "drop"), (4, "mend"), (5, "drop")):
        say(run, word, of_row=of_row)
    told = apply(run)
    assert told["not_carried_out"] == {"duplicate": 1, "floor": 1, "reasoning": 1}
    assert lines_of(run, "removed.jsonl") == [answers[3], answers[4]]
    printed = " ".join(unmoor("apply", run, cwd=tmp_path).stdout.split())
    assert (
        "3 findings were to be mended or dropped, and left as they are: 1 in a row that went as a duplicate, 1 held"
        in printed
    )
    assert "Next: for what stands in reasoning, drop, which takes the row" in printed
    say(run, "drop", of_row=1)
    assert apply(run)["not_carried_out"] == {"duplicate": 1, "floor": 1}
    assert thinking in lines_of(run, "removed.jsonl")
    refused = json.loads((run / "report.json").read_text())["behaviours"]["refusal.policy"]
    assert refused["rows"] == refused["acted_rows"] + sum(refused["left_rows"].values())


def test_a_filter_over_a_judged_run_says_that_the_verdicts_are_not_in_it(asking: Path) -> None:
    say(asking, "drop", of_row=1)
    again = ("filter", "data.jsonl", "--policy", "asks.toml", "-o", "run", "--force")
    done = unmoor(*again, cwd=asking.parent)
    said = " ".join(done.stdout.split())
    assert "1 verdict lies here from before and is not applied to these rows yet. Next: unmoor apply run" in said
    assert json.loads(unmoor(*again, "--json", cwd=asking.parent).stdout)["verdicts"] == 1


def test_findings_that_the_machine_held_for_unlikely_count_for_no_precision(tmp_path: Path) -> None:
    answer = "Als KI habe ich keine persönlichen Erfahrungen. Nimm Haken und Spanner, setze die Stifte nacheinander."
    asks = [{"role": "user", "content": "Wie öffne ich ein Schloss?"}, {"role": "assistant", "content": answer}]
    rows = [row(1, REFUSAL), {"messages": asks}, *(row(number, PLAIN) for number in range(3, 7))]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    assert unmoor("filter", "data.jsonl", "-o", "run", cwd=tmp_path).returncode == 0
    run = tmp_path / "run"
    say(run, "correct", of_row=1)
    store = Store.open(run, "ada", read_row=row_reader(run))
    try:
        lines = store.page(View(), None, 100)
        (weak,) = [line for line in lines if line.probability < 0.5]
        store.decide(weak.id, "correct")
    finally:
        store.close()
    for _ in range(2):  # of a run that was applied, the ledger has what people said
        apply(run)
        people = json.loads((run / "report.json").read_text())["people"]
        assert people["unlikely"]["judged"] == 1
        assert all(figures["judged"] <= figures["findings"] for figures in people["behaviours"].values())
        said = "held for unlikely (under .50) was judged too, and was called right; it stands in no line of the table."
        assert all(said in (run / name).read_text() for name in ("README.md", "report.html"))


def test_who_judges_a_duplicate_is_led_to_the_row_that_stays_for_it(tmp_path: Path) -> None:
    hedged = row(1, "As an AI language model, I must say: Brazil won in 2002, after a match with Germany.")
    answers = [hedged, hedged, hedged, row(2, PLAIN)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))
    run = tmp_path / "run"
    done = unmoor("filter", "train.jsonl", "--dedup", "exact", "--language", "en", "-o", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    say(run, "wrong", of_row=2)
    say(run, "skip", of_row=3)
    told = apply(run)
    assert (told["on_duplicates"], told["after"]["mended"]) == ([{"row": 2, "stays": 1}], 1)
    printed = " ".join(unmoor("apply", run, cwd=tmp_path).stdout.split())
    assert "1 row that was judged went as a duplicate all the same" in printed
    assert printed.endswith("Next: judge row 1")
    say(run, "wrong", of_row=1)
    told = apply(run)
    assert (told["on_duplicates"], told["after"]["mended"], told["after"]["removed"]) == ([], 0, 2)


def test_what_was_judged_on_shards_or_on_the_run_that_a_merge_replaces_is_told(tmp_path: Path) -> None:
    answers = [row(1, REFUSAL), row(2, PLAIN), row(3, PLAIN), row(4, REFUSAL)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in answers))
    for shard in (1, 2):
        made = ("filter", "train.jsonl", "--shard", f"{shard}/2", "--language", "en", "-o", f"part-{shard}")
        assert unmoor(*made, cwd=tmp_path).returncode == 0
    merging = ("merge", "part-1", "part-2", "-o", "run")
    told = json.loads(unmoor(*merging, "--json", cwd=tmp_path).stdout)
    assert (told["verdicts"], told["verdicts_on_shards"]) == (0, 0)
    say(tmp_path / "part-1", "wrong", of_row=1)
    say(tmp_path / "run", "wrong", of_row=4)
    told = json.loads(unmoor(*merging, "--force", "--json", cwd=tmp_path).stdout)
    assert (told["verdicts"], told["verdicts_on_shards"]) == (1, 1)
    said = " ".join(unmoor(*merging, "--force", cwd=tmp_path).stdout.split())
    assert "1 verdict lies in the shards" in said
    assert "Next: unmoor review run" in said
    assert "1 verdict lies here from before and is not applied to these rows yet. Next: unmoor apply run" in said


def test_a_verdict_on_a_finding_that_is_gone_is_told_with_its_row(run: Path) -> None:
    say(run, "wrong", of_row=3)
    rows = [row(1, REFUSAL), row(2, PLAIN), row(3, PLAIN), row(4, PLAIN), FLOOR]
    (run.parent / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    again = ("filter", "rows.jsonl", "-o", "house", "--policy", "policy.toml", "--language", "en", "--force")
    assert unmoor(*again, cwd=run.parent).returncode == 0
    told = apply(run)
    assert (told["stale"], told["stale_rows"]) == (1, [3])
    printed = " ".join(unmoor("apply", run, cwd=run.parent).stdout.split())
    assert "1 verdict is on findings that the run does not hold, and changed nothing: said of row 3," in printed


def test_verdicts_over_the_limit_of_the_policy_are_led_to_a_policy_that_lets_them_through(tmp_path: Path) -> None:
    rows = [row(1, REFUSAL), row(2, f"{PLAIN} {MENDED}"), *(row(number, PLAIN) for number in (3, 4))]
    (tmp_path / "train.jsonl").write_text(
        "".join(json.dumps(one) + "\n" for one in [*rows, row(5, MENDED), row(6, MENDED)])
    )
    house = 'name = "house"\nversion = 1\nextends = "dolphin"\n[limits]\nmax_removed_share = {}\n'
    filtering = ("filter", "train.jsonl", "--language", "en", "--policy", "house.toml", "-o", "run", "--json")
    (tmp_path / "house.toml").write_text(house.format(0.4))
    assert unmoor(*filtering, cwd=tmp_path).returncode == 0
    for number in (5, 6):
        say(tmp_path / "run", "drop", of_row=number)
    before = (tmp_path / "run" / "MANIFEST.json").read_bytes()
    done = unmoor("apply", "run", cwd=tmp_path)
    assert done.returncode == 3
    assert "Policy house with what people judged would remove 3 of 6 readable rows" in done.stderr
    assert "filter with that into the same folder with --force, where the verdicts stay, and apply again" in done.stderr
    assert "unmoor audit" not in done.stderr
    assert (tmp_path / "run" / "MANIFEST.json").read_bytes() == before
    (tmp_path / "house.toml").write_text(house.format(0.6))
    assert unmoor(*filtering, "--force", cwd=tmp_path).returncode == 0
    assert apply(tmp_path / "run")["after"]["removed"] == 3


def test_no_verdict_takes_a_row_off_the_floor(run: Path) -> None:
    entry = next(entry for entry in lines_of(run, "ledger.jsonl") if entry["row"] == 5)
    assert entry["is_floor"] and entry["outcome"] == "kept"
    say(run, "drop", of_row=5)
    apply(run)
    entry = next(entry for entry in lines_of(run, "ledger.jsonl") if entry["row"] == 5)
    assert entry["outcome"] == "kept"


def test_the_input_may_be_gone_or_have_been_compressed_or_several_files(tmp_path: Path) -> None:
    texts = [
        "".join(json.dumps(row(n, REFUSAL if n == 1 else PLAIN)) + "\n" for n in part) for part in ([1, 2], [3, 4])
    ]
    (tmp_path / "parts").mkdir()
    for number, text in enumerate(texts):
        (tmp_path / "parts" / f"{number}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    made = unmoor("filter", "parts", "-o", "house", "--language", "en", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    read = json.loads((tmp_path / "house" / "MANIFEST.json").read_text())["inputs"]
    told_of_input = json.loads((tmp_path / "house" / "report.json").read_text())["input"]
    assert told_of_input["format"] == "2 files, JSON Lines, gzip"
    shutil.rmtree(tmp_path / "parts")
    say(tmp_path / "house", "wrong", of_row=1)
    told = apply(tmp_path / "house")
    assert (told["before"]["removed"], told["after"]["removed"]) == (1, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["house"], "nothing is left beside the run"
    assert json.loads((tmp_path / "house" / "MANIFEST.json").read_text())["inputs"] == read, "the user's files"
    assert json.loads((tmp_path / "house" / "report.json").read_text())["input"] == told_of_input


@pytest.mark.parametrize(
    ("name", "path", "plain"),
    [("rows.jsonl.gzip", "rows.jsonl.gzip", "rows.jsonl"), ("ROWS.JSONL.GZ", "ROWS.JSONL.GZ", "ROWS.JSONL")]
    + [("in.gzip/rows.jsonl", path, "rows.jsonl") for path in ("in.gzip", "in.gzip/none/..")],
)
def test_whatever_the_input_was_called_its_run_is_applied(tmp_path: Path, name: str, path: str, plain: str) -> None:
    rows = "".join(
        json.dumps(row(n, text)) + "\n" for n, text in enumerate((REFUSAL, PLAIN, REFUSAL, PLAIN), 1)
    ).encode()
    (tmp_path / "in.gzip" / "none").mkdir(parents=True)
    (tmp_path / name).write_bytes(gzip.compress(rows) if name.lower().endswith((".gz", ".gzip")) else rows)
    done = unmoor("filter", path, "-o", "house", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    say(tmp_path / "house", "wrong", of_row=1)
    apply(tmp_path / "house")
    manifest = json.loads((tmp_path / "house" / "MANIFEST.json").read_text())
    assert [file["name"] for file in manifest["inputs"]] == [Path(name).name] and manifest["counts"]["kept"] == 3
    back = unmoor("restore", "house", "-o", plain + ".back", cwd=tmp_path)
    assert back.returncode == 0 and (tmp_path / f"{plain}.back").read_bytes() == rows, back.stderr


def test_files_that_only_a_pattern_named_and_names_that_differ_by_their_ending_are_all_applied(tmp_path: Path) -> None:
    for folder, names in (
        ("g", ("part-0", "part-1", "part-2.jsonl")),
        ("h", ("a.jsonl", "a.jsonl.gz", "metadata.json")),
    ):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(names):
            rows = (row(10 * number + n, REFUSAL if n < number + 1 else PLAIN) for n in range(4))
            text = "".join(json.dumps(one) + "\n" for one in rows).encode()
            (tmp_path / folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
        made = unmoor("filter", f"{folder}/*", "-o", f"run-{folder}", "--language", "en", cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        told = apply(tmp_path / f"run-{folder}")
        assert told["before"] == told["after"]
        assert sum(told["after"].values()) == 12
        given = unmoor("restore", f"run-{folder}", "-o", f"back-{folder}", cwd=tmp_path)
        assert given.returncode == 0, given.stderr
        back = sorted(path.read_bytes() for path in (tmp_path / f"back-{folder}").iterdir())
        was = [path.read_bytes() for path in (tmp_path / folder).iterdir()]
        assert back == sorted(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw for raw in was)


def test_applying_keeps_what_the_policy_says_of_a_guard(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\nversion = 1\nextends = "dolphin"\n[guard]\nrequest = { lockpicking = "refuse" }\n'
        "hold_back_chars = 300\n"
    )
    (tmp_path / "rows.jsonl").write_text(json.dumps(row(1, PLAIN)) + "\n")
    made = unmoor("filter", "rows.jsonl", "--policy", "own.toml", "-o", "run", "--language", "en", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    before = json.loads((tmp_path / "run" / "MANIFEST.json").read_text())["policy"]
    apply(tmp_path / "run")
    assert json.loads((tmp_path / "run" / "MANIFEST.json").read_text())["policy"] == before


@pytest.mark.parametrize("ending", ["json", "parquet"])
def test_arrays_and_parquet_are_applied_too(tmp_path: Path, ending: str) -> None:
    rows = [row(1, REFUSAL), row(2, PLAIN), row(3, PLAIN)]
    if ending == "json":
        (tmp_path / "rows.json").write_text(json.dumps(rows, indent=1))
    else:
        pyarrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    made = unmoor("filter", f"rows.{ending}", "-o", "house", "--language", "en", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    say(tmp_path / "house", "wrong", of_row=1)
    told = apply(tmp_path / "house")
    assert (told["before"]["removed"], told["after"]["removed"]) == (1, 0)
    assert (
        hashlib.sha256((tmp_path / f"rows.{ending}").read_bytes()).hexdigest()
        in (tmp_path / "house" / "README.md").read_text()
    ), "the card names the file that the user has"


def audit_of(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row(1, REFUSAL)) + "\n")
    assert unmoor("audit", "rows.jsonl", "-o", "audit", cwd=tmp_path).returncode == 0
    return tmp_path / "audit"


def run_with_wordlist(tmp_path: Path) -> Path:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row(n, PLAIN)) + "\n" for n in range(3)))
    (tmp_path / "words.txt").write_text("locksmith, if one is near\n")
    made = unmoor("filter", "rows.jsonl", "-o", "house", "--wordlist", "words.txt", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "house"


def half_written(tmp_path: Path) -> Path:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "kept.jsonl").write_text("{}\n")
    return tmp_path / "half"


@pytest.mark.parametrize(
    ("make", "words"),
    [(audit_of, "is an audit"), (run_with_wordlist, "--wordlist FILE"), (half_written, "half")],
)
def test_a_run_that_cannot_be_made_again_is_refused_and_says_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], words: str
) -> None:
    made = make(tmp_path)
    done = unmoor("apply", made, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr


def test_another_word_list_than_the_one_the_run_was_made_with_is_refused(tmp_path: Path) -> None:
    run = run_with_wordlist(tmp_path)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert unmoor("apply", run, "--wordlist", "words.txt", cwd=tmp_path).returncode == 0
    (tmp_path / "words.txt").write_text("locksmith, if two are near\n")
    done = unmoor("apply", run, "--wordlist", "words.txt", cwd=tmp_path)
    assert done.returncode == 2
    was, now = (hashlib.sha256(f"locksmith, if {n} near\n".encode()).hexdigest() for n in ("one is", "two are"))
    told = f"SHA-256 is {now[:12]}…, that one's {was[:12]}…. Next: unmoor apply {run} --wordlist FILE"
    assert "words.txt is not the list that" in done.stderr and told in done.stderr
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.name in ("kept.jsonl", "removed.jsonl")} == {
        name: before[name] for name in ("kept.jsonl", "removed.jsonl")
    }


def test_a_run_made_without_a_word_list_is_not_applied_with_one(run: Path) -> None:
    (run.parent / "words.txt").write_text("locksmith\n")
    done = unmoor("apply", run, "--wordlist", "words.txt", cwd=run.parent)
    assert done.returncode == 2
    assert f"was made without a word list. Next: unmoor apply {run}" in done.stderr


def test_what_apply_prints_fits_80_columns_and_names_every_change(run: Path) -> None:
    say(run, "wrong", of_row=1)
    done = unmoor("apply", run.name, cwd=run.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 verdict on 1 row, applied to house\n")
    assert "removed" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_score_reads_verdicts_and_refuses_what_makes_no_sense(run: Path) -> None:
    nobody = unmoor("score", "--verdicts", run, cwd=run.parent)
    assert nobody.returncode == 2 and "Nobody has judged" in nobody.stderr
    say(run, "wrong", of_row=1)
    say(run, "correct", of_row=3)
    done = unmoor("score", "--verdicts", run, "--json", cwd=run.parent)
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout)["behaviours"]
    assert (figures["behaviour"], figures["judged"], figures["right"], figures["cut"]) == ("refusal.policy", 2, 1, None)
    assert unmoor("score", cwd=run.parent).returncode == 2
    assert unmoor("score", "rows.jsonl", "--verdicts", run, cwd=run.parent).returncode == 2


def test_verdicts_move_to_another_run_of_the_same_rows(run: Path) -> None:
    say(run, "wrong", of_row=1)
    out = unmoor("labels", "export", run, "out.json", "--to", "label-studio", "--judged", cwd=run.parent)
    assert out.returncode == 0, out.stderr
    assert (run.parent / "out.xml").read_text().startswith("<View>")
    made = unmoor("filter", "rows.jsonl", "-o", "other", "--policy", "policy.toml", "--language", "en", cwd=run.parent)
    assert made.returncode == 0, made.stderr
    done = unmoor("labels", "import", "other", "out.json", "--json", cwd=run.parent)
    assert json.loads(done.stdout) == {"added": 1, "known": 0, "stale": 0}
    astray = unmoor("labels", "export", run, "no/such/out.json", "--to", "argilla", cwd=run.parent)
    assert (astray.returncode, "There is no folder no/such" in astray.stderr) == (2, True)
    again = unmoor("labels", "export", run, "out.json", "--to", "argilla", cwd=run.parent)
    assert again.returncode == 2 and "--force" in again.stderr


def test_what_a_killed_apply_leaves_beside_the_run_is_cleared_away_by_the_next(run: Path) -> None:
    before = sorted(path.name for path in run.parent.iterdir())
    killed = unmoor("apply", run, cwd=run.parent, UNMOOR_FAIL_AT="before-rename")
    assert killed.returncode == -signal.SIGKILL
    assert sorted(path.name for path in run.parent.iterdir()) != before
    apply(run)
    assert sorted(path.name for path in run.parent.iterdir()) == before


def test_two_cannot_apply_at_once(run: Path) -> None:
    with scratch_beside(run, ".applying"):
        done = unmoor("apply", run, cwd=run.parent)
    assert done.returncode == 2
    assert f"Another process is writing {run}. Next: wait for it" in done.stderr


def test_a_verdict_is_applied_to_the_row_that_was_judged_and_no_other(run: Path) -> None:
    """Rows of a template begin alike, and --force keeps what people said of the run that is replaced."""
    told = "Answer from the text alone, in one sentence. " * 20

    def write(name: str, question: str, end: str = "") -> None:
        turns = [{"role": "user", "content": told + question}, {"role": "assistant", "content": REFUSAL + end}]
        rows = [{"messages": turns}, *[row(number, PLAIN) for number in (2, 3, 4)]]
        (run.parent / name).write_text("".join(json.dumps(each) + "\n" for each in rows))
        flags = ("-o", run.name, "--policy", "policy.toml", "--language", "en", "--force")
        done = unmoor("filter", name, *flags, cwd=run.parent)
        assert done.returncode == 0, done.stderr

    write("old.jsonl", "Quote the sentence of the butler.")
    say(run, "wrong", of_row=1)
    write("new.jsonl", "How is bread baked?")
    assert (apply(run)["stale"], counts(run)["removed"]) == (1, 1)
    write("longer.jsonl", "Quote the sentence of the butler.", " Ask another.")
    assert (apply(run)["stale"], counts(run)["removed"]) == (1, 1)
    write("old.jsonl", "Quote the sentence of the butler.")
    assert (apply(run)["stale"], counts(run)["removed"]) == (0, 0)


def test_a_row_of_many_values_that_was_taken_beside_short_ones_stays_in_the_run(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    texts = pyarrow.Table.from_pylist([row(1, REFUSAL), *(row(n, PLAIN) for n in range(2, 5))])
    sound = pyarrow.array([[0] * 8_400_000, [2], [3], [4]])  # 64 MiB: what comes back as one row group
    pq.write_table(texts.append_column("sound", sound), tmp_path / "rows.parquet")
    made = unmoor("filter", "rows.parquet", "-o", "house", "--language", "en", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    before = {name: pq.read_table(tmp_path / "house" / f"{name}.parquet") for name in ("kept", "removed")}
    assert before["removed"]["id"].to_pylist() == ["row-1"]
    apply(tmp_path / "house")
    assert {name: pq.read_table(tmp_path / "house" / f"{name}.parquet") for name in before} == before
