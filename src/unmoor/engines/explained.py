"""What a finished run says of rows of its input."""

from __future__ import annotations

from itertools import islice
from typing import Any

from unmoor.engines.judge import counted
from unmoor.errors import UsageError
from unmoor.run_folder import RUN, hold_as_written, place_in_files, read_lines_of, read_manifest, row_at
from unmoor.run_folder.reading import rows_of_file
from unmoor.storage import AnyPath


def explain_row(folder: AnyPath, row: int, file: str | None = None) -> dict[str, Any]:
    """Return the ledger entry of a row, or one that says that nothing was found in it; `row` counts in `file` where one is named.

    Raises:
        RunFolderError: the run is half-written or altered.
        UsageError: the input had no such row or file.
    """
    manifest = read_manifest(folder, RUN)
    _hold_whole(manifest, file)
    row = row if file is None else row_at(manifest, file, row)
    total = manifest["counts"]["input"]
    if not 1 <= row <= total:
        raise UsageError(f"There is no row {row}: {_held(manifest)}")
    hold_as_written(folder, manifest, "ledger.jsonl")
    found = next((entry for entry in read_lines_of(folder, "ledger.jsonl") if entry["row"] == row), None)
    return {**(found or untouched(row)), **place_in_files(manifest, row)}


def rows_with(
    folder: AnyPath,
    *,
    file: str | None = None,
    behaviour: str = "",
    outcome: str = "",
    rule: str = "",
    waiting: bool = False,
    first: int = 10,
) -> list[dict[str, Any]]:
    """Return the ledger's entries of the first rows in which a behaviour counts as found (it is more likely than not and outside
    reasoning), that went to `outcome`, in which `rule` found something at all, that wait for people, that stand in `file`: all that
    is named.

    Raises:
        RunFolderError: the run is half-written or altered.
        UsageError: the input had no such file.
    """
    manifest = read_manifest(folder, RUN)
    _hold_whole(manifest, file)
    rows = None if file is None else rows_of_file(manifest, file)[1]
    hold_as_written(folder, manifest, "ledger.jsonl")
    wanted = (
        {**entry, **place_in_files(manifest, entry["row"])}
        for entry in read_lines_of(folder, "ledger.jsonl")
        if (rows is None or entry["row"] in rows)
        and (not behaviour or behaviour in counted(entry["findings"]))
        and (not outcome or entry["outcome"] == outcome)
        and (not rule or any(finding["rule"] == rule for finding in entry["findings"]))
        and (not waiting or entry["needs_review"])
    )
    return list(islice(wanted, first))


def _hold_whole(manifest: dict[str, Any], file: str | None) -> None:
    """Raise UsageError if a file is named to a shard, in which a part of it may lie alone."""
    if file is not None and manifest["shard"] is not None:
        raise UsageError(f"Of {file} a shard may hold a part alone: {_held(manifest)}")


def untouched(row: int) -> dict[str, Any]:
    """Return what is said of a row of which the ledger says nothing."""
    return {"row": row, "outcome": "kept", "reason": "kept: nothing was found", "findings": []}


def _held(manifest: dict[str, Any]) -> str:
    """Return which rows a run knows; those of a shard are numbered by themselves."""
    name, total, shard = manifest["input"]["name"], manifest["counts"]["input"], manifest["shard"]
    if shard is None:
        return f"{name} has rows 1 to {total}"
    return (
        f"this run is shard {shard['number']} of {shard['count']} of {name}, and its rows are numbered 1 to {total}. "
        "Next: join the shards with `unmoor merge`, and ask the whole"
    )
