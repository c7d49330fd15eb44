"""From the files of a run that is complete to its place: a folder of this machine, in one step, or objects, the manifest last.

A folder is renamed. Storage of objects has no rename: each object is whole or absent, and what has no manifest is no run. So a run
there is written on this machine and uploaded; until the manifest is there, `run.json` says that a run began. One that is replaced
loses its manifest first.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

from unmoor.errors import MachineError, RunFolderError, UsageError
from unmoor.run_folder.files import (
    MANIFEST,
    OF_A_RUN,
    OF_SYSTEMS,
    PLAN,
    REVIEW,
    UPLOADED,
    dump_json,
    fail_point,
    hidden_beside,
    holding,
    machine_errors,
    settle,
    settle_folder,
    unfinished_folder,
    write_atomic,
)
from unmoor.run_folder.plan import first_difference
from unmoor.run_folder.reading import hold_outside_runs, read_json
from unmoor.storage import Address, AnyPath, delete, put

__all__ = [
    "Place",
    "hold_others_out",
    "hold_replaceable",
    "hold_room",
    "others_in",
    "place_of",
    "planned_otherwise",
    "put_back",
]

_NAMED = 3
"""Files that are named of those that a refusal is about."""


class Place(Protocol):
    """Where a run is to be. `is_upload` says that getting it there takes time and can be gone on with."""

    is_upload: bool

    def check_room(self, *, force: bool) -> None:
        """Raise UsageError if something lies there that is not to be replaced."""

    def begin(self, work: Path, *, force: bool) -> None:
        """Do what must be known to work before hours are spent; `work` holds the plan."""

    def bringing_along(self, work: Path) -> AbstractContextManager[None]:
        """Copy into `work` what lies at the place and moves on to the run that replaces it; nothing is added there until the block
        ends, by when the run is at its place.
        """

    def publish(self, work: Path) -> None:
        """Put the complete run in `work` at its place.

        Raises:
            UsageError: others put files there meanwhile, which stay.
        """

    def withdraw(self) -> None:
        """Take back what `begin` did."""


def place_of(folder: AnyPath) -> Place:
    """Return the place of a run, by what kind of name it has."""
    return _Objects(folder) if isinstance(folder, Address) else _Folder(folder)


def hold_room(folder: AnyPath, inputs: Iterable[AnyPath], *, force: bool, is_audit: bool) -> None:
    """Raise UsageError, before anything is read, if no run can be written at `folder`, one of `inputs` lies in it, or an audit,
    which keeps no rows, would take the place of what a filter kept.
    """
    place, written = place_of(folder), (folder.resolve(), unfinished_folder(folder))
    for path in inputs:
        read = path.resolve()
        if any(type(read) is type(around) and read.parts[: len(around.parts)] == around.parts for around in written):
            raise UsageError(
                f"{path} is to be read and lies in {folder}, which is to be written. "
                "Next: -o and a folder in which nothing lies that is read"
            )
    place.check_room(force=force)
    if is_audit and _kept_rows(folder):
        raise UsageError(
            f"{folder} holds the rows that a filter kept and removed, and an audit in its place would delete them. "
            "Next: another folder for the audit"
        )


def _kept_rows(folder: AnyPath) -> bool:
    path = folder / MANIFEST
    return path.exists() and read_json(path).get("kind") == "filter"


def hold_replaceable(place: AnyPath) -> None:
    """Raise UsageError if nothing can be put at `place` in one step: one works in it, or a file system is mounted there."""
    if isinstance(place, Address):
        return
    here, resolved = Path.cwd(), place.resolve()
    if resolved.is_dir() and (here == resolved or resolved in here.parents):
        raise UsageError(
            f"{place} is the folder that you are in, and it would be replaced in one step, from under you. "
            "Next: go out of it with cd, and name it from there"
        )
    if os.path.ismount(resolved) and resolved.name:
        raise UsageError(
            f"{place} is where a disk or a volume is mounted, and nothing takes the place of that. "
            f"Next: a name in it, such as {place / 'NAME'}"
        )


def hold_others_out(folder: AnyPath, others: Iterable[str]) -> None:
    """Raise UsageError if there are `others`: names of what lies in `folder` and would be deleted with what unmoor wrote there."""
    names = sorted(others)
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise UsageError(
            f"{folder} holds other files too, which unmoor did not write and does not delete: {', '.join(names[:_NAMED])}{more}. "
            "Next: move them out of it, or name another folder"
        )


def put_back(folder: Path) -> None:
    """Undo the replacement of a run that was killed between its two renames: the run that was there is there again."""
    place = folder.resolve()
    replaced = hidden_beside(place, ".replaced")
    if replaced.is_dir() and not place.exists():
        replaced.replace(place)


def planned_otherwise(folder: AnyPath, difference: str) -> UsageError:
    """Return what is said of an unfinished run with another plan."""
    return UsageError(
        f"An unfinished run of {folder} was planned otherwise: {difference}. "
        "Next: the command that began it goes on with it, --force discards it, another folder leaves it"
    )


class _Folder:
    """A folder of this machine."""

    is_upload = False

    def __init__(self, folder: Path) -> None:
        resolved = folder.resolve()
        if not resolved.name:
            raise UsageError(
                f"{resolved} is the root of all folders; a run needs one of its own. Next: -o {resolved}NAME"
            )
        self._folder = resolved if folder.is_symlink() else folder  # a link stays, what it leads to is written
        self._replaced = hidden_beside(resolved, ".replaced")

    def check_room(self, *, force: bool) -> None:
        self._put_back()
        hold_outside_runs(self._folder)
        hold_replaceable(self._folder)
        if self._folder.is_file():
            raise UsageError(
                f"{self._folder} is a file; a run needs a folder of its own. Next: -o and a name that is free"
            )
        if self._folder.exists():
            _check_room(self._folder, {path.name for path in self._folder.iterdir()}, force=force)

    def _put_back(self) -> None:
        put_back(self._folder)
        if self._replaced.is_dir():
            with machine_errors(f"Deleting {self._replaced}"):
                shutil.rmtree(self._replaced)

    def begin(self, work: Path, *, force: bool) -> None:
        """Nothing: the folder for unfinished files lies beside, so it is known that there is room and leave to write."""

    @contextmanager
    def bringing_along(self, work: Path) -> Iterator[None]:
        review = self._folder / REVIEW
        if not review.is_dir():
            yield
            return
        with holding(review):
            _copy_folder(review, work / REVIEW)
            yield

    def publish(self, work: Path) -> None:
        fail_point("before-rename")
        try:
            if self._folder.exists() and any(self._folder.iterdir()):
                _check_room(self._folder, {path.name for path in self._folder.iterdir()}, force=True)
                self._folder.replace(self._replaced)
                fail_point("between-renames")
            work.replace(self._folder)
        except BaseException:
            if work.exists() and self._replaced.exists() and not self._folder.exists():
                self._replaced.replace(self._folder)
            raise
        settle_folder(self._folder.parent)
        fail_point("after-rename")
        shutil.rmtree(self._replaced, ignore_errors=True)

    def withdraw(self) -> None:
        """Nothing: nothing was begun."""


class _Objects:
    """Objects below an address."""

    is_upload = True

    def __init__(self, folder: Address) -> None:
        self._folder = folder
        self._has_begun = False

    def check_room(self, *, force: bool) -> None:
        names = self._names()
        if MANIFEST in names:
            self._clear_uploaded()
        if MANIFEST not in names and PLAN in names and _is_plan(self._folder / PLAN):
            self._hold_others_out(names, OF_A_RUN | self._uploaded(unfinished_folder(self._folder)).keys())
        else:
            _check_room(self._folder, names, force=force)

    def _clear_uploaded(self) -> None:
        """Delete the files here of a run that was killed just when all of it was uploaded."""
        work = unfinished_folder(self._folder)
        if (work / MANIFEST).exists() and (work / MANIFEST).read_bytes() == (self._folder / MANIFEST).read_bytes():
            shutil.rmtree(work)

    def _names(self) -> set[str]:
        return {address.relative_to(self._folder).parts[0] for address in self._folder.found()}

    def begin(self, work: Path, *, force: bool) -> None:
        """Upload the plan, unless a run lies there that is replaced at the end: so it is known that writing is allowed.

        With `force` what an unfinished run of another plan left is deleted.
        """
        names = self._names()
        plan = work / PLAN
        if MANIFEST in names or not plan.exists():
            return
        difference = first_difference(read_json(self._folder / PLAN), read_json(plan)) if PLAN in names else ""
        if difference and not force:
            raise planned_otherwise(self._folder, difference)
        if difference:
            delete(self._folder / name for name in names & OF_A_RUN)
        put(plan, self._folder / PLAN)
        self._has_begun = True

    def bringing_along(self, work: Path) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing: a run on other storage has no review."""
        return nullcontext()

    def publish(self, work: Path) -> None:
        """Upload what is not there yet, see that no other process wrote meanwhile, and upload the manifest."""
        files = read_json(work / MANIFEST)["files"]
        names = sorted(files, key=lambda name: (name != PLAN, name))
        done = self._begin_upload(work, names)
        for name in names:
            if done[name] is None or not self._is_as(name, done[name]):
                fail_point(f"before-upload-{name}")
                seen = put(work / name, self._folder / name)
                if seen.st_size != files[name]["size_bytes"]:
                    raise MachineError(
                        f"{work / name} is not as it was written. Next: delete {work}, then run it again"
                    )
                done[name] = [seen.st_size, seen.version]
                write_atomic(work / UPLOADED, dump_json(done))
        for name in names:
            if not self._is_as(name, done[name]):
                raise RunFolderError(
                    f"{self._folder / name} was written by another process while this run was uploaded. Next: let one finish"
                )
        there = self._names()
        self._hold_others_out(there, done)
        delete(self._folder / name for name in there & (done.keys() - files.keys()))
        fail_point("before-upload-manifest")
        put(work / MANIFEST, self._folder / MANIFEST)
        shutil.rmtree(work, ignore_errors=True)

    def _begin_upload(self, work: Path, names: Iterable[str]) -> dict[str, Any]:
        """Take its manifest from a run that is replaced, and return by name what of this run is uploaded, as size and version.

        None stands for what is still to be uploaded, and for what the replaced run had. It is written down before anything is
        deleted: who goes on with the upload has to know.
        """
        there = self._names()
        done = dict.fromkeys(names) | self._uploaded(work)
        if MANIFEST in there:
            done = dict.fromkeys(_written(self._folder)) | done
        self._hold_others_out(there, done)
        write_atomic(work / UPLOADED, dump_json(done))
        if MANIFEST in there:
            delete([self._folder / MANIFEST])
        return done

    def _uploaded(self, work: Path) -> dict[str, Any]:
        """Return what `_begin_upload` wrote down, with what was uploaded since then."""
        record = work / UPLOADED
        return dict(json.loads(record.read_bytes())) if record.exists() else {}

    def _hold_others_out(self, there: Set[str], own: Iterable[str]) -> None:
        hold_others_out(self._folder, there - {*own, MANIFEST} - _spared(self._folder))

    def _is_as(self, name: str, uploaded: list[Any]) -> bool:
        try:
            seen = (self._folder / name).now()
        except FileNotFoundError:
            return False
        return [seen.st_size, seen.version] == uploaded

    def withdraw(self) -> None:
        if self._has_begun:
            try:
                delete([self._folder / PLAN])
            except (
                MachineError
            ):  # storage that allows no deleting, or is gone: a plan alone is no run, and the next try takes it over
                return


def _copy_folder(folder: Path, target: Path) -> None:
    """Copy a folder onto the disk; the first file that cannot be copied is the error, where shutil tells of all and of no reason.

    Of a database its log goes first: whoever closes it meanwhile writes the log into it, and then the log is gone.
    """
    target.mkdir()
    for path in sorted(folder.rglob("*"), reverse=True):
        copy = target / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy2(path, copy)
            with copy.open("rb+") as file:
                settle(file)


def _check_room(folder: AnyPath, names: set[str], *, force: bool) -> None:
    if not names:
        return
    if MANIFEST not in names:
        raise UsageError(f"{folder} holds other files. Next: name a folder that is new or empty")
    hold_others_out(folder, others_in(folder, names))
    if not force:
        raise UsageError(f"{folder} holds a run already. Next: another folder, or --force to replace it")


def others_in(folder: AnyPath, names: Iterable[str]) -> set[str]:
    """Return which of `names` in the folder of a run neither the run wrote nor the review of it.

    Raises:
        UsageError: the manifest does not say what the run wrote.
    """
    return set(names) - _written(folder) - {MANIFEST} - _spared(folder)


def _written(folder: AnyPath) -> set[str]:
    """Return the names of the files that the manifest in `folder` names."""
    try:
        return set(json.loads((folder / MANIFEST).read_bytes())["files"].keys())
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{folder / MANIFEST} does not say what belongs to a run, so nothing there is deleted. "
            "Next: another folder, or remove this one"
        ) from error


def _spared(folder: AnyPath) -> frozenset[str]:
    """Return the names in the folder of a run that are neither the run's nor in its way."""
    return OF_SYSTEMS | ({REVIEW} if (folder / REVIEW).is_dir() else frozenset())


def _is_plan(path: AnyPath) -> bool:
    """Return whether unmoor wrote the plan: other programs have files of that name too."""
    plan = read_json(path)
    return isinstance(plan, dict) and "unmoor" in plan
