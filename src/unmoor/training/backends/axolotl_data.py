"""From the data that Axolotl prepared to what a twin was really trained on, held against what it was given.

Axolotl writes the rows that are left, as token ids and labels, to a folder of `datasets` before it trains, and finds them there
again when it goes on. That is read here, and not the file that unmoor wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unmoor.errors import RecipeError
from unmoor.training.prepare import IGNORED
from unmoor.training.twin import Twin

__all__ = ["held_against"]


def held_against(twin: Twin, folder: Path) -> tuple[int, int]:
    """Return (rows, tokens with a loss) of the data that Axolotl prepared in `folder`.

    Raises:
        RecipeError: there are none, or they are not the rows, tokens and labels that the preflight said.
    """
    prepared = _load(twin, folder)
    rows, tokens = len(prepared), 0
    found: Counter[int] = Counter()
    for one in prepared:
        tokens += sum(label != IGNORED for label in one["labels"])
        found[_mark(one["input_ids"], one["labels"])] += 1
    rule = twin.prepared.rule
    cuts = ((one, rule.kept(len(one.input_ids))) for one in twin.prepared.examples)
    if found != Counter(_mark(one.input_ids[kept], one.labels[kept]) for one, kept in cuts):
        expected = f"{len(twin.prepared.examples)} with {twin.prepared.tokens_trained}"
        what = "other tokens" if (rows, tokens) == (len(twin.prepared.examples), twin.prepared.tokens_trained) else ""
        raise RecipeError(
            f"Axolotl trained twin {twin.name} on {rows} rows with {tokens} tokens to learn, and was given {expected}"
            f"{f': {what}' if what else ''} (prepared in {folder}). Next: remove {twin.folder} and train again; if it stays, "
            "your Axolotl prepares rows in a way that unmoor does not know"
        )
    return rows, tokens


def _mark(input_ids: Iterable[int], labels: Iterable[int]) -> int:
    return hash((tuple(input_ids), tuple(labels)))


def _load(twin: Twin, folder: Path) -> Any:
    import datasets

    states = sorted(folder.glob("*/state.json"), key=lambda path: path.stat().st_mtime)
    if not states:
        raise RecipeError(
            f"Of twin {twin.name} Axolotl left no prepared data in {folder}, so nobody can say what it was trained on"
        )
    return datasets.load_from_disk(str(states[-1].parent))
