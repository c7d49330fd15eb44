"""From a file to a run: plan, process every chunk, write every output, account for every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from unmoor import __version__, detectors
from unmoor.engines.chunks import quarantine_entry
from unmoor.engines.job import ChunkResult, Job, Options
from unmoor.engines.local import process_chunks
from unmoor.errors import BadDataError
from unmoor.layouts import Chunk, Source, read_chunks, row_too_large
from unmoor.records import BEHAVIOURS, OUTCOMES
from unmoor.run_folder import RunWriter, dump_json, hash_file

__all__ = ["Summary", "run_job"]

DEFAULT_OPTIONS = Options()
Finisher = Callable[["Summary", RunWriter], None]


@dataclass(slots=True)
class Summary:
    """What a run found and did, in numbers. Counts are rows unless named otherwise."""

    source: Source
    layout: str
    outcomes: Counter[str] = field(default_factory=Counter)
    behaviour_rows: Counter[str] = field(default_factory=Counter)
    behaviour_findings: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    refusal_rows: int = 0
    review_rows: int = 0
    first_bad: dict[str, Any] = field(default_factory=dict)
    observed: Any = None
    detectors: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """All rows of the input, blank and bad ones too."""
        return self.outcomes.total()

    def counts(self) -> dict[str, int]:
        """Return the rows of the input and of each outcome, which add up to it."""
        return {"input": self.rows, **{outcome: self.outcomes[outcome] for outcome in OUTCOMES}}

    def removed_share(self) -> float:
        """Return the share of readable rows that were removed, 0 to 1."""
        readable = self.rows - self.outcomes["blank"] - self.outcomes["quarantined"]
        return self.outcomes["removed"] / readable if readable else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the numbers under the names that scripts read."""
        behaviours = {
            name: {"rows": self.behaviour_rows[name], "findings": self.behaviour_findings[name]}
            for name in (*BEHAVIOURS, *sorted(set(self.behaviour_rows) - set(BEHAVIOURS)))
        }
        share = self.refusal_rows / self.rows if self.rows else 0.0
        return {
            "rows": self.rows,
            "layout": self.layout,
            "layouts": dict(sorted(self.layouts.items())),
            "format": self.source.describe(),
            "languages": dict(self.languages.most_common()),
            "refusals": {"rows": self.refusal_rows, "share": share},
            "behaviours": behaviours,
            "counts": self.counts(),
            "review": {"rows": self.review_rows},
        }

    def take(self, result: ChunkResult) -> None:
        """Add the numbers of one chunk."""
        for name in ("outcomes", "behaviour_rows", "behaviour_findings", "languages", "layouts"):
            getattr(self, name).update(getattr(result, name))
        self.refusal_rows += result.refusal_rows
        self.review_rows += result.review_rows
        self.first_bad = self.first_bad or result.first_bad
        if self.observed is None:
            self.observed = result.observed
        elif result.observed is not None:
            self.observed.merge(result.observed)


def run_job(
    source: Source,
    job: Job,
    folder: Path | None = None,
    options: Options = DEFAULT_OPTIONS,
    *,
    on_progress: Callable[[int, int], None] = lambda _rows, _bytes: None,
    finish: Finisher = lambda _summary, _writer: None,
) -> Summary:
    """Process `source` as `job` says; with `folder`, write the run there, or nothing at all.

    `on_progress` is told the rows and decompressed bytes done so far. `finish` may write more files (report, card) before the
    manifest closes the run.

    Raises:
        UsageError: the folder holds something else.
        BadDataError: more rows would go than the policy's limit allows, or the file is damaged.
        MachineError: the disk is full, or a worker died.
    """
    summary = Summary(source, job.layout)
    chunks = read_chunks(source, options.chunk_bytes)
    if folder is None:
        for result in process_chunks(chunks, job, options.workers):
            summary.take(result)
            _hold_bad_rows(summary, options)
            on_progress(summary.rows, result.bytes_read)
        _hold_bad_rows(summary, options, is_end=True)
        return summary
    with RunWriter(folder, force=options.force) as writer:
        plan = _plan(source, job)
        summary.detectors = plan["detectors"]
        writer.write("run.json", dump_json(plan))
        outputs = _Outputs(writer, source, is_audit=job.policy is None)
        for result in process_chunks(outputs.watch(chunks), job, options.workers):
            outputs.take(result)
            summary.take(result)
            _hold_bad_rows(summary, options)
            on_progress(summary.rows, result.bytes_read)
        _hold_bad_rows(summary, options, is_end=True)
        _hold_to_limit(summary, job)
        outputs.close()
        finish(summary, writer)
        writer.finish({**plan, "counts": summary.counts(), "array": outputs.array()})
    return summary


def _plan(source: Source, job: Job) -> dict[str, Any]:
    """Return all that decides what comes out: version, policy, packs, input."""
    detector = detectors.load(job.detectors or detectors.DEFAULT, languages=job.languages, wordlist=job.wordlist)
    return {
        "unmoor": __version__,
        "kind": "audit" if job.policy is None else "filter",
        "input": {
            "name": source.path.name,
            "format": source.format,
            "compression": source.compression,
            "has_bom": source.has_bom,
            "size_bytes": source.path.stat().st_size,
            "sha256": hash_file(source.path),
        },
        "layout": job.layout,
        "policy": job.policy.as_json() if job.policy else None,
        "detectors": detector.identity,
    }


def _hold_bad_rows(summary: Summary, options: Options, *, is_end: bool = False) -> None:
    """Stop at the first chunk that goes over a count; a share can only be told at the end."""
    bad = summary.outcomes["quarantined"]
    over_count = options.max_bad_rows is not None and bad > options.max_bad_rows
    over_share = is_end and options.max_bad_share is not None and bad > options.max_bad_share * summary.rows
    if over_count or over_share:
        limit = f"{options.max_bad_rows:,}" if options.max_bad_rows is not None else f"{options.max_bad_share:.2%}"
        first = summary.first_bad
        raise BadDataError(
            f"{bad:,} of {summary.rows:,} rows cannot be read, over the limit of {limit}. Nothing was written. "
            f"The first: row {first['row']}, byte {first['error_offset']}: {first['code']}: {first['message']}"
        )


def _hold_to_limit(summary: Summary, job: Job) -> None:
    if job.policy is None or summary.removed_share() <= job.policy.max_removed_share:
        return
    raise BadDataError(
        f"Policy {job.policy.name} would remove {summary.outcomes['removed']:,} of {summary.rows:,} rows "
        f"({summary.removed_share():.1%}), over its limit of {job.policy.max_removed_share:.0%}. Nothing was written. "
        "Next: look with `unmoor audit`, then raise max_removed_share under [limits] in a policy of your own"
    )


class _Outputs:
    """Appends each chunk's share to the files of a run, in order."""

    def __init__(self, writer: RunWriter, source: Source, *, is_audit: bool) -> None:
        self._writer = writer
        self._source = source
        self._is_audit = is_audit
        self._begun: set[str] = set()
        self._tables: dict[str, Any] = {}
        self._gaps: list[tuple[int, bytes]] = []
        self._tail = b""
        self._oversize: dict[int, tuple[Chunk, int]] = {}
        if not is_audit and source.format != "parquet":
            self._writer.open(self._name("kept"))
            self._writer.open(self._name("removed"))
        self._writer.open("ledger.jsonl")

    def _name(self, name: str) -> str:
        return f"{name}.{self._source.format}" if name in ("kept", "removed") else name

    def watch(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Pass chunks on, noting where the parts of an over-long row begin and how long it is."""
        first: Chunk | None = None
        size = 0
        for chunk in chunks:
            if chunk.oversize:
                first = first or chunk
                size += len(chunk.data)
                if chunk.oversize == "end":
                    self._oversize[chunk.index] = (first, size)
                    first, size = None, 0
            yield chunk

    def take(self, result: ChunkResult) -> None:
        """Append one chunk's bytes and tables."""
        if result.index in self._oversize:
            chunk, size = self._oversize.pop(result.index)
            entry = quarantine_entry(chunk.first_row, chunk.data, row_too_large(), chunk.offset, size)
            self._writer.write("quarantine.jsonl", _json_line(entry))
            reason = f"quarantined: {entry['code']}: {entry['message']}"
            ledger = {"row": chunk.first_row, "outcome": "quarantined", "reason": reason, "size_bytes": size}
            self._writer.write("ledger.jsonl", _json_line(ledger))
        for name, content in result.files.items():
            if not (self._is_audit and name in ("kept", "removed")):
                self._append(name, content)
        for name, table in result.tables.items():
            if not self._is_audit:
                self._append_table(name, table)
        self._gaps += [(len(list(same)), gap) for gap, same in groupby(result.gaps)]
        self._tail += result.tail

    def _append(self, name: str, content: bytes) -> None:
        if name in ("kept", "removed") and self._source.format == "json":
            content = (b",\n" if name in self._begun else b"[\n") + content
            self._begun.add(name)
        self._writer.write(self._name(name), content)

    def _append_table(self, name: str, table: Any) -> None:
        import pyarrow.parquet as pq

        if name not in self._tables:
            path = self._writer.path(name)
            self._tables[name] = pq.ParquetWriter(path, table.schema, compression="zstd", write_page_checksum=True)
        self._tables[name].write_table(table)

    def close(self) -> None:
        """Complete the array files and the Parquet footers."""
        for table in self._tables.values():
            table.close()
        if self._source.format == "json" and not self._is_audit:
            for name in ("kept", "removed"):
                self._writer.write(self._name(name), b"\n]\n" if name in self._begun else b"[]\n")

    def array(self) -> dict[str, Any] | None:
        """Return what stood between the elements of an array, run by run, so that `restore` can put it back."""
        if self._source.format != "json":
            return None
        runs = [
            [sum(count for count, _ in same), gap]
            for gap, same in ((g, list(s)) for g, s in groupby(self._gaps, lambda r: r[1]))
        ]
        return {"gaps": [[count, _as_text(gap)] for count, gap in runs], "tail": _as_text(self._tail)}


def _as_text(raw: bytes) -> str:
    """Return bytes as Latin-1 text: any byte survives JSON, and what is plain stays readable."""
    return raw.decode("latin-1")


def _json_line(value: dict[str, Any]) -> bytes:
    import orjson

    return orjson.dumps(value) + b"\n"
