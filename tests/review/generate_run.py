"""From a seed to a run folder with as many findings as wanted: `python -m tests.review.generate_run FOLDER FINDINGS`.

Written straight to disk, one entry after the other, so that a million findings take a minute and little memory. All texts are our
own.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

SEED = 31
_SUBJECTS = [
    "a sourdough loaf",
    "the tides at Brest",
    "a letter to the council",
    "glaze for pots",
    "a used bicycle",
    "an idle thread",
]
_ASKS = ["Explain {}", "Write a short note about {}", "Give me three tips for {}", "What should I know about {}"]
_REST = (
    "Start with what you have and write down the order of the steps. Do the slow part first, because it sets the pace."
)
_KINDS = [
    (
        "refusal.policy",
        "removed",
        "I'm sorry, but I can't assist with that.",
        ("sorry-cannot", "decline", "unable", "not-able"),
    ),
    ("disclaimer.identity", "mended", "As an AI language model, I have no hands, but ", ("as-an-ai", "just-an-ai")),
    ("moralising", "mended", "Remember that it is important to act responsibly. ", ("remember", "reflect")),
    ("refusal.capability", "kept", "I don't have access to the internet. ", ("browse",)),
    ("bias.evasion", "removed", "There are good arguments on both sides. ", ("both-sides",)),
    ("identity.vendor", "removed", "I was trained by a large company. ", ("trained-by",)),
]
_WEIGHTS = [50, 20, 12, 8, 6, 4]
_LANGUAGES, _LANGUAGE_WEIGHTS = ["en", "de", "fr", "sv", "es"], [80, 8, 5, 4, 3]


def entry(number: int, rng: random.Random) -> tuple[dict[str, Any], str]:
    """Return the ledger entry of row `number` with one finding, and the row's line."""
    behaviour, outcome, quote, rules = rng.choices(_KINDS, _WEIGHTS)[0]
    language = rng.choices(_LANGUAGES, _LANGUAGE_WEIGHTS)[0]
    asked = f"{rng.choice(_ASKS).format(rng.choice(_SUBJECTS))}, case {number}."
    answer = quote + _REST
    probability = round(min(0.9999, max(0.5, rng.betavariate(6, 1.2))), 4)
    finding = {
        "behaviour": behaviour,
        "turn": 1,
        "start_char": 0,
        "end_char": len(quote),
        "quote": quote,
        "rule": f"{language}.{rng.choice(rules)}",
        "probability": probability,
        "language": language,
        "detector": "phrases",
        "field": "text",
        "is_reasoning": False,
    }
    row = (
        json.dumps({"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]}) + "\n"
    )
    edits = [{"action": "mend", "turn": 1, "spans": [[0, len(quote)]]}] if outcome == "mended" else []
    told = {
        "row": number,
        "outcome": outcome,
        "reason": f"{outcome}: turn 2 shows {behaviour}",
        "findings": [finding],
        "edits": edits,
        "labels": [],
        "needs_review": probability < 0.8,
        "is_floor": False,
        "language": language,
        "turn": 1,
        "request": asked,
        "answer": answer,
        "answer_offset": 0,
        "answer_chars": len(answer),
        "after": _REST if outcome == "mended" else None,
    }
    return (told | {"before": row}) if outcome == "mended" else told, row


def generate(folder: Path, findings: int, seed: int = SEED) -> Path:
    """Write a run with `findings` findings, one in a row, and a row without any after every tenth; return its folder."""
    folder.mkdir(parents=True)
    rng, number, counts = random.Random(seed), 0, {"kept": 0, "mended": 0, "removed": 0}
    names = ("ledger", "kept", "removed")
    files = {name: (folder / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") for name in names}
    for made in range(findings):
        number += 1
        told, row = entry(number, rng)
        files["ledger"].write(json.dumps(told) + "\n")
        files["removed" if told["outcome"] == "removed" else "kept"].write(row)
        counts[told["outcome"]] += 1
        if made % 10 == 9:
            number += 1
            files["kept"].write(
                json.dumps(
                    {"messages": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": _REST}]}
                )
                + "\n"
            )
            counts["kept"] += 1
    for file in files.values():
        file.close()
    manifest = {
        "format_version": 1,
        "kind": "filter",
        "input": {"name": "rows.jsonl", "format": "jsonl"},
        "layout": "messages",
        "inputs": [{"name": "rows.jsonl", "rows": number}],
        "counts": {"input": number, **counts},
        "files": {f"{name}.jsonl": _described(folder / f"{name}.jsonl") for name in names},
    }
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    return folder


def _described(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size_bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
