"""What full detection costs (`unmoor filter`, default policy): against the usual loop, the parser alone, and reading and writing.

    python bench/detection_speed.py                              # 196 MB, 1 GB Parquet, memory at 1 GB and 5 GB: an hour
    python bench/detection_speed.py --megabytes 20 --single 10 --parquet 20 --memory 20 --memory 100

CPU seconds count user and system time with all children that a run waits for, start-up included; wall-clock seconds only say
something on an idle machine, so the load is written beside them.
"""

from __future__ import annotations

import argparse
import fcntl
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import lists
from measure import WORK, Contestant, busy, machine, rounds, write_section

from unmoor.records import cache_folder

HERE = Path(__file__).resolve().parent
ROUNDS = 3
OUT = WORK / "out-detection"
"""A folder of its own: the keyword job may run at the same time."""


@dataclass(frozen=True)
class Sizes:
    """Megabytes of JSON Lines for each measurement (for Parquet, before it is compressed)."""

    lines: float
    single: float
    parquet: float
    memory: tuple[float, ...]


def make_corpus(megabytes: float, name: str, *extra: str) -> tuple[Path, int]:
    """Write a corpus in a child process; return its path and its rows."""
    path = WORK / name
    command = [sys.executable, str(HERE / "corpus.py"), "--megabytes", str(megabytes), "-o", str(path), *extra]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return path, int(done.stdout.split('"rows":')[1].split(",")[0])


def ours(corpus: Path, workers: int, *extra: str, name: str = "", cache: Path | None = None) -> Contestant:
    """Return full detection of `corpus` with so many workers; with `cache`, in an empty cache of its own each time."""
    name = name or f"unmoor, {workers} worker" + "s" * (workers > 1)
    target = OUT / name.replace(" ", "_").replace(",", "")
    command = [
        sys.executable,
        "-m",
        "unmoor",
        "filter",
        str(corpus),
        "-o",
        str(target),
        "--force",
        "--workers",
        str(workers),
        *extra,
    ]

    def clear() -> None:
        for folder in (target, cache):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    return Contestant(name, command, clear, {"XDG_CACHE_HOME": str(cache)} if cache is not None else {})


def script(name: str, file: str, corpus: Path) -> Contestant:
    """Return one of the scripts in `competitors` that run in this environment."""
    target, phrases = OUT / Path(file).stem, WORK / "list.txt"
    lists.write(phrases)
    command = [sys.executable, str(HERE / "competitors" / file), str(corpus), str(phrases), str(target)]
    return Contestant(name, command, lambda: shutil.rmtree(target, ignore_errors=True))


def table(field: list[Contestant], base: Contestant, rows: int) -> list[str]:
    """Return costs and their ratio to `base`; a contestant that failed says why."""
    lines = [
        f"| | CPU, times {base.name} | rows per core-second | CPU s | wall s | largest process, MB |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for one in field:
        if one.costs and base.costs:
            lines.append(
                f"| {one.name} | {one.cpu() / base.cpu():.2f} | {rows / one.cpu():,.0f} | {one.cpu():.2f} | {one.wall():.2f} "
                f"| {one.peak():.0f} |"
            )
    return lines + [f"\n{one.name} did not finish: {one.error}" for one in field if one.error]


def wait_until_compiled() -> None:
    """Wait for the processes that a run leaves behind to compile phrases: they would slow the next one."""
    lock = cache_folder() / "compiling.lock"
    if lock.exists():
        with lock.open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)


def on_lines(megabytes: float, count: int) -> list[str]:
    """Measure JSON Lines: usual loop, parser alone; one worker, two, one without the learned model, one with an empty cache."""
    corpus, rows = make_corpus(megabytes, "detection.jsonl")
    loop, parse = script("usual loop", "usual_loop.py", corpus), script("orjson parse only", "parse_only.py", corpus)
    one, two = ours(corpus, 1), ours(corpus, 2)
    phrases = ours(corpus, 1, "--detector", "phrases", name="unmoor, 1 worker, without the learned model")
    first = ours(corpus, 1, name="unmoor, 1 worker, the first run on a machine", cache=WORK / "cache-of-nothing")
    field = [loop, one, two, phrases, first, parse]
    rounds([one], 1, lambda _: None)  # fills the cache: what a machine's first run costs has a row of its own
    wait_until_compiled()
    one.costs.clear()
    rounds(field, count)
    corpus.unlink()
    shutil.rmtree(WORK / "cache-of-nothing", ignore_errors=True)
    lines = [f"JSON Lines, {rows:,} rows, {megabytes:.0f} MB:", "", *table(field, loop, rows)]
    if one.costs and two.costs and loop.costs and parse.costs:
        lines += [
            "",
            f"Full detection is {loop.cpu() / one.cpu():.2f}× the usual loop over {len(lists.ALL)} phrases, at "
            f"{parse.cpu() / one.cpu():.1%} of the parser's rate; two workers are {one.wall() / two.wall():.2f}× as fast as "
            "one (wall).",
        ]
    if one.costs and phrases.costs:
        lines += [
            f"The learned model takes {1 - phrases.cpu() / one.cpu():.0%} of the time: {rows / phrases.cpu():,.0f} rows per "
            f"core-second without it, {rows / one.cpu():,.0f} with it.",
        ]
    return lines


def on_single(megabytes: float, count: int) -> list[str]:
    """Measure JSON Lines of one request and one answer a row, as instruction data mostly is: with and without the learned model."""
    corpus, rows = make_corpus(megabytes, "single.jsonl", "--exchanges", "1")
    loop, one = script("usual loop", "usual_loop.py", corpus), ours(corpus, 1)
    phrases = ours(corpus, 1, "--detector", "phrases", name="unmoor, 1 worker, without the learned model")
    rounds([loop, one, phrases], count)
    corpus.unlink()
    head = f"JSON Lines with one request and one answer a row, {rows:,} rows, {megabytes:.0f} MB:"
    return [head, "", *table([loop, one, phrases], loop, rows)]


def on_parquet(megabytes: float, count: int) -> list[str]:
    """Measure Parquet: reading and writing alone, one worker."""
    corpus, rows = make_corpus(megabytes, "detection.parquet")
    floor, one = script("pyarrow read and rewrite", "rewrite.py", corpus), ours(corpus, 1)
    rounds([floor, one], count)
    size = corpus.stat().st_size / 1e6
    corpus.unlink()
    head = f"Parquet with zstd, {rows:,} rows, {megabytes:.0f} MB as JSON Lines, {size:.0f} MB on disk:"
    return [head, "", *table([floor, one], floor, rows)]


def memory(sizes: tuple[float, ...]) -> list[str]:
    """Measure the peak of one worker, once for each size."""
    lines = ["Peak memory of one worker on JSON Lines:", "", "| MB | rows | peak MB | CPU s |", "|--:|--:|--:|--:|"]
    for megabytes in sizes:
        corpus, rows = make_corpus(megabytes, "memory.jsonl")
        one = ours(corpus, 1)
        rounds([one], 1)
        corpus.unlink()
        shutil.rmtree(OUT, ignore_errors=True)
        what = f"{one.peak():.0f} | {one.cpu():.1f}" if one.costs else f"{one.error} | -"
        lines.append(f"| {megabytes:.0f} | {rows:,} | {what} |")
    return lines


def measure(sizes: Sizes, count: int) -> list[str]:
    """Return the section on speed: JSON Lines of conversations and of single exchanges, Parquet; a size of 0 leaves a part out."""
    body: list[str] = []
    for lines in (
        on_lines(sizes.lines, count) if sizes.lines else [],
        on_single(sizes.single, count) if sizes.single else [],
        on_parquet(sizes.parquet, count) if sizes.parquet else [],
    ):
        body += [*lines, ""] if lines else []
    shutil.rmtree(OUT, ignore_errors=True)
    return [*_head(f"Medians of {count} rounds in turn;"), *body]


def _head(how: str) -> list[str]:
    """Return what ran where; on a machine that others use at the same time, CPU seconds are more than on a quiet one."""
    used = f"unmoor {version('unmoor')}, orjson {version('orjson')}, pyarrow {version('pyarrow')}"
    head = f"{machine()}; load {busy():.1f} at the end of the run. {used}. {how}"
    return [head, "default policy; evidence, ledger, hashes and report written.", ""]


def main() -> None:
    """Measure and write bench/results/detection-speed.md and detection-memory.md, each if asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=196, help="JSON Lines; 0 leaves it out")
    parser.add_argument("--single", type=float, default=60, help="MB of rows with one exchange; 0 leaves it out")
    parser.add_argument(
        "--parquet", type=float, default=1000, help="MB of JSON Lines to write as Parquet; 0 leaves it out"
    )
    parser.add_argument("--memory", type=float, action="append", help="MB of JSON Lines; again for more; 0 for none")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    asked = (1000.0, 5000.0) if given.memory is None else tuple(size for size in given.memory if size)
    WORK.mkdir(parents=True, exist_ok=True)
    sizes = Sizes(given.megabytes, given.single, given.parquet, asked)
    if sizes.lines or sizes.single or sizes.parquet:
        lines = measure(sizes, given.rounds)
        print("\n".join(lines))
        write_section("detection-speed", "Full detection", lines)
    if sizes.memory:
        peaks = memory(sizes.memory)
        lines = [*_head("Each size once;"), *peaks]
        print("\n".join(lines))
        write_section("detection-memory", "Memory of full detection", lines)


if __name__ == "__main__":
    main()
