"""Two runs of the same rows are set side by side, and rows are listed by what was found in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.commands.test_data_commands import unmoor
from tests.review.web.runs import filtered, lines_of, rewrite, row
from unmoor.commands import cli
from unmoor.commands.compare import _show_plan
from unmoor.engines import Job, Options, compare_runs, merge, run_job
from unmoor.errors import UsageError
from unmoor.languages import rule_ids
from unmoor.layouts import open_data_set, shard_of
from unmoor.policy import load_policy

pytestmark = pytest.mark.slow
ROWS = 12


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the runs `house` and, of a policy that keeps lectures and cuts nothing, `mild`."""
    folder = tmp_path_factory.mktemp("runs")
    said = "As an AI language model, I have never opened a door. Turn the key to the left, and pull the handle."
    filtered(folder, [row(number, said if number in (4, 10) else "") for number in range(ROWS)])
    policy = '[actions]\n"disclaimer.identity" = "label"\nmoralising = "keep"\n\n[limits]\nmax_removed_share = 0.95\n'
    (folder / "mild.toml").write_text('name = "mild"\nversion = 1\nextends = "dolphin"\n\n' + policy)
    done = unmoor("filter", "rows.jsonl", "--policy", "mild.toml", "--language", "en", "-o", "mild", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def compared(folder: Path, *arguments: object) -> dict[str, Any]:
    done = unmoor("compare", *arguments, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def outcomes(run: Path) -> dict[int, str]:
    return {entry["row"]: entry["outcome"] for entry in lines_of(run, "ledger.jsonl")}


def test_the_counts_are_those_of_both_ledgers(runs: Path) -> None:
    old, new = outcomes(runs / "house"), outcomes(runs / "mild")
    moved = Counter(
        (old.get(number, "kept"), new.get(number, "kept"))
        for number in range(1, ROWS + 1)
        if old.get(number, "kept") != new.get(number, "kept")
    )
    told = compared(runs, "house", "mild", "--first", 100)
    assert len(moved) == 2  # mended to labelled, mended to kept
    assert {(one, other): rows for one, counts in told["outcomes"].items() for other, rows in counts.items()} == moved
    assert told["moved"] == sum(moved.values()) == len(told["rows"])
    assert told["same"] + told["moved"] + told["rewritten"] == told["input_rows"] == ROWS
    assert {field for field, _, _ in told["plan"]} >= {"policy.name", "policy.actions.moralising"}
    assert all(one["old"]["reason"].startswith(f"{one['old']['outcome']}: ") for one in told["rows"])


def test_the_other_way_round_counts_the_same_rows_from_the_other_side(runs: Path) -> None:
    there, back = compared(runs, "house", "mild"), compared(runs, "mild", "house")
    turned: dict[str, dict[str, int]] = {}
    for one, counts in there["outcomes"].items():
        for other, rows in counts.items():
            turned.setdefault(other, {})[one] = rows
    assert back["outcomes"] == turned
    assert (back["moved"], back["same"]) == (there["moved"], there["same"])


def test_a_run_differs_from_itself_in_nothing(runs: Path) -> None:
    told = compared(runs, "house", "house")
    assert (told["moved"], told["rewritten"], told["same"]) == (0, 0, ROWS)
    assert told["plan"] == told["rows"] == []
    assert told["found"] == {"only_old": {}, "only_new": {}}
    assert "every one went where it went before" in unmoor("compare", "house", "house", cwd=runs).stdout


def test_an_old_value_that_ends_a_sentence_ends_none_before_the_new_one(capsys: pytest.CaptureFixture[str]) -> None:
    _show_plan([["policy.description", "extends dolphin.", "Refusals go."]])
    assert "policy.description: extends dolphin, then Refusals go." in capsys.readouterr().out


def test_what_one_run_alone_found_is_counted_by_behaviour(runs: Path) -> None:
    done = unmoor("audit", "rows.jsonl", "--detector", "phrases", "--language", "de", "-o", "german", cwd=runs)
    assert done.returncode == 0, done.stderr
    found = compared(runs, "german", "house")["found"]
    expected = Counter(
        behaviour
        for entry in lines_of(runs / "house", "ledger.jsonl")
        for behaviour in {f["behaviour"] for f in entry["findings"] if f["probability"] >= 0.5}
    )
    assert found == {"only_old": {}, "only_new": dict(expected)}
    assert expected


def test_people_are_told_settings_outcomes_and_both_reasons_in_a_narrow_terminal(runs: Path) -> None:
    done = unmoor("compare", "house", "mild", "--first", 1, cwd=runs, COLUMNS="50")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 50
    for words in ("policy.name: house, then mild", "old: mended: ", "new: ", "--first ", "unmoor explain mild 4"):
        assert words in done.stdout, words


def test_a_mend_that_cuts_otherwise_is_told(tmp_path: Path) -> None:
    run = filtered(tmp_path, [row(number) for number in range(6)])
    before = lines_of(run, "ledger.jsonl")
    other = tmp_path / "other"
    other.mkdir()
    for path in run.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    mended = next(entry for entry in before if entry["outcome"] == "mended")
    mended["after"] += " And more."
    rewrite(other, "ledger.jsonl", before)
    told = compared(tmp_path, run, other)
    assert (told["moved"], told["rewritten"]) == (0, 1)
    assert told["rows"][0]["row"] == mended["row"]


@pytest.mark.parametrize("damage", ["twice", "no findings"])
def test_a_ledger_that_is_not_as_it_was_written_is_refused(tmp_path: Path, damage: str) -> None:
    run = filtered(tmp_path, [row(number) for number in range(6)])
    lines = lines_of(run, "ledger.jsonl")
    if damage == "twice":
        lines.insert(1, lines[0])
    else:
        del lines[0]["findings"]
    rewrite(run, "ledger.jsonl", lines)
    done = unmoor("compare", run, run, cwd=tmp_path)
    assert done.returncode == 2
    assert "is not as it was written" in done.stderr


def test_runs_of_other_rows_are_no_two_sides(runs: Path, tmp_path: Path) -> None:
    other = filtered(tmp_path, [row(number) for number in range(3)], "few.jsonl")
    done = unmoor("compare", "house", other, cwd=runs)
    assert done.returncode == 2
    assert "rows.jsonl (12 rows)" in done.stderr
    assert "few.jsonl (3 rows)" in done.stderr
    shard = unmoor("filter", "rows.jsonl", "--shard", "1/2", "--language", "en", "-o", "half", cwd=runs)
    assert shard.returncode == 0, shard.stderr
    assert "unmoor merge" in unmoor("compare", "half", "house", cwd=runs).stderr


def test_runs_that_were_merged_are_known_by_what_their_shards_saw(tmp_path: Path) -> None:
    rows = [[row(number) for number in range(first, first + ROWS)] for first in (10, 30)]
    folders = [tmp_path / name for name in ("here", "there")]
    for folder, read in zip(folders, rows, strict=True):
        folder.mkdir()
        filtered(folder, read)
        parts = []
        for number in (1, 2):
            cut = open_data_set(folder / "rows.jsonl")
            parts.append(folder / f"part-{number}")
            job = Job("messages", load_policy(str(folder / "policy.toml")), languages=("en",))
            run_job(shard_of(cut, number, 2), job, parts[-1], Options(shard=(number, 2)))
        merge(parts, folder / "merged")
    here, there = folders
    assert (here / "rows.jsonl").stat().st_size == (there / "rows.jsonl").stat().st_size
    done = CliRunner().invoke(cli, ["compare", str(here / "house"), str(here / "merged")])
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "every one went where it went before" in said
    assert "told by names, sizes and numbers of rows of their files alone" in said
    assert compare_runs(here / "house", here / "house")["same_by"] == "hash"
    assert compare_runs(here / "merged", here / "merged")["same_by"] == "ends"
    with pytest.raises(UsageError, match="not the same rows"):
        compare_runs(here / "merged", there / "merged")


def test_rows_are_listed_by_behaviour_outcome_rule_and_whether_they_wait(runs: Path) -> None:
    entries = lines_of(runs / "house", "ledger.jsonl")

    def listed(*options: str) -> list[int]:
        done = unmoor("explain", "house", *options, "--first", "100", "--json", cwd=runs)
        assert done.returncode == 0, done.stderr
        return [entry["row"] for entry in json.loads(done.stdout)]

    def of(behaviour: str) -> list[int]:
        return [
            e["row"]
            for e in entries
            if any(f["behaviour"] == behaviour and f["probability"] >= 0.5 for f in e["findings"])
        ]

    assert of("refusal.policy")
    assert listed("--behaviour", "refusal.policy") == of("refusal.policy")
    assert listed("--outcome", "mended") == [e["row"] for e in entries if e["outcome"] == "mended"]
    assert listed("--waiting") == [e["row"] for e in entries if e["needs_review"]]
    rule = entries[0]["findings"][0]["rule"]
    assert entries[0]["row"] in listed("--rule", rule)
    assert listed("--behaviour", "refusal.policy", "--outcome", "mended") == []


def test_a_listing_that_cannot_be_meant_is_refused(runs: Path) -> None:
    for arguments, words in (
        ((), "Name rows, or which to look for"),
        (("1", "--waiting"), "and not both"),
        (("--behaviour", "refusal.polcy"), 'Did you mean "refusal.policy"?'),
        (("--outcome", "gone"), "--outcome"),
        (("--rule", "en.refusal.against-guideline"), 'Did you mean "en.refusal.against-guidelines"?'),
        (
            ("--rule", "en.refusal.sorry-cannot", "--json"),
            'No rule that ships is called "en.refusal.sorry-cannot", and nothing',
        ),
    ):
        done = unmoor("explain", "house", *arguments, cwd=runs)
        assert done.returncode == 2, arguments
        assert words in done.stderr
    assert "No row" in unmoor("explain", "house", "--outcome", "blank", cwd=runs).stdout
    example = re.search(r"such as\s+(\S+)\.\s", unmoor("explain", "--help", cwd=runs).stdout.partition("--rule")[2])
    assert example is not None and example[1] in rule_ids()
    assert "No row" in unmoor("explain", "house", "--rule", example[1], cwd=runs).stdout
    assert unmoor("explain", "house", "--outcome", "removed", "--first", "1", cwd=runs).stdout.startswith(
        "Row 1 was removed"
    )
