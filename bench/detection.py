"""How fast the detectors are, beside the usual loop over a list, in one run on one core.

    python bench/detection.py                     # on generated rows
    python bench/detection.py --data FILE.jsonl   # on instruction data of your own (instruction, input, output)

Absolute figures belong to the machine; the ratio is what should hold.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "models" / "detector"))
from rows import make_rows

from unmoor.detectors import Detector, load
from unmoor.records import Conversation, Turn

ROWS = 20_000
REFUSING_SHARE = 0.005
"""Share of refusals in generated rows: ordinary instruction data has 0.1 to 2%."""
LIST_LENGTH = 200
"""Phrases of the usual loop, as long as the lists that are passed around."""
_FILLER = (
    "Cut the leeks, wash them well and let them sweat in butter for ten minutes.",
    "The first railway in the region was opened in the spring and carried timber to the port.",
    "A triangle with two equal sides has two equal angles, which follows from its symmetry.",
    "Water the plants in the morning, turn the pots once a week, and keep them out of the wind.",
    "The function reads the file line by line and returns the number of words in each.",
    "In the second chapter the sisters travel to the coast and find the house empty.",
)


def conversation(request: str, answer: str) -> Conversation:
    """Return one exchange."""
    return Conversation((Turn("user", request), Turn("assistant", answer, is_target=True)))


def generated(count: int) -> list[Conversation]:
    """Return typical rows: short and long ordinary answers and a few refusals."""
    chance = random.Random(7)
    made = make_rows()
    ordinary = [row for row in made if row.group == "ordinary"]
    refusing = [row for row in made if row.label != "compliance"]
    rows = []
    for number in range(count):
        row = chance.choice(refusing if chance.random() < REFUSING_SHARE else ordinary)
        filler = " ".join(chance.choices(_FILLER, k=chance.randrange(2, 7)))
        keeps = row.label != "compliance" or chance.random() < 0.15
        rows.append(conversation(f"{row.prompt} ({number})", row.response if keeps else filler))
    return rows


def read(path: Path, count: int) -> list[Conversation]:
    """Return rows of a file with instruction, input and output."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    return [conversation(f"{row['instruction']}\n{row.get('input', '')}", row["output"]) for row in rows]


def usual_loop(rows: list[Conversation]) -> int:
    """Return how many rows a loop over a list flags: lower-case, one `in` a phrase."""
    phrases = [f"as an ai model number {i}" for i in range(LIST_LENGTH)]
    return sum(any(phrase in row.turns[-1].text.lower() for phrase in phrases) for row in rows)


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return (result, CPU seconds)."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def main() -> None:
    """Measure start, scan and ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=int, default=ROWS)
    arguments = parser.parse_args()
    rows = read(arguments.data, arguments.rows) if arguments.data else generated(arguments.rows)
    detector, start = timed(lambda: _ready(load()))
    phrases, _ = timed(lambda: _ready(load(["phrases"])))
    found, everything = timed(lambda: detector.find_many(rows))
    _, only_phrases = timed(lambda: phrases.find_many(rows))
    _, loop = timed(lambda: usual_loop(rows))
    figures = {
        "rows": len(rows),
        "characters": sum(len(row.turns[-1].text) for row in rows),
        "rows with findings": sum(map(bool, found)),
        "start, CPU seconds": round(start, 2),
        "rows per core-second, everything on": round(len(rows) / everything),
        "rows per core-second, phrases only": round(len(rows) / only_phrases),
        f"rows per core-second, loop over {LIST_LENGTH} phrases": round(len(rows) / loop),
        "speed against the loop": round(loop / everything, 2),
    }
    print(json.dumps(figures, indent=2))


def _ready(detector: Detector) -> Detector:
    detector.find(conversation("Hello", "I'm sorry, but I can't help with that."))
    return detector


if __name__ == "__main__":
    main()
