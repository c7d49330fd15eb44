"""From a table to rows that can be read, and from changes of rows back to a table: only what changes leaves its column.

A column of a type that Python has no value for, or with bytes that are no text, must not hide the others: what cannot be read is
`Unread`, which no layout takes for text. What a policy may add has its place in the schema before the first row is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from unmoor.errors import BadRow, UsageError
from unmoor.layouts.changes import Change, SetKey, apply_to_row
from unmoor.layouts.chat_list import CHAT_KEYS, SPEAKER_KEYS
from unmoor.layouts.one_schema import in_type
from unmoor.layouts.types import as_python_writes, is_list, list_like, rebuilt

__all__ = [
    "LABEL_KEY",
    "Unread",
    "changed_rows",
    "schema_for_changes",
    "table_rows",
    "take_rows",
    "unread_text",
]

LABEL_KEY = "unmoor"
"""The field that the action `label` adds: a list of behaviours."""
_LISTS_OF_TURNS = (*CHAT_KEYS, "history", "data", "exchanges", "contents", "segments")
_FINER_THAN_PYTHON = "[ns"


class Unread:
    """A value that cannot be read, and why; with a `code` where it may be text that is broken.

    No dataclass, which orjson would take apart: shown as JSON it is its own words.
    """

    __slots__ = ("code", "why")

    def __init__(self, why: str, code: str = "") -> None:
        self.why, self.code = why, code

    def __repr__(self) -> str:
        return f"<{self.why}>"

    __str__ = __repr__


def unread_text(row: Mapping[str, Any]) -> BadRow | None:
    """Return why a row is no conversation where one of its values is broken text, or None."""
    broken = ((key, value) for key, value in row.items() if isinstance(value, Unread) and value.code)
    return next((BadRow(value.code, f"the column {key!r} {value.why}") for key, value in broken), None)


def table_rows(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows as dictionaries, with keys that are null left out: Parquet has no missing keys."""
    times = Counter(table.column_names)
    columns = [
        _read(table.column(index)) if times[name] == 1 else [_TWICE] * table.num_rows
        for index, name in enumerate(table.column_names)
    ]
    names = table.column_names
    return [
        {name: _without_nulls(value) for name, value in zip(names, row, strict=True) if value is not None}
        for row in (zip(*columns, strict=True) if columns else [()] * table.num_rows)
    ]


_TWICE = Unread("stands twice: readers differ in which one they take", "DUPLICATE_KEY")


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(v) for key, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def _read(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except Exception:
        return _read_one_by_one(column)


def _read_one_by_one(column: Any) -> list[Any]:
    import pyarrow as pa

    told = Unread(f"{column.type}, which cannot be read")
    if pa.types.is_temporal(column.type):
        return [told if is_there else None for is_there in column.is_valid().to_pylist()]
    without_times = rebuilt(column.type, _number_for_time)
    if without_times != column.type:
        return _read(column.cast(without_times))
    return [_value_of(scalar, told) for scalar in column]


def _number_for_time(kind: Any) -> Any:
    """Return the whole numbers that a type of times is made of: some times need pandas, or a year that Python has not."""
    import pyarrow as pa

    if not pa.types.is_temporal(kind):
        return kind
    return pa.int32() if kind.bit_width == 32 else pa.int64()


def _value_of(scalar: Any, told: Unread) -> Any:
    try:
        return scalar.as_py()
    except UnicodeDecodeError as error:
        return Unread(f"holds bytes that are not UTF-8: {error.reason}", "INVALID_UTF8")
    except Exception:
        return told


def schema_for_changes(schema: Any, actions: frozenset[str]) -> Any:
    """Return `schema` with a place for what a policy's `actions` may do: `train` in each turn, `unmoor` for labels, lists of any
    length where turns may go.

    Raises:
        UsageError: a column of that name holds something else.
    """
    import pyarrow as pa

    for position, field in enumerate(schema):
        if field.name in _LISTS_OF_TURNS and is_list(field.type):
            turn = field.type.value_field
            if "mask" in actions and field.name in CHAT_KEYS:
                turn = _with_train(field.name, turn)
            is_fixed = pa.types.is_fixed_size_list(field.type) and bool(actions & {"drop_turn", "cut"})
            is_fixed = is_fixed and not pa.types.is_primitive(turn.type)
            if is_fixed or turn != field.type.value_field:
                schema = schema.set(position, field.with_type(list_like(field.type, turn, is_fixed=is_fixed)))
    return _with_labels(schema) if "label" in actions else schema


def _with_train(name: str, turn: Any) -> Any:
    import pyarrow as pa

    if not pa.types.is_struct(turn.type) or all(turn.type.get_field_index(key) < 0 for key in SPEAKER_KEYS):
        return turn
    at = turn.type.get_field_index("train")
    fields, train = list(turn.type), pa.field("train", pa.bool_())
    if at >= 0 and pa.types.is_null(fields[at].type):  # no row has a value there
        return turn.with_type(pa.struct([*fields[:at], train, *fields[at + 1 :]]))
    if at >= 0 and turn.type.field(at).type != pa.bool_():
        raise UsageError(
            f"The action mask writes `train`: true or false into the turns of {name}, and there `train` is of type "
            f"{turn.type.field(at).type}. Next: cast that field to bool, rename it, or take another action than mask"
        )
    return turn if at >= 0 else turn.with_type(pa.struct([*fields, train]))


def _with_labels(schema: Any) -> Any:
    import pyarrow as pa

    labels = pa.field(LABEL_KEY, pa.list_(pa.field("element", pa.string())))
    kinds = [field.type for field in schema if field.name == LABEL_KEY]
    if not kinds:
        return schema.append(labels)
    if kinds == [pa.null()]:  # no row has a value there
        return schema.set(schema.get_field_index(LABEL_KEY), labels)
    is_names = is_list(kinds[0]) and kinds[0].value_type in (pa.string(), pa.large_string())
    if len(kinds) > 1 or not is_names or pa.types.is_fixed_size_list(kinds[0]):
        raise UsageError(
            f"The action label writes a list of names into the column {LABEL_KEY}, and the rows have one of type "
            f"{kinds[0]} already. Next: rename that column, or take another action than label"
        )
    return schema


def take_rows(table: Any, at: Sequence[int]) -> Any:
    """Return the rows of `table` at the places `at`, from 0, in that order."""
    return changed_rows(table, at, {}, table.schema)


def changed_rows(table: Any, at: Sequence[int], changes: Mapping[int, tuple[Change, ...]], schema: Any) -> Any:
    """Return the rows at the places `at` with their `changes`, by place, in `schema`: the table's own, or what was made of it.

    Raises:
        UsageError: a value to be changed is of a type that would lose something, or does not fit its column any more.
    """
    import pyarrow as pa

    places = pa.array(at, pa.int64())
    by_column: dict[str, dict[int, tuple[Change, ...]]] = {}
    for place, all_changes in changes.items():
        for change in all_changes:
            here = by_column.setdefault(_column_of(change), {})
            here[place] = (*here.get(place, ()), change)
    columns = []
    for position, field in enumerate(schema):
        column = table.column(position) if position < table.num_columns else pa.nulls(table.num_rows, field.type)
        columns.append(_explained(field, partial(_taken, column, field, places, by_column.get(field.name, {}))))
    return pa.Table.from_arrays(columns, schema=schema)


def _column_of(change: Change) -> str:
    return change.key if isinstance(change, SetKey) and not change.path else str(change.path[0])


def _explained(field: Any, make: Any) -> Any:
    import pyarrow as pa

    try:
        return make()
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"The column {field.name} is of type {field.type}, in which its rows cannot be written again: {error}. "
            "Next: cast the column to a plainer type, or take a policy that drops whole rows"
        ) from error


def _taken(column: Any, field: Any, places: Any, changes: Mapping[int, tuple[Change, ...]]) -> Any:
    """Return a column's values at `places`; what changes is made anew and stands behind the others before all are taken."""
    import pyarrow as pa

    plain = rebuilt(field.type, as_python_writes)
    column = in_type(column, plain)
    changed = [_changed(column, field.name, place, these) for place, these in changes.items()]
    if changed:
        moved = {place: len(column) + number for number, place in enumerate(changes)}
        made = pa.chunked_array([pa.array(changed, plain)], plain)
        column = pa.chunked_array([*_chunks(column), *made.chunks], plain).combine_chunks()
        places = pa.array([moved.get(place, place) for place in places.to_pylist()], pa.int64())
    return in_type(column.take(places), field.type)


def _chunks(column: Any) -> list[Any]:
    import pyarrow as pa

    return list(column.chunks) if isinstance(column, pa.ChunkedArray) else [column]


def _changed(column: Any, name: str, place: int, changes: tuple[Change, ...]) -> Any:
    if _FINER_THAN_PYTHON in str(column.type):
        raise ValueError("Python's times have no nanoseconds")
    is_whole = all(isinstance(change, SetKey) and not change.path for change in changes)
    return apply_to_row({} if is_whole else {name: column[place].as_py()}, changes)[name]
