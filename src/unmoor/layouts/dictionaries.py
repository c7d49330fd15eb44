"""From columns as pyarrow reads them to columns in which every number of a dictionary stands for a value.

pyarrow 26 reads a field that must have a value, in structs that are all null, as zeros of a dictionary without values. Joined
with other rows they become numbers from memory that is not theirs, and where those are written the dictionary is looked up.
"""

from __future__ import annotations

from typing import Any

from unmoor.layouts.types import is_list

__all__ = ["with_whole_dictionaries"]

_HAS_DICTIONARY = "dictionary<"
_UNDER_NULL = ""


def with_whole_dictionaries(batch: Any) -> Any:
    """Return a batch in which no dictionary lacks a value that is pointed at; those it gets lie under null structs."""
    import pyarrow as pa

    columns = [
        _whole(column) if pa.types.is_nested(column.type) and _HAS_DICTIONARY in str(column.type) else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _whole(array: Any) -> Any:
    import pyarrow as pa

    kind = array.type
    if pa.types.is_dictionary(kind) and len(array) > len(array.dictionary) == 0:
        values = pa.array([_UNDER_NULL], kind.value_type)
        return pa.DictionaryArray.from_arrays(array.indices, values, ordered=kind.ordered)
    # a copy begins at its own first row, as what lies in it does
    return _of_whole(pa.concat_arrays([array])) if pa.types.is_nested(kind) else array


def _of_whole(array: Any) -> Any:
    import pyarrow as pa

    kind, mask = array.type, array.is_null()
    if pa.types.is_struct(kind) and kind.num_fields:
        fields = [_whole(array.field(index)) for index in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=mask)
    if pa.types.is_map(kind):
        keys, items = _whole(array.keys), _whole(array.items)
        return pa.MapArray.from_arrays(array.offsets, keys, items, type=kind, mask=mask)
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_whole(array.values), type=kind, mask=mask)
    return (
        type(array).from_arrays(array.offsets, _whole(array.values), type=kind, mask=mask) if is_list(kind) else array
    )
