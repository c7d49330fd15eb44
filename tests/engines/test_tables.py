"""Runs over Parquet columns of every type: what is not rewritten keeps its values, what is masked or labelled has its place."""

from __future__ import annotations

import base64
import errno
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from unmoor.commands import totals
from unmoor.commands.training_rows import row_bytes
from unmoor.engines import Job, Options, Summary, merge, restore, restored_tables, run_job
from unmoor.engines.identity import schemas_of
from unmoor.errors import BadDataError, MachineError, UsageError
from unmoor.layouts import first_layout, in_schema, open_data_set, parquet, read_chunks, recognise_source, shard_of
from unmoor.layouts.types import rebuilt, without_views
from unmoor.policy import Policy, load_policy
from unmoor.records import BEHAVIOURS
from unmoor.run_folder import read_lines_of, verify

REFUSAL = "I'm sorry, but I can't assist with that request."
DISCLAIMER = (
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm."
)
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
ANSWERS = (PLAIN, REFUSAL, DISCLAIMER)
COUNT = 9
TURN = pa.struct([("role", pa.string()), ("content", pa.string())])


def _turns(answer: str, *, sharegpt: bool = False, **more: Any) -> list[dict[str, Any]]:
    said = [("user", "Name three trees."), ("assistant", PLAIN), ("user", "And more?"), ("assistant", answer)]
    if sharegpt:
        return [{"from": "human" if role == "user" else "gpt", "value": text, **more} for role, text in said]
    return [{"role": role, "content": text, **more} for role, text in said]


TURNS = [_turns(ANSWERS[n % 3]) for n in range(COUNT)]


def _policy(action: str | None = None) -> Policy:
    policy = replace(load_policy("dolphin"), max_removed_share=1.0)
    return replace(policy, actions=dict.fromkeys(BEHAVIOURS, action)) if action else policy


def _run(folder: Path, table: pa.Table, action: str | None = None) -> tuple[Path, Summary]:
    path, run = folder / "data.parquet", folder / "run"
    pq.write_table(table, path, row_group_size=4)
    data = open_data_set(path)
    job = Job(first_layout(path).name, _policy(action), languages=("en",))
    summary = run_job(data, job, run, Options(force=True, chunk_bytes=100))
    assert verify(run) == []
    restore(run, folder / "again.parquet")
    again = pq.ParquetFile(folder / "again.parquet").read()
    assert again.schema.equals(table.schema) and again.num_rows == table.num_rows
    return run, summary


def _outcomes(run: Path, outcome: str) -> list[int]:
    return [entry["row"] for entry in read_lines_of(run, "ledger.jsonl") if entry["outcome"] == outcome]


COLUMNS: dict[str, Callable[[], Any]] = {
    "nanoseconds": lambda: pa.array([1700000000123456789 + n for n in range(COUNT)], pa.timestamp("ns")),
    "zone": lambda: pa.array([1700000000123456789 + n for n in range(COUNT)], pa.timestamp("ns", "Europe/Berlin")),
    "no such zone": lambda: pa.array(range(COUNT), pa.timestamp("us", "No/Where")),
    "year 11000": lambda: pa.array([300_000_000_000_000_000] * COUNT, pa.timestamp("us")),
    "date": lambda: pa.array([3_000_000] * COUNT, pa.date32()),
    "time": lambda: pa.array([123456789] * COUNT, pa.time64("ns")),
    "duration": lambda: pa.array([123456789] * COUNT, pa.duration("ns")),
    "view": lambda: pa.array(["x", None, "y"] * 3, pa.string_view()),
    "bytes view": lambda: pa.array([b"x", None, b"\xff"] * 3, pa.binary_view()),
    "views inside": lambda: pa.array([["x"], None, [None]] * 3, pa.list_(pa.string_view())),
    "no UTF-8": lambda: pa.Array.from_buffers(
        pa.string(), COUNT, [None, pa.array(range(COUNT + 1), pa.int32()).buffers()[1], pa.py_buffer(b"\xff" * COUNT)]
    ),
    "name twice": lambda: pa.StructArray.from_arrays([pa.array(range(COUNT))] * 2, names=["a", "a"]),
    "dictionary": lambda: pa.array(["x", None, "y"] * 3).dictionary_encode(),
    "map": lambda: pa.array([[("a", 1), ("a", 2)]] * COUNT, pa.map_(pa.string(), pa.int64())),
    "views in a map": lambda: pa.array(
        [[("a", "x"), ("b", None)], None, []] * 3, pa.map_(pa.string_view(), pa.string_view())
    ),
    "null": lambda: pa.nulls(COUNT),
}


@pytest.mark.parametrize("action", [None, "label", "mask"])
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_that_is_not_read_goes_by_untouched(tmp_path: Path, kind: str, action: str | None) -> None:
    column = COLUMNS[kind]()
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "more": column})
    run, summary = _run(tmp_path, table, action)
    assert summary.counts()["quarantined"] == 0
    kept, again = pq.read_table(run / "kept.parquet"), pq.read_table(tmp_path / "again.parquet")
    assert str(again["more"].combine_chunks()) == str(column)
    assert kept["more"].type == column.type
    if not summary.counts()["removed"]:
        assert str(kept["more"].combine_chunks()) == str(column)


def test_times_in_nanoseconds_need_no_pandas(tmp_path: Path) -> None:
    turns = [[{**turn, "at": 1_700_000_000_123_456_789} for turn in row] for row in [_turns(PLAIN)] * COUNT]
    kind = pa.list_(pa.struct([*TURN, ("at", pa.timestamp("ns"))]))
    times = {"time": COLUMNS["nanoseconds"](), "zone": COLUMNS["zone"](), "duration": COLUMNS["duration"]()}
    table = pa.table({"messages": pa.array(turns, kind), **times})
    pq.write_table(table, tmp_path / "data.parquet")
    code = "import sys; sys.modules['pandas'] = None; from unmoor.commands import main; main()"
    for verb in (["audit", "data.parquet"], ["filter", "data.parquet", "-o", "run"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *verb], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert pq.read_table(tmp_path / "run" / "kept.parquet").equals(table)


class _Keys(encryption.KmsClient):  # type: ignore[misc]
    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        return key_bytes.hex()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> bytes:
        return bytes.fromhex(wrapped_key)


@pytest.mark.parametrize("is_plain", [True, False])
def test_an_encrypted_table_is_called_what_it_is(tmp_path: Path, is_plain: bool) -> None:
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "x": range(COUNT)})
    told = encryption.EncryptionConfiguration("f", column_keys={"c": ["x"]}, plaintext_footer=is_plain)
    keys = encryption.CryptoFactory(lambda _config: _Keys())
    secret = keys.file_encryption_properties(encryption.KmsConnectionConfig(), told)
    pq.write_table(table, tmp_path / "data.parquet", encryption_properties=secret)
    with pytest.raises(UsageError, match=r"data\.parquet is Parquet with .*encrypt"):
        first_layout(tmp_path / "data.parquet")


@pytest.mark.parametrize("is_named_element", [True, False])
@pytest.mark.parametrize("action", [None, "mask", "label"])
def test_the_items_of_a_list_keep_their_name(tmp_path: Path, action: str | None, is_named_element: bool) -> None:
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "x": [[[1], []]] * COUNT})
    pq.write_table(table, tmp_path / "data.parquet", use_compliant_nested_type=is_named_element)
    job = Job("messages", _policy(action), languages=("en",))
    run_job(open_data_set(tmp_path / "data.parquet"), job, tmp_path / "run")
    restore(tmp_path / "run", tmp_path / "again.parquet")
    paths = [
        [column.path for column in map(pq.ParquetFile(path).schema.column, range(3))]
        for path in (tmp_path / "data.parquet", tmp_path / "again.parquet", tmp_path / "run" / "kept.parquet")
    ]
    name = "element" if is_named_element else "item"
    assert paths[0] == paths[1] and paths[0][2] == f"x.list.{name}.list.{name}"
    assert paths[2] == paths[0] or action == "mask"


TIME = pa.timestamp("us")
TIMES: list[tuple[Any, Callable[[datetime], Any]]] = [
    (TIME, lambda time: time),
    (pa.list_(pa.struct([("at", TIME)])), lambda time: [{"at": time}, None]),
    (pa.map_(pa.string(), TIME), lambda time: [("at", time)]),
]


@pytest.mark.parametrize(("kind", "wrap"), TIMES)
@pytest.mark.parametrize("year", [1, 2262, 9999])
def test_times_that_would_come_out_as_others_are_refused_with_the_way_out(
    tmp_path: Path, year: int, kind: Any, wrap: Callable[[datetime], Any]
) -> None:
    times = [wrap(datetime(2024, 1, 1)), None, wrap(datetime(year, 12, 31))] * 3
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "x": pa.array(times, kind)})
    pq.write_table(table, tmp_path / "data.parquet", use_deprecated_int96_timestamps=True)
    job = Job("messages", _policy(), languages=("en",))
    with pytest.raises(BadDataError, match=r"column 'x.*INT96") as caught:
        run_job(open_data_set(tmp_path / "data.parquet"), job, tmp_path / "run")
    command = str(caught.value).split("Next: ")[1].split(", then")[0].replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    run_job(open_data_set(tmp_path / "rows.parquet"), job, tmp_path / "run")
    restore(tmp_path / "run", tmp_path / "again.parquet")
    again = pq.ParquetFile(tmp_path / "again.parquet").read()
    assert again["x"].to_pylist() == table["x"].to_pylist()


def test_a_row_with_values_that_cannot_be_read_is_shown_as_json_all_the_same(tmp_path: Path) -> None:
    table = pa.table({"question": ["Name a tree."], "at": pa.array([3_000_000], pa.date32())})
    pq.write_table(table, tmp_path / "data.parquet")
    ((_, raw),) = row_bytes(tmp_path / "data.parquet")
    assert json.loads(raw) == {"question": "Name a tree.", "at": "<date32[day], which cannot be read>"}


def test_text_that_is_broken_is_a_row_in_the_quarantine(tmp_path: Path) -> None:
    texts = pa.array(ANSWERS * 3)
    broken = pa.Array.from_buffers(
        pa.string(),
        COUNT,
        [None, texts.buffers()[1], pa.py_buffer(texts.buffers()[2].to_pybytes().replace(b"Oak", b"O\xffk", 1))],
    )
    run, summary = _run(tmp_path, pa.table({"question": ["Name three trees."] * COUNT, "answer": broken}))
    (entry,) = read_lines_of(run, "quarantine.jsonl")
    assert (entry["row"], entry["code"]) == (1, "INVALID_UTF8") and "'answer' holds bytes" in entry["message"]
    assert summary.counts()["input"] == COUNT


def test_a_column_of_turns_that_stands_twice_is_read_by_nobody(tmp_path: Path) -> None:
    turns = pa.array(TURNS, pa.list_(TURN))
    table = pa.Table.from_arrays([turns, turns, pa.array(range(COUNT))], names=["messages", "messages", "id"])
    pq.write_table(table, tmp_path / "data.parquet")
    job = Job("messages", _policy(), languages=("en",))
    run_job(open_data_set(tmp_path / "data.parquet"), job, tmp_path / "run", Options(max_bad_share=1.0))
    assert {entry["code"] for entry in read_lines_of(tmp_path / "run", "quarantine.jsonl")} == {"DUPLICATE_KEY"}


def test_other_columns_of_one_name_come_back(tmp_path: Path) -> None:
    turns = pa.array(TURNS, pa.list_(TURN))
    table = pa.Table.from_arrays([turns, pa.array(range(COUNT)), pa.array("abcdefghi")], names=["messages", "a", "a"])
    for action in (None, "label"):
        _run(tmp_path, table, action)
        assert pq.ParquetFile(tmp_path / "again.parquet").read().equals(table)


LISTS = {
    "list": pa.list_(TURN),
    "large": pa.large_list(TURN),
    "fixed": pa.list_(TURN, 4),
    "no nulls": pa.list_(pa.field("element", pa.struct([pa.field("role", pa.string(), False), TURN.field(1)]), False)),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("key", ["messages", "conversations", "conversation", "dialogue"])
def test_mask_says_in_each_turn_whether_it_is_trained_on(tmp_path: Path, key: str, kind: str) -> None:
    table = pa.table({key: pa.array(TURNS, LISTS[kind]), "id": range(COUNT)})
    run, _ = _run(tmp_path, table, "mask")
    masked = _outcomes(run, "masked")
    kept = pq.read_table(run / "kept.parquet").to_pylist()
    assert masked and [row["id"] + 1 for row in kept if any(turn["train"] is False for turn in row[key])] == masked
    assert pq.read_table(tmp_path / "again.parquet").equals(table)


def test_mask_and_labels_find_their_place_beside_other_columns(tmp_path: Path) -> None:
    sharegpt = pa.array([_turns(ANSWERS[n % 3], sharegpt=True) for n in range(COUNT)])
    for table in (
        pa.table({"messages": ["a text"] * COUNT, "conversations": pa.array(TURNS, pa.list_(TURN))}),
        pa.table({"messages": pa.nulls(COUNT, pa.list_(TURN)), "conversations": sharegpt}),
        pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "unmoor": [["old"]] * COUNT}),
        pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), "unmoor": pa.nulls(COUNT)}),
        pa.table({"messages": pa.array([[{**t, "train": None} for t in turns] for turns in TURNS])}),
    ):
        for action in ("mask", "label"):
            run, _ = _run(tmp_path, table, action)
            changed = _outcomes(run, {"mask": "masked", "label": "labelled"}[action])
            kept = pq.read_table(run / "kept.parquet").drop_columns(["id"] if "id" in table.column_names else [])
            before = [table.slice(n, 1).to_pylist() for n in range(COUNT)]
            after = [kept.slice(n, 1).to_pylist() for n in range(COUNT)]
            is_changed = [
                json.dumps(a[0]).count('"train": false') == 1
                if action == "mask"
                else a[0]["unmoor"] not in (None, ["old"])
                for a in after
            ]
            assert changed and [n + 1 for n in range(COUNT) if is_changed[n]] == changed, (table.schema, action)
            assert len(before) == len(after)


@pytest.mark.parametrize("action", ["drop_turn", "cut"])
def test_a_turn_can_go_from_a_list_of_a_fixed_size(tmp_path: Path, action: str) -> None:
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN, 4))})
    run, summary = _run(tmp_path, table, action)
    assert summary.counts()["mended"] and not summary.counts()["removed"]
    kept = pq.read_table(run / "kept.parquet").to_pylist()
    assert {len(row["messages"]) for row in kept} == {2, 4} or {len(row["messages"]) for row in kept} == {2, 3, 4}
    assert pq.read_table(tmp_path / "again.parquet").equals(table)


@pytest.mark.parametrize(
    ("table", "action", "words"),
    [
        (
            lambda: {"messages": pa.array(TURNS), "unmoor": [5] * COUNT},
            "label",
            r"column unmoor, .* type int64 already",
        ),
        (lambda: {"messages": pa.array(TURNS), "unmoor": ["x"] * COUNT}, "label", "Next: rename that column"),
        (
            lambda: {"messages": pa.array(TURNS), "unmoor": pa.array([["x"]] * COUNT, pa.list_(pa.string(), 1))},
            "label",
            "Next: rename that column",
        ),
        (lambda: {"messages": pa.array([_turns(PLAIN, train=1)] * COUNT)}, "mask", r"of messages, .* is of type int64"),
        (lambda: {"messages": pa.array([_turns(PLAIN, train="yes")] * COUNT)}, "mask", "Next: cast that field to bool"),
    ],
)
def test_a_place_that_is_taken_is_said_before_a_row_is_written(
    tmp_path: Path, table: Callable[[], dict[str, Any]], action: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        _run(tmp_path, pa.table(table()), action)
    assert not (tmp_path / "run").exists()


def test_a_value_that_python_cannot_hold_is_not_rewritten(tmp_path: Path) -> None:
    turns = [[{**turn, "at": 1_700_000_000_123_456_789} for turn in row] for row in TURNS]
    kind = pa.list_(pa.struct([*TURN, ("at", pa.timestamp("ns"))]))
    table = pa.table({"messages": pa.array(turns, kind)})
    with pytest.raises(UsageError, match=r"column messages is of type .*nanoseconds\. Next: cast the column"):
        _run(tmp_path, table)


@pytest.mark.parametrize("action", [None, "label", "mask", "drop_turn"])
@pytest.mark.parametrize("is_in_parts", [False, True])
def test_turns_with_a_field_of_type_null_come_back(tmp_path: Path, action: str | None, is_in_parts: bool) -> None:
    turns: list[Any] = [_turns(ANSWERS[n % 3], name=None) for n in range(COUNT)]
    if is_in_parts:
        turns = [
            [{**turn, "content": [{"type": "text", "text": turn["content"], "image": None}]} for turn in row]
            for row in turns
        ]
    table = pa.table({"messages": pa.array(turns)})
    _run(tmp_path, table, action)
    assert pq.read_table(tmp_path / "again.parquet").equals(table)


def _write_views(table: pa.Table, path: Path) -> None:
    """Write a table with views as other programs do: pyarrow reads them, and writes none inside of lists."""
    plain = pa.schema([field.with_type(rebuilt(field.type, without_views)) for field in table.schema])
    told = base64.b64encode(table.schema.serialize().to_pybytes())
    with pq.ParquetWriter(path, plain, store_schema=False) as file:
        file.write_table(in_schema(table, plain))
        file.add_key_value_metadata({"ARROW:schema": told})
    assert pq.read_table(path).equals(table)


def test_turns_of_views_with_a_field_of_type_null_in_a_list_come_back(tmp_path: Path) -> None:
    views = pa.struct([("role", pa.string_view()), ("content", pa.string_view())])
    nested = pa.list_(pa.struct([("a", pa.int64()), ("b", pa.null())]))
    turns = [[{**turn, "more": [{"a": 1}, {"a": 2}]} for turn in row] for row in TURNS]
    table = pa.table({"messages": pa.array(turns, pa.list_(pa.struct([*views, ("more", nested)])))})
    _write_views(table, tmp_path / "data.parquet")
    run_job(
        open_data_set(tmp_path / "data.parquet"),
        Job("messages", _policy(), languages=("en",)),
        tmp_path / "run",
        Options(chunk_bytes=100),
    )
    assert _outcomes(tmp_path / "run", "mended")
    restore(tmp_path / "run", tmp_path / "again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(table)


def test_an_undesirable_pair_of_messages_is_not_said_to_be_masked_where_it_is_not(tmp_path: Path) -> None:
    rows = [{"prompt": row[:1], "completion": row[3:], "label": True} for row in TURNS]
    run, summary = _run(tmp_path, pa.Table.from_pylist(rows), "mask")
    assert not _outcomes(run, "masked") and summary.counts()["removed"]


def _two(folder: Path, first: dict[str, Any], other: dict[str, Any]) -> Path:
    (folder / "rows").mkdir()
    for name, more in (("a b", first), ("c", other)):
        table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN)), **more})
        pq.write_table(table, folder / "rows" / f"{name}.parquet")
    return folder / "rows"


DAYS = pa.array([1] * COUNT, pa.timestamp("ms"))


@pytest.mark.parametrize(
    ("first", "other", "words"),
    [
        (
            {"x": [1] * COUNT},
            {"x": [0.5] * COUNT},
            "the column 'x' is double and not int64 in .*c.parquet, unlike in .*b.parquet",
        ),
        (
            {"x": DAYS},
            {"x": DAYS.cast(pa.timestamp("us"))},
            r"the column 'x' is timestamp\[us\] and not timestamp\[ms\]",
        ),
    ],
)
def test_tables_of_two_kinds_are_told_apart_at_once_and_can_be_joined(
    tmp_path: Path, first: dict[str, Any], other: dict[str, Any], words: str
) -> None:
    data = open_data_set(_two(tmp_path, first, other))
    job = Job("messages", _policy(), languages=("en",))
    with pytest.raises(UsageError, match=words) as caught:
        run_job(data, job, tmp_path / "run")
    assert run_job(data, replace(job, policy=None)).rows == 2 * COUNT  # an audit writes no rows
    command = str(caught.value).split("joined: ")[1].replace("python", sys.executable, 1)
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert run_job(open_data_set(tmp_path / "rows.parquet"), job, tmp_path / "run").rows == 2 * COUNT


@pytest.mark.parametrize("place", ["a", "c"])
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("has_footer", [False, True], ids=["no bytes", "no row groups"])
def test_a_file_without_rows_among_tables_comes_back(tmp_path: Path, place: str, shards: int, has_footer: bool) -> None:
    folder, table = tmp_path / "set", pa.table({"messages": pa.array(TURNS, pa.list_(TURN))})
    folder.mkdir()
    for name in {"a", "b", "c", "d"} - {place}:
        pq.write_table(table, folder / f"{name}.parquet")
    empty = f"{place}.parquet"
    (folder / empty).touch()
    if has_footer:
        pq.ParquetWriter(folder / empty, table.schema).close()
    data, job = open_data_set(folder), Job(first_layout(folder).name, _policy(), languages=("en",))
    parts = [tmp_path / str(number) for number in range(1, shards + 1)]
    for number, part in enumerate(parts, 1):
        whole = shards == 1
        run_job(
            data if whole else shard_of(data, number, shards),
            job,
            part,
            Options(shard=None if whole else (number, shards)),
        )
    run = tmp_path / "run" if shards > 1 else parts[0]
    if shards > 1:
        merge(parts, run)
    assert restore(run, tmp_path / "again") == 3 * COUNT
    assert (tmp_path / "again" / empty).stat().st_size == 0 or pq.read_schema(
        tmp_path / "again" / empty
    ) == table.schema
    rows = {path.name: pq.read_table(path).num_rows for path in (tmp_path / "again").iterdir() if path.stat().st_size}
    without = {empty: 0} if has_footer else {}
    assert rows == {f"{name}.parquet": COUNT for name in {"a", "b", "c", "d"} - {place}} | without


@pytest.mark.parametrize("shards", [1, 2])
def test_tables_that_differ_in_what_is_said_of_them_alone_make_one_run(tmp_path: Path, shards: int) -> None:
    data = _two(tmp_path, {"x": [1] * COUNT}, {"x": [2] * COUNT})
    table = pq.read_table(data / "c.parquet").replace_schema_metadata({"made": "here"})
    pq.write_table(table, data / "c.parquet")
    job = Job("messages", _policy(), languages=("en",))
    if shards == 1:
        run_job(open_data_set(data), job, tmp_path / "run")
    else:
        for number in (1, 2):
            cut = shard_of(open_data_set(data), number, 2)
            run_job(cut, job, tmp_path / str(number), Options(shard=(number, 2)))
        merge([tmp_path / "1", tmp_path / "2"], tmp_path / "run")
    restore(tmp_path / "run", tmp_path / "again")
    for name in ("a b.parquet", "c.parquet"):
        before, after = (pq.read_table(folder / name) for folder in (data, tmp_path / "again"))
        assert after.equals(before) and after.schema.equals(before.schema, check_metadata=True)


def test_shards_of_two_kinds_are_not_joined(tmp_path: Path) -> None:
    data = open_data_set(_two(tmp_path, {"x": [1] * COUNT}, {"x": ["a"] * COUNT}))
    job = Job("messages", _policy(), languages=("en",))
    for number in (1, 2):
        run_job(shard_of(data, number, 2), job, tmp_path / str(number), Options(shard=(number, 2)))
    with pytest.raises(UsageError, match=r"the column 'x' is string and not int64\. Next: a run for each kind"):
        merge([tmp_path / "1", tmp_path / "2"], tmp_path / "whole")


NAMED = pa.struct([*TURN, ("name", pa.null())])
NESTED = pa.list_(pa.struct([("a", pa.null()), ("b", pa.list_(pa.null()))]))
"""What pandas and others write of parts in which nothing has a name, or a list is always empty."""


def _named(kind: Any) -> pa.Array:
    return pa.array([[{**turn, "name": None} for turn in row] for row in TURNS], pa.list_(kind))


JOINED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"x": ["a"] * COUNT}),
    ({"x": ["a"] * COUNT, "y": [1] * COUNT}, {"y": [2] * COUNT}),
    ({"x": pa.nulls(COUNT)}, {"x": ["a", None, "b"] * 3}),
    ({"x": ["a", None, "b"] * 3}, {"x": pa.nulls(COUNT)}),
    ({"x": pa.array(["a", None, "b"] * 3, pa.large_string())}, {"x": ["c"] * COUNT}),
    ({"x": [1] * COUNT, "y": ["a"] * COUNT}, {"y": ["b"] * COUNT, "x": [2] * COUNT}),
    ({"x": pa.array([1, None, 3] * 3, pa.int16())}, {"x": [2**40] * COUNT}),
    (
        {"x": pa.array([[None], None, []] * 3, pa.list_(pa.null()))},
        {"x": pa.array([["a"]] * COUNT, pa.large_list(pa.string()))},
    ),
    (
        {"x": pa.array([[{"a": None, "b": [None]}, None], None, []] * 3, NESTED)},
        {"x": [[{"a": {"c": [1.5]}, "b": [True], "d": "e"}]] * COUNT},
    ),
    ({"messages": _named(NAMED)}, {"messages": _named(pa.struct([*TURN, ("name", pa.string())]))}),
    ({"messages": _named(NAMED)}, {}),
    ({"x": pa.nulls(COUNT)}, {"x": pa.array(["a", None, "b"] * 3, pa.string_view())}),
    ({"x": pa.array([b"a", None, b"b"] * 3, pa.binary_view())}, {}),
    (
        {"x": pa.array([{"a": "b"}, None, {"a": None}] * 3, pa.struct([("a", pa.string_view())]))},
        {"x": [{"c": [1]}] * COUNT},
    ),
    ({"x": pa.array([1, None, 255] * 3, pa.uint8())}, {"x": pa.array([-1] * COUNT, pa.int16())}),
]


@pytest.mark.parametrize("action", ["drop", "drop_turn", "mask", "label"])
@pytest.mark.parametrize(("first", "other"), JOINED)
def test_tables_in_which_nothing_would_be_lost_make_one_run_and_come_back_as_they_were(
    tmp_path: Path, first: dict[str, Any], other: dict[str, Any], action: str
) -> None:
    folder = _two(tmp_path, first, other)
    before = [pq.read_table(path) for path in sorted(folder.iterdir())]
    assert not before[0].schema.equals(before[1].schema)
    for name, count in (("whole", 1), ("parts", 2)):
        for number in range(1, count + 1):
            cut = shard_of(open_data_set(folder), number, count)
            options = Options(shard=(number, count)) if count > 1 else Options()
            run_job(cut, Job("messages", _policy(action), languages=("en",)), tmp_path / f"{name}-{number}", options)
    merge([tmp_path / "parts-1", tmp_path / "parts-2"], tmp_path / "parts")
    for run in (tmp_path / "whole-1", tmp_path / "parts"):
        assert not verify(run)
        restore(run, tmp_path / f"again-{run.name}")
        after = [pq.read_table(path) for path in sorted((tmp_path / f"again-{run.name}").iterdir())]
        for was, is_now in zip(before, after, strict=True):
            assert is_now.schema.equals(was.schema, check_metadata=True)
            assert is_now.equals(was)
    kept, parts = (pq.read_table(run / "kept.parquet") for run in (tmp_path / "whole-1", tmp_path / "parts"))
    assert kept.equals(parts) and {*before[0].column_names, *before[1].column_names} <= {*kept.column_names}
    assert 0 < kept.num_rows <= 2 * COUNT


REQUIRED = pa.struct([pa.field("a", pa.int64(), nullable=False)])


@pytest.mark.parametrize(
    "field",
    [
        pa.field("x", pa.int64(), nullable=False),
        pa.field("x", REQUIRED),
        pa.field("x", pa.list_(pa.field("item", REQUIRED, nullable=False)), nullable=False),
    ],
    ids=str,
)
def test_a_column_that_must_have_a_value_in_one_table_may_be_missing_in_another(
    tmp_path: Path, field: pa.Field
) -> None:
    folder = _two(tmp_path, {}, {"x": pa.array([{"b": "c"}] * COUNT)} if field.type == REQUIRED else {})
    value = {pa.types.is_struct: {"a": 1}, pa.types.is_list: [{"a": 1}, {"a": 2}]}
    values = [next((one for is_kind, one in value.items() if is_kind(field.type)), 1)] * COUNT
    table = pa.table({"messages": pa.array(TURNS, pa.list_(TURN))})
    pq.write_table(table.append_column(field, pa.array(values, field.type)), folder / "b.parquet")
    before = [pq.read_table(path) for path in sorted(folder.iterdir())]
    run_job(open_data_set(folder), Job("messages", _policy("label"), languages=("en",)), tmp_path / "run")
    restore(tmp_path / "run", tmp_path / "again")
    after = [pq.read_table(path) for path in sorted((tmp_path / "again").iterdir())]
    assert [table.schema for table in after] == [table.schema for table in before]
    assert after == before


def test_a_table_without_columns_beside_others_is_rows_for_the_quarantine(tmp_path: Path) -> None:
    folder = _two(tmp_path, {}, {})
    pq.write_table(pa.table({"x": [1, 2]}).select([]), folder / "b.parquet")
    summary = run_job(open_data_set(folder), Job("messages", _policy(), languages=("en",)), tmp_path / "run")
    assert summary.counts()["input"] == 2 * COUNT + pq.read_metadata(folder / "b.parquet").num_rows
    assert not verify(tmp_path / "run")
    restore(tmp_path / "run", tmp_path / "again")
    assert pq.read_table(tmp_path / "again" / "b.parquet").num_columns == 0
    assert pq.read_table(tmp_path / "again" / "c.parquet") == pq.read_table(folder / "c.parquet")


@pytest.mark.parametrize("big", [1, 2**64 - 1])
def test_whole_numbers_that_the_other_type_cannot_hold_are_two_kinds_of_tables_and_no_damage(
    tmp_path: Path, big: int
) -> None:
    folder = _two(tmp_path, {"x": pa.array([-1] * COUNT, pa.int64())}, {"x": pa.array([big] * COUNT, pa.uint64())})
    with pytest.raises(UsageError, match="'x' is uint64 and not int64"):
        run_job(open_data_set(folder), Job("messages", _policy(), languages=("en",)), tmp_path / "run")


@pytest.mark.parametrize("long_rows", [range(1, 300), range(150, 300), range(299, 300)], ids=str)
def test_long_rows_after_short_ones_are_read_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, long_rows: range
) -> None:
    monkeypatch.setattr(parquet, "_LARGE_BATCH_BYTES", 20_000)
    monkeypatch.setattr(parquet, "_MOST_BATCH_BYTES", 40_000)
    table = pa.table({"text": ["x" * 5_000 if n in long_rows else "Hi" for n in range(300)], "n": range(300)})
    path = tmp_path / "data.parquet"
    pq.write_table(table, path, row_group_size=200)
    tables = [chunk.table for chunk in read_chunks(recognise_source(path), 10_000)]
    assert pa.concat_tables(tables).equals(table)
    assert max(each.nbytes for each in tables) < 30_000
    assert len(tables) < 2 + len(long_rows)


def test_one_row_that_unfolds_to_more_than_is_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_MOST_BATCH_BYTES", 40_000)
    pq.write_table(pa.table({"text": ["Hi", "x" * 50_000]}), tmp_path / "data.parquet")
    with pytest.raises(BadDataError, match=r"a row of row group 0 unfolds to 50,.*Next: .*column 'text'"):
        list(read_chunks(recognise_source(tmp_path / "data.parquet"), 10_000))


def test_rows_that_the_footer_counts_and_the_reader_passes_over_are_not_lost_in_silence(tmp_path: Path) -> None:
    table = pa.table({"messages": pa.array([TURNS[0], None], pa.list_(TURN)), "n": [1, 2]})
    pq.write_table(table, tmp_path / "data.parquet", row_group_size=1, data_page_size=1)  # begins with an empty page
    with pytest.raises(
        BadDataError, match=r"0 of the 1 rows of row group 0 can be read.*Next: .*duckdb.*data\.parquet"
    ):
        list(read_chunks(recognise_source(tmp_path / "data.parquet")))


def test_what_hugging_face_notes_of_a_table_is_not_kept_where_its_types_are_no_longer_true(tmp_path: Path) -> None:
    folder = _two(tmp_path, {"x": pa.nulls(COUNT)}, {"x": ["a"] * COUNT})
    for path in folder.iterdir():
        table = pq.read_table(path)
        pq.write_table(table.replace_schema_metadata({"huggingface": "{}", "made": "here"}), path)
    run_job(open_data_set(folder), Job("messages", _policy(), languages=("en",)), tmp_path / "run")
    told = pq.read_schema(tmp_path / "run" / "kept.parquet").metadata
    assert told[b"made"] == b"here" and b"huggingface" not in told
    restore(tmp_path / "run", tmp_path / "again")
    assert pq.read_schema(tmp_path / "again" / "c.parquet").metadata[b"huggingface"] == b"{}"


def test_a_rule_that_masks_has_its_place_in_the_schema(tmp_path: Path) -> None:
    path, run = tmp_path / "data.parquet", tmp_path / "run"
    pq.write_table(pa.table({"messages": pa.array(TURNS, pa.list_(TURN))}), path, row_group_size=4)
    policy = replace(_policy("keep"), rules={"*": "mask"})
    run_job(open_data_set(path), Job("messages", policy, languages=("en",)), run, Options(chunk_bytes=100))
    assert _outcomes(run, "masked")
    assert "train" in str(pq.read_table(run / "kept.parquet").schema.field("messages").type)


@pytest.mark.parametrize(("kind", "times"), [(pa.timestamp("us"), 1), (pa.timestamp("ns"), 2)])
def test_the_footer_of_a_table_among_several_is_read_once_but_for_times_of_spark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any, times: int
) -> None:
    for name in ("a", "b"):
        at = pa.array([datetime(2026, 1, 1)] * COUNT, kind)
        pq.write_table(pa.table({"messages": TURNS, "at": at}), tmp_path / f"{name}.parquet")
    opened: list[str] = []
    seen = parquet.for_random_access
    monkeypatch.setattr(parquet, "for_random_access", lambda path: opened.append(path.name) or seen(path))
    monkeypatch.setattr(totals, "for_random_access", parquet.for_random_access)
    data = open_data_set(tmp_path)
    schemas_of(data, is_shard=False)
    assert totals.total_to_read(data) == 2 * COUNT
    assert sorted(opened) == ["a.parquet"] * times + ["b.parquet"] * times


def _of_three_outcomes(folder: Path, count: int, **columns: Any) -> tuple[pa.Table, Path]:
    """Write a run over rows that are kept, removed and labelled in turn; return the rows and the run."""
    actions = {**dict.fromkeys(BEHAVIOURS, "label"), "refusal.policy": "drop"}
    turns = pa.array([_turns(ANSWERS[n % 3]) for n in range(count)], pa.list_(TURN))
    table = pa.table({"messages": turns, "n": range(count), **columns})
    pq.write_table(table, folder / "data.parquet")
    policy = replace(_policy(), actions=actions, thresholds=dict.fromkeys(BEHAVIOURS, 0.1))
    job = Job("messages", policy, languages=("en",))
    run_job(open_data_set(folder / "data.parquet"), job, folder / "run")
    return table, folder / "run"


@pytest.mark.parametrize("group_bytes", [restored_tables._GROUP_BYTES, 20_000])
def test_rows_of_changing_outcomes_come_back_in_row_groups_of_a_sensible_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group_bytes: int
) -> None:
    monkeypatch.setattr(restored_tables, "_GROUP_BYTES", group_bytes)
    monkeypatch.setattr(restored_tables, "read_chunks", lambda source: read_chunks(source, 5_000))
    table, run = _of_three_outcomes(tmp_path, 300)
    assert {"removed", "labelled"} == {entry["outcome"] for entry in read_lines_of(run, "ledger.jsonl")}
    restore(run, tmp_path / "again.parquet")
    again = pq.ParquetFile(tmp_path / "again.parquet", page_checksum_verification=True)
    assert again.read().equals(table)
    assert again.num_row_groups <= table.nbytes // group_bytes + 1


def test_a_row_of_many_values_that_was_taken_beside_short_ones_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_MOST_VALUES_PER_ROW", 10_000)
    sound = [list(range(25_000)) if n == 1 else [n] for n in range(3)]
    table, run = _of_three_outcomes(tmp_path, 3, sound=sound)
    restore(run, tmp_path / "again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(table)
    with pytest.raises(BadDataError, match=r"row group 0, of 1 rows, unfolds to 25,000 values.*Next: .*column 'sound"):
        list(read_chunks(recognise_source(run / "removed.parquet")))


FAULTS = [
    (pa.ArrowMemoryError("realloc of size 33554432 failed"), MachineError, "ran out of memory. Next: --workers 1"),
    (OSError(errno.EIO, "Error reading bytes from file"), MachineError, "cannot be read: Input/output error.*Next"),
    (OSError("Unexpected end of stream"), BadDataError, "is damaged: Unexpected end of stream. Next: .*duckdb"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["memory", "disk", "damage"])
@pytest.mark.parametrize("reading", ["ParquetFile.iter_batches", "ParquetFile", "read_metadata"])
def test_a_lack_of_memory_and_a_failing_disk_are_not_damaged_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[Exception, type[Exception], str], reading: str
) -> None:
    raised, kind, words = fault

    def fail(*_: object, **__: object) -> None:
        raise raised

    data = open_data_set(_two(tmp_path, {}, {"x": [1] * COUNT}))
    monkeypatch.setattr(f"pyarrow.parquet.{reading}", fail)
    with pytest.raises(kind, match=words):
        shard_of(data, 1, 2)
        parquet.schemas_held_alike([replace(source, schema=None) for source in data.files])
        list(read_chunks(data.files[0]))
