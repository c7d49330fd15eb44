"""From a data set to the list of rows that another row stands for, found in two passes before a run and within a memory bound.

First every row is signed, and rows whose signatures share a band are candidates (locality-sensitive hashing; Leskovec, Rajaraman
and Ullman, Mining of Massive Datasets, 3.4). Then the candidates alone are judged, by the policy and by people, so that no row goes
for the sake of one that is removed. A row goes only if a row that stays is itself alike enough: there are no chains of likeness.
Those that are the same as a row that a person removes go with it where it would stand for them: it was judged for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unmoor.engines.alike import Alike, Exact, MinHash, hides_something
from unmoor.engines.carried_out import ReadRow
from unmoor.engines.duplicate_rows import DUPLICATE
from unmoor.engines.job import Dedup, Job
from unmoor.engines.judge import Judge, Judged
from unmoor.layouts import DataSet, chunk_rows, read_data_set
from unmoor.records import Conversation, Row

__all__ = ["write_duplicates"]

_BUCKETS = 256
"""Parts that keys are sorted into; one part at a time is in memory: at a hundred million rows and 24 bands 150 MB."""
_RECORD = np.dtype([("key", "<u8"), ("row", "<i8")])
_PAIRS_AT_ONCE = 50_000
_FIRST_ROWS = 4
"""Rows of a band that every later one is compared to, beside the one just before it: a band of a million equal rows must not
give a million million pairs."""
Pairs = NDArray[np.int64]


def write_duplicates(data: DataSet, job: Job, dedup: Dedup, folder: Path) -> Path:
    """Write the duplicates of `data` into `folder` as a NumPy file of DUPLICATE records, sorted by row, and return its path.

    Memory is bounded by the candidates, not by the rows: 16 bytes for each pair that is alike enough, one for each row.

    Raises:
        MissingExtraError: near duplicates are asked for and rensa is not installed.
        MachineError: the disk is full.
    """
    alike: Alike = MinHash(dedup.threshold) if dedup.method == "minhash" else Exact()
    judge = Judge(replace(job, observer=None, dedup=None))
    signed = _Signed(folder, alike)
    rows = signed.take(data, judge)
    can_stay, taken_out = _judged_candidates(data, judge, signed.candidates(rows))
    going_along = np.empty(0, DUPLICATE)
    if taken_out.any():
        by_policy = _greedy(signed.pairs(can_stay | taken_out, alike))
        is_same = taken_out[by_policy["kept_row"]] & (by_policy["similarity"] == 1)
        is_left = can_stay[by_policy["row"]] & ~np.isin(by_policy["row"], _spoken_of(job))
        going_along = by_policy[is_same & is_left]
        can_stay[going_along["row"]] = False
    found = np.sort(np.concatenate([_greedy(signed.pairs(can_stay, alike)), going_along]), order="row")
    path = folder / "duplicates.npy"
    np.save(path, found)
    signed.close()
    return path


class _Signed:
    """Signatures of all rows on disk, and their band keys in buckets."""

    def __init__(self, folder: Path, alike: Alike) -> None:
        self._alike = alike
        self._signatures = folder / "signatures.bin"
        self._numbers = folder / "numbers.bin"
        self._paths = [folder / f"bucket-{number:03}.bin" for number in range(_BUCKETS)]

    def take(self, data: DataSet, judge: Judge) -> int:
        """Sign every row that is read as a whole; return the highest row number."""
        last = 0
        for path in self._paths:
            path.touch()
        with self._signatures.open("wb") as signatures, self._numbers.open("wb") as numbers:
            for chunk in read_data_set(data):
                reads = [judge.read(number, row) for number, row in chunk_rows(chunk)] if not chunk.oversize else []
                good = [r for r in reads if not isinstance(r, Judged) and not hides_something(r.parsed.row)]
                last = max(last, chunk.first_row + chunk.rows - 1)
                if not good:
                    continue
                signed, keys = self._alike.sign(list(map(_as_written, good)))
                signatures.write(np.ascontiguousarray(signed, dtype="<u4").tobytes())
                rows = np.array([read.number for read in good], dtype="<i8")
                numbers.write(rows.tobytes())
                _scatter(keys, rows, self._paths)
        return last

    def candidates(self, last: int) -> NDArray[np.bool_]:
        """Return, by row number, which rows share a band with another."""
        shared = np.zeros(last + 1, dtype=bool)
        for records in self._sorted_buckets():
            equal = records["key"][1:] == records["key"][:-1]
            shared[records["row"][1:][equal]] = True
            shared[records["row"][:-1][equal]] = True
        return shared

    def pairs(self, can_stay: NDArray[np.bool_], alike: Alike) -> NDArray[Any]:
        """Return (later row, earlier row, similarity) of rows that may stay and are alike enough; each pair once."""
        signed = (
            np.memmap(self._signatures, dtype="<u4", mode="r").reshape(-1, alike.width) if self._has_rows() else None
        )
        numbers = np.fromfile(self._numbers, dtype="<i8")
        found: list[NDArray[Any]] = [np.empty(0, DUPLICATE)]
        for records in self._sorted_buckets():
            pairs = np.unique(_star_pairs(records[can_stay[records["row"]]]), axis=0)
            for start in range(0, len(pairs), _PAIRS_AT_ONCE):
                some = pairs[start : start + _PAIRS_AT_ONCE]
                places = np.searchsorted(numbers, some)
                assert signed is not None
                similarity = alike.similarity(np.asarray(signed[places[:, 0]]), np.asarray(signed[places[:, 1]]))
                enough = similarity >= alike.threshold
                kept = np.empty(int(enough.sum()), DUPLICATE)
                kept["row"], kept["kept_row"] = some[enough, 0], some[enough, 1]
                kept["similarity"] = similarity[enough]
                found.append(kept)
        return np.unique(np.concatenate(found))

    def _has_rows(self) -> bool:
        return self._signatures.stat().st_size > 0

    def _sorted_buckets(self) -> Iterator[NDArray[Any]]:
        for path in self._paths:
            records = np.fromfile(path, dtype=_RECORD)
            yield records[np.lexsort((records["row"], records["key"]))]

    def close(self) -> None:
        """Remove the working files."""
        for path in (*self._paths, self._signatures, self._numbers):
            path.unlink(missing_ok=True)


def _as_written(read: ReadRow) -> tuple[Row, Conversation]:
    """Return a row and what it says with the half surrogates that it has: others may differ from it in those alone."""
    row = read.parsed.row
    return row, read.conversation if row is read.parsed.readable else read.layout.read(row)


def _scatter(keys: NDArray[np.uint64], rows: NDArray[np.int64], buckets: list[Path]) -> None:
    """Append (key, row) of every band to the bucket of its key. One file at a time is open: many systems allow 256 in all."""
    records = np.empty(keys.size, _RECORD)
    records["key"], records["row"] = keys.ravel(), np.repeat(rows, keys.shape[1])
    place = (records["key"] % np.uint64(_BUCKETS)).astype(np.int64)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(_BUCKETS + 1))
    for number in np.unique(place):
        with buckets[number].open("ab") as bucket:
            bucket.write(records[order[ends[number] : ends[number + 1]]].tobytes())


def _star_pairs(records: NDArray[Any]) -> Pairs:
    """Return (later, earlier) rows of equal keys, sorted by key and row: each row with the first few of its key and the last."""
    if not len(records):
        return np.empty((0, 2), np.int64)
    is_first = np.concatenate(([True], records["key"][1:] != records["key"][:-1]))
    begins = np.flatnonzero(is_first)
    begin = np.repeat(begins, np.diff(np.append(begins, len(records))))
    index = np.arange(len(records))
    pairs = []
    for other in (*(begin + offset for offset in range(_FIRST_ROWS)), np.maximum(index - 1, begin)):
        later = other < index
        pairs.append(np.stack([records["row"][later], records["row"][other[later]]], axis=1))
    return np.concatenate(pairs).astype(np.int64)


def _judged_candidates(
    data: DataSet, judge: Judge, shared: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of the candidates are left where they are, so that they may stand for others or be stood for, and which people
    alone removed.

    What is removed goes for its own sake; what the floor protects stays, every copy of it.
    """
    can_stay, taken_out = np.zeros(len(shared), dtype=bool), np.zeros(len(shared), dtype=bool)
    for chunk in read_data_set(data):
        if chunk.oversize or not shared[chunk.first_row : chunk.first_row + chunk.rows].any():
            continue
        rows = [(number, row) for number, row in chunk_rows(chunk) if shared[number]]
        for judged in judge.judge(rows):
            is_floor = judged.entry is not None and judged.entry["is_floor"]
            can_stay[judged.number] = judged.outcome not in ("removed", "quarantined") and not is_floor
            if judged.entry is not None and judged.outcome == "removed":
                taken_out[judged.number] = judged.entry.get("was", "removed") != "removed"
    return can_stay, taken_out


def _spoken_of(job: Job) -> list[int]:
    """Return the rows of which people said something: their own word holds there, not what was said of one that is the same."""
    return [row for row, said in job.verdicts.items() if any(verdict.judgement != "skip" for verdict in said)]


def _greedy(pairs: NDArray[Any]) -> NDArray[Any]:
    """Return one record for each row that goes: in the order of rows, a row goes if an earlier one that stays is alike enough.

    Of several that stay, the most alike stands for it, the earliest of those.
    """
    goes: set[int] = set()
    found: dict[int, tuple[int, float]] = {}
    for row, other, similarity in pairs.tolist():  # sorted by row, then by the other row
        if other in goes:
            continue
        goes.add(row)
        if row not in found or similarity > found[row][1]:
            found[row] = (other, similarity)
    return np.array([(row, *found[row]) for row in sorted(found)], dtype=DUPLICATE)
