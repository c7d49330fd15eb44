"""How a list compares with the detectors is counted alike in one go, in processes, in shards and after a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unmoor.engines import Job, Summary, merge, run_job
from unmoor.engines.job import Options
from unmoor.layouts import open_data_set, shard_of
from unmoor.policy import load_policy

REFUSAL = "I'm sorry, but I can't assist with that request."
ANSWERS = {
    "both": "I'm sorry, but I can't help with that, as this is illegal.",
    "only_wordlist": "Parking on a pavement is illegal in most towns, and a fine follows.",
    "only_unmoor": REFUSAL,
    "none": "An oak is a tree.",
}
ORDER = ["none", "only_unmoor", "only_wordlist", "both"] * 15


@pytest.fixture
def job(tmp_path: Path) -> Job:
    lines = (json.dumps({"instruction": "Tell me.", "input": "", "output": ANSWERS[kind]}) + "\n" for kind in ORDER)
    (tmp_path / "train.jsonl").write_text("".join(lines))
    (tmp_path / "list.txt").write_text("illegal\n")
    return Job("alpaca", detectors=("phrases", "wordlist"), languages=("en",), wordlist=tmp_path / "list.txt")


def _counted(summary: Summary) -> dict[str, object]:
    assert summary.beside is not None
    return summary.beside.as_json()


def test_rows_are_told_by_who_takes_them_for_refusals(job: Job, tmp_path: Path) -> None:
    data = open_data_set(tmp_path / "train.jsonl")
    told = run_job(data, job).as_json()["wordlist"]
    assert {kind: (of["rows"], len(of["examples"])) for kind, of in told.items()} == dict.fromkeys(
        ("both", "only_wordlist", "only_unmoor"), (15, 10)
    )
    first = {kind: of["examples"][0] for kind, of in told.items()}
    assert {kind: one["row"] for kind, one in first.items()} == {"only_unmoor": 2, "only_wordlist": 3, "both": 4}
    assert {kind: (one["wordlist"], bool(one["unmoor"])) for kind, one in first.items()} == {
        "both": ("illegal", True),
        "only_wordlist": ("illegal", False),
        "only_unmoor": (None, True),
    }
    assert first["only_wordlist"]["evidence"] == ANSWERS["only_wordlist"]
    assert first["only_unmoor"]["evidence"] == REFUSAL


def test_chunks_processes_and_shards_count_alike(job: Job, tmp_path: Path) -> None:
    data = open_data_set(tmp_path / "train.jsonl")
    expected = _counted(run_job(data, job))
    assert _counted(run_job(data, job, None, Options(workers=2, chunk_bytes=1000))) == expected
    for number in (1, 2):
        options = Options(shard=(number, 2), chunk_bytes=1000)
        run_job(shard_of(data, number, 2), job, tmp_path / str(number), options)
    assert _counted(merge([tmp_path / "1", tmp_path / "2"], tmp_path / "whole")) == expected


def test_there_is_nothing_to_compare_without_a_list_or_with_nothing_else(job: Job, tmp_path: Path) -> None:
    data = open_data_set(tmp_path / "train.jsonl")
    alone = Job("alpaca", detectors=("wordlist",), languages=("en",), wordlist=job.wordlist)
    for other in (alone, Job("alpaca", detectors=("phrases",), languages=("en",))):
        assert "wordlist" not in run_job(data, other).as_json()


def test_a_filter_counts_the_same(job: Job, tmp_path: Path) -> None:
    data = open_data_set(tmp_path / "train.jsonl")
    kept = Job("alpaca", load_policy("label-only"), job.detectors, job.languages, job.wordlist)
    assert _counted(run_job(data, kept, tmp_path / "run")) == _counted(run_job(data, job))
