"""From a manifest as it was read to the first thing that it lacks: what is read of it later is there and of the right kind."""

from __future__ import annotations

from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Any, TypeAlias

from unmoor.records import OUTCOMES

__all__ = ["COUNT", "FILES", "RUN", "Shape", "first_lack"]

Shape: TypeAlias = "type | UnionType | range | dict[str, Shape] | list[Shape]"
"""A type; a whole number in a range; a dictionary that holds these keys, `*` for any key; a list of values of one shape."""

COUNT = range(2**53)
"""Rows or bytes."""
FILES: dict[str, Shape] = {"files": {"*": {"size_bytes": COUNT, "sha256": str}}}
"""What every manifest says."""
RUN: dict[str, Shape] = {
    **FILES,
    "unmoor": str,
    "kind": str,
    "input": {"name": str, "format": str},
    "inputs": [
        {
            "name": str,
            "compression": str,
            "has_bom": bool,
            "size_bytes": COUNT,
            "sha256": str | NoneType,
            "rows": COUNT,
            "added_newline": bool,
        }
    ],
    "shard": dict | NoneType,
    "chunk_bytes": int,
    "compression": str,
    "layout": str,
    "policy": dict | NoneType,
    "detectors": {"packs": {"*": {"sha256": str}}, "detectors": [str]},
    "counts": dict.fromkeys(("input", *OUTCOMES), COUNT),
    "arrays": dict | NoneType,
}
"""What the manifest of an audit or a filter says besides."""

_ABSENT = object()
"""Of no kind that a shape names."""


def first_lack(value: Any, shape: Shape, where: str = "") -> str:
    """Return the name of the first part of `value` that is not there or of another kind, or the empty string.

    A part is named by the keys that lead to it, such as `input.name`.
    """
    if not isinstance(value, _kind_of(shape)) or (isinstance(shape, range) and value not in shape):
        return where
    lacks = (first_lack(one, part, f"{where}.{key}".lstrip(".")) for key, one, part in _parts(value, shape))
    return next(filter(None, lacks), "")


def _kind_of(shape: Shape) -> type | UnionType:
    if isinstance(shape, range):
        return int
    return type(shape) if isinstance(shape, dict | list) else shape


def _parts(value: Any, shape: Shape) -> Iterator[tuple[str, Any, Shape]]:
    if isinstance(shape, list):
        yield from ((str(number), one, shape[0]) for number, one in enumerate(value or [None]))
    elif isinstance(shape, dict):
        of_any = dict.fromkeys(value, shape["*"]) if "*" in shape else {}
        named = {key: part for key, part in shape.items() if key != "*"}
        yield from ((key, value.get(key, _ABSENT), part) for key, part in {**of_any, **named}.items())
