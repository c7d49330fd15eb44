"""Measures what `unmoor serve` costs in front of a model server, and soaks it: streams, hang-ups and a restart of the upstream.

`python bench/serving.py` writes bench/results/serving.md; `--quick` measures for a few seconds only. Bare upstream and proxy are
asked by the same load generator, in turns within one run, so that a busy machine slows both.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving_upstream import answer_to

from unmoor.errors import ServiceError
from unmoor.serving.server.connection import Connections
from unmoor.serving.server.sse import EventReader

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "serving.md"
SECRET = "a-secret-of-the-benchmark"
SEED = 11
UPSTREAM_PORT, PROXY_PORT = 18_431, 18_432


@dataclass
class Load:
    """What the load generator saw."""

    first_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """Return whole answers per second."""
        return len(self.whole_ms) / self.seconds


@dataclass(frozen=True)
class Target:
    """What is asked."""

    port: int
    tokens: int

    def connections(self) -> Connections:
        """Return connections to it."""
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        return Connections(f"http://127.0.0.1:{self.port}/v1", headers, most_idle=2_000, silence_seconds=30)


async def ask(
    connections: Connections, target: Target, prompt: str, load: Load, leave_after: int | None = None
) -> None:
    """Ask for one stream, check every word of it, and note how it went; leave after so many events if told to."""
    body = json.dumps({"model": "echo", "stream": True, "messages": [{"role": "user", "content": prompt}]}).encode()
    began = time.perf_counter()
    reader, said, is_done, error = EventReader(), "", False, ""
    try:
        async with connections.ask("POST", "/chat/completions", body) as response:
            if response.status != 200:
                content = b"".join([piece async for piece in response.pieces(30)])
                load.outcomes[f"HTTP {response.status} {json.loads(content)['error']['code']}"] += 1
                return
            events, first = 0, 0.0
            async for piece in response.pieces(30):
                first = first or time.perf_counter() - began
                for data in reader.feed(piece):
                    events += 1
                    if data == b"[DONE]":
                        is_done = True
                    else:
                        chunk = json.loads(data)
                        error = error or chunk.get("error", {}).get("code", "")
                        said += "".join(choice["delta"].get("content", "") for choice in chunk.get("choices", []))
                if leave_after is not None and events >= leave_after:
                    load.outcomes["left on purpose"] += 1
                    return
    except ServiceError as trouble:
        load.outcomes[f"no HTTP answer: {trouble.code}"] += 1
        return
    _judge(load, said, "".join(answer_to(prompt, target.tokens)), error, is_done=is_done)
    if is_done:
        load.first_ms.append(first * 1_000)
        load.whole_ms.append((time.perf_counter() - began) * 1_000)


def _judge(load: Load, said: str, expected: str, error: str, *, is_done: bool) -> None:
    if not expected.startswith(said):
        load.outcomes["WRONG OR MIXED ANSWER"] += 1
    elif is_done and not error:
        load.outcomes["right" if said == expected else "CUT ANSWER SAID TO BE WHOLE"] += 1
    elif error and not is_done:
        load.outcomes[f"error event: {error}"] += 1
    else:
        load.outcomes["BROKE OFF WITHOUT A WORD"] += 1


async def press(target: Target, concurrent: int, seconds: float, leaving: float = 0.0, seed: int = SEED) -> Load:
    """Keep so many streams going for so long."""
    load, connections, chance = Load(), target.connections(), random.Random(seed)
    end = time.perf_counter() + seconds

    async def one(number: int) -> None:
        count = 0
        await asyncio.sleep(
            number / concurrent
        )  # people do not come all in one moment; `burst` looks at what if they do
        while time.perf_counter() < end:
            count += 1
            leave = chance.randrange(1, target.tokens) if chance.random() < leaving else None
            before = load.outcomes["right"]
            await ask(connections, target, f"stream {number} prompt {count} {seed}", load, leave)
            if load.outcomes["right"] == before:
                await asyncio.sleep(0.05)

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(concurrent)))
    load.seconds = time.perf_counter() - began
    await connections.close()
    return load


@contextmanager
def running(command: list[str], port: int, path: str = "/v1/models") -> Iterator[subprocess.Popen[bytes]]:
    """Run a program until it answers on its port, and stop it at the end."""
    environment = {**os.environ, "UNMOOR_API_KEY": SECRET}
    program = subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(_answers(Connections(f"http://127.0.0.1:{port}", {"authorization": f"Bearer {SECRET}"},
                                         most_idle=0, silence_seconds=5), path))  # fmt: skip
        yield program
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(timeout=40)


async def _answers(connections: Connections, path: str) -> None:
    for _ in range(200):
        try:
            async with connections.ask("GET", path) as response:
                if response.status == 200:
                    return
        except ServiceError:
            pass
        await asyncio.sleep(0.1)
    raise SystemExit("the program does not answer")


def upstream(tokens: int, milliseconds: float) -> Any:
    """Run the model server without a model."""
    return running(
        [str(HERE / "serving_upstream.py"), str(UPSTREAM_PORT), str(tokens), str(milliseconds)], UPSTREAM_PORT
    )


def proxy(*more: str) -> Any:
    """Run `unmoor serve` in front of it."""
    limits = ["--requests-per-minute", "0", "--concurrent", "1000", "--drain-seconds", "5"]
    address = f"http://127.0.0.1:{UPSTREAM_PORT}"
    return running(["-m", "unmoor", "serve", address, "--port", str(PROXY_PORT), *limits, *more], PROXY_PORT)


@dataclass
class Used:
    """Processor seconds of proxy, upstream and load generator, while the proxy was asked."""

    proxy: float = 0.0
    upstream: float = 0.0
    load: float = 0.0

    def per_answer(self, answers: int) -> str:
        """Return milliseconds for each answer, in this order."""
        return " / ".join(f"{seconds / answers * 1_000:.2f}" for seconds in (self.proxy, self.upstream, self.load))


def compare(tokens: int, milliseconds: float, concurrent: int, seconds: float, *guard: str) -> list[str]:
    """Return one row: bare upstream and proxy by turns, three times each."""
    bare, ours, used = Load(), Load(), Used()
    with upstream(tokens, milliseconds) as model, proxy(*guard) as program:
        asyncio.run(press(Target(PROXY_PORT, tokens), concurrent, 0.5))
        for turn in range(3):
            _add(bare, asyncio.run(press(Target(UPSTREAM_PORT, tokens), concurrent, seconds, seed=SEED + turn)))
            before = [cpu_seconds(pid) for pid in (program.pid, model.pid, os.getpid())]
            _add(ours, asyncio.run(press(Target(PROXY_PORT, tokens), concurrent, seconds, seed=SEED + turn)))
            after = [cpu_seconds(pid) for pid in (program.pid, model.pid, os.getpid())]
            used.proxy, used.upstream, used.load = (
                so_far + end - begin
                for so_far, end, begin in zip((used.proxy, used.upstream, used.load), after, before, strict=True)
            )
    pace = (f"{milliseconds:g} ms" if milliseconds else "none") + (", guarded" if guard else "")
    shares = f"{ours.per_second / bare.per_second:.0%}"
    right = ours.outcomes["right"] / max(1, ours.outcomes.total())
    cells = [pace, str(tokens), str(concurrent), f"{bare.per_second:,.0f}", f"{ours.per_second:,.0f}", shares]
    for middle_or_p95 in (statistics.median, p95):
        cells.append(f"{middle_or_p95(ours.first_ms) - middle_or_p95(bare.first_ms):+.1f} ms")
    cells.append(f"{p95(ours.whole_ms) - p95(bare.whole_ms):+.1f} ms")
    cells.append(used.per_answer(ours.outcomes.total()))
    return [*cells, f"{right:.2%} of {ours.outcomes.total():,}"]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a program has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _add(load: Load, more: Load) -> None:
    load.first_ms += more.first_ms
    load.whole_ms += more.whole_ms
    load.outcomes += more.outcomes
    load.seconds += more.seconds


def p95(values: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def soak(seconds: float, concurrent: int = 200) -> list[str]:
    """Return what became of streams while 1% of clients leave and the upstream is killed and started again half-way."""
    tokens, milliseconds = 32, 20.0
    begin = [str(HERE / "serving_upstream.py"), str(UPSTREAM_PORT), str(tokens), str(milliseconds)]
    first = subprocess.Popen([sys.executable, *begin])
    time.sleep(1)
    with proxy() as program:
        asyncio.run(press(Target(PROXY_PORT, tokens), concurrent, 5, 0.01))
        time.sleep(1)
        before = state_of(program.pid)
        second: list[subprocess.Popen[bytes]] = []
        target = Target(PROXY_PORT, tokens)
        load = asyncio.run(
            _with_restart(lambda: press(target, concurrent, seconds, 0.01), seconds / 2, first, begin, second)
        )
        time.sleep(2)
        after = state_of(program.pid)
        second[0].kill()
    rows = [f"| {what} | {count:,} |" for what, count in sorted(load.outcomes.items())]
    head = f"{concurrent} streams at a time for {load.seconds:.0f} s, {tokens} tokens each, {milliseconds:g} ms between two; 1% of "
    head += (
        "clients leave in mid-stream; half-way the upstream is killed and comes back after 2 s. Every word is checked."
    )
    kept = f"Afterwards: {after['answers']} answers and {after['waiting']} waiters held, resident memory {before['mb']:.0f} MB "
    kept += (
        f"after a first round and {after['mb']:.0f} MB at the end, open files {before['files']} and {after['files']}."
    )
    return [head, "", "| outcome | streams |", "|---|---:|", *rows, "", kept]


async def _with_restart(
    pressing: Callable[[], Coroutine[Any, Any, Load]],
    after_seconds: float,
    first: Any,
    begin: list[str],
    second: list[Any],
) -> Load:
    async def restart() -> None:
        await asyncio.sleep(after_seconds)
        first.kill()
        first.wait()
        await asyncio.sleep(2)
        second.append(subprocess.Popen([sys.executable, *begin]))

    load, _ = await asyncio.gather(pressing(), restart())
    return load


def state_of(pid: int) -> dict[str, Any]:
    """Return what the server holds: memory, open files, and its own gauges."""
    status = Path(f"/proc/{pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    text = asyncio.run(_metrics())
    gauges = {name: re.search(rf"^unmoor_{name}_now (\S+)", text, re.MULTILINE) for name in ("answers", "waiting")}
    return {
        "mb": int(resident.group(1)) / 1_024 if resident else 0.0,
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        **{name: found.group(1) if found else "?" for name, found in gauges.items()},
    }


async def _metrics() -> str:
    connections = Connections(
        f"http://127.0.0.1:{PROXY_PORT}", {"authorization": f"Bearer {SECRET}"}, most_idle=0, silence_seconds=5
    )
    async with connections.ask("GET", "/metrics") as response:
        return b"".join([piece async for piece in response.pieces(5)]).decode()


async def _burst(connections: int) -> Load:
    load, target = Load(), Target(PROXY_PORT, 32)
    pool = target.connections()
    began = time.perf_counter()
    await asyncio.gather(*(ask(pool, target, f"burst {number}", load) for number in range(connections)))
    load.seconds = time.perf_counter() - began
    await pool.close()
    return load


def burst(connections: int = 1_000) -> list[str]:
    """Return what became of a thousand connections opened at once."""
    with upstream(32, 5), proxy("--concurrent", "256"):
        load = asyncio.run(_burst(connections))
    words = ", ".join(f"{count:,} {what}" for what, count in sorted(load.outcomes.items()))
    return [f"{connections:,} connections at once, 256 answers at a time: {words}, in {load.seconds:.1f} s."]


def measure(*, is_quick: bool = False) -> list[str]:
    """Return the lines of the section."""
    seconds = 2.0 if is_quick else 4.0
    with tempfile.TemporaryDirectory() as folder:
        guard = ("--policy", "dolphin", "--guard-log", str(Path(folder) / "guard.jsonl"))
        rows = [
            compare(64, 20, 1, seconds),
            compare(64, 20, 50, seconds),
            compare(64, 20, 200, seconds),
            compare(64, 20, 50, seconds, *guard),
            compare(64, 0, 1, seconds),
            compare(64, 0, 50, seconds),
            compare(64, 0, 50, seconds, *guard),
        ]
    table = [
        "| pause between tokens | tokens | streams at a time | bare, answers/s | unmoor serve, answers/s | share | "
        "added to the median of the first token | to its p95 | to the p95 of the whole answer | "
        "CPU per answer, ms: proxy / upstream / load generator | right |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *("| " + " | ".join(row) + " |" for row in rows),
    ]
    return [
        "The upstream sends tokens without a model. With a pause it does what a model server does; without, it sends a whole "
        "answer in one go, which no model does, and shows what the proxy can take at most. Load generator, proxy and upstream "
        "share the cores, and the machine may do other work: the CPU time of each is the figure that holds best. On two cores the "
        "share without a pause cannot exceed what the CPU of upstream and load generator is of that of all three. A sentence has "
        "eight tokens, and a guard holds it until its end: 160 ms at 20 ms a token.",
        "",
        *table,
        "",
        *burst(),
        "",
        *soak(10 if is_quick else 60),
    ]


def main() -> None:
    """Measure and write."""
    lines = measure(is_quick="--quick" in sys.argv)
    RESULTS.parent.mkdir(exist_ok=True)
    text = "## Serving\n\n" + "\n".join(lines) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
