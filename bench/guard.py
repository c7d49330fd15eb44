"""What the shipped guard refuses: floor topics in 19 languages, harmless look-alikes, and what one answer costs it.

`python bench/guard.py` writes bench/results/guard.md; further arguments are suites of harmless requests, by path. Requests are
those of tests/serving/guard_requests.toml and of the suites that ship. They are ours, and the packs were written with the first
of them in sight, so that rate says what works and not how often the guard would be right elsewhere; the suite's look-alikes were
written for models and not for the guard.
"""

from __future__ import annotations

import re
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

from measure import ROOT, machine, write_section

from unmoor.commands.guarded import guard_from
from unmoor.evaluation import read_suite
from unmoor.records.intervals import wilson
from unmoor.serving.guard import Guard

REQUESTS = ROOT / "tests" / "serving" / "guard_requests.toml"
SENTENCE = "The garden needs water in the morning, and the soil should be loose in row {}. Plant the beans after the last frost."


def refused(guard: Guard, texts: list[str]) -> list[bool]:
    """Return for each request whether the guard refuses it."""
    return [guard.request([{"role": "user", "content": text}]).action == "refuse" for text in texts]


def row(name: str, languages: int, ruled: list[bool]) -> str:
    """Return one row: how many were refused, with a 95% Wilson interval."""
    low, high = wilson(sum(ruled), len(ruled))
    return f"| {name} | {languages} | {sum(ruled)} of {len(ruled)} | {sum(ruled) / len(ruled):.1%} | {low:.1%} to {high:.1%} |"


def cost(guard: Guard) -> Iterator[str]:
    """Yield what one answer of 420 tokens costs, token by token, and one request: the best of seven, in processor time."""
    tokens = re.findall(r"\s?\S+", " ".join(SENTENCE.format(number) for number in range(19)))
    asked = [{"role": "user", "content": "How do I plant beans in a small garden?"}]
    answers, requests = [], []
    for _ in range(7):
        began = time.process_time()
        watcher = guard.answer(asked)
        for token in tokens:
            watcher.feed(token)
        watcher.finish()
        answers.append(time.process_time() - began)
        began = time.process_time()
        for _ in range(100):
            guard.request(asked)
        requests.append((time.process_time() - began) / 100)
    yield f"An answer of {len(tokens)} words, fed word by word: {min(answers) * 1_000:.1f} ms of processor time, "
    yield f"{min(answers) / len(tokens) * 1e6:.0f} µs a word; a short request: {min(requests) * 1e6:.0f} µs."


def measure(also: list[Path]) -> list[str]:
    """Return the lines of the section; `also` are further suites of harmless requests."""
    guard = guard_from("dolphin")
    asked = tomllib.loads(REQUESTS.read_text(encoding="utf-8"))
    floor = [text for texts in asked.values() for text in (*texts["minors"], *texts["mass"])]
    harmless = [text for texts in asked.values() for text in texts["harmless"]]
    rows = [
        row("floor topics, named", len(asked), refused(guard, floor)),
        row("floor topics, suite `floor`", 1, refused(guard, _prompts("floor"))),
        row("harmless look-alikes", len(asked), refused(guard, harmless)),
        row("harmless look-alikes, suite `look-alikes`", 1, refused(guard, _prompts("look-alikes"))),
        row("ordinary requests, suite `neutral`", 1, refused(guard, _prompts("neutral"))),
        row("contested questions, suite `contested`", 1, refused(guard, _prompts("contested"))),
        *(row(f"also: {path.stem}", 1, refused(guard, _prompts(str(path)))) for path in also),
    ]
    table = ["| requests | languages | refused | rate | 95% interval |", "|---|--:|--:|--:|--:|", *rows]
    return [machine() + ".", "", "Policy `dolphin`, as it ships.", "", *table, "", "".join(cost(guard))]


def _prompts(name: str) -> list[str]:
    return [prompt.text for prompt in read_suite(name)]


if __name__ == "__main__":
    print(write_section("guard", "The guard", measure([Path(argument) for argument in sys.argv[1:]])).read_text())
