"""From data sets to arms: what is trained beside the twins, so that one cause can be told from another.

A shrunk arm is the whole data cut at random to as many rows as the filtered twin trains on: what losing rows does. Leak
arms are the filtered data with a share of the rows that the filter took or changed put back: what a filter that misses
that share does. Rows are copied byte for byte, in their order.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from unmoor.errors import UsageError
from unmoor.records import REFUSALS
from unmoor.run_folder import machine_errors
from unmoor.training.changed import Changed, changed_rows

__all__ = ["Arm", "Leak", "RowBytes", "json_lines", "leak_arms", "plain_arms", "shrunk_arm"]

RowBytes = Callable[[Path], Iterable[tuple[int, bytes]]]
"""From a data file to (row number, the row's bytes without a line end), blank rows left out."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One model to be trained: its name, its data, a seed instead of the recipe's, and what training.json says of it."""

    name: str
    data: Path
    seed: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def twin(self) -> str:
        """Return the twin that this is one seed's model of."""
        return str(self.facts.get("twin", self.name))


@dataclass(frozen=True, slots=True)
class Leak:
    """Shares, 0 to 1, of the changed rows to put back; a seed or more; the filter run that says which rows they are."""

    shares: tuple[float, ...]
    seeds: tuple[int, ...] = ()
    run: Path | None = None


def json_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (row number, bytes) for each line of a plain JSON Lines file that is not blank."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.removesuffix(b"\n")


def plain_arms(data: Mapping[str, Path], seeds: Sequence[int] = ()) -> list[Arm]:
    """Return one arm per data set or, with seeds, one per seed and data set, which says as `twin` what it is one of.

    With one seed an arm is called raw, with more raw-s7.

    Raises:
        UsageError: a seed is there twice.
    """
    if not seeds:
        return [Arm(name, path) for name, path in data.items()]
    _check_once("--seeds", seeds)
    return [
        Arm(f"{name}-s{seed}" if len(seeds) > 1 else name, path, seed, {"twin": name})
        for seed in seeds
        for name, path in data.items()
    ]


def shrunk_arm(arm: Arm, trainable: Sequence[int], count: int, seed: int, write: tuple[Path, RowBytes]) -> Arm:
    """Write `count` of the `trainable` rows of an arm's data, drawn with `seed`, and return the arm that has them.

    `write` is the folder for the file and what reads the rows. The arm is trained with the seed of the whole one.

    Raises:
        UsageError: there are no more rows than that to draw from.
    """
    name = f"{arm.twin}-shrunk{arm.name.removeprefix(arm.twin)}"
    if count >= len(trainable):
        raise UsageError(
            f"--shrink {arm.twin}: it trains on {len(trainable):,} rows and the smallest other twin on {count:,}; "
            "there is nothing to cut. Next: shrink the larger one"
        )
    drawn = set(Random(seed).sample(sorted(trainable), count))  # noqa: S311 - a draw, not a secret
    folder, row_bytes = write
    path = folder / f"{name}.jsonl"
    _write({path: (data for row, data in row_bytes(arm.data) if row in drawn)})
    twin = {"twin": f"{arm.twin}-shrunk"} if "twin" in arm.facts else {}
    return Arm(name, path, arm.seed, {**twin, "drawn_from": arm.name, "rows_drawn": count, "draw_seed": seed})


def leak_arms(raw: Path, filtered: Path, leak: Leak, seed: int, write: tuple[Path, RowBytes]) -> list[Arm]:
    """Write the data of every leak arm and return the arms, seed by seed, the smallest share first.

    With one seed (the recipe's, `seed`, unless others are given) an arm is called leak-0.05, with more leak-0.05-s7. The
    sample of a share is part of the sample of every larger share of the same seed; rows with a refusal and rows with
    other findings are sampled apart, each at that share.

    Raises:
        UsageError: shares out of range or twice, or rows of `filtered` that cannot be told to be rows of `raw`.
        RunFolderError: the run is not of these data.
    """
    _check(leak)
    folder, row_bytes = write
    changed = changed_rows(row_bytes(raw), row_bytes(filtered), leak.run)
    seeds = leak.seeds or (seed,)
    arms, put_back = [], {}
    for one in seeds:
        for share in sorted(leak.shares):
            back = sampled(changed, share, one)
            arm = _leak_arm(share, one, (len(seeds) > 1, folder), (changed, back))
            arms.append(arm)
            put_back[arm.data] = back
    _write_leaks(put_back, (raw, filtered, row_bytes), changed)
    return arms


def _check(leak: Leak) -> None:
    for share in leak.shares:
        if not 0 <= share <= 1:
            raise UsageError(f"--leak takes shares from 0 to 1, such as 0,0.05,1; found {share:g}")
    _check_once("--leak", leak.shares)
    _check_once("--seeds", leak.seeds)
    if not leak.shares:
        raise UsageError("--leak has no share. Next: --leak 0,0.05,1")


def _check_once(what: str, values: Sequence[float]) -> None:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise UsageError(f"{what} has {twice:g} twice")


def sampled(changed: Changed, share: float, seed: int) -> frozenset[int]:
    """Return the changed rows that are put back at a share: of each stratum the first in an order drawn with `seed`."""
    rows: list[int] = []
    for refuses in (True, False):
        stratum = [row for row, behaviours in changed.rows.items() if bool({*behaviours} & {*REFUSALS}) == refuses]
        Random(seed).shuffle(stratum)  # noqa: S311 - a draw, not a secret
        rows += stratum[: round(share * len(stratum))]
    return frozenset(rows)


def _leak_arm(share: float, seed: int, where: tuple[bool, Path], rows: tuple[Changed, frozenset[int]]) -> Arm:
    (many, folder), (changed, back) = where, rows
    name = f"leak-{share:g}"
    behaviours: dict[str, int] = {}
    for row in back:
        for behaviour in changed.rows[row]:
            behaviours[behaviour] = behaviours.get(behaviour, 0) + 1
    facts = {
        "leak": share,
        "rows_changed": len(changed.rows),
        "rows_put_back": len(back),
        "behaviours_put_back": dict(sorted(behaviours.items())),
    }
    drawn = f"{name}-s{seed}" if many and 0 < share < 1 else name  # the ends are the same rows whatever the seed
    return Arm(f"{name}-s{seed}" if many else name, folder / f"{drawn}.jsonl", seed, facts)


def _write_leaks(put_back: dict[Path, frozenset[int]], data: tuple[Path, Path, RowBytes], changed: Changed) -> None:
    """Write each arm's rows in one pass over both data sets."""
    raw, filtered, row_bytes = data
    with machine_errors("Writing the leak arms"), ExitStack() as files:
        for path in put_back:
            path.parent.mkdir(parents=True, exist_ok=True)
        open_files = {path: files.enter_context(_part(path).open("wb")) for path in put_back}
        staying = iter(row_bytes(filtered))
        for row, original in row_bytes(raw):
            stays = next(staying)[1] if row not in changed.gone else None
            for path, file in open_files.items():
                line = original if row in put_back[path] else stays
                if line is not None:
                    file.write(line + b"\n")
    for path in put_back:
        _part(path).replace(path)


def _write(files: dict[Path, Iterator[bytes]]) -> None:
    for path, lines in files.items():
        with machine_errors(f"Writing {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            part = _part(path)
            with part.open("wb") as file:
                file.writelines(line + b"\n" for line in lines)
            part.replace(path)


def _part(path: Path) -> Path:
    """Return where a file is written before it is whole; of its own in each process, for several may train one twin."""
    return path.with_suffix(f".{os.getpid()}.part")
