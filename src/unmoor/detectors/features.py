"""From a turn taken apart to the numbers that the learned model weighs: dense ones (phrases, structure) and hashed n-grams.

Dense features mean the same in every language, so they carry over to packs without labelled data; n-grams of the answer's
opening and closing and of the request say the rest where labels were to be had.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from unmoor.detectors.grams import encoded, found_tokens, grams, tokens
from unmoor.detectors.phrases import Hit
from unmoor.detectors.view import TurnView
from unmoor.records import REFUSALS

__all__ = ["DENSE", "dense_features", "ngram_features", "sentence_scores"]

_OPENING, _CLOSING, _BODY, _REQUEST = 48, 40, 320, 70
"""Tokens looked at: at the start, at the end, in all (first and last half), and of the request (from either end)."""

_COUNTED = (
    "refusal.policy",
    "refusal.partial",
    "refusal.capability",
    "disclaimer.identity",
    "disclaimer.professional",
    "moralising",
    "bias.evasion",
    "bias.stance",
    "identity.vendor",
    "sign.apology",
    "sign.inability",
    "sign.self",
    "sign.norms",
    "sign.caution",
    "sign.redirect",
    "sign.turn",
    "sign.answer",
    "sign.engage",
)
_ASKED = (
    "request.text",
    "request.rewrite",
    "request.persona",
    "request.opinion",
    "request.ability",
    "request.sensitive",
    "request.argue",
    "request.private",
    "request.self",
)
_PLACES = ("count", "density", "opening", "closing", "doubted")
_NOWHERE = (0.0,) * len(_PLACES)
DENSE: tuple[str, ...] = (
    *(f"{behaviour}:{place}" for behaviour in _COUNTED for place in _PLACES),
    *_ASKED,
    *(f"{asked}&opening refusal" for asked in _ASKED),
    *(f"{asked}&disclaimer" for asked in _ASKED),
    *(f"{asked}&opening inability" for asked in _ASKED),
    "belief policy", "belief capability", "belief any", "no refusal phrase",
    "chars", "sentences", "short", "long", "items", "headings", "code", "quotes", "letter",
    "first refusal at", "first sign at", "refused share", "signed share",
    "chars after refusal", "turns after refusal", "answered after refusal",
    "request chars", "request words answered", "tools", "question ending", "only question", "reasoning", "ends with redirect",
    "multiple norms", "opening sentence chars",
)  # fmt: skip
"""Names of the dense features, in their order."""


def dense_features(view: TurnView) -> NDArray[np.float32]:
    """Return the dense features of a turn: shape (len(DENSE),), most of them between 0 and 1."""
    values: list[float] = []
    by_behaviour: dict[str, list[Hit]] = {}
    weighed = [hit for hit in view.hits if hit.phrase.weighed]
    for hit in weighed:
        by_behaviour.setdefault(hit.phrase.behaviour, []).append(hit)
    for behaviour in _COUNTED:
        values += _places(view, by_behaviour[behaviour]) if behaviour in by_behaviour else _NOWHERE
    refusals = [hit for hit in weighed if hit.phrase.behaviour in REFUSALS and not hit.doubt]
    opening = any(_is_opening(view, hit) for hit in refusals)
    disclaims = any(hit.phrase.behaviour in ("disclaimer.identity", "bias.evasion") for hit in weighed)
    unable = any(hit.phrase.behaviour == "sign.inability" and _is_opening(view, hit) for hit in weighed)
    asked = [float(name in view.asks) for name in _ASKED]
    values += asked
    values += [value * opening for value in asked]
    values += [value * disclaims for value in asked]
    values += [value * unable for value in asked]
    values += _beliefs(refusals)
    values += _shape(view)
    values += _course(view, refusals)
    values += _rest(view)
    return np.array(values, dtype=np.float32)


def _places(view: TurnView, hits: list[Hit]) -> list[float]:
    own = [hit for hit in hits if not hit.doubt]
    sentences = {hit.sentence[0] for hit in own}
    return [
        min(len(sentences), 5) / 5,
        len(sentences) / max(1, len(view.answer.sentences.spans)),
        float(any(_is_opening(view, hit) for hit in own)),
        float(any(view.answer.from_end(hit.start) <= 1 for hit in own)),
        float(len(own) < len(hits)),
    ]


def _is_opening(view: TurnView, hit: Hit) -> bool:
    return view.answer.ordinal(hit.start) <= 1


def _beliefs(refusals: list[Hit]) -> list[float]:
    policy = max((hit.belief for hit in refusals if hit.phrase.behaviour == "refusal.policy"), default=0.0)
    capability = max((hit.belief for hit in refusals if hit.phrase.behaviour == "refusal.capability"), default=0.0)
    return [policy, capability, max(policy, capability), float(not refusals)]


def _shape(view: TurnView) -> list[float]:
    answer = view.answer
    chars = len(answer.text.strip())
    return [
        math.log1p(chars) / 9,
        math.log1p(len(answer.sentences.spans)) / 4,
        float(chars < 250),
        float(chars > 1500),
        min(answer.items, 8) / 8,
        min(answer.headings, 5) / 5,
        float(bool(answer.code)),
        min(len(answer.quotes), 5) / 5,
        float(answer.is_letter),
    ]


def _course(view: TurnView, refusals: list[Hit]) -> list[float]:
    """What comes first, how much of the answer it takes, what follows it."""
    answer = view.answer
    total = max(1, len(answer.text))
    signs = [
        hit
        for hit in view.hits
        if hit.phrase.weighed
        and hit.phrase.behaviour in ("sign.apology", "sign.inability", "sign.self")
        and not hit.doubt
    ]
    first = min((hit.start for hit in refusals), default=-1)
    end = max((hit.sentence[1] for hit in refusals), default=0)
    turned = [hit for hit in view.hits if hit.phrase.behaviour == "sign.turn" and refusals and hit.start >= first]
    after = answer.chars_after(end) if refusals else 0
    return [
        first / total if refusals else 1.0,
        min((hit.start for hit in signs), default=total) / total,
        _covered(refusals) / total,
        _covered(signs) / total,
        math.log1p(after) / 9 if refusals else 0.0,
        float(bool(turned)),
        float(bool(turned) and after > 300),
    ]


def _covered(hits: Iterable[Hit]) -> int:
    return sum(end - start for start, end in {hit.sentence for hit in hits})


def _rest(view: TurnView) -> list[float]:
    answer, text = view.answer, view.answer.text.rstrip()
    content = {word for word in found_tokens(view.request[:2000]) if len(word) > 4}
    said = content.intersection(found_tokens(view.folded.text[:4000]))
    norms = {hit.sentence for hit in view.hits if hit.phrase.behaviour == "sign.norms"}
    redirects = [
        hit for hit in view.hits if hit.phrase.behaviour == "sign.redirect" and answer.from_end(hit.start) == 0
    ]
    spans = answer.sentences.spans
    first = spans[0][1] - spans[0][0] if spans else 0
    return [
        math.log1p(len(view.request)) / 9,
        len(said) / max(1, len(content)),
        float(view.has_tools),
        float(text.endswith(("?", "？", "؟"))),
        float(text.endswith(("?", "？", "؟")) and len(spans) <= 2),
        float(bool(answer.reasoning)),
        float(bool(redirects)),
        float(len(norms) >= 3),
        math.log1p(first) / 7,
    ]


def ngram_features(view: TurnView) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return (buckets, weights) of the hashed n-grams of a turn; each field's weights have length one together."""
    said = _own_words(view)
    body = tokens(said[: _BODY * 14], said[-_BODY * 7 :] if len(said) > _BODY * 14 else "")
    words = encoded(body if len(body) <= _BODY else body[: _BODY // 2] + body[-_BODY // 2 :])
    request = tokens(view.request[:1500], view.request[-800:] if len(view.request) > 1500 else "")
    asked = encoded(request if len(request) <= 2 * _REQUEST else request[:_REQUEST] + request[-_REQUEST:])
    fields = (
        (b"o", words[:_OPENING], 3, 1.0),
        (b"c", words[-_CLOSING:], 2, 0.7),
        (b"a", words, 2, 0.8),
        (b"r", asked, 2, 0.7),
    )
    buckets = [grams(name, said, longest) for name, said, longest, _ in fields]
    weights = [scale / math.sqrt(max(1, len(found))) for found, (_, _, _, scale) in zip(buckets, fields, strict=True)]
    return np.concatenate(buckets), np.repeat(np.array(weights, dtype=np.float32), list(map(len, buckets)))


def _own_words(view: TurnView) -> str:
    """Return the folded answer without the phrases that others speak in it: quoted, in code, in dialogue, asked for."""
    said = view.folded.text
    cut: list[tuple[int, int]] = []
    for start, end in sorted((hit.start, hit.end) for hit in view.hits if hit.doubt):
        if cut and start < cut[-1][1]:
            cut[-1] = (cut[-1][0], max(end, cut[-1][1]))
        else:
            cut.append((start, end))
    for start, end in reversed(cut):
        said = said[: view.folded.place(start)] + " " + said[view.folded.place(end - 1) + 1 :]
    return said


_SENTENCES = 60
"""Sentences compared when evidence is looked for; a refusal further down has shown itself before."""


def sentence_scores(view: TurnView, weights: NDArray[np.float32]) -> tuple[int, int]:
    """Return the span of the sentence whose words weigh most; `weights` has shape (BUCKETS,)."""
    best, best_score = (view.answer.body, len(view.answer.text.rstrip())), -np.inf
    for start, end in view.answer.sentences.spans[:_SENTENCES]:
        if end - start < 12:
            continue
        words = tokens(view.folded.text[view.folded.place(start) : view.folded.place(end - 1) + 1], "")[:_OPENING]
        buckets = grams(b"a", encoded(words), 2)
        score = float(weights[buckets].sum()) / math.sqrt(len(buckets)) if len(buckets) else -np.inf
        if score > best_score:
            best, best_score = (start, end), score
    return best
