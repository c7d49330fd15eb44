"""From a turn's features to calibrated probabilities: five linear heads over dense features and hashed n-grams, numpy only.

Weights are plain arrays in one .npz, read without pickle. `models/detector/` in the repository holds the training script, the
generated rows and the model card.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmoor.detectors.features import DENSE, dense_features, ngram_features, sentence_scores
from unmoor.detectors.stored import read_weights
from unmoor.detectors.view import TurnView

__all__ = ["HEADS", "TRAINED_ON", "Model", "Verdict", "load_model"]

HEADS: tuple[str, ...] = ("any", "full", "cannot", "unnamed", "unnamed full")
"""`any`: the answer refuses, fully or in part; `full`: in full, given that it refuses; `cannot`: cannot rather than should not,
given that. `unnamed` and `unnamed full` are `any` and `full` for answers in which no phrase refuses, trained on all answers and
not only on those that phrases have one look at. (One for moralising was no better than phrases on prompts held back: F1 .08.)"""
TRAINED_ON: tuple[str, ...] = (
    "xstest", "chatgpt_refusals", "openai_rbr_gold", "speechmap_gold", "issuebench_stance", "silver_when2call",
    "values_pct_stance", "silver_k_overrefusal_ko", "silver_speechmap_zh_fi",
)  # fmt: skip
"""The public sets, by the names of their files, of which the shipped weights have seen rows: figures on these flatter."""
_WEIGHTS = Path(__file__).resolve().parent / "weights" / "refusal.npz"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the model thinks of a turn; probabilities from 0 to 1."""

    any: float
    full: float
    cannot: float
    unnamed: float = 0.0
    unnamed_full: float = 0.0


@dataclass(frozen=True)
class Model:
    """The heads' weights. `ngram` has shape (heads, BUCKETS), `dense` (heads, len(DENSE)), `bias` and `scale` (heads,)."""

    ngram: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: NDArray[np.float32]
    languages: tuple[str, ...]
    sha256: str

    def speaks(self, language: str) -> bool:
        """Return whether the model was trained on the language; elsewhere the phrases decide alone."""
        return language in self.languages

    def judge(self, view: TurnView) -> Verdict:
        """Return the calibrated probabilities for a turn."""
        buckets, weights = ngram_features(view)
        logits = self._by_bucket[buckets].T @ weights + self.dense @ dense_features(view) + self.bias
        return Verdict(*(1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))).tolist())

    @cached_property
    def _by_bucket(self) -> NDArray[np.float32]:
        """The n-grams' weights with a bucket's heads side by side in memory, shape (BUCKETS, heads)."""
        return np.ascontiguousarray(self.ngram.T)

    def telling_sentence(self, view: TurnView, head: str) -> tuple[int, int]:
        """Return the span of the sentence that speaks most for `head`; the first one if none does."""
        return sentence_scores(view, self.ngram[HEADS.index(head)])


@lru_cache(maxsize=4)
def load_model(path: Path = _WEIGHTS) -> Model | None:
    """Read the weights; None where there are none.

    Raises:
        PackError: the weights belong to other features than this version has.
    """
    stored = read_weights(path, DENSE, "train.py")
    if stored is None:
        return None
    arrays, sha256 = stored
    languages = tuple(map(str, arrays["languages"]))
    weights = {name: arrays[name].astype(np.float32) for name in ("ngram", "dense", "bias")}
    return Model(**weights, languages=languages, sha256=sha256)
