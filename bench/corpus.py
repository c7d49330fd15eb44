"""From public instruction data and a seed to a corpus of any size: every row perturbed, none like another, the same every time.

    python bench/corpus.py --megabytes 196 -o bench/.work/corpus.jsonl
    python bench/corpus.py --megabytes 1000 --layout sharegpt -o bench/.work/corpus.parquet

Rows come from the gzipped JSON Lines in the folder that UNMOOR_REAL_DATA names (or its `raw`), else from the demo's generator.
Conversations have one to eight exchanges, as collections of real chats do; in each text some words are exchanged for others of the
pool, and the first request ends in a number of its own. Memory holds the pool and one batch, whatever the size.
"""

from __future__ import annotations

import argparse
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from typing import Any

import orjson

ROOT = Path(__file__).resolve().parent.parent
SEED = 20
MEGABYTES = 196
BATCH_ROWS = 2_000
SYSTEM_SHARE = 0.15
"""Share of conversations that open with a system prompt."""
EXCHANGES = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8)
"""Exchanges in a conversation, drawn evenly: 3.3 on average."""
WORDS_A_CHANGE = 18
"""One word in so many is exchanged for another."""
SYSTEMS = (
    "You are a helpful assistant.",
    "You are a patient teacher. Explain each step before you take it.",
    "Answer in as few words as the question allows.",
    "You write for people who have never programmed.",
)
_ROLES = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"}
_SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system"}

Exchange = tuple[str, str]


@dataclass(frozen=True)
class Corpus:
    """What to make: bytes of JSON Lines (for Parquet too, before it is compressed), layout and seed."""

    size: int = MEGABYTES * 1_000_000
    layout: str = "messages"
    seed: int = SEED
    escaped: bool = False
    """Letters beyond ASCII written as `\\uXXXX`, as `json.dumps` does by default."""
    exchanges: tuple[int, ...] = EXCHANGES
    """Exchanges in a conversation, drawn evenly."""


def real_folder() -> Path | None:
    """Return the folder of public raw files, or None where there is none."""
    named = Path(os.environ.get("UNMOOR_REAL_DATA", ROOT.parent / "shared" / "data"))
    folder = named / "raw" if (named / "raw").is_dir() else named
    return folder if any(folder.glob("*.jsonl.gz")) else None


def pool(folder: Path | None) -> list[Exchange]:
    """Return all exchanges (request, answer) of `folder`, or of the demo's generator without one."""
    if folder is None:
        from unmoor.demo.data import make_rows

        rows: Iterator[dict[str, Any]] = ({"messages": row.messages()} for row in make_rows().rows)
        return [exchange for row in rows for exchange in _exchanges(row)]
    return [
        exchange for path in sorted(folder.glob("*.jsonl.gz")) for row in _read(path) for exchange in _exchanges(row)
    ]


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def _exchanges(row: dict[str, Any]) -> Iterator[Exchange]:
    if "output" in row:
        yield "\n".join(part for part in (row["instruction"], row.get("input")) if part), row["output"]
        return
    turns = [*(row.get("messages") or row.get("conversations") or []), *([row["chosen"]] if "chosen" in row else [])]
    spoken = [
        (_ROLES.get(turn.get("role") or turn.get("from")), turn.get("content") or turn.get("value")) for turn in turns
    ]
    for (asker, request), (answerer, answer) in pairwise(spoken):
        if (asker, answerer) == ("user", "assistant") and request and answer:
            yield request, answer


def conversations(corpus: Corpus, exchanges: list[Exchange]) -> Iterator[list[tuple[str, str]]]:
    """Yield conversations without end: turns (role, text), every text perturbed, dealt from the pool pass by pass."""
    random = Random(corpus.seed)
    words = sorted(
        {word for _, answer in exchanges[::3] for word in answer.split(" ") if word.isalpha() and word.isascii()}
    )
    dealt = _deal(exchanges, random)
    number = 0
    while True:
        number += 1
        turns = [("system", random.choice(SYSTEMS))] if random.random() < SYSTEM_SHARE else []
        for place, (request, answer) in enumerate(islice(dealt, random.choice(corpus.exchanges))):
            asked = perturbed(request, words, random)
            turns.append(("user", f"{asked} ({number})" if place == 0 else asked))
            turns.append(("assistant", perturbed(answer, words, random)))
        yield turns


def _deal(exchanges: list[Exchange], random: Random) -> Iterator[Exchange]:
    order = list(range(len(exchanges)))
    while True:
        random.shuffle(order)
        for place in order:
            yield exchanges[place]


def perturbed(text: str, words: list[str], random: Random) -> str:
    """Return `text` with one word in WORDS_A_CHANGE replaced, at least one; without spaces, characters by others of the text."""
    parts = text.split(" ")
    if len(parts) * 20 < len(text):
        letters = list(text)
        for _ in range(1 + len(letters) // (4 * WORDS_A_CHANGE)):
            letters[int(random.random() * len(letters))] = letters[int(random.random() * len(letters))]
        return "".join(letters)
    for _ in range(1 + len(parts) // WORDS_A_CHANGE):
        parts[int(random.random() * len(parts))] = words[int(random.random() * len(words))]
    return " ".join(parts)


def as_row(number: int, turns: list[tuple[str, str]], layout: str) -> dict[str, Any]:
    """Return the conversation in `layout`: messages (role, content) or sharegpt (from, value)."""
    if layout == "messages":
        return {"id": f"row-{number}", "messages": [{"role": role, "content": text} for role, text in turns]}
    return {"id": f"row-{number}", "conversations": [{"from": _SPEAKERS[role], "value": text} for role, text in turns]}


def rows(corpus: Corpus, folder: Path | None) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield rows and their lines until the lines make up the size asked for."""
    written = 0
    for number, turns in enumerate(conversations(corpus, pool(folder)), 1):
        row = as_row(number, turns, corpus.layout)
        line = orjson.dumps(row)
        if corpus.escaped and not line.isascii():
            line = "".join(c if c < "\x80" else _escape(c) for c in line.decode()).encode()
        yield row, line
        written += len(line) + 1
        if written >= corpus.size:
            return


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def write(corpus: Corpus, path: Path, folder: Path | None) -> int:
    """Write the corpus as JSON Lines or, if `path` ends in .parquet, as Parquet with zstd; return the number of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = rows(corpus, folder)
    return _write_parquet(made, corpus.layout, path) if path.suffix == ".parquet" else _write_lines(made, path)


def _write_lines(made: Iterator[tuple[dict[str, Any], bytes]], path: Path) -> int:
    count = 0
    with path.open("wb") as file:
        for _, line in made:
            file.write(line + b"\n")
            count += 1
    return count


def _write_parquet(made: Iterator[tuple[dict[str, Any], bytes]], layout: str, path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    column, fields = ("messages", ("role", "content")) if layout == "messages" else ("conversations", ("from", "value"))
    turn = pa.struct([(name, pa.string()) for name in fields])
    schema = pa.schema([("id", pa.string()), (column, pa.list_(turn))])
    count = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as file:
        while batch := [row for row, _ in islice(made, BATCH_ROWS)]:
            file.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
            count += len(batch)
    return count


def main() -> None:
    """Write one corpus and print its rows and bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=MEGABYTES)
    parser.add_argument("--layout", choices=["messages", "sharegpt"], default="messages")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--escaped", action="store_true", help="write letters beyond ASCII as \\uXXXX")
    parser.add_argument("--exchanges", type=int, metavar="N", help="so many in each conversation, not one to eight")
    parser.add_argument("--demo", action="store_true", help="use the demo's rows even where public data lies there")
    parser.add_argument("-o", "--output", type=Path, required=True)
    given = parser.parse_args()
    exchanges = (given.exchanges,) if given.exchanges else EXCHANGES
    corpus = Corpus(int(given.megabytes * 1e6), given.layout, given.seed, given.escaped, exchanges)
    folder = None if given.demo else real_folder()
    count = write(corpus, given.output, folder)
    result = {"rows": count, "bytes": given.output.stat().st_size, "from": "public data" if folder else "demo rows"}
    print(orjson.dumps(result).decode())


if __name__ == "__main__":
    main()
