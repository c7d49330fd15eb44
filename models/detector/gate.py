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
        self.floors = [0.0, 0.0]

    def set_floors(self, ordinary: list[np.ndarray]) -> None:
        """Set from which logit on each look lets an answer through, by the logits of ordinary ones that it never saw."""
        first, second = ordinary
        self.floors[0] = float(np.quantile(first, 1 - SHARES[0]))
        passed = np.where(first >= self.floors[0], second, -np.inf)
        self.floors[1] = float(np.quantile(passed, 1 - SHARES[1]))

    def passes(self) -> np.ndarray:
        """Return which rows get through both looks."""
        return (self.logits[0] >= self.floors[0]) & (self.logits[1] >= self.floors[1])


def held_out_passes(rows: Rows, weights: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return which rows get through looks that never saw their prompt, and the logits of ordinary ones, by which floors are set."""
    logits = [np.zeros(len(rows.source)) for _ in SHARES]
    for fold in range(FOLDS):
        inside = rows.fold == fold
        gate = Gate(rows, ~inside, weights)
        for held, said in zip(logits, gate.logits, strict=True):
            held[inside] = said[inside]
    ordinary = [held[(rows.source == "ordinary") & ~rows.seen] for held in logits]
    every = Gate.__new__(Gate)
    every.logits, every.floors = logits, [0.0, 0.0]
    every.set_floors(ordinary)
    return every.passes() & rows.is_spoken, ordinary


def save_gate(rows: Rows, weights: np.ndarray, ordinary: list[np.ndarray]) -> None:
    """Train both looks on all rows and write the weights, scales and floors folded in."""
    gate = Gate(rows, np.ones(len(rows.source), dtype=bool), weights)
    gate.set_floors(ordinary)
    coefficients = np.vstack([model.coef_ for model in gate.models])
    np.savez(
        WEIGHTS,
        ngram=(coefficients[:, :BUCKETS] * SCALE).astype(np.float16),
        shape=coefficients[:, BUCKETS:].astype(np.float32),
        bias=np.array([m.intercept_[0] - f for m, f in zip(gate.models, gate.floors, strict=True)], dtype=np.float32),
        features=np.array(SHAPE),
    )
