"""From an answer's first words to whether it may decline without a phrase that a pack knows: two looks, some microseconds each.

A quarter of the refusals that avoid set words ("Her password stays hers.") hold no phrase and no sign of one, so that nothing would
look at them closely. The first look weighs single words; the second, at what is left, up to three in a row, and lets through one
ordinary answer in a hundred. What passes is judged by the model; nothing is found by these looks alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unmoor.detectors.grams import all_grams, bucket_of, encoded, weighed
from unmoor.detectors.pieces import spaced
from unmoor.detectors.stored import read_weights

__all__ = ["LONGEST", "SHAPE", "Openings", "load_openings", "opening_grams", "opening_shape", "opening_words"]

_CHARS, _MOST_WORDS = 300, 40
"""Code points and words of an answer that are looked at."""
_MOST_KNOWN = 20_000
"""Words whose weights are remembered; then all are forgotten, as texts without end hold words without end."""
_STEPS = (60, 150, 300, 800, 2000)
LONGEST = 3
"""Words in a row that the second look weighs."""
SHAPE: tuple[str, ...] = ("chars", *(f"up to {step} chars" for step in _STEPS))
"""Names of the numbers that say how long an answer is."""
_FIELD = b"h"
_WEIGHTS = Path(__file__).resolve().parent / "weights" / "opening.npz"


def opening_words(folded: Sequence[str]) -> list[list[str]]:
    """Return the first words of each of many folded answers, a full stop for every one."""
    found: list[list[str]] = [[] for _ in folded]
    for place, line in spaced([text[:_CHARS] for text in folded]):
        found[place] = line.replace("\n", " . ").split()[:_MOST_WORDS]
    return found


def opening_shape(chars: int) -> NDArray[np.float32]:
    """Return how long an answer is, in numbers: shape (len(SHAPE),)."""
    return np.array([math.log1p(chars) / 9, *(chars <= step for step in _STEPS)], dtype=np.float32)


def opening_grams(words: Sequence[str], longest: int) -> NDArray[np.int64]:
    """Return the buckets of the n-grams of an opening; of more than one word the start and the end are among them."""
    return all_grams(_FIELD, encoded(words if longest == 1 else _marked(words)), longest)


def _marked(words: Sequence[str]) -> list[str]:
    return ["\x02", *words, "\x03", "\x03"]


class _Weights(dict[str, float]):
    """What a word weighs in the first look, worked out when it is first met."""

    def __init__(self, by_bucket: NDArray[np.float32]) -> None:
        super().__init__()
        self._by_bucket = by_bucket

    def __missing__(self, word: str) -> float:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[word] = weight = float(self._by_bucket[bucket_of(_FIELD, word)])
        return weight


@dataclass(frozen=True)
class Openings:
    """Both looks: `ngram` has shape (2, BUCKETS), `shape` (2, len(SHAPE)), `bias` (2,): from 0 on an answer passes."""

    ngram: NDArray[np.float32]
    shape: NDArray[np.float32]
    bias: NDArray[np.float32]
    sha256: str
    _known: _Weights = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_known", _Weights(self.ngram[0]))

    def may_decline(self, folded: Sequence[str]) -> list[int]:
        """Return which of many folded answers may decline, by their first words."""
        if not folded:
            return []
        first, second = self._by_length(folded)
        said = opening_words(folded)
        weight = self._known.__getitem__
        likely = [
            place
            for place, (words, length) in enumerate(zip(said, first.tolist(), strict=True))
            if words and sum(map(weight, words)) / math.sqrt(len(words)) + length >= 0.0
        ]
        if not likely:
            return []
        sums, counts = weighed(_FIELD, [encoded(_marked(said[place])) for place in likely], LONGEST, self.ngram[1])
        passes = sums / np.sqrt(counts) + second[likely] >= 0.0
        return [place for place, is_passed in zip(likely, passes.tolist(), strict=True) if is_passed]

    def _by_length(self, folded: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what the length of each answer adds to either look; no product of matrices, which rounds by how many there are."""
        chars = np.fromiter(map(len, folded), dtype=np.int64, count=len(folded))
        first, second = (np.full(len(folded), bias, dtype=np.float64) for bias in self.bias)
        steps = (np.log1p(chars) / 9, *((chars <= step).astype(np.float64) for step in _STEPS))
        for column, numbers in enumerate(steps):
            first += numbers * float(self.shape[0, column])
            second += numbers * float(self.shape[1, column])
        return first, second


@lru_cache(maxsize=2)
def load_openings(path: Path = _WEIGHTS) -> Openings | None:
    """Read the weights; None where there are none.

    Raises:
        PackError: the weights belong to other features than this version has.
    """
    stored = read_weights(path, SHAPE, "train.py")
    if stored is None:
        return None
    arrays, sha256 = stored
    ngram, shape, bias = (arrays[name].astype(np.float32) for name in ("ngram", "shape", "bias"))
    return Openings(ngram, shape, bias, sha256)
