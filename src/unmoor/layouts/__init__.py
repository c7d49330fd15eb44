"""From files to conversations and back. One file per layout; a new one is a file, a line in a table and a fixture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from shlex import quote

from unmoor.errors import BadRow, LayoutError, UsageError, nearest_name
from unmoor.layouts import (
    alpaca,
    chat_list,
    exchange_list,
    gemini,
    kto,
    messages,
    preference,
    prompt_completion,
    segments,
    sharegpt,
    transcript,
    turn_list,
)
from unmoor.layouts.changes import Change, RemoveItems, SetKey, SetSlice, apply_to_row, apply_to_text
from unmoor.layouts.columns import (
    FORM,
    columns_layout,
    doubt,
    guess_pair,
    hold_columns,
    is_columns,
    pair_of,
)
from unmoor.layouts.data_set import (
    DataSet,
    data_set_of,
    open_data_set,
    read_chunks,
    read_data_set,
    shard_of,
    with_added,
)
from unmoor.layouts.elsewhere import GROUP, layout_elsewhere, names_elsewhere
from unmoor.layouts.faults import still_there
from unmoor.layouts.files import CHUNK_BYTES, Chunk, Source
from unmoor.layouts.hub import is_hub_name, is_saved_data_set
from unmoor.layouts.layout import Layout
from unmoor.layouts.media import leaves_media_behind
from unmoor.layouts.not_rows import what_it_is, what_to_do
from unmoor.layouts.one_schema import in_schema
from unmoor.layouts.parquet import hold_times, schema_difference, schemas_held_alike
from unmoor.layouts.parse import MAX_DEPTH, MAX_NESTED, MAX_ROW_BYTES, ParsedRow, parse_row, row_too_large
from unmoor.layouts.proposal import proposed, wanted
from unmoor.layouts.recognise import recognise_source
from unmoor.layouts.table_file import TableFile
from unmoor.layouts.tables import (
    LABEL_KEY,
    Unread,
    changed_rows,
    schema_for_changes,
    table_rows,
    take_rows,
    unread_text,
)
from unmoor.layouts.unread import nested_rows, why_unread
from unmoor.records import Row
from unmoor.records.registered import package_of
from unmoor.storage import AnyPath

__all__ = [
    "CHUNK_BYTES",
    "LABEL_KEY",
    "LAYOUTS",
    "LAYOUT_NAMES",
    "MAX_DEPTH",
    "MAX_NESTED",
    "MAX_ROW_BYTES",
    "Change",
    "Chunk",
    "DataSet",
    "Layout",
    "ParsedRow",
    "RemoveItems",
    "SetKey",
    "SetSlice",
    "Source",
    "TableFile",
    "Unread",
    "apply_to_row",
    "apply_to_text",
    "changed_rows",
    "chunk_rows",
    "data_set_of",
    "first_layout",
    "hold_times",
    "in_schema",
    "layout_named",
    "layout_of_row",
    "leaves_media_behind",
    "open_data_set",
    "package_of_layout",
    "parse_row",
    "parsed_rows",
    "read_chunks",
    "read_data_set",
    "read_rows",
    "recognise_layout",
    "recognise_source",
    "row_too_large",
    "schema_difference",
    "schema_for_changes",
    "schemas_held_alike",
    "shard_of",
    "still_there",
    "table_rows",
    "take_rows",
    "unread_text",
    "what_it_is",
    "with_added",
]

_BY_KEYS = (
    preference.LAYOUT,
    kto.LAYOUT,
    *map(kto.unlabelled, (messages.LAYOUT, sharegpt.LAYOUT, prompt_completion.LAYOUT, alpaca.LAYOUT)),
)
_BY_WHAT_STANDS_THERE = tuple(
    kto.unlabelled(one.LAYOUT) for one in (turn_list, exchange_list, chat_list, gemini, segments, transcript)
)
"""Of keys that other rows have too, and so asked after a pair of columns as well."""

LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (*_BY_KEYS, *_BY_WHAT_STANDS_THERE)}
"""Every layout of a fixed name, most telling keys first: the first that recognises a row reads it."""

LAYOUT_NAMES = (*sorted(LAYOUTS), FORM)
"""What a layout can be called: by a fixed name, or by the columns that it reads."""

ROWS_TO_LOOK_AT = 100
"""Rows read to recognise a file's layout; files mix layouts rarely, and never in their first row alone."""


def layout_named(name: str) -> Layout:
    """Return the layout called `name`, another package's by the name that it registers.

    Raises:
        UsageError: there is none, it cannot be loaded, or it names no columns; says the nearest.
    """
    if is_columns(name):
        return columns_layout(name)
    layout = LAYOUTS.get(name) or layout_elsewhere(name)
    if layout is None:
        others = names_elsewhere()
        near = nearest_name(name.partition(":")[0], (*LAYOUTS, "columns", *others))
        raise UsageError(f'There is no layout "{name}".{near} Known: {", ".join((*LAYOUT_NAMES, *others))}')
    return layout


def package_of_layout(name: str) -> str:
    """Return the package, with its version, that registers a layout; the empty string for a layout that ships."""
    return "" if name in LAYOUTS or is_columns(name) else package_of(GROUP, name)


def layout_of_row(row: Row, first: Layout) -> Layout | None:
    """Return the layout that recognises `row`, asking `first` before the others; None if no layout does."""
    return first if first.recognises(row) else _own_layout(row)


def _own_layout(row: Row) -> Layout | None:
    return _first_of(_BY_KEYS, row) or pair_of(row) or _first_of(_BY_WHAT_STANDS_THERE, row)


def _first_of(layouts: Sequence[Layout], row: Row) -> Layout | None:
    return next((layout for layout in layouts if layout.recognises(row)), None)


def recognise_layout(
    rows: Sequence[Row], path: AnyPath, compression: str = "", read_from: AnyPath | None = None
) -> Layout:
    """Return the layout of most of `rows`, the first rows of `path`, which is compressed as `compression` says.

    Commands that are proposed read `read_from`, where that is not `path` itself.

    Raises:
        LayoutError: no layout recognises any of them; names the keys that were found, and columns that may be meant.
    """
    votes = Counter(filter(None, map(_own_layout, rows)))
    if votes:
        most = max(votes, key=lambda layout: votes[layout])
        guessed = guess_pair(most, rows) if is_columns(most.name) else most
        if guessed is not None:
            return guessed
    keys = ", ".join(sorted(map(str, rows[0]))[:20]) if rows else ""
    known = "\n".join(f"  {layout.name}: {layout.summary}" for layout in LAYOUTS.values())
    place = read_from or path
    kind = what_to_do(rows, place, compression, _is_row) if rows else ""
    nested = nested_rows(place, rows[0], compression, _is_row) if len(rows) == 1 else ""
    begin = f"{path}: no known layout. Keys of the first row: {keys or 'none'}\n"
    if nested and not kind:
        raise LayoutError(begin + nested.rstrip())
    columns = "" if kind else proposed(rows)
    held = wanted(rows[0]) if rows and not (kind or columns) else ""
    this = f"--layout {quote(columns)} if these are the request and the answer, or " if columns else ""
    raise LayoutError(
        f"{begin}Known layouts:\n{known}\n"
        f"  {FORM}: columns, by name\n{kind}{doubt(rows)}{held}"
        f"{'Or' if kind else 'Next'}: {this}--layout NAME if one of these is meant"
    )


def _is_row(row: Row) -> bool:
    return _own_layout(row) is not None


def chunk_rows(chunk: Chunk) -> Iterator[tuple[int, ParsedRow | BadRow]]:
    """Yield (row number, parsed row or why not) for each row of a chunk; blank lines are left out."""
    if chunk.table is not None:
        for number, row in enumerate(table_rows(chunk.table), chunk.first_row):
            yield number, ParsedRow(row, row)
        return
    lines: Sequence[bytes] = chunk.items or (() if chunk.oversize else chunk.data.split(b"\n"))
    yield from parsed_rows(enumerate(lines, chunk.first_row))


def parsed_rows(rows: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, ParsedRow | BadRow]]:
    """Yield (row number, parsed row or why not) for each numbered row; blank ones are left out."""
    for number, line in rows:
        if line.strip(b" \t\r\n"):
            try:
                yield number, parse_row(line)
            except BadRow as error:
                yield number, error


def read_rows(path: AnyPath, data: DataSet | None = None) -> Iterator[tuple[int, Row]]:
    """Yield (row number, row) for each readable row of a data set; the others are for the filter to report."""
    for chunk in read_data_set(data or open_data_set(path)):
        for number, parsed in chunk_rows(chunk):
            if isinstance(parsed, ParsedRow):
                yield number, parsed.readable


def first_layout(path: AnyPath, name: str | None = None, data: DataSet | None = None) -> Layout:
    """Return the layout called `name`, or the one that the first rows of `path` are in; `data` is `path`, opened before.

    Raises:
        UsageError, LayoutError: no such layout or column, or none recognised.
    """
    if name:
        layout = layout_named(name)
        if is_columns(name):
            hold_columns(layout, (row for _, row in read_rows(path, data)))
        return layout
    data = data or open_data_set(path)
    rows: list[Row] = []
    first_bad: tuple[int, BadRow, bytes] | None = None
    first = bad = data.files[0]
    for chunk in read_data_set(data):
        first = first if rows else data.files[chunk.file]
        bad = bad if first_bad else data.files[chunk.file]
        if chunk.oversize and first_bad is None:
            first_bad = chunk.first_row, row_too_large(), b""
        for number, parsed in chunk_rows(chunk):
            if isinstance(parsed, ParsedRow):
                rows.append(parsed.readable)
            elif first_bad is None:
                first_bad = number, parsed, _raw_row(chunk, number)
            if len(rows) == ROWS_TO_LOOK_AT:
                return recognise_layout(rows, *_told_as(path, data, first), _copied_to(path, data))
    if not rows:
        raise LayoutError(why_unread(*_told_as(path, data, bad), first_bad))
    return recognise_layout(rows, *_told_as(path, data, first), _copied_to(path, data))


def _copied_to(path: AnyPath, data: DataSet) -> AnyPath | None:
    """Return the folder to which the rows of a data set were copied that is no files of rows: the hub's, or one that was saved."""
    is_saved = isinstance(path, Path) and path.is_dir() and is_saved_data_set(path)
    return data.root if is_saved or is_hub_name(str(path)) else None


def _told_as(path: AnyPath, data: DataSet, source: Source) -> tuple[AnyPath, str]:
    """Return what a message is to call a data set and how that is packed: of several files the one that it is about."""
    is_one = len(data.files) == 1 or data.format == "parquet"
    return (path if is_one else source.path), "parquet" if data.format == "parquet" else source.compression


def _raw_row(chunk: Chunk, number: int) -> bytes:
    lines = chunk.items or chunk.data.split(b"\n")
    return bytes(lines[number - chunk.first_row])
