"""From one answer, its request and the candidate phrases to everything that judging it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from unmoor.detectors.normalise import Normalised, normalise
from unmoor.detectors.phrases import Hit, Phrases
from unmoor.detectors.structure import Answer, read_answer

__all__ = ["TurnView", "view_turn"]

_REQUEST_CHARS = 6000
"""Code points of a request that are looked at, from its start and from its end: what is asked stands at either."""


@dataclass(frozen=True, slots=True)
class TurnView:
    """An answer taken apart: its structure, its phrase hits (doubtful ones marked), what the request asks for, the language."""

    answer: Answer
    folded: Normalised
    request: str
    asks: frozenset[str]
    hits: tuple[Hit, ...]
    language: str
    has_tools: bool
    says: frozenset[str]
    buts: tuple[str, ...]


def view_turn(
    phrases: Phrases, text: str, folded: Normalised, candidates: Iterable[int], request: str, has_tools: bool
) -> TurnView | None:
    """Take a turn apart, or return None if no candidate is more than a sign of something."""
    numbers = [number for number in candidates if not phrases.all[number].behaviour.startswith(("floor.", "request."))]
    if not numbers:
        return None
    asked = normalise(_ends_of(request)).text
    answer = read_answer(text)
    hits = phrases.hits(answer, folded, numbers, asked)
    if not hits:
        return None
    asks = frozenset(phrases.named_in(asked, phrases.candidates(asked), "request."))
    view = TurnView(
        answer=answer,
        folded=folded,
        request=asked,
        asks=asks,
        hits=tuple(hits),
        language=phrases.languages.of(text),
        has_tools=has_tools,
        says=phrases.words("says"),
        buts=tuple(sorted(phrases.words("but"))),
    )
    return replace(view, hits=tuple(replace(hit, doubt=_doubt(view, hit)) for hit in hits))


def _ends_of(request: str) -> str:
    if len(request) <= _REQUEST_CHARS:
        return request
    return request[: _REQUEST_CHARS // 2] + "\n" + request[-_REQUEST_CHARS // 2 :]


def _doubt(view: TurnView, hit: Hit) -> str:
    """Return why the words at a hit are not the assistant's own, or the empty string."""
    answer, start = view.answer, hit.start
    if answer.is_code(start):
        return "code"
    if answer.is_quoted(start, hit.end):
        return "quoted"
    if answer.is_block_quote(start):
        return "block quote"
    if answer.is_dialogue(start):
        return "dialogue"
    if "request.text" in view.asks and (answer.ordinal(start) > 0 or answer.is_letter) and not _names_itself(view, hit):
        return "requested text"
    return ""


def _names_itself(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence, or the one before, says that an AI speaks."""
    first = hit.sentence[0] - 200
    return any(other.phrase.behaviour == "sign.self" and first <= other.start < hit.sentence[1] for other in view.hits)
