"""From a run in memory to a run on disk: a folder that is whole or absent, hashes of everything, the manifest last.

While a run is being written its files lie in a hidden folder beside RUN. Now and then they are synced and a checkpoint says how far
they are good, so a run that was killed goes on from there. When all is done the folder is renamed to RUN in one step: at RUN there
is a complete run, or what was there before, or nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.run_folder.files import (
    CHECKPOINT,
    FORMAT_VERSION,
    MANIFEST,
    PLAN,
    REVIEW,
    dump_json,
    fail_point,
    hash_file,
    machine_errors,
    self_hash,
    settle,
    settle_folder,
    unfinished_folder,
    write_atomic,
)
from unmoor.run_folder.reading import read_json

__all__ = ["RunWriter"]


class RunWriter:
    """A run being written. Use as a context: on the way out it is complete, or can be gone on with, or was never begun.

    `open` gives a file to write into, `checkpoint` makes what was written so far survive a crash, `finish` puts the whole run
    at its place. A run that is replaced stays as it was until then.
    """

    def __init__(self, folder: Path, *, force: bool = False, plan: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.state: dict[str, Any] | None = None
        """What the last checkpoint of a run with the same plan said; None for a run that begins."""
        self._work = unfinished_folder(folder)
        self._files: dict[str, BinaryIO] = {}
        self._force = force
        self._plan = dict(plan) if plan is not None else None
        self._lock = -1
        self._is_finished = False

    def __enter__(self) -> RunWriter:
        """Make the folder for unfinished files, or take over the one that a run with the same plan left.

        Raises:
            UsageError: RUN is a file, holds something already and `force` was not given, or an unfinished run has another plan.
            RunFolderError: another process is writing this run.
        """
        with machine_errors(f"Making {self.folder}"):
            _put_back(self.folder)
            self._check_room()
            self._work.mkdir(parents=True, exist_ok=True)
            self._take_lock()
            try:
                self._take_over()
            except BaseException:
                os.close(self._lock)
                raise
        return self

    def _check_room(self) -> None:
        if self.folder.is_file():
            raise UsageError(f"{self.folder} is a file; a run needs a folder of its own")
        if not self.folder.exists() or not any(self.folder.iterdir()):
            return
        if not (self.folder / MANIFEST).exists():
            raise UsageError(f"{self.folder} holds other files. Next: name a folder that is new or empty")
        if not self._force:
            raise UsageError(f"{self.folder} holds a run already. Next: another folder, or --force to replace it")

    def _take_lock(self) -> None:
        """Hold the folder while this process lives; the system lets go of it whatever happens."""
        self._lock = os.open(self._work, os.O_RDONLY)
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            return
        except OSError as error:
            os.close(self._lock)
            raise RunFolderError(
                f"Another process is writing {self.folder}. Next: wait for it, or name another folder"
            ) from error

    def _take_over(self) -> None:
        """Go on from the checkpoint of a run with the same plan; clear away anything else."""
        plan, checkpoint = self._work / PLAN, self._work / CHECKPOINT
        if self._plan is not None and plan.exists() and checkpoint.exists():
            difference = _first_difference(read_json(plan), json.loads(dump_json(self._plan)))
            if not difference:
                self.state = self._trim(read_json(checkpoint))
                return
            if not self._force:
                raise UsageError(
                    f"An unfinished run of {self.folder} was planned otherwise: {difference}. "
                    "Next: the command that began it goes on with it, --force discards it, another folder leaves it"
                )
        for path in self._work.iterdir():
            _remove(path)
        if self._plan is not None:
            write_atomic(plan, dump_json(self._plan))

    def _trim(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Cut every file back to what the checkpoint vouches for, and drop the files that it does not know."""
        sizes: dict[str, int] = checkpoint["sizes"]
        for path in self._work.iterdir():
            if path.name not in (*sizes, PLAN, CHECKPOINT):
                _remove(path)
        for name, size in sizes.items():
            file = (self._work / name).open("r+b")
            file.truncate(size)
            file.seek(size)
            self._files[name] = file
        return dict(checkpoint["state"])

    def checkpoint(self, state: Mapping[str, Any]) -> None:
        """Make everything written so far survive a crash; `state` (JSON) is what a process that goes on will find.

        Raises:
            MachineError: the disk is full or fails.
        """
        fail_point("before-checkpoint")
        with machine_errors(f"Writing {self.folder}"):
            for file in self._files.values():
                settle(file)
            sizes = {name: file.tell() for name, file in self._files.items()}
        write_atomic(
            self._work / CHECKPOINT,
            orjson.dumps({"sizes": sizes, "state": dict(state)}, option=orjson.OPT_NON_STR_KEYS),
        )
        fail_point("after-checkpoint")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Keep what can be gone on with after a failing machine or an interruption; after anything else leave nothing."""
        for file in self._files.values():
            file.close()
        can_go_on = isinstance(error, MachineError | KeyboardInterrupt) and (self._work / CHECKPOINT).exists()
        if not self._is_finished and not can_go_on:
            shutil.rmtree(self._work, ignore_errors=True)
        os.close(self._lock)

    def path(self, name: str) -> Path:
        """Return where the unfinished file `name` is to be written, for writers that need a path."""
        return self._work / name

    def open(self, name: str) -> BinaryIO:
        """Return the unfinished file `name`, opened for writing; the same file each time."""
        if name not in self._files:
            self._files[name] = (self._work / name).open("wb")
        return self._files[name]

    def write(self, name: str, content: bytes) -> None:
        """Append `content` to the unfinished file `name`.

        Raises:
            MachineError: the disk is full or fails.
        """
        with machine_errors(f"Writing {self.folder / name}"):
            self.open(name).write(content)

    def written(self, name: str) -> Path:
        """Return the path of the unfinished file `name` with everything written so far in it, for reading."""
        with machine_errors(f"Writing {self.folder / name}"):
            self.open(name).flush()
        return self.path(name)

    def names(self) -> list[str]:
        """Return the names of the files written so far, in order."""
        return sorted(path.name for path in self._work.iterdir() if path.name != CHECKPOINT)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, `manifest` plus the size and SHA-256 of each file, and put the run at its place in one step.

        Raises:
            MachineError: the disk is full or fails.
        """
        with machine_errors(f"Writing {self.folder}"):
            for file in self._files.values():
                if not file.closed:
                    settle(file)
                    file.close()
            files = {name: _describe(self._work / name) for name in self.names()}
            content = {"format_version": FORMAT_VERSION, **manifest, "files": files}
            fail_point("before-manifest")
            write_atomic(self._work / MANIFEST, dump_json({**content, "manifest_sha256": self_hash(content)}))
            (self._work / CHECKPOINT).unlink(missing_ok=True)
            if (self.folder / REVIEW).is_dir():
                shutil.copytree(self.folder / REVIEW, self._work / REVIEW)
            self._swap()
        self._is_finished = True

    def _swap(self) -> None:
        replaced = _replaced_folder(self.folder)
        fail_point("before-rename")
        if self.folder.exists() and any(self.folder.iterdir()):
            self.folder.replace(replaced)
            fail_point("between-renames")
        self._work.replace(self.folder)
        settle_folder(self.folder.parent)
        fail_point("after-rename")
        shutil.rmtree(replaced, ignore_errors=True)


def _put_back(folder: Path) -> None:
    """Undo a replacement that was killed between its two renames."""
    replaced = _replaced_folder(folder)
    if replaced.exists() and not folder.exists():
        replaced.replace(folder)
    elif replaced.exists():
        shutil.rmtree(replaced)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _first_difference(old: Any, new: Any, where: str = "") -> str:
    """Return the first field in which two plans differ, with both values, or the empty string."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            if found := _first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else key):
                return found
        return ""
    return "" if old == new else f"{where} was {_brief(old)} and is now {_brief(new)}"


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _describe(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": hash_file(path)}


def _replaced_folder(folder: Path) -> Path:
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.replaced")
