"""The commands that read and write data sets, run as a user runs them."""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.forked import run_forked
from tests.tiny import make_tiny_base
from unmoor.engines import restore
from unmoor.engines.job import LIKELY
from unmoor.engines.raw_rows import sample_of
from unmoor.errors import UsageError
from unmoor.languages import STRENGTHS
from unmoor.policy import SHIPPED
from unmoor.run_folder.files import lock_folder

REFUSAL = "I'm sorry, but I can't assist with that request."
ROWS = [
    {"instruction": "Name three trees.", "input": "", "output": "Oak, ash and elm are three trees."},
    {"instruction": "How do I kill a Python process?", "input": "", "output": REFUSAL},
    {"instruction": "Name a river.", "input": "", "output": "The Danube is a river in Europe."},
]
_DROP_CAPABILITY, _READ_ANYTHING, _SEARCH_ANYTHING = 24, 1, 2
"""Linux: PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH."""


def unmoor(
    *arguments: object, cwd: Path, preexec: Callable[[], None] | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONUTF8": "1", **more}
    if not (preexec or more):
        return run_forked(list(map(str, arguments)), cwd, environment)
    command = [sys.executable, "-m", "unmoor", *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, input="", capture_output=True, text=True, env=environment, preexec_fn=preexec, check=False
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of one file and of two, an empty folder, one that holds files, and runs that were altered; made once."""
    folder = tmp_path_factory.mktemp("runs")
    written = "".join(json.dumps(row) + "\n" for row in ROWS)
    for name in ("full", "empty"):
        (folder / name).mkdir()
    for name in ("train.jsonl", "full/a.jsonl", "full/b.jsonl"):
        (folder / name).write_text(written)
    assert unmoor("filter", "train.jsonl", "-o", "one", cwd=folder).returncode == 0
    assert unmoor("filter", "full", "-o", "two", cwd=folder).returncode == 0
    for name in ("run", "reviewed", "altered"):
        shutil.copytree(folder / "one", folder / name)
    (folder / "reviewed" / "review").touch()
    (folder / "altered" / "MANIFEST.json").write_text("[]")
    return folder


def test_an_audit_prints_what_scripts_read(data: Path) -> None:
    done = unmoor("audit", data, "--json", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == 3
    assert found["refusals"] == {"rows": 1, "share": pytest.approx(1 / 3)}
    assert found["behaviours"]["refusal.policy"] == {"rows": 1, "findings": 1, "acted_rows": 0, "left_rows": {}}
    assert found["behaviours"]["moralising"] == {"rows": 0, "findings": 0, "acted_rows": 0, "left_rows": {}}
    assert found["layout"] == "alpaca"
    assert found["languages"]["en"] == 3


def test_an_audit_changes_nothing_and_fits_80_columns(data: Path) -> None:
    before = data.read_bytes()
    done = unmoor("audit", data.name, cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "refusal.policy" in done.stdout
    assert [path.name for path in data.parent.iterdir()] == ["train.jsonl"]
    assert data.read_bytes() == before


def test_a_layout_that_was_named_is_not_said_to_be_guessed(data: Path) -> None:
    assert "Layout alpaca, guessed from the first rows;" in unmoor("audit", data, cwd=data.parent).stdout
    named = unmoor("audit", data, "--layout", "alpaca", cwd=data.parent).stdout
    assert "Layout alpaca, as --layout says.\n" in named and "guessed" not in named


def test_a_layout_that_was_named_and_fits_no_row_or_not_all_is_said_to(data: Path) -> None:
    turns = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "Oak."}]
    talks = json.dumps({"messages": turns}) + "\n"
    shared = [{"from": "human", "value": "Name a tree."}, {"from": "gpt", "value": "Ash."}]
    shares = json.dumps({"conversations": shared}) + "\n"

    def said(rows: str) -> str:
        (data.parent / "other.jsonl").write_text(rows)
        done = unmoor("audit", "other.jsonl", "--layout", "alpaca", cwd=data.parent)
        return " ".join(done.stdout.split())

    assert "--layout alpaca fits none of the rows; they were read as messages." in said(talks * 3)
    mixed = said(talks * 2 + shares)
    assert "--layout alpaca fits none of the rows; they were read in others: messages 2, sharegpt 1." in mixed
    mixed = said(data.read_text() + talks * 2)
    assert "Layout alpaca, as --layout says, fits 3 of 5 rows; the others were read in others: messages 2." in mixed


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_an_audit_fits_a_narrow_terminal_and_breaks_no_name(data: Path, columns: int) -> None:
    done = unmoor("audit", data.name, cwd=data.parent, COLUMNS=str(columns))
    *lines, _ = done.stdout.splitlines()  # the last is a command line to copy: it stays in one piece
    assert max(map(len, lines)) <= columns
    assert "refusal.policy" in done.stdout
    assert ("what it is" in done.stdout) == (columns == 80)


@pytest.mark.parametrize("columns", [40, 60])
def test_all_that_is_said_of_data_and_runs_fits_a_narrow_terminal(data: Path, columns: int) -> None:
    folder = data.parent / "all"
    folder.mkdir()
    sides = [{"instruction": f"Tell of {who} {n}.", "output": REFUSAL} for n in range(40) for who in ("men", "women")]
    lines = [json.dumps(row) + "\n" for row in [*ROWS, *sides]]
    (folder / "a.jsonl").write_text("".join(lines) + '{"instruction": \n' * 90 + '{"\x1b[2J and other keys": 1}\n')
    (folder / "the-part-with-a-name-that-is-long.jsonl").write_text("".join(lines))
    (folder / "notes.txt").touch()

    def told(*arguments: object) -> str:
        done = unmoor(*arguments, cwd=data.parent, COLUMNS=str(columns))
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if not line.startswith(("Next: unmoor ", "Undo: "))]
        assert max(map(len, lines)) <= columns and "\x1b" not in done.stdout
        return " ".join(done.stdout.split())

    flags = ("--policy", "label-only")
    filtered = told("filter", "all", *flags, "-o", "run")
    assert re.search(r"could not be read: 91. The first: row 84 \(row \d+ of a\.jsonl, byte \d+\): ", filtered)
    said = told("audit", "all", "--pairs")
    assert "the-part-with-a-name-that-is-long.jsonl rows 83, any refusal 81, share 97.6%" in said
    assert (
        "men / women, refused one side 80 of 80 (95.4%–100%), other side 80 of 80 (95.4%–100%), corrected p 1" in said
    )
    assert "unmoor merge SHARD... -o RUN, with all 1 of them, makes the whole" in told(
        "filter", "all", *flags, "--shard", "1/1", "-o", "part"
    )
    told("merge", "part", "-o", "whole")
    told("verify", "run")
    told("policy", "dolphin")
    told("restore", "run", "-o", "back")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--no-color", "policy"), ""), (("policy", "--no-color"), ""), (("policy",), "1"), (("policy",), "yes")],
)
def test_no_color_leaves_no_escape_even_on_a_terminal(data: Path, arguments: tuple[str, ...], said: str) -> None:
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert "\x1b[" in unmoor("policy", cwd=data.parent, **terminal, NO_COLOR="").stdout
    done = unmoor(*arguments, cwd=data.parent, **terminal, NO_COLOR=said)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout


def test_a_score_breaks_no_word_at_80_columns(tmp_path: Path) -> None:
    attrs = {"disclaimer": False, "encourage_professional_help": False}
    kinds = ["cannot", "should_not"]
    rows = [
        {"response": row["output"], "label": label, "attrs": attrs, "kind": kind}
        for label, kind, row in zip(["compliance", "full_refusal"] * 600, kinds * 600, ROWS[:2] * 600, strict=True)
    ]
    path = tmp_path / "chatgpt_refusals.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = unmoor("score", path.name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    first = [line[:20].strip() for line in lines[2:]]
    assert first[:3] == ["chatgpt_refusals", "any refusal", "full refusal"]
    assert {"cannot / should not", "disclaimer", "encourage", "professional help"} <= set(first)


@pytest.mark.parametrize("columns", [40, 60])
def test_a_score_is_read_in_a_narrow_terminal_and_names_the_rows_of_its_errors(tmp_path: Path, columns: int) -> None:
    attrs = {"disclaimer": False, "encourage_professional_help": False}
    rows = [
        {"id": f"row-{n}", "response": ROWS[n % 2]["output"], "label": label, "kind": "cannot", "attrs": attrs}
        for n, label in enumerate(["compliance", "full_refusal"] * 20)
    ]
    rows.append({"id": "the-odd-one", "response": REFUSAL, "label": "compliance"})
    path = tmp_path / "chatgpt_refusals.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = unmoor("score", path.name, cwd=tmp_path, COLUMNS=str(columns))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[:2] == ["chatgpt_refusals", "  any refusal"]
    assert {"  cannot / should not", "  encourage professional help"} <= set(lines)
    said = " ".join(done.stdout.split())
    assert "any refusal n 41, positive 20, precision 0.952, recall 1.000, F1 0.976, 95% " in said
    assert "cannot / should not n 20, accuracy " in said
    assert "Worst errors in chatgpt_refusals: the-odd-one compliance, found refusal.policy, probability " in said


def test_misuse_shows_an_example(data: Path) -> None:
    done = unmoor("filter", data.name, cwd=data.parent)
    assert done.returncode == 2
    assert done.stderr.endswith("Example: unmoor filter train.jsonl --policy dolphin -o runs/house\n")


@pytest.mark.parametrize("verb", ["audit", "filter"])
def test_files_that_the_shell_took_from_a_pattern_lead_to_the_pattern_in_quotes(data: Path, verb: str) -> None:
    done = unmoor(verb, data.name, "more.jsonl", "-o", "run", cwd=data.parent)
    assert done.returncode == 2
    assert f"Next: unmoor {verb} FOLDER, or a pattern in quotes: unmoor {verb} 'data/*.jsonl'" in done.stderr
    extra = unmoor("verify", "run", "other", cwd=data.parent)
    assert "pattern" not in extra.stderr


def test_an_audit_can_fail_a_pipeline(data: Path) -> None:
    assert unmoor("audit", data, "--fail-over", "0.5", cwd=data.parent).returncode == 0
    done = unmoor("audit", data, "--fail-over", "0.1", cwd=data.parent)
    assert done.returncode == 1
    assert "1 of 3 readable rows refuse" in done.stderr


def test_a_filter_writes_a_whole_run_that_can_be_explained_verified_and_undone(data: Path) -> None:
    folder = data.parent
    done = unmoor("filter", data.name, "--policy", "dolphin", "-o", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    names = {path.name for path in (folder / "run").iterdir()}
    assert names >= {
        "kept.jsonl",
        "removed.jsonl",
        "ledger.jsonl",
        "report.html",
        "report.json",
        "README.md",
        "policy.toml",
        "MANIFEST.json",
    }
    manifest = json.loads((folder / "run" / "MANIFEST.json").read_text())
    assert manifest["counts"] == {
        "input": 3, "kept": 2, "mended": 0, "masked": 0, "labelled": 0, "removed": 1, "quarantined": 0, "blank": 0,
    }  # fmt: skip
    assert manifest["policy"]["name"] == "dolphin"
    assert set(manifest["files"]) == names - {"MANIFEST.json"}
    why = unmoor("explain", "run", 2, cwd=folder).stdout
    assert why.startswith("Row 2 was removed: turn 2 declines because it should not")
    assert why.count("\n") == 1
    assert unmoor("explain", "run", 1, cwd=folder).stdout == "Row 1 was kept: nothing was found.\n"
    assert unmoor("verify", "run", cwd=folder).returncode == 0
    assert unmoor("restore", "run", "-o", "again.jsonl", cwd=folder).returncode == 0
    assert (folder / "again.jsonl").read_bytes() == data.read_bytes()


def test_one_row_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text(json.dumps(ROWS[1]) + "\n")
    done = unmoor("filter", "one.jsonl", "--policy", "label-only", "-o", "run", cwd=tmp_path)
    assert done.stdout.startswith("one.jsonl: 1 row, JSON Lines\n")
    said = unmoor("restore", "run", "-o", "again.jsonl", cwd=tmp_path).stdout
    assert said == "again.jsonl: 1 row, as it was.\n"
    assert "<strong>1 row</strong> was read." in (tmp_path / "run" / "report.html").read_text()
    assert "\n1 row stays of 1. In the input, 1 row (100%) declined" in (tmp_path / "run" / "README.md").read_text()


def test_several_files_are_told_apart_in_terminal_numbers_and_report(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for name, rows in {"a.jsonl": ROWS[:1] * 3, "b.jsonl": ROWS, "c.jsonl": [ROWS[0], *ROWS, *ROWS]}.items():
        (tmp_path / "all" / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "all" / "bb.jsonl").touch()
    audited = unmoor("audit", "all", cwd=tmp_path).stdout
    lines = [line.split() for line in audited.splitlines() if ".jsonl " in line]
    assert lines == [
        ["c.jsonl", "7", "2", "28.6%"],
        ["b.jsonl", "3", "1", "33.3%"],
        ["a.jsonl", "3", "0", "0%"],
        ["bb.jsonl", "0", "0", "-"],
    ]
    done = unmoor("filter", "all", "-o", "run", cwd=tmp_path)
    lines = [line.split() for line in done.stdout.splitlines() if ".jsonl " in line]
    assert lines[:2] == [["c.jsonl", "7", "2", "28.6%", "2"], ["b.jsonl", "3", "1", "33.3%", "1"]]
    expected = [
        {"name": "a.jsonl", "rows": 3, "readable_rows": 3, "refusal_rows": 0, "removed": 0},
        {"name": "b.jsonl", "rows": 3, "readable_rows": 3, "refusal_rows": 1, "removed": 1},
        {"name": "bb.jsonl", "rows": 0, "readable_rows": 0, "refusal_rows": 0, "removed": 0},
        {"name": "c.jsonl", "rows": 7, "readable_rows": 7, "refusal_rows": 2, "removed": 2},
    ]
    assert json.loads(unmoor("audit", "all", "--json", cwd=tmp_path).stdout)["files"] == [
        {**file, "removed": 0} for file in expected
    ]
    assert json.loads((tmp_path / "run" / "report.json").read_text())["files"] == expected
    assert 'id="files"' in (tmp_path / "run" / "report.html").read_text()
    assert "bb.jsonl: it has no rows" in unmoor("explain", "run", "bb.jsonl:1", cwd=tmp_path).stderr
    alone = unmoor("filter", "all/b.jsonl", "-o", "one", cwd=tmp_path)
    assert "b.jsonl " not in alone.stdout.split("\n", 1)[1]
    assert 'id="files"' not in (tmp_path / "one" / "report.html").read_text()


def test_each_table_of_a_report_says_whether_removed_counts_duplicates(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / "all" / name).write_text("".join(json.dumps({**row, "source": "web"}) + "\n" for row in ROWS))
    for flags, told in (((), 0), (("--dedup", "exact"), 1)):
        assert unmoor("filter", "all", "--force", "-o", "run", *flags, cwd=tmp_path).returncode == 0
        page = (tmp_path / "run" / "report.html").read_text()
        for section in ("languages", "sources", "files"):
            here = page.partition(f'<section id="{section}">')[2].partition("</section>")[0]
            assert here and here.count("that another row stands for") == told


def test_with_a_word_list_alone_nothing_is_told_of_refusals(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for name, rows in {"a.jsonl": ROWS, "b.jsonl": [*ROWS, *ROWS]}.items():
        text = "".join(json.dumps({**row, "source": "web"}) + "\n" for row in rows)
        (tmp_path / "all" / name).write_text(text)
    (tmp_path / "list.txt").write_text("sycamore\n")
    flags = ("--detector", "wordlist", "--wordlist", "list.txt")
    for verb, removed in (("audit", []), ("filter", ["0"])):
        done = unmoor(verb, "all", *flags, "-o", verb, cwd=tmp_path)
        lines = [line.split() for line in done.stdout.splitlines() if ".jsonl " in line]
        assert lines == [["b.jsonl", "6", *removed], ["a.jsonl", "3", *removed]]
        assert "refusal" not in done.stdout
        told = json.loads((tmp_path / verb / "report.json").read_text())
        assert set(told["refusals"].values()) == {None} == {file["refusal_rows"] for file in told["files"]}
        assert set(told["behaviours"]) == {"wordlist"}
        assert told["headline"]["data"]["refusing_rows"] is told["headline"]["done"]["still_refusing"] is None
        shares = [one["lost"] for where in ("by_language", "by_source") for one in told[where].values()]
        assert [share is None for share in shares] == [verb == "audit"] * len(shares)
        page = (tmp_path / verb / "report.html").read_text()
        assert (
            ">Decline<" not in page and "decline" not in page.partition("<body")[2].partition('id="topics"')[0].lower()
        )
    printed = json.loads(unmoor("audit", "all", *flags, "--json", cwd=tmp_path).stdout)
    assert printed["refusals"] == {"rows": None, "share": None}
    assert {file["refusal_rows"] for file in printed["files"]} == {None}
    assert set(printed["behaviours"]) == {"wordlist"}


def test_of_many_files_the_terminal_names_those_with_most_refusals(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    for number in range(30):
        (tmp_path / "all" / f"{number:02}.jsonl").write_text(json.dumps(ROWS[number == 27]) + "\n")
    said = unmoor("audit", "all", cwd=tmp_path).stdout
    lines = [line.split() for line in said.splitlines() if ".jsonl " in line]
    assert len(lines) == 15 and lines[0][0] == "27.jsonl"
    assert "The 15 files with most refusals; --json lists all 30." in said


def test_rows_of_several_layouts_are_said_to_be_no_single_table(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "An oak."}]
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (tmp_path / "all" / "b.jsonl").write_text(json.dumps({"messages": talk}) + "\n")
    said = "Rows of several layouts are no single table: `datasets` may refuse to load what is kept. Next: filter the rows of each"
    for command in (("audit", "all"), ("filter", "all", "-o", "run")):
        assert said in " ".join(unmoor(*command, cwd=tmp_path).stdout.split())
    card = (tmp_path / "run" / "README.md").read_text()
    assert "The input's rows are in several layouts (`alpaca` 3, `messages` 1)" in card
    assert "no single table" not in unmoor("audit", "all/a.jsonl", cwd=tmp_path).stdout
    table = [{"prompt": "Name a tree.", "completion": "An oak.", "messages": talk}, {"prompt": None, "messages": talk}]
    pq.write_table(pa.Table.from_pylist(table), tmp_path / "one.parquet")
    assert "no single table" not in unmoor("audit", "one.parquet", cwd=tmp_path).stdout


def test_an_altered_run_fails_verification(data: Path) -> None:
    unmoor("filter", data, "-o", "run", cwd=data.parent)
    with (data.parent / "run" / "removed.jsonl").open("ab") as file:
        file.write(b" ")
    done = unmoor("verify", "run", cwd=data.parent)
    assert done.returncode == 1
    assert "removed.jsonl has" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["audit", "absent.jsonl"], 2, "There is no file absent.jsonl"),
        (["audit", "hf:foo"], 2, "There is no file hf:foo. A data set of the hub is written hf:OWNER/NAME:SPLIT"),
        (
            ["audit", "absent/rows.jsonl"],
            2,
            "There is no file absent/rows.jsonl. Next: see how its name is written, or",
        ),
        (["audit", "tatsu-lab/alpaca"], 2, "If a data set of the hub is meant, it is written hf:tatsu-lab/alpaca"),
        (["audit", "https://huggingface.co/datasets/tatsu-lab/alpaca"], 2, "Next: hf:tatsu-lab/alpaca, which reads"),
        (["score", "absent.jsonl"], 2, "There is no file absent.jsonl"),
        (
            ["explain", "run"],
            2,
            "Name rows, or which to look for by --behaviour, --outcome, --rule or --waiting. Next: ",
        ),
        (["explain", "run", "1", "--waiting"], 2, "--rule or --waiting, and not both. Next: unmoor explain run 1"),
        (["audit", "other"], 2, "no data file in other"),
        (["audit", "empty.jsonl"], 2, "is empty"),
        (["audit", "odd.jsonl"], 2, "Keys of the first row: antwort, frage"),
        (["audit", "train.jsonl", "--layout", "alpacca"], 2, 'Did you mean "alpaca"'),
        (["audit", "train.jsonl", "--wordlist", "absent.txt"], 2, "no word list"),
        (["filter", "train.jsonl", "-o", "run", "--shard", "²/3"], 2, 'such as 3/64, found "²/3". Next: '),
        (["filter", "train.jsonl", "-o", "run", "--shard", "1/٣"], 2, 'such as 3/64, found "1/٣". Next: '),
        (["filter", "train.jsonl", "-o", "run", "--shard", "9" * 5000 + "/3"], 2, "Next: two numbers"),
        (
            ["filter", "train.jsonl", "-o", "run", "--dedup", "minhash", "--dedup-threshold", "nan"],
            2,
            "nan is no number from 0.5 to 1",
        ),
        (
            ["audit", "train.jsonl", "--fail-over", "nan"],
            2,
            "--fail-over takes a share such as 1% or 0.01; found 'nan'",
        ),
        (["audit", "train.jsonl", "--fail-over", "101%"], 2, "a share such as 1% or 0.01; found '101%'. Next: "),
        (["audit", "train.jsonl", "--fail-over", "30%"], 1, "1 of 3 readable rows refuse, more than 30%"),
        (["audit", "train.jsonl", "--fail-over", "0.3"], 1, "1 of 3 readable rows refuse, more than 30%"),
        (["audit", "train.jsonl", "--fail-over", "40%"], 0, ""),
        (
            ["audit", "train.jsonl", "--pairs", "--wordlist", "train.jsonl", "--detector", "wordlist"],
            2,
            "--pairs counts answers that decline, lecture or hedge, and --detector wordlist looks for none. Next: ",
        ),
        (
            ["audit", "train.jsonl", "--fail-over", "40%", "--wordlist", "train.jsonl", "--detector", "wordlist"],
            2,
            "--fail-over counts refusals, and --detector wordlist looks for none. Next: ",
        ),
        (["audit", "train.jsonl", "--fail-over", "100%"], 0, ""),
        (
            ["audit", "train.jsonl", "--fail-over", "1"],
            2,
            "--fail-over 1 can mean 1% or 100%. Next: --fail-over 1% (or 0.01), or --fail-over 100%",
        ),
        (["filter", "train.jsonl", "-o", "run", "--policy", "dolfin"], 2, 'Did you mean "dolphin"'),
        (["filter", "train.jsonl", "-o", "run", "--policy", "house.toml"], 2, 'house.toml:4: unknown action "dorp"'),
        (["filter", "train.jsonl", "-o", "run", "--policy", "strict.toml"], 3, "limit of 10%"),
        (["filter", "train.jsonl", "-o", "other"], 2, "holds other files"),
        (["verify", "absent"], 2, "no run folder absent. Next: "),
        (["explain", "other", "1"], 2, "not a finished run. Next: "),
        (
            ["audit", "-"],
            2,
            "- is standard input, a pipe, and cannot be read twice. Next: write what is in it to a file first",
        ),
        (["filter", "train.jsonl", "-o", "-"], 2, "not to standard output: -o -. Next: -o NAME"),
        (["restore", "other", "-o", "-"], 2, "not to standard output: -o -. Next: -o NAME"),
        (["audit", "pipe"], 2, "pipe is a pipe and cannot be read twice"),
        (["audit", "pipes"], 2, "pipes/a.jsonl is a pipe and cannot be read twice"),
        (["audit", "/dev/stdin"], 2, "/dev/stdin is a pipe and cannot be read twice"),
        (["audit", "/dev/zero"], 2, "/dev/zero is a device and cannot be read twice"),
        (["fliter"], 2, 'Did you mean "filter"'),
    ],
)
def test_what_goes_wrong_is_one_clear_message_and_nothing_half_written(
    data: Path, arguments: list[str], code: int, words: str
) -> None:
    folder = data.parent
    (folder / "empty.jsonl").touch()
    (folder / "odd.jsonl").write_text('{"frage": "?", "antwort": "!"}\n')
    (folder / "house.toml").write_text('name = "house"\nversion = 1\n[actions]\n"refusal.policy" = "dorp"\n')
    strict = 'name = "strict"\nversion = 1\nextends = "dolphin"\n[limits]\nmax_removed_share = 0.1\n'
    (folder / "strict.toml").write_text(strict)
    (folder / "other").mkdir()
    (folder / "other" / "thesis.tex").touch()
    (folder / "pipes").mkdir()
    for name in ("pipe", "pipes/a.jsonl"):
        os.mkfifo(folder / name)
    done = unmoor(*arguments, cwd=folder)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "run").exists() and not (folder / "-").exists()


def as_bound_by_rights() -> None:
    """Take the right to read everything from a process of the superuser, so that a folder without rights is one for it too."""
    if os.geteuid() == 0:
        for capability in (_READ_ANYTHING, _SEARCH_ANYTHING):
            assert ctypes.CDLL(None).prctl(_DROP_CAPABILITY, capability, 0, 0, 0) == 0


@pytest.mark.parametrize("named", ["all", "all/**/*.jsonl", "all/*/*.jsonl", "all/shut", "all/shut/b.jsonl"])
@pytest.mark.parametrize("rights", [0o000, 0o600])
def test_a_folder_of_which_a_part_cannot_be_read_is_not_read_without_it(data: Path, named: str, rights: int) -> None:
    shut = data.parent / "all" / "shut"
    shut.mkdir(parents=True)
    for path in (shut.parent / "a.jsonl", shut / "b.jsonl"):
        path.write_bytes(data.read_bytes())
    shut.chmod(rights)
    done = unmoor("audit", named, cwd=data.parent, preexec=as_bound_by_rights)
    shut.chmod(0o700)
    assert done.returncode == 2, done.stdout
    assert "all/shut" in done.stderr and "cannot be read: Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("named", ["all", "all/*.jsonl", "all/b.jsonl"])
def test_a_link_to_data_that_is_not_there_is_named(data: Path, named: str) -> None:
    (data.parent / "all").mkdir()
    (data.parent / "all" / "a.jsonl").write_bytes(data.read_bytes())
    (data.parent / "all" / "b.jsonl").symlink_to("gone.jsonl")
    done = unmoor("audit", named, cwd=data.parent)
    assert done.returncode == 2, done.stdout
    assert "all/b.jsonl is a link to gone.jsonl, and nothing is there" in done.stderr


def test_a_file_that_has_two_names_in_a_folder_is_said_to_be_read_twice(data: Path) -> None:
    whole = data.parent / "all"
    whole.mkdir()
    for name in ("a.jsonl", "c.jsonl"):
        (whole / name).write_bytes(data.read_bytes())
    assert unmoor("audit", "all", cwd=data.parent).stderr == ""
    (whole / "b.jsonl").symlink_to("a.jsonl")
    os.link(whole / "c.jsonl", whole / "d.jsonl")
    done = unmoor("audit", "all", cwd=data.parent)
    assert done.stdout.startswith("all: 12 rows")
    assert done.stderr == (
        "b.jsonl is a.jsonl under another name, so its rows are read again, and 1 more such file. "
        "Next: leave one of two such names out, if that is not meant\n"
    )


def test_a_name_that_is_no_utf_8_beside_data_is_named_in_a_run_too(data: Path) -> None:
    whole = data.parent / "all"
    whole.mkdir()
    (whole / "a.jsonl").write_bytes(data.read_bytes())
    (whole / os.fsdecode(b"caf\xe9.txt")).write_text("a")
    done = unmoor("filter", "all", "-o", "run", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((data.parent / "run" / "MANIFEST.json").read_text())
    assert manifest["not_read"]["names"] == ["caf\\xe9.txt"]


def test_what_lies_beside_data_and_is_not_read_is_counted_and_named(data: Path) -> None:
    whole = data.parent / "all"
    (whole / ".git").mkdir(parents=True)
    (whole / "a.jsonl").write_bytes(data.read_bytes())
    for name in ("README.md", "more.csv", ".git/x.tsv"):
        (whole / name).write_text("a,b\n")
    said = unmoor("audit", "all", cwd=data.parent).stdout
    assert said.split("\n")[3] == "Not read: 2 files: more.csv, README.md"
    for name in ("b.jsonl.bz2", "metadata.json"):
        (whole / name).write_bytes(data.read_bytes())
    (whole / "year").symlink_to(data.parent)
    said = " ".join(unmoor("audit", "all", cwd=data.parent).stdout.split())
    assert "Not read: 4 files and 1 folder (a link, or a run): b.jsonl.bz2, metadata.json, more.csv and 2 more " in said
    assert said.startswith("all: 3 rows")
    told = {
        "files": 4,
        "folders": 1,
        "names": ["b.jsonl.bz2", "metadata.json", "more.csv", "year/", "README.md"],
    }
    for part in (1, 2):
        done = unmoor("filter", "all", "-o", f"p{part}", "--shard", f"{part}/2", "--json", cwd=data.parent)
        assert json.loads(done.stdout)["not_read"] == told
    assert unmoor("merge", "p1", "p2", "-o", "joined", cwd=data.parent).returncode == 0
    assert json.loads((data.parent / "joined" / "MANIFEST.json").read_text())["not_read"] == told


ADDED_TO = """
import pathlib
import sys
import unmoor.engines.run
from unmoor.commands import main

read = unmoor.engines.run.read_data_set


def add(*arguments):
    yield from read(*arguments)
    for name in ("b\\x1b.jsonl", "c.jsonl", ".hidden.jsonl", "notes.txt"):
        pathlib.Path("all", name).write_bytes(pathlib.Path("all", "a.jsonl").read_bytes())


unmoor.engines.run.read_data_set = add
main()
"""


@pytest.mark.parametrize("named", ["all", "a*/*.jsonl"])
def test_what_is_added_to_data_while_it_is_read_is_counted_and_named(data: Path, named: str) -> None:
    whole = data.parent / "all"
    whole.mkdir()
    (whole / "a.jsonl").write_bytes(data.read_bytes())
    names = ["all/b\x1b.jsonl", "all/c.jsonl"] if "*" in named else ["b\x1b.jsonl", "c.jsonl"]
    told = {"files": 2, "folders": 0, "names": names}
    for verb in (["audit", named], ["filter", named, "-o", "run"], ["filter", named, "-o", "part", "--shard", "1/1"]):
        done = subprocess.run(
            [sys.executable, "-c", ADDED_TO, *verb, "--json"],
            cwd=data.parent,
            capture_output=True,
            text=True,
            check=True,
        )
        shown = ", ".join(names).replace("\x1b", "<U+001B>")
        assert done.stderr == (
            f"Added while the data was read, and not read: 2 files: {shown}. "
            "Next: the same command again, once no more are added\n"
        )
        assert json.loads(done.stdout)["rows"] == len(ROWS)
        assert json.loads(done.stdout)["not_read"] == told
        for path in set(whole.iterdir()) - {whole / "a.jsonl"}:
            path.unlink()
    assert json.loads((data.parent / "run" / "MANIFEST.json").read_text())["not_read"] == told
    assert unmoor("merge", "part", "-o", "joined", cwd=data.parent).returncode == 0
    assert json.loads((data.parent / "joined" / "MANIFEST.json").read_text())["not_read"] == told


def test_a_pattern_reads_no_run_and_nothing_hidden_unless_it_says_so(data: Path) -> None:
    folder = data.parent / "data"
    (folder / ".cache").mkdir(parents=True)
    (folder / "a.jsonl").write_bytes(data.read_bytes())
    for name in (".hidden.jsonl", ".cache/b.jsonl"):
        (folder / name).write_bytes(data.read_bytes())
    for name in ("run", "again"):
        done = unmoor("filter", "data/**/*.json*", "-o", f"data/{name}", cwd=data.parent)
        assert done.stdout.startswith("data/**/*.json*: 3 rows"), done.stdout + done.stderr
    assert "Not read: 1 folder (a link, or a run): run/\n" in done.stdout

    def audited(pattern: str) -> str:
        done = unmoor("audit", pattern, cwd=data.parent)
        return done.stdout + done.stderr

    assert audited("data/*/kept.jsonl").startswith("data/*/kept.jsonl: 4 rows")
    assert audited("data/.*.jsonl").startswith("data/.*.jsonl: 3 rows")
    assert audited("data/.cache/*").startswith("data/.cache/*: 3 rows")
    assert "data/run is a run of unmoor, no data set. Next: data/run/kept.jsonl is what" in audited("data/run/*")
    assert "No file matches data/.*/x*" in audited("data/.*/x*")
    assert "data/*** is no pattern: ** stands alone between two slashes. Next: " in audited("data/***")


def test_a_run_goes_on_after_a_kill_though_its_pattern_would_match_its_own_work(data: Path) -> None:
    folder = data.parent
    command = ("filter", "**/*.jsonl", "-o", "run")
    assert unmoor(*command, cwd=folder, UNMOOR_FAIL_AT="before-manifest").returncode < 0
    assert list(folder.glob(".run.unfinished/*.jsonl"))
    done = unmoor("filter", ".*/*.jsonl", "-o", "run", cwd=folder)
    assert done.returncode == 2 and "is to be read and lies in run, which is to be written" in done.stderr
    done = unmoor(*command, cwd=folder)
    assert done.returncode == 0 and done.stdout.startswith("**/*.jsonl: 3 rows"), done.stderr


def test_restore_writes_into_no_pipe_that_a_link_without_a_path_leads_to(data: Path) -> None:
    folder = data.parent
    assert unmoor("filter", data, "-o", "run", cwd=folder).returncode == 0
    ends = os.pipe()
    try:
        with pytest.raises(UsageError, match="is a device, a pipe or a socket"):
            restore(folder / "run", Path(f"/dev/fd/{ends[1]}"))
    finally:
        for end in ends:
            os.close(end)


def test_restore_replaces_files_alone_and_writes_what_a_link_leads_to(data: Path) -> None:
    folder = data.parent
    assert unmoor("filter", data, "-o", "run", cwd=folder).returncode == 0
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(folder / "socket"))
    (folder / "device").symlink_to("/dev/null")
    for name in ("pipe", "socket", "device", "/dev/null"):
        for force in ([], ["--force"]):
            done = unmoor("restore", "run", "-o", name, *force, cwd=folder)
            assert done.returncode == 2 and "is a device, a pipe or a socket" in done.stderr
    assert (folder / "pipe").is_fifo() and (folder / "socket").is_socket() and (folder / "device").is_symlink()
    (folder / "old.jsonl").write_text("old\n")
    (folder / "link").symlink_to("old.jsonl")
    assert "is there already" in unmoor("restore", "run", "-o", "link", cwd=folder).stderr
    assert unmoor("restore", "run", "-o", "link", "--force", cwd=folder).returncode == 0
    assert (folder / "link").is_symlink()
    assert (folder / "old.jsonl").read_bytes() == data.read_bytes()


def test_what_comes_back_plain_gets_no_name_of_a_compressed_file(data: Path) -> None:
    folder = data.parent
    packed = gzip.compress(data.read_bytes(), mtime=0)
    (folder / "a.jsonl.gz").write_bytes(packed)
    assert unmoor("filter", "a.jsonl.gz", "-o", "run", cwd=folder).returncode == 0
    for name in ("a.jsonl.gz", "b.jsonl.ZST"):
        done = unmoor("restore", "run", "-o", name, "--force", cwd=folder)
        assert done.returncode == 2 and "what comes back is not compressed" in " ".join(done.stderr.split())
        assert f"Next: -o {name.rpartition('.')[0]}" in " ".join(done.stderr.split())
    assert (folder / "a.jsonl.gz").read_bytes() == packed
    data.rename(folder / "plain.gz")
    assert unmoor("filter", "plain.gz", "-o", "other", cwd=folder).returncode == 0
    assert unmoor("restore", "other", "-o", "plain.gz", "--force", cwd=folder).returncode == 0


def test_one_process_at_a_time_restores_to_a_place(data: Path) -> None:
    folder = data.parent
    assert unmoor("filter", data, "-o", "run", cwd=folder).returncode == 0
    busy = folder / ".again.jsonl.restoring"
    busy.mkdir()
    (busy / "made").write_text("half")
    held = lock_folder(busy, folder / "again.jsonl")
    done = unmoor("restore", "run", "-o", "again.jsonl", cwd=folder)
    assert done.returncode == 2 and "Another process is writing again.jsonl" in " ".join(done.stderr.split())
    assert (busy / "made").read_text() == "half"
    os.close(held)
    assert unmoor("restore", "run", "-o", "again.jsonl", cwd=folder).returncode == 0
    assert (folder / "again.jsonl").read_bytes() == data.read_bytes() and not busy.exists()


def test_bad_rows_go_to_the_quarantine_and_the_run_goes_on(data: Path) -> None:
    with data.open("ab") as file:
        file.write(b'{"instruction": "cut\n\xff\nnull\n\n' + json.dumps(ROWS[0]).encode())
    done = unmoor("filter", data, "-o", "run", "--json", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["counts"]
    assert (counts["input"], counts["quarantined"], counts["blank"], counts["kept"]) == (8, 3, 1, 3)
    entries = [json.loads(line) for line in (data.parent / "run" / "quarantine.jsonl").read_text().splitlines()]
    assert [(entry["row"], entry["code"]) for entry in entries] == [
        (4, "TRUNCATED"),
        (5, "INVALID_UTF8"),
        (6, "NOT_AN_OBJECT"),
    ]
    assert "TRUNCATED" in unmoor("explain", "run", 4, cwd=data.parent).stdout


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--on-bad-row", "fail"], 3),
        (["--max-bad-rows", "0"], 3),
        (["--max-bad-rows", "1"], 0),
        (["--max-bad-rows", "10%"], 3),
        (["--max-bad-rows", "25%"], 0),
        (["--max-bad-rows", ".5%"], 3),
        (["--max-bad-rows", "some"], 2),
        (["--max-bad-rows", "%"], 2),
        (["--max-bad-rows", "nan%"], 2),
        (["--max-bad-rows", "inf%"], 2),
        (["--max-bad-rows", "-1%"], 2),
        (["--max-bad-rows", "101%"], 2),
        (["--max-bad-rows", "²"], 2),
    ],
)
def test_a_limit_on_bad_rows_stops_before_anything_is_written(data: Path, flags: list[str], code: int) -> None:
    with data.open("ab") as file:
        file.write(b"null\n")
    done = unmoor("filter", data, "-o", "run", *flags, cwd=data.parent)
    assert done.returncode == code, done.stderr
    assert (data.parent / "run").exists() is (code == 0)
    if code == 3:
        assert "row 4, byte" in done.stderr and "NOT_AN_OBJECT" in done.stderr
        assert "allow as many by --max-bad-rows" in done.stderr
        assert ("without --on-bad-row fail" in done.stderr) is (flags[1] == "fail")
    if code == 2:
        assert f'found "{flags[1]}". Next: a whole number from 0 on, or a share from 0% to 100%' in done.stderr


def test_a_limit_on_the_size_of_a_file_is_named_with_exit_4_and_leaves_nothing(data: Path) -> None:
    data.write_text("".join(json.dumps(ROWS[index % 3]) + "\n" for index in range(5000)))
    limit = 100_000

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = unmoor("filter", data, "-o", "run", cwd=data.parent, preexec=small_files)
    assert done.returncode == 4, done.stderr
    assert (
        "larger than the system allows. Nothing was written at its final place. Next: raise the limit, " in done.stderr
    )
    assert "no space" not in done.stderr
    assert not (data.parent / "run").exists()


def test_most_rows_unreadable_is_said_with_the_first(data: Path) -> None:
    data.write_bytes(data.read_bytes() + b'{"instruction": \n' * 5)
    done = unmoor("audit", data, cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert "Rows that could not be read: 5. The first: row 4, byte " in done.stdout
    assert "most of them" in done.stdout


def test_a_run_is_no_data_set(data: Path) -> None:
    assert unmoor("filter", data, "-o", "run", cwd=data.parent).returncode == 0
    for command in (("audit", "run"), ("filter", "run", "-o", "again")):
        done = unmoor(*command, cwd=data.parent)
        assert done.returncode == 2
        assert "run is a run of unmoor, no data set. Next: run/kept.jsonl is what it kept" in " ".join(
            done.stderr.split()
        )
    assert unmoor("audit", "run/kept.jsonl", cwd=data.parent).returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ("filter", "train.jsonl", "-o", "file/run"),
        ("audit", "train.jsonl", "-o", "file/deep/run"),
        ("restore", "run", "-o", "file/again.jsonl"),
        ("demo", "--data", "file/demo.jsonl"),
    ],
)
def test_nothing_can_be_written_below_a_file(data: Path, command: tuple[str, ...]) -> None:
    assert unmoor("filter", data, "-o", "run", cwd=data.parent).returncode == 0
    (data.parent / "file").write_text("")
    done = unmoor(*command, cwd=data.parent)
    assert done.returncode == 2
    assert "file is a file, so nothing can lie below it. Next: name another place" in " ".join(done.stderr.split())


@pytest.mark.slow
def test_a_file_where_a_folder_is_wanted_is_said(tmp_path: Path) -> None:
    model = make_tiny_base(tmp_path / "model")
    (tmp_path / "file").write_text("")
    done = unmoor("export", str(model), "--no-check", "-o", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert "file is a file, and a folder is wanted there. Next: name another place" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["filter", "train.jsonl", "-o", "/"], 2, "/ is the root of all folders; a run needs one of its own. Next: "),
        (["filter", "train.jsonl", "-o", "/proc/x"], 4, "the system lets nothing be made in /proc. Next: "),
        (["audit", "train.jsonl", "-o", "/proc/x/y"], 4, "the system lets nothing be made in /proc/x. Next: "),
        (["restore", "run", "-o", "/proc/x"], 4, "the system lets nothing be made in /proc. Next: "),
        (["demo", "-o", "/proc/x"], 4, "the system lets nothing be made in /proc. Next: "),
        (
            ["suites", "export", "--to", "inspect", "--suite", "neutral", "-o", "/proc/x"],
            4,
            "the system lets nothing be made in /proc. Next: ",
        ),
        (["filter", "train.jsonl", "-o", "n" * 256], 2, "is longer than the file system allows. Next: a shorter one"),
        (["restore", "run", "-o", "n" * 256], 2, "is longer than the file system allows. Next: a shorter one"),
        (["verify", "n" * 256], 2, "is longer than the file system allows. Next: a shorter one"),
        (
            ["apply", "reviewed"],
            2,
            "reviewed/review is no folder, and verdicts on a run are kept in one of that name. N",
        ),
        (["apply", "altered"], 2, "altered/MANIFEST.json is no manifest of a run, which is a JSON object. Next: "),
    ],
)
def test_an_odd_place_is_one_clear_message(runs: Path, arguments: list[str], code: int, words: str) -> None:
    before = sorted(runs.iterdir())
    done = unmoor(*arguments, cwd=runs)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(runs.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["one", "-o", "train.jsonl"], "train.jsonl is there already. Next: another name, or --force to replace it"),
        (["one", "-o", "full"], "full is a folder, and one file was read. Next: -o full/train.jsonl"),
        (["one", "-o", "full", "--force"], "full is a folder, and one file was read. Next: -o full/train.jsonl"),
        (
            ["one", "-o", "one/again.jsonl"],
            "/one, which is a run and stays as it was written. Next: a place that is in",
        ),
        (["two", "-o", "full"], "full holds other files, and the 2 files that were read come back in a folder of the"),
        (["two", "-o", "train.jsonl", "--force"], "train.jsonl is a file, and the 2 files that were read come back in"),
        (["two", "-o", "two/again"], "/two, which is a run and stays as it was written. Next: a place that is in no"),
    ],
)
def test_where_an_input_cannot_come_back_to_is_said_for_what_it_is(
    runs: Path, arguments: list[str], words: str
) -> None:
    done = unmoor("restore", *arguments, cwd=runs)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_an_input_comes_back_into_an_empty_folder_from_runs_that_nothing_was_written_into(runs: Path) -> None:
    for run in ("one", "two"):
        assert unmoor("verify", run, cwd=runs).returncode == 0
    assert unmoor("restore", "two", "-o", "empty", cwd=runs).returncode == 0
    assert sorted(path.name for path in (runs / "empty").iterdir()) == ["a.jsonl", "b.jsonl"]


def test_a_shard_of_tables_that_differ_is_refused_before_it_is_filtered(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, more in (("a", {"source": "x"}), ("b", {}), ("c", {"source": 1})):
        pq.write_table(pa.Table.from_pylist([{**row, **more} for row in ROWS]), folder / f"{name}.parquet")
    for number in (1, 2, 3):
        done = unmoor("filter", "data", "--shard", f"{number}/3", "-o", f"run-{number}", cwd=tmp_path)
        assert done.returncode == 2, done.stdout
        assert (
            "The tables differ: the column 'source' is int64 and not string in data/c.parquet, unlike in data/a.parquet"
            in done.stderr
        )
        assert not (tmp_path / f"run-{number}").exists()
    assert unmoor("audit", "data", "--shard", "1/3", cwd=tmp_path).returncode == 0


def test_rows_in_a_language_without_a_pack_are_said_to_be_unknown_ground(tmp_path: Path) -> None:
    swahili = {
        "instruction": "Nisaidie.",
        "output": "Samahani, siwezi kukusaidia kuhusu ombi hilo, kwani ni kinyume cha sheria.",
    }
    for number, rows in enumerate(([ROWS[0]] * 20 + [swahili], [ROWS[0]] * 60 + [swahili])):
        (tmp_path / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = (
        "In 1 of these rows (4.8%) no language was recognised: they are too short to tell one, numbers or code, or in a language "
        "without a pack, in which a refusal is not found."
    )
    few, many = (" ".join(unmoor("audit", f"{number}.jsonl", cwd=tmp_path).stdout.split()) for number in range(2))
    assert said in few
    assert "no language was recognised" not in many


def test_languages_that_a_word_list_alone_tells_of_a_sample_are_said_to_be_of_a_sample(tmp_path: Path) -> None:
    count = 2000
    rows = [{**ROWS[0], "input": str(number), "source": "web"} for number in range(count)]
    lines = [json.dumps(row) + "\n" for row in rows]
    (tmp_path / "train.jsonl").write_text("".join(lines))
    (tmp_path / "list.txt").write_text("sycamore\n")
    flags = ("--detector", "wordlist", "--wordlist", "list.txt", "--language", "en")
    done = unmoor("filter", "train.jsonl", *flags, "-o", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sample = len(sample_of(0, np.cumsum([len(line) for line in lines])))
    said = f"Languages, of a sample of {sample} rows: en {sample}. The other {count - sample:,} were not looked at for that."
    assert said in " ".join(done.stdout.split()) and "not recognised" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    told = json.loads((tmp_path / "run" / "report.json").read_text())
    assert told["languages"] == {"en": sample}
    assert told["languages_sample"] == {"rows": sample, "not_looked_at": count - sample}
    page = (tmp_path / "run" / "report.html").read_text()
    for what in ("Languages", "Sources"):
        assert f"{what} were told of a sample of {sample} rows" in page
    assert page.count(f"the other {count - sample:,} were not looked at") == 2
    assert f"of a sample of {sample} went whole" in page and "hash of the byte of its file" in page
    assert told["by_source_sample"] == told["collateral"]["sample"] == told["languages_sample"]
    assert told["by_source"]["web"]["rows"] == sample and told["collateral"]["clusters"]["is_sample"]
    assert f"Of a sample of {sample} rows." in (tmp_path / "run" / "README.md").read_text()
    printed = json.loads(unmoor("audit", "train.jsonl", *flags, "--json", cwd=tmp_path).stdout)
    assert (printed["languages"], printed["languages_sample"]) == (told["languages"], told["languages_sample"])

    whole = json.loads(unmoor("audit", "train.jsonl", "--language", "en", "--json", cwd=tmp_path).stdout)
    assert (whole["languages"], whole["languages_sample"]) == ({"en": count}, None)


def test_a_run_is_not_written_into_a_run(data: Path) -> None:
    assert unmoor("filter", data, "-o", "run", cwd=data.parent).returncode == 0
    for verb in ("filter", "audit"):
        done = unmoor(verb, data, "-o", "run/deep/again", cwd=data.parent)
        assert done.returncode == 2
        assert "which is a run and stays as it was written. Next: a place that is in no run" in done.stderr
    assert unmoor("verify", "run", cwd=data.parent).returncode == 0


def test_a_name_as_long_as_the_file_system_allows_is_a_name_like_any_other(data: Path) -> None:
    folder = data.parent
    long = folder / f"{'d' * 249}.jsonl"
    long.write_bytes(data.read_bytes())
    for arguments in (
        ("filter", long, "-o", "r" * 255),
        ("filter", long, "-o", "r" * 255, "--force"),
        ("apply", "r" * 255),
        ("restore", "r" * 255, "-o", "b" * 255),
        ("labels", "export", "r" * 255, "l" * 255, "--to", "argilla"),
    ):
        done = unmoor(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    assert (folder / ("b" * 255)).read_bytes() == data.read_bytes()
    assert {path.name[0] for path in folder.iterdir()} == {"t", "d", "r", "b", "l"}


def test_commands_that_are_told_can_be_typed(data: Path) -> None:
    folder = data.parent / "my data"
    folder.mkdir()
    data.rename(folder / "it's.jsonl")
    done = unmoor("filter", "my data/it's.jsonl", "-o", "my data/run", cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    assert "unmoor explain 'my data/run' ROW" in done.stdout
    told = unmoor("audit", "my data/it's.jsonl", cwd=folder.parent).stdout.partition("Next: ")[2].strip()
    typed = told.removeprefix("unmoor ").replace("RUN", "again")
    again = subprocess.run(
        f"{sys.executable} -m unmoor {typed}",
        shell=True,
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr


def test_commands_that_are_told_name_a_folder_with_a_hyphen_in_front_so_that_it_is_no_option(data: Path) -> None:
    done = unmoor("filter", data.name, "-o", "./-run", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    undo = done.stdout.partition("Undo:")[2].strip()
    assert undo == "unmoor restore ./-run -o FILE"
    back = unmoor(*undo.removeprefix("unmoor ").split(), cwd=data.parent)
    assert back.returncode == 0, back.stderr
    assert (data.parent / "FILE").read_bytes() == data.read_bytes()


def test_an_audit_says_where_the_words_are_seen_and_what_comes_next(data: Path) -> None:
    after = "\nNext: unmoor filter train.jsonl --policy dolphin -o RUN\n"
    told = "Report, with the words that were found: the same with -o RUN"
    assert unmoor("audit", data.name, cwd=data.parent).stdout.endswith(f"{told}{after}")
    written = unmoor("audit", data.name, "-o", "run", cwd=data.parent).stdout
    assert written.endswith(f"Report: run/report.html{after}") and told not in written


def test_the_command_that_an_audit_names_looks_with_the_same_list_and_packs(data: Path) -> None:
    folder = data.parent
    (folder / "my words.txt").write_text("as an ai\n")
    flags = ("--language", "en", "--wordlist", "my words.txt", "--detector", "wordlist")
    told = unmoor("audit", data.name, *flags, cwd=folder).stdout.partition("Next: ")[2].strip()
    assert (
        told
        == "unmoor filter train.jsonl --language en --detector wordlist --wordlist 'my words.txt' --policy dolphin -o RUN"
    )


@pytest.mark.parametrize("columns", ["60", "120"])
def test_an_audit_shows_an_old_list_beside_the_detectors(data: Path, columns: str) -> None:
    (data.parent / "old.txt").write_text("elm\nassist\n")
    more = {
        "instruction": "Is it in your power to do this?",
        "input": "",
        "output": "I'm sorry, but I can't help with that.",
    }
    data.write_text(data.read_text() + json.dumps(more) + "\n")
    flags = ("--language", "en", "--wordlist", "old.txt")
    shown = unmoor("audit", data.name, *flags, cwd=data.parent, COLUMNS=columns).stdout
    assert max(map(len, shown.splitlines()[:-1])) <= int(columns)
    told = [" ".join(line.split()) for line in shown.partition("own detectors:")[2].splitlines()]
    assert {"both 1 25.0%", "only your list 1 25.0%", "only unmoor 1 25.0%"} <= {*told}
    assert told[told.index("Only your list, 1 of 1:") + 1 :][:2] == ['row 1: "elm"', ROWS[0]["output"]]
    alone = unmoor("audit", data.name, *flags, "--detector", "wordlist", cwd=data.parent).stdout
    assert "own detectors" not in alone
    filtered = unmoor("filter", data.name, *flags, "--policy", "label-only", "-o", "run", cwd=data.parent)
    assert filtered.returncode == 0, filtered.stderr
    reported = json.loads((data.parent / "run" / "report.json").read_text())["wordlist"]
    assert {kind: reported[kind]["rows"] for kind in reported} == {
        "listed": 2,
        "both": 1,
        "only_wordlist": 1,
        "only_unmoor": 1,
    }
    assert "Your list beside" in (data.parent / "run" / "report.html").read_text()


def test_a_folder_that_may_not_be_written_in_is_not_to_be_tried_again(data: Path) -> None:
    shut = data.parent / "shut"
    shut.mkdir(mode=0o500)
    done = unmoor("filter", data, "-o", "shut/run", cwd=data.parent, preexec=as_bound_by_rights)
    assert done.returncode == 4, done.stdout
    assert "Making shut/run: Permission denied" in done.stderr
    assert "Next: a folder that you may write in, or the right to write in this one" in done.stderr
    assert "the same command" not in done.stderr


@pytest.mark.parametrize("epoch", ["x", "1e9", "9" * 30])
def test_a_time_that_is_none_is_said_before_a_row_is_read(data: Path, epoch: str) -> None:
    done = unmoor("filter", data, "-o", "run", cwd=data.parent, SOURCE_DATE_EPOCH=epoch)
    assert done.returncode == 2
    assert f'SOURCE_DATE_EPOCH is a time in seconds since 1970, found "{epoch}". Next: ' in done.stderr
    assert [path.name for path in data.parent.iterdir()] == ["train.jsonl"]


INTERRUPTED = """
import sys
import unmoor.engines.run
from unmoor.commands import main

def interrupt(*_):
    raise KeyboardInterrupt

unmoor.engines.run.hold_unchanged = interrupt
main()
"""


@pytest.mark.parametrize("verb", ["audit", "filter"])
def test_who_stops_a_run_is_told_what_became_of_it(data: Path, verb: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED, verb, "train.jsonl", "-o", "run"]
    done = subprocess.run(command, cwd=data.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() == "unmoor: Stopped. Nothing was written. Next: the same command begins anew"
    assert not (data.parent / "run").exists()


WITHOUT_MEMORY = """
import unmoor.engines.run
import unmoor.layouts.parquet
from unmoor.commands import main

read = unmoor.layouts.parquet._in_common
unmoor.engines.run._CHECKPOINT_SECONDS = {seconds}


def fail(table, source):
    if "Danube" in str(table.to_pylist()):
        raise MemoryError
    return read(table, source)


def plan(*arguments, made=unmoor.engines.run.plan_of):
    unmoor.layouts.parquet._in_common = fail  # what looked at the first rows has done so
    return made(*arguments)


unmoor.engines.run.plan_of = plan
main()
"""


@pytest.mark.parametrize(("seconds", "is_kept"), [(600, False), (0, True)])
def test_a_run_without_memory_says_that_it_goes_on_only_if_something_was_kept(
    tmp_path: Path, seconds: int, is_kept: bool
) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "rows.parquet", row_group_size=1)
    command = [sys.executable, "-c", WITHOUT_MEMORY.format(seconds=seconds), "filter", "rows.parquet", "-o", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    kept = ". What was done so far is kept: the same command again goes on where this one stopped" if is_kept else ""
    assert done.returncode == 4
    assert done.stderr.endswith(f"Next: --workers 1, or free some memory, then the same command again{kept}\n")


UNSURE = {
    "instruction": "How do I treat a sprained ankle?",
    "input": "",
    "output": "Rest your ankle and cool it. Please consult a qualified doctor before you run again.",
}


def _unsure(data: Path) -> Path:
    """Write one row whose finding is under the threshold; return a policy that would mend it."""
    data.write_text(json.dumps(UNSURE) + "\n")
    policy = data.parent / "house.toml"
    policy.write_text('name = "house"\nversion = 1\n[actions]\n"disclaimer.professional" = "mend"\n')
    return policy


def test_what_is_found_and_never_surely_enough_is_said_with_the_threshold_that_would_act(data: Path) -> None:
    policy = _unsure(data)
    said = unmoor("filter", data, "--policy", policy, "-o", "run", cwd=data.parent).stdout
    assert re.search(r"\ndisclaimer\.professional +1 +0 +0\.80 +1 under the threshold\n", said)
    line = 'Next: if it is to act on these, "disclaimer.professional" = 0.75 under [thresholds] of a policy of your own'
    assert line in " ".join(said.split())
    policy.write_text(policy.read_text() + '[thresholds]\n"disclaimer.professional" = 0.75\n')
    said = unmoor("filter", data, "--policy", policy, "-o", "run", "--force", cwd=data.parent).stdout
    assert "acted on" not in said and "mended" in said
    numbers = json.loads((data.parent / "run" / "report.json").read_text())["behaviours"]["disclaimer.professional"]
    assert (numbers["rows"], numbers["acted_rows"], numbers["threshold"]) == (1, 1, 0.75)


def test_no_threshold_is_advised_that_would_act_on_nothing(data: Path) -> None:
    answer = "Als KI würde ich dir den Yirgacheffe empfehlen, weil er blumig schmeckt. Er kostet zwölf Euro."
    row = {"instruction": "Welchen Kaffee?", "input": "", "output": answer}
    data.write_text(json.dumps(row) + "\n")
    policy = data.parent / "house.toml"
    policy.write_text('name = "house"\nversion = 1\n[actions]\n"disclaimer.identity" = "mend"\n')
    said = unmoor("filter", data, "--policy", policy, "-o", "run", cwd=data.parent).stdout
    assert re.search(r"\ndisclaimer\.identity +1 +0 +0\.80 +1 under the threshold\n", said), said
    assert "if it is to act on" not in said


def test_what_is_left_alone_for_another_reason_is_not_advised_a_threshold(data: Path) -> None:
    policy = _unsure(data)
    excepted = {**UNSURE, "output": UNSURE["output"].replace("again", "tomorrow")}
    data.write_text(f"{json.dumps(UNSURE)}\n" + f"{json.dumps(excepted)}\n" * 2)
    policy.write_text(policy.read_text() + '[except]\nphrases = ["run tomorrow"]\n')
    told = unmoor("filter", data, "--policy", policy, "-o", "run", cwd=data.parent).stdout
    assert 'if it is to act on 1 of these, "disclaimer.professional" = 0.75' in " ".join(told.split())
    policy.write_text(policy.read_text() + '[thresholds]\n"disclaimer.professional" = 0.75\n')
    told = unmoor("filter", data, "--policy", policy, "-o", "run", "--force", "--json", cwd=data.parent).stdout
    assert json.loads(told)["behaviours"]["disclaimer.professional"]["acted_rows"] == 1


def test_a_list_that_was_compared_is_not_made_to_drop_rows(data: Path) -> None:
    (data.parent / "old.txt").write_text("tree\n")
    said = " ".join(unmoor("audit", data, "--wordlist", "old.txt", cwd=data.parent).stdout.split())
    assert "Next: unmoor filter" in said and "--wordlist" not in said.rpartition("Next: ")[2]
    alone = unmoor("audit", data, "--wordlist", "old.txt", "--detector", "wordlist", cwd=data.parent).stdout
    assert "Nothing but your list was looked for" in alone and "--wordlist" in alone.rpartition("Next: ")[2]
    assert STRENGTHS["likely"] == LIKELY
    assert "Not found" not in alone and "any refusal" not in alone


def test_the_threshold_parts_what_was_found_from_what_was_acted_on_wherever_it_is_counted(data: Path) -> None:
    data.write_text("".join(json.dumps(row) + "\n" for row in [UNSURE, *ROWS]))
    policy = data.parent / "house.toml"
    actions = '"disclaimer.professional" = "mend"\n"refusal.policy" = "drop"\n'
    policy.write_text(f'name = "house"\nversion = 1\n[actions]\n{actions}[limits]\nmax_removed_share = 0.9\n')
    said = " ".join(unmoor("filter", data, "--policy", policy, "-o", "run", cwd=data.parent).stdout.split())
    assert "Policy house acts on what reaches its threshold" in said
    assert "disclaimer.professional 1 0 0.80 1 under the threshold" in said and "refusal.policy 1 1 0.80 F" in said
    assert "From 0.50 on a person is asked." in said
    page = " ".join((data.parent / "run" / "report.html").read_text().split())
    assert "mend from 0.80" in page and "drop from 0.80" in page
    assert "of the others 1 under the threshold" in page and "From 0.50 on a person is asked." in page
    card = (data.parent / "run" / "README.md").read_text()
    assert "| behaviour | rows | share | policy | acted on |" in card
    assert (
        "| `mend` from 0.80 | 0; of the others 1 under the threshold |" in card
        and "| `drop` from 0.80 | 1 |" in card
        and "| `keep` | - |" in card
    )


def test_what_a_rule_keeps_is_not_counted_as_acted_on(data: Path) -> None:
    policy = data.parent / "house.toml"
    policy.write_text('name = "house"\nversion = 1\nextends = "dolphin"\n[rules]\n"en.*" = "keep"\n')
    told = json.loads(unmoor("filter", data, "--policy", policy, "-o", "run", "--json", cwd=data.parent).stdout)
    left = {"left_rows": {"rule": 1}}
    assert told["behaviours"]["refusal.policy"] == {"rows": 1, "findings": 1, "acted_rows": 0} | left


def test_rows_that_wait_for_a_person_are_said_with_the_page_that_shows_them(data: Path) -> None:
    policy = _unsure(data)
    said = unmoor("filter", data, "--policy", policy, "-o", "my run", cwd=data.parent).stdout
    assert "\nRows for a person to look at: 1 (unmoor review 'my run', or review.jsonl)\n" in said


def test_hostile_text_cannot_steer_the_terminal(data: Path) -> None:
    hostile = "\x1b[31mI'm sorry, but I can't assist\u202e with that\x07 request. [/red]"
    data.write_text(json.dumps({"instruction": "Hi", "output": hostile}) + "\n" + json.dumps(ROWS[0]) + "\n")
    unmoor("filter", data, "-o", "run", cwd=data.parent)
    done = unmoor("explain", "run", 1, cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert not set("\x1b\x07\u202e") & set(done.stdout)


def test_policies_are_listed_shown_and_printed(tmp_path: Path) -> None:
    assert "vendor-free" in unmoor("policy", cwd=tmp_path).stdout
    assert "disclaimer.identity" in unmoor("policy", "dolphin", cwd=tmp_path).stdout
    printed = unmoor("policy", "dolphin", "--toml", cwd=tmp_path).stdout
    (tmp_path / "house.toml").write_text(printed.replace('name = "dolphin"', 'name = "house"'))
    assert unmoor("policy", "house.toml", cwd=tmp_path).stdout.startswith("house, version 1")


def test_the_list_of_policies_is_printed_for_scripts(tmp_path: Path) -> None:
    listed = json.loads(unmoor("policy", "--json", cwd=tmp_path).stdout)
    assert [policy["name"] for policy in listed] == list(SHIPPED)
    assert all(policy["description"] for policy in listed)


def test_a_policy_that_extends_another_without_words_of_its_own_says_what_it_extends(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text(
        'name = "house"\nversion = 1\nextends = "dolphin"\n[actions]\n"refusal.capability" = "drop_turn"\n'
    )
    first = unmoor("policy", "house.toml", cwd=tmp_path).stdout.splitlines()[0]
    assert first == "house, version 1: extends dolphin; no description of its own."


def test_an_audited_row_is_explained_by_what_was_found_in_it(data: Path) -> None:
    assert unmoor("audit", data, "-o", "run", cwd=data.parent).returncode == 0
    said = [" ".join(unmoor("explain", "run", row, cwd=data.parent).stdout.split()) for row in (1, 2)]
    assert said[0] == "Row 1 was kept: nothing was found."
    assert said[1].startswith(
        f"Row 2 was kept: turn 2 declines because it should not (refusal.policy: “{REFUSAL}”) by rule en."
    )
    assert said[1].endswith("; an audit changes nothing.")


def test_a_row_of_several_files_is_explained_with_its_file_rule_and_probability(data: Path) -> None:
    (data.parent / "two").mkdir()
    for name in ("a", "b"):
        (data.parent / "two" / f"{name}.jsonl").write_bytes(data.read_bytes())
    assert unmoor("filter", "two", "--policy", "dolphin", "-o", "run", cwd=data.parent).returncode == 0
    said = [" ".join(unmoor("explain", "run", row, cwd=data.parent).stdout.split()) for row in (4, 5)]
    assert said[0] == "Row 4 (row 1 of b.jsonl) was kept: nothing was found."
    assert re.match(
        r"Row 5 \(row 2 of b\.jsonl\) was removed: .+”\) by rule en\.\S+ with probability [01]\.\d\d, and policy",
        said[1],
    )


def test_a_policy_is_shown_with_what_it_does_to_rows_that_a_list_finds(tmp_path: Path) -> None:
    shown = unmoor("policy", "dolphin", cwd=tmp_path).stdout
    (line,) = [line.split() for line in shown.splitlines() if line.startswith("wordlist ") and "0.80" in line]
    assert line == ["wordlist", "drop", "0.80"]
    assert "wordlist is what --wordlist FILE finds" in shown


def test_a_policy_for_a_list_alone_says_without_one_that_nothing_will_be_found(data: Path) -> None:
    (data.parent / "list.txt").write_text("# Danube\ndanube\n")
    (data.parent / "mine.toml").write_text(
        'name = "mine"\nversion = 1\n[actions]\nwordlist = "drop"\nmoralising = "keep"\n'
    )
    done = unmoor("filter", data, "--policy", "mine.toml", "-o", "idle", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("Nothing will be found to act on: mine acts on wordlist alone, and no list is given.")
    for flags in (("--policy", "mine.toml", "--wordlist", "list.txt", "-o", "a"), ("--policy", "dolphin", "-o", "b")):
        done = unmoor("filter", data, *flags, cwd=data.parent)
        assert done.returncode == 0 and not done.stderr, done.stderr
    assert b"Danube" in (data.parent / "a" / "removed.jsonl").read_bytes()


TOPICS = """
name = "mine"
version = 1
extends = "over-refusal"
[guard.request]
"the-minors" = "allow"
[guard.answer]
moralizing = "log"
"mass-casualty" = "refuse"
[guard.say]
"the-minors" = "No."
"mass-casulty" = "No."
"""
PROTECTED = {
    "floor": ('[floor]\nalso = ["violense"]\n', 'Did you mean "violence"?'),
    "floor, unlike any": ('[floor]\nalso = ["medical-dosage"]\n', "weapons. Next: its right name"),
}


def test_topics_that_no_pack_names_are_said_with_the_nearest_name(data: Path) -> None:
    (data.parent / "mine.toml").write_text(TOPICS)
    said = [
        '[guard.request]: no pack names the topic "the-minors", so its words are not recognised. Did you mean "minors"?',
        '[guard.answer]: no pack names the topic "moralizing", so its words are not recognised. Did you mean "moralising"?',
        '[guard.say]: no pack names the topic "mass-casulty", so its words are not recognised. Did you mean "mass-casualty"?',
    ]
    for arguments in (("policy", "mine.toml"), ("filter", data, "--policy", "mine.toml", "-o", "run")):
        done = unmoor(*arguments, cwd=data.parent)
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines() == [f"Policy mine, {line}" for line in said]
    classified = TOPICS.replace("[guard.request]", '[guard]\nclassifier = "hf:own"\n[guard.request]')
    (data.parent / "mine.toml").write_text(classified)
    assert "the-minors" not in unmoor("policy", "mine.toml", cwd=data.parent).stderr
    for name in SHIPPED:
        assert unmoor("policy", name, cwd=data.parent).stderr == ""


@pytest.mark.parametrize("case", PROTECTED)
def test_a_topic_to_protect_that_no_pack_names_is_refused(case: str, data: Path) -> None:
    table, hint = PROTECTED[case]
    head = 'name = "mine"\nversion = 1\nextends = "over-refusal"\n'
    (data.parent / "mine.toml").write_text(head + table)
    for arguments in (("policy", "mine.toml"), ("filter", data, "--policy", "mine.toml", "-o", "run")):
        done = unmoor(*arguments, cwd=data.parent)
        assert done.returncode == 2, done.stderr
        assert "so nothing would be protected" in done.stderr
        assert hint in done.stderr
    assert not (data.parent / "run").exists()


def test_mirrored_subjects_are_compared_on_the_rows_of_the_data(tmp_path: Path) -> None:
    refusal = "I'm sorry, but I can't help with that request."
    rows = [
        {
            "instruction": f"Tell a joke about {who}. ({n})",
            "input": "",
            "output": refusal if n % 3 or who == "women" else "Ha.",
        }
        for n in range(60)
        for who in ("men", "women")
    ]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = unmoor("audit", "data.jsonl", "--pairs", "--json", "--language", "en", "-o", "run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    refused = next(
        p for p in json.loads(done.stdout)["pairs"] if (p["pair"], p["treatment"]) == ("men and women", "refused")
    )
    assert {refused["a_rows"], refused["b_rows"]} == {60} and {refused["a_found"], refused["b_found"]} == {40, 60}
    assert refused["verdict"] == "differs"
    assert "Mirrored subjects" in (tmp_path / "run" / "report.html").read_text()
    shown = unmoor("audit", "data.jsonl", "--pairs", "--language", "en", cwd=tmp_path)
    assert "40 of 60" in shown.stdout and "fewer than 30 rows" in shown.stdout
    assert "54.1%–77.3%" in shown.stdout
    narrow = unmoor("audit", "data.jsonl", "--pairs", "--language", "en", cwd=tmp_path, COLUMNS="60").stdout
    assert max(map(len, narrow.partition("Mirrored subjects")[2].partition("Next:")[0].splitlines())) <= 60


def test_mirrored_subjects_that_shards_counted_are_told_of_the_whole(tmp_path: Path) -> None:
    sides, answers = (
        ("men", "women"),
        ("I'm sorry, but I can't help with that request.", "Oak, ash and elm are three trees."),
    )
    rows = [{"instruction": f"A joke about {sides[n % 2]}.", "output": answers[n % 3 > 0]} for n in range(240)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "own.toml").write_text('[[pair]]\na = { words = ["men"] }\nb = { words = ["women"] }\n')
    for name, flags in (("shipped", ("--pairs",)), ("own", ("--pair-list", "own.toml"))):
        common = ("audit", "data.jsonl", "--language", "en", *flags)
        assert unmoor(*common, "-o", f"{name}-whole", cwd=tmp_path).returncode == 0
        for part in "12":
            assert unmoor(*common, "--shard", f"{part}/2", "-o", f"{name}-{part}", cwd=tmp_path).returncode == 0
    for name, flags in (("shipped", ()), ("own", ("--pair-list", "own.toml"))):
        merged = unmoor("merge", f"{name}-1", f"{name}-2", *flags, "-o", f"{name}-merged", cwd=tmp_path)
        assert merged.returncode == 0 and "40 of 120" in merged.stdout, merged.stderr
        told = [json.loads((tmp_path / f"{name}-{how}" / "report.json").read_text()) for how in ("whole", "merged")]
        assert told[0]["pairs"] == told[1]["pairs"] != []
        plans = [json.loads((tmp_path / f"{name}-{how}" / "run.json").read_text()) for how in ("whole", "merged")]
        assert plans[0]["pairs"] == plans[1]["pairs"]
    for names, said in (
        (("own-1", "own-2"), "--pair-list"),
        (("shipped-1", "own-2"), "differs from shard 1 in pairs"),
        (("shipped-1", "shipped-2", "--pair-list", "own.toml"), "other pairs"),
    ):
        refused = unmoor("merge", *names, "-o", "none", cwd=tmp_path)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr


def test_merge_allows_more_broken_rows_than_the_shards_were_told(data: Path) -> None:
    with data.open("ab") as file:
        file.write(b"null\n")
    part = ("filter", data.name, "--language", "en", "--shard", "1/1", "--max-bad-rows", "1%", "-o", "part")
    assert unmoor(*part, cwd=data.parent).returncode == 0
    for flags, code, said in (
        ((), 3, "limit of 1% that the shards were made with"),
        (("--max-bad-rows", "0"), 3, "limit of 0. Nothing was written"),
        (("--max-bad-rows", "-1%"), 2, "a count such as 10"),
        (("--max-bad-rows", "50%"), 0, ""),
    ):
        done = unmoor("merge", "part", *flags, "-o", "whole", cwd=data.parent)
        assert done.returncode == code and said in done.stderr, done.stderr


def test_a_merged_run_says_how_its_shards_were_made_and_why_there_is_no_hash(data: Path) -> None:
    folder = data.parent
    for number in (1, 2):
        part = ("filter", data.name, "--policy", "dolphin", "--shard", f"{number}/2", "-o", f"part {number}")
        assert unmoor(*part, cwd=folder).returncode == 0
    merged = unmoor("merge", "part 1", "part 2", "-o", "whole", cwd=folder)
    assert merged.returncode == 0, merged.stderr
    card, page = ((folder / "whole" / name).read_text() for name in ("README.md", "report.html"))
    again = [
        "unmoor filter train.jsonl --shard 1/2 --policy dolphin -o 'part 1'",
        "unmoor filter train.jsonl --shard 2/2 --policy dolphin -o 'part 2'",
        "unmoor merge 'part 1' 'part 2' -o whole",
    ]
    assert json.loads((folder / "whole" / "report.json").read_text())["reproduce"] == again
    assert "```sh\n" + "\n".join(again) + "\n```" in card
    why = "none taken of the whole, of which each shard read a part"
    assert f"Input: `train.jsonl`, SHA-256 {why}. unmoor" in card and f"<dd data-text>{why}</dd>" in page
    assert "None" not in card
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    for name in names:
        (folder / name).rename(folder / f"{name} before")
    for line in again:
        assert unmoor(*shlex.split(line)[1:], cwd=folder).returncode == 0
    for name in ("kept.jsonl", "ledger.jsonl"):
        assert (folder / "whole" / name).read_bytes() == (folder / "whole before" / name).read_bytes()


def test_a_run_of_several_files_says_where_their_hashes_are_and_one_with_duplicates_how_to_do_it_again(
    data: Path,
) -> None:
    folder = data.parent / "all"
    folder.mkdir()
    for name in ("a.jsonl", "b.jsonl"):
        (folder / name).write_bytes(data.read_bytes())
    done = unmoor("filter", "all", "--dedup", "minhash", "-o", "run", cwd=data.parent)
    assert done.returncode == 0, done.stderr
    card = (data.parent / "run" / "README.md").read_text()
    assert "SHA-256 of each file in MANIFEST.json. " in card
    assert "unmoor filter all --dedup minhash --dedup-threshold 0.8 --policy dolphin -o run" in card


HOUSE = """\
name = "house"
version = 1
extends = "dolphin"

[rules]
"en.moral.*" = "keep"

[except]
phrases = ["we cannot refund"]
"""


def test_a_policy_with_the_name_of_one_that_ships_is_told_from_it_wherever_it_is_named(data: Path) -> None:
    folder = data.parent
    text = 'name = "dolphin"\nversion = 1\nextends = "dolphin"\n\n[actions]\n"refusal.policy" = "keep"\n'
    (folder / "mine.toml").write_text(text)
    told = json.loads(unmoor("policy", "mine.toml", "--json", cwd=folder).stdout)
    other = f"dolphin (not the one that ships, SHA-256 {told['sha256'][:8]})"
    for policy, name in (("dolphin", "dolphin"), ("mine.toml", other)):
        done = unmoor("filter", data, "--policy", policy, "-o", "run", "--force", cwd=folder)
        said = [done.stdout, unmoor("policy", policy, cwd=folder).stdout, (folder / "run" / "README.md").read_text()]
        whole = [" ".join(text.replace("`", "").split()) for text in said]
        assert all(f"{name}, version 1" in text for text in whole)
        why = unmoor("explain", "run", 2, cwd=folder).stdout
        assert f"policy {name} says drop_turn" in why or f"which policy {name} keeps" in why
        assert f"{name}, version 1" in (folder / "run" / "report.html").read_text()


def test_an_owner_s_exceptions_are_carried_out_shown_and_applied_again(data: Path) -> None:
    folder = data.parent
    (folder / "house.toml").write_text(HOUSE)
    own = {
        "instruction": "Refund me.",
        "input": "",
        "output": "I'm sorry, but I can't help with that: we cannot refund it.",
    }
    data.write_text("".join(json.dumps(row) + "\n" for row in (*ROWS, own)))
    shown = unmoor("policy", "house.toml", cwd=folder).stdout
    assert re.search(r"en\.moral\.\* +keep", shown) and "“we cannot refund”" in shown
    misspelt = HOUSE.replace('refund"]', 'refund", "we can not refund"]')
    (folder / "house.toml").write_text(misspelt)
    done = unmoor("filter", data, "--policy", "house.toml", "-o", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Excepted: “we cannot refund” left something alone in 1 row." in done.stdout
    assert "“we can not refund” is in no sentence in which something was found." in " ".join(done.stdout.split())
    told = json.loads(unmoor("filter", data, "--policy", "house.toml", "-o", "two", "--json", cwd=folder).stdout)
    assert told["excepted"] == {"we can not refund": 0, "we cannot refund": 1}
    assert unmoor("explain", "run", 4, cwd=folder).stdout.startswith("Row 4 was kept: turn 2 ")
    assert "which policy house excepts: “we cannot refund”" in unmoor("explain", "run", 4, cwd=folder).stdout
    assert "By rule: `en.moral.*` keep." in (folder / "run" / "README.md").read_text()
    before = (folder / "run" / "ledger.jsonl").read_bytes()
    applied = unmoor("apply", "run", cwd=folder)
    assert applied.returncode == 0, applied.stderr
    assert (folder / "run" / "ledger.jsonl").read_bytes() == before


def test_a_rule_that_no_pack_has_is_an_error_with_the_nearest_name(data: Path) -> None:
    (data.parent / "house.toml").write_text(HOUSE.replace("en.moral.*", "en.moral.urgee"))
    for arguments in (("policy", "house.toml"), ("filter", data, "--policy", "house.toml", "-o", "run")):
        done = unmoor(*arguments, cwd=data.parent)
        assert done.returncode == 2
        assert 'house.toml:6: no rule is called "en.moral.urgee". Did you mean "en.moral.urge"?' in done.stderr


def test_a_policy_that_acts_by_rule_alone_is_not_said_to_find_nothing(data: Path) -> None:
    text = (
        'name = "mine"\nversion = 1\n[actions]\nwordlist = "drop"\n[rules]\n"en.*" = "drop_turn"\nmodel = "drop_turn"\n'
    )
    (data.parent / "mine.toml").write_text(text)
    done = unmoor("filter", data, "--policy", "mine.toml", "-o", "run", cwd=data.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert b"assist" in (data.parent / "run" / "removed.jsonl").read_bytes()


@pytest.mark.parametrize(
    "arguments", [("--help",), ("audit", "train.jsonl"), ("policy", "dolphin"), ("audit", "train.jsonl", "--json")]
)
def test_a_reader_that_leaves_ends_a_command_quietly_as_it_ends_others(data: Path, arguments: tuple[str, ...]) -> None:
    """As SIGPIPE ends them, 141: neither 0 nor 1, by which it would have found what it was asked to fail on."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "unmoor", *arguments],
        cwd=data.parent,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
