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
    return [" ".join(system[start:end].split()) for start, end in _spans(system)]


def ablated(persona: Persona) -> dict[Persona, str]:
    """Return a persona for each sentence of `persona`, without it and else as it is; the value is the sentence that is missing.

    Raises:
        UsageError: there are not two sentences to tell apart.
    """
    spans = _spans(persona.system)
    if len(spans) < 2:
        raise UsageError(f'The persona "{persona.name}" has {len(spans)} sentences: leaving one out shows nothing')
    return {
        replace(persona, name=f"{persona.name} without {number}", system=_without(persona.system, *span)): sentence
        for number, (span, sentence) in enumerate(zip(spans, sentences_of(persona.system), strict=True), 1)
    }


def _spans(system: str) -> list[tuple[int, int]]:
    """Return where each sentence begins and ends, in code points."""
    spans: list[tuple[int, int]] = []
    breaks = [(found.start(), found.end()) for found in _END.finditer(system)]
    starts, ends = [0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(system)]
    for part_start, part_end in zip(starts, ends, strict=True):
        part = system[part_start:part_end]
        if not part.strip():
            continue
        start, end = part_end - len(part.lstrip()), part_start + len(part.rstrip())
        if spans and _GOES_ON.search(system[slice(*spans[-1])]):
            start = spans.pop()[0]
        spans.append((start, end))
    return spans


def _without(text: str, start: int, end: int) -> str:
    """Return `text` without a sentence and one of the two gaps around it: the one that parts lines, with the next line's indent."""
    head, tail = text[:start].rstrip(), text[end:].lstrip()
    if not head:
        return text[:start] + tail
    if not tail:
        return head + text[end:]
    before, after = text[len(head) : start], text[end : len(text) - len(tail)]
    if "\n" not in after:
        return head + (before or after) + tail
    if before.count("\n") > after.count("\n"):
        after = before[: before.rindex("\n") + 1] + after[after.rindex("\n") + 1 :]
    return head + after + tail


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
