"""What an engine is asked to do with each chunk, and what comes back: both travel between processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from unmoor.engines.beside import Beside
from unmoor.layouts import CHUNK_BYTES
from unmoor.policy import Policy
from unmoor.records import Verdict

__all__ = [
    "DETECTORS",
    "FOUND_FROM",
    "LIKELY",
    "NOT_ASKED",
    "UNSAMPLED",
    "ChunkResult",
    "Dedup",
    "Job",
    "JudgeSettings",
    "Options",
    "RowObserver",
]

FOUND_FROM = 0.5
"""Probability from which a finding is counted by an audit: more likely than not. A policy sets its own thresholds to act."""
LIKELY = 0.75
"""What a phrase is believed of which packs say that it likely shows its behaviour."""
UNSAMPLED = "unsampled"
"""Counted among the languages: a row whose language was not looked at, where that is told of a sample."""
NOT_ASKED = "not asked"
"""Counted among the opinions: an uncertain refusal in a row whose system prompt orders to decline, which no judge sees."""
DETECTORS: tuple[str, ...] = ()
"""Names of detectors to run; empty for the default ones."""


class RowObserver(Protocol):
    """Gathers figures over all rows, such as which words the removed ones hold; chunks are observed apart and merged in order."""

    def add_row(
        self,
        request: str,
        outcome: str,
        language: str,
        *,
        source: str = "",
        behaviours: Collection[str] = (),
        exchanges: Sequence[tuple[str, bool, Collection[str]]] = (),
    ) -> None:
        """Look at one row: what was asked first, what became of it, the row's own `source`, the behaviours that count in it, and
        of each exchange the request, whether it is lost, and the behaviours that count in its answer.
        """

    def merge(self, other: Any) -> None:
        """Take over what another observer has seen."""

    def as_json(self) -> dict[str, Any]:
        """Return what was seen, for a checkpoint or a shard."""

    def load(self, seen: dict[str, Any]) -> None:
        """Take over what `as_json` returned."""


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """Which other model is asked about uncertain refusals, `openai:MODEL` at `url` or `hf:MODEL`; `cache` keeps its answers.

    `at_once` is how many questions a server is asked at once by each process.
    """

    name: str
    url: str | None = None
    key: str = ""
    cache: Path | None = None
    at_once: int = 1


@dataclass(frozen=True, slots=True)
class Dedup:
    """Which rows count as the same: `exact` (whole rows), or `minhash` from `threshold` of Jaccard's measure on (0 to 1)."""

    method: str
    threshold: float = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """How rows are read, looked at and decided on. `policy` is None for an audit, which decides nothing."""

    layout: str
    policy: Policy | None = None
    detectors: tuple[str, ...] = DETECTORS
    languages: tuple[str, ...] | None = None
    wordlist: Path | None = None
    observer: Callable[[], RowObserver] | None = None
    judge: JudgeSettings | None = None
    verdicts: Mapping[int, tuple[Verdict, ...]] = field(default_factory=dict)
    """What people said of findings, by row; their word stands over the detectors', the floor over both."""
    packs: tuple[Path, ...] = ()
    """Folders of packs of the owner's, which every process finds under these paths."""
    dedup: Dedup | None = None
    duplicates: Path | None = None
    """The list that `dedup` led to; the run makes it."""
    pairs: str = ""
    """The hash of the pairs that the observer counts, or the empty string: a run that goes on has to count the same."""

    @property
    def has_list_beside(self) -> bool:
        """Whether a word list runs beside other detectors, so that the two can be compared."""
        return self.wordlist is not None and self.detectors != ("wordlist",)


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is carried out, without a say in what comes out.

    `checkpoint_bytes` is how much input a crash may cost (or five seconds). `shard` is (number, count) where `data` is a part only.
    `max_bad_rows` and `max_bad_share` (0 to 1, of the rows read) stop a run before anything is written; None is no limit.
    `fails_on_bad_row` says that the limit of none comes from --on-bad-row.
    """

    workers: int = 1
    force: bool = False
    chunk_bytes: int = CHUNK_BYTES
    checkpoint_bytes: int = 256 * 2**20
    shard: tuple[int, int] | None = None
    max_bad_rows: int | None = None
    max_bad_share: float | None = None
    fails_on_bad_row: bool = False


@dataclass(slots=True)
class ChunkResult:
    """What became of the rows of one chunk.

    `files` holds bytes to append by output name; `tables` Arrow tables to append by output name; `gaps` what stood between the
    elements of an array. Counts are in rows.
    """

    index: int
    files: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    gaps: tuple[bytes, ...] = ()
    tail: bytes = b""
    outcomes: Counter[str] = field(default_factory=Counter)
    behaviour_rows: Counter[str] = field(default_factory=Counter)
    behaviour_findings: Counter[str] = field(default_factory=Counter)
    acted_rows: Counter[str] = field(default_factory=Counter)
    left_rows: Counter[str] = field(default_factory=Counter)
    nearly_rows: Counter[str] = field(default_factory=Counter)
    edited_rows: Counter[str] = field(default_factory=Counter)
    excepted_rows: Counter[str] = field(default_factory=Counter)
    copied_rows: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    opinions: Counter[str] = field(default_factory=Counter)
    """What another judge said of uncertain findings, in findings."""
    judge_error: str = ""
    refusal_rows: int = 0
    review_rows: int = 0
    duplicate_rows: int = 0
    first_bad: dict[str, Any] = field(default_factory=dict)
    observed: Any = None
    beside: Beside | None = None
    bytes_read: int = 0
    file: int = 0
    added_newline: bool = False
    is_part: bool = False
    """A part of an over-long row that is not its end."""
