"""Runs over rows with columns of their own names: bytes, restoration, shards, workers, resumption, the page and the cards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmoor.engines import Job, Options, Summary, merge, restore, run_job
from unmoor.errors import UsageError
from unmoor.layouts import first_layout, layout_named, open_data_set, shard_of
from unmoor.policy import Policy, load_policy
from unmoor.records import BEHAVIOURS
from unmoor.report import ChunkFacts
from unmoor.run_folder import read_lines_of, read_manifest, unfinished_folder, verify

REFUSAL = "I'm sorry, but I can't assist with that request."
DISCLAIMER = (
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm."
)
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
ANSWERS = (PLAIN, REFUSAL, DISCLAIMER)
NAMES = [
    ("question", "answer"),
    ("query", "answer"),
    ("query", "response"),
    ("input", "output"),
    ("user", "assistant"),
    ("question", "response"),
    ("frage.de", "eine Antwort"),
]


def _rows(user: str, assistant: str, count: int = 9) -> list[dict[str, Any]]:
    return [
        {"id": n, user: f"Name three trees. ({n})", assistant: ANSWERS[n % 3], "source": "made"} for n in range(count)
    ]


def _written(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=4)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _layout(path: Path, user: str, assistant: str) -> str:
    asked = f"columns:user={user},assistant={assistant}" if " " in assistant else None
    return first_layout(path, asked).name


def _policy(**changes: Any) -> Policy:
    return replace(load_policy("dolphin"), max_removed_share=1.0, **changes)


def _run(path: Path, job: Job, options: Options = Options()) -> tuple[Path, Summary]:  # noqa: B008
    run = path.with_name(f"run-{options.workers}")
    summary = run_job(open_data_set(path), job, run, options)
    assert verify(run) == []
    return run, summary


def _files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in ("MANIFEST.json", "run.json")}


@pytest.mark.parametrize(("user", "assistant"), NAMES)
def test_json_lines_keep_their_bytes_and_come_back(tmp_path: Path, user: str, assistant: str) -> None:
    path = _written(tmp_path / "data.jsonl", _rows(user, assistant))
    run, summary = _run(path, Job(_layout(path, user, assistant), _policy(), languages=("en",)))
    counts = summary.counts()
    assert (counts["kept"], counts["mended"], counts["removed"]) == (3, 3, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    kept = (run / "kept.jsonl").read_bytes().splitlines(keepends=True)
    assert kept[0::2] == lines[0::3]
    assert (run / "removed.jsonl").read_bytes().splitlines(keepends=True) == lines[1::3]
    for mended, line in zip(kept[1::2], lines[2::3], strict=True):
        before, after = json.loads(line), json.loads(mended)
        assert after[assistant].endswith("oak, ash and elm.") and "AI language model" not in after[assistant]
        assert {**after, assistant: before[assistant]} == before and list(after) == list(before)
    restore(run, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("user", "assistant"), NAMES)
def test_parquet_keeps_its_rows_and_schema_and_comes_back(tmp_path: Path, user: str, assistant: str) -> None:
    path = _written(tmp_path / "data.parquet", _rows(user, assistant))
    run, summary = _run(path, Job(_layout(path, user, assistant), _policy(), languages=("en",)))
    counts = summary.counts()
    assert (counts["kept"], counts["mended"], counts["removed"]) == (3, 3, 3)
    rows, kept = pq.read_table(path), pq.read_table(run / "kept.parquet")
    assert kept.schema.equals(rows.schema)
    assert kept.to_pylist()[0::2] == rows.to_pylist()[0::3]
    assert "AI language model" not in "".join(row[assistant] for row in kept.to_pylist())
    restore(run, tmp_path / "again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(rows)


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
@pytest.mark.parametrize("action", ["label", "mask", "drop_turn", "cut", "mend", "drop"])
def test_every_action_is_carried_out_and_undone(tmp_path: Path, kind: str, action: str) -> None:
    path = _written(tmp_path / f"data.{kind}", _rows("frage", "antwort"))
    policy = Policy("every", 1, actions=dict.fromkeys(BEHAVIOURS, action), thresholds={"default": 0.6, "review": 0.5})
    job = Job("columns:user=frage,assistant=antwort", replace(policy, max_removed_share=1.0), languages=("en",))
    run, summary = _run(path, job)
    counts = summary.counts()
    assert counts["labelled" if action == "label" else "mended" if action == "mend" else "removed"] >= 3
    assert counts["masked"] == 0, "a pair has no place for a turn's own flag"
    restore(run, tmp_path / f"again.{kind}")
    if kind == "jsonl":
        assert (tmp_path / "again.jsonl").read_bytes() == path.read_bytes()
    else:
        assert pq.read_table(tmp_path / "again.parquet").equals(pq.read_table(path))


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_shards_joined_and_two_workers_give_the_bytes_of_one_run(tmp_path: Path, kind: str) -> None:
    path = _written(tmp_path / f"data.{kind}", _rows("frage", "antwort", 40))
    job = Job("columns:user=frage,assistant=antwort", _policy(), languages=("en",), observer=ChunkFacts)
    small = {"chunk_bytes": 700}
    whole, _ = _run(path, job, Options(**small))
    two, _ = _run(path, job, Options(workers=2, **small))
    assert _files(two) == _files(whole)
    parts = []
    for number in (1, 2, 3):
        part = tmp_path / f"part-{number}"
        run_job(shard_of(open_data_set(path), number, 3), job, part, Options(shard=(number, 3), **small))
        parts.append(part)
    merge(parts[::-1], tmp_path / "joined", ChunkFacts)
    assert _files(tmp_path / "joined") == _files(whole)
    assert read_manifest(tmp_path / "joined")["layout"] == "columns:user=frage,assistant=antwort"


def test_an_interrupted_run_goes_on_with_its_columns_and_with_no_others(tmp_path: Path) -> None:
    path = _written(tmp_path / "data.jsonl", _rows("frage", "antwort", 40))
    job = Job("columns:user=frage,assistant=antwort", _policy(), languages=("en",))
    cut = Options(chunk_bytes=700, checkpoint_bytes=1)
    whole, _ = _run(path, job, Options(chunk_bytes=700))

    def stop(rows: int, _bytes: int) -> None:
        if rows > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(open_data_set(path), job, tmp_path / "cut", cut, on_progress=stop)
    work = unfinished_folder(tmp_path / "cut")
    assert json.loads((work / "run.json").read_bytes())["layout"] == "columns:user=frage,assistant=antwort"
    with pytest.raises(UsageError, match="layout"):
        other = replace(job, layout="columns:user=antwort,assistant=frage")
        run_job(open_data_set(path), other, tmp_path / "cut", cut)
    run_job(open_data_set(path), job, tmp_path / "cut", cut)
    assert _files(tmp_path / "cut") == _files(whole)


def test_a_missing_value_or_no_text_goes_to_the_quarantine_and_other_layouts_are_still_read(tmp_path: Path) -> None:
    rows = [
        {"frage": "Name a tree.", "antwort": PLAIN},
        {"frage": "Name a tree.", "antwort": None},
        {"frage": "Name a tree."},
        {"frage": ["Name a tree."], "antwort": PLAIN},
        {"instruction": "Name a tree.", "output": REFUSAL},
        {"question": "Name a tree.", "answer": REFUSAL},
    ]
    path = _written(tmp_path / "data.jsonl", rows)
    run, summary = _run(path, Job("columns:user=frage,assistant=antwort", _policy(), languages=("en",)))
    quarantined = {entry["row"]: entry for entry in read_lines_of(run, "quarantine.jsonl")}
    assert {row: entry["code"] for row, entry in quarantined.items()} == {
        2: "TEXT_EXPECTED",
        3: "UNKNOWN_LAYOUT",
        4: "TEXT_EXPECTED",
    }
    assert quarantined[2]["message"] == "antwort should be text, found null"
    assert summary.layouts == {
        "columns:user=frage,assistant=antwort": 1,
        "alpaca": 1,
        "columns:user=question,assistant=answer": 1,
    }
    restore(run, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_word_list_alone_finds_the_same_in_raw_bytes(tmp_path: Path) -> None:
    pytest.importorskip("hyperscan")
    words = tmp_path / "list.txt"
    words.write_text("can't assist\n")
    path = _written(tmp_path / "data.jsonl", _rows("frage", "antwort", 300))
    job = Job("columns:user=frage,assistant=antwort", _policy(), ("wordlist",), ("en",), words)
    run, summary = _run(path, job)
    found = [entry["row"] for entry in read_lines_of(run, "ledger.jsonl") if entry["findings"]]
    assert found == list(range(2, 301, 3))
    assert summary.layouts == {"columns:user=frage,assistant=antwort": 300}


def test_the_review_page_shows_the_turns_of_named_columns(tmp_path: Path) -> None:
    from unmoor.commands.row_reading import row_reader, rows_of
    from unmoor.review.row_files import Reading
    from unmoor.review.store import Store
    from unmoor.review.view import View

    rows = [{**row, "regel": "Be brief."} for row in _rows("frage", "antwort")]
    path = _written(tmp_path / "data.jsonl", rows)
    name = "columns:user=frage,assistant=antwort,system=regel"
    run, _ = _run(path, Job(name, _policy(), languages=("en",)))
    store = Store.open(run, "ada", read_row=row_reader(run), reading=Reading(rows_of))
    item = next(item for item in map(store.item, (line.id for line in store.page(View(), None, 9))) if item.row == 2)
    store.close()
    assert not item.missing
    assert [(turn.role, turn.text) for turn in item.turns] == [
        ("system", "Be brief."),
        ("user", "Name three trees. (1)"),
        ("assistant", REFUSAL),
    ]


def test_a_run_of_a_layout_that_this_version_does_not_know_is_still_reviewed(tmp_path: Path) -> None:
    from unmoor.commands.row_reading import row_reader

    path = _written(tmp_path / "data.jsonl", _rows("question", "answer"))
    run, _ = _run(path, Job("columns:user=question,assistant=answer", _policy(), languages=("en",)))
    manifest = json.loads((run / "MANIFEST.json").read_text())
    (run / "MANIFEST.json").write_text(json.dumps({**manifest, "layout": "columns:from=question"}))
    shown = row_reader(run)(path.read_bytes().splitlines()[1])
    assert shown is not None and shown.turns[1].text == REFUSAL


def test_layouts_by_name_are_the_same_in_every_process() -> None:
    assert layout_named("columns:assistant=a,user=q").name == "columns:user=q,assistant=a"
