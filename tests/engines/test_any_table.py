"""A table of any types, rows of which went and others of which were rewritten, comes back bit for bit and type for type."""

from __future__ import annotations

import base64
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from unmoor.engines import Job, Options, restore, run_job
from unmoor.layouts import in_schema, open_data_set
from unmoor.layouts.types import is_list, rebuilt, without_views
from unmoor.policy import load_policy
from unmoor.records import BEHAVIOURS
from unmoor.run_folder import read_lines_of, verify

ANSWERS = (
    "Oak, ash and elm are three trees that grow well in a cool climate.",
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm.",
)
COUNT = 10
ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "+05:30", "No/Where"])
TEXT = st.sampled_from([pa.string(), pa.large_string(), pa.string_view()])
HELD = st.sampled_from(
    [
        *(pa.string(), pa.string_view(), pa.binary(), pa.bool_(), pa.int64(), pa.float32(), pa.null()),
        *(pa.decimal128(9, 2), pa.dictionary(pa.int32(), pa.string()), pa.map_(pa.string(), pa.int64())),
        pa.list_(pa.struct([("a", pa.null()), ("b", pa.large_string())])),
        *(pa.uuid(), pa.json_(), pa.list_(pa.bool8(), 2), pa.map_(pa.string(), pa.uuid())),
    ]
)
"""What a rewritten turn may hold: types of which Python has the values."""
LEAVES = st.one_of(
    TEXT,
    st.sampled_from(
        [
            *(pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()),
            *(pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.null(), pa.uuid(), pa.json_()),
            *(
                pa.binary(),
                pa.large_binary(),
                pa.binary_view(),
                pa.binary(3),
                pa.decimal128(9, 2),
                pa.decimal256(50, 3),
            ),
            *(pa.date32(), pa.time32("ms"), pa.time64("ns"), pa.duration("us")),
            *(pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.large_string(), ordered=True)),
        ]
    ),
    st.builds(pa.timestamp, st.sampled_from(["ms", "us", "ns"]), ZONES),
)


def _fields(kinds: st.SearchStrategy[Any], name: str) -> st.SearchStrategy[Any]:
    told = st.sampled_from([None, {"k": "é"}])
    return st.builds(lambda kind, metadata: pa.field(name, kind, metadata=metadata), kinds, told)


def _maybe_required(fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return fields of which some must have a value wherever what holds them has one; pyarrow reads no fixed lists that must."""
    required = fields.map(
        lambda field: field.with_nullable(pa.types.is_fixed_size_list(field.type) or pa.types.is_null(field.type))
    )
    return st.one_of(fields, required)


def _nested(kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    item = st.sampled_from(["item", "element", "x"]).flatmap(lambda name: _fields(kinds, name))
    return st.one_of(
        st.builds(pa.list_, item),
        st.builds(pa.large_list, item),
        st.builds(pa.list_, item, st.just(2)),
        st.builds(lambda *fields: pa.struct(fields), *(_maybe_required(_fields(kinds, name)) for name in "ab")),
        st.builds(lambda kind: pa.map_(pa.string(), kind), kinds),
    )


COLUMNS = st.lists(
    st.sampled_from(["x", "y", "a.b", ""]).flatmap(
        lambda name: _fields(st.recursive(LEAVES, _nested, max_leaves=4), name)
    ),
    max_size=3,
)
"""Two of them may have one name."""


def _array(seen: Random, kind: Any, count: int, *, may_lack: bool = True) -> Any:
    """Return values of a type, some of them null if they `may_lack`, with any bits that it may have."""
    types = pa.types
    mask = pa.array([may_lack and seen.random() < 0.2 for _ in range(count)], pa.bool_())
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, _array(seen, kind.storage_type, count, may_lack=may_lack))
    if types.is_struct(kind):
        fields = [_array(seen, field.type, count, may_lack=field.nullable) for field in kind]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=mask)
    if types.is_fixed_size_list(kind):
        values = _array(seen, kind.value_type, count * kind.list_size)
        return pa.FixedSizeListArray.from_arrays(values, type=kind, mask=mask)
    if types.is_map(kind):
        keys = pa.array([f"k{n}" for n in range(count)])
        offsets = pa.array(range(count + 1), pa.int32())
        return pa.MapArray.from_arrays(offsets, keys, _array(seen, kind.item_type, count), type=kind, mask=mask)
    if is_list(kind):
        return _lists(seen, kind, mask)
    return _leaves(seen, kind, mask.to_pylist())


def _lists(seen: Random, kind: Any, mask: Any) -> Any:
    ends = [0]
    for _ in range(len(mask)):
        ends.append(ends[-1] + seen.randrange(3))
    is_large = pa.types.is_large_list(kind)
    offsets = pa.array(ends, pa.int64() if is_large else pa.int32())
    made = pa.LargeListArray if is_large else pa.ListArray
    return made.from_arrays(offsets, _array(seen, kind.value_type, ends[-1]), type=kind, mask=mask)


def _leaves(seen: Random, kind: Any, is_null: list[bool]) -> Any:
    types = pa.types
    if types.is_null(kind):
        return pa.nulls(len(is_null))
    if types.is_dictionary(kind):
        places = pa.array([None if no else seen.randrange(3) for no in is_null], kind.index_type)
        return pa.DictionaryArray.from_arrays(
            places, pa.array(["a", "", "é" * 40], kind.value_type), ordered=kind.ordered
        )
    if types.is_boolean(kind) or types.is_decimal(kind):
        value = Decimal if types.is_decimal(kind) else bool
        return pa.array([None if no else value(seen.randrange(2)) for no in is_null], kind)
    if types.is_fixed_size_binary(kind):
        return pa.array([None if no else seen.randbytes(kind.byte_width) for no in is_null], kind)
    if types.is_primitive(kind):
        bits = 16 if types.is_time(kind) else kind.bit_width  # a day has so many milliseconds, and not any number
        numbers = [
            None if no else seen.choice([0, seen.getrandbits(bits), 2 ** (bits - 1), 2**bits - 1]) for no in is_null
        ]
        return pa.array(numbers, getattr(pa, f"uint{kind.bit_width}")()).view(kind)
    texts = pa.array([None if no else seen.choice(["", "a", "\u2028é\0", "long " * 9]) for no in is_null])
    return texts.cast(kind)


def _turns(seen: Random, text: Any, more: Any) -> Any:
    """Return three kinds of conversations in turn, one that is null and one that is broken; each turn has one field more."""
    answers = [ANSWERS[n % 3] for n in range(COUNT - 2)]
    asked = ("user", "Name three trees.")
    said = [turn for answer in answers for turn in (asked, ("assistant", ANSWERS[0]), asked, ("assistant", answer))]
    said.append(("user", None))
    parts = [pa.array(list(words)).cast(text) for words in zip(*said, strict=True)]
    kind = pa.struct([("role", text), ("content", text), ("more", more)])
    turns = pa.StructArray.from_arrays([*parts, _array(seen, more, len(said))], fields=list(kind))
    ends = [*range(0, len(said), 4), len(said), len(said)]
    return pa.ListArray.from_arrays(
        pa.array(ends, pa.int32()), turns, mask=pa.array([n == COUNT - 1 for n in range(COUNT)])
    )


def _write(table: Any, path: Path, options: dict[str, Any]) -> None:
    """Write a table; what has views as other programs do, since pyarrow writes none inside of lists."""
    plain = pa.schema([f.with_type(rebuilt(f.type, without_views)) for f in table.schema], table.schema.metadata)
    has_views = plain != table.schema
    rows = options.pop("row_group_size")
    with pq.ParquetWriter(path, plain, store_schema=not has_views, **options) as file:
        file.write_table(in_schema(table, plain), rows)
        if has_views:
            told = base64.b64encode(table.schema.serialize().to_pybytes())
            file.add_key_value_metadata({**(table.schema.metadata or {}), "ARROW:schema": told})


def _read(path: Path) -> Any:
    """Return the table in a file, in the batches that pyarrow can read of any types."""
    with pq.ParquetFile(path) as file:
        groups = range(file.num_row_groups)
        batches = [batch for group in groups for batch in file.iter_batches(row_groups=[group])]
        return pa.Table.from_batches(batches, file.schema_arrow)


def _bits(values: Any) -> list[Any]:
    """Return the values of a column so that two are equal if all their bits are, also those of a NaN."""
    kind, types = values.type, pa.types
    if isinstance(values, pa.ChunkedArray):
        return [value for chunk in values.chunks for value in _bits(chunk)]
    if isinstance(kind, pa.BaseExtensionType):
        return _bits(values.storage)
    if types.is_struct(kind):
        rows = zip(*map(_bits, values.flatten()), strict=True)
        return [row if is_there else None for row, is_there in zip(rows, values.is_valid().to_pylist(), strict=True)]
    if types.is_map(kind) or is_list(kind):
        return [_bits(value.values) if value.is_valid else None for value in values]
    if types.is_floating(kind) or types.is_temporal(kind):
        return list(values.view(getattr(pa, f"int{kind.bit_width}")()).to_pylist())
    return list(values.to_pylist())


OPTIONS = st.fixed_dictionaries(
    {
        "row_group_size": st.sampled_from([1, 3, 100]),
        "data_page_version": st.sampled_from(["1.0", "2.0"]),
        "compression": st.sampled_from(["none", "snappy", "gzip", "brotli", "lz4"]),
        "use_dictionary": st.booleans(),
        "use_compliant_nested_type": st.booleans(),
        "write_page_index": st.booleans(),
    }
)


REQUIRED = pa.struct([pa.field("a", pa.dictionary(pa.int8(), pa.string()), nullable=False)])
PLAIN = {
    **dict.fromkeys(("use_dictionary", "use_compliant_nested_type", "write_page_index"), False),
    "row_group_size": 1,
}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    columns=COLUMNS,
    turns=st.tuples(TEXT, HELD),
    options=OPTIONS,
    how=st.tuples(st.sampled_from(["label", "mask", "mend"]), st.sampled_from([500, 10**6]), st.integers(0, 2**31)),
)
@example(columns=[pa.field("x", REQUIRED)], turns=(pa.string(), pa.int8()), options=PLAIN, how=("mend", 10**6, 3)).via(
    "pyarrow reads a row group of null structs as numbers of a dictionary that has no values"
)
def test_any_table_comes_back_bit_for_bit(
    tmp_path: Path, columns: list[Any], turns: Any, options: dict[str, Any], how: tuple[str, int, int]
) -> None:
    action, chunk_bytes, seed = how
    seen = Random(seed)
    said = _turns(seen, *turns)
    arrays = [_array(seen, field.type, COUNT) for field in columns]
    schema = pa.schema([pa.field("messages", said.type), *columns], {"huggingface": "{}", "é": "ÿ"})
    _write(pa.Table.from_arrays([said, *arrays], schema=schema), tmp_path / "data.parquet", dict(options))
    before = _read(tmp_path / "data.parquet")
    assert before.num_rows == COUNT

    actions = {**dict.fromkeys(BEHAVIOURS, action), "refusal.policy": "drop"}
    policy = replace(
        load_policy("dolphin"), actions=actions, thresholds=dict.fromkeys(BEHAVIOURS, 0.1), max_removed_share=1.0
    )
    job = Job("messages", policy, detectors=("phrases",), languages=("en",))
    run = tmp_path / "run"
    run_job(open_data_set(tmp_path / "data.parquet"), job, run, Options(force=True, chunk_bytes=chunk_bytes))
    assert not verify(run)
    outcomes = {entry["row"]: entry["outcome"] for entry in read_lines_of(run, "ledger.jsonl")}
    assert {"removed", "quarantined"} < set(outcomes.values())

    restore(run, tmp_path / "again.parquet")
    after, kept = _read(tmp_path / "again.parquet"), _read(run / "kept.parquet")
    assert after.schema.equals(before.schema, check_metadata=True)
    stays = [n for n in range(COUNT) if outcomes.get(n + 1) not in ("removed", "quarantined")]
    for place in range(before.num_columns):
        was = _bits(before.column(place))
        assert _bits(after.column(place)) == was
        assert place == 0 or _bits(kept.column(place)) == [was[n] for n in stays]
