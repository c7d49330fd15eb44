"""From a Hugging Face data set, saved in a folder (Arrow) or published on the hub, to Parquet files that are read like any others.

`datasets` does it in a process of its own: a native crash there is an error message here, and none of its code touches other files.
What is published changes. So the hub is asked each time which commit a name stands for, and rows are kept by commit.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from unmoor.errors import BadDataError, MachineError, MissingExtraError, UsageError
from unmoor.layouts.faults import is_of_machine, why
from unmoor.records.cache import cache_folder
from unmoor.storage import said

__all__ = ["Export", "exported_data_set", "hint_of_hub", "hub_name_of_page", "is_hub_name", "is_saved_data_set"]

HUB = re.compile(r"hf:(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?(?::(?P<split>[\w.-]+))?")
_PAGE = re.compile(r"https?://(?:www\.)?huggingface\.co/datasets/([\w.-]+/[\w.-]+)/?")
_BARE = re.compile(
    r"[\w-][\w.-]*/[\w.-]+(?<!\.json)(?<!\.jsonl)(?<!\.parquet)(?<!\.arrow)(?<!\.gz)(?<!\.zst)(?<!\.csv)(?<!\.txt)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MISSING, _UNKNOWN, _MACHINE = 64, 65, 66
"""Exit codes of the process that exports."""
_HUB_FAILED = 500
"""Statuses from here on are the hub's own failures."""
_AS_PARQUET = "Next: get it again, or have `datasets` write it where it can be read: to_parquet, then that file"
_FILE_ROWS, _BATCH_ROWS = 500_000, 10_000


class Export(NamedTuple):
    """Parquet files; of a published data set their commit, and a sentence for people where that may not be the newest."""

    files: list[Path]
    revision: str = ""
    note: str = ""


def is_hub_name(name: str) -> bool:
    """Return whether `name` is written `hf:OWNER/NAME`, with or without `@REVISION` and `:SPLIT` behind it."""
    return HUB.fullmatch(name) is not None


def hub_name_of_page(address: str) -> str | None:
    """Return `hf:OWNER/NAME` for the address of a data set's page on the hub, else None."""
    page = _PAGE.fullmatch(address)
    return f"hf:{page[1]}" if page else None


def hint_of_hub(name: str) -> str:
    """Return what to say beside a name of which there is no file, if a data set of the hub may be meant; else nothing."""
    if name.startswith("hf:"):
        return ". A data set of the hub is written hf:OWNER/NAME:SPLIT, or hf:OWNER/NAME if it has one split"
    if _BARE.fullmatch(name) and not Path(name).parent.exists():
        return f". If a data set of the hub is meant, it is written hf:{name}"
    return ""


def is_saved_data_set(folder: Path) -> bool:
    """Return whether `datasets` saved the folder: Arrow files, of no rows none, with their state, or a dictionary of splits."""
    has_rows = any(folder.glob("*.arrow")) or (folder / "dataset_info.json").is_file()
    return ((folder / "state.json").is_file() and has_rows) or (folder / "dataset_dict.json").is_file()


def exported_data_set(name: str) -> Export:
    """Return the rows of a saved or published data set, written once and kept in the user's cache.

    Raises:
        MissingExtraError: `datasets` is not installed.
        UsageError: there is no such data set or revision, or it has several splits and none was named.
        BadDataError: it is damaged, or the process that read it crashed.
        MachineError: the hub cannot be asked which commit a name stands for, and nothing of that name is kept; or the disk is full,
            or memory ran out.
    """
    if not is_hub_name(name):
        return Export(_exported(name, ""))
    try:
        revision = _commit_of(name)
    except _AwayError as error:
        return _kept_export(name, str(error))
    return Export(_exported(name, revision), revision)


def _exported(name: str, revision: str) -> list[Path]:
    folder = cache_folder() / f"dataset-{_fingerprint(name, revision)}"
    if not (folder / "done").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            _export_apart(name, revision, Path(work))
            told = {"name": name, "revision": revision, "read": datetime.now(UTC).isoformat(timespec="minutes")}
            (Path(work) / "done").write_text(json.dumps(told), encoding="utf-8")
            if not folder.exists():
                Path(work).rename(folder)
                Path(work).mkdir()
    return sorted(folder.glob("*.parquet"))


class _AwayError(Exception):
    """The hub does not answer."""


def _commit_of(name: str) -> str:
    """Return the commit that a name on the hub stands for now.

    Raises:
        UsageError: the hub has no such data set or revision, or does not show it.
        _AwayError: it cannot be asked.
    """
    hub = HUB.fullmatch(name)
    assert hub is not None
    if hub["revision"] and _COMMIT.fullmatch(hub["revision"]):
        return hub["revision"]
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtraError("Reading a Hugging Face data set", "train") from error
    try:
        return str(HfApi(library_name="unmoor").dataset_info(hub["name"], revision=hub["revision"]).sha)
    except (HfHubHTTPError, HFValidationError) as error:
        if isinstance(error, HfHubHTTPError) and error.response.status_code >= _HUB_FAILED:
            raise _AwayError(said(error)) from error
        raise UsageError(
            f"{name}: the hub has no such data set or revision, or does not show it: {said(error)}. "
            "Next: see the name, or set HF_TOKEN for a private one"
        ) from error
    except Exception as error:  # each version of the client has other exceptions for a network that is away
        raise _AwayError(said(error)) from error


def _kept_export(name: str, why: str) -> Export:
    """Return what was read last under this name, and a note that says when.

    Raises:
        MachineError: nothing was.
    """
    kept = [(told["read"], told["revision"], done.parent) for done, told in _told() if told["name"] == name]
    if not kept:
        raise MachineError(
            f"{name}: the hub cannot be asked which commit that is now ({why}), and nothing of that name is kept here. "
            "Next: see that the network is there"
        )
    read, revision, folder = max(kept)
    note = f"The hub cannot be asked ({why}). These are the rows of {name} as read on {read}, commit {revision}."
    return Export(sorted(folder.glob("*.parquet")), revision, note)


def _told() -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield what is known of each data set in the cache."""
    for done in cache_folder().glob("dataset-*/done"):
        text = done.read_text(encoding="utf-8")
        if text:  # earlier versions wrote nothing there
            yield done, json.loads(text)


def _fingerprint(name: str, revision: str) -> str:
    """Return a name for what is exported: of a saved folder, its files with size and time; of a published one, name and commit."""
    parts = [name, revision]
    if not is_hub_name(name):
        files = sorted(path for path in Path(name).rglob("*") if path.is_file())
        parts = [f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _export_apart(name: str, revision: str, folder: Path) -> None:
    # -P: without it Python would first look for modules in the folder that it is called in, which may be the data set itself
    command = [sys.executable, "-P", "-m", "unmoor.layouts.hub", name, revision, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if done.returncode == _MISSING:
        raise MissingExtraError("Reading a Hugging Face data set", "train")
    if done.returncode == _UNKNOWN:
        raise UsageError(last)
    if done.returncode == -signal.SIGKILL:
        last = "the process that did it was killed, most often for lack of memory"
    if done.returncode in (_MACHINE, -signal.SIGKILL):
        is_limit = last == os.strerror(errno.EFBIG)
        next_step = "raise the limit, which `ulimit -f` shows" if is_limit else "make room"
        raise MachineError(
            f"{name} cannot be written to {folder.parent}: {last}. Next: {next_step}, then the same command"
        )
    if done.returncode < 0:
        raise BadDataError(
            f"{name}: the process that read it with `datasets` was killed by signal {-done.returncode}. {_AS_PARQUET}"
        )
    if done.returncode:
        raise BadDataError(f"{name}: `datasets` cannot read it: {last}. {_AS_PARQUET}")


def _export(name: str, revision: str, folder: Path) -> None:
    """Write the rows with pyarrow itself: which settings `to_parquet` takes, and sets on its own, differs between versions."""
    import pyarrow.parquet as pq

    table = _data_set(name, revision).with_format("arrow")
    schema = table.features.arrow_schema
    for number, start in enumerate(range(0, max(1, table.num_rows), _FILE_ROWS)):
        part = table.select(range(start, min(start + _FILE_ROWS, table.num_rows)))
        path = folder / f"{number:05}.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
            for rows in part.iter(batch_size=_BATCH_ROWS):
                writer.write_table(rows.cast(schema))


def _data_set(name: str, revision: str) -> Any:
    from datasets import DatasetDict, load_dataset, load_from_disk

    hub = HUB.fullmatch(name)
    if hub:
        found = load_dataset(hub["name"], split=hub["split"], revision=revision)
        splits = list(found) if isinstance(found, DatasetDict) else []
    else:
        splits = _saved_splits(Path(name))
    if len(splits) > 1:
        example = f"{name}:{splits[0]}" if hub else str(Path(name) / splits[0])
        _refuse(f"{name} has the splits {', '.join(splits)}. Next: name one, for example {example}")
    if hub:
        return found[splits[0]] if splits else found
    folder = Path(name, *splits)
    if (folder / "state.json").is_file() and not any(
        folder.glob("*.arrow")
    ):  # which `datasets` saves and does not load
        _refuse(f"{folder} holds no row")
    return load_from_disk(str(folder))


def _saved_splits(folder: Path) -> list[str]:
    told = folder / "dataset_dict.json"
    return list(json.loads(told.read_text(encoding="utf-8"))["splits"]) if told.is_file() else []


def _refuse(said: str) -> NoReturn:
    sys.stderr.write(f"{said}\n")
    raise SystemExit(_UNKNOWN)


def _main(name: str, revision: str, folder: str) -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        raise SystemExit(_MISSING) from None
    try:
        _export(name, revision, Path(folder))
    except Exception as error:
        if not is_of_machine(error):
            raise
        sys.stderr.write(f"{why(error)}\n")
        raise SystemExit(_MACHINE) from None


if __name__ == "__main__":
    _main(*sys.argv[1:])
