"""From one answer, its request and the candidate phrases to everything that judging it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import NamedTuple

from unmoor.detectors.normalise import Normalised, fold_text, normalise
from unmoor.detectors.phrases import FAINT, NERVOUS, Hit, Phrases
from unmoor.detectors.structure import Answer, read_answer

__all__ = ["Said", "TurnView", "view_many", "view_turn"]

_REQUEST_CHARS = 6000
"""Code points of a request that are looked at, from its start and from its end: what is asked stands at either."""
_SPOKEN_BY_ITSELF = 1
"""Up to which sentence a plain refusal is the assistant's own where a text was asked for: "I see what you mean. I cannot write it."
English is left to the model, which was trained on the first sentence alone."""
_DECLINES = ("sign.inability", "sign.apology")
_CLOSES_WITHIN = 2
"""Sentences from the end in which an offer of other help is the assistant's farewell."""


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
    buts: Mapping[str, tuple[str, ...]]


class Said(NamedTuple):
    """One answer to be looked at, the request before it, and whether the assistant was offered tools.

    A tuple, because one is made of every answer: a frozen dataclass takes four times as long to make.
    """

    text: str
    request: str
    has_tools: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """A folded request and the phrases that may occur in it."""

    text: str
    candidates: Set[int]


def view_turn(phrases: Phrases, text: str, request: str, *, has_tools: bool) -> TurnView | None:
    """Take a turn apart, or return None if nothing in it can matter: the fast way out for most turns."""
    folded = fold_text(text)
    spoken = phrases.spoken(folded)
    if not spoken:
        return None
    asked = fold_text(_ends_of(request))
    return _look(phrases, Said(text, request, has_tools), folded, spoken, _Asked(asked, phrases.asked(asked)))


def view_many(phrases: Phrases, said: Sequence[Said]) -> Iterator[tuple[int, TurnView]]:
    """Yield (index, view) of the answers in which something can matter: what `view_turn` returns, sooner for many at once.

    Most answers cost a few microseconds here: they are folded and scanned together, and end where no phrase may occur in them.
    """
    folded = [fold_text(one.text) for one in said]
    spoken = phrases.spoken_many(folded)
    requests = list(dict.fromkeys(said[index].request for index in sorted(spoken)))
    texts = [fold_text(_ends_of(request)) for request in requests]
    found = phrases.asked_many(texts)
    asked = {
        request: _Asked(text, found.get(place, frozenset()))
        for place, (request, text) in enumerate(zip(requests, texts, strict=True))
    }
    for index in sorted(spoken):
        view = _look(phrases, said[index], folded[index], spoken[index], asked[said[index].request])
        if view is not None:
            yield index, view


def _look(phrases: Phrases, said: Said, folded: str, spoken: Set[int], asked: _Asked) -> TurnView | None:
    """Take an answer apart whose candidates are `spoken`; the cheap questions come first, each may end it."""
    may_be_nervous = not phrases.nervous.isdisjoint(asked.candidates)
    confirmed = phrases.confirmed(spoken - phrases.fillers, folded)
    if not confirmed and not may_be_nervous:
        return None
    confirmed |= phrases.confirmed(spoken & phrases.fillers, folded)
    is_one = sum(map(len, confirmed.values())) == 1 and phrases.faint.issuperset(confirmed)
    if not confirmed or (is_one and not may_be_nervous):
        return None
    asks = _asks(phrases, asked)
    is_calm = not asks & NERVOUS
    if is_calm and (is_one or phrases.fillers.issuperset(confirmed)):
        return None
    return _taken_apart(phrases, said, confirmed, asked, asks)


def _taken_apart(
    phrases: Phrases,
    said: Said,
    confirmed: dict[int, list[tuple[int, int]]],
    asked: _Asked,
    asks: frozenset[str],
) -> TurnView | None:
    answer, normalised, language = read_answer(said.text), normalise(said.text), phrases.languages.of(said.text)
    hits = phrases.hits(answer, normalised, dict(sorted(confirmed.items())), request=asked.text, language=language)
    if not hits or (not asks & NERVOUS and _is_faint(hits)):
        return None
    view = TurnView(
        answer=answer,
        folded=normalised,
        request=asked.text,
        asks=asks,
        hits=tuple(hits),
        language=language,
        has_tools=said.has_tools,
        buts=phrases.buts,
    )
    doubts = [_doubt(view, hit) for hit in hits]
    if not any(doubts):
        return view
    doubted = [replace(hit, doubt=doubt) if doubt else hit for hit, doubt in zip(hits, doubts, strict=True)]
    return replace(view, hits=tuple(doubted))


def _is_faint(hits: list[Hit]) -> bool:
    """Return whether one sentence is all that speaks for anything, and it names a norm, a caution or an offer and no more.

    Near half of what ordinary answers put before the model is of this kind. Of the labelled answers on the tuning half of the
    prompts that are refusals, one in 3,000 is lost by leaving it out.
    """
    return len({hit.sentence for hit in hits}) == 1 and all(hit.phrase.behaviour in FAINT for hit in hits)


def _asks(phrases: Phrases, asked: _Asked) -> frozenset[str]:
    """Return what a folded request asks for, and `said before` if it asks for another form of a text that itself declines."""
    asks = phrases.named_in(asked.text, asked.candidates, "request.")
    if "request.rewrite" in asks and phrases.named_in(asked.text, phrases.spoken(asked.text), _DECLINES):
        asks.add("said before")
    return frozenset(asks)


def _ends_of(request: str) -> str:
    if len(request) <= _REQUEST_CHARS:
        return request
    return request[: _REQUEST_CHARS // 2] + "\n" + request[-_REQUEST_CHARS // 2 :]


def _doubt(view: TurnView, hit: Hit) -> str:
    """Return why the words at a hit are not the assistant's own, or the empty string."""
    answer, start = view.answer, hit.start
    if answer.is_code(start):
        return "code"
    if answer.is_quoted(start):
        return "quoted"
    if answer.is_block_quote(start):
        return "block quote"
    if answer.is_dialogue(start):
        return "dialogue"
    return "requested text" if _is_requested(view, hit) else ""


def _is_requested(view: TurnView, hit: Hit) -> bool:
    """Return whether the words are part of a text that was asked for: further down, in a letter, or a given text's own words."""
    if not view.asks & {"request.text", "request.rewrite"}:
        return False
    spoken = _SPOKEN_BY_ITSELF if hit.phrase.language != "en" and _refuses_surely(hit) else 0
    is_inside = view.answer.ordinal(hit.start) > spoken or view.answer.is_letter or "said before" in view.asks
    return is_inside and not _names_itself(view, hit) and not _turns_to_the_asker(view, hit)


def _turns_to_the_asker(view: TurnView, hit: Hit) -> bool:
    """Return whether a plain refusal is followed, where the answer closes, by an offer of other help, and the text is no letter."""
    if view.answer.is_letter or hit.phrase.language == "en" or not _refuses_surely(hit):
        return False
    return any(
        other.phrase.behaviour == "sign.redirect"
        and other.start > hit.start
        and view.answer.from_end(other.start) <= _CLOSES_WITHIN
        for other in view.hits
    )


def _refuses_surely(hit: Hit) -> bool:
    return hit.phrase.behaviour == "refusal.policy" and hit.phrase.strength == "sure"


def _names_itself(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence, or the one before, says that an AI speaks."""
    first = hit.sentence[0] - 200
    return any(other.phrase.behaviour == "sign.self" and first <= other.start < hit.sentence[1] for other in view.hits)
