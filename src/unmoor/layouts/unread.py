"""From a file of which no row could be read to what it seems to be, and the command that makes rows of it."""

from __future__ import annotations

import json
import re
from shlex import quote

from unmoor.errors import BadRow
from unmoor.layouts.files import fed
from unmoor.layouts.nested import IsRow, way_to_row
from unmoor.layouts.proposal import proposed
from unmoor.records import Row
from unmoor.records.patterns import pattern_when_used
from unmoor.storage import AnyPath

__all__ = ["lists_of_turns", "nested_rows", "why_unread"]

_TABLES = pattern_when_used(r"\.(csv|tsv)(\.(gz|gzip|zst|zstd))?$", re.IGNORECASE)
_JSON = "jq -c {} {{path}} > rows.jsonl"
_KEY_OF_TURNS = re.compile(rb'\[[\s\[]*\{\s*"(role|from|speaker)"\s*:')
"""A list whose first turn says first who speaks."""
_FROM_LATIN = "iconv -f latin1 -t utf-8 {path} > rows.jsonl"
_TO_LINES = r"tr '\r' '\n' < {path} > rows.jsonl"


def why_unread(path: AnyPath, compression: str, first: tuple[int, BadRow, bytes] | None) -> str:
    """Return what to say of a data set without a readable row; `first` is its first row: number, error, bytes; `path` its file."""
    if first is None:
        return f"{path} holds no row"
    number, error, raw = first
    told = f"{path}: no row could be read. The first: row {number}, {error.code}: {error.message}"
    return f"{told}\n{_seems(path, compression, error, raw)}"


def nested_rows(path: AnyPath, row: Row, compression: str, is_row: IsRow) -> str:
    """Return how to take out rows that lie in the one list that the only object there is holds, or the empty string.

    `is_row` says what is read; for other rows the way to such is part of the command.
    """
    lists = _lists(row, ".") or [
        found for key, value in row.items() if isinstance(value, dict) for found in _lists(value, f".{_key(key)}")
    ]
    if len(lists) != 1:
        return ""
    name, place, first = lists[0]
    is_known = is_row(first)
    way = None if is_known else way_to_row(first, is_row)
    if not (is_known or way) and proposed([row]):  # the list is what was said before
        return ""
    take = quote(f"{place}[] | {way.filter}" if way else f"{place}[]")
    then = f", where {way.said}" if way else ""
    return (
        f'The rows may be those in the list under "{name}"{then}. Next: {fed(_JSON.format(take), path, compression)}\n'
    )


def _lists(value: Row, path: str) -> list[tuple[str, str, Row]]:
    """Return name, path and first element of each list of objects in an object."""
    return [
        (key, f"{path}{_key(key)}", one[0])
        for key, one in value.items()
        if isinstance(one, list) and one and isinstance(one[0], dict)
    ]


def _key(name: str) -> str:
    return f"[{json.dumps(name)}]"


def _seems(path: AnyPath, compression: str, error: BadRow, raw: bytes) -> str:
    if _TABLES.search(str(path)) or _is_table(raw):
        return f"It looks like a table in text. Next: {fed(_to_parquet(is_tsv=_is_tsv(raw)), path, compression)}"
    if error.code == "INVALID_UTF8":
        return f"If it is Latin-1: {fed(_FROM_LATIN, path, compression)}"
    if b"\r" in raw.rstrip(b"\r\n"):
        return f"Its lines end in a carriage return alone. Next: {fed(_TO_LINES, path, compression)}"
    if error.code == "TRUNCATED" and raw.strip() in (b"{", b"[", b"{}"):
        return f"It seems to be JSON over several lines, and a row is one line. Next: {fed(_JSON.format('.'), path, compression)}"
    if error.code == "NOT_AN_OBJECT" and (said := lists_of_turns(path, compression, raw)):
        return said
    return "Next: see that it is JSON Lines (one object a line), a JSON array or Parquet"


def lists_of_turns(path: AnyPath, compression: str, raw: bytes) -> str:
    """Return how rows are made of bare lists of turns, of which `raw` is one or begins with one; empty where it is neither."""
    key = _KEY_OF_TURNS.match(raw)
    if key is None:
        return ""
    name = "messages" if key[1] == b"role" else "conversations"
    make = quote(f'if (.[0] | type) == "array" then .[] else . end | {{{name}: .}}')
    return (
        f"Each row is a bare list of turns, and a row is an object. Next: {fed(_JSON.format(make), path, compression)}"
    )


def _is_table(raw: bytes) -> bool:
    """Return whether a first line is a head of names with commas or tabs between."""
    cells = re.split(rb"[,\t]", raw.strip())
    return len(cells) > 1 and all(re.fullmatch(rb'"?[A-Za-z_][\w .-]*"?', cell.strip()) for cell in cells)


def _is_tsv(raw: bytes) -> bool:
    return raw.count(b"\t") > raw.count(b",")


def _to_parquet(*, is_tsv: bool) -> str:
    delimiter = ", delimiter='\\t'" if is_tsv else ""
    code = (
        "import sys, pyarrow as a, pyarrow.csv as c, pyarrow.parquet as p; "
        "p.write_table(c.read_csv(a.BufferReader(open(sys.argv[1], 'rb').read()), c.ReadOptions(use_threads=False), "
        f"c.ParseOptions(newlines_in_values=True{delimiter})), 'rows.parquet')"
    )
    return f'python -c "{code}" {{path}}'
