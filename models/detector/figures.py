"""From held-out logits to what is shown: F1 by source with intervals, calibration, and how far it carries to sources left out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sources import MEASURED, SOURCES, Rows

from unmoor.detectors.model import HEADS, Verdict
from unmoor.detectors.verdict import judged_kind

__all__ = ["calibration", "figures", "judged", "kinds"]

_DRAWS, _SEED = 2000, 7


Judged = tuple[np.ndarray, np.ndarray]
"""Chance and kind of every row."""


def judged(rows: Rows, logits: dict[str, np.ndarray]) -> Judged:
    """Return (chance, kind) of every row by the detector's own rules over calibrated logits: chance 0 where they turn a refusal
    down or nothing has the detector look, kind one of the behaviours that refuse.
    """
    found = []
    looked_at = rows.seen | rows.passes
    for view, is_looked_at, *heads in zip(rows.views, looked_at, *(logits[head] for head in HEADS), strict=True):
        verdict = Verdict(*(1 / (1 + np.exp(-np.clip(heads, -30, 30)))).tolist())
        found.append((is_looked_at and judged_kind(view, verdict)) or ("", 0.0))
    return np.array([chance for _, chance in found]), np.array([kind for kind, _ in found])


def figures(rows: Rows, judgements: Judged, half: int | None) -> dict[str, dict[str, dict[str, float]]]:
    """Return, by source, the figures of any and full refusals."""
    chances, behaviours = judgements
    said = chances >= 0.5
    claims = {"any": said, "full": said & (behaviours != "refusal.partial")}
    truths = {"any": rows.labels["any"] == 1, "full": rows.labels["full"] == 1}
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name in (*SOURCES, *MEASURED, "written"):
        for what, claimed in claims.items():
            mask = (rows.source == name) & (rows.half == half if half is not None else True)
            if mask.any() and truths[what][mask].any():
                found.setdefault(name, {})[what] = _f1(truths[what][mask], claimed[mask])
    return found


def kinds(rows: Rows, judgements: Judged, half: int | None) -> dict[str, float]:
    """Return, by source, how often the kind of a full refusal that was found as one is right (cannot against should not)."""
    chances, behaviours = judgements
    said = (chances >= 0.5) & (behaviours != "refusal.partial") & (rows.labels["cannot"] >= 0)
    right = (behaviours == "refusal.capability") == (rows.labels["cannot"] == 1)
    masks = {
        name: said & (rows.source == name) & (rows.half == half if half is not None else True)
        for name in (*MEASURED, "written")
    }
    return {name: round(float(right[mask].mean()), 4) for name, mask in masks.items() if mask.any()}


def calibration(rows: Rows, judgements: Judged) -> list[dict[str, float]]:
    """Return, by tenth of probability, how many held-out rows of the labelled sources there are and what share refuses."""
    chances, _ = judgements
    inside = np.isin(rows.source, [name for name in SOURCES if SOURCES[name].language == "en"])
    found = []
    for tenth in range(10):
        mask = inside & (np.minimum(9, (chances * 10).astype(int)) == tenth)
        share = float((rows.labels["any"][mask] == 1).mean()) if mask.any() else 0.0
        found.append({"from": tenth / 10, "rows": int(mask.sum()), "refusing": round(share, 3)})
    return found


def _f1(truth: np.ndarray, said: np.ndarray) -> dict[str, float]:
    tp, fp, fn = int((truth & said).sum()), int((~truth & said).sum()), int((truth & ~said).sum())
    low, high = _interval(tp, fp, fn, len(truth))
    return {
        "positives": tp + fn,
        "precision": round(tp / max(1, tp + fp), 4),
        "recall": round(tp / max(1, tp + fn), 4),
        "f1": round(2 * tp / max(1, 2 * tp + fp + fn), 4),
        "f1_low": low,
        "f1_high": high,
    }


def _interval(tp: int, fp: int, fn: int, rows: int) -> tuple[float, float]:
    """Return F1's 95% bootstrap interval over rows (percentile method)."""
    cells: Any = np.array([tp, fp, fn, max(0, rows - tp - fp - fn)], dtype=float)
    draws = np.random.default_rng(_SEED).multinomial(int(cells.sum()), cells / cells.sum(), size=_DRAWS)
    scores = 2 * draws[:, 0] / np.maximum(1, 2 * draws[:, 0] + draws[:, 1] + draws[:, 2])
    return round(float(np.percentile(scores, 2.5)), 4), round(float(np.percentile(scores, 97.5)), 4)
