"""From a persona to the same persona with each sentence left out in turn, and from the answers to which sentence does the work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from unmoor.errors import UsageError
from unmoor.evaluation.compare import Judged, contrast, with_holm
from unmoor.evaluation.scopes import scopes_of
from unmoor.serving import Persona

__all__ = ["ablated", "ablation_rows", "sentences_of"]

_END = re.compile(r"(?<=[.!?;])\s+|(?<=[。！？；])\s*|\n+")


_GOES_ON = re.compile(
    r"(?:\A(?:\(?\d{1,3}|\(?[a-z])[.)]"
    r"|(?<![^\W\d_])(?:e\.g|i\.e|z\.\s?b|d\.\s?h|p\.\s?ex|t\.\s?ex|bzw|ca|approx|dr|mr|mrs|ms|st|vs|no|nr|prof|cf|incl)\.)\Z",
    re.IGNORECASE,
)
"""A part that is an item's number alone, or ends in an abbreviation: no sentence of its own."""


def sentences_of(system: str) -> list[str]:
    """Return the sentences of a system prompt; a part that ends in a semicolon is one, an item's number goes with its words."""
    sentences: list[str] = []
    for part in (part.strip() for part in _END.split(system.strip()) if part and part.strip()):
        if sentences and _GOES_ON.search(sentences[-1]):
            sentences[-1] = f"{sentences[-1]} {part}"
        else:
            sentences.append(part)
    return sentences


def ablated(persona: Persona) -> dict[Persona, str]:
    """Return a persona for each sentence of `persona`, without it; the value is the sentence that is missing.

    Raises:
        UsageError: there are not two sentences to tell apart.
    """
    sentences = sentences_of(persona.system)
    if len(sentences) < 2:
        raise UsageError(f'The persona "{persona.name}" has {len(sentences)} sentences: leaving one out shows nothing')
    variants = {}
    for index, left_out in enumerate(sentences):
        rest = " ".join(sentences[:index] + sentences[index + 1 :])
        variants[replace(persona, name=f"{persona.name} without {index + 1}", system=rest)] = left_out
    return variants


def ablation_rows(
    judged: Sequence[Judged], models: Sequence[str], persona: Persona, variants: dict[Persona, str]
) -> list[dict[str, Any]]:
    """Return one row per model, suite and sentence: how many prompts are refused only with it (`only_a`) and only without it
    (`only_b`),
    the difference of the rates with its paired interval, the exact p-value and the one that Holm corrected for all rows.
    """
    scopes = scopes_of(one.answer for one in judged)
    suites = dict.fromkeys(scopes.whole(one.answer) for one in judged)
    refused: dict[tuple[str, str, str], dict[str, bool]] = {}
    for one in judged:
        place = (one.answer.model, one.answer.persona, scopes.whole(one.answer))
        refused.setdefault(place, {})[one.answer.id] = one.is_refusal
    together = {one.answer.id: one.together for one in judged}
    rows = [
        {"model": model, "persona": persona.name, "group": suite, "sentence": sentence}
        | contrast(refused[model, persona.name, suite], refused[model, variant.name, suite], together)
        for model in models
        for suite in suites
        for variant, sentence in variants.items()
        if (model, variant.name, suite) in refused
    ]
    return with_holm(rows)
