"""From a run and what people said about it to a queue: the next item, a list, counts, a verdict, and taking it back.

Every step goes by an index, never by counting from the beginning, so the next of a million items costs what the next of a hundred
does. In the queries the names are our own words and every value is bound.
"""

# ruff: noqa: S608
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from unmoor.errors import RunFolderError, UsageError
from unmoor.records import BEHAVIOURS, Conversation, Finding
from unmoor.records.verdict import REWRITES, Judgement, Verdict
from unmoor.review.agreement import NO_FINDING, Agreement, agreements
from unmoor.review.audit import UNLIKELY, Stratum
from unmoor.review.index import REQUEST_CHARS, ready_index
from unmoor.review.item import Item, ItemLine, ReadRow, conversation_of, parse_entry, row_bytes, what_followed
from unmoor.review.judged import Drawn
from unmoor.review.row_files import Reading
from unmoor.review.said import Said, hold_name
from unmoor.review.unlisted import asked_in, entry_of
from unmoor.review.view import ORDERS, View
from unmoor.review.words import query_of, text_of_row, words_in
from unmoor.run_folder import COUNT, FILES, place_in_files, read_manifest

__all__ = ["Item", "ItemLine", "Store", "View"]

_MOST_RULES = 50
_MANY_HITS = 20_000
"""Of a search: from here on walking through all of them for the next one takes longer than a person should wait."""
_LONGEST_NOTE = 2_000
_MINE = "(select judgement from standing where by = :person and key = i.key)"
_STRATUM = f"case when i.counts or i.place < 0 then i.outcome else '{UNLIKELY}' end"
_LINE = f"select i.id, i.row, i.behaviour, i.probability, i.request, {_MINE} from found.items i"


class Store:
    """A run opened by a person. One thread at a time may use it; other threads and processes open their own."""

    def __init__(self, run: Path, person: str, index: Path, manifest: dict[str, Any], read_row: ReadRow | None) -> None:
        self._run, self._person, self._manifest, self._read_row = run, person, manifest, read_row
        self.is_rewritten_by_apply = manifest.get("kind") != "audit"
        self._said = Said(run / "review" / "verdicts.sqlite", person)
        self._database = self._said.database
        self._database.execute("attach ? as found", (f"{index.resolve().as_uri()}?mode=ro",))
        self._ledger = (run / "ledger.jsonl").open("rb")
        self._counts: dict[View, dict[str, Any]] = {}
        self._searched: str | None = None
        self._has_drawn_words = False
        self._hits = 0

    @classmethod
    def open(
        cls,
        run: Path,
        person: str,
        *,
        read_row: ReadRow | None = None,
        reading: Reading | None = None,
    ) -> Store:
        """Open the run, and index its ledger where that was not done; `read_row` reads a row's bytes as a conversation.

        `reading` says how rows are found that do not lie in plain JSON Lines; without it the ledger's excerpts are shown for them.

        Raises:
            UsageError: the person has no name, or one that is no text.
            RunFolderError: the run is missing, half-written, altered or of another version.
        """
        hold_name(person)
        manifest = read_manifest(run, {**FILES, "counts": {"input": COUNT}, "inputs": [{"name": str, "rows": COUNT}]})
        ledger = manifest["files"].get("ledger.jsonl")
        if ledger is None or not (run / "ledger.jsonl").exists():
            raise UsageError(f"{run} has no ledger, so there is nothing to review")
        if (run / "ledger.jsonl").stat().st_size != ledger["size_bytes"]:
            raise RunFolderError(f"{run / 'ledger.jsonl'} was altered or cut short: the manifest says another size")
        index = ready_index(run, ledger["sha256"], manifest["counts"]["input"], reading, read_row)
        return cls(run, person.strip(), index, manifest, read_row)

    def close(self) -> None:
        """Close the files; nothing waits to be written."""
        self._said.close()
        self._ledger.close()

    # --- the queue ------------------------------------------------------------------------------------------------------------

    def next(self, view: View, after: int | None, direction: int) -> int | None:
        """Return the item that follows `after` in the view, or comes before it for direction -1; None at the end."""
        found = self._walk("select i.id from found.items i", view, after, direction, 1)
        return int(found[0][0]) if found else None

    def page(self, view: View, after: int | None, limit: int) -> list[ItemLine]:
        """Return up to `limit` lines of the view behind `after`."""
        return [self._with_request(ItemLine(*columns)) for columns in self._walk(_LINE, view, after, 1, limit)]

    def line(self, item_id: int) -> ItemLine:
        """Return the line of one item."""
        return self._with_request(ItemLine(*self._one(f"{_LINE} where i.id = :id", id=item_id, person=self._person)))

    def _with_request(self, line: ItemLine) -> ItemLine:
        """Return a line with what was asked: the index lacks it where nothing was found, which would tell who looks blind."""
        if line.behaviour != NO_FINDING:
            return line
        where = self._one("select data_file, data_byte from found.items where id = :id", id=line.id)
        read = self._read(where)
        return line if read is None else replace(line, request=asked_in(read)[:REQUEST_CHARS])

    def _read(self, where: tuple[Any, ...]) -> Conversation | None:
        """Return what the row at a byte of one of the run's files says; None where it cannot be read."""
        raw = row_bytes(self._run, {}, *where)
        return self._read_row(raw) if raw is not None and self._read_row is not None else None

    def _walk(self, select: str, view: View, after: int | None, direction: int, limit: int) -> list[tuple[Any, ...]]:
        columns = ORDERS[view.order]
        where, values = self._where(view)
        if after is not None:
            here = self._one(f"select {', '.join(columns)} from found.items where id = :id", id=after)
            places = [f":here{number}" for number in range(len(columns))]
            names = ", ".join(f"i.{column}" for column in columns)
            where += f" and ({names}) {'>' if direction > 0 else '<'} ({', '.join(places)})"
            values |= {f"here{number}": value for number, value in enumerate(here)}
        order = ", ".join(f"i.{column} {'asc' if direction > 0 else 'desc'}" for column in columns)
        query = f"{select} where {where} order by {order} limit :limit"
        return self._database.execute(query, {**values, "person": self._person, "limit": limit}).fetchall()

    def _one(self, query: str, **values: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
        if found is None:
            raise UsageError(f"There is no item {values.get('id')} in this run. Next: reload the page")
        return found

    def counts(self, view: View) -> dict[str, Any]:
        """Return how many items the view holds: in all, and by behaviour, language, rule, outcome, probability and verdict; and how
        many of its rows wait for a person.
        """
        where, values = self._where(view)
        values["person"] = self._person
        if view.verdict is not None:  # a set that every verdict changes
            return self._counted(where, values) | {
                "verdicts": self._grouped(f"coalesce({_MINE}, 'none')", where, values)
            }
        if view not in self._counts:
            self._counts[view] = self._counted(where, values)
        counts = self._counts[view]
        verdicts = dict(
            self._database.execute(
                "select s.judgement, count(*) from standing s join found.items i on i.key = s.key "
                f"where s.by = :person and {where} group by 1",
                values,
            ).fetchall()
        )
        waiting = counts["items"] - sum(verdicts.values())
        return counts | {"verdicts": ({"none": waiting} if waiting > 0 else {}) | verdicts}

    def _counted(self, where: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return the counts that no verdict changes; half a second over a million items, so they are kept."""
        tenths = self._grouped("min(9, cast(i.probability * 10 as int))", where, values)
        (waiting,) = self._one(f"select count(distinct i.row) from found.items i where {where} and i.waits", **values)
        return {
            "items": sum(tenths.values()),
            "waiting_rows": waiting,
            "behaviours": self._grouped("i.behaviour", where, values),
            "languages": self._grouped("i.language", where, values),
            "rules": self._grouped("i.rule", where, values, _MOST_RULES),
            "outcomes": self._grouped("i.outcome", where, values),
            "probability": [tenths.get(tenth, 0) for tenth in range(10)],
        }

    def _grouped(self, expression: str, where: str, values: dict[str, Any], most: int = -1) -> dict[Any, int]:
        query = (
            f"select {expression}, count(*) n from found.items i where {where} group by 1 order by n desc limit {most}"
        )
        return dict(self._database.execute(query, values).fetchall())

    def _where(self, view: View) -> tuple[str, dict[str, Any]]:
        """Return the condition of a view in SQL, all values apart from it; a search is done once and kept while it is looked at."""
        where, values = _condition(view)
        said = query_of(view.text or "")
        if not said:
            return where, values
        if view.text != self._searched:
            self._database.execute("create temp table if not exists hit(id integer primary key)")
            self._database.execute("delete from temp.hit")
            self._add_words_of_drawn()
            for words_of in ("found.words", "temp.drawn_words"):
                rows = f"select rowid from {words_of} where {words_of.partition('.')[2]} match ?"
                matching = f"select id from found.items where row in ({rows})"
                self._database.execute(f"insert into temp.hit {matching}", (said,))
            self._searched = view.text
            (self._hits,) = self._one("select count(*) from temp.hit")
        # Few hits are walked through; among many, items in order are asked whether they are hits (the plus keeps the index out).
        return f"{where} and {'+' if self._hits > _MANY_HITS else ''}i.id in (select id from temp.hit)", values

    def _add_words_of_drawn(self) -> None:
        """Make the rows without a finding searchable: the index was made without reading them, and to find others alone would tell
        who looks blind in which something was found.
        """
        if self._has_drawn_words:
            return
        self._database.execute("create virtual table temp.drawn_words using fts5(said, content = '', columnsize = 0)")
        drawn = self._database.execute("select row, data_file, data_byte from found.items where place < 0").fetchall()
        for row, *where in drawn:
            if (read := self._read(tuple(where))) is not None:
                words = (row, words_in(text_of_row(read)))
                self._database.execute("insert into temp.drawn_words(rowid, said) values (?, ?)", words)
        self._has_drawn_words = True

    # --- one item -------------------------------------------------------------------------------------------------------------

    def _entry(self, item_id: int) -> tuple[dict[str, Any], int, int, tuple[str, int]]:
        """Return the ledger entry of an item, the finding's place in it, its key, and where the row's bytes lie."""
        columns = "entry_byte, entry_bytes, place, key, data_file, data_byte"
        start, size, place, key, file, byte = self._one(f"select {columns} from found.items where id = :id", id=item_id)
        if place < 0:
            (row,) = self._one("select row from found.items where id = :id", id=item_id)
            return entry_of(row, self._read((file, byte))), 0, key, (file, byte)
        self._ledger.seek(start)
        return parse_entry(self._ledger.read(size)), place, key, (file, byte)

    def item(self, item_id: int) -> Item:
        """Return everything there is to show of an item.

        Raises:
            UsageError: there is no such item.
        """
        entry, place, key, where = self._entry(item_id)
        shown = conversation_of(entry, place, row_bytes(self._run, entry, *where), self._read_row)
        history = self._said.history(key)
        same_row = self._database.execute(
            "select id, place from found.items where row = ? and id <> ? order by id limit 50", (entry["row"], item_id)
        )
        return Item(
            id=item_id,
            **{name: entry[name] for name in ("row", "outcome", "reason", "needs_review", "is_floor")},
            language=entry["findings"][place]["language"],
            followed=what_followed(entry, place),
            finding=shown.finding,
            findings=shown.findings,
            others=tuple((number, Finding.from_json(entry["findings"][other])) for number, other in same_row),
            turns=shown.turns,
            edits=shown.edits,
            history=history,
            verdict=next((verdict for verdict in reversed(history) if verdict.by == self._person), None),
            missing=shown.missing,
            first_turn=shown.first_turn,
            is_rewritten_by_apply=self.is_rewritten_by_apply,
            **place_in_files(self._manifest, entry["row"]),
        )

    # --- verdicts -------------------------------------------------------------------------------------------------------------

    def decide(self, item_id: int, judgement: str, *, note: str = "", corrected_behaviour: str | None = None) -> int:
        """Write a verdict down, on the disk before this returns; return its number.

        Raises:
            UsageError: there is no such item, judgement or behaviour.
        """
        if corrected_behaviour is not None and corrected_behaviour not in BEHAVIOURS:
            raise UsageError(f'There is no behaviour "{corrected_behaviour}"')
        return self._said.add([self._verdict(item_id, judgement, note, corrected_behaviour)])

    def decide_all(self, view: View, judgement: str, *, expected_count: int, note: str = "") -> int:
        """Write one verdict down for every item of the view, as one batch.

        Raises:
            UsageError: the view holds another number of items than `expected_count`, as when another person was faster.
        """
        where, values = self._where(view)
        found = self._database.execute(
            f"select i.id from found.items i where {where} order by i.id", {**values, "person": self._person}
        )
        items = [item for (item,) in found]
        if len(items) != expected_count:
            raise UsageError(f"The filter holds {len(items):,} items now, not {expected_count:,}. Nothing was changed")
        return self._said.add(self._verdict(item, judgement, note, None) for item in items)

    def _verdict(self, item_id: int, judgement: str, note: str, corrected: str | None) -> tuple[int, Verdict]:
        if judgement not in get_args(Judgement):
            raise UsageError(f'There is no verdict "{judgement}". Known: {", ".join(get_args(Judgement))}')
        entry, place, key, _ = self._entry(item_id)
        finding = entry["findings"][place]
        if judgement == "wrong" and finding["behaviour"] == NO_FINDING:
            judgement = "correct"  # "no such behaviour here", also said blind, is what the machine said of this row
        if judgement in REWRITES and (finding["behaviour"] == NO_FINDING or not self.is_rewritten_by_apply):
            raise UsageError(
                f"A row without a finding, or of an audit, has nothing to {judgement}. Nothing was changed"
            )
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        where = {name: finding[name] for name in ("behaviour", "turn", "field", "start_char", "end_char", "rule")}
        corrected = corrected if corrected != finding["behaviour"] else None
        said = {"judgement": judgement, "corrected_behaviour": corrected, "by": self._person, "at": at}
        return key, Verdict.from_json({"row": entry["row"], **where, **said, "note": note[:_LONGEST_NOTE]})

    def undo(self) -> tuple[int | None, Verdict] | None:
        """Take this person's last verdict back; return its item (None if this run has it no more) and what it was."""
        return self._with_item(self._said.undo())

    def redo(self) -> tuple[int | None, Verdict] | None:
        """Put back what this person took back last, if they said nothing since; return its item and what it is."""
        return self._with_item(self._said.redo())

    def _with_item(self, turned: tuple[int, Verdict] | None) -> tuple[int | None, Verdict] | None:
        if turned is None:
            return None
        key, verdict = turned
        found = self._database.execute("select id from found.items where key = ?", (key,)).fetchone()
        return (found[0] if found else None), verdict

    def audit(self) -> list[Stratum]:
        """Return the strata of the sample, and what this person said of them."""
        judged = {
            (behaviour, outcome): (checked, right)
            for behaviour, outcome, checked, right in self._database.execute(
                f"select i.behaviour, {_STRATUM}, count(*), sum(s.judgement <> 'wrong' and s.corrected is null "
                "and (i.place >= 0 or s.judgement = 'correct')) from found.items i join standing s on s.by = ? and s.key = i.key "
                "where i.is_drawn and s.judgement <> 'skip' group by 1, 2",
                (self._person,),
            )
        }
        strata = self._database.execute(
            "select behaviour, outcome, size, drawn from found.strata order by behaviour = ?, outcome = ?, size desc",
            (NO_FINDING, UNLIKELY),
        )
        return [
            Stratum(behaviour, outcome, size, drawn, *judged.get((behaviour, outcome), (0, 0)))
            for behaviour, outcome, size, drawn in strata.fetchall()
        ]

    def drawn(self) -> list[Drawn]:
        """Return the sample of the audit but for unlikely findings: of each stratum its size and the keys of what was drawn."""
        keys: dict[tuple[str, str], list[int]] = {}
        query = "select behaviour, outcome, key from found.items where is_drawn and (counts or place < 0) order by id"
        for behaviour, outcome, key in self._database.execute(query):
            keys.setdefault((behaviour, outcome), []).append(key)
        query = "select behaviour, outcome, size from found.strata where outcome <> ? order by size desc"
        strata = self._database.execute(query, (UNLIKELY,))
        return [Drawn(name, outcome, size, tuple(keys.get((name, outcome), ()))) for name, outcome, size in strata]

    def unlikely(self) -> frozenset[int]:
        """Return the keys of the findings that the machine itself holds for unlikely, and that nobody has said anything of yet."""
        query = "select key from found.items where place >= 0 and not counts and probability > 0"
        return frozenset(key for (key,) in self._database.execute(query))

    def standing(self) -> list[tuple[int, Verdict]]:
        """Return each person's last verdict on each finding that the run holds, with its key, in the order of saying."""
        return [(key, verdict) for key, verdict in self._said.standing() if self._holds(key)]

    def agreements(self) -> list[Agreement]:
        """Return how far people agree with each other and with the machine, over the findings that the run holds."""
        return agreements(self.standing())

    def verdicts(self) -> Iterator[Verdict]:
        """Yield each person's standing verdicts on findings that the run holds."""
        yield from (verdict for _, verdict in self.standing())

    def verdicts_by_row(self) -> dict[int, tuple[Verdict, ...]]:
        """Return the standing verdicts of all people on findings, by row, in the order in which they were said."""
        by_row: dict[int, tuple[Verdict, ...]] = {}
        for verdict in self.verdicts():
            if verdict.behaviour != NO_FINDING:
                by_row[verdict.row] = (*by_row.get(verdict.row, ()), verdict)
        return by_row

    def stale(self) -> list[Verdict]:
        """Return the verdicts on findings that this run no longer holds; they are told, never applied."""
        said = self._said.standing()
        return [verdict for key, verdict in said if verdict.behaviour != NO_FINDING and not self._holds(key)]

    def _holds(self, key: int) -> bool:
        return self._database.execute("select 1 from found.items where key = ?", (key,)).fetchone() is not None


def _condition(view: View) -> tuple[str, dict[str, Any]]:
    """Return the condition of a view in SQL, all values apart from it."""
    parts = [f"i.{name} = :{name}" for name in ("behaviour", "language", "rule", "outcome") if getattr(view, name)]
    parts.append("i.is_drawn" if view.sample else "i.place >= 0")
    parts += ["i.waits"] if view.waiting else []
    values: dict[str, Any] = {
        name: getattr(view, name) for name in ("behaviour", "language", "rule", "outcome", "low", "high")
    }
    if view.low is not None:
        parts.append("i.probability >= :low")
    if view.high is not None:
        parts.append("i.probability <= :high" if view.high == 1 else "i.probability < :high")
    mine = "exists (select 1 from standing where by = :person and key = i.key"
    if view.verdict == "none":
        parts.append(f"not {mine})")
    elif view.verdict == "any":
        parts.append(f"{mine})")
    elif view.verdict:
        parts.append(f"{mine} and judgement = :verdict)")
        values["verdict"] = view.verdict
    return " and ".join(parts), values
