"""From a folder or a quoted pattern, here or on other storage, to the data files that it means and to what else lies there.

Neither means what is hidden, nor the files of a run: a ledger is no data, and what a run kept is data only where it is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import NamedTuple

from unmoor.errors import UsageError
from unmoor.records.patterns import pattern_when_used
from unmoor.storage import Address, AnyPath, matches

__all__ = ["GLOB", "Found", "below", "found_by", "found_in", "is_folder", "refuse_run"]

GLOB = pattern_when_used(r"[*?\[]")
_DATA_FILE = pattern_when_used(r"\.(?:jsonl?|ndjson|parquet)(?:\.(?:gz|gzip|zst|zstd))?$", re.IGNORECASE)
_MAY_HOLD_ROWS = pattern_when_used(
    r"\.(?:[ct]sv|jsonl?|ndjson|parquet|arrow|txt|xlsx?|bz2|xz|zip|gz|zst|lz4|7z|tar|tgz)$", re.IGNORECASE
)
"""Named before pictures and the like among what is not read."""
_NOT_DATA = frozenset(
    ("dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "metadata.json", "package.json")
)
_OF_A_RUN = ("MANIFEST.json", "run.json")
_RUN_FILE = pattern_when_used(r"(?:MANIFEST|run|shard|report|ledger|kept|removed|before|quarantine|review)\.")
_ROWS_OF_A_RUN = ("kept.", "removed.")
"""How the last part of a pattern begins that means the rows of runs and says so."""
_NO_DATA = "There is no data file in {}: .jsonl, .json or .parquet, plain or .gz or .zst"


class Found(NamedTuple):
    """Files in order, the place that their own names are relative to, and what else lies there; a place's name ends in `/`."""

    files: Sequence[AnyPath]
    root: AnyPath
    left_out: tuple[str, ...] = ()


def found_in(folder: AnyPath) -> Found:
    """Return the data files in a folder, or below an address.

    Raises:
        UsageError: there is none, it is a run, or a part of it cannot be read.
    """
    refuse_run(folder)
    listed = sorted(_below_folder(folder)) if isinstance(folder, Path) else folder.found()
    there = [file for file in listed if not _is_hidden(file, folder, ())]
    runs = [] if isinstance(folder, Path) else _runs_among(there, folder)
    files = [file for file in there if _has_data_name(file) and not _is_place(file) and not _lies_in(file, runs)]
    if not files:
        none = _NO_DATA.format(folder) if there or folder.exists() else f"There is no object or folder {folder}"
        raise UsageError(none + _hint_of_saved(there))
    read = set(files)
    others = [file for file in there if file not in read and not _lies_in(file, runs)]
    return Found(files, folder, _named((*others, *runs), folder))


def _hint_of_saved(there: Sequence[AnyPath]) -> str:
    """Return what to say where a folder that `datasets` saved lies among files that hold no data by their names."""
    whole = [file.parent for file in there if file.name == "dataset_dict.json"]
    parts = [file.parent for file in there if file.name == "state.json"] if any(map(_is_arrow, there)) else []
    saved = next(iter((*whole, *parts)), None)
    if saved is None:
        return ""
    way = f"name {saved}" if isinstance(saved, Path) else "copy it to this machine, and name the folder of the copy"
    return f". {saved} is a data set that `datasets` saved. Next: {way}"


def _is_arrow(file: AnyPath) -> bool:
    return file.name.endswith(".arrow")


def found_by(pattern: str | Address) -> Found:
    """Return the files that a pattern names: of hidden ones and of runs those that it names as such, `.*` or `kept.*`.

    Raises:
        UsageError: there is none, it makes no sense, or it leads into a folder that cannot be read.
    """
    listed, root, wild = _matches(pattern)
    there = [file for file in listed if not _is_hidden(file, root, wild)]
    if not there:
        what = "No file matches" if isinstance(root, Path) else "No object matches"
        hint = ". In a shell, quote a pattern that unmoor is to expand" if isinstance(root, Path) else ""
        raise UsageError(f"{what} {pattern}{hint}")
    runs = [] if wild[-1].startswith(_ROWS_OF_A_RUN) else _runs_among(there, root)
    files = [file for file in there if not _lies_in(file, runs)]
    if not files:
        refuse_run(runs[0])
    return Found(files, root, _named(runs, root))


def refuse_run(folder: AnyPath) -> None:
    """Raise UsageError for a run's own folder: what it kept, removed and wrote about both is no one data set."""
    if _is_run(folder):
        kept = next((file.name for file in folder.iterdir() if file.name.startswith("kept.")), None)
        ways = f"{folder / kept} is what it kept; " if kept else ""
        raise UsageError(f"{folder} is a run of unmoor, no data set. Next: {ways}`unmoor restore` gives its input back")


def _is_run(folder: AnyPath) -> bool:
    """Return whether it is the folder of a run; of one that cannot be looked into, no: reading it then says why."""
    try:
        return all((folder / name).is_file() for name in _OF_A_RUN)
    except PermissionError:
        return False


def _runs_among(files: Sequence[AnyPath], root: AnyPath) -> list[AnyPath]:
    """Return the runs that hold some of `files`; on other storage, where a look takes time, of those that are called as a run's."""
    suspects = (file for file in files if isinstance(file, Path) or _RUN_FILE.match(file.name))
    folders = {folder for file in suspects for folder in _folders_of(file, root)}
    return sorted(folder for folder in folders if _is_run(folder))


def _folders_of(file: AnyPath, root: AnyPath) -> Iterator[AnyPath]:
    """Yield the folders from the one that a file lies in up to `root`."""
    folder = file.parent
    while len(folder.parts) > len(root.parts):
        yield folder
        folder = folder.parent
    yield root


def _lies_in(file: AnyPath, folders: Sequence[AnyPath]) -> bool:
    return any(file.parts[: len(folder.parts)] == folder.parts for folder in folders)


def _named(others: Sequence[AnyPath], root: AnyPath) -> tuple[str, ...]:
    """Return the names of what is not read: what may hold rows first, then places, then the rest."""
    names = [below(other, root).as_posix() + "/" * _is_place(other) for other in others]
    return tuple(sorted(names, key=lambda name: (not _MAY_HOLD_ROWS.search(name), not name.endswith("/"), name)))


def is_folder(named: Path) -> bool:
    """Return whether it is a folder.

    Raises:
        UsageError: it is one that cannot be read, or no one can tell.
    """
    try:
        is_one = named.is_dir()
    except OSError as error:
        raise _unreadable(named, str(error.strerror)) from error
    if is_one and not os.access(named, os.R_OK | os.X_OK):
        raise _unreadable(named, "Permission denied")
    return is_one


def _below_folder(folder: Path) -> Iterator[Path]:
    """Yield what lies in a folder and is not hidden: files, links to nothing, and links to folders and runs, which are not entered.

    Raises:
        UsageError: a folder in it cannot be listed, and so no one knows what is missing.
    """

    def refuse(error: OSError) -> None:
        raise _unreadable(error.filename, str(error.strerror)) from error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        runs = [name for name in folders if _is_run(Path(place, name))]
        folders[:] = [name for name in folders if name not in runs]
        yield from (Path(place, name) for name in (*files, *links, *runs) if not name.startswith("."))


def _unreadable(folder: Path | str, why: str) -> UsageError:
    return UsageError(f"The folder {folder} cannot be read: {why}. Next: the right to read it, or data without it")


def _is_place(file: AnyPath) -> bool:
    """Return whether it is a folder or a link to one; of what may not be looked at, no."""
    if isinstance(file, Address):
        return file.seen is None  # a prefix, not an object that was found
    return os.path.isdir(file)  # noqa: PTH112 - Path.is_dir raises there


def _has_data_name(file: AnyPath) -> bool:
    return file.name not in _NOT_DATA and bool(_DATA_FILE.search(file.name))


def _is_hidden(file: AnyPath, root: AnyPath, wild: Sequence[str]) -> bool:
    """Return whether a name below `root` begins with a dot, unless a part of the pattern does that means it."""
    wanted = [part for part in wild if part.startswith(".")]
    hidden = (part for part in below(file, root).parts if part.startswith("."))
    return any(not any(fnmatchcase(part, pattern) for pattern in wanted) for part in hidden)


def below(file: AnyPath, root: AnyPath) -> PurePath:
    """Return what a file is called below `root`; both lie on the same storage."""
    return file.relative_to(root)  # type: ignore[arg-type]


def _matches(pattern: str | Address) -> tuple[Sequence[AnyPath], AnyPath, Sequence[str]]:
    """Return the files that a glob names, the folder above its first wildcard, and the parts from there on."""
    parts = pattern.parts if isinstance(pattern, Address) else Path(pattern).parts
    fixed = next(index for index, part in enumerate(parts) if GLOB.search(part))
    wild = parts[fixed:]
    if any("**" in part and part != "**" for part in wild):
        raise UsageError(
            f"{pattern} is no pattern: ** stands alone between two slashes. Next: * for any name, ** for any folders, such as "
            "'data/**/*.jsonl'"
        )
    if isinstance(pattern, Address):
        return *matches(pattern), wild
    root = Path(*parts[:fixed]) if fixed else Path()
    _hold_readable(root, wild)
    return sorted(file for file in root.glob(str(Path(*wild))) if not _is_place(file)), root, wild


def _hold_readable(root: Path, wild: Sequence[str]) -> None:
    """Raise UsageError where a pattern leads into a folder that cannot be read: a glob passes over it in silence."""
    for depth in range(len(wild)):
        for found in root.glob(str(Path(*wild[:depth]))) if depth else [root]:
            is_folder(found)
