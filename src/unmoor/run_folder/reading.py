"""From a run on disk to what it says, and to whether it is still what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from unmoor.errors import RunFolderError, UsageError, nearest_name
from unmoor.run_folder.files import (
    FORMAT_VERSION,
    MANIFEST,
    OF_SYSTEMS,
    PLAN,
    REVIEW,
    hash_file,
    self_hash,
    unfinished_folder,
)
from unmoor.run_folder.shape import COUNT, FILES, Shape, first_lack
from unmoor.storage import Address, AnyPath

__all__ = [
    "MAKE_AGAIN",
    "hold_as_written",
    "hold_outside_runs",
    "place_in_files",
    "read_json",
    "read_lines_of",
    "read_manifest",
    "row_at",
    "rows_of_file",
    "verify",
]

MAKE_AGAIN = "Next: the folder that unmoor wrote, or the command that made it again"
_NAMED = "Next: the folder that a command of unmoor was told to write with -o"
_HALF_UPLOADED = ", or one that is being uploaded. Next: the command that writes it, again, goes on with it"
_FOR_PEOPLE = frozenset(("README.md", "report.html", "report.json", "review.jsonl"))
_COUNTS: Shape = {"counts": {"*": COUNT, "input": COUNT}}


def read_json(path: AnyPath) -> Any:
    """Return the JSON value in `path`.

    Raises:
        RunFolderError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        hint = _HALF_UPLOADED if isinstance(path, Address) and path.name == MANIFEST else f". {_NAMED}"
        raise RunFolderError(f"There is no {path.name} in {path.parent}: not a finished run{hint}") from error
    except (ValueError, RecursionError) as error:
        raise RunFolderError(f"{path} is not JSON: it was altered or cut short. {MAKE_AGAIN}") from error


def read_manifest(folder: AnyPath, shape: Shape = dict) -> dict[str, Any]:
    """Return the manifest of a finished run, which holds what `shape` names.

    Raises:
        RunFolderError: the folder is missing, half-written, altered, or of another version.
    """
    if not folder.is_dir():
        if unfinished_folder(folder).exists():
            raise RunFolderError(
                f"{folder} is half-written: a run began and did not finish. Next: the same command again goes on with it"
            )
        raise RunFolderError(f"There is no run folder {folder}. {_NAMED}")
    manifest = read_json(folder / MANIFEST)
    if not isinstance(manifest, dict):
        raise RunFolderError(f"{folder / MANIFEST} is no manifest of a run, which is a JSON object. {MAKE_AGAIN}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise RunFolderError(
            f"{folder} was written by another version of unmoor (format {FORMAT_VERSION} is known here). {MAKE_AGAIN}"
        )
    if lack := first_lack(manifest, shape):
        raise RunFolderError(f"{folder / MANIFEST} does not say {lack} as every run does: it was altered. {MAKE_AGAIN}")
    return manifest


def hold_as_written(folder: AnyPath, manifest: dict[str, Any], name: str) -> None:
    """Raise RunFolderError if one file of a run is not the one that was written, so that what it says is of no use."""
    if name not in manifest["files"]:
        raise RunFolderError(f"{folder}: {name} is not in the manifest. {MAKE_AGAIN}")
    if wrong := _check_file(folder / name, manifest["files"][name]):
        raise RunFolderError(f"{folder}: {wrong}. {MAKE_AGAIN}")


def hold_outside_runs(place: AnyPath, *, is_folder: bool = False) -> None:
    """Raise UsageError if what is to be written lies in a run of this machine, which stays as its manifest says; a folder that is
    written into (`is_folder`) may be none either.
    """
    if isinstance(place, Address):
        return
    resolved = place.resolve()
    around = next(
        (folder for folder in (*([resolved] if is_folder else []), *resolved.parents) if _is_run(folder)), None
    )
    if around is not None:
        where = "is" if around == resolved else f"lies in {around}, which is"
        raise UsageError(f"{place} {where} a run and stays as it was written. Next: a place that is in no run")


def _is_run(folder: Path) -> bool:
    return (folder / MANIFEST).is_file() and (folder / PLAN).is_file()


def read_lines_of(folder: AnyPath, name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of the ledger of a run, or of the quarantine; a file that is not there has none.

    Raises:
        RunFolderError: a line is not JSON, or lacks what a reader asks it for.
    """
    path = folder / name
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise RunFolderError(
                    f"{path}:{number} is not JSON: it was altered or cut short. {MAKE_AGAIN}"
                ) from error
            if not _is_entry(entry):
                raise RunFolderError(f"{path}:{number} does not say what every line does: it was altered. {MAKE_AGAIN}")
            yield entry


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("row"), int)
        and isinstance(entry.get("outcome", "kept"), str)
        and isinstance(entry.get("before", ""), str)
        and isinstance(entry.get("size_bytes", 0), int)
    )


def verify(folder: AnyPath, *, only_rows: bool = False) -> list[str]:
    """Check every file of a run against its manifest and the sum of its counts; return what is wrong, in plain sentences.

    With `only_rows` only what rows are read from: neither reports nor files that others put there change what comes back.

    Raises:
        RunFolderError: there is no readable manifest to check against.
    """
    manifest = read_manifest(folder, FILES)
    if not _holds_its_hash(manifest):
        return [f"{MANIFEST} was altered: it does not hold its own SHA-256"]
    checked = {name: file for name, file in manifest["files"].items() if not (only_rows and name in _FOR_PEOPLE)}
    wrong = [_check_name(name) or _check_file(folder / name, expected) for name, expected in checked.items()]
    known = {*manifest["files"], MANIFEST, REVIEW, *OF_SYSTEMS}
    there = [] if only_rows else sorted(path.name for path in folder.iterdir())
    wrong += [f"{name} is not in the manifest" for name in there if name not in known]
    counts = manifest.get("counts")
    if counts is not None and first_lack(manifest, _COUNTS):
        wrong.append("the counts are not the rows of the input and of each outcome")
    elif counts is not None:
        total = sum(count for name, count in counts.items() if name != "input")
        if total != counts["input"]:
            wrong.append(f"the counts add up to {total} rows, the input had {counts['input']}")
    return [line for line in wrong if line]


def _holds_its_hash(manifest: dict[str, Any]) -> bool:
    try:
        return bool(manifest.get("manifest_sha256") == self_hash(manifest))
    except (ValueError, RecursionError):  # NaN, half a character, lists without end: none of ours was written with them
        return False


def _check_name(name: str) -> str:
    """Return what is wrong with the name of a file of a run, which lies in its folder and nowhere else."""
    return "" if PurePosixPath(name).name == name else f"{name} is no name of a file of a run"


def _check_file(path: AnyPath, expected: dict[str, Any]) -> str:
    if not path.exists():
        return f"{path.name} is missing"
    if not path.is_file():
        return f"{path.name} is no file"
    if path.stat().st_size != expected["size_bytes"]:
        return f"{path.name} has {path.stat().st_size} bytes, the manifest says {expected['size_bytes']}"
    return "" if hash_file(path) == expected["sha256"] else f"{path.name} was altered: its SHA-256 differs"


def row_at(manifest: dict[str, Any], file: str, row_in_file: int) -> int:
    """Return the row of the whole input that a file's row is; the file may be named by the last part of its name alone.

    Raises:
        UsageError: no file, or more than one, is called so, or it has no such row.
    """
    name, rows = rows_of_file(manifest, file)
    if not 1 <= row_in_file <= len(rows):
        has = f"rows 1 to {len(rows):,}" if len(rows) > 1 else "row 1 alone" if rows else "no rows"
        raise UsageError(f"There is no row {row_in_file} in {name}: it has {has}")
    return rows[row_in_file - 1]


def rows_of_file(manifest: dict[str, Any], file: str) -> tuple[str, range]:
    """Return a file's name and which rows of the whole input are in it; the last part of its name may name it.

    Raises:
        UsageError: no file, or more than one, is called so.
    """
    inputs = manifest["inputs"]
    names = [one["name"] for one in inputs]
    called = [file] if file in names else [name for name in names if PurePosixPath(name).name == file]
    if not called:
        raise UsageError(f'The input has no file "{file}".{nearest_name(file, names)}')
    if len(called) > 1:
        raise UsageError(
            f"{len(called):,} files are called {file}. Next: one of them by its whole name, such as {called[0]}"
        )
    place = names.index(called[0])
    before = int(sum(one["rows"] for one in inputs[:place]))
    return called[0], range(before + 1, before + inputs[place]["rows"] + 1)


def place_in_files(manifest: dict[str, Any], row: int) -> dict[str, Any]:
    """Return which file a row stands in and its number there, where there are several files."""
    before = 0
    for file in manifest["inputs"] if len(manifest["inputs"]) > 1 else ():
        if row <= before + file["rows"]:
            return {"file": file["name"], "row_in_file": row - before}
        before += file["rows"]
    return {}
