"""From our own rows, and ordinary answers as negatives, to the weights of the model of lectures, with held-out figures.

    python models/detector/train_lectures.py --data FOLDER      # the folder of train.py: labelled/ and raw/
    python models/detector/train_lectures.py --data FOLDER --keep-english     # after new rows in other languages alone

Nothing with a non-commercial licence is trained on. Rows are split by prompt.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lecture_rows import LectureRow, languages, lecture_rows
from rows import make_rows

from unmoor.detectors.grams import BUCKETS
from unmoor.detectors.lectures import CALM_DOUBT, DENSE, is_calm, sentence_features
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.structure import read_answer
from unmoor.detectors.turn import asked_of
from unmoor.languages import load_packs

HERE = Path(__file__).resolve().parent
WEIGHTS = HERE.parents[1] / "src" / "unmoor" / "detectors" / "weights" / "lecture.npz"
FIGURES = HERE / "lecture_figures.json"
BY_LANGUAGE = "by language, recall and look-alikes from .70"
FOLDS = 5
NGRAM_SCALE, DENSE_SCALE, C = 6.0, 0.5, 0.5
POSITIVE_WEIGHT = 3.0
"""How much a sentence that lectures counts beside one that does not, which are some twenty times as many."""
CLEANED_FROM = 0.8
"""Sentences of others' answers, whose lectures nobody marked, are left out from this held-out probability on."""
OTHERS_SHARE = 0.0005
ALIKE_SHARE = 0.03
"""Share of the sentences of another language than English that do not lecture, most written to look so, that may get .70."""
FEW_ALIKE, DOUBT_OF_FEW = 40, 1.0
"""Sentences from which that share says something, and what is taken from a logit at least where there are fewer."""
LEAD = 0.9
"""Share of the sentences that are found to whose logit place and request add no more than the second look takes for granted."""
MADE = ("introduced", "support", "ordinary", "disclaimed_short", "cannot_self", "cannot_tool", "answered_opinion")
"""Groups of generated rows (`rows.py`) in which nobody is lectured."""
LABELLED = (
    "chatgpt_refusals",
    "issuebench_stance",
    "speechmap_gold",
    "silver_when2call",
    "values_pct_stance",
    "xstest",
)
"""Sets whose complying answers are ordinary ones to this model: all may be trained on (see `sources.py`)."""
RAW = (
    "gsm8k_alpaca",
    "gpteacher_toolformer",
    "lf_glaive_toolcall_en",
    "fastchat_dummy",
    "oasst_fr_top1",
    "ja_vicuna_qa",
)
RAW_ROWS = 1200


@dataclass(slots=True)
class Sample:
    """Sentences with features and labels; `language` is that of our own rows, and none of others'; `is_english`: as
    far as its words tell; `is_apart`: for certain no part
    of a text that was asked for."""

    buckets: list[np.ndarray]
    dense: list[np.ndarray]
    lectures: list[bool]
    fold: list[int]
    language: list[str]
    is_english: list[bool]
    is_apart: list[bool]


def fold_of(prompt: str) -> int:
    """Return the fold of a prompt."""
    return hashlib.md5(prompt.strip().lower().encode(), usedforsecurity=False).digest()[0] % FOLDS


def ordinary(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (request, answer) of answers that hold few lectures."""
    for name in LABELLED:
        for row in _rows(folder / "labelled" / f"{name}.jsonl.gz"):
            if row["label"] == "compliance" and not row.get("ambiguous"):
                yield row["prompt"], row["response"]
    for name in RAW:
        for row in _rows(folder / "raw" / f"{name}.jsonl.gz", RAW_ROWS):
            yield from _exchanges(row)


def _rows(path: Path, most: int | None = None) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for number, line in enumerate(lines) if most is None or number < most]


def _exchanges(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "instruction" in row:
        yield f"{row['instruction']}\n{row.get('input') or ''}", row.get("output") or row.get("response") or ""
        return
    turns = [(turn.get("role") or turn["from"], turn.get("content") or turn.get("value") or "") for turn in _turns(row)]
    for (asker, asked), (speaker, said) in pairwise(turns):
        if asker in ("user", "human") and speaker in ("assistant", "gpt"):
            yield asked, said


def _turns(row: dict[str, Any]) -> list[dict[str, str]]:
    return list(row.get("messages") or row.get("conversations") or ())


def gather(folder: Path) -> Sample:
    """Read and featurise everything."""
    phrases = Phrases(load_packs())
    sample = Sample([], [], [], [], [], [], [])
    for made in make_rows():
        if made.group in MADE:
            _add(sample, phrases, LectureRow("en", made.prompt, made.response, ()))
    for language in languages():
        for row in lecture_rows(language):
            _add(sample, phrases, row)
    for request, said in ordinary(folder):
        if said.strip():
            _add(sample, phrases, LectureRow("", request, said, ()))
    return sample


def _add(sample: Sample, phrases: Phrases, row: LectureRow) -> None:
    said, answer, fold = row.answer, read_answer(row.answer, phrases.labels), fold_of(row.prompt)
    stems = phrases.stems_of(phrases.languages.route(fold_text(said)))
    folded, asks = asked_of(phrases, row.prompt)
    for one in sentence_features(answer, folded, asks, stems):
        sample.buckets.append(one.buckets)
        sample.dense.append(one.dense)
        sample.lectures.append(any(a <= (one.start + one.end) // 2 < b for a, b in row.spans))
        sample.fold.append(fold)
        sample.language.append(row.language)
        sample.is_english.append(not stems.others)
        sample.is_apart.append(one.is_own)


def design(sample: Sample) -> Any:
    """Return the matrix of sentences by features."""
    ends = np.cumsum([0, *map(len, sample.buckets)])
    values = np.concatenate([np.full(len(b), NGRAM_SCALE / np.sqrt(max(1, len(b)))) for b in sample.buckets])
    grams = sp.csr_matrix((values, np.concatenate(sample.buckets), ends), shape=(len(sample.buckets), BUCKETS))
    return sp.hstack([grams, sp.csr_matrix(np.array(sample.dense) * DENSE_SCALE)]).tocsr()


def fitted(matrix: Any, labels: np.ndarray) -> LogisticRegression:
    """Return the regression of some rows."""
    weights = np.where(labels, POSITIVE_WEIGHT, 1.0)
    return LogisticRegression(C=C, max_iter=4000).fit(matrix, labels, sample_weight=weights)


def held_out(matrix: Any, labels: np.ndarray, folds: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return logits from models that never saw the prompt."""
    logits = np.zeros(len(labels))
    for fold in range(FOLDS):
        inside = folds == fold
        logits[inside] = fitted(matrix[~inside & used], labels[~inside & used]).decision_function(matrix[inside])
    return logits


@dataclass(frozen=True)
class Fitted:
    """One set of weights, the calibrated logit of every sentence from a model that never saw its prompt, and which was used:
    sentences of others' answers that look like lectures, which nobody marked, are left out."""

    coefficients: np.ndarray
    bias: float
    logits: np.ndarray
    is_used: np.ndarray


def fit(sample: Sample, matrix: Any, chosen: np.ndarray) -> Fitted:
    """Train on the chosen sentences; calibrated on those of English, which is where most ordinary answers are."""
    labels, folds = np.array(sample.lectures), np.array(sample.fold)
    own, is_english = np.array(sample.language) != "", np.array(sample.is_english)
    raw = held_out(matrix, labels, folds, chosen)
    is_used = chosen & (own | (_chances(raw, _slope(raw[chosen], labels[chosen])) < CLEANED_FROM))
    raw = held_out(matrix, labels, folds, is_used)
    told = is_used & is_english & np.array(sample.is_apart)
    slope = _shifted(_slope(raw[told], labels[told]), raw[told & ~own])
    model = fitted(matrix[is_used], labels[is_used])
    return Fitted(
        model.coef_[0] * slope[0], model.intercept_[0] * slope[0] + slope[1], raw * slope[0] + slope[1], is_used
    )


def main() -> None:
    """Train, measure, write weights and figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep-english", action="store_true", help="leave the weights and figures for English texts")
    options = parser.parse_args()
    sample = gather(options.data)
    matrix, labels, language = design(sample), np.array(sample.lectures), np.array(sample.language)
    in_english = np.array(sample.is_english) & np.isin(language, ["en", ""])
    english, others = fit(sample, matrix, in_english), fit(sample, matrix, np.ones(len(labels), dtype=bool))
    doubts = _doubts(others.logits, labels, language)
    doubted = others.logits - np.array([doubts.get(code, 0.0) for code in language])
    calm = english.logits - CALM_DOUBT * np.array(list(map(is_calm, sample.dense)))
    chances = _chances(np.where(in_english, calm, doubted), (1.0, 0.0))
    coefficients = np.vstack([english.coefficients, others.coefficients])
    weights = {
        "ngram": (coefficients[:, :BUCKETS] * NGRAM_SCALE).astype(np.float16),
        "dense": (coefficients[:, BUCKETS:] * DENSE_SCALE).astype(np.float32),
        "bias": np.array([english.bias, others.bias], dtype=np.float32),
        "lead": np.array(
            [
                _lead(sample, english.coefficients, labels & in_english & (chances >= 0.5)),
                _lead(sample, others.coefficients, labels & ~in_english & (chances >= 0.5)),
            ],
            dtype=np.float32,
        ),
    }
    if options.keep_english:
        _keep_english(weights)
    np.savez(
        WEIGHTS,
        **weights,
        features=np.array(DENSE),
        languages=np.array(list(doubts)),
        doubts=np.array(list(doubts.values()), dtype=np.float32),
    )
    found = _figures(sample, chances, np.where(in_english, english.is_used, others.is_used))
    if options.keep_english:
        stored = json.loads(FIGURES.read_text(encoding="utf-8"))
        found = {**stored, BY_LANGUAGE: {**found[BY_LANGUAGE], "en": stored[BY_LANGUAGE]["en"]}}
    FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))  # noqa: T201 - a script


def _keep_english(weights: dict[str, np.ndarray]) -> None:
    """Put the stored set of weights for English texts in place of the new one."""
    with np.load(WEIGHTS) as stored:
        for name, values in weights.items():
            values[0] = stored[name][0]


def _figures(sample: Sample, chances: np.ndarray, is_used: np.ndarray) -> dict[str, Any]:
    labels, language, is_apart = np.array(sample.lectures), np.array(sample.language), np.array(sample.is_apart)
    own = language != ""
    return {
        "sentences": len(labels),
        "that lecture": int(labels.sum()),
        "left out as unmarked lectures": int((~is_used).sum()),
        "held out": {
            f"{at:.2f}": {
                "recall": round(float((chances[labels & is_apart] >= at).mean()), 4),
                "of ours that look alike": round(float((chances[own & ~labels & is_apart] >= at).mean()), 4),
                "of others'": round(float((chances[~own & is_used & is_apart] >= at).mean()), 5),
            }
            for at in (0.5, 0.7, 0.8)
        },
        BY_LANGUAGE: {
            code: [round(float((chances[(language == code) & mask] >= 0.7).mean()), 3) for mask in (labels, ~labels)]
            for code in languages()
        },
    }


def _lead(sample: Sample, coefficients: np.ndarray, chosen: np.ndarray) -> float:
    """Return how much place and request add to the logit of most sentences that are found."""
    added = np.array(sample.dense)[chosen] @ (coefficients[BUCKETS:] * DENSE_SCALE)
    return float(np.quantile(added, LEAD))


def _slope(logits: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Return slope and shift that calibrate held-out logits (Platt)."""
    model = LogisticRegression(C=100).fit(logits[:, None], labels)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def _shifted(slope: tuple[float, float], others: np.ndarray) -> tuple[float, float]:
    """Return the calibration moved so that of others' sentences, which seldom lecture, one in two thousand gets .70."""
    at = float(np.quantile(others, 1 - OTHERS_SHARE)) * slope[0]
    return slope[0], float(np.log(0.7 / 0.3)) - at


def _doubts(logits: np.ndarray, labels: np.ndarray, language: np.ndarray) -> dict[str, float]:
    """Return by language what to take from a held-out logit; from an English one nothing: others' answers calibrate it."""
    found = {"en": 0.0}
    for code in languages():
        if code != "en":
            alike = logits[(language == code) & ~labels]
            told = float(np.quantile(alike, 1 - ALIKE_SHARE)) - float(np.log(0.7 / 0.3))
            found[code] = told if len(alike) >= FEW_ALIKE else max(told, DOUBT_OF_FEW)
    return found


def _chances(logits: np.ndarray, slope: tuple[float, float]) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(logits * slope[0] + slope[1]))))


if __name__ == "__main__":
    main()
