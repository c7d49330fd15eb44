"""From short texts to groups that share their words: k-means on TF-IDF with cosine distance (spherical k-means).

Deterministic: the first centres are drawn by k-means++ with a written seed, everything after that is arithmetic. The texts are few
(the sample is bounded), so every step looks at all of them. Memory is bounded by the terms kept and by working in blocks.

Sources: Dhillon and Modha, Machine Learning 42 (2001), 143-175; Arthur and Vassilvitskii, SODA (2007), 1027-1035.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Grouping", "group"]

SEED = 20
MOST_GROUPS = 160
TEXTS_PER_GROUP = 20
"""Few enough that a subject of some dozens of requests has a group of its own, enough that a test of one can tell something."""
FEWEST_TEXTS = 30
_MOST_TERMS = 20_000
_ROUNDS = 12
_BLOCK = 256
"""Texts compared with all centres at once: some 256 x 12 terms x 160 groups x 4 bytes = 2 MB, which a cache holds."""
_NAMED_TERMS = 6
_FEWEST_NAMING, _LEAST_NAMING_SHARE = 2, 0.1
"""A term that fewer texts of a group hold, or less of them, does not name it, where another does."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """`labels` has the group of each text, -1 for one without a known term; `terms` what names each group, the best first."""

    labels: list[int]
    terms: list[list[str]]


def group(texts: Sequence[frozenset[str]]) -> Grouping:
    """Return the groups of texts, each given as its distinct terms; no group where the texts are too few."""
    vectors = _vectors(texts)
    count = min(MOST_GROUPS, len(vectors.kept) // TEXTS_PER_GROUP)
    if len(vectors.kept) < FEWEST_TEXTS or count < 2:
        return Grouping([-1] * len(texts), [])
    centres = _first_centres(vectors, count)
    labels = _nearest(vectors, centres)
    for _ in range(_ROUNDS):
        centres = _means(vectors, labels, centres)
        moved = _nearest(vectors, centres)
        if (moved == labels).all():
            break
        labels = moved
    whole = [-1] * len(texts)
    for place, label in zip(vectors.kept, labels.tolist(), strict=True):
        whole[place] = label
    return Grouping(whole, _names(vectors, labels, count))


@dataclass(frozen=True, slots=True)
class _Vectors:
    """Rows of unit length in sparse form: the terms of text i stand at `starts[i]` to `starts[i + 1]`; `kept` are its places."""

    vocabulary: list[str]
    kept: list[int]
    starts: NDArray[np.int64]
    terms: NDArray[np.int64]
    weights: Floats

    def span(self, text: int) -> slice:
        return slice(self.starts[text], self.starts[text + 1])


def _vectors(texts: Sequence[frozenset[str]]) -> _Vectors:
    """Weigh each term by how rare it is; terms of one text alone tell nothing of groups."""
    import numpy as np

    frequency = Counter(term for text in texts for term in text)
    known = sorted((term for term, count in frequency.items() if count > 1), key=lambda t: (-frequency[t], t))
    vocabulary = known[:_MOST_TERMS]
    number = {term: index for index, term in enumerate(vocabulary)}
    rarity = np.array([1.0 + math.log(len(texts) / frequency[term]) for term in vocabulary])
    kept, starts, terms, weights = [], [0], [], []
    for place, text in enumerate(texts):
        here = np.array(sorted(number[term] for term in text if term in number), dtype=np.int64)
        if here.size:
            kept.append(place)
            terms.append(here)
            weights.append(rarity[here] / np.sqrt((rarity[here] ** 2).sum()))
            starts.append(starts[-1] + here.size)
    whole: Any = np.concatenate
    return _Vectors(
        vocabulary,
        kept,
        np.array(starts),
        whole(terms) if terms else np.array([], dtype=np.int64),
        whole(weights).astype(np.float32) if weights else np.array([], dtype=np.float32),
    )


def _likeness(vectors: _Vectors, centres: Floats, first: int, last: int) -> Floats:
    """Return the cosine of texts `first` to before `last` with each centre, shape (texts, groups)."""
    import numpy as np

    span = slice(vectors.starts[first], vectors.starts[last])
    products = centres[vectors.terms[span]] * vectors.weights[span, None]
    likeness: Floats = np.add.reduceat(products, vectors.starts[first:last] - vectors.starts[first], axis=0)
    return likeness


def _nearest(vectors: _Vectors, centres: Floats) -> NDArray[np.int64]:
    import numpy as np

    count = len(vectors.kept)
    blocks = [(first, min(first + _BLOCK, count)) for first in range(0, count, _BLOCK)]
    return np.concatenate([_likeness(vectors, centres, *block).argmax(axis=1) for block in blocks])


def _first_centres(vectors: _Vectors, count: int) -> Floats:
    """Draw texts that are far from each other, as k-means++ does; shape (terms, groups)."""
    import numpy as np

    draw = np.random.default_rng(SEED)
    centres = np.zeros((len(vectors.vocabulary), count), dtype=np.float32)
    best = np.zeros(len(vectors.kept), dtype=np.float32)
    chosen = int(draw.integers(len(vectors.kept)))
    for index in range(count):
        span = vectors.span(chosen)
        centres[vectors.terms[span], index] = vectors.weights[span]
        best = np.maximum(best, _likeness(vectors, centres[:, [index]], 0, len(vectors.kept))[:, 0])
        far = np.clip(1 - best, 0, None)
        if not far.sum() > 1e-9:
            return centres[:, : index + 1]
        chosen = int(np.searchsorted(np.cumsum(far), draw.random() * far.sum()).clip(0, far.size - 1))
    return centres


def _means(vectors: _Vectors, labels: NDArray[np.int64], centres: Floats) -> Floats:
    """Return the direction of each group's sum; a group without a text keeps its centre."""
    import numpy as np

    sizes = np.diff(vectors.starts)
    summed = np.zeros_like(centres)
    np.add.at(summed, (vectors.terms, np.repeat(labels, sizes)), vectors.weights)
    lengths = np.sqrt((summed**2).sum(axis=0))
    return np.where(lengths > 0, summed / np.where(lengths > 0, lengths, 1), centres)


def _names(vectors: _Vectors, labels: NDArray[np.int64], count: int) -> list[list[str]]:
    """Return the terms of largest weight in each group."""
    import numpy as np

    sizes = np.diff(vectors.starts)
    of_term = np.repeat(labels, sizes)
    names = []
    for index in range(count):
        inside = of_term == index
        weight = np.bincount(vectors.terms[inside], vectors.weights[inside], len(vectors.vocabulary))
        held = np.bincount(vectors.terms[inside], minlength=len(vectors.vocabulary))
        is_held = held >= max(_FEWEST_NAMING, _LEAST_NAMING_SHARE * int((labels == index).sum()))
        weight = np.where(is_held, weight, 0) if is_held.any() else weight
        best = np.argsort(-weight, kind="stable")[:_NAMED_TERMS]
        names.append([vectors.vocabulary[term] for term in best.tolist() if weight[term] > 0])
    return names
