"""From labelled sets and generated rows to the detector's weights, with held-out and leave-one-source-out figures.

    python models/detector/train.py --data FOLDER        # FOLDER/labelled and FOLDER/raw (gsm8k_alpaca, gpteacher_toolformer)
    python models/detector/train.py --data FOLDER --kind # the head that tells cannot from should not alone; all else stays

Only sets whose licence allows it are trained on (`sources.py`); non-commercial ones are for measuring alone. Prompts are split,
not rows.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent))
from figures import calibration, figures, judged, kinds
from gate import Gate, held_out_passes, save_gate
from sources import FOLDS, MEASURED, SOURCES, SPOKEN, Rows, gather

from unmoor.detectors.features import DENSE
from unmoor.detectors.grams import BUCKETS
from unmoor.detectors.model import HEADS

HERE = Path(__file__).resolve().parent
KINDS = "cannot against should not"
"""What the figures of the head of that name are called."""
WEIGHTS = HERE.parents[1] / "src" / "unmoor" / "detectors" / "weights" / "refusal.npz"
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
class Head:
    """How a head is trained: inverse regularisation, weights of generated rows, of written ones, of ordinary ones, and of rows that
    do not refuse; on `all` rows, or on those alone that phrases have one look at.
    """

    c: float
    made: float
    written: float = 0.0
    ordinary: float = 0.0
    complying: float = 1.0
    all: bool = False


TRAINING: dict[str, Head] = {
    "any": Head(3.0, 4.0),
    "full": Head(3.0, 1.0, complying=0.3),
    "cannot": Head(1.0, 4.0, written=1.0, all=True),
    "unnamed": Head(0.5, 4.0, written=1.0, ordinary=15.0, all=True),
    "unnamed full": Head(3.0, 1.0, written=1.0, ordinary=1.0, complying=0.3, all=True),
}
"""Chosen on the tuning half of the prompts, among five values of each number; neighbours differ by less than 0.01 F1. Those of the
last three on written answers, file by file, besides, and those of `unnamed` by how many of Alpaca's rows are flagged. With written
rows among what they learn from, the first two heads found more of such rows, flagged three times as many of Alpaca's, and lost on
sets that others labelled."""
GATE = Head(0.0, 1.0, written=1.5, ordinary=6.0, all=True)
"""How rows count for the looks at first words."""


def row_weights(rows: Rows, head: Head) -> np.ndarray:
    """Return weights: sources count by the square root of their size, times their own weight; 0 for what is not trained on."""
    pool = (rows.has_hits | (head.all & rows.is_spoken)) & ~np.isin(rows.source, MEASURED)
    named = {"made": head.made, "written": head.written, "ordinary": head.ordinary, "tools": float(head.all)}
    own = {name: SOURCES[name].weight if name in SOURCES else named.get(name, 1.0) for name in set(rows.source[pool])}
    pool &= np.isin(rows.source, [name for name, weight in own.items() if weight])
    weights = np.zeros(len(rows.source))
    for name, weight in own.items():
        mask = pool & (rows.source == name)
        weights[mask] = weight * np.sqrt(pool.sum() / 8 / max(1, mask.sum()))
    return np.where(rows.labels["any"] == 0, weights * head.complying, weights)


def fit(rows: Rows, head: str, chosen: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Train one head on the chosen rows that have a label; returns a function from row mask to logits."""
    model = trained(rows, head, chosen)
    design = _design(rows)
    return lambda mask: np.asarray(model.decision_function(design[mask]))


def trained(rows: Rows, head: str, chosen: np.ndarray) -> LogisticRegression:
    """Return the fitted regression of one head; rows that are for measuring alone are never among the chosen."""
    weights = row_weights(rows, TRAINING[head])
    chosen = chosen & (rows.labels[head] >= 0) & (weights > 0)
    return LogisticRegression(C=TRAINING[head].c, max_iter=4000).fit(
        _design(rows)[chosen], rows.labels[head][chosen], sample_weight=weights[chosen]
    )


def _design(rows: Rows) -> Any:
    return sp.hstack([rows.ngram * NGRAM_SCALE, sp.csr_matrix(rows.dense * DENSE_SCALE)]).tocsr()


def held_out(rows: Rows, head: str) -> np.ndarray:
    """Return logits for every row from a model that never saw its prompt; measured sets from one that saw nothing of them."""
    logits = np.zeros(len(rows.source))
    for fold in range(FOLDS):
        inside = rows.fold == fold
        logits[inside] = fit(rows, head, ~inside)(inside)
    only_measured = np.isin(rows.source, MEASURED)
    logits[only_measured] = fit(rows, head, ~only_measured)(only_measured)
    return logits


def slope(rows: Rows, head: str, logits: np.ndarray) -> float:
    """Return the factor that calibrates held-out logits on the human and silver English sources (Platt, without a shift)."""
    mask = np.isin(rows.source, SLOPE_SOURCES) & (rows.labels[head] >= 0) & (rows.has_hits | TRAINING[head].all)
    if mask.sum() < 50 or len(set(rows.labels[head][mask])) < 2:
        return 1.0
    return float(
        LogisticRegression(fit_intercept=False, C=100).fit(logits[mask][:, None], rows.labels[head][mask]).coef_[0, 0]
    )


def without_source(rows: Rows, slopes: dict[str, float], floors: list[float]) -> dict[str, dict[str, float]]:
    """Return, for each source, the figures of a model that never saw the source."""
    found = {}
    passes = rows.passes
    for name in SOURCES:
        inside = rows.source == name
        if inside.any():
            gate = Gate(rows, ~inside, row_weights(rows, GATE))
            rows.passes = np.where(inside, gate.passes(floors) & rows.is_spoken, passes)
            logits = {head: np.zeros(len(inside)) for head in HEADS}
            for head in ("any", "unnamed"):
                logits[head][inside] = slopes[head] * fit(rows, head, ~inside)(inside)
            found[name] = figures(rows, judged(rows, logits), None)[name]["any"]
    rows.passes = passes
    return found


def save(rows: Rows, slopes: dict[str, float], heads: Sequence[str] = HEADS) -> None:
    """Train heads on all rows and write the weights: float16 n-grams, float32 dense ones, scales folded in. Other heads' stay."""
    every = np.ones(len(rows.source), dtype=bool)
    models = [trained(rows, head, every) for head in heads]
    factors = np.array([slopes[head] for head in heads])[:, None]
    coefficients = np.vstack([model.coef_ for model in models]) * factors
    weights = {
        "ngram": (coefficients[:, :BUCKETS] * NGRAM_SCALE).astype(np.float16),
        "dense": (coefficients[:, BUCKETS:] * DENSE_SCALE).astype(np.float32),
        "bias": (np.array([model.intercept_[0] for model in models]) * factors[:, 0]).astype(np.float32),
    }
    if len(heads) < len(HEADS):
        places = [HEADS.index(head) for head in heads]
        with np.load(WEIGHTS) as shipped:
            kept = {name: shipped[name] for name in weights}
        for name, values in weights.items():
            kept[name][places] = values
        weights = kept
    WEIGHTS.parent.mkdir(exist_ok=True)
    np.savez(WEIGHTS, **weights, features=np.array(DENSE), languages=np.array(SPOKEN))


def report(rows: Rows, logits: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the held-out figures of both halves, apart and together."""
    judgements = judged(rows, logits)
    halves = {"tuning half": 0, "reporting half": 1, "both halves": None}
    found: dict[str, Any] = {name: figures(rows, judgements, half) for name, half in halves.items()}
    found[KINDS] = {name: kinds(rows, judgements, half) for name, half in halves.items()}
    return found | {"calibration": calibration(rows, judgements)}


def main() -> None:
    """Train, measure, write weights and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="weights only, no leave-one-source-out figures")
    parser.add_argument("--kind", action="store_true", help="the head of cannot and should not alone, and its figures")
    parser.add_argument("--show", default="tuning half", help="the half whose figures are printed")
    arguments = parser.parse_args()
    rows = gather(arguments.data)
    rows.passes, floors = held_out_passes(rows, row_weights(rows, GATE))
    if not arguments.kind:
        save_gate(rows, row_weights(rows, GATE), floors)
    raw = {head: held_out(rows, head) for head in HEADS}
    slopes = {head: slope(rows, head, raw[head]) for head in HEADS}
    found = report(rows, {head: raw[head] * slopes[head] for head in HEADS}) | {"slopes": slopes}
    save(rows, slopes, ("cannot",) if arguments.kind else HEADS)
    if arguments.kind:
        shipped = json.loads((HERE / "figures.json").read_text(encoding="utf-8"))
        found = shipped | {KINDS: found[KINDS], "slopes": shipped["slopes"] | {"cannot": slopes["cannot"]}}
    elif not arguments.quick:
        found["leave one source out"] = without_source(rows, slopes, floors)
    (HERE / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, values in found[arguments.show].items():
        print(name, json.dumps(values))  # noqa: T201 - a script
    print(json.dumps(found[KINDS][arguments.show]), json.dumps(slopes))  # noqa: T201 - a script


if __name__ == "__main__":
    main()
