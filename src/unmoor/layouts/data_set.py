"""From what a user names (a file, a folder, a glob, a saved or published data set) to files in order, and to a share of them.

A data set of several files is read as one sequence of rows, files in the order of their names. A shard is a cut of that sequence:
a byte range of JSON Lines, row groups of Parquet, whole files where a file cannot be cut.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmoor.errors import MachineError, UsageError
from unmoor.layouts.arrays import read_array
from unmoor.layouts.faults import still_there
from unmoor.layouts.files import CHUNK_BYTES, FORMAT_NAMES, Chunk, Source, read_lines
from unmoor.layouts.found import GLOB, Found, below, found_by, found_in, is_folder
from unmoor.layouts.hub import exported_data_set, hub_name_of_page, is_hub_name, is_saved_data_set
from unmoor.layouts.parquet import in_one_schema, read_parquet, row_group_bytes, with_footer
from unmoor.layouts.recognise import recognise_source
from unmoor.storage import Address, AnyPath, located

__all__ = ["DataSet", "data_set_of", "open_data_set", "read_chunks", "read_data_set", "shard_of", "with_added"]

_LOOKS_AT_ONCE = 16
"""Requests under way at a time while objects are recognised: each takes some 30 ms of waiting and next to no work."""

_END_BYTES = 4096
"""Bytes at either end of a file by which a shard knows it again."""
_NAMED = 100
"""Names that a run's record has of what was not read; a folder may hold a million pictures."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """Files of one format in order. `name` is what the user called it; `root` is what the files' own names are relative to.

    `left_out` names what else lies in the folder and is not read, but for what is hidden: other files, links to folders, runs.
    `whole` is, of a shard, the SHA-256 of the name, size, start and end of each file of the data set that it is a part of.
    `revision` is the commit of a data set of the hub, and `note` a sentence for people where there may be a newer
    one, or where a file is read twice.
    `asked` is the folder or the pattern that was listed, `there` the names of all files that were found, those of other shards too,
    and `added` the names of the files that were found later, which are not read.
    `copied_from` is, where these are copies that a run was led back to, what that run says of each file that it read.
    """

    name: str
    files: tuple[Source, ...]
    root: AnyPath
    left_out: tuple[str, ...] = ()
    whole: str = ""
    copied_from: tuple[dict[str, Any], ...] = ()
    revision: str = ""
    note: str = ""
    asked: AnyPath | str | None = None
    there: frozenset[str] = frozenset()
    added: tuple[str, ...] = ()

    @property
    def format(self) -> str:
        """How the outputs are written: jsonl, json or parquet."""
        return self.files[0].format

    @property
    def size_bytes(self) -> int:
        """Bytes of all files on disk, or of a shard's part of them where that is known."""
        return sum(source.share_bytes for source in self.files)

    def file_name(self, index: int) -> str:
        """Return the name of a file of the data set, relative to its folder, with forward slashes; of a copy, the original's."""
        if self.copied_from:
            return str(self.copied_from[index]["name"])
        return below(self.files[index].path, self.root).as_posix()

    def not_read(self) -> dict[str, Any]:
        """Return how many files and places beside the data are not read, and the first of their names; empty if there are none."""
        if not self.left_out:
            return {}
        places = sum(name.endswith("/") for name in self.left_out)
        # What is no UTF-8 in a name is written as its bytes: a manifest could not hold it.
        names = [os.fsencode(name).decode("utf-8", "backslashreplace") for name in self.left_out[:_NAMED]]
        return {"not_read": {"files": len(self.left_out) - places, "folders": places, "names": names}}

    def describe(self) -> str:
        """Return the format in a word or two, for people, and how the files are compressed; of copies, how the originals were."""
        of_originals = [str(file["compression"]) for file in self.copied_from]
        ways = dict.fromkeys(of_originals or [source.compression for source in self.files])
        packed = " and ".join(sorted(filter(None, ways)))
        some = "some " if packed and len(ways) > 1 else ""
        how = FORMAT_NAMES[self.format] + (f", {some}{packed}" if packed else "")
        return how if len(self.files) == 1 else f"{len(self.files):,} files, {how}"


def open_data_set(path: AnyPath | str) -> DataSet:
    """Find the files that `path` names and look at how each is written.

    Raises:
        UsageError: nothing is there, a part of it cannot be read, the files are of several formats, or every one of them is empty.
        BadDataError: a compressed file is damaged.
        MachineError: the storage that an address names, or the hub, does not answer, or denies access.
    """
    named = located(path)
    if isinstance(named, Address):
        if hub_name := hub_name_of_page(str(path)):
            raise UsageError(f"{path} is a page, not data. Next: {hub_name}, which reads the data set that it shows")
        return _open_address(named)
    if is_hub_name(str(path)) or (is_folder(named) and is_saved_data_set(named)):
        files, revision, note = exported_data_set(str(path))
        sources = tuple(map(recognise_source, files))
        return DataSet(named.name, sources, files[0].parent, revision=revision, note=note)
    name = named.name or named.resolve().name
    if is_folder(named):
        return _data_set(name, named)
    if not os.path.lexists(named) and GLOB.search(str(path)):
        return _data_set(name, str(path))
    return DataSet(named.name, _single(recognise_source(named)), named.parent)


def _data_set(name: str, asked: AnyPath | str) -> DataSet:
    found = _found(asked)
    data = DataSet(name, _sources(found.files), found.root, found.left_out, note=_named_twice(found))
    return replace(data, asked=asked, there=frozenset(_names(found)))


def _found(asked: AnyPath | str) -> Found:
    """List a folder or a pattern, which is text or an address with a wildcard."""
    if isinstance(asked, str) or (isinstance(asked, Address) and GLOB.search(str(asked))):
        return found_by(asked)
    return found_in(asked)


def _names(found: Found) -> list[str]:
    return [below(file, found.root).as_posix() for file in found.files]


def with_added(data: DataSet) -> DataSet:
    """Return a data set with what was added to its folder or pattern since it was opened among what is not read.

    Where it cannot be listed any more, nothing is known to be added: whether what was read is still as it was, is asked elsewhere.
    """
    try:
        found = _found(data.asked) if data.asked is not None else None
    except (UsageError, MachineError):
        return data
    added = tuple(name for name in _names(found) if name not in data.there) if found else ()
    return replace(data, added=added, left_out=(*added, *data.left_out))


@still_there()
def _named_twice(found: Found) -> str:
    """Return what to say of files that are read under two names, by links of either kind; the empty string if there are none."""
    first: dict[tuple[int, int], AnyPath] = {}
    again = []
    for file in found.files:
        if not isinstance(file, Address):
            seen = file.stat()
            if (other := first.setdefault((seen.st_dev, seen.st_ino), file)) is not file:
                again.append((below(file, found.root), below(other, found.root)))
    if not again:
        return ""
    one, other_name = again[0]
    more = f", and {len(again) - 1:,} more such file{'' if len(again) == 2 else 's'}" if len(again) > 1 else ""
    return (
        f"{one} is {other_name} under another name, so its rows are read again{more}. "
        "Next: leave one of two such names out, if that is not meant"
    )


def data_set_of(name: str, files: Sequence[Path], root: Path) -> DataSet:
    """Return the data set of exactly these files, in their order; `root` is what their own names are relative to.

    Raises:
        UsageError, BadDataError: as `open_data_set`.
    """
    return DataSet(name, _sources(files), root)


def _open_address(named: Address) -> DataSet:
    """Do the same where the files are objects; they are looked at several at a time, since each look waits for an answer."""
    if GLOB.search(str(named)):
        return _data_set(named.name, named)
    if named.is_file():
        return DataSet(named.name, _single(recognise_source(replace(named, seen=named.now()))), named.parent)
    return _data_set(named.name, named)


def _single(source: Source) -> tuple[Source]:
    """Return the one file of a data set, of a table with what its footer says, which is asked for at several places."""
    return (with_footer(source) if source.format == "parquet" else source,)


def _sources(files: Sequence[AnyPath]) -> tuple[Source, ...]:
    if isinstance(files[0], Address):
        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
            sources = list(pool.map(_recognised, files))
    else:
        sources = [_recognised(file) for file in files]
    told = [source for source in sources if not source.is_empty]
    if not told:
        raise UsageError(f"All {len(files):,} files are empty: there is no row in them")
    is_table = told[0].format == "parquet"
    named = [source for source in sources if not source.is_empty or (is_table and source.compression)]
    other = next((source for source in named if source.format != told[0].format), None)
    if other is not None:
        raise UsageError(
            f"{told[0].path} is {told[0].describe()}, {other.path} is {other.describe()}{_kinds_of(told)}. "
            "Next: a run for each format, with a pattern that takes all of its files, such as 'data/*.jsonl*' or 'data/*.parquet'"
        )
    sources = [replace(source, format=told[0].format) for source in sources]
    if is_table and len(told) > 1:
        sources = in_one_schema(sources)
    return tuple(replace(source, is_last=index == len(sources) - 1) for index, source in enumerate(sources))


def _kinds_of(sources: Sequence[Source]) -> str:
    """Return how many files are in each format, where they are more than two."""
    counts = Counter(source.format for source in sources)
    told = ", ".join(f"{count:,} {FORMAT_NAMES[kind]}" for kind, count in counts.most_common())
    return f" (of {len(sources):,} files: {told})" if len(sources) > 2 else ""


def _recognised(file: AnyPath) -> Source:
    if isinstance(
        file, Address
    ):  # asked one by one: what a listing tells of an object may differ from what the object tells
        file = replace(file, seen=file.now())
    return recognise_source(file, may_be_empty=True)


@still_there()
def shard_of(data: DataSet, number: int, count: int) -> DataSet:
    """Return part `number` (from 1) of `count`; the parts in order are the whole, and none may be empty of files.

    Raises:
        UsageError: the number makes no sense, or the data set cannot be cut into so many parts.
        MachineError: a file is gone, or cannot be read.
    """
    if not 1 <= number <= count:
        raise UsageError(f"--shard takes I/N with I from 1 to N, found {number}/{count}")
    if count > len(data.files) and not any(source.can_be_cut for source in data.files):
        raise UsageError(
            f"{data.name} cannot be cut into {count} shards: compressed files and JSON arrays are read from their start. "
            f"Next: at most {len(data.files)} shards, or plain JSON Lines or Parquet"
        )
    sizes = [source.path.stat().st_size for source in data.files]
    total = sum(sizes)
    low, high = total * (number - 1) // count, total * number // count
    cuts: list[Source] = []
    start = 0
    for source, size in zip(data.files, sizes, strict=True):
        is_here = low <= start < high or (number == count and start == total)
        part = _part(source, (low - start, high - start), size) if size else source if is_here else None
        if part is not None:
            cuts.append(part)
        start += size
    return replace(
        data, files=tuple(cuts) or (replace(data.files[0], start=0, end=0, row_groups=()),), whole=_whole_of(data)
    )


def _whole_of(data: DataSet) -> str:
    """Return what tells a data set from another whose files have the same names and sizes, without reading all of them."""
    told = hashlib.sha256()
    for index, source in enumerate(data.files):
        name = data.file_name(index).encode("utf-8", "surrogateescape")
        size = source.path.stat().st_size
        told.update(b"%s\0%d\0%s" % (name, size, hashlib.sha256(_sign_of(source.path, size)).digest()))
    return told.hexdigest()


def _sign_of(path: AnyPath, size: int) -> bytes:
    """Return an object's version, or the first and last bytes of a file."""
    if isinstance(path, Address):
        return path.stat().version.encode()
    with path.open("rb") as file:
        start = file.read(_END_BYTES)
        file.seek(max(0, size - _END_BYTES))
        return start + file.read(_END_BYTES)


def _part(source: Source, wanted: tuple[int, int], size: int) -> Source | None:
    """Return what of a file lies in the bytes `wanted` (relative to its start), or None."""
    low, high = wanted
    if source.format == "jsonl" and not source.compression:
        start, end = max(low, 0), min(high, size)
        return replace(source, start=start, end=end) if start < end else None
    if source.format == "parquet":
        return _row_groups_within(source, wanted, size)
    return source if low <= size // 2 < high else None


def _row_groups_within(source: Source, wanted: tuple[int, int], size: int) -> Source | None:
    """Return the row groups whose middle lies in `wanted`, were the file's bytes spread over them by weight; a file that has none
    is one part, where its own middle lies.
    """
    weights = row_group_bytes(source)
    if not weights:
        return replace(source, row_groups=()) if wanted[0] <= size // 2 < wanted[1] else None
    scale = size / max(1, sum(weights))
    before, groups = 0.0, []
    for index, weight in enumerate(weights):
        if wanted[0] <= (before + weight / 2) * scale < wanted[1]:
            groups.append(index)
        before += weight
    return replace(source, row_groups=tuple(groups)) if groups else None


def read_data_set(data: DataSet, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the rows of a data set in chunks: chunks and rows are numbered through all files, `offset` is each file's own.

    Raises:
        BadDataError: a file's compression or Parquet pages are damaged.
        MachineError: a file is gone, or cannot be read.
    """
    index, row = 0, 1
    for number, source in enumerate(data.files):
        last: Chunk | None = None
        for chunk in _there(source, read_chunks(source, chunk_bytes)):
            last = chunk
            yield replace(chunk, index=index + chunk.index, first_row=row + chunk.first_row - 1, file=number)
        if last is not None:
            index, row = index + last.index + 1, row + last.first_row - 1 + last.rows


def _there(source: Source, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks of a file.

    Raises:
        MachineError: it was found, and now it is gone or cannot be read.
    """
    with still_there(source.path):
        yield from chunks


def read_chunks(source: Source, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks, in order.

    Raises:
        BadDataError: the file's compression or Parquet pages are damaged.
    """
    # a table of no bytes; a shard that no part of the data set fell to
    is_nothing = source.is_empty if source.format == "parquet" else source.end == 0
    if is_nothing:
        return iter(())
    readers = {"jsonl": read_lines, "json": read_array, "parquet": read_parquet}
    return readers[source.format](source, chunk_bytes)
