"""From the schemas of several tables to the one that the rows of all fit, and from rows in it back to the schema they came in.

Programs that write a data set in parts give a column without a value the type `null`, leave it out, or write text now as `string`,
now as `large_string`. Nothing is lost where such rows stand in one table; where something could be, there is no common schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["common_schema", "in_schema", "in_type"]

_OF_THE_ROWS = (b"huggingface",)
"""What is said of a table that repeats its types, and would be wrong beside others."""


def common_schema(schemas: Sequence[Any]) -> Any:
    """Return the first schema with place for the rows of the others, or None where values would change.

    Columns may be missing, in another order, or null; whole numbers, floats, text, bytes and lists may be of different widths.
    Nothing in it must have a value, since what one table demands another may not have.
    """
    import pyarrow as pa

    try:
        common = pa.unify_schemas(list(schemas), promote_options="permissive")
    except pa.ArrowException:
        return None
    if not all(_fits(field.type, common.field(field.name).type) for schema in schemas for field in schema):
        return None
    told = {key: value for key, value in (common.metadata or {}).items() if key not in _OF_THE_ROWS}
    return pa.schema([_optional(field) for field in common], told or None)


def _optional(field: Any) -> Any:
    """Return a field that may be null, and so all within it that can stand in a table without some of its fields."""
    import pyarrow as pa

    kind = field.type
    if pa.types.is_struct(kind):
        kind = pa.struct([_optional(inner) for inner in kind])
    elif pa.types.is_list(kind):
        kind = pa.list_(_optional(kind.value_field))
    elif pa.types.is_large_list(kind):
        kind = pa.large_list(_optional(kind.value_field))
    return field.with_type(kind).with_nullable(True)


def _fits(own: Any, common: Any) -> bool:
    """Return whether each value of a type has one of the common type that leads back to it."""
    import pyarrow as pa

    if pa.types.is_null(own) or own.equals(common):
        return True
    if pa.types.is_struct(own) and pa.types.is_struct(common):
        return all(_fits(field.type, common.field(field.name).type) for field in own)
    if _is_list(own) and _is_list(common):
        return _fits(own.value_type, common.value_type)
    if pa.types.is_integer(own) and pa.types.is_integer(common):
        return _is_signed(common) >= _is_signed(own) and _digits(own) <= _digits(common)
    return any(is_one(own) and is_one(common) for is_one in _families())


def _is_signed(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_signed_integer(kind))


def _digits(kind: Any) -> int:
    """Return how many binary digits a whole number may have, beside its sign."""
    return int(kind.bit_width) - _is_signed(kind)


def _families() -> tuple[Callable[[Any], bool], ...]:
    import pyarrow as pa

    of = pa.types
    return (
        of.is_floating,
        lambda kind: of.is_string(kind) or of.is_large_string(kind),
        lambda kind: of.is_binary(kind) or of.is_large_binary(kind),
    )


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def in_schema(table: Any, schema: Any) -> Any:
    """Return a table in another schema: the common one, or the one that its rows came in. Columns go by name, where names are told
    apart; what the schema has no column for is left out, what the table has none for is null.

    Raises:
        pyarrow.ArrowException: a value does not fit its type.
    """
    import pyarrow as pa

    if len(set(schema.names)) == len(schema) and len(set(table.column_names)) == table.num_columns:
        places = [table.schema.get_field_index(name) for name in schema.names]
    else:
        places = list(range(len(schema)))
    columns = [
        in_type(table.column(place), field.type) if place >= 0 else pa.nulls(table.num_rows, field.type)
        for place, field in zip(places, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def in_type(column: Any, kind: Any) -> Any:
    """Return a column, or an array, with its values in another type that has room for them.

    Raises:
        pyarrow.ArrowException: a value does not fit its type.
    """
    import pyarrow as pa

    if column.type == kind:
        return column
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    # a copy begins at its own first row: pyarrow 26 fails to cast a slice with a field of type null
    return pa.chunked_array([_cast(pa.concat_arrays([chunk]), kind) for chunk in chunks], kind)


def _cast(array: Any, kind: Any) -> Any:
    """Return an array in another type; pyarrow's own cast has no way to the type null, wherever in a type that stands."""
    import pyarrow as pa

    if array.type == kind:
        return array
    if pa.types.is_null(kind):
        if array.null_count < len(array):
            raise pa.ArrowInvalid(f"a value of type {array.type} where the column was of type null")
        return pa.nulls(len(array))
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        have = array.type.names
        fields = [
            _cast(array.field(field.name), field.type) if field.name in have else pa.nulls(len(array), field.type)
            for field in kind
        ]
        return (
            pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null()) if fields else array.cast(kind)
        )
    if _is_list(kind) and _is_list(array.type):
        made = pa.LargeListArray if pa.types.is_large_list(kind) else pa.ListArray
        whole = pa.int64() if pa.types.is_large_list(kind) else pa.int32()
        values = _cast(array.values, kind.value_type)
        return made.from_arrays(array.offsets.cast(whole), values, type=kind, mask=array.is_null())
    return array.cast(kind)
