"""From rows to the two looks at an answer's first words, which let through what the model is to judge though no phrase names it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sources import FOLDS, MEASURED, Rows

from unmoor.detectors.grams import BUCKETS
from unmoor.detectors.openings import SHAPE

__all__ = ["Gate", "held_out_passes", "save_gate"]

WEIGHTS = Path(__file__).resolve().parents[2] / "src" / "unmoor" / "detectors" / "weights" / "opening.npz"
SCALE, C = 4.0, 1.0
SEEN_WEIGHT = 0.3
"""What a row counts that phrases have the detector look at anyway, beside one that they do not."""
SHARES = (0.2, 0.04)
"""Share of ordinary written answers, full of words of refusals, that the first and the second look let through."""


class Gate:
    """Both looks, trained on the chosen rows; `weights` are those of the rows."""

    def __init__(self, rows: Rows, chosen: np.ndarray, weights: np.ndarray) -> None:
        chosen = chosen & rows.is_spoken & (rows.labels["any"] >= 0) & (weights > 0) & ~np.isin(rows.source, MEASURED)
        weights = np.where(rows.seen, weights * SEEN_WEIGHT, weights)
        designs = [
            sp.hstack([grams * SCALE, sp.csr_matrix(rows.shape)]).tocsr() for grams in (rows.first, rows.opening)
        ]
        self.models = [
            LogisticRegression(C=C, max_iter=4000).fit(
                design[chosen], rows.labels["any"][chosen], sample_weight=weights[chosen]
            )
            for design in designs
        ]
        self.logits = [
            np.asarray(model.decision_function(design)) for model, design in zip(self.models, designs, strict=True)
        ]

    def passes(self, floors: list[float]) -> np.ndarray:
        """Return which rows get through both looks."""
        return passing(self.logits, floors)


def passing(logits: list[np.ndarray], floors: list[float]) -> np.ndarray:
    """Return which rows get through both looks, by the logit from which each lets one through."""
    return (logits[0] >= floors[0]) & (logits[1] >= floors[1])


def held_out_passes(rows: Rows, weights: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """Return which rows get through looks that never saw their prompt, and the floors: from which logit on each lets one through.

    Floors are set by the logits of ordinary answers that the looks never saw either.
    """
    logits = [np.zeros(len(rows.source)) for _ in SHARES]
    for fold in range(FOLDS):
        inside = rows.fold == fold
        gate = Gate(rows, ~inside, weights)
        for held, said in zip(logits, gate.logits, strict=True):
            held[inside] = said[inside]
    first, second = (held[(rows.source == "ordinary") & ~rows.seen] for held in logits)
    floor = float(np.quantile(first, 1 - SHARES[0]))
    floors = [floor, float(np.quantile(np.where(first >= floor, second, -np.inf), 1 - SHARES[1]))]
    return passing(logits, floors) & rows.is_spoken, floors


def save_gate(rows: Rows, weights: np.ndarray, floors: list[float]) -> None:
    """Train both looks on all rows and write the weights, scales and floors folded in."""
    gate = Gate(rows, np.ones(len(rows.source), dtype=bool), weights)
    coefficients = np.vstack([model.coef_ for model in gate.models])
    np.savez(
        WEIGHTS,
        ngram=(coefficients[:, :BUCKETS] * SCALE).astype(np.float16),
        shape=coefficients[:, BUCKETS:].astype(np.float32),
        bias=np.array([m.intercept_[0] - f for m, f in zip(gate.models, floors, strict=True)], dtype=np.float32),
        features=np.array(SHAPE),
    )
