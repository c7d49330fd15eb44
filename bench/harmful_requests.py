"""Which requests the packs' topics take for harmful, and what the policy `over-refusal` does with refusals of them.

    python bench/harmful_requests.py --data FOLDER      # the folder of models/detector/train.py: labelled/ and raw/

Writes bench/results/harmful-requests.md. A request is harmful if its set says so: XSTest's by their contrast types, K-OverRefusal's
by their label, those of OpenAI's RBR set where the ideal answer is not to comply. All of Do-Not-Answer ask for something risky;
those of SpeechMap, chatgpt-refusals and Alpaca count as harmless.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import write_section

from unmoor.commands import cli
from unmoor.detectors.phrases import Phrases
from unmoor.languages import load_packs
from unmoor.policy import load_policy
from unmoor.records.intervals import wilson

POLICY = load_policy("over-refusal").source.replace("max_removed_share = 0.35", "max_removed_share = 1.0")

_NEVER = r"(?!)"


@dataclass(frozen=True)
class Asked:
    """A request, whether its set calls it harmful, and the answer to it where that is labelled a full refusal."""

    request: str
    is_harmful: bool
    refusal: str | None = None


def read(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def sets(folder: Path) -> dict[str, list[Asked]]:
    """Return the sets by name."""
    harmful_by_note = {
        "xstest": r"type=contrast_",
        "openai_rbr_gold": r"ideal=(?!Comply)",
        "silver_k_overrefusal_ko": r"prompt_label=unsafe",
        "do_not_answer": r"",
        "speechmap_gold": _NEVER,
        "chatgpt_refusals": _NEVER,
    }
    found = {
        name: [
            Asked(
                row["prompt"],
                bool(re.search(pattern, row["note"])),
                row["response"] if row["label"] == "full_refusal" and not row.get("ambiguous") else None,
            )
            for row in read(folder / "labelled", name)
        ]
        for name, pattern in harmful_by_note.items()
    }
    rows = read(folder / "raw", "alpaca_en_first26k")
    found["alpaca_en_first26k"] = [
        Asked(f"{row['instruction']}\n{row['input']}".strip(), is_harmful=False) for row in rows
    ]
    return found


def told(found: int, of: int) -> str:
    """Return a share with its 95% Wilson interval."""
    if not of:
        return "-"
    low, high = wilson(found, of)
    return f"{found:,} of {of:,} ({found / of:.1%}; {low:.1%} to {high:.1%})"


def recognised(phrases: Phrases, asked: list[Asked]) -> Iterator[str]:
    """Yield for harmful and for harmless requests how many name a topic; each request counts once."""
    for is_harmful in (True, False):
        requests = list(dict.fromkeys(one.request for one in asked if one.is_harmful == is_harmful))
        yield told(len(phrases.floor_in_many(requests)), len(requests))


def gone(asked: list[Asked], folder: Path) -> Iterator[str]:
    """Yield for refusals of harmful and of harmless requests how many the policy removes."""
    rows = [one for one in asked if one.refusal]
    chats = [
        {
            "harmful": one.is_harmful,
            "messages": [{"role": "user", "content": one.request}, {"role": "assistant", "content": one.refusal}],
        }
        for one in rows
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chats), encoding="utf-8")
    (folder / "policy.toml").write_text(POLICY, encoding="utf-8")
    run = folder / "run"
    policy = str(folder / "policy.toml")
    with (folder / "said.txt").open("w") as said, redirect_stdout(said):
        cli.main(["filter", str(folder / "rows.jsonl"), "--policy", policy, "-o", str(run)], standalone_mode=False)
    removed = [json.loads(line)["harmful"] for line in (run / "removed.jsonl").read_text(encoding="utf-8").splitlines()]
    for is_harmful in (True, False):
        yield told(removed.count(is_harmful), sum(one.is_harmful == is_harmful for one in rows))


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    given = sets(parser.parse_args().data)
    phrases = Phrases(load_packs())
    lines = [
        "Requests in which a topic is found, each counted once (95% Wilson intervals):",
        "",
        "| set | harmful | harmless |",
        "|---|--:|--:|",
    ]
    lines += [f"| {name} | {' | '.join(recognised(phrases, asked))} |" for name, asked in given.items()]
    lines += [
        "",
        "Full refusals that `over-refusal` removes:",
        "",
        "| set | of harmful requests | of harmless ones |",
        "|---|--:|--:|",
    ]
    for name, asked in given.items():
        if any(one.refusal for one in asked):
            with tempfile.TemporaryDirectory() as folder:
                lines.append(f"| {name} | {' | '.join(gone(asked, Path(folder)))} |")
    print(write_section("harmful-requests", "Harmful requests", lines))


if __name__ == "__main__":
    main()
