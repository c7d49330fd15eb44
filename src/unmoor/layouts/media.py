"""From a row before and after a change to whether the place of an image, a video or a sound in its turns went without the file.

Rows of LLaVA, LLaMA-Factory and TRL name their files in a column of its own, and trainers stop at one that no turn has a place for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unmoor.records import Row

__all__ = ["leaves_media_behind"]

_KINDS = ("image", "video", "audio")
_COLUMNS = (*_KINDS, *(f"{kind}s" for kind in _KINDS))
_PLACES = tuple(f"<{kind}>" for kind in _KINDS)


def leaves_media_behind(row: Row, changed: Row) -> bool:
    """Return whether a row with a column of such files has fewer places for them once it is changed."""
    return any(row.get(key) for key in _COLUMNS) and sum(_places(changed)) < sum(_places(row))


def _places(value: Any) -> Iterator[int]:
    """Yield how many places each part of a value has: `<image>` in a text, or a part that is an image and does not hold it."""
    if isinstance(value, str):
        yield sum(value.count(place) for place in _PLACES)
    elif isinstance(value, list):
        for item in value:
            yield from _places(item)
    elif isinstance(value, dict):
        holds = [key for key, item in value.items() if item is not None]
        yield int(holds == ["type"] and value["type"] in _KINDS)
        for item in value.values():
            yield from _places(item)
