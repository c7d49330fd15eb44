"""From a type of Arrow's to one like it: with other types in its lists and structs, or one of which pyarrow can take rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["as_python_writes", "is_list", "list_like", "rebuilt", "without_views"]


def is_list(kind: Any) -> bool:
    """Return whether it is a list, of a fixed size or not."""
    import pyarrow as pa

    return any(is_one(kind) for is_one in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def list_like(kind: Any, item: Any, *, is_fixed: bool) -> Any:
    """Return the type of a list like `kind` of other items; no longer of a fixed size where `is_fixed`."""
    import pyarrow as pa

    if pa.types.is_large_list(kind):
        return pa.large_list(item)
    if pa.types.is_fixed_size_list(kind) and not is_fixed:
        return pa.list_(item, kind.list_size)
    return pa.list_(item)


def without_views(kind: Any) -> Any:
    """Return a plain type of text or bytes for a view, of which no rows can be taken; any other type as it is."""
    import pyarrow as pa

    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind


def as_python_writes(kind: Any) -> Any:
    """Return a type that pyarrow makes of Python's values: for an extension, such as `arrow.uuid`, the type in which it is stored;
    for a view what `without_views` says.
    """
    import pyarrow as pa

    return (
        rebuilt(kind.storage_type, as_python_writes) if isinstance(kind, pa.BaseExtensionType) else without_views(kind)
    )


def rebuilt(kind: Any, leaf: Callable[[Any], Any]) -> Any:
    """Return a type with `leaf` of each type in it that is no struct, no list and no map."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(rebuilt(field.type, leaf)) for field in kind])
    if is_list(kind):
        item = kind.value_field
        return list_like(kind, item.with_type(rebuilt(item.type, leaf)), is_fixed=False)
    if pa.types.is_map(kind):
        key, item = (field.with_type(rebuilt(field.type, leaf)) for field in (kind.key_field, kind.item_field))
        return pa.map_(key, item, keys_sorted=kind.keys_sorted)
    return leaf(kind)
