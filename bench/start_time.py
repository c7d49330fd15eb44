"""How long the commands take to begin, beside Python itself: whole processes, in turn, best of several."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import environment

ROUNDS = 9


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment())
    return time.perf_counter() - began


def measure() -> list[str]:
    """Return the lines of the table: command, median seconds, ratio to `python -c pass`."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "one.jsonl"
        data.write_text(json.dumps({"instruction": "Say hello.", "output": "Hello."}) + "\n")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "unmoor --help": [sys.executable, "-m", "unmoor", "--help"],
            "unmoor audit (one row)": [sys.executable, "-m", "unmoor", "audit", str(data), "--json"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                times[name].append(_seconds(command))
    base = statistics.median(times["python -c pass"])
    lines = ["| command | median seconds | times Python's own start |", "|---|--:|--:|"]
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        lines.append(f"| {name} | {middle:.3f} | {middle / base:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n".join(measure()))
