"""From a seed and `texts.toml` to labelled training rows: refusals of many kinds and, as many, answers that only look like them."""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KIND_ONLY", "MadeRow", "make_rows"]

SEED = 20231218
_KINDS: dict[str, tuple[int, str, str]] = {
    "cannot_private": (700, "full_refusal", "cannot"),
    "cannot_company": (700, "full_refusal", "cannot"),
    "cannot_news": (600, "full_refusal", "cannot"),
    "cannot_self": (600, "full_refusal", "cannot"),
    "cannot_expert": (120, "full_refusal", "cannot"),
    "cannot_tool": (200, "full_refusal", "cannot"),
    "should_not": (420, "full_refusal", "should_not"),
    "private_declined": (480, "full_refusal", "should_not"),
    "person_declined": (400, "full_refusal", "should_not"),
    "company_declined": (300, "full_refusal", "should_not"),
    "deed_declined": (200, "full_refusal", "should_not"),
    "person_unknown": (400, "full_refusal", "cannot"),
    "company_unknown": (300, "full_refusal", "cannot"),
    "scope_declined": (300, "full_refusal", "should_not"),
    "blocked": (80, "full_refusal", "should_not"),
    "lecture": (220, "full_refusal", "should_not"),
    "essay_refused": (200, "full_refusal", "should_not"),
    "essay_alternative": (60, "partial_refusal", ""),
    "essay_distanced": (100, "partial_refusal", ""),
    "essay_countered": (160, "partial_refusal", ""),
    "argued_everyday": (300, "compliance", ""),
    "introduced": (200, "compliance", ""),
    "disclaimed_short": (300, "compliance", "disclaimer"),
    "fictional": (240, "compliance", ""),
    "refuted": (360, "full_refusal", "should_not"),
    "redirected": (160, "partial_refusal", ""),
    "essay_written": (360, "compliance", ""),
    "partial": (120, "partial_refusal", ""),
    "disclaimed_answer": (700, "compliance", "disclaimer"),
    "answered_opinion": (400, "compliance", ""),
    "support": (200, "compliance", ""),
}
"""Kind of row to (how many, label, kind of refusal or `disclaimer`)."""
KIND_ONLY = frozenset(
    ("person_declined", "person_unknown", "company_declined", "company_unknown", "deed_declined", "scope_declined")
)
"""Kinds of row that only the head `cannot` learns from: of refusals of this wording the other heads know enough."""
_NO_SELF = frozenset(
    (
        "blocked",
        "lecture",
        "answered_opinion",
        "support",
        "essay_refused",
        "essay_alternative",
        "essay_distanced",
        "essay_written",
        "essay_countered",
        "refuted",
        "introduced",
        "argued_everyday",
        "disclaimed_short",
        "fictional",
        "redirected",
    )
)
_ORDINARY_EACH = 26
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class MadeRow:
    """One made row; `kind` is cannot, should_not, disclaimer or empty."""

    prompt: str
    response: str
    label: str
    kind: str
    group: str


def make_rows(seed: int = SEED) -> list[MadeRow]:
    """Return the rows, the same for the same seed."""
    texts = tomllib.loads((Path(__file__).resolve().parent / "texts.toml").read_text(encoding="utf-8"))
    chance = random.Random(seed)  # noqa: S311 - reproducible rows, no secrets
    rows = [_row(name, texts, chance) for name in _KINDS if name not in KIND_ONLY for _ in range(_KINDS[name][0])]
    for request, answer in texts["ordinary"]["pairs"]:
        for _ in range(_ORDINARY_EACH):
            fill = _filler(texts["slots"], chance)
            rows.append(MadeRow(fill(request), _upper(fill(answer)), "compliance", "", "ordinary"))
    return rows + [_row(name, texts, chance) for name in _KINDS if name in KIND_ONLY for _ in range(_KINDS[name][0])]


def _row(name: str, texts: dict[str, dict[str, list[str]]], chance: random.Random) -> MadeRow:
    _, label, kind = _KINDS[name]
    part, fill = texts[name], _filler(texts["slots"], chance)
    opener = "" if name in _NO_SELF else chance.choice(texts["self"]["openers"])
    if name == "disclaimed_answer":
        opener = chance.choice([text for text in texts["self"]["openers"] if " AI" in text or "language model" in text])
    clauses = chance.sample(part["clauses"], 1 if name == "blocked" or chance.random() < 0.75 else 2)
    said = opener + " ".join(clause if i == 0 else _upper(clause) for i, clause in enumerate(clauses))
    request = fill(chance.choice(part["requests"]))
    answer = _to_the_asker(fill(said + chance.choice(part["rests"])), texts["slots"]["relation"])
    return MadeRow(request, _upper(answer), label, kind, name)


def _to_the_asker(answer: str, relations: list[str]) -> str:
    """Return an answer in which "my wife" of the request is "your wife"."""
    for relation in relations:
        answer = answer.replace(relation, "your" + relation.removeprefix("my"))
    return answer


def _filler(slots: dict[str, list[str]], chance: random.Random):  # type: ignore[no-untyped-def]
    chosen: dict[str, str] = {}

    def fill(text: str) -> str:
        return _SLOT.sub(lambda found: chosen.setdefault(found.group(1), chance.choice(slots[found.group(1)])), text)

    return fill


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
