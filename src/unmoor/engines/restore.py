"""From a finished run back to its input, exactly: kept and removed rows in their order, rewritten rows as they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from unmoor.engines.restored_tables import LedgerRows, own_rows, parquet_writer
from unmoor.errors import RunFolderError, UsageError
from unmoor.layouts import read_chunks
from unmoor.run_folder import (
    MAKE_AGAIN,
    RUN,
    hash_file,
    hold_outside_runs,
    hold_replaceable,
    machine_errors,
    read_lines_of,
    read_manifest,
    scratch_beside,
    verify,
)
from unmoor.storage import AnyPath

__all__ = ["plain_name", "restore", "restored_files"]

_BOM = b"\xef\xbb\xbf"
_COPY_BYTES = 2**20
_WHOLE = ("kept", "removed")
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")


def restore(folder: AnyPath, target: Path) -> int:
    """Rebuild the input of the run in `folder` at `target`, a folder if the input was several files; return its rows.

    JSON Lines and arrays come back byte for byte (decompressed). Parquet comes back with equal values and schema.

    Raises:
        RunFolderError: the run is half-written or altered, or was an audit, which keeps no rows; or another process is
            restoring to `target`.
        UsageError: `target` is a device or the like, or has the name of a compressed file, or several files were read and it is
            a file or holds something.
        MachineError: the disk is full.
    """
    manifest = read_manifest(folder, RUN)
    if manifest["kind"] != "filter":
        raise RunFolderError(f"{folder} is an audit: it changed nothing, so there is nothing to restore")
    if manifest["shard"] is not None:
        raise RunFolderError(f"{folder} is a shard. Next: join all of them with `unmoor merge`, then restore the whole")
    _hold_file(target)  # before links are followed: /dev/stdout leads to a pipe that has no path
    target = target.resolve() if target.is_symlink() else target  # a link stays, what it leads to is written
    _hold_fit(target, manifest)
    wrong = [f"{name} is not in the manifest" for name in _names_of_rows(manifest) if name not in manifest["files"]]
    if wrong := wrong or verify(folder, only_rows=True):
        raise RunFolderError(f"{folder}: {wrong[0]}. What it would give back is not what was read. {MAKE_AGAIN}")
    is_folder = len(manifest["inputs"]) > 1
    with machine_errors(f"Writing {target}"), scratch_beside(target, ".restoring") as scratch:
        made = scratch / "made"
        made.mkdir() if is_folder else made.touch()
        _restore_files(folder, manifest, made)
        made.replace(target)
    return int(manifest["counts"]["input"])


def _names_of_rows(manifest: dict[str, Any]) -> list[str]:
    return [f"{name}.{manifest['input']['format']}" for name in _WHOLE]


def _hold_file(target: Path) -> None:
    """Raise UsageError where something lies at `target` that is neither a file nor a folder."""
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise UsageError(
            f"{target} is a device, a pipe or a socket, and no file is put in its place. Next: -o and the name of a file"
        )


def _hold_fit(target: Path, manifest: dict[str, Any]) -> None:
    """Raise UsageError unless what was read can come back at `target`."""
    hold_outside_runs(target)
    count = len(manifest["inputs"])
    name = PurePosixPath(plain_name(manifest["inputs"][0])).name if count == 1 else ""
    if count == 1 and target.name.lower().endswith(_COMPRESSED) and not name.lower().endswith(_COMPRESSED):
        raise UsageError(
            f"{target} is the name of a compressed file, and what comes back is not compressed. "
            f"Next: -o {target.with_name(target.name.rpartition('.')[0] or name)}"
        )
    if count == 1 and target.is_dir():
        raise UsageError(f"{target} is a folder, and one file was read. Next: -o {target / name}")
    hold_replaceable(target)
    if count > 1 and target.exists() and not (target.is_dir() and not any(target.iterdir())):
        what = "holds other files" if target.is_dir() else "is a file"
        raise UsageError(
            f"{target} {what}, and the {count:,} files that were read come back in a folder of their own. "
            "Next: -o and the name of a folder that is new or empty"
        )


def _restore_files(folder: AnyPath, manifest: dict[str, Any], beside: Path) -> None:
    rows = _rows(folder, manifest)
    ending = manifest["input"]["format"]
    kept, removed = (iter(()) if ending == "parquet" else _raw_rows(folder / name) for name in _names_of_rows(manifest))
    write = parquet_writer(folder) if ending == "parquet" else _bytes_writer(folder, manifest, kept, removed)
    for file, path in zip(manifest["inputs"], restored_files(manifest, beside), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, file, islice(rows, file["rows"]))
        if not file["compression"] and file.get("sha256") and ending != "parquet":
            _hold_alike(path, file)
    deque(rows, maxlen=0)  # the ledger is checked to its end
    if next(kept, None) is not None or next(removed, None) is not None:
        raise RunFolderError(
            f"{folder} holds more rows than its ledger says, so what comes back would not be what was read. {MAKE_AGAIN}"
        )


def _hold_alike(path: Path, file: dict[str, Any]) -> None:
    if hash_file(path) != file["sha256"]:
        raise RunFolderError(
            f"{file['name']} does not come back as it was read: its SHA-256 differs. It may have changed while the run was made. "
            "Next: the command that made it again, when the file rests"
        )


def restored_files(manifest: dict[str, Any], target: Path) -> list[Path]:
    """Return where each file of the input is rebuilt, in the run's order: `target` itself, or files below it.

    Raises:
        RunFolderError: a name leads out of the folder, as no run of ours names a file.
    """
    if len(manifest["inputs"]) == 1:
        return [target]
    names = _names_back(manifest["inputs"], manifest["input"]["format"])
    for file, name in zip(manifest["inputs"], names, strict=True):
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or PurePosixPath(name).is_absolute():
            raise RunFolderError(
                f'The run names a file "{file["name"]}", which cannot lie below {target}. {MAKE_AGAIN}'
            )
    if len(set(names)) < len(names):
        raise RunFolderError(f"The run names a file twice, so its files cannot all lie below {target}. {MAKE_AGAIN}")
    return [target.joinpath(*PurePosixPath(name).parts) for name in names]


def _names_back(files: Sequence[dict[str, Any]], ending: str) -> list[str]:
    """Return what each file is called when it comes back: without the ending of its compression, where nothing else is called so.

    The folders of all files and those that were not compressed keep their names; of the others the first comes first.
    """
    taken = {folder.as_posix() for file in files for folder in PurePosixPath(file["name"]).parents}
    taken |= {file["name"] for file in files if plain_name(file) == file["name"]}
    names = []
    for file in files:
        name, plain = file["name"], plain_name(file)
        if plain != name:
            others = (f"{name}.{number}.{ending}" for number in range(2, len(taken) + 3))
            name = next(each for each in chain((plain, f"{name}.{ending}"), others) if each not in taken)
            taken.add(name)
        names.append(name)
    return names


def plain_name(file: dict[str, Any]) -> str:
    """Return the name of a file without the ending of its compression: what comes back is decompressed."""
    name = str(file["name"])
    return name.rpartition(".")[0] if file["compression"] and name.lower().endswith(_COMPRESSED) else name


def _bytes_writer(
    folder: AnyPath, manifest: dict[str, Any], kept: Iterator[bytes], removed: Iterator[bytes]
) -> Callable[[Path, dict[str, Any], LedgerRows], None]:
    quarantine = _open_quarantine(folder)
    arrays = manifest["arrays"] or {}

    def write(path: Path, file: dict[str, Any], rows: LedgerRows) -> None:
        runs, tail = _array(arrays.get(file["name"], {"gaps": [], "tail": ""}))
        gaps = (gap for count, gap in runs for _ in range(count))
        with path.open("wb") as out:
            out.write(_BOM if file["has_bom"] else b"")
            for _, outcome, entry in rows:
                out.write(next(gaps, b""))
                if outcome == "quarantined":
                    _copy(quarantine, out, entry["size_bytes"])
                    continue
                raw = b"" if outcome == "blank" else _next_of(removed if outcome == "removed" else kept)
                out.write(entry["before"].encode(errors="surrogatepass") if "before" in entry else raw)
            out.write(tail)
            if file["added_newline"]:
                out.truncate(out.tell() - 1)

    return write


def _rows(folder: AnyPath, manifest: dict[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Yield (row number, outcome, ledger entry) for every row of the input; rows the ledger does not name were kept."""
    entries = read_lines_of(folder, "ledger.jsonl")
    entry = next(entries, None)
    for number in range(1, manifest["counts"]["input"] + 1):
        if entry is not None and entry["row"] == number:
            yield number, entry.get("outcome", "kept"), entry
            entry = next(entries, None)
        else:
            yield number, "kept", {}
    if entry is not None:
        raise RunFolderError(
            f"{folder}: the ledger names row {entry['row']}, the input had {manifest['counts']['input']}. {MAKE_AGAIN}"
        )


def _raw_rows(path: AnyPath) -> Iterator[bytes]:
    if path.stat().st_size == 0:
        return
    for chunk in read_chunks(own_rows(path)):
        if chunk.items:
            yield from chunk.items
        else:
            lines = chunk.data.split(b"\n")
            yield from (line + b"\n" for line in lines[:-1])
            yield from lines[-1:] if lines[-1] else ()


def _next_of(rows: Iterator[bytes]) -> bytes:
    row = next(rows, None)
    if row is None:
        raise RunFolderError(
            f"kept and removed rows are fewer than the ledger says, so what was read cannot come back. {MAKE_AGAIN}"
        )
    return row


def _open_quarantine(folder: AnyPath) -> BinaryIO:
    path = folder / "quarantine.raw"
    return path.open("rb") if path.exists() else Path("/dev/null").open("rb")


def _copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    while size > 0 and (part := source.read(min(size, _COPY_BYTES))):
        target.write(part)
        size -= len(part)
    if size:
        raise RunFolderError(
            f"quarantine.raw is shorter than the ledger says: it was altered or cut short. {MAKE_AGAIN}"
        )


def _array(told: Any) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return how often each gap between two elements of an array comes, in order, and what stands behind the last element."""
    try:
        return [(int(count), gap.encode("latin-1")) for count, gap in told["gaps"]], told["tail"].encode("latin-1")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise RunFolderError(
            f"The manifest does not say what stood between the rows: it was altered. {MAKE_AGAIN}"
        ) from error
