"""From the finished runs of all shards to the run of the whole: the same bytes as if one process had done it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from unmoor.engines.job import Options, RowObserver
from unmoor.engines.limits import hold_bad_rows, hold_to_share, lowest_limits
from unmoor.engines.outputs import Outputs
from unmoor.engines.run import Finisher, manifest_of, publish_done
from unmoor.engines.summary import Summary
from unmoor.errors import RunFolderError, UsageError
from unmoor.layouts import DataSet, Source
from unmoor.run_folder import COUNT, MANIFEST, RUN, RunWriter, hold_replaceable, read_json, read_manifest, verify
from unmoor.run_folder.plan import differences, named_differences
from unmoor.run_folder.shape import Shape, first_lack
from unmoor.storage import AnyPath

__all__ = ["merge", "merged_plan"]

_OWN = frozenset(("run.json", "shard.json", "report.html", "report.json", "README.md", "policy.toml", MANIFEST))
"""Files that a run makes anew rather than taking them over from its shards."""
_NAMED = "the folders of all shards of one run"
_NOT_READ: Shape = {"not_read": {"files": COUNT, "folders": COUNT, "names": [str]}}
_SHARD: dict[str, Any] = {"shard": {"number": int, "count": int}}


def merge(
    folders: Sequence[AnyPath],
    target: AnyPath,
    observer: Callable[[], RowObserver] | None = None,
    *,
    force: bool = False,
    finish: Finisher = lambda _summary, _writer: None,
    limits: Options | None = None,
) -> Summary:
    """Join the runs of shards 1 to N, given in any order, into one at `target`; every file is checked before it is taken.

    `limits` says how many rows of the whole may be broken; None: as many as the shards were told, of different words the lowest.

    Raises:
        UsageError: a shard is missing or given twice, or there is none.
        RunFolderError: one is half-written, altered, no shard, or of another plan than the others.
        BadDataError: the policy's limit on removed rows or that on broken ones is passed by the whole.
    """
    _hold_apart(folders, target)
    hold_replaceable(target)
    ordered, manifests = _in_order(folders)
    plan = merged_plan(manifests)
    data = _described(plan)
    with RunWriter(target, force=force, plan=plan) as writer:
        summary = Summary(data, plan["layout"], detectors=plan["detectors"], inputs=plan["inputs"])
        if writer.done is not None:
            return publish_done(writer, summary, observer)
        outputs = Outputs(writer, data, is_audit=plan["kind"] == "audit")
        states = [read_json(folder / "shard.json") for folder in ordered]
        for folder, manifest, state in zip(ordered, manifests, states, strict=True):
            names = [name for name in manifest["files"] if name not in _OWN]
            outputs.take_shard(folder, names, state["outputs"], summary.rows)
            summary.add_state(state["summary"], observer, rows_before=summary.rows)
        told = limits or lowest_limits(state.get("limits", {}) for state in states)
        hold_bad_rows(summary, told, is_end=True, is_of_shards=limits is None)
        hold_to_share(summary, plan["policy"])
        outputs.close()
        finish(summary, writer)
        beside = [each["not_read"] for each in manifests if not first_lack(each, _NOT_READ)]
        writer.finish(manifest_of(plan, summary, outputs) | _all_not_read(beside), summary.state())
    return summary


def _all_not_read(beside: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what any shard found beside the data, for files come and go between them. Where one has more than it names, the counts
    are the least that there were.
    """
    if not beside:
        return {}
    names = list(dict.fromkeys(name for told in beside for name in told["names"]))
    places = sum(name.endswith("/") for name in names)
    files = max(len(names) - places, *(told["files"] for told in beside))
    folders = max(places, *(told["folders"] for told in beside))
    return {"not_read": {"files": files, "folders": folders, "names": names}}


def _hold_apart(folders: Sequence[AnyPath], target: AnyPath) -> None:
    """Raise UsageError if the whole is to lie where one of its shards lies."""
    for folder in folders:
        place, inside = folder.resolve(), target.resolve()
        if type(place) is type(inside) and inside.parts[: len(place.parts)] == place.parts:
            raise UsageError(
                f"{target} lies in {folder}, which is one of the shards. Next: -o and the name of a folder beside them"
            )


def _in_order(folders: Sequence[AnyPath]) -> tuple[list[AnyPath], list[dict[str, Any]]]:
    found: dict[int, tuple[AnyPath, dict[str, Any]]] = {}
    for folder in folders:
        manifest = read_manifest(folder, RUN)
        if manifest.get("shard") is None:
            raise RunFolderError(
                f"{folder} is a whole run and no shard: there is nothing to join. Next: the runs of unmoor filter --shard I/N"
            )
        read_manifest(folder, _SHARD)
        if wrong := verify(folder):
            raise RunFolderError(f"{folder}: {wrong[0]}. Next: run this shard again")
        number = manifest["shard"]["number"]
        of_another = next((f for f, m in found.values() if m["shard"]["count"] != manifest["shard"]["count"]), None)
        if of_another is not None:
            raise UsageError(
                f"{folder} is one of {manifest['shard']['count']} shards and {of_another} one of another number: "
                f"they are not of one run. Next: {_NAMED}"
            )
        if number in found:
            raise UsageError(f"{folder} and {found[number][0]} are both shard {number}. Next: name one of them")
        found[number] = (folder, manifest)
    if not found:
        raise UsageError(f"There is no shard to join. Next: {_NAMED}")
    count = next(iter(found.values()))[1]["shard"]["count"]
    missing = [str(number) for number in range(1, count + 1) if number not in found]
    if missing:
        more = f" and {len(missing) - 20} more" if len(missing) > 20 else ""
        which = f"Shard {missing[0]} of {count} is missing" if len(missing) == 1 else ""
        which = which or f"Shards {', '.join(missing[:20])}{more} of {count} are missing"
        raise UsageError(f"{which}. Next: name all of them, or run what is missing with --shard I/{count}")
    return [found[number][0] for number in sorted(found)], [found[number][1] for number in sorted(found)]


def merged_plan(manifests: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the plan of the whole run.

    Raises:
        RunFolderError: two shards were planned otherwise; names the field.
    """
    first = manifests[0]
    for other in manifests[1:]:
        for key in (
            "unmoor",
            "kind",
            "input",
            "chunk_bytes",
            "layout",
            "layout_package",
            "policy",
            "detectors",
            "judge",
            "pairs",
        ):
            if other.get(key) != first.get(key):
                found = differences(first.get(key), other.get(key), key)
                raise RunFolderError(
                    f"Shard {other['shard']['number']} differs from shard 1 in {key}: they are not of one run. "
                    f"{named_differences(found, '{field} is {new} and not {old}')}. "
                    f"Next: run shard {other['shard']['number']} again as shard 1 was run"
                )
    files: dict[str, dict[str, Any]] = {}
    times: dict[str, int | None] = {}
    named = [file for manifest in manifests for file in manifest["inputs"]]
    for file in [file for file in named if not _is_named_alone(file)] or named:
        keys = ("name", "compression", "has_bom", "size_bytes", "sha256", "version", "schema")
        kept = {key: file[key] for key in keys if key in file}
        written = times.setdefault(file["name"], file.get("written_ns"))
        if files.setdefault(file["name"], kept) != kept or file.get("written_ns") != written:
            raise RunFolderError(
                f"{file['name']} changed between the shards: they are not of one run. Next: run again the shards that read "
                "it as it was; copies on several machines must keep its time (cp -p, rsync -t)"
            )
    for other in manifests[1:]:
        if other["shard"].get("of") != first["shard"].get("of"):
            raise RunFolderError(
                f"Shard {other['shard']['number']} was made of other files than shard 1: {first['input']['name']} then held other "
                "files, or the files other rows. Next: run again all shards that were made before it changed"
            )
    files_hash = first["shard"].get("of")
    kept_keys = ("unmoor", "kind", "input", "chunk_bytes", "compression", "layout", "policy", "detectors")
    plan = {key: first[key] for key in kept_keys} | {"inputs": list(files.values()), "shard": None}
    plan |= {key: first[key] for key in ("layout_package", "judge", "pairs") if key in first}
    plan |= {"merged": {"of": files_hash}} if files_hash else {}
    order = (
        "unmoor",
        "kind",
        "input",
        "inputs",
        "shard",
        "merged",
        "chunk_bytes",
        "compression",
        "layout",
        "layout_package",
        "policy",
        "detectors",
        "judge",
        "pairs",
    )
    return {key: plan[key] for key in order if key in plan}


def _is_named_alone(file: dict[str, Any]) -> bool:
    """Return whether it is what a shard names to which no file fell: the first, of which it read nothing."""
    return file.get("end") == 0 and file.get("row_groups") == []


def _described(plan: dict[str, Any]) -> DataSet:
    """Return the data set as the shards described it; its files need not be here any more."""
    root = Path(plan["input"]["name"])
    files = tuple(
        Source(root / file["name"], plan["input"]["format"], file["compression"], file["has_bom"])
        for file in plan["inputs"]
    )
    return DataSet(plan["input"]["name"], files, root, revision=plan["input"].get("revision", ""))
