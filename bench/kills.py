"""Kill a run at random moments and at every named point, then ask for it again; flip bits of finished runs, then verify them.

    python bench/kills.py                                 # 300 kills on 50 MB, 1,000 bit flips: half an hour
    python bench/kills.py --kills 20 --megabytes 5 --flips 100

After each kill the run's place must hold nothing or a complete run that verifies, and the same command must end in the bytes of a
run that was never interrupted. Chunks and checkpoints are small, so that most kills fall between two checkpoints.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import lists
from measure import WORK, machine, write_section

from unmoor.run_folder import unfinished_folder, verify

HERE = Path(__file__).resolve().parent
SEED = 20_261_126
POINTS = ("before-checkpoint", "after-checkpoint", "before-manifest", "before-rename")
PLACES_OF_REPLACING = ("between-renames", "after-rename")
"""Named points that only a run over an older one passes, or that come when the run is at its place."""
PROGRAM = """
import sys
from pathlib import Path
from unmoor.engines import Job, Options, run_job
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
data, phrases, policy, run = map(Path, sys.argv[1:5])
job = Job("messages", load_policy(str(policy)), ("wordlist",), ("en",), phrases, observer=ChunkFacts)
part = data.stat().st_size // 48
options = Options(chunk_bytes=part, checkpoint_bytes=3 * part, force="--force" in sys.argv)
run_job(open_data_set(data), job, run, options)
"""
POLICY = 'name = "drop"\nversion = 1\n[actions]\nwordlist = "drop"\n[limits]\nmax_removed_share = 1.0\n'


@dataclass
class Tally:
    """What was seen, and what should not have been."""

    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Field:
    """Where the trials take place: the data, the command's other files, a folder for runs, what a whole run holds."""

    arguments: tuple[str, ...]
    folder: Path
    expected: dict[str, bytes]


def start(arguments: tuple[str, ...], run: Path, *more: str, fail_at: str = "") -> subprocess.Popen[bytes]:
    """Start the filter in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *arguments, str(run), *more]
    return subprocess.Popen(command, env={**os.environ, "UNMOOR_FAIL_AT": fail_at}, stderr=subprocess.PIPE)


def finish(arguments: tuple[str, ...], run: Path, *more: str) -> float:
    """Run to the end; return the seconds it took."""
    began = time.monotonic()
    process = start(arguments, run, *more)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"an uninterrupted run failed: {errors.decode()[-500:]}")
    return time.monotonic() - began


def content(run: Path) -> dict[str, bytes]:
    """Return the files of a run by name."""
    return {str(path.relative_to(run)): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


def check_and_go_on(field: Field, run: Path, tally: Tally, what: str) -> None:
    """Look at what a kill left, ask for the run again, compare."""
    if run.exists():
        tally.seen["complete at its place"] += 1
    else:
        has_checkpoint = (unfinished_folder(run) / "checkpoint.json").exists()
        tally.seen["resumed from a checkpoint" if has_checkpoint else "begun anew"] += 1
        finish(field.arguments, run)
    if wrong := verify(run):
        tally.wrong.append(f"{what}: {wrong[0]}")
    elif content(run) != field.expected:
        tally.wrong.append(f"{what}: other bytes than an uninterrupted run")
    if unfinished_folder(run).exists():
        tally.wrong.append(f"{what}: the unfinished folder is still there")
    shutil.rmtree(run)


def kill_at_random(field: Field, kills: int, seconds: float, tally: Tally) -> None:
    """Kill `kills` runs, each at a moment drawn evenly from the time that a whole run takes."""
    random = Random(SEED)
    hits = 0
    while hits < kills:
        run = field.folder / "run"
        process = start(field.arguments, run)
        time.sleep(random.random() * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hits += process.returncode == -signal.SIGKILL
        tally.seen["ended before the signal (not counted)"] += process.returncode == 0
        check_and_go_on(field, run, tally, f"kill {hits}")
        if hits % 20 == 0:
            print(f"{hits} kills: {dict(tally.seen)}, {len(tally.wrong)} wrong", flush=True)


def kill_at_points(field: Field, tally: Tally) -> None:
    """Kill one run at each named point, of a new run and of one that replaces another."""
    for point in POINTS:
        run = field.folder / "run"
        start(field.arguments, run, fail_at=point).communicate()
        if run.exists():
            tally.wrong.append(f"{point}: something lies at the final place")
        check_and_go_on(field, run, tally, point)
    for point in PLACES_OF_REPLACING:
        run = field.folder / "run"
        finish(field.arguments, run)
        start(field.arguments, run, "--force", fail_at=point).communicate()
        finish(field.arguments, run, "--force")
        check_and_go_on(field, run, tally, point)


def flip_bits(run: Path, flips: int, tally: Tally) -> None:
    """Flip one bit at a time anywhere in a run's files, larger files more often; `verify` must name each, and none afterwards."""
    random = Random(SEED)
    files = sorted(path for path in run.rglob("*") if path.is_file())
    weights = [max(1000, path.stat().st_size) for path in files]
    for number in range(1, flips + 1):
        path = random.choices(files, weights)[0]
        place, bit = random.randrange(max(1, path.stat().st_size)), 1 << random.randrange(8)
        if not path.stat().st_size:
            continue
        flip(path, place, bit)
        try:
            found = bool(verify(run))
        except Exception as error:  # a manifest that is no JSON any more
            found = type(error).__module__.startswith("unmoor")
        tally.seen["flips found"] += found
        if not found:
            tally.wrong.append(f"flip {number}: {path.name}, byte {place}, bit {bit}: not found")
        flip(path, place, bit)
    if verify(run):
        tally.wrong.append("the run does not verify after all bits were flipped back")


def flip(path: Path, place: int, bit: int) -> None:
    """Turn one bit of a file over."""
    with path.open("r+b") as file:
        file.seek(place)
        value = file.read(1)[0]
        file.seek(place)
        file.write(bytes([value ^ bit]))


def prepare(megabytes: float, name: str) -> tuple[str, ...]:
    """Write data, list and policy; return them as arguments."""
    WORK.mkdir(parents=True, exist_ok=True)
    data, phrases, policy = WORK / f"{name}.jsonl", WORK / "kills-list.txt", WORK / "kills-policy.toml"
    command = [sys.executable, str(HERE / "corpus.py"), "--megabytes", str(megabytes), "-o", str(data)]
    subprocess.run(command, check=True)
    with data.open("ab") as file:
        file.write(b'null\n\n{"messages": [\n')
    lists.write(phrases)
    policy.write_text(POLICY, encoding="utf-8")
    return str(data), str(phrases), str(policy)


def report(kills: int, megabytes: float, flips: int, tally: Tally) -> list[str]:
    """Return the section of the results."""
    lines = [
        f"{machine()}.",
        "",
        f"{kills} SIGKILLs at random moments of a run over {megabytes:.0f} MB, one at each of the",
    ]
    lines += [
        f"{len(POINTS) + len(PLACES_OF_REPLACING)} named points, {flips:,} bit flips in the files of a finished run.",
        "",
    ]
    lines += [
        "| what was seen | times |",
        "|---|--:|",
        *(f"| {name} | {count:,} |" for name, count in tally.seen.items()),
    ]
    return [*lines, "", f"Wrong: {len(tally.wrong)}.", *tally.wrong]


def main() -> None:
    """Kill, resume, compare; flip, verify; exit 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--megabytes", type=float, default=50)
    parser.add_argument("--flips", type=int, default=1000)
    given = parser.parse_args()
    arguments, folder = prepare(given.megabytes, "kills"), WORK / "kills"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tally = Tally()
    finish(arguments, folder / "warm")  # patterns are compiled and cached once
    shutil.rmtree(folder / "warm")
    seconds = finish(arguments, folder / "whole")
    ground = Field(arguments, folder, content(folder / "whole"))
    kill_at_points(ground, tally)
    kill_at_random(ground, given.kills, seconds, tally)
    small = prepare(min(2.0, given.megabytes), "flips")
    finish(small, folder / "flips")
    flip_bits(folder / "flips", given.flips, tally)
    lines = report(given.kills, given.megabytes, given.flips, tally)
    print("\n".join(lines))
    write_section("kills", "Killed and damaged runs", lines)
    shutil.rmtree(folder)
    raise SystemExit(1 if tally.wrong else 0)


if __name__ == "__main__":
    main()
