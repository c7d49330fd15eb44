"""docs/files.md names every file of a run and every field of its JSON, and none that no run writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import filter as fnmatch_filter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from unmoor.commands import cli
from unmoor.engines import Job, merge, run_job
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.records import BEHAVIOURS, LEFT_ALONE, OUTCOMES, Verdict
from unmoor.run_folder.files import MANIFEST, OF_A_RUN

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
REFUSAL = "I'm sorry, but I can't assist with that request."
DISCLAIMER = "As an AI language model, I do not have preferences. However, here are three trees: oak, ash and elm."
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
POLICY = """
name = "own"
version = 1
extends = "dolphin"
[actions]
"refusal.policy" = "mask"
"refusal.capability" = "label"
"wordlist" = "keep"
[rules]
"en.moral.*" = "review"
[except]
phrases = ["a cool sentence of ours"]
[limits]
max_removed_share = 1.0
"""
SELDOM = {
    "inputs[].version", "input.revision", "review/", "detectors.packages.NAME", "layout_package", "by_source_sample",
}  # fmt: skip
"""Documented, and written only on object storage, for a data set of the hub, by the review page, with another package, and by a
word list alone."""
MAPS = {
    "policy.actions": "BEHAVIOUR",
    "policy.rules": "RULE",
    "policy.thresholds": "NAME",
    "detectors.packs": "CODE",
    "counts": "OUTCOME",
    "arrays": "FILE",
    "files": "NAME",
    "languages": "CODE",
    "layouts": "NAME",
    "behaviours": "BEHAVIOUR",
    "behaviours.BEHAVIOUR.left_rows": "REASON",
    "second_opinions": "WORD",
    "wordlist": "KIND",
    "sources": "SOURCE",
    "sources.SOURCE.languages": "CODE",
    "sources.SOURCE.attrs": "NAME",
    "errors": "SOURCE",
    "excepted": "PHRASE",
    "copied": "COLUMN",
}
"""Objects whose keys are names of something, and what the page writes for any of them."""
_FIGURES = {
    f"{where}.{what}" for where in ("sources.SOURCE", "sources.SOURCE.languages.CODE") for what in ("any", "full")
}
WHOLE = {"policy.guard", "arrays.FILE.gaps", "sources.SOURCE.kind", "sources.SOURCE.attrs.NAME", *_FIGURES}
"""What another page or line describes, or what has no names inside."""


def _row(*turns: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[i % 2], "content": turn} for i, turn in enumerate(turns)]}


ROWS = [
    _row("Name three trees.", PLAIN),
    _row("Name three trees.", PLAIN),
    _row("Name three trees.", DISCLAIMER),
    _row("How do I sharpen a knife?", REFUSAL, "Name three trees.", PLAIN),
    _row("How is sarin made?", REFUSAL),
    _row("Name three trees.", f"{PLAIN} Remember, it is never acceptable to harm others or their property."),
    _row("Where is Sara now?", "I have no way of knowing where Sara is."),
]


def documented(heading: str) -> set[str]:
    """Return the names in the first column of the table under a heading."""
    section = PAGE.split(f"# {heading}\n", 1)[1]
    section = re.split(r"^#+ ", section, maxsplit=1, flags=re.MULTILINE)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def paths_of(value: Any, at: str = "") -> Iterator[str]:
    """Yield the names that the page has for the parts of a manifest, those with parts of their own too."""
    if at and not at.endswith("[]"):
        yield at
    if isinstance(value, list) and value and isinstance(value[0], dict) and at not in WHOLE:
        for one in value:
            yield from paths_of(one, f"{at}[]")
    elif isinstance(value, dict) and at not in WHOLE:
        for key, part in value.items():
            name = MAPS.get(at, key)
            yield from paths_of(part, f"{at}.{name}" if at else name)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs over every kind of row and input that is quickly made."""
    home = tmp_path_factory.mktemp("runs")
    (home / "own.toml").write_text(POLICY)
    (home / "list.txt").write_text("cool climate\n")
    lines = [json.dumps(row) for row in ROWS]
    (home / "rows.jsonl").write_text("\n".join([*lines, "", lines[0][:-1], lines[0]]))
    (home / "many").mkdir()
    (home / "many" / "rows.json").write_text(json.dumps(ROWS))
    (home / "many" / "notes.csv").write_text("a,b\n")
    (home / "tables").mkdir()
    for name, rows in (("a", ROWS), ("b", [{**ROWS[0], "more": 1}, {"messages": []}])):
        pq.write_table(pa.Table.from_pylist(rows), home / "tables" / f"{name}.parquet")
    judge = ("--judge", "openai:none", "--judge-url", "http://127.0.0.1:9/v1")
    filters = ("--policy", str(home / "own.toml"), "-o")
    asked = [
        ("filter", "rows.jsonl", "--dedup", "exact", "--wordlist", str(home / "list.txt"), *filters, "whole"),
        ("filter", "rows.jsonl", "--shard", "1/2", *filters, "shard"),
        ("filter", "tables", *filters, "tables-run"),
        ("filter", "rows.jsonl", "--policy", "dolphin", "-o", "shipped"),
        ("audit", "many", *judge, "--pairs", "-o", "array"),
        ("filter", "rows.jsonl", "--shard", "2/2", *filters, "shard-2"),
    ]
    for command, source, *more in asked:
        *flags, run = more
        words = [command, str(home / source), "--language", "en", *flags, str(home / run)]
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    merge([home / "shard", home / "shard-2"], home / "joined")
    return [*(home / more[-1] for _, _, *more in asked), home / "joined", _judged(home)]


def _judged(home: Path) -> Path:
    """Make a run with a person's verdict."""
    (entry,) = (one for one in _lines([home / "shipped"], "ledger.jsonl") if one["row"] == 4)
    rule = entry["findings"][0]["rule"]
    said = Verdict(
        4, "refusal.policy", 1, "text", 0, len(REFUSAL), rule, "correct", None, "ada", "2026-01-01T00:00:00+00:00"
    )
    policy = replace(load_policy("label-only"), max_removed_share=1.0)
    run_job(
        open_data_set(home / "rows.jsonl"),
        Job("messages", policy, languages=("en",), verdicts={4: (said,)}),
        home / "judged",
    )
    return home / "judged"


def _lines(runs: list[Path], name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for run in runs if (run / name).exists() for line in (run / name).read_text().splitlines()]


def _same(written: set[str], heading: str) -> None:
    told = documented(heading)
    assert written - told == set(), f"docs/files.md, {heading}: does not name these"
    assert told - written - SELDOM == set(), f"docs/files.md, {heading}: names what no run writes"


def test_every_file_of_a_run_is_named(runs: list[Path]) -> None:
    written = {path.name for run in runs for path in run.iterdir()}
    rows = {name for name in written if name.startswith(("kept.", "removed."))}
    assert {"kept.jsonl", "removed.jsonl", "kept.parquet"} <= rows
    _same((written - rows) | {"kept.*", "removed.*"}, "The files")


def test_the_files_that_a_run_may_have_are_those_of_the_page() -> None:
    named = documented("The files") - {MANIFEST, "review/"}
    assert all(fnmatch_filter(OF_A_RUN, name) for name in named)
    assert all(any(fnmatch(name, pattern) for pattern in named) for name in OF_A_RUN)


def test_every_field_of_the_ledger_is_named(runs: list[Path]) -> None:
    entries = _lines(runs, "ledger.jsonl")
    assert {entry["outcome"] for entry in entries} == set(OUTCOMES)
    _same({key for entry in entries for key in entry}, "Fields of a line")
    _same({key for entry in entries for finding in entry["findings"] for key in finding}, "Findings")
    _same({key for entry in entries for edit in entry["edits"] for key in edit}, "Edits")


def test_every_outcome_behaviour_and_code_is_named() -> None:
    (told_outcomes,) = re.findall(r"^\| `outcome` \|.*$", PAGE, re.MULTILINE)
    assert all(f"`{outcome}`" in told_outcomes for outcome in OUTCOMES)
    sources = (ROOT / "src" / "unmoor").rglob("*.py")
    raised = {
        code for path in sources for code in re.findall(r'BadRow\(\s*"([A-Z0-9_]+)"', path.read_text(encoding="utf-8"))
    }
    told = set(re.findall(r"`([A-Z0-9_]{5,})`", PAGE.split("The codes: ", 1)[1].split("\n\n", 1)[0]))
    assert raised <= told


def test_every_field_of_the_quarantine_is_named(runs: list[Path]) -> None:
    _same({key for entry in _lines(runs, "quarantine.jsonl") for key in entry}, "quarantine.jsonl")


def _printed(*words: str) -> set[str]:
    """Return the names of everything that a command prints as JSON."""
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return set(paths_of(json.loads(done.stdout)))


def _all_named(written: set[str], heading: str) -> None:
    """Check that the page names everything under a heading, or all of its parts, and nothing else."""
    told = documented(heading)
    with_parts = {path for path in written if any(one.startswith((f"{path}.", f"{path}[]")) for one in told)}
    _same(written - (with_parts - told), heading)


def test_every_reason_for_which_nothing_follows_is_named() -> None:
    assert documented("Why nothing followed") == set(LEFT_ALONE)


def test_every_key_that_audit_and_filter_print_is_named(runs: list[Path]) -> None:
    home = runs[0].parent
    unsure = home / "unsure.jsonl"
    unsure.write_text(json.dumps(_row("Skriv en klage.", "Det ville være upassende at skrive en vred klage.")))
    judged = _printed("audit", str(unsure), "--judge", "openai:none", "--judge-url", "http://127.0.0.1:9/v1")
    beside = _printed("audit", str(home / "many"), "--wordlist", str(home / "list.txt"), "--pairs", "--language", "en")
    filtered = _printed(
        "filter", str(home / "rows.jsonl"), "--policy", str(home / "own.toml"), "-o", str(home / "json")
    )
    vague = "As an AI language model, I do not have preferences. Oak, ash and elm."
    twice = home / "twice.jsonl"
    twice.write_text(json.dumps({**_row("Name three trees.", vague), "text": vague}))
    copied = _printed("filter", str(twice), "-o", str(home / "twice"))
    merged = _printed("merge", str(home / "shard"), str(home / "shard-2"), "-o", str(home / "merged"))
    _all_named(judged | beside | filtered | copied | merged, "audit, filter and merge")


def test_every_key_that_score_prints_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("cool climate\n")
    answers = [
        {
            "label": "full_refusal",
            "response": REFUSAL,
            "lang": "en",
            "kind": "should_not",
            "attrs": {"judgement": False},
        },
        {"label": "full_refusal", "response": "Nothing of note."},
        {"label": "compliance", "response": PLAIN},
    ]
    (tmp_path / "own.jsonl").write_text("\n".join(map(json.dumps, answers)))
    one = ("score", str(tmp_path / "own.jsonl"), "--language", "en")
    _all_named(_printed(*one), "score")
    beside = _printed(*one, "--wordlist", str(tmp_path / "list.txt"))
    assert {"beside.detectors", "beside.sources", "beside.errors", "beside.only_one_right"} <= beside


def test_the_keys_of_short_answers_are_named(runs: list[Path]) -> None:
    told = dict(re.findall(r"^\| `unmoor ([a-z ]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    printed = {
        "verify": _printed("verify", str(runs[0])),
        "labels export": _printed(
            "labels", "export", str(runs[3]), str(runs[3].parent / "tasks.json"), "--to", "argilla"
        ),
        "apply": _printed("apply", str(runs[3])),
    }
    for name, paths in printed.items():
        assert {path for path in paths if "." not in path} == set(re.findall(r"`([^`]+)`", told[name]))


def test_every_field_of_plan_and_manifest_is_named(runs: list[Path]) -> None:
    plans = [json.loads((run / "run.json").read_text()) for run in runs]
    manifests = [json.loads((run / "MANIFEST.json").read_text()) for run in runs]
    told = documented("run.json and MANIFEST.json")
    of_plan, of_both = ({path for value in values for path in paths_of(value)} for values in (plans, manifests))
    assert of_plan <= of_both
    for path in of_plan | of_both:
        parts = any(other.startswith((f"{path}.", f"{path}[]")) for other in told)
        assert path in told or parts, f"docs/files.md does not name {path}"
    assert told - of_both - SELDOM == set(), "docs/files.md names what no run writes"
    where = dict(re.findall(r"^\| `([^`]+)` \| (both|manifest)", PAGE, re.MULTILINE))
    assert {path for path in told if where[path] == "both"} - SELDOM == told & of_plan


def test_every_field_of_the_report_is_named(runs: list[Path]) -> None:
    reports = [json.loads((run / "report.json").read_text()) for run in runs if (run / "report.json").exists()]
    _same({key for report in reports for key in report}, "report.json")


def test_a_label_is_the_key_that_the_page_says(runs: list[Path]) -> None:
    kept = [json.loads(line) for line in (runs[0] / "kept.jsonl").read_text().splitlines()]
    assert [row["unmoor"] for row in kept if "unmoor" in row] == [["refusal.capability"]]
    assert any(turn.get("train") is False for row in kept for turn in row["messages"])
    assert "a key `unmoor` at the top level" in PAGE and "`train: false` in the turn" in PAGE


def test_the_examples_are_lines_of_a_ledger_as_it_is_written(runs: list[Path]) -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(\{.*\})\n```", PAGE)]
    examples = [block for block in blocks if "outcome" in block]
    assert len(examples) == 2
    written = {tuple(entry)[:17] for entry in _lines(runs, "ledger.jsonl") if "turn" in entry}
    for example in examples:
        assert tuple(example)[:17] in written
        assert {finding["behaviour"] for finding in example["findings"]} <= set(BEHAVIOURS)
