"""Measures what a model in the server's own process gains by writing many answers at a time, and that none of them changes.

`python bench/serving_in_process.py` writes bench/results/serving-in-process.md; arguments are folders with models of your own to
measure instead. Two models by default, made here: the demo's tiny mixture of experts, where the Python around the model is
most of the work, and a dense one of SmolLM2-135M's shape with random weights, where the model is.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import machine, write_section

from unmoor.demo import plain_sentences
from unmoor.serving.local_model import LocalModel, load_model
from unmoor.serving.server import Embedded
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.training import make_demo_base

SEED = 5
TOKENS = 32
AT_ONCE = (1, 4, 16, 32)


@dataclass(frozen=True)
class Answer:
    """What one client saw."""

    text: str
    first_seconds: float
    whole_seconds: float


def make_tiny(folder: Path) -> Path:
    """Make the demo's mixture of experts after a few steps."""
    return make_demo_base(plain_sentences(SEED)[:600], folder, seed=SEED, steps=2)


def make_dense(tiny: Path, folder: Path) -> Path:
    """Make a Llama of SmolLM2-135M's shape with the tiny model's tokenizer and random weights."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny)
    torch.manual_seed(SEED)
    shape = {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9}
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "pad_token_id": tokenizer.pad_token_id}
    config = LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=3, max_position_embeddings=512, **shape, **ends)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def request_of(number: int) -> ChatRequest:
    """Return a question of its own length; the answer has exactly `TOKENS` tokens unless the model ends it."""
    words = f"Tell me about garden number {number}" + " please" * (number % 9)
    message = {"role": "user", "content": words}
    return ChatRequest(model="m", messages=(message,), sent=(message,), max_tokens=TOKENS, stream=True)


async def ask(embedded: Embedded, number: int) -> Answer:
    """Ask once and note when the first word and the last came."""
    began, first, text = time.perf_counter(), 0.0, ""
    async for batch in embedded.stream(request_of(number)):
        for chunk in batch.chunks:
            for choice in chunk["choices"]:
                text += choice["delta"].get("content", "")
        first = first or (time.perf_counter() - began if text else 0.0)
    return Answer(text, first, time.perf_counter() - began)


async def press(embedded: Embedded, at_once: int, count: int) -> tuple[list[Answer], float]:
    """Ask `count` questions, so many at a time; return the answers in order and the seconds they took together."""
    places, began = asyncio.Semaphore(at_once), time.perf_counter()

    async def one(number: int) -> Answer:
        async with places:
            return await ask(embedded, number)

    return await asyncio.gather(*(one(number) for number in range(count))), time.perf_counter() - began


def rows_for(loaded: LocalModel, name: str, count: int) -> list[str]:
    """Return the rows of one model; every answer is compared with the one that its question gets alone."""

    async def run() -> list[str]:
        embedded = Embedded(loaded, at_once=max(AT_ONCE))
        await press(embedded, 1, 2)
        rows, alone, alone_rate = [], [""], 0.0
        for at_once in AT_ONCE:
            used = time.process_time()
            answers, seconds = await press(embedded, at_once, count if at_once > 1 else min(count, 12))
            used = time.process_time() - used
            rate = len(answers) / seconds
            alone, alone_rate = (alone, alone_rate) if alone_rate else ([answer.text for answer in answers], rate)
            same = sum(one.text == text for one, text in zip(answers, alone, strict=False))
            cells = [name, at_once, f"{rate:.2f}", f"{rate / alone_rate:.1f}×", f"{used / len(answers) * 1_000:.0f}"]
            cells += [f"{statistics.median(a.first_seconds for a in answers) * 1_000:.0f}", f"{same} of {len(alone)}"]
            rows.append("| " + " | ".join(map(str, cells)) + " |")
        await embedded.close()
        return rows

    return asyncio.run(run())


def measure(folders: list[Path]) -> list[str]:
    """Return the lines of the section."""
    rows: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        tiny = make_tiny(Path(scratch) / "tiny")
        chosen: list[tuple[str, Path, int]] = [(folder.name, folder, 32) for folder in folders]
        chosen = chosen or [
            ("tiny mixture of experts, 0.29 M", tiny, 96),
            ("dense, 106 M", make_dense(tiny, Path(scratch) / "dense"), 24),
        ]
        for name, folder, count in chosen:
            rows += rows_for(load_model(folder), name, count)
    return [
        machine() + ".",
        "",
        f"Answers of {TOKENS} tokens, greedy, on the CPU. `same` compares with what the question got when it was asked alone.",
        "",
        "| model | at a time | answers/s | against one at a time | CPU ms per answer | first word, ms (median) | same |",
        "|---|--:|--:|--:|--:|--:|---|",
        *rows,
    ]


if __name__ == "__main__":
    lines: list[Any] = measure([Path(argument) for argument in sys.argv[1:]])
    print(write_section("serving-in-process", "Serving a model in process", lines).read_text())
