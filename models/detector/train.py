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
from collections.abc import Callable
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
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.turn import view_turn
from unmoor.detectors.verdict import LEARNED_ONLY_FROM, PHRASE_LOGIT
from unmoor.languages import STRENGTHS, load_packs, pack_codes

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
    missed: dict[tuple[str, int], list[int]]


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
    rows = [row for row in rows if row.get("judges_agree", True) and not row.get("ambiguous")]
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
        view = view_turn(self._phrases, row["response"], row["prompt"], has_tools=has_tools)
        return (dense_features(view), ngram_features(view)) if view else None


def labels_of(name: str, row: dict[str, Any], dense: np.ndarray) -> dict[str, int]:
    """Return the label of a row for each head: 1, 0, or -1 where the source does not say."""
    refuses, full, kind = row["label"] != "compliance", row["label"] == "full_refusal", row.get("kind")
    found = {"any": int(refuses), "full": int(full) if refuses else -1, "cannot": -1}
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
    named = {name: read_source(folder, name) for name in SOURCES} | {"made": made_source(), "sums": sums_source(folder)}
    dense, grams, labels, source, keys, missed = [], [], [], [], [], {}
    for name, rows in named.items():
        for row in rows:
            found = made.features(row, name == "silver_when2call")
            key = prompt_key(row)
            if found is None:
                _count_missed(missed, (name, split_of(key, 2)), row)
                continue
            dense.append(found[0])
            grams.append(found[1])
            labels.append(labels_of(name, row, found[0]))
            source.append(name)
            keys.append(key)
        print(f"{name}: {len(rows)} rows", flush=True)  # noqa: T201 - a script
    return Rows(
        ngram=_sparse(grams),
        dense=np.array(dense, dtype=np.float32),
        labels={head: np.array([label[head] for label in labels]) for head in HEADS},
        source=np.array(source),
        fold=np.array([split_of(key, FOLDS, "fold") for key in keys]),
        half=np.array([split_of(key, 2) for key in keys]),
        missed=missed,
    )


def _count_missed(missed: dict[tuple[str, int], list[int]], key: tuple[str, int], row: dict[str, Any]) -> None:
    """Count a row that the gate lets go: any refusal, full refusal."""
    counts = missed.setdefault(key, [0, 0])
    counts[0] += int(row["label"] != "compliance")
    counts[1] += int(row["label"] == "full_refusal")


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


def decided(rows: Rows, logits: np.ndarray) -> np.ndarray:
    """Return where the detector would report a refusal: its own rules on top of the logits (see `detectors/verdict.py`)."""
    column = {
        name: rows.dense[:, DENSE.index(name)] for name in ("belief any", "no refusal phrase", "request.sensitive")
    }
    needed = np.log(LEARNED_ONLY_FROM / (1 - LEARNED_ONLY_FROM)) * (column["request.sensitive"] < 0.5)
    supported = logits + PHRASE_LOGIT * (column["belief any"] >= STRENGTHS["likely"])
    return np.where(column["no refusal phrase"] > 0.5, logits >= needed, supported >= 0)


def figures(rows: Rows, logits: dict[str, np.ndarray], half: int | None) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by source, the figures of any and full refusals; refusals that the gate missed count as missed."""
    said = decided(rows, logits["any"])
    claims = {"any": said, "full": said & (logits["full"] >= 0)}
    truths = {
        "any": rows.labels["any"] == 1,
        "full": (rows.labels["any"] == 1) & (rows.labels["full"] == 1),
    }
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in SOURCES:
        for what, claimed in claims.items():
            mask = (rows.source == name) & (rows.labels["any"] >= 0) & (rows.half == half if half is not None else True)
            if mask.any() and truths[what][mask].any():
                lost = {"any": 0, "full": 1}[what]
                missed = sum(n[lost] for (source, h), n in rows.missed.items() if source == name and half in (None, h))
                found.setdefault(name, {})[what] = _f1(truths[what][mask], claimed[mask], missed)
    return found


def _f1(truth: np.ndarray, said: np.ndarray, missed: int) -> dict[str, float]:
    tp, fp, fn = int((truth & said).sum()), int((~truth & said).sum()), int((truth & ~said).sum()) + missed
    return {
        "positives": tp + fn,
        "precision": round(tp / max(1, tp + fp), 4),
        "recall": round(tp / max(1, tp + fn), 4),
        "f1": round(2 * tp / max(1, 2 * tp + fp + fn), 4),
    }


def without_source(rows: Rows) -> dict[str, dict[str, float]]:
    """Return, for each source, the figures of a model that never saw the source."""
    found = {}
    for name in SOURCES:
        inside = rows.source == name
        if inside.any():
            logits = {head: np.zeros(len(inside)) for head in HEADS}
            logits["any"][inside] = fit(rows, "any", ~inside)(inside)
            found[name] = figures(rows, logits, None)[name]["any"]
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
        "tuning half": figures(rows, logits, 0),
        "reporting half": figures(rows, logits, 1),
        "both halves": figures(rows, logits, None),
        "slopes": slopes,
    }
    save(rows, slopes)
    if not arguments.quick:
        report["leave one source out"] = without_source(rows)
    (HERE / "figures.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for name, values in report["reporting half"].items():
        print(name, json.dumps(values))  # noqa: T201 - a script


if __name__ == "__main__":
    main()
