"""From what an Axolotl child process writes to where it is: steps, losses, and its last words when it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

__all__ = ["Heard", "last_words", "lines_of", "saved_state"]

BAR = re.compile(r"\b(\d+)/(\d+)\s*\[")
"""tqdm's bar, e.g. ` 5%|▌   | 3/60 [00:02<00:41,  1.4it/s]`; loading and mapping have bars too, of other totals."""

LOSS = re.compile(r"'loss': '?([-+.\deE]+|nan|inf)'?")
"""transformers prints its log as a Python dict; since version 5 the numbers are words in quotes."""

LAST_LINES = 15


@dataclass(slots=True)
class Heard:
    """What was heard from a child that trains `total` steps."""

    total: int
    step: int = 0
    loss: list[list[float]] = field(default_factory=list)

    def hear(self, line: str) -> bool:
        """Take note of a line and return whether the step went on."""
        before = self.step
        for done, of in BAR.findall(line):
            if int(of) == self.total and int(done) <= self.total:
                self.step = max(self.step, int(done))
        for value in LOSS.findall(line):
            self.loss.append([float(self.step), float(value)])
        return self.step > before


def lines_of(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what a process writes, line by line; a progress bar ends its lines by a carriage return."""
    rest = b""
    while block := stream.read1(65536):  # type: ignore[attr-defined]
        *lines, rest = re.split(rb"[\r\n]", rest + block)
        yield from lines
    if rest:
        yield rest


def last_words(log: Path) -> str:
    """Return the last lines of a log that say something, without terminal controls and bars."""
    text = log.read_bytes()[-65536:].decode("utf-8", "replace")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)
    lines = [line.rstrip() for line in re.split(r"[\r\n]", plain)]
    return "\n".join([line for line in lines if line and not BAR.search(line)][-LAST_LINES:])


def saved_state(folder: Path) -> dict[str, Any]:
    """Return the trainer's own last state (global_step, epoch, log_history), or nothing if it saved none; half-written ones,
    which an interrupted run leaves, are passed over.
    """
    states: list[dict[str, Any]] = []
    for path in (*folder.glob("trainer_state.json"), *folder.glob("checkpoint-*/trainer_state.json")):
        with suppress(ValueError):
            states.append(json.loads(path.read_bytes()))
    return max(states, key=lambda state: int(state.get("global_step", 0)), default={})
