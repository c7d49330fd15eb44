"""From a Hugging Face data set, saved in a folder (Arrow) or published on the hub, to Parquet files that are read like any others.

`datasets` does it in a process of its own: a native crash there is an error message here, and none of its code touches other files.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from unmoor.errors import BadDataError, MissingExtraError, UsageError
from unmoor.records.cache import cache_folder

__all__ = ["exported_data_set", "is_hub_name", "is_saved_data_set"]

HUB = re.compile(r"hf:(?P<name>[\w.-]+/[\w.-]+)(?::(?P<split>[\w.-]+))?")
_MISSING, _UNKNOWN = 64, 65
_FILE_ROWS, _BATCH_ROWS = 500_000, 10_000


def is_hub_name(name: str) -> bool:
    """Return whether `name` is written `hf:OWNER/NAME` or `hf:OWNER/NAME:SPLIT`."""
    return HUB.fullmatch(name) is not None


def is_saved_data_set(folder: Path) -> bool:
    """Return whether `datasets` saved the folder: Arrow files with their state, or a dictionary of splits."""
    has_arrow = (folder / "state.json").is_file() and any(folder.glob("*.arrow"))
    return has_arrow or (folder / "dataset_dict.json").is_file()


def exported_data_set(name: str) -> list[Path]:
    """Return Parquet files with the rows of a saved or published data set, made once and kept in the user's cache.

    Raises:
        MissingExtraError: `datasets` is not installed.
        UsageError: there is no such data set, or it has several splits and none was named.
        BadDataError: it is damaged, or the process that read it crashed.
    """
    folder = cache_folder() / f"dataset-{_fingerprint(name)}"
    if not (folder / "done").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            _export_apart(name, Path(work))
            (Path(work) / "done").touch()
            if not folder.exists():
                Path(work).rename(folder)
                Path(work).mkdir()
    return sorted(folder.glob("*.parquet"))


def _fingerprint(name: str) -> str:
    """Return a name for what is exported: of a saved folder, its files with size and time; of a published one, its name."""
    parts = [name]
    if not is_hub_name(name):
        files = sorted(path for path in Path(name).rglob("*") if path.is_file())
        parts = [f"{path.resolve()} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _export_apart(name: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unmoor.layouts.hub", name, str(folder)], capture_output=True, text=True, check=False
    )
    said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if done.returncode == _MISSING:
        raise MissingExtraError("Reading a Hugging Face data set", "train")
    if done.returncode == _UNKNOWN:
        raise UsageError(said)
    if done.returncode < 0:
        raise BadDataError(f"{name}: the process that read it with `datasets` was killed by signal {-done.returncode}")
    if done.returncode:
        raise BadDataError(f"{name}: `datasets` cannot read it: {said}")


def _export(name: str, folder: Path) -> None:
    """Write the rows with pyarrow itself: which settings `to_parquet` takes, and sets on its own, differs between versions."""
    import pyarrow.parquet as pq

    table = _data_set(name).with_format("arrow")
    schema = table.features.arrow_schema
    for number, start in enumerate(range(0, max(1, table.num_rows), _FILE_ROWS)):
        part = table.select(range(start, min(start + _FILE_ROWS, table.num_rows)))
        path = folder / f"{number:05}.parquet"
        with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
            for rows in part.iter(batch_size=_BATCH_ROWS):
                writer.write_table(rows.cast(schema))


def _data_set(name: str) -> Any:
    from datasets import DatasetDict, load_dataset, load_from_disk

    hub = HUB.fullmatch(name)
    found = load_dataset(hub["name"], split=hub["split"]) if hub else load_from_disk(name)
    if isinstance(found, DatasetDict):
        splits = list(found)
        if len(splits) > 1:
            example = f"hf:{hub['name']}:{splits[0]}" if hub else str(Path(name) / splits[0])
            sys.stderr.write(f"{name} has the splits {', '.join(splits)}. Next: name one, for example {example}\n")
            raise SystemExit(_UNKNOWN)
        found = found[splits[0]]
    return found


def _main(name: str, folder: str) -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        raise SystemExit(_MISSING) from None
    _export(name, Path(folder))


if __name__ == "__main__":
    _main(*sys.argv[1:])
