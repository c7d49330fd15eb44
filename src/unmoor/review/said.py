"""From key presses to a record that is only ever added to: verdicts, and what was taken back or put back.

One SQLite file in RUN/review. Nothing in `said` is changed or removed; `batches` and `standing` say what holds now and are written
in the same transaction, so a process that is killed leaves either the whole of a key press or nothing of it. Several people can
write at once: each has a standing verdict of their own on each finding.

Whoever writes holds the folder meanwhile, and so does whoever puts another run in the place of this one, from before the folder is
copied until the copy has its name. So what is said is in the copy, or is refused.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from unmoor.errors import RunFolderError, UsageError
from unmoor.records.verdict import Verdict
from unmoor.review.databases import database_errors
from unmoor.run_folder import holding

__all__ = ["Said", "hold_name", "is_unicode", "make_record_folder"]

_WAIT_SECONDS = 20
_AGAIN_SECONDS = 0.02
_TABLES = """
pragma journal_mode = wal; pragma synchronous = full;
create table if not exists said(
  id integer primary key autoincrement, batch int not null, kind text not null, key int, verdict text, by text);
create index if not exists said_of on said(key, by); create index if not exists said_in on said(batch);
create table if not exists batches(batch integer primary key autoincrement, by text not null, is_undone int not null default 0);
create index if not exists batches_of on batches(by, is_undone);
create table if not exists standing(by text, key int, judgement text, corrected text, primary key (by, key)) without rowid;
"""


def is_unicode(name: str) -> bool:
    """Return whether a name is text that can be written down: half surrogates, as bytes of no letter become, cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def hold_name(person: str) -> None:
    """Raise UsageError unless `person` is a name that verdicts can be written down under."""
    if not person.strip():
        raise UsageError("Verdicts need a name. Next: --person NAME")
    if not is_unicode(person):
        raise UsageError(f"Verdicts need a name in Unicode text, found {person!a}. Next: --person NAME")


def make_record_folder(folder: Path) -> None:
    """Make the folder of what people say about a run, unless it is there.

    Raises:
        RunFolderError: something else has its name.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise RunFolderError(
            f"{folder} is no folder, and verdicts on a run are kept in one of that name. Next: move it to another place"
        ) from error


def _make_tables(database: sqlite3.Connection) -> None:
    """Make what is not there yet. Of two that begin at once each may hold what the other wants; SQLite does not wait for that."""
    end = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            database.executescript(_TABLES)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_AGAIN_SECONDS)


class Said:
    """What `person` and others said about a run; `database` has the index attached as `found` by the store."""

    def __init__(self, path: Path, person: str) -> None:
        with database_errors(f"Opening {path}", path):
            make_record_folder(path.parent)
            with holding(path.parent):
                self.database = sqlite3.connect(
                    path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False, uri=True
                )
                _make_tables(self.database)
                self._person, self._path, self._file = person, path, _file_at(path)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with database_errors(f"Writing {self._path}", self._path), self._in_place():
            self.database.execute("begin immediate")
            try:
                yield
                self.database.execute("commit")
            except BaseException:
                if self.database.in_transaction:  # of some errors SQLite itself goes back
                    self.database.execute("rollback")
                raise

    @contextmanager
    def _in_place(self) -> Iterator[None]:
        """Keep the run from being replaced while the block lasts.

        Raises:
            RunFolderError: it was replaced or moved since then: what is said now would go into a file that nobody reads.
        """
        with ExitStack() as held:
            try:
                held.enter_context(holding(self._path.parent))
            except FileNotFoundError as error:
                raise self._replaced("is not where it was when this review began") from error
            if _file_at(self._path) != self._file:
                raise self._replaced("was written again since this review began")
            yield

    def _replaced(self, how: str) -> RunFolderError:
        return RunFolderError(
            f"{self._path.parent.parent} {how}, so nothing was written down. Next: start the review again"
        )

    def add(self, verdicts: Iterable[tuple[int, Verdict]]) -> int:
        """Append (key of the finding, verdict) pairs as one batch, which one undo takes back; return the batch."""
        with self._writing():
            # What was taken back before something new was said stays taken back: 2.
            self.database.execute("update batches set is_undone = 2 where by = ? and is_undone", (self._person,))
            batch = self.database.execute("insert into batches(by) values (?)", (self._person,)).lastrowid or 0
            for key, verdict in verdicts:
                words = json.dumps(verdict.as_json())
                self.database.execute(
                    "insert into said(batch, kind, key, verdict, by) values (?, 'verdict', ?, ?, ?)",
                    (batch, key, words, self._person),
                )
                self._stand(key, verdict)
        return batch

    def undo(self) -> tuple[int, Verdict] | None:
        """Take back this person's last batch that stands; return the key and verdict of its last finding."""
        return self._turn("undo", "select max(batch) from batches where by = :by and not is_undone", is_undone=True)

    def redo(self) -> tuple[int, Verdict] | None:
        """Put back what this person took back last, if nothing was said since; return its key and verdict."""
        query = "select min(batch) from batches where by = :by and is_undone = 1"
        return self._turn("redo", query, is_undone=False)

    def _turn(self, kind: str, query: str, *, is_undone: bool) -> tuple[int, Verdict] | None:
        with self._writing():
            (batch,) = self.database.execute(query, {"by": self._person}).fetchone()
            if batch is None:
                return None
            self.database.execute("update batches set is_undone = ? where batch = ?", (int(is_undone), batch))
            self.database.execute("insert into said(batch, kind, by) values (?, ?, ?)", (batch, kind, self._person))
            said = self.database.execute(
                "select key, verdict from said where batch = ? and kind = 'verdict' order by id", (batch,)
            )
            found = said.fetchall()
            for key, _ in found:
                self._stand_again(key)
        key, words = found[-1]
        return key, Verdict.from_json(json.loads(words))

    def _stand(self, key: int, verdict: Verdict) -> None:
        values = (self._person, key, verdict.judgement, verdict.corrected_behaviour)
        self.database.execute("insert or replace into standing values (?, ?, ?, ?)", values)

    def _stand_again(self, key: int) -> None:
        """Let this person's last verdict on a finding that was not taken back stand, or none."""
        mine = [verdict for verdict in self.history(key) if verdict.by == self._person]
        if mine:
            self._stand(key, mine[-1])
        else:
            self.database.execute("delete from standing where by = ? and key = ?", (self._person, key))

    def history(self, key: int) -> tuple[Verdict, ...]:
        """Return every verdict on a finding that was not taken back, oldest first."""
        rows = self.database.execute(
            "select verdict from said join batches using (batch) "
            "where key = ? and kind = 'verdict' and not is_undone order by said.id",
            (key,),
        )
        return tuple(Verdict.from_json(json.loads(words)) for (words,) in rows)

    def standing(self) -> Iterator[tuple[int, Verdict]]:
        """Yield (key, verdict) of each person's last verdict on each finding, the one that was said or imported last; of several
        people's the oldest first, by the time that each names: files of verdicts may be imported in any order.
        """
        rows = self.database.execute(
            "select key, verdict from said where id in (select max(said.id) from said join batches using (batch) "
            "where kind = 'verdict' and not is_undone group by key, said.by) order by id"
        )
        said = [(key, Verdict.from_json(json.loads(words))) for key, words in rows.fetchall()]
        yield from sorted(said, key=lambda one: _told_at(one[1]))

    def close(self) -> None:
        """Close the file; what was confirmed is on the disk already."""
        self.database.close()


def _told_at(verdict: Verdict) -> datetime:
    """Return when a verdict was said, in UTC where it names no zone; of one without a time, before all others."""
    try:
        at = datetime.fromisoformat(verdict.at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another that later has its name; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
