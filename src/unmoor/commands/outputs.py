"""From a run's ledger to its report and data set card, written with the run and hashed in its manifest."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from unmoor.detectors import MIN_ROWS
from unmoor.engines import Job, Summary
from unmoor.errors import UsageError
from unmoor.layouts.found import GLOB
from unmoor.run_folder import RUN, RunWriter, read_json, read_manifest
from unmoor.storage import AnyPath

if TYPE_CHECKING:
    from unmoor.report import ChunkFacts

__all__ = ["RunReport", "commands_of", "created_now"]


def created_now() -> str:
    """Return the time of writing, ISO 8601 in UTC; SOURCE_DATE_EPOCH stands in for it where builds must be repeatable.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is no time.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f'SOURCE_DATE_EPOCH is a time in seconds since 1970, found "{epoch}". '
            "Next: a whole number such as 1767225600, or unset it"
        ) from error
    return moment.isoformat(timespec="seconds")


def commands_of(run: AnyPath) -> list[str]:
    """Return the command lines that made a run, as its report says them; of a run without a report none."""
    path = run / "report.json"
    made = read_json(path).get("reproduce") if path.exists() else None
    return [str(line) for line in made] if isinstance(made, list) else []


def _called(name: str, files: Collection[str]) -> dict[str, Any]:
    """Return what people call the files that a pattern named; nothing of one file or a folder, which has a name."""
    if not files or not GLOB.search(name):
        return {}
    if len(files) == 1:
        return {"called": PurePosixPath(next(iter(files))).name}
    return {"called": f"{len(files):,} files ({name})", "is_several": True}


def _hash_said(inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the hash of what was read as one file, or why there is none, for people."""
    if any(file["sha256"] is None for file in inputs):
        return {"sha256": None, "no_sha256": "none taken of the whole, of which each shard read a part"}
    if len(inputs) != 1:
        return {"sha256": None, "no_sha256": "of each file in MANIFEST.json"}
    return {"sha256": inputs[0]["sha256"]}


@dataclass(slots=True)
class RunReport:
    """Writes report.html, report.json and, for a filter, the data set card into a run that is being written.

    `policy` is as a plan holds it, None for an audit; `policy_source` the owner's file, byte for byte; `people` what people judged.
    """

    policy: dict[str, Any] | None
    policy_source: bytes
    reproduce: list[str]
    people: dict[str, Any] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Job, reproduce: list[str], people: dict[str, Any] | None = None) -> RunReport:
        """Return the report of a run.

        Raises:
            UsageError: it could not say when it was written.
        """
        created_now()  # what is wrong with it is said before hours of work
        policy = job.policy
        return cls(policy.as_json() if policy else None, policy.source.encode() if policy else b"", reproduce, people)

    @classmethod
    def of_shards(cls, folders: Sequence[AnyPath], merge: str) -> RunReport:
        """Return the report of the whole of which `folders` hold the shards; `merge` is the command that joins them."""
        created_now()
        first = folders[0]
        plan = read_manifest(first, RUN)
        source = (first / "policy.toml").read_bytes() if (first / "policy.toml").exists() else b""
        return cls(plan["policy"], source, [*(line for folder in folders for line in commands_of(folder)), merge])

    @property
    def observer(self) -> type[ChunkFacts]:
        """What gathers the figures on topics over all rows."""
        from unmoor.report import ChunkFacts

        return ChunkFacts

    def write(self, summary: Summary, writer: RunWriter) -> None:
        """Write the files; called when the ledger is complete and before the manifest closes the run."""
        from unmoor.report import render_dataset_card, render_report

        self.facts = self._build(summary, writer)
        page, numbers = render_report(self.facts)
        writer.write("report.html", page)
        writer.write("report.json", numbers)
        if self.policy is not None:
            writer.write("policy.toml", self.policy_source)
            writer.write("README.md", render_dataset_card(self.facts, writer.names()))

    def _build(self, summary: Summary, writer: RunWriter) -> dict[str, Any]:
        from unmoor.report import FactsBuilder, Made

        builder = FactsBuilder(summary.observed, policy=self.policy)
        with writer.written("ledger.jsonl").open("rb") as ledger:
            for line in ledger:
                builder.add_entry(orjson.loads(line))
        made = Made(
            kind="filter" if self.policy else "audit",
            created=created_now(),
            counts=summary.counts(),
            languages=summary.told_languages(),
            languages_sample=summary.languages_sample(),
            files=(files := summary.by_file()),
            input={
                "path": summary.source.name,
                **_called(summary.source.name, [file["name"] for file in files]),
                **({"revision": summary.source.revision} if summary.source.revision else {}),
                "layout": summary.layout,
                "mixed_layouts": summary.mixed_layouts(),
                "format": summary.source.describe(),
                "size_bytes": sum(file["size_bytes"] for file in summary.inputs),
                **_hash_said(summary.inputs),
                "rows": summary.rows,
            },
            detectors=summary.detectors,
            reproduce=self.reproduce,
            acted=summary.acted_rows if self.policy else None,
            left=summary.left_alone(),
            people=self.people,
            beside=summary.beside.as_json() if summary.beside is not None else None,
        )
        facts: dict[str, Any] = builder.build(made)
        if (pairs := getattr(summary.observed, "pairs", None)) is not None:
            facts["pairs"] = [topic.as_json() for topic in pairs.results()]
            facts["pairs_min_rows"] = MIN_ROWS
        return facts
