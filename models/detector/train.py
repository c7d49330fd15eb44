"""From labelled sets and generated rows to the detector's weights, with held-out and leave-one-source-out figures.

    python models/detector/train.py --data FOLDER        # FOLDER/labelled/*.jsonl.gz and FOLDER/raw/gsm8k_alpaca.jsonl.gz

Only sets whose licence allows it are read (`SOURCES`); non-commercial ones are for measuring alone. Prompts, not rows, are split.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent))
from rows import make_rows

from unmoor.detectors.features import BUCKETS, DENSE, dense_features, ngram_features
from unmoor.detectors.model import HEADS
from unmoor.detectors.normalise import normalise
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import view_turn
from unmoor.languages import load_packs, pack_codes

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE.parents[1] / "src" / "unmoor" / "detectors" / "weights" / "refusal.npz"
FOLDS = 5
C = 10.0
"""Inverse regularisation; 3 to 30 differ by less than 0.01 F1 on the tuning half."""
NGRAM_SCALE, DENSE_SCALE = 2.0, 0.7
SLOPE_SOURCES = (
    "xstest",
    "chatgpt_refusals",
    "openai_rbr_gold",
    "speechmap_gold",
    "issuebench_stance",
    "silver_when2call",
)


@dataclass(frozen=True, slots=True)
class Source:
    """A set that may be trained on: its licence, its weight beside the square root of its size, rows taken at most, language."""

    licence: str
    weight: float = 1.0
    at_most: int = 100_000
    language: str = "en"


SOURCES: dict[str, Source] = {
    "xstest": Source("CC-BY-4.0", 2.0),
    "chatgpt_refusals": Source("MIT"),
    "openai_rbr_gold": Source("MIT", 1.5),
    "speechmap_gold": Source("Apache-2.0", 6.0),
    "issuebench_stance": Source("CC-BY-4.0"),
    "silver_when2call": Source("Apache-2.0"),
    "silver_k_overrefusal_ko": Source("MIT", language="ko"),
    "silver_speechmap_zh_fi": Source("Apache-2.0", language="zh"),
    "weak_swiss_fr_de_it": Source("MIT", at_most=3000, language="fr,de"),
}


@dataclass(slots=True)
class Rows:
    """Every row of every source that phrases or signs touch: features, labels (-1 unknown), source, fold, half."""

    ngram: Any
    dense: np.ndarray
    labels: dict[str, np.ndarray]
    source: np.ndarray
    fold: np.ndarray
    half: np.ndarray
    missed: dict[tuple[str, int], int]


def prompt_key(row: dict[str, Any]) -> str:
    """Return what rows are split by: the prompt, or where it is not given the item's number."""
    return row["prompt"].strip().lower() or row["id"].rsplit("-", 3)[0]


def split_of(key: str, parts: int, salt: str = "") -> int:
    """Return which of `parts` a prompt belongs to."""
    return hashlib.md5((salt + key).encode(), usedforsecurity=False).digest()[0] % parts


def read_source(folder: Path, name: str) -> list[dict[str, Any]]:
    """Return a source's rows that count: unambiguous ones, judges in agreement; RBR's ambiguous rows only for their propositions."""
    with gzip.open(folder / "labelled" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rows = [
        row for row in rows if row.get("judges_agree", True) and (name == "openai_rbr_gold" or not row.get("ambiguous"))
    ]
    rows = [row for row in rows if row["lang"] in pack_codes()]
    return sorted(rows, key=lambda row: split_of(str(row["id"]), 251, "order"))[: SOURCES[name].at_most]


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


def sums_source(folder: Path) -> list[dict[str, Any]]:
    """Return ordinary sums with worked answers: certain negatives."""
    with gzip.open(folder / "raw" / "gsm8k_alpaca.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][:4000]
    return [
        {"id": str(i), "prompt": row["instruction"], "response": row["output"], "label": "compliance", "kind": ""}
        for i, row in enumerate(rows)
    ]


class Featuriser:
    """Turns labelled rows into features with the very code that the detector runs."""

    def __init__(self) -> None:
        self._phrases = Phrases(load_packs())

    def features(self, row: dict[str, Any], has_tools: bool) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]] | None:
        """Return (dense, (buckets, weights)), or None where the detector would not look closer."""
        folded = normalise(row["response"])
        view = view_turn(
            self._phrases, row["response"], folded, self._phrases.candidates(folded.text), row["prompt"], has_tools
        )
        return (dense_features(view), ngram_features(view)) if view else None


def labels_of(name: str, row: dict[str, Any], dense: np.ndarray) -> dict[str, int]:
    """Return the label of a row for each head: 1, 0, or -1 where the source does not say."""
    refuses, full, kind = row["label"] != "compliance", row["label"] == "full_refusal", row.get("kind")
    found = {"any": int(refuses), "full": int(full) if refuses else -1, "cannot": -1, "judgement": -1}
    if row.get("ambiguous"):
        found["any"] = found["full"] = -1
    if full and kind in ("cannot", "should_not"):
        found["cannot"] = int(kind == "cannot")
    elif (
        full
        and name in ("xstest", "speechmap_gold", "issuebench_stance")
        and not dense[DENSE.index("belief capability")]
    ):
        found["cannot"] = 0
    if "attrs" in row:
        found["judgement"] = int(bool(row["attrs"].get("judgement")))
    elif name in ("sums", "silver_when2call", "made"):
        found["judgement"] = int(row.get("group") == "lecture") if row.get("group") != "should_not" else -1
    return found


def gather(folder: Path) -> Rows:
    """Read and featurise every source."""
    made = Featuriser()
    named = {name: read_source(folder, name) for name in SOURCES} | {"made": made_source(), "sums": sums_source(folder)}
    dense, grams, labels, source, keys, missed = [], [], [], [], [], {}
    for name, rows in named.items():
        for row in rows:
            found = made.features(row, name == "silver_when2call")
            key = prompt_key(row)
            if found is None:
                half = split_of(key, 2, "half")
                missed[name, half] = missed.get((name, half), 0) + int(
                    row["label"] != "compliance" and not row.get("ambiguous")
                )
                continue
            dense.append(found[0])
            grams.append(found[1])
            labels.append(labels_of(name, row, found[0]))
            source.append(name)
            keys.append(key)
        print(f"{name}: {len(rows)} rows", flush=True)
    return Rows(
        ngram=_sparse(grams),
        dense=np.array(dense, dtype=np.float32),
        labels={head: np.array([label[head] for label in labels]) for head in HEADS},
        source=np.array(source),
        fold=np.array([split_of(key, FOLDS, "fold") for key in keys]),
        half=np.array([split_of(key, 2, "half") for key in keys]),
        missed=missed,
    )


def _sparse(grams: list[tuple[np.ndarray, np.ndarray]]) -> Any:
    ends = np.cumsum([0, *(len(buckets) for buckets, _ in grams)])
    columns, values = (np.concatenate([gram[i] for gram in grams]) for i in (0, 1))
    return sp.csr_matrix((values, columns, ends), shape=(len(grams), BUCKETS), dtype=np.float32)


def row_weights(rows: Rows) -> np.ndarray:
    """Return weights: sources count by the square root of their size, times their own weight; made rows for more."""
    weights = np.zeros(len(rows.source))
    for name in set(rows.source):
        mask = rows.source == name
        own = SOURCES[name].weight if name in SOURCES else {"made": 3.0, "sums": 1.0}[name]
        weights[mask] = own * np.sqrt(len(weights) / 8 / mask.sum())
    return weights


def fit(rows: Rows, head: str, chosen: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Train one head on the chosen rows that have a label; returns a function from row mask to logits."""
    model = trained(rows, head, chosen)
    design = _design(rows)
    return lambda mask: np.asarray(model.decision_function(design[mask]))


def trained(rows: Rows, head: str, chosen: np.ndarray) -> LogisticRegression:
    """Return the fitted regression of one head."""
    chosen = chosen & (rows.labels[head] >= 0)
    return LogisticRegression(C=C, max_iter=4000).fit(
        _design(rows)[chosen], rows.labels[head][chosen], sample_weight=row_weights(rows)[chosen]
    )


def _design(rows: Rows) -> Any:
    return sp.hstack([rows.ngram * NGRAM_SCALE, sp.csr_matrix(rows.dense * DENSE_SCALE)]).tocsr()


def held_out(rows: Rows, head: str) -> np.ndarray:
    """Return logits for every row from a model that never saw its prompt."""
    logits = np.zeros(len(rows.source))
    for fold in range(FOLDS):
        inside = rows.fold == fold
        logits[inside] = fit(rows, head, ~inside)(inside)
    return logits


def slope(rows: Rows, head: str, logits: np.ndarray) -> float:
    """Return the factor that calibrates held-out logits on the human and silver English sources (Platt, without a shift)."""
    mask = np.isin(rows.source, SLOPE_SOURCES) & (rows.labels[head] >= 0)
    if mask.sum() < 50 or len(set(rows.labels[head][mask])) < 2:
        return 1.0
    return float(
        LogisticRegression(fit_intercept=False, C=100).fit(logits[mask][:, None], rows.labels[head][mask]).coef_[0, 0]
    )


def figures(rows: Rows, logits: np.ndarray, half: int | None) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield (source, precision, recall, F1) of any refusal; refusals that the gate missed count as missed."""
    for name in SOURCES:
        mask = (rows.source == name) & (rows.half == half if half is not None else True) & (rows.labels["any"] >= 0)
        if mask.any():
            truth, said = rows.labels["any"][mask] == 1, logits[mask] > 0
            lost = sum(count for (source, h), count in rows.missed.items() if source == name and half in (None, h))
            tp, fp, fn = int((truth & said).sum()), int((~truth & said).sum()), int((truth & ~said).sum()) + lost
            yield (
                name,
                {
                    "n": int(mask.sum()),
                    "precision": tp / max(1, tp + fp),
                    "recall": tp / max(1, tp + fn),
                    "f1": 2 * tp / max(1, 2 * tp + fp + fn),
                },
            )


def without_source(rows: Rows) -> dict[str, float]:
    """Return, for each source, the F1 of a model that never saw the source."""
    found = {}
    for name in SOURCES:
        outside = rows.source != name
        if (~outside).any():
            logits = np.zeros(len(rows.source))
            logits[~outside] = fit(rows, "any", outside)(~outside)
            found[name] = dict(figures(rows, logits, None))[name]["f1"]
    return found


def save(rows: Rows, slopes: dict[str, float]) -> None:
    """Train every head on all rows and write the weights: float16 n-grams, float32 dense ones, scales folded in."""
    every = np.ones(len(rows.source), dtype=bool)
    models = [trained(rows, head, every) for head in HEADS]
    factors = np.array([slopes[head] for head in HEADS])[:, None]
    coefficients = np.vstack([model.coef_ for model in models]) * factors
    languages = sorted({code for name in set(rows.source) & set(SOURCES) for code in SOURCES[name].language.split(",")})
    WEIGHTS.parent.mkdir(exist_ok=True)
    np.savez(
        WEIGHTS,
        ngram=(coefficients[:, :BUCKETS] * NGRAM_SCALE).astype(np.float16),
        dense=(coefficients[:, BUCKETS:] * DENSE_SCALE).astype(np.float32),
        bias=(np.array([model.intercept_[0] for model in models]) * factors[:, 0]).astype(np.float32),
        features=np.array(DENSE),
        languages=np.array(languages),
    )


def main() -> None:
    """Train, measure, write weights and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="weights only, no leave-one-source-out figures")
    arguments = parser.parse_args()
    rows = gather(arguments.data)
    logits = {head: held_out(rows, head) for head in HEADS}
    slopes = {head: slope(rows, head, logits[head]) for head in HEADS}
    report = {
        "tuning half": dict(figures(rows, logits["any"], 0)),
        "reporting half": dict(figures(rows, logits["any"], 1)),
        "slopes": slopes,
    }
    save(rows, slopes)
    if not arguments.quick:
        report["leave one source out"] = without_source(rows)
    (HERE / "figures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name, values in report["reporting half"].items():
        print(name, json.dumps({k: round(v, 3) for k, v in values.items()}))


if __name__ == "__main__":
    main()
