"""From the phrases' findings and the model's verdict to the findings of a turn: the model confirms, denies, adds.

One refusal a turn: its kind and probability are the model's, its words are the best phrase's, or the sentence that tells most.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from unmoor.detectors.evidence import MIN_PROBABILITY, finding_at, findings_from, without_doubles
from unmoor.detectors.model import Model, Verdict
from unmoor.detectors.phrases import Hit
from unmoor.detectors.turn import TurnView
from unmoor.languages import STRENGTHS
from unmoor.records import REFUSALS, Finding

__all__ = ["judged_findings"]

LEARNED_ONLY_FROM = 0.60
"""Probability from which a refusal without any refusing phrase is reported, 0.5 where the request is of a nervous kind. Chosen on the tuning half of the prompts: at 0.6 an
ordinary data set has a third fewer false flags than at 0.5, and no source loses more than 0.03 F1."""
PHRASE_LOGIT = 0.8
"""Added to the logit where a refusing phrase stands in the assistant's own words (belief 0.75 or more). Chosen on the tuning half of
the prompts of a set that was not trained on: recall there is four points higher, precision one point lower."""
MORALISING_FROM = 0.5
_MORALISING_WORDS = ("moralising", "sign.norms", "sign.caution")
_STANDS_FOR = (
    "bias.evasion",
    "disclaimer.identity",
    "disclaimer.professional",
    "moralising",
    "sign.inability",
    "sign.redirect",
)
"""Behaviours whose sentence is shown when the model finds a refusal that no refusing phrase names, best first."""


def judged_findings(
    view: TurnView, model: Model | None, turn: int, field: Literal["text", "reasoning"]
) -> list[Finding]:
    """Return the findings of a turn, the model's judgement applied where it was trained on the language."""
    found = findings_from(view, turn, field)
    if model is None or not model.speaks(view.language):
        return without_doubles(found)
    verdict = model.judge(view)
    refusal = _refusal(view, model, verdict, turn, field)
    others = [finding for finding in found if finding.behaviour not in REFUSALS]
    others += (
        _moralising(view, model, verdict, turn, field) if not any(f.behaviour == "moralising" for f in others) else []
    )
    return without_doubles(([refusal] if refusal else []) + others)


def _refusal(
    view: TurnView, model: Model, verdict: Verdict, turn: int, field: Literal["text", "reasoning"]
) -> Finding | None:
    hits = [hit for hit in view.hits if hit.phrase.behaviour in REFUSALS and not hit.doubt]
    chance = _supported(verdict.any) if any(hit.belief >= STRENGTHS["likely"] for hit in hits) else verdict.any
    enough = MIN_PROBABILITY if hits else 0.5 if "request.sensitive" in view.asks else LEARNED_ONLY_FROM
    if chance < enough:
        return None
    behaviour = _kind(verdict)
    if not hits:
        return _learned(view, behaviour, _telling(view, model), turn, field, chance)
    best = min(hits, key=lambda hit: (hit.phrase.behaviour != behaviour, -hit.belief, hit.start))
    return replace(finding_at(view, best, turn, field, chance), behaviour=behaviour, detector="phrases+model")


def _supported(chance: float) -> float:
    odds = chance / max(1e-9, 1.0 - chance) * math.exp(PHRASE_LOGIT)
    return odds / (1.0 + odds)


def _kind(verdict: Verdict) -> str:
    if verdict.full < 0.5:
        return "refusal.partial"
    return "refusal.capability" if verdict.cannot >= 0.5 else "refusal.policy"


def _telling(view: TurnView, model: Model) -> tuple[int, int]:
    for behaviour in _STANDS_FOR:
        own: list[Hit] = [hit for hit in view.hits if hit.phrase.behaviour == behaviour and not hit.doubt]
        if own:
            return own[0].sentence
    return model.telling_sentence(view, "any")


def _moralising(
    view: TurnView, model: Model, verdict: Verdict, turn: int, field: Literal["text", "reasoning"]
) -> list[Finding]:
    if verdict.judgement < MORALISING_FROM:
        return []
    told = [hit for hit in view.hits if hit.phrase.behaviour in _MORALISING_WORDS and not hit.doubt]
    span = told[0].sentence if told else model.telling_sentence(view, "judgement")
    return [_learned(view, "moralising", span, turn, field, verdict.judgement)]


def _learned(
    view: TurnView,
    behaviour: str,
    span: tuple[int, int],
    turn: int,
    field: Literal["text", "reasoning"],
    probability: float,
) -> Finding:
    return Finding(
        behaviour=behaviour,
        turn=turn,
        start_char=span[0],
        end_char=span[1],
        quote=view.answer.text[slice(*span)],
        rule="model",
        probability=round(probability, 4),
        language=view.language,
        detector="model",
        field=field,
        is_reasoning=field == "reasoning" or view.answer.is_reasoning(span[0]),
    )
