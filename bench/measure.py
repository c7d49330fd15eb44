"""From commands to what they cost: each in a process of its own, in turn, several rounds, medians; and the machine in words."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "bench" / ".work"
RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Cost:
    """CPU seconds (user and system, with children), wall seconds and the largest process's peak in MB."""

    cpu: float
    wall: float
    peak: float


@dataclass
class Contestant:
    """A command to be measured; `before` runs ahead of each round and is not counted."""

    name: str
    command: list[str]
    before: Callable[[], None] = lambda: None
    extra: Mapping[str, str] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)
    error: str = ""

    def cpu(self) -> float:
        """Return the median of the CPU seconds."""
        return statistics.median(cost.cpu for cost in self.costs)

    def wall(self) -> float:
        """Return the median of the wall seconds."""
        return statistics.median(cost.wall for cost in self.costs)

    def peak(self) -> float:
        """Return the highest peak of any round, in MB."""
        return max(cost.peak for cost in self.costs)


def environment() -> dict[str, str]:
    """Return this process's environment, without a wish that Python keep no bytecode: what pip installs has been compiled."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run_child(command: list[str], extra: Mapping[str, str], log: Path) -> tuple[int, Cost]:
    """Run `command` with its output in `log`; return (exit code, cost)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=out, env={**environment(), **extra}, cwd=WORK)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1000)


def rounds(contestants: list[Contestant], count: int, say: Callable[[str], None] = print) -> None:
    """Run all contestants `count` times, one after the other in each round; one that fails is not asked again."""
    for number in range(1, count + 1):
        for one in contestants:
            if one.error:
                continue
            one.before()
            log = WORK / "logs" / f"{one.name.replace(' ', '_').replace('/', '_')}.log"
            code, cost = run_child(one.command, one.extra, log)
            if code:
                tail = log.read_text(errors="replace").strip().splitlines()[-1:]
                one.error = f"exit code {code}: {''.join(tail)[:200]}"
            else:
                one.costs.append(cost)
            say(
                f"round {number}, {one.name}: {one.error or f'{cost.cpu:.2f} CPU s, {cost.wall:.2f} s, {cost.peak:.0f} MB'}"
            )


def machine() -> str:
    """Return the machine, date and Python in a sentence: cores, memory, processor, no names of hosts."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GiB, {_processor()}, "
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "processor unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "processor unknown")


def busy() -> float:
    """Return how many processes wanted a core during the last minute, on average."""
    return os.getloadavg()[0]


def write_section(name: str, title: str, lines: list[str], folder: Path = RESULTS) -> Path:
    """Write one section of the results, `bench/results/NAME.md` or in another folder, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.md"
    path.write_text(f"## {title}\n\n" + "\n".join(lines).strip() + "\n", encoding="utf-8")
    return path
