"""From a run's ledger to an index that finds the next of a million findings at once.

The index holds no text but the beginning of each request and the words of each row for searching; everything else is read from the
run's own files, at the byte where it begins. It is derived: made again whenever the ledger is another than it was made from.
"""

# ruff: noqa: S608
from __future__ import annotations

import hashlib
import heapq
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from unmoor.errors import RunFolderError
from unmoor.records import Conversation, Finding
from unmoor.review.agreement import NO_FINDING
from unmoor.review.audit import FINDINGS_DRAWN, ROWS_DRAWN, UNLIKELY, UNLIKELY_DRAWN, drawn_from
from unmoor.review.databases import database_errors
from unmoor.review.item import ReadRow, text_of
from unmoor.review.row_files import Reading, RowFiles, RowWalk, row_files
from unmoor.review.said import make_record_folder
from unmoor.review.words import storable, text_of_row, words_in
from unmoor.run_folder import hash_file

__all__ = ["REQUEST_CHARS", "ready_index"]

FORMAT = "7"
REQUEST_CHARS = 160
_ROWS_AT_ONCE = 1_000
_KNUTH = 2_654_435_761
"""Multiplying by it spreads row numbers over 32 bits (Knuth, The Art of Computer Programming 3, 6.4)."""
_UNSURE = 0.5
"""The probability at which the machine knows nothing; `doubt` is the distance from it."""

_TABLES = """
pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -200000;
create table meta(name text primary key, value text);
create table items(id integer primary key, row int, place int, behaviour text, language text, rule text, outcome text,
  probability real, doubt real, shuffle int, request text, entry_byte int, entry_bytes int, data_file text, data_byte int, key int,
  waits int, counts int, is_drawn int not null default 0);
create table strata(behaviour text, outcome text, size int, drawn int);
create virtual table words using fts5(said, content = '', columnsize = 0);
begin;
"""
_INDEXES = (
    "doubt", "shuffle", "probability", "row", "key", "behaviour", "language", "rule", "outcome",
    "behaviour, doubt", "behaviour, shuffle", "language, doubt", "language, shuffle",
)  # fmt: skip


def ready_index(
    run: Path, ledger_sha256: str, rows_of_run: int, reading: Reading | None = None, read_row: ReadRow | None = None
) -> Path:
    """Return the path of the run's index, made now if there is none for this ledger; without `read_row` rows are searched by the
    ledger's excerpts alone.

    Raises:
        RunFolderError: the ledger is not the one that the manifest names, or a line of it is no entry.
        MachineError: the disk is full.
    """
    path = run / "review" / "index.sqlite"
    copy = path.with_name(f"rows.{ledger_sha256[:16]}.jsonl")
    reading = reading or Reading()
    rows = row_files(run, f"review/{copy.name}", reading.rows_of)
    if _is_ready(path, copy, ledger_sha256, rows.kind, is_read=read_row is not None):
        return path
    if hash_file(run / "ledger.jsonl") != ledger_sha256:
        raise RunFolderError(f"{run / 'ledger.jsonl'} was altered: its SHA-256 is not the manifest's")
    beside = path.with_name(f".index.{os.getpid()}.sqlite")
    with database_errors(f"Writing {path}", path):
        make_record_folder(path.parent)
        _clear_unfinished(path.parent)
        beside.unlink(missing_ok=True)
        try:
            _build(run, beside, (ledger_sha256, rows_of_run, rows, read_row), reading.on_progress)
            beside.replace(path)
            _clear_copies(path.parent, copy)
        finally:
            beside.unlink(missing_ok=True)
            rows.close()
    return path


def _clear_copies(folder: Path, current: Path) -> None:
    for copy in set(folder.glob("rows.*.jsonl")) - {current}:
        copy.unlink(missing_ok=True)


def _clear_unfinished(folder: Path) -> None:
    """Remove what was begun by processes that are no more: a killed one leaves up to half a gigabyte per million findings."""
    for unfinished in (*folder.glob(".index.*.sqlite"), *folder.glob(".rows.*.jsonl")):
        try:
            os.kill(int(unfinished.name.split(".")[2]), 0)
        except ProcessLookupError:
            unfinished.unlink(missing_ok=True)
        except (ValueError, PermissionError):  # not ours to judge
            continue


def _is_ready(path: Path, copy: Path, ledger_sha256: str, kind: str, *, is_read: bool) -> bool:
    """Return whether an index is of this ledger, knows as much of the rows, and their copy is as it was made."""
    made = _made_from(path)
    if is_read and made.get("words") != "rows":
        return False
    if (made.get("format"), made.get("ledger")) != (FORMAT, ledger_sha256) or made["rows"] not in {kind, "copied"}:
        return False
    return made["rows"] != "copied" or (copy.stat().st_size if copy.exists() else 0) == int(made["copy_bytes"])


def _made_from(path: Path) -> dict[str, str]:
    """Return what an index says that it was made from; nothing where there is none, or a broken one."""
    if not path.exists():
        return {}
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        return dict(database.execute("select name, value from meta"))
    except sqlite3.DatabaseError:
        return {}
    finally:
        database.close()


_MadeFrom = tuple[str, int, RowFiles, ReadRow | None]


def _build(run: Path, path: Path, made_from: _MadeFrom, on_progress: Callable[[str], None]) -> None:
    ledger_sha256, rows_of_run, rows, read_row = made_from
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.executescript(_TABLES)

        def tell(name: str, value: str) -> None:
            database.execute("insert into meta values (?, ?)", (name, value))

        numbered = enumerate(_items(run, rows_of_run, _RowPlaces(rows, read_row), tell), 1)
        done = 0
        while some := list(islice(numbered, _ROWS_AT_ONCE)):
            database.executemany(
                "insert into items values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                ((number, *columns) for number, (columns, _) in some),
            )
            database.executemany(
                "insert into words(rowid, said) values (?, ?)", ((row, said) for _, ((row, *_), said) in some if said)
            )
            done += len(some)
            if done % 100_000 < _ROWS_AT_ONCE and done >= 100_000:
                on_progress(f"Looking through the ledger: {done:,} findings")
        for columns in _INDEXES:
            database.execute(f"create index by_{columns.replace(', ', '_')} on items({columns})")
        for column in ("id", "doubt", "shuffle"):
            database.execute(f"create index by_waits_{column} on items({column}) where waits")
        _draw(database)
        database.execute("create index by_drawn on items(shuffle) where is_drawn")
        copied = ("copy_bytes", str(rows.put_copy()))
        told = [("format", FORMAT), ("ledger", ledger_sha256), ("rows", rows.kind), copied]
        told.append(("words", "excerpts" if read_row is None else "rows"))
        database.executemany("insert into meta values (?, ?)", told)
        database.execute("commit")
        database.execute("analyze")
    finally:
        database.close()


def _draw(database: sqlite3.Connection) -> None:
    """Mark the sample of the audit: the findings of each stratum with the smallest hashes, and all rows without a finding.

    Findings that the machine itself holds for unlikely, and that nothing came of, are strata of their own.
    """
    for is_counted, outcome_of in ((1, "outcome"), (0, f"'{UNLIKELY}'")):
        kind = f"place >= 0 and counts = {is_counted}"
        sizes = database.execute(
            f"select behaviour, {outcome_of}, count(*) from items where {kind} group by 1, 2"
        ).fetchall()
        total = sum(size for _, _, size in sizes)
        for behaviour, outcome, size in sizes:
            drawn = drawn_from(size, total, FINDINGS_DRAWN if is_counted else UNLIKELY_DRAWN)
            database.execute("insert into strata values (?, ?, ?, ?)", (behaviour, outcome, size, drawn))
            database.execute(
                "update items set is_drawn = 1 where id in (select id from items "
                f"where behaviour = ? and {outcome_of} = ? and {kind} order by shuffle limit ?)",
                (behaviour, outcome, drawn),
            )
    (unlisted,) = database.execute("select count(*) from items where place < 0").fetchone()
    if unlisted:
        (kept,) = database.execute("select max(outcome) from items where place < 0").fetchone()
        size = int(database.execute("select value from meta where name = 'unlisted'").fetchone()[0])
        database.execute("update items set is_drawn = 1 where place < 0")
        database.execute("insert into strata values (?, ?, ?, ?)", (NO_FINDING, kept, size, unlisted))


_Columns = tuple[Any, ...]


def _items(
    run: Path, rows_of_run: int, rows: _RowPlaces, tell: Callable[[str, str], None]
) -> Iterator[tuple[_Columns, str]]:
    """Yield the columns of each finding but its number, and with a row's first finding the words to search the row by; at the end
    rows without a finding.
    """
    for number, (start, size, entry) in enumerate(_entries(run / "ledger.jsonl"), 1):
        try:
            place, read = rows.place(entry)
            found = _found(entry, (start, size, *place), read)
        except (KeyError, TypeError, AttributeError) as error:
            raise _no_entry(run / "ledger.jsonl", number) from error
        yield from found
    drawn = rows.unlisted(rows_of_run)
    tell("unlisted", str(rows.unlisted_count))
    yield from (_unlisted(*each) for each in drawn)


def _found(
    entry: dict[str, Any], where: tuple[int, int, str, int], read: Conversation | None
) -> list[tuple[_Columns, str]]:
    """Return the columns of each finding of an entry; `where` is its byte and size, and the file and byte of its row, `read` what
    that says, None where it is not known.
    """
    request, places = storable(entry.get("request")), range(len(entry["findings"]))
    waiting = set(entry.get("waits_for", places)) if entry.get("needs_review") else set()
    counting = waiting.union(entry.get("acted_on", ()))
    said = text_of_row(read) if read is not None else ""
    for told in (request, storable(entry.get("answer")), *(storable(one["quote"]) for one in entry["findings"])):
        said += "" if told in said else f" {told}"
    items: list[tuple[_Columns, str]] = []
    for place, finding in enumerate(entry["findings"]):
        key, probability = finding_key(entry, finding), float(finding["probability"])
        names = (
            *map(storable, (finding["behaviour"], finding["language"], finding["rule"])),
            storable(entry["outcome"]),
        )
        figures = (probability, abs(probability - _UNSURE), key & 0xFFFFFFFF)
        counts = (int(place in waiting), int(probability >= _UNSURE or place in counting))
        is_elsewhere = finding["turn"] != entry.get("turn")
        asked = storable(read.request_before(finding["turn"])) if read is not None and is_elsewhere else request
        columns = (int(entry["row"]), place, *names, *figures, asked[:REQUEST_CHARS], *where, key, *counts)
        items.append((columns, words_in(said) if place == 0 else ""))
    return items


def _unlisted(row: int, file: str, byte: int, key: int) -> tuple[_Columns, str]:
    """Return the columns of a row in which nothing was found; its place among the findings is -1."""
    names, figures = (NO_FINDING, "und", "", "kept"), (0.0, _UNSURE, key & 0xFFFFFFFF)
    return (row, -1, *names, *figures, f"row {row:,}", 0, 0, file, byte, key, 0, 0), ""


def _no_entry(path: Path, number: int) -> RunFolderError:
    return RunFolderError(f"{path}:{number} is no entry of a ledger: it was altered or cut short")


def _entries(path: Path) -> Iterator[tuple[int, int, dict[str, Any]]]:
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                yield start, len(line), {"findings": [], **entry}
            except (ValueError, TypeError, KeyError) as error:
                raise _no_entry(path, number) from error
            start += len(line)


def finding_key(entry: dict[str, Any], finding: dict[str, Any]) -> int:
    """Return a number, 63 bits of a SHA-256, that is the same for the same finding in the same row of another run."""
    told = [
        entry["row"],
        *(finding[name] for name in ("behaviour", "turn", "field", "start_char", "end_char", "quote")),
    ]
    row = [entry.get("request"), *filter(None, [entry.get("conversation_sha256")])]
    digest = hashlib.sha256(json.dumps([*told, *row]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class _RowPlaces:
    """Where the bytes of each row lie and what they say, of those that the ledger names, and where those of a sample of the others.

    A rewritten row is found as it was in the ledger itself, or among the tables' rows before; others in their file.
    """

    def __init__(self, files: RowFiles, read_row: ReadRow | None) -> None:
        self._files, self._walk, self._read_row = files, RowWalk(files, self._draw), read_row
        self._drawn: list[tuple[int, int, str, int, int]] = []
        self.unlisted_count = 0

    def place(self, entry: dict[str, Any]) -> tuple[tuple[str, int], Conversation | None]:
        """Return (file, first byte) of the row of a ledger entry, an empty name where it is not known, and what the row says: None
        where it cannot be read, or does not hold what was found.
        """
        part, line = self._walk.part_of(entry)
        read = self._read_row(line) if self._read_row is not None and line and entry["findings"] else None
        if read is not None and any(text_of(read, Finding.from_json(one)) is None for one in entry["findings"]):
            read = None
        return (self._files.place(part) if part not in {"", "ledger"} else (part, 0)), read

    def _draw(self, row: int, line: bytes) -> None:
        """Remember the rows without a finding that have the smallest hashes."""
        order = row * _KNUTH % 2**32
        if line and (len(self._drawn) < ROWS_DRAWN or -self._drawn[0][0] > order):
            key = int.from_bytes(hashlib.sha256(b"%d " % row + line).digest()[:8], "big") >> 1
            push = heapq.heappush if len(self._drawn) < ROWS_DRAWN else heapq.heappushpop
            push(self._drawn, (-order, row, *self._files.place("kept"), key))
        self.unlisted_count += bool(line)

    def unlisted(self, rows_of_run: int) -> list[tuple[int, str, int, int]]:
        """Return (row, file, first byte, key) of the drawn rows without a finding; walks to the end of the run."""
        if self._files.kind != "none":
            self._walk.pass_to(rows_of_run)
        return sorted((row, file, byte, key) for _, row, file, byte, key in self._drawn)
