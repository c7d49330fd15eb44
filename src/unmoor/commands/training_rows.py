"""From a data file to what training reads of it: conversations, or why a row is none, and the rows' own bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from unmoor.commands.inputs import open_and_tell
from unmoor.errors import BadRow
from unmoor.layouts import (
    chunk_rows,
    first_layout,
    layout_named,
    layout_of_row,
    open_data_set,
    read_data_set,
    table_rows,
)
from unmoor.records import Conversation

__all__ = ["in_own_template", "read_or_say", "row_bytes"]

_WITH_MARKERS = ("transcript", "segments")
"""Layouts whose rows are written in a chat template already."""


def read_or_say(path: Path, layout_name: str = "") -> Iterator[tuple[int, Conversation | str]]:
    """Yield (row number, conversation) for every row of `path`, or (row number, why it cannot be read as one).

    Without a `layout_name` the layout is that of the first rows.

    Raises:
        UsageError, LayoutError, BadDataError: the file cannot be read, or is in no known layout.
    """
    data = open_and_tell(path)
    first = layout_named(layout_name) if layout_name else first_layout(path, data=data)
    for chunk in read_data_set(data):
        if chunk.oversize == "end":
            yield chunk.first_row, "cannot be read: the row is longer than unmoor reads"
        for number, parsed in chunk_rows(chunk):
            if isinstance(parsed, BadRow):
                yield number, f"cannot be read: {parsed.message}"
                continue
            layout = layout_of_row(parsed.readable, first)
            if layout is None:
                yield number, "cannot be read: it is in no known layout"
                continue
            try:
                conversation: Conversation | str = layout.read(parsed.readable)
            except BadRow as error:
                conversation = f"cannot be read: {error.message}"
            yield number, conversation


def in_own_template(path: Path, layout_name: str = "") -> bool:
    """Return whether most of the first rows of `path` are texts in a chat template of their own.

    Raises:
        UsageError, LayoutError, BadDataError: the file cannot be read, or is in no known layout.
    """
    return first_layout(path, layout_name or None).name in _WITH_MARKERS


def row_bytes(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (row number, bytes of its JSON) for every row of `path` that is not blank; a row of Parquet becomes JSON.

    Raises:
        UsageError, BadDataError: the file cannot be read.
    """
    for chunk in read_data_set(open_data_set(path)):
        if chunk.table is not None:
            for number, row in enumerate(table_rows(chunk.table), chunk.first_row):
                yield number, orjson.dumps(row, default=str)
        elif not chunk.oversize:
            lines = chunk.items or chunk.data.split(b"\n")
            yield from (
                (number, b" ".join(line.split(b"\n")))
                for number, line in enumerate(lines, chunk.first_row)
                if line.strip()
            )
