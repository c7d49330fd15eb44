"""From two runs of one data set to where they differ: in what they were told, in the rows' outcomes, in what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from unmoor.engines.explained import untouched
from unmoor.engines.judge import counted
from unmoor.errors import RunFolderError, UsageError
from unmoor.run_folder import MAKE_AGAIN, RUN, hold_as_written, place_in_files, read_lines_of, read_manifest
from unmoor.run_folder.plan import differences
from unmoor.run_folder.shape import Shape, first_lack
from unmoor.storage import AnyPath

__all__ = ["compare_runs"]

_LEDGER = "ledger.jsonl"
_TOLD = ("unmoor", "layout", "layout_package", "policy", "detectors", "judge", "dedup", "verdicts")
"""What a manifest says of how rows were decided."""
_MERGED: Shape = {"merged": {"of": str}}
"""The hash of names, sizes and ends of the files that shards read; of an object its version stands in it, which another copy of it
has not.
"""
_WRITTEN_AS = ("edits", "labels", "after")


def compare_runs(old: AnyPath, new: AnyPath, *, first: int = 10) -> dict[str, Any]:
    """Return what differs between two runs of the same rows.

    `same_by` says by what the files are known to be the same: `hash`, or names, sizes, rows and `ends`, or without these (`name`).
    `plan` holds [field, old value, new value] of each setting that differs; `outcomes` counts the rows by their old and then by
    their new outcome, where it changed; `rewritten` those that are mended, masked or labelled in both, each otherwise; `same` all
    others.
    `found` counts by behaviour the rows in which it counts as found in one run only. `rows` are the first `first` rows that went
    otherwise or are rewritten otherwise, each with both reasons.

    Raises:
        RunFolderError: a run is half-written or altered.
        UsageError: the two are runs of different rows, or of parts of a data set.
    """
    manifests = [_manifest(folder) for folder in (old, new)]
    same_by = _hold_same_rows(old, new, *manifests)
    outcomes: dict[str, Counter[str]] = {}
    gained, lost = Counter[str](), Counter[str]()
    rewritten = 0
    rows: list[dict[str, Any]] = []
    for one, other in _side_by_side(old, new):
        before, after = set(counted(one["findings"])), set(counted(other["findings"]))
        gained.update(after - before)
        lost.update(before - after)
        is_moved = one["outcome"] != other["outcome"]
        is_rewritten = not is_moved and any(one.get(key) != other.get(key) for key in _WRITTEN_AS)
        rewritten += is_rewritten
        if is_moved:
            outcomes.setdefault(one["outcome"], Counter())[other["outcome"]] += 1
        if (is_moved or is_rewritten) and len(rows) < first:
            rows.append(_row(one, other) | place_in_files(manifests[0], one["row"]))
    total = manifests[0]["counts"]["input"]
    moved = sum(sum(counts.values()) for counts in outcomes.values())
    return {
        "input_rows": total,
        "same_by": same_by,
        "plan": [list(difference) for difference in _told_otherwise(*manifests)],
        "outcomes": {name: dict(counts) for name, counts in outcomes.items()},
        "moved": moved,
        "rewritten": rewritten,
        "same": total - moved - rewritten,
        "found": {"only_old": dict(lost), "only_new": dict(gained)},
        "rows": rows,
    }


def _manifest(folder: AnyPath) -> dict[str, Any]:
    manifest = read_manifest(folder, RUN)
    hold_as_written(folder, manifest, _LEDGER)
    if manifest["shard"] is not None:
        raise UsageError(
            f"{folder} is one shard of a run. Next: join the shards with `unmoor merge`, and compare the whole"
        )
    return manifest


def _hold_same_rows(old: AnyPath, new: AnyPath, one: dict[str, Any], other: dict[str, Any]) -> str:
    """Return by what both runs are known to have read the same files in the same order: `hash`; without one of each file, as shards
    cut them, names, sizes, rows and `ends`; where that cannot be compared, the rest (`name`).

    Raises:
        UsageError: they read other files.
    """
    pairs = list(zip(one["inputs"], other["inputs"], strict=False))
    ends = [None if first_lack(manifest, _MERGED) else manifest["merged"]["of"] for manifest in (one, other)]
    same_by = "hash" if all(file["sha256"] and beside["sha256"] for file, beside in pairs) else "name"
    if same_by == "name" and None not in ends and not any("version" in file for pair in pairs for file in pair):
        same_by = "ends"
    if (
        len(one["inputs"]) != len(other["inputs"])
        or not all(_are_alike(*pair) for pair in pairs)
        or (same_by == "ends" and ends[0] != ends[1])
    ):
        raise UsageError(
            f"{old} read {_named(one)} and {new} read {_named(other)}: not the same rows. "
            "Next: two runs of the same files, such as of two policies"
        )
    return same_by


def _are_alike(file: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two files are the same as far as runs tell: whatever they are called, if both have a hash."""
    told_by = "sha256" if file["sha256"] and other["sha256"] else "name"
    return all(file[key] == other[key] for key in (told_by, "size_bytes", "rows"))


def _named(manifest: dict[str, Any]) -> str:
    files = manifest["inputs"]
    name = files[0]["name"] if len(files) == 1 else f"{len(files):,} files"
    return f"{name} ({manifest['counts']['input']:,} rows)"


def _told_otherwise(one: dict[str, Any], other: dict[str, Any]) -> list[Any]:
    said, now = ({key: manifest[key] for key in _TOLD if key in manifest} for manifest in (one, other))
    return differences(said, now)


def _side_by_side(old: AnyPath, new: AnyPath) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield both entries of each row that one ledger at least speaks of; of what it does not, the row was kept."""
    lines = [_rising(folder) for folder in (old, new)]
    one, other = next(lines[0], None), next(lines[1], None)
    while one is not None or other is not None:
        row = min(entry["row"] for entry in (one, other) if entry is not None)
        yield (
            one if one and one["row"] == row else untouched(row),
            other if other and other["row"] == row else untouched(row),
        )
        one = next(lines[0], None) if one and one["row"] == row else one
        other = next(lines[1], None) if other and other["row"] == row else other


def _rising(folder: AnyPath) -> Iterator[dict[str, Any]]:
    last = 0
    for entry in read_lines_of(folder, _LEDGER):
        if entry["row"] <= last or not isinstance(entry.get("findings"), list):
            raise RunFolderError(f"{folder / _LEDGER}: row {entry['row']} is not as it was written. {MAKE_AGAIN}")
        last = entry["row"]
        yield entry


def _row(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {
        "row": one["row"],
        "old": {"outcome": one["outcome"], "reason": one.get("reason", one["outcome"])},
        "new": {"outcome": other["outcome"], "reason": other.get("reason", other["outcome"])},
    }
