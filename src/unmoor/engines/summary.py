"""From the results of chunks to the numbers of a run: counts of rows, added up in any number of processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from unmoor.engines.beside import Beside
from unmoor.engines.job import UNSAMPLED, ChunkResult, RowObserver
from unmoor.layouts import DataSet
from unmoor.records import BEHAVIOURS, OUTCOMES, Left, is_list_alone, readable_rows

__all__ = ["Summary"]

_COUNTERS = (
    "outcomes", "behaviour_rows", "behaviour_findings", "acted_rows", "left_rows", "nearly_rows", "edited_rows",
    "excepted_rows", "copied_rows", "languages", "layouts", "opinions",
)  # fmt: skip
_BY_FILE = ("file_rows", "file_readable", "file_refusals", "file_removed")


@dataclass(slots=True)
class Summary:
    """What a run found and did, in numbers. Counts are rows unless named otherwise."""

    source: DataSet
    layout: str
    file_rows: Counter[str] = field(default_factory=Counter)
    file_readable: Counter[str] = field(default_factory=Counter)
    file_refusals: Counter[str] = field(default_factory=Counter)
    file_removed: Counter[str] = field(default_factory=Counter)
    """Rows by file: all of them, those that could be read, those with any refusal, and those that were removed."""
    outcomes: Counter[str] = field(default_factory=Counter)
    behaviour_rows: Counter[str] = field(default_factory=Counter)
    behaviour_findings: Counter[str] = field(default_factory=Counter)
    acted_rows: Counter[str] = field(default_factory=Counter)
    """Rows in which something followed, by behaviour: not where a rule, an exception or the floor keeps the row as it was."""
    left_rows: Counter[str] = field(default_factory=Counter)
    """Rows in which nothing followed from a behaviour that counts, by "BEHAVIOUR REASON"."""
    nearly_rows: Counter[str] = field(default_factory=Counter)
    """Rows in which nothing followed, by behaviour, and something would if its threshold alone were 0.75."""
    edited_rows: Counter[str] = field(default_factory=Counter)
    """Mended rows by what was done to turns of theirs: a row counts once for each action."""
    excepted_rows: Counter[str] = field(default_factory=Counter)
    copied_rows: Counter[str] = field(default_factory=Counter)
    """Rows in which something is left alone, by the phrase of the policy's for which it is."""
    languages: Counter[str] = field(default_factory=Counter)
    layouts: Counter[str] = field(default_factory=Counter)
    opinions: Counter[str] = field(default_factory=Counter)
    refusal_rows: int = 0
    review_rows: int = 0
    duplicate_rows: int = 0
    first_bad: dict[str, Any] = field(default_factory=dict)
    judge_error: str = ""
    """The first reason for which another judge could not answer."""
    observed: Any = None
    beside: Beside | None = None
    """How a word list compares with the other detectors, where both ran."""
    detectors: dict[str, Any] = field(default_factory=dict)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    """The files as the plan describes them: name, size, SHA-256."""

    @property
    def is_list_alone(self) -> bool:
        """Whether nothing but a word list was looked for, so that nothing is known of refusals."""
        return is_list_alone(self.detectors)

    @property
    def rows(self) -> int:
        """All rows of the input, blank and bad ones too."""
        return self.outcomes.total()

    def counts(self) -> dict[str, int]:
        """Return the rows of the input and of each outcome, which add up to it."""
        return {"input": self.rows, **{outcome: self.outcomes[outcome] for outcome in OUTCOMES}}

    def told_languages(self) -> dict[str, int]:
        """Return the rows of each language, the most frequent first, of the rows whose language was looked at."""
        return {code: rows for code, rows in self.languages.most_common() if code != UNSAMPLED}

    def languages_sample(self) -> dict[str, int] | None:
        """Return of how many `rows` languages were told and of how many `not_looked_at` they were not; None if of all."""
        unseen = self.languages[UNSAMPLED]
        return {"rows": self.languages.total() - unseen, "not_looked_at": unseen} if unseen else None

    def removed_share(self) -> float:
        """Return the share of readable rows that the policy removed, 0 to 1."""
        return self.share_of_readable(self.removed_rows())

    def share_of_readable(self, rows: int) -> float:
        """Return a count of rows as a share of those that could be read, 0 to 1: a broken or blank line shows nothing."""
        readable = self.readable_rows()
        return rows / readable if readable else 0.0

    def readable_rows(self) -> int:
        """Return the rows that are neither blank nor in the quarantine."""
        return readable_rows(self.counts())

    def removed_rows(self) -> int:
        """Return the rows that the policy removed; duplicates went for another reason."""
        return self.outcomes["removed"] - self.duplicate_rows

    def left_alone(self) -> dict[str, dict[Left, int]]:
        """Return for each behaviour why nothing followed in rows that have it, the most frequent reason first."""
        told: dict[str, dict[Left, int]] = {}
        for name, rows in sorted(self.left_rows.items(), key=lambda item: (-item[1], item[0])):
            behaviour, _, why = name.rpartition(" ")
            told.setdefault(behaviour, {})[why] = rows  # type: ignore[index]
        return told

    def by_file(self) -> list[dict[str, Any]]:
        """Return of each file in order its name, its rows, those that could be read, had any refusal (None if that was not looked
        for), and were removed.
        """
        return [
            {
                "name": name,
                "rows": self.file_rows[name],
                "readable_rows": self.file_readable[name],
                "refusal_rows": None if self.is_list_alone else self.file_refusals[name],
                "removed": self.file_removed[name],
            }
            for name in self._file_names()
        ]

    def _file_names(self) -> list[str]:
        """Return the files that were read, in order, those without a row too; of a shard those of which it has a row."""
        if self.source.whole:
            return list(self.file_rows)
        return [self.source.file_name(index) for index in range(len(self.source.files))]

    def mixed_layouts(self) -> dict[str, int]:
        """Return the layouts, with their rows, of rows that are no single table; empty where one layout or Parquet holds them."""
        is_table = self.source.format == "parquet" or len(self.layouts) < 2
        return {} if is_table else dict(self.layouts.most_common())

    def looked_for(self) -> tuple[str, ...]:
        """Return the behaviours that were looked for, ours first, and what was found besides."""
        known = ("wordlist",) if self.is_list_alone else tuple(BEHAVIOURS)
        return (*known, *sorted(set(self.behaviour_rows) - set(known)))

    def first_bad_row(self) -> str:
        """Return where the first row in the quarantine stands and what is wrong with it."""
        bad = self.first_bad
        byte = f"byte {bad['error_offset']}" if self.source.format != "parquet" else ""
        file = bad.get("file", "") if len(self.source.files) > 1 else ""
        if file and not self.source.whole:  # the rows of a shard are numbered by themselves
            place = f" (row {bad['row_in_file']} of {file}{', ' * bool(byte)}{byte})"
        else:
            place = f", {' of '.join(filter(None, (byte, file)))}" if byte or file else ""
        return f"row {bad['row']}{place}: {bad['code']}: {bad['message']}"

    def as_json(self) -> dict[str, Any]:
        """Return the numbers under the names that scripts read."""
        left = self.left_alone()
        behaviours = {
            name: {
                "rows": self.behaviour_rows[name],
                "findings": self.behaviour_findings[name],
                "acted_rows": self.acted_rows[name],
                "left_rows": left.get(name, {}),
            }
            for name in self.looked_for()
        }
        refusals = {"rows": self.refusal_rows, "share": self.share_of_readable(self.refusal_rows)}
        return {
            "rows": self.rows,
            "layout": self.layout,
            "layouts": dict(sorted(self.layouts.items())),
            "format": self.source.describe(),
            "languages": self.told_languages(),
            "languages_sample": self.languages_sample(),
            "refusals": dict.fromkeys(refusals) if self.is_list_alone else refusals,
            "files": self.by_file(),
            "behaviours": behaviours,
            "counts": self.counts(),
            "review": {"rows": self.review_rows},
            "duplicates": {"rows": self.duplicate_rows},
            "second_opinions": dict(sorted(self.opinions.items())),
            "judge_error": self.judge_error or None,
            **({"wordlist": self.beside.as_json()} if self.beside is not None else {}),
            **self.source.not_read(),
        }

    def take(self, result: ChunkResult) -> None:
        """Add the numbers of one chunk."""
        for name in _COUNTERS:
            getattr(self, name).update(getattr(result, name))
        file = self.source.file_name(result.file)
        if result.first_bad and not self.first_bad:
            before = self.rows - result.outcomes.total() - self.file_rows[file]
            self.first_bad = {**result.first_bad, "file": file, "row_in_file": result.first_bad["row"] - before}
        self.file_rows[file] += result.outcomes.total()
        self.file_readable[file] += result.outcomes.total() - result.outcomes["blank"] - result.outcomes["quarantined"]
        self.file_refusals[file] += result.refusal_rows
        self.file_removed[file] += result.outcomes["removed"]
        self.refusal_rows += result.refusal_rows
        self.review_rows += result.review_rows
        self.duplicate_rows += result.duplicate_rows
        self.judge_error = self.judge_error or result.judge_error
        if result.beside is not None:
            self.beside = self.beside or Beside()
            self.beside.merge(result.beside)
        if self.observed is None:
            self.observed = result.observed
        elif result.observed is not None:
            self.observed.merge(result.observed)

    def state(self) -> dict[str, Any]:
        """Return the numbers as JSON, for a checkpoint or for shards to be joined."""
        return {
            **{name: dict(getattr(self, name)) for name in (*_COUNTERS, *_BY_FILE)},
            "refusal_rows": self.refusal_rows,
            "review_rows": self.review_rows,
            "duplicate_rows": self.duplicate_rows,
            "first_bad": self.first_bad,
            "judge_error": self.judge_error,
            "observed": self.observed.as_json() if self.observed is not None else None,
            "beside": self.beside.as_json() if self.beside is not None else None,
        }

    def add_state(
        self, state: dict[str, Any], observer: Callable[[], RowObserver] | None, *, rows_before: int = 0
    ) -> None:
        """Add what another process counted; `rows_before` is how many rows stand before its own."""
        if not self.first_bad and (bad := state["first_bad"]):
            in_file = bad["row_in_file"] + self.file_rows[bad["file"]]
            self.first_bad = {**bad, "row": bad["row"] + rows_before, "row_in_file": in_file}
        for name in (*_COUNTERS, *_BY_FILE):
            getattr(self, name).update(state[name])
        self.refusal_rows += state["refusal_rows"]
        self.review_rows += state["review_rows"]
        self.duplicate_rows += state["duplicate_rows"]
        self.judge_error = self.judge_error or state["judge_error"]
        if state.get("beside") is not None:
            self.beside = self.beside or Beside()
            self.beside.load(state["beside"], rows_before=rows_before)
        if observer is not None and state["observed"] is not None:
            other = observer()
            other.load(state["observed"])
            if self.observed is None:
                self.observed = other
            else:
                self.observed.merge(other)
