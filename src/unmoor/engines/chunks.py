"""From one chunk to its share of every output file. Pure: the same chunk and job give the same bytes in any process."""

from __future__ import annotations

import base64
import gc
from collections.abc import Iterator
from typing import Any

import orjson

from unmoor.engines.beside import Beside
from unmoor.engines.exchanges import counts
from unmoor.engines.job import UNSAMPLED, ChunkResult, Job
from unmoor.engines.judge import Judge, Judged, counted
from unmoor.engines.raw_rows import RawRows, sample_of
from unmoor.errors import BadRow
from unmoor.layouts import (
    Chunk,
    apply_to_text,
    changed_rows,
    chunk_rows,
    layout_named,
    parsed_rows,
    row_too_large,
    schema_for_changes,
    take_rows,
)
from unmoor.records import REFUSALS

__all__ = ["ChunkWorker", "quarantine_entry", "unjudged_entry"]

_EXCERPT_BYTES = 200
_COLLECT_AFTER = 500_000
"""Objects made before Python looks for cycles: rows are many objects and no cycles, and looking often costs a tenth of the time."""
REWRITTEN = frozenset(("mended", "masked", "labelled"))


class ChunkWorker:
    """Turns chunks into results; holds what is costly to make, one per process."""

    def __init__(self, job: Job) -> None:
        self._job = job
        gc.set_threshold(_COLLECT_AFTER)
        self._judge = Judge(job)
        self._raw = _raw_rows(self._judge, job)
        self._entry: dict[str, Any] | None = None

    def process(self, chunk: Chunk) -> ChunkResult:
        """Return what becomes of the rows of `chunk`."""
        result = ChunkResult(
            chunk.index,
            bytes_read=len(chunk.data) + sum(map(len, chunk.items)) + (chunk.table.nbytes if chunk.table else 0),
            file=chunk.file,
            added_newline=chunk.added_newline,
            is_part=chunk.oversize == "part",
        )
        if chunk.oversize:
            _pass_oversize(chunk, result)
            return result
        if self._job.observer is not None:
            result.observed = self._job.observer()
        if self._job.has_list_beside:
            result.beside = Beside()
        if self._raw is not None and chunk.data:
            self._pass_unread(chunk, self._raw, result)
            return result
        judged = self._judge.judge(chunk_rows(chunk), result.observed)
        result.languages, result.layouts = self._judge.languages, self._judge.layouts
        result.opinions, result.judge_error = self._judge.opinions, self._judge.judge_error
        if chunk.table is not None:
            _write_table(chunk, judged, result, self._job)
        else:
            _write_rows(chunk, judged, result)
        _close(judged, result)
        return result

    def _pass_unread(self, chunk: Chunk, raw: RawRows, result: ChunkResult) -> None:
        """Read the rows that a word list alone may find something in; the others keep their bytes."""
        wanted, ends = raw.wanted(chunk)
        starts = [int(ends[index - 1]) if index else 0 for index in wanted]
        raws = [chunk.data[start : int(ends[index])] for start, index in zip(starts, wanted, strict=True)]
        rows = [(chunk.first_row + index, raw) for index, raw in zip(wanted, raws, strict=True)]
        sampled = {chunk.first_row + index for index in sample_of(chunk.offset, ends)}
        lines = ((number, raw.removesuffix(b"\n")) for number, raw in rows)
        judged = self._judge.judge(parsed_rows(lines), result.observed, observed_rows=sampled)
        result.languages, result.layouts = self._judge.languages, self._judge.layouts
        result.opinions, result.judge_error = self._judge.opinions, self._judge.judge_error
        unread = len(ends) - len(wanted)
        for counter, name in (
            (result.outcomes, "kept"),
            (result.languages, UNSAMPLED),
            (result.layouts, self._job.layout),
        ):
            if unread:
                counter[name] += unread
        _write_read(chunk, list(zip(starts, rows, strict=True)), judged, result)
        _close(judged, result)

    def replay(self, chunk: Chunk, entries: Iterator[dict[str, Any]]) -> ChunkResult:
        """Return the tables of a chunk that was decided before; `entries` is the ledger from its first row on.

        Only the rows that were rewritten are looked at again: their changes are made anew.
        """
        result = ChunkResult(chunk.index)
        wanted = range(chunk.first_row, chunk.first_row + chunk.rows)
        outcomes = dict.fromkeys(wanted, "kept")
        self._entry = self._entry or next(entries, None)
        while self._entry is not None and self._entry["row"] < wanted.stop:
            outcomes[self._entry["row"]] = self._entry["outcome"]
            self._entry = next(entries, None)
        again = [(number, row) for number, row in chunk_rows(chunk) if outcomes[number] in REWRITTEN]
        changed = {row.number: row for row in self._judge.judge(again)}
        judged = [
            changed.get(n) or Judged(n, outcome, error=BadRow("", "") if outcome == "quarantined" else None)
            for n, outcome in outcomes.items()
        ]
        _write_table(chunk, judged, result, self._job)
        return result


def _write_rows(chunk: Chunk, judged: list[Judged], result: ChunkResult) -> None:
    """Sort the rows' bytes into files. Between array elements the outputs have a comma and a newline of their own."""
    is_array = bool(chunk.items)
    raws = chunk.items if is_array else _lines(chunk.data)
    by_number = {row.number: row for row in judged}
    files = _no_files()
    offset = chunk.offset
    for index, raw in enumerate(raws):
        offset += len(chunk.gaps[index]) if is_array else 0
        number = chunk.first_row + index
        _sort((number, raw), by_number.get(number), offset, files, result)
        offset += len(raw)
    joint = b",\n" if is_array else b""
    result.files = {
        name: (joint if name in ("kept", "removed") else b"").join(parts) for name, parts in files.items() if parts
    }
    result.gaps, result.tail = chunk.gaps, chunk.tail


def _write_read(
    chunk: Chunk, read: list[tuple[int, tuple[int, bytes]]], judged: list[Judged], result: ChunkResult
) -> None:
    """Sort the rows that were read, (offset in the chunk, (number, bytes)) each, and copy what lies between them."""
    by_number = {row.number: row for row in judged}
    files = _no_files()
    copied = 0
    for start, (number, raw) in read:
        if start > copied:
            files["kept"].append(chunk.data[copied:start])
        _sort((number, raw), by_number.get(number), chunk.offset + start, files, result)
        copied = start + len(raw)
    if copied < len(chunk.data):
        files["kept"].append(chunk.data[copied:] if copied else chunk.data)
    result.files = {name: b"".join(parts) for name, parts in files.items() if parts}


def _no_files() -> dict[str, list[bytes]]:
    return {name: [] for name in ("kept", "removed", "ledger.jsonl", "quarantine.jsonl", "quarantine.raw")}


def _sort(
    numbered: tuple[int, bytes], row: Judged | None, offset: int, files: dict[str, list[bytes]], result: ChunkResult
) -> None:
    """Put one row where it belongs; what was not judged is a blank line."""
    number, raw = numbered
    if row is None:
        files["ledger.jsonl"].append(_line(unjudged_entry(number, "blank", "an empty line", before=raw.decode())))
        result.outcomes["blank"] += 1
    elif row.error is not None:
        _quarantine(files, number, raw, row.error, offset)
    else:
        _place(files, row, raw)


def _lines(data: bytes) -> list[bytes]:
    """Split at `\\n` and nothing else, keeping it."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _place(files: dict[str, list[bytes]], row: Judged, raw: bytes) -> None:
    entry = row.entry
    written = raw
    if row.changes and entry is not None:
        text = raw.decode("utf-8")
        written = apply_to_text(text, row.changes).encode("utf-8")
        entry = {**entry, "before": text}
    files["removed" if row.outcome == "removed" else "kept"].append(written)
    if entry is not None:
        files["ledger.jsonl"].append(_line(entry))
        if entry["needs_review"]:
            files.setdefault("review.jsonl", []).append(_line(entry))


def _line(entry: dict[str, Any]) -> bytes:
    return orjson.dumps(entry) + b"\n"


def _quarantine(files: dict[str, list[bytes]], number: int, raw: bytes, error: BadRow, offset: int) -> None:
    files["quarantine.jsonl"].append(_line(quarantine_entry(number, raw, error, offset, len(raw))))
    files["quarantine.raw"].append(raw)
    reason = f"{error.code}: {error.message}"
    files["ledger.jsonl"].append(_line(unjudged_entry(number, "quarantined", reason, size_bytes=len(raw))))


def unjudged_entry(number: int, outcome: str, why: str, **more: Any) -> dict[str, Any]:
    """Return the ledger entry of a row that nobody judged, with the keys that a script asks every entry for."""
    nothing = {
        "findings": [],
        "edits": [],
        "labels": [],
        "needs_review": False,
        "waits_for": [],
        "acted_on": [],
        "left_alone": {},
        "is_floor": False,
    }
    return {"row": number, "outcome": outcome, "reason": f"{outcome}: {why}", **nothing, **more}


def quarantine_entry(number: int, raw: bytes, error: BadRow, offset: int, size_bytes: int) -> dict[str, Any]:
    """Return the line of quarantine.jsonl: where, why, and how the row begins (its bytes stand in quarantine.raw)."""
    excerpt = raw[:_EXCERPT_BYTES]
    return {
        "row": number,
        "offset": offset,
        "error_offset": offset + error.byte_in_row,
        "size_bytes": size_bytes,
        "code": error.code,
        "message": error.message,
        "excerpt": excerpt.decode("utf-8", errors="replace"),
        "excerpt_base64": base64.b64encode(excerpt).decode(),
    }


def _pass_oversize(chunk: Chunk, result: ChunkResult) -> None:
    """Hand a part of an over-long row straight to the quarantine; the writer puts its line together at the end."""
    error = row_too_large()
    result.files["quarantine.raw"] = chunk.data
    if chunk.oversize == "end":
        result.outcomes["quarantined"] += 1
    result.first_bad = {  # told by every part, because the first one knows where the row begins
        "row": chunk.first_row,
        "error_offset": chunk.offset,
        "code": error.code,
        "message": error.message,
    }


def _write_table(chunk: Chunk, judged: list[Judged], result: ChunkResult, job: Job) -> None:
    """Sort the rows of a table; untouched values are taken from it, changed ones made again in their column's type."""
    table = chunk.table
    places: dict[str, list[int]] = {
        "kept.parquet": [],
        "removed.parquet": [],
        "quarantine.parquet": [],
        "before.parquet": [],
    }
    lines: dict[str, list[bytes]] = {"ledger.jsonl": [], "quarantine.jsonl": [], "review.jsonl": []}
    for index, row in enumerate(judged):
        if row.error is not None:
            places["quarantine.parquet"].append(index)
            lines["quarantine.jsonl"].append(_line(quarantine_entry(row.number, b"", row.error, 0, 0)))
            reason = f"{row.error.code}: {row.error.message}"
            lines["ledger.jsonl"].append(_line(unjudged_entry(row.number, "quarantined", reason)))
            continue
        places["removed.parquet" if row.outcome == "removed" else "kept.parquet"].append(index)
        if row.changes:
            places["before.parquet"].append(index)
        if row.entry is not None:
            lines["ledger.jsonl"].append(_line(row.entry))
            if row.entry["needs_review"]:
                lines["review.jsonl"].append(_line(row.entry))
    result.files = {name: b"".join(parts) for name, parts in lines.items() if parts}
    actions = job.policy.all_actions() if job.policy else frozenset()
    schema = schema_for_changes(table.schema, actions)  # the same for every chunk, whatever happens to its rows
    changes = {index: row.changes for index, row in enumerate(judged) if row.changes}
    kept = places.pop("kept.parquet")
    result.tables = {"kept.parquet": changed_rows(table, kept, changes, schema)} | {
        name: take_rows(table, at) for name, at in places.items() if at or name == "removed.parquet"
    }


def _close(judged: list[Judged], result: ChunkResult) -> None:
    _count(judged, result)
    bad = result.files.get("quarantine.jsonl", b"").partition(b"\n")[0]
    result.first_bad = orjson.loads(bad) if bad else {}


def _left_alone(entry: dict[str, Any], behaviours: set[str]) -> list[str]:
    """Return for each of the behaviours, of which nothing was acted on, why: that of its likeliest finding which counts."""
    likeliest: dict[str, tuple[float, str]] = {}
    for why, places in entry["left_alone"].items():
        for finding in (entry["findings"][place] for place in places):
            behaviour = finding["behaviour"]
            if behaviour in behaviours and counts(finding):
                likeliest[behaviour] = max(likeliest.get(behaviour, (0.0, "")), (finding["probability"], why))
    return [f"{behaviour} {why}" for behaviour, (_, why) in sorted(likeliest.items())]


def _raw_rows(judge: Judge, job: Job) -> RawRows | None:
    """Return what spares the reading of most rows, where a word list is all that is looked for and Hyperscan is installed."""
    words = judge.raw_scan()
    return RawRows(words, layout_named(job.layout)) if words is not None else None


def _count(judged: list[Judged], result: ChunkResult) -> None:
    for row in judged:
        result.outcomes[row.outcome] += 1
        result.excepted_rows.update(row.excepted)
        result.copied_rows.update(row.copied)
        if row.entry is None:
            continue
        findings = row.entry["findings"]
        behaviours = counted(findings)
        result.behaviour_findings.update(behaviours)
        result.behaviour_rows.update(sorted(set(behaviours)))
        if result.beside is not None:
            result.beside.add(row.entry, behaviours)
        acted_on = (findings[place] for place in row.entry["acted_on"])
        acted = {one["behaviour"] for one in acted_on if not one["is_reasoning"]}
        result.acted_rows.update(sorted(acted))
        result.left_rows.update(_left_alone(row.entry, set(behaviours) - acted))
        result.nearly_rows.update(row.nearly)
        if row.outcome == "mended":
            result.edited_rows.update(sorted({edit["action"] for edit in row.entry["edits"]}))
        result.refusal_rows += any(behaviour in REFUSALS for behaviour in behaviours)
        result.review_rows += row.entry["needs_review"]
        result.duplicate_rows += "duplicate_of" in row.entry
