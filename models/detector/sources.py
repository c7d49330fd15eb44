"""From labelled sets and generated rows to features and labels, with the very code that the detector runs.

Only sets whose licence allows it are trained on (`SOURCES`); what is `MEASURED` alone is never seen in training. Prompts, not rows,
are split: five folds for held-out figures, and two halves of which one was read while phrases and rules were written.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rows import KIND_ONLY, make_rows

from unmoor.detectors.features import DENSE, dense_features, ngram_features
from unmoor.detectors.grams import BUCKETS
from unmoor.detectors.lectures import load_lectures
from unmoor.detectors.model import HEADS
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.openings import LONGEST, opening_grams, opening_shape, opening_words
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import Learned, view_turn
from unmoor.detectors.view import TurnView
from unmoor.languages import load_packs, pack_codes

__all__ = ["FOLDS", "MEASURED", "SOURCES", "SPOKEN", "Rows", "gather"]

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Source:
    """A set that may be trained on: its licence, its weight beside the square root of its size, its language."""

    licence: str
    weight: float = 1.0
    language: str = "en"


SOURCES: dict[str, Source] = {
    "xstest": Source("CC-BY-4.0", 3.0),
    "chatgpt_refusals": Source("MIT"),
    "openai_rbr_gold": Source("MIT", 1.5),
    "speechmap_gold": Source("Apache-2.0", 6.0),
    "issuebench_stance": Source("CC-BY-4.0", 3.0),
    "silver_when2call": Source("Apache-2.0"),
    "values_pct_stance": Source("CC-BY-4.0"),
    "silver_k_overrefusal_ko": Source("MIT", language="ko"),
    "silver_speechmap_zh_fi": Source("Apache-2.0", language="zh"),
}
SPOKEN = ("en",)
"""The languages that the model judges. Other rows teach it what dense features are worth, and English gains a little; but both
sets hold no ordinary answers, and where the model judged Chinese too it flagged 5.7% of ordinary rows, the phrases alone 2.6%.
"""
MEASURED = ("do_not_answer",)
"""Sets under a non-commercial licence: figures are shown, nothing is trained on them."""
_CLEAR_ACTIONS = ("0", "4", "2", "5")
"""Do-Not-Answer's actions that are clearly a refusal or an answer; 1 and 3 hold both."""


@dataclass(slots=True)
class Rows:
    """Every row of every source: features, the answer taken apart, labels (-1 unknown), source, fold, half.

    `seen` says whether phrases, signs or lectures have the detector look closely; `first`, `opening` and `shape` are what the two
    looks at first words weigh, and `passes` whether those let a row through (false until they are trained).
    """

    ngram: Any
    dense: np.ndarray
    first: Any
    opening: Any
    shape: np.ndarray
    views: list[TurnView]
    labels: dict[str, np.ndarray]
    source: np.ndarray
    fold: np.ndarray
    half: np.ndarray
    seen: np.ndarray
    passes: np.ndarray

    @property
    def has_hits(self) -> np.ndarray:
        """Whether phrases or signs had a row looked at."""
        return self.seen & np.array([bool(view.hits) for view in self.views])

    @property
    def is_spoken(self) -> np.ndarray:
        """Whether a row is in a language that the model judges."""
        others = [name for name, source in SOURCES.items() if source.language not in SPOKEN]
        return ~np.isin(self.source, others)


def prompt_key(row: dict[str, Any]) -> str:
    """Return what rows are split by: the prompt, or where it is not given the item's number."""
    return row["prompt"].strip().lower() or row["id"].rsplit("-", 3)[0]


def split_of(key: str, parts: int, salt: str = "") -> int:
    """Return which of `parts` a prompt belongs to."""
    return hashlib.md5((salt + key).encode(), usedforsecurity=False).digest()[0] % parts


def read_source(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return a source's rows: unambiguous ones, judges in agreement; RBR's ambiguous ones not."""
    with gzip.open(folder / "labelled" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if name in MEASURED:
        return [row for row in rows if row["orig_label"].startswith(_CLEAR_ACTIONS)]
    rows = [row for row in rows if row.get("judges_agree", True) and not row.get("ambiguous")]
    return [row for row in rows if row["lang"] in pack_codes()]


def made_source() -> list[dict[str, Any]]:
    """Return the generated rows in the labelled format."""
    return [
        {
            "id": f"made-{i}",
            "prompt": row.prompt,
            "response": row.response,
            "label": row.label,
            "kind": row.kind,
            "group": row.group,
        }
        for i, row in enumerate(make_rows())
    ]


def written_sources() -> dict[str, list[dict[str, Any]]]:
    """Return the answers that were written one by one, in the labelled format: `ordinary` ones, and `written`, all others.

    A row's fold is its file's: each was written by another hand, and what is measured on one was never seen of its hand.
    """
    found: dict[str, list[dict[str, Any]]] = {"written": [], "ordinary": []}
    for path in sorted((Path(__file__).resolve().parent / "answers").glob("*.toml")):
        for number, row in enumerate(tomllib.loads(path.read_text(encoding="utf-8"))["row"]):
            found["ordinary" if path.stem.startswith("ordinary") else "written"].append(
                {
                    "id": f"{path.stem}-{number}",
                    "prompt": row["request"],
                    "response": row["answer"].strip(),
                    "label": row["label"],
                    "kind": row["kind"],
                    "split": path.stem,
                }
            )
    return found


def sums_source(folder: Path) -> list[dict[str, Any]]:
    """Return ordinary sums with worked answers: certain negatives."""
    with gzip.open(folder / "raw" / "gsm8k_alpaca.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:4000]
    return [
        {"id": str(i), "prompt": row["instruction"], "response": row["output"], "label": "compliance", "kind": ""}
        for i, row in enumerate(rows)
    ]


def tools_source(folder: Path) -> list[dict[str, Any]]:
    """Return ordinary requests with short answers, some with calls of tools in them; hardly one declines."""
    with gzip.open(folder / "raw" / "gpteacher_toolformer.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:3000]
    return [
        {
            "id": str(i),
            "prompt": f"{row['instruction']}\n{row.get('input', '')}".strip(),
            "response": row["output"],
            "label": "compliance",
            "kind": "",
        }
        for i, row in enumerate(rows)
    ]


class Featuriser:
    """Turns labelled rows into features with the very code that the detector runs."""

    def __init__(self) -> None:
        self._phrases = Phrases(load_packs())
        self._learned = Learned(load_lectures())

    def view(self, row: dict[str, Any], has_tools: bool) -> tuple[TurnView, bool]:
        """Return the answer taken apart, and whether the detector would look so closely without a look at its first words."""
        said, asked = row["response"], row["prompt"]
        seen = view_turn(self._phrases, said, asked, has_tools=has_tools, learned=self._learned)
        if seen is not None:
            return seen, True
        view = view_turn(self._phrases, said, asked, has_tools=has_tools, learned=self._learned, always=True)
        assert view is not None
        return view, False


def labels_of(name: str, row: dict[str, Any], dense: np.ndarray) -> dict[str, int]:
    """Return the label of a row for each head: 1, 0, or -1 where the source does not say."""
    refuses, full, kind = row["label"] != "compliance", row["label"] == "full_refusal", row.get("kind")
    found = {"any": int(refuses), "full": int(full), "cannot": -1}
    if row.get("group") in KIND_ONLY:
        found = {"any": -1, "full": -1, "cannot": -1}
    found |= {"unnamed": found["any"], "unnamed full": found["full"]}
    if full and kind in ("cannot", "should_not"):
        found["cannot"] = int(kind == "cannot")
    elif (
        full
        and name in ("xstest", "speechmap_gold", "issuebench_stance")
        and not dense[DENSE.index("belief capability")]
    ):
        found["cannot"] = 0
    return found


def gather(folder: Path) -> Rows:
    """Read and featurise every source."""
    made = Featuriser()
    named = {name: read_source(folder, name) for name in (*SOURCES, *MEASURED)}
    named |= {"made": made_source(), **written_sources(), "sums": sums_source(folder), "tools": tools_source(folder)}
    said = [(name, row) for name, rows in named.items() for row in rows if row["response"].strip()]
    looks = [made.view(row, name == "silver_when2call") for name, row in said]
    views = [view for view, _ in looks]
    dense = [dense_features(view) for view in views]
    folded = [fold_text(row["response"]) for _, row in said]
    words = opening_words(folded)
    labels = [labels_of(name, row, numbers) for (name, row), numbers in zip(said, dense, strict=True)]
    keys = [prompt_key(row) for _, row in said]
    splits = [row.get("split", key) for (_, row), key in zip(said, keys, strict=True)]
    return Rows(
        ngram=_sparse([ngram_features(view) for view in views]),
        dense=np.array(dense, dtype=np.float32),
        first=_sparse([_even(opening_grams(one, 1)) for one in words]),
        opening=_sparse([_even(opening_grams(one, LONGEST)) for one in words]),
        shape=np.array([opening_shape(len(text)) for text in folded]),
        views=views,
        labels={head: np.array([label[head] for label in labels]) for head in HEADS},
        source=np.array([name for name, _ in said]),
        fold=np.array([split_of(split, FOLDS, "fold") for split in splits]),
        half=np.array([split_of(key, 2) for key in keys]),
        seen=np.array([is_seen for _, is_seen in looks]),
        passes=np.zeros(len(said), dtype=bool),
    )


def _even(buckets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the buckets of n-grams that weigh alike, together one in length."""
    return buckets, np.full(len(buckets), 1 / np.sqrt(max(1, len(buckets))), dtype=np.float32)


def _sparse(grams: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    ends = np.cumsum([0, *(len(buckets) for buckets, _ in grams)])
    columns, values = (np.concatenate([gram[i] for gram in grams]) for i in (0, 1))
    return sp.csr_matrix((values, columns, ends), shape=(len(grams), BUCKETS), dtype=np.float32)
