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
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from unmoor.errors import MachineError, RunFolderError
from unmoor.run_folder.files import (
    CHECKPOINT,
    DONE,
    FORMAT_VERSION,
    MANIFEST,
    PLAN,
    UPLOADED,
    clear,
    dump_json,
    fail_point,
    hash_file,
    lock_folder,
    machine_errors,
    making,
    self_hash,
    settle,
    unfinished_folder,
    write_atomic,
)
from unmoor.run_folder.places import place_of, planned_otherwise
from unmoor.run_folder.plan import first_difference
from unmoor.run_folder.reading import read_json
from unmoor.storage import AnyPath

__all__ = ["RunWriter"]

_OURS = frozenset((CHECKPOINT, DONE, UPLOADED))
"""What lies beside the files of an unfinished run and is no part of it."""
_NOT_THE_DATA = (MachineError, OSError, MemoryError, KeyboardInterrupt)
_KEPT = "What was done so far is kept: the same command again goes on where this one stopped"
_BEGINS_ANEW = "Nothing was written. Next: the same command begins anew"
"""What a person is told of a run that was interrupted, and the first of one whose machine failed, as notes of the exception."""


class RunWriter:
    """A run being written. Use as a context: on the way out it is complete, or can be gone on with, or was never begun.

    `open` gives a file to write into, `checkpoint` makes what was written so far survive a crash, `finish` puts the whole run
    at its place. A run that is replaced stays as it was until then.
    """

    def __init__(self, folder: AnyPath, *, force: bool = False, plan: Mapping[str, Any] | None = None) -> None:
        self.folder = folder
        self.state: dict[str, Any] | None = None
        """What the last checkpoint of a run with the same plan said; None for a run that begins."""
        self.done: dict[str, Any] | None = None
        """What `finish` was told of a run with the same plan that is complete here and was not uploaded to its end."""
        self._place = place_of(folder)
        self._work = unfinished_folder(folder)
        self._files: dict[str, BinaryIO] = {}
        self._force = force
        self._plan = dict(plan) if plan is not None else None
        self._lock = -1
        self._is_written, self._is_finished = False, False

    def __enter__(self) -> RunWriter:
        """Make the folder for unfinished files, or take over the one that a run with the same plan left.

        Raises:
            UsageError: RUN is a file, holds something already and `force` was not given, or an unfinished run has another plan.
            RunFolderError: another process is writing this run.
        """
        with machine_errors(f"Making {self.folder}"):
            self._place.check_room(force=self._force)
            with making(self._work):
                self._work.mkdir(parents=True, exist_ok=True)
            self._lock = lock_folder(self._work, self.folder)
            try:
                self._take_over()
                self._place.begin(self._work, force=self._force)
            except BaseException:
                if not self._can_go_on():
                    shutil.rmtree(self._work, ignore_errors=True)
                os.close(self._lock)
                raise
        return self

    def _take_over(self) -> None:
        """Go on from the checkpoint of a run with the same plan; clear away anything else."""
        plan, checkpoint, done = self._work / PLAN, self._work / CHECKPOINT, self._work / DONE
        if self._plan is not None and plan.exists() and (checkpoint.exists() or done.exists()):
            difference = first_difference(read_json(plan), json.loads(dump_json(self._plan)))
            if not difference and done.exists():
                self.done = read_json(done)
                return
            if not difference:
                self.state = self._trim(read_json(checkpoint))
                return
            if not self._force:
                raise planned_otherwise(self.folder, difference)
        for path in self._work.iterdir():
            clear(path)
        if self._plan is not None:
            write_atomic(plan, dump_json(self._plan))

    def _trim(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Cut every file back to what the checkpoint vouches for, and drop the files that it does not know."""
        sizes: dict[str, int] = checkpoint["sizes"]
        strange = [name for name in sizes if Path(name).name != name or (self._work / name).is_symlink()]
        if strange:  # cutting it back would cut a file that is none of ours
            raise RunFolderError(
                f"{self._work} names or links to a file outside of itself ({strange[0]}): unmoor did not write that. "
                f"Next: delete {self._work}, and the same command begins anew"
            )
        for path in self._work.iterdir():
            if path.name not in (*sizes, PLAN, CHECKPOINT):
                clear(path)
        short = [name for name, size in sizes.items() if (self._work / name).stat().st_size < size]
        if short:
            raise RunFolderError(
                f"{self._work / short[0]} is shorter than its checkpoint says: it was altered. "
                f"Next: delete {self._work}, and the same command begins anew"
            )
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
        """Keep what can be gone on with after a failing machine or an interruption, or if all was written and has no place; after
        anything else leave nothing.
        """
        for file in self._files.values():
            with (
                suppress(OSError) if error is not None else nullcontext()
            ):  # what a full disk does not take, said before
                file.close()
        is_kept = (self._is_written or isinstance(error, _NOT_THE_DATA)) and self._can_go_on()
        if error is not None and is_kept:
            error.add_note(_KEPT)
        elif isinstance(error, KeyboardInterrupt):
            error.add_note(_BEGINS_ANEW if not self._is_finished else f"The run is complete: {self.folder}")
        if not self._is_finished and not is_kept:
            shutil.rmtree(self._work, ignore_errors=True)
            self._place.withdraw()
        os.close(self._lock)

    def _can_go_on(self) -> bool:
        return any((self._work / name).exists() for name in (CHECKPOINT, DONE))

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
        return sorted(path.name for path in self._work.iterdir() if path.name not in _OURS)

    def finish(self, manifest: dict[str, Any], done: Mapping[str, Any] | None = None) -> None:
        """Write the manifest, `manifest` plus the size and SHA-256 of each file, and put the run at its place.

        `done` (JSON) is what a process finds that goes on with an upload that was cut off.

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
            if self._place.is_upload and done is not None:
                write_atomic(self._work / DONE, orjson.dumps(done, option=orjson.OPT_NON_STR_KEYS))
            with self._place.bringing_along(self._work):
                self.publish()

    def publish(self) -> None:
        """Put the complete run at its place.

        Raises:
            UsageError: others put files there meanwhile.
            MachineError: the disk is full or fails, or the storage does not answer.
            In either case the same command again goes on.
        """
        checkpoint = self._work / CHECKPOINT
        self._is_written = True
        with machine_errors(f"Writing {self.folder}"):
            state = checkpoint.read_bytes() if checkpoint.exists() else None
            checkpoint.unlink(missing_ok=True)  # a finished run has none, and one that finds no place goes on from it
            try:
                self._place.publish(self._work)
            except BaseException:
                self._is_finished = not self._work.exists()
                if state is not None and not self._is_finished:
                    write_atomic(checkpoint, state)
                raise
        self._is_finished = True


def _describe(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": hash_file(path)}
