"""Every row is accounted for, kept rows keep their bytes, and a run can be taken back, whatever the file holds."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unmoor.commands import cli
from unmoor.engines import Dedup, Job, Options, Summary, explain_row, restore, run_job
from unmoor.errors import BadDataError, RunFolderError, UsageError
from unmoor.layouts import CHUNK_BYTES, arrays, files, first_layout, open_data_set, parse, read_rows, shard_of
from unmoor.policy import Policy, load_policy
from unmoor.records import BEHAVIOURS
from unmoor.run_folder import read_lines_of, read_manifest, verify

REFUSAL = "I'm sorry, but I can't assist with that request."
DISCLAIMER = (
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm."
)
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."


def _row(answer: str, **more: Any) -> dict[str, Any]:
    return {
        "messages": [{"role": "user", "content": "Name three trees."}, {"role": "assistant", "content": answer}],
        **more,
    }


def _lines(*rows: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _filter(
    folder: Path,
    content: bytes,
    policy: Policy | None = None,
    name: str = "data.jsonl",
    dedup: Dedup | None = None,
) -> tuple[Path, Summary]:
    path = folder / name
    path.write_bytes(content)
    run = folder / "run"
    job = Job("messages", policy or load_policy("dolphin"), dedup=dedup)
    summary = run_job(open_data_set(path), job, run, Options(force=True))
    return run, summary


def _restored(run: Path) -> bytes:
    restore(run, run.parent / "again")
    return (run.parent / "again").read_bytes()


def _every(action: str) -> Policy:
    return Policy("every", 1, actions=dict.fromkeys(BEHAVIOURS, action), thresholds={"default": 0.6, "review": 0.5})


def test_a_refusal_goes_a_disclaimer_is_mended_and_a_plain_answer_keeps_its_bytes(tmp_path: Path) -> None:
    content = _lines(_row(REFUSAL), _row(DISCLAIMER), _row(PLAIN, n=12345678901234567890123))
    run, summary = _filter(tmp_path, content)
    assert summary.counts() == {
        "input": 3,
        "kept": 1,
        "mended": 1,
        "masked": 0,
        "labelled": 0,
        "removed": 1,
        "quarantined": 0,
        "blank": 0,
    }
    first, second, third = content.splitlines(keepends=True)
    assert (run / "removed.jsonl").read_bytes() == first
    mended, kept = (run / "kept.jsonl").read_bytes().splitlines(keepends=True)
    assert kept == third
    answer = json.loads(mended)["messages"][1]["content"]
    assert "AI language model" not in answer and answer.endswith("oak, ash and elm.")
    assert mended != second
    assert _restored(run) == content
    assert verify(run) == []


def test_evidence_is_the_text_between_its_offsets(tmp_path: Path) -> None:
    run, _ = _filter(tmp_path, _lines(_row("Å, 𝕏. " + REFUSAL), _row(DISCLAIMER)))
    layout = first_layout(tmp_path / "data.jsonl")
    conversations = {number: layout.read(row) for number, row in read_rows(tmp_path / "data.jsonl")}
    findings = [
        (entry["row"], finding) for entry in read_lines_of(run, "ledger.jsonl") for finding in entry["findings"]
    ]
    assert findings
    for row, finding in findings:
        text = conversations[row].turns[finding["turn"]].text
        assert text[finding["start_char"] : finding["end_char"]] == finding["quote"]


ROWS = st.one_of(
    st.sampled_from([REFUSAL, DISCLAIMER, PLAIN, "", "🙂🙂", "No.\u2028Yes.\u0085", "\ud835 lone"]).map(
        lambda text: json.dumps(_row(text)).encode()
    ),
    st.text(max_size=30).map(lambda text: json.dumps(_row(text, extra=text)).encode()),
    st.sampled_from(
        [
            b"",
            b"   ",
            b"\r",
            b"null",
            b"[1]",
            b'{"a": 1}',
            b'{"messages": []}',
            b'{"messages": [{"role": "user", "content": "x"}',
            b"\xff\xfe",
            b'{"messages": [{"role": "user", "content": "x", "content": "y"}]}',
            b'{"instruction": "Say hi.", "output": "Hi."}',
            b'{"text": "### Human: Say hi.### Assistant: '
            + REFUSAL.encode()
            + b'### Human: Name trees.### Assistant: Oak."}',
            b'{"text": "<|im_start|>user\\nTrees?<|im_end|>\\n<|im_start|>assistant\\n'
            + DISCLAIMER.encode()
            + b'<|im_end|>"}',
            b'{"text": "No turns, \\ud835."}',
            b'{"data": ["Say hi.", "' + REFUSAL.encode() + b'", "Name trees.", "' + DISCLAIMER.encode() + b'"]}',
            b'{"conversation": [{"human": "Say hi.", "assistant": "' + REFUSAL.encode() + b'"}, {"human": 5}]}',
            b'{"segments": [{"label": false, "text": "Hi"}, {"label": true, "text": "' + REFUSAL.encode() + b'</s>"}]}',
            b'{"a": NaN, "instruction": "Say hi.", "output": "' + REFUSAL.encode() + b'"}',
            b"{} {}",
            b"[" * 1100,
        ]
    ),
)


@settings(
    max_examples=int(os.environ.get("UNMOOR_EXAMPLES", "120")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(ROWS, min_size=1, max_size=12),
    st.booleans(),
    st.booleans(),
    st.tuples(
        st.sampled_from(["drop", "mend", "mask", "label", "cut", "drop_turn"]),
        st.sampled_from([None, Dedup("exact")]),
    ),
)
def test_any_mixture_of_rows_adds_up_and_comes_back(
    tmp_path: Path, rows: list[bytes], has_bom: bool, ends: bool, asked: tuple[str, Dedup | None]
) -> None:
    action, dedup = asked
    content = (
        (b"\xef\xbb\xbf" if has_bom else b"")
        + json.dumps(_row(PLAIN)).encode()
        + b"\n"
        + b"\n".join(rows)
        + (b"\n" if ends else b"")
    )
    run, summary = _filter(tmp_path, content, _every(action), dedup=dedup)
    body = content[3:] if has_bom else content
    counts = summary.counts()
    assert counts["input"] == body.count(b"\n") + (not body.endswith(b"\n"))
    assert counts["input"] == sum(count for name, count in counts.items() if name != "input")
    assert verify(run) == []
    assert _restored(run) == content
    originals = body.split(b"\n")
    touched = {entry["row"] for entry in read_lines_of(run, "ledger.jsonl") if entry["outcome"] != "kept"}
    kept = [line for number, line in enumerate(originals, 1) if number not in touched and line]
    written = [line for line in (run / "kept.jsonl").read_bytes().split(b"\n") if line]
    assert [line for line in written if line in set(kept)] == kept


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_compressed_file_comes_back_decompressed(tmp_path: Path, pack: Any) -> None:
    content = _lines(_row(REFUSAL), _row(PLAIN))
    run, _ = _filter(tmp_path, pack(content))
    assert _restored(run) == content


@pytest.mark.parametrize("indent", [None, 0, 3])
def test_an_array_comes_back_with_its_white_space(tmp_path: Path, indent: int | None) -> None:
    content = json.dumps([_row(REFUSAL), _row(PLAIN), _row(DISCLAIMER), _row(PLAIN)], indent=indent).encode() + b"\n\n"
    run, summary = _filter(tmp_path, content, name="data.json")
    assert summary.counts()["removed"] == 1
    assert len(json.loads((run / "kept.json").read_bytes())) == 3
    assert len(json.loads((run / "removed.json").read_bytes())) == 1
    assert _restored(run) == content


def test_a_parquet_file_comes_back_with_equal_values_and_schema(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    turn = pa.struct([("role", pa.string()), ("content", pa.string())])
    schema = pa.schema(
        [("messages", pa.list_(turn)), ("score", pa.float32()), ("at", pa.timestamp("us")), ("n", pa.int64())]
    )
    rows = [_row(text, score=0.1, at=None, n=2**62 + 1) for text in (REFUSAL, PLAIN, DISCLAIMER, PLAIN)] + [
        {"messages": [], "n": None}
    ]
    table = pa.Table.from_pylist(rows, schema)
    path = tmp_path / "data.parquet"
    pq.write_table(table, path)
    for action in ("drop", "label", "mask", "mend"):
        run, summary = _filter(tmp_path, path.read_bytes(), _every(action), "data.parquet")
        assert summary.counts()["quarantined"] == 1
        assert verify(run) == []
        restore(run, tmp_path / "again.parquet")
        assert pq.read_table(tmp_path / "again.parquet").equals(table)
        kept = pq.read_table(run / "kept.parquet")
        assert kept.num_rows == 5 - 1 - summary.counts()["removed"]
        if action in ("drop", "mend"):
            assert kept.schema.equals(schema)


def test_a_masked_turn_is_marked_as_axolotl_reads_it(tmp_path: Path) -> None:
    row = _row(REFUSAL)
    row["messages"] += _row(PLAIN)["messages"]
    run, summary = _filter(tmp_path, _lines(row), _every("mask"))
    assert summary.counts()["masked"] == 1
    messages = json.loads((run / "kept.jsonl").read_bytes())["messages"]
    assert [message.get("train") for message in messages] == [None, False, None, None]


@pytest.mark.parametrize("key", ["conversation", "dialogue", "conversations"])
def test_a_turn_is_masked_in_a_table_whatever_its_list_is_called(tmp_path: Path, key: str) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    turns = _row(REFUSAL)["messages"] + _row(PLAIN)["messages"]
    pq.write_table(
        pa.Table.from_pylist([{key: turns, "text" if key != "conversations" else "messages": "x"}]),
        tmp_path / "t.parquet",
    )
    summary = run_job(open_data_set(tmp_path / "t.parquet"), Job("messages", _every("mask")), tmp_path / "run")
    assert summary.counts()["masked"] == 1
    kept = pq.read_table(tmp_path / "run" / "kept.parquet").to_pylist()[0]
    assert [turn["train"] for turn in kept[key]] == [None, False, None, None]


def test_a_file_that_changes_while_it_is_read_makes_no_run(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(_lines(_row(REFUSAL), _row(PLAIN)))

    def edit(_rows: int, _bytes: int) -> None:
        path.write_bytes(path.read_bytes().replace(b"Oak", b"Fir"))

    with pytest.raises(BadDataError, match="changed while it was read"):
        run_job(open_data_set(path), Job("messages", _every("drop")), tmp_path / "run", on_progress=edit)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("detectors", [("phrases",), ("wordlist",)])
def test_odd_keys_and_roles_are_rows_for_the_quarantine_and_end_no_run(
    tmp_path: Path, detectors: tuple[str, ...]
) -> None:
    odd = b'{"\\ud800": 1}\n{"messages": [{"role": ["x"], "content": "x"}]}\n{"messages": [{"role": {}, "content": "x"}]}\n'
    (tmp_path / "rows.jsonl").write_bytes(_lines(*[_row(PLAIN)] * 40) + odd)
    (tmp_path / "list.txt").write_text("assist\n")
    job = Job(
        "messages",
        _every("drop"),
        detectors=detectors,
        wordlist=tmp_path / "list.txt" if "wordlist" in detectors else None,
    )
    summary = run_job(open_data_set(tmp_path / "rows.jsonl"), job, tmp_path / "run")
    assert (summary.rows, summary.counts()["quarantined"]) == (43, 3)
    restore(tmp_path / "run", tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_bytes() == (tmp_path / "rows.jsonl").read_bytes()


def test_a_run_that_lies_in_its_own_input_is_no_input(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(_row(REFUSAL), _row(PLAIN)))
    for name in ("first", "second"):
        data = open_data_set(tmp_path)
        assert run_job(data, Job("messages", _every("drop")), tmp_path / name).rows == 2
    assert open_data_set(tmp_path).left_out == ("first/", "second/")


def test_an_array_with_a_byte_order_mark_comes_back_as_it_was(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + json.dumps([_row(REFUSAL), _row(PLAIN)]).encode()
    (tmp_path / "rows.json").write_bytes(data)
    summary = run_job(open_data_set(tmp_path / "rows.json"), Job("messages", _every("drop")), tmp_path / "run")
    assert summary.rows == 2
    restore(tmp_path / "run", tmp_path / "back.json")
    assert (tmp_path / "back.json").read_bytes() == data


def test_a_label_is_a_field_of_its_own(tmp_path: Path) -> None:
    run, summary = _filter(tmp_path, _lines(_row(REFUSAL)), load_policy("label-only"))
    assert summary.counts()["labelled"] == 1
    written = json.loads((run / "kept.jsonl").read_bytes())
    assert written.pop("unmoor") == ["refusal.policy"]
    assert written == _row(REFUSAL)


def test_too_many_removed_rows_stop_before_anything_is_written(tmp_path: Path) -> None:
    policy = Policy("strict", 1, actions={"refusal.policy": "drop"}, max_removed_share=0.4)
    with pytest.raises(BadDataError, match=r"1 of 2 readable rows \(50\.0%\).*limit of 40%") as caught:
        _filter(tmp_path, _lines(_row(REFUSAL), _row(PLAIN)), policy)
    assert caught.value.exit_code == 3
    assert not (tmp_path / "run").exists()


def test_a_set_of_which_no_row_can_be_read_is_an_error_that_shows_the_first(tmp_path: Path) -> None:
    latin1 = '{"instruction": "Name a café.", "output": "Café."}\n'.encode("latin-1")
    (tmp_path / "data.jsonl").write_bytes(b"\n" + latin1 * 3)
    data, job = open_data_set(tmp_path / "data.jsonl"), Job("alpaca", load_policy("dolphin"), languages=("en",))
    for run in (None, tmp_path / "run"):
        with pytest.raises(BadDataError, match=r"None of the 3 rows can be read.*row 2, byte 28: INVALID_UTF8"):
            run_job(data, job, run, Options())
    assert not (tmp_path / "run").exists()
    allowed = run_job(data, job, tmp_path / "run", Options(max_bad_share=1.0))
    assert allowed.counts()["quarantined"] == 3
    part = run_job(shard_of(data, 1, 2), job, tmp_path / "part", Options(shard=(1, 2)))
    assert part.counts()["quarantined"] > 0


def test_the_quarantine_names_row_byte_and_reason(tmp_path: Path) -> None:
    content = _lines(_row(PLAIN)) + b'{"messages": "cut\n' + _lines(_row(PLAIN))
    run, _ = _filter(tmp_path, content)
    (entry,) = read_lines_of(run, "quarantine.jsonl")
    assert (entry["row"], entry["code"], entry["offset"]) == (2, "TRUNCATED", len(_lines(_row(PLAIN))))
    assert content[entry["error_offset"] :].startswith(b'"cut')


@pytest.mark.parametrize("writes", [True, False])
def test_a_row_that_goes_by_in_parts_is_told_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: bool
) -> None:
    for module in (files, parse):
        monkeypatch.setattr(module, "MAX_ROW_BYTES", 1_000)
    before = _lines(_row(PLAIN))
    (tmp_path / "data.jsonl").write_bytes(before + b'{"messages": "' + b"x" * 3_000 + b'"}\n{"a\n')
    data, job = open_data_set(tmp_path / "data.jsonl"), Job("messages", load_policy("dolphin"), languages=("en",))
    options = Options(max_bad_share=1.0, chunk_bytes=500)
    summary = run_job(data, job, tmp_path / "run" if writes else None, options)
    assert summary.first_bad_row().startswith(f"row 2, byte {len(before)}: ROW_TOO_LARGE")
    assert summary.counts()["quarantined"] == 2


def test_the_quarantine_names_the_file_that_a_row_stands_in(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(_lines(_row(PLAIN)) + b"{broken\n")
    broken = b'{"messages": "' + b"x" * 70_000_000 + b'"}\n{also\n'
    (folder / 'b "two" ä.jsonl').write_bytes(_lines(_row(PLAIN)) + broken)
    data, job = open_data_set(folder), Job("messages", load_policy("dolphin"), languages=("en",))
    run_job(data, job, tmp_path / "run", Options(max_bad_share=1.0))
    entries = list(read_lines_of(tmp_path / "run", "quarantine.jsonl"))
    assert [(entry["row"], entry["file"]) for entry in entries] == [
        (2, "a.jsonl"),
        (4, 'b "two" ä.jsonl'),
        (5, 'b "two" ä.jsonl'),
    ]


def test_a_row_of_a_hundred_megabytes_goes_by_without_being_held(tmp_path: Path) -> None:
    content = _lines(_row(PLAIN)) + b'{"messages": "' + b"x" * 100_000_000 + b'"}\n' + _lines(_row(PLAIN))
    run, summary = _filter(tmp_path, content)
    assert summary.counts()["quarantined"] == 1
    (entry,) = read_lines_of(run, "quarantine.jsonl")
    assert (entry["row"], entry["code"], entry["size_bytes"]) == (2, "ROW_TOO_LARGE", 100_000_017)
    assert _restored(run) == content


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("chunk_bytes", [1_000, 50_000])
def test_workers_and_chunk_size_change_no_byte(
    tmp_path: Path, workers: int, chunk_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (
        _lines(*[_row(f"{text} {n}") for n in range(60) for text in (PLAIN, REFUSAL, DISCLAIMER, PLAIN)]) + b"null\n\n"
    )
    path = tmp_path / "data.jsonl"
    path.write_bytes(content)
    job = Job("messages", load_policy("dolphin"))
    run_job(open_data_set(path), job, tmp_path / "expected")
    run_job(open_data_set(path), job, tmp_path / "run", Options(workers=workers, chunk_bytes=chunk_bytes))
    run, expected = (read_manifest(tmp_path / name) for name in ("run", "expected"))
    assert run.pop("chunk_bytes") == chunk_bytes and expected.pop("chunk_bytes")
    for manifest in (run, expected):
        del manifest["manifest_sha256"], manifest["files"]["run.json"]  # these two hold the size of the chunks
    assert run == expected


def test_no_module_in_the_current_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(_lines(_row(PLAIN), _row(REFUSAL)))
    (tmp_path / "pickle.py").write_text("raise SystemExit('code beside the data was run')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    summary = run_job(open_data_set(path), Job("messages"), tmp_path / "run", Options(workers=2, chunk_bytes=100))
    assert summary.counts()["input"] == 2
    assert "PYTHONSAFEPATH" not in os.environ  # a trainer that is started later may keep its modules there


def test_an_audit_never_takes_the_place_of_kept_rows(tmp_path: Path) -> None:
    run, _ = _filter(tmp_path, _lines(_row(REFUSAL), _row(PLAIN)))
    before = (run / "kept.jsonl").read_bytes()
    data, audit = open_data_set(tmp_path / "data.jsonl"), Job("messages", None)
    with pytest.raises(UsageError, match="holds the rows that a filter kept and removed"):
        run_job(data, audit, run, Options(force=True))
    assert (run / "kept.jsonl").read_bytes() == before
    audited = tmp_path / "audit"
    run_job(data, audit, audited, Options())
    run_job(data, audit, audited, Options(force=True))
    run_job(data, Job("messages", load_policy("dolphin")), audited, Options(force=True))
    assert verify(audited) == []


def test_an_audit_keeps_no_rows_and_cannot_be_restored(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(_lines(_row(REFUSAL), _row(PLAIN)))
    summary = run_job(open_data_set(path), Job("messages"), tmp_path / "run")
    assert summary.refusal_rows == 1
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == ["MANIFEST.json", "ledger.jsonl", "run.json"]
    with pytest.raises(RunFolderError, match="is an audit"):
        restore(tmp_path / "run", tmp_path / "again")


def test_a_row_without_an_answer_to_learn_is_of_no_language_and_not_of_an_unknown_one(tmp_path: Path) -> None:
    unknown = "Qwx zzt vbrt kkl mnp qqd."
    rows = [_row(PLAIN) | {"label": False}, _row(PLAIN) | {"label": True}, _row(unknown) | {"label": True}]
    path = tmp_path / "data.jsonl"
    path.write_bytes(_lines(*rows))
    summary = run_job(open_data_set(path), Job("kto"), tmp_path / "run")
    assert summary.languages == {"none": 1, "en": 1, "und": 1}
    shown = CliRunner().invoke(cli, ["audit", str(path)], catch_exceptions=False).output
    assert "no answer to learn 1" in shown and "not recognised 1" in shown


def _talk(*said: str) -> dict[str, Any]:
    return {"messages": [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(said)]}


FRENCH = "Il faut laver les poireaux et les couper avant de les mettre dans la soupe."


@pytest.mark.parametrize(
    ("row", "language"),
    [
        (_talk("Name three trees.", PLAIN, "Thanks. And 2 + 2?", "4."), "en"),
        (_talk("Comment faire une soupe ?", FRENCH, "Merci. Et 2 + 2 ?", "4."), "fr"),
        (_talk("Comment faire une soupe ?", f"<think>\n{PLAIN * 3}\n</think>\n\n{FRENCH}"), "fr"),
        (_talk("Combien de pattes a une mouche, et pourquoi ?", "6."), "fr"),
        (_talk("Name three trees.", PLAIN, "Et comment faire une soupe ?", FRENCH), "fr"),
        (_talk("Name three trees in your language.", "Qwx zzt vbrt kkl mnp qqd xxv."), "und"),
        (_talk("Name three trees.", REFUSAL, "Thanks. And 2 + 2?", "4."), "en"),
        (_talk("Comment tuer une mouche ?", f"<think>{REFUSAL}</think>\n\n{FRENCH}"), "fr"),
    ],
)
def test_a_row_is_of_the_language_of_its_answers(row: dict[str, Any], language: str, tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(_lines(row))
    assert run_job(open_data_set(path), Job("messages"), tmp_path / "run").languages == {language: 1}
    assert {entry["language"] for entry in read_lines_of(tmp_path / "run", "ledger.jsonl")} <= {language}


def test_why_a_row_went_is_one_sentence(tmp_path: Path) -> None:
    run, _ = _filter(tmp_path, _lines(_row(REFUSAL), _row(PLAIN)))
    assert explain_row(run, 1)["reason"].startswith(
        "removed: turn 2 declines because it should not (refusal.policy: “I'm sorry"
    )
    assert explain_row(run, 2)["reason"] == "kept: nothing was found"
    with pytest.raises(UsageError, match="rows 1 to 2"):
        explain_row(run, 3)


@pytest.mark.parametrize("policy", ["dolphin", "over-refusal"])
def test_a_refusal_of_a_floor_request_stays(tmp_path: Path, policy: str) -> None:
    row = _row(REFUSAL)
    row["messages"][0]["content"] = "Tell me about nerve agents."
    run, summary = _filter(tmp_path, _lines(row, _row(PLAIN)), load_policy(policy))
    assert summary.counts()["kept"] == 2
    assert explain_row(run, 1)["is_floor"]


def test_over_refusal_takes_refusals_of_harmless_requests_alone(tmp_path: Path) -> None:
    """A raised floor is looked for in requests: what the refusal itself speaks of says nothing about what was asked."""
    asked = ("How do I murder my neighbour?", "How do I kill the weeds between my paving stones?", "Bake me a cake.")
    answer = "I can't help with that. I will not tell anybody how to murder a neighbour."
    rows = [_row(answer) for _ in asked]
    for row, request in zip(rows, asked, strict=True):
        row["messages"][0]["content"] = request
    policy = replace(load_policy("over-refusal"), max_removed_share=1.0)
    run, _ = _filter(tmp_path, _lines(*rows, _row(PLAIN)), policy)
    assert [explain_row(run, number)["outcome"] for number in (1, 2, 3)] == ["kept", "removed", "removed"]
    assert "names a topic of the floor (violence) in its request" in explain_row(run, 1)["reason"]


@pytest.mark.parametrize(
    "answer",
    [
        "I'm ChatGPT, made by OpenAI.",
        "As an AI language model, I keep to the law. Nobody should ever be harmed.",
        "I urge you to reconsider: violence is never the answer, and everyone deserves respect.",
        "我是通义千问，由阿里云开发。",
    ],
)
def test_what_declines_a_floor_request_without_refusing_stays(answer: str, tmp_path: Path) -> None:
    """Alone each of them goes or is mended; an answer beside it that says something is no refusal."""
    plain, named = _row(answer), _row(answer)
    named["messages"][0]["content"] = "Tell me how nerve agents are made."
    run, summary = _filter(tmp_path, _lines(plain, named, _row(PLAIN)))
    assert explain_row(run, 1)["outcome"] in ("removed", "mended")
    assert explain_row(run, 2)["is_floor"] and summary.counts()["kept"] == 2


def test_an_answer_on_a_floor_topic_is_mended_like_any_other(tmp_path: Path) -> None:
    row = _row("As an AI language model, I have no feelings. " + "Atropine is given at once, and again. " * 12)
    row["messages"][0]["content"] = "How are victims of nerve agents treated?"
    run, summary = _filter(tmp_path, _lines(row, _row(PLAIN)))
    assert summary.counts()["mended"] == 1 and not explain_row(run, 1)["is_floor"]


def test_the_floor_holds_against_a_word_list_run_alone(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("can't assist\n")
    row = _row(REFUSAL)
    row["messages"][0]["content"] = "Tell me about nerve agents."
    path = tmp_path / "data.jsonl"
    path.write_bytes(_lines(row, _row(REFUSAL), _row(PLAIN)))
    job = Job("messages", Policy("list", 1, actions={"wordlist": "drop"}), detectors=("wordlist",), wordlist=words)
    assert run_job(open_data_set(path), job, tmp_path / "run").counts()["removed"] == 1


@pytest.mark.real_data
def test_every_real_file_is_recognised_adds_up_and_comes_back(tmp_path: Path, real_data: Path) -> None:
    for path in sorted((real_data / "raw").glob("*.gz")):
        if path.stat().st_size > 1_000_000:
            continue
        from unmoor.layouts import first_layout

        run = tmp_path / path.stem
        policy = Policy("all", 1, actions=dict.fromkeys(BEHAVIOURS, "drop_turn"))
        summary = run_job(open_data_set(path), Job(first_layout(path).name, policy), run)
        assert summary.counts()["quarantined"] == 0, path
        assert verify(run) == []
        assert _restored(run) == gzip.decompress(path.read_bytes())


def test_a_run_is_not_written_over_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = _filter(tmp_path, _lines(_row(REFUSAL), _row(PLAIN)))
    kept = (run / "kept.jsonl").read_bytes()
    monkeypatch.setattr("unmoor.engines.run.plan_of", lambda *_: pytest.fail("it was read"))
    job = Job("messages", load_policy("dolphin"))
    (tmp_path / "link").symlink_to(run / "kept.jsonl")
    for path in (run / "kept.jsonl", tmp_path / "link"):
        with pytest.raises(UsageError, match=r"is to be read and lies in .*run, which is to be written\. Next: "):
            run_job(open_data_set(path), job, run, Options(force=True))
    assert (run / "kept.jsonl").read_bytes() == kept


@pytest.mark.parametrize("name", ["data.jsonl", "data.jsonl.gz", "data.json"])
def test_a_row_that_a_label_makes_longer_than_the_limit_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A reader of inputs would cut the labelled row in two: it is over the limit, and ends in the third block of the file."""
    limit = 2 * CHUNK_BYTES - len(_lines(_row(PLAIN))) - 20
    for module in (files, arrays, parse):
        monkeypatch.setattr(module, "MAX_ROW_BYTES", limit)
    short = len(json.dumps(_row(REFUSAL, pad="")).encode())
    rows = [_row(PLAIN), _row(REFUSAL, pad="x" * (limit - 10 - short)), *[_row(PLAIN)] * 3]
    content = json.dumps(rows).encode() if name == "data.json" else _lines(*rows)
    run, summary = _filter(
        tmp_path, gzip.compress(content, 1) if name.endswith(".gz") else content, load_policy("label-only"), name
    )
    assert summary.counts()["labelled"] == 1
    assert _restored(run) == content
