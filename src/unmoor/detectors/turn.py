"""From one answer, its request and the candidate phrases to everything that judging it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

from unmoor.detectors.lectures import Lecture, Lectures, Stems
from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.openings import Openings
from unmoor.detectors.phrases import FAINT, NERVOUS, Hit, Phrases
from unmoor.detectors.sentences import split_sentences
from unmoor.detectors.structure import Answer, read_answer
from unmoor.detectors.view import TurnView
from unmoor.detectors.whose import DECLINES, FORBIDS, WORDED_CHARS, doubt_of, speaker_at
from unmoor.records import REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = ["Learned", "Said", "asked_of", "view_many", "view_turn"]

_REQUEST_CHARS = 6000
"""Code points of a request that are looked at, from its start and from its end: what is asked stands at either."""
_GIVEN = pattern_when_used(r"[:：\"\n]|(?<!\w)'")
"""What parts the text that a request gives from what it asks."""
_MOST_GIVEN = 8
"""Parts of a request that are looked at each in its own language."""
_LECTURES_FROM = 0.5
"""Probability from which a sentence is taken for a lecture."""


class Said(NamedTuple):
    """One answer to be looked at, the request before it, and whether the assistant was offered tools.

    A tuple, because one is made of every answer: a frozen dataclass takes four times as long to make.
    """

    text: str
    request: str
    has_tools: bool


@dataclass(frozen=True)
class _Asked:
    """A folded request and the phrases that may occur in it."""

    phrases: Phrases
    text: str
    candidates: Set[int]
    is_answered_in_english: bool = True
    """Whether English alone is looked for in the answer: a request too short to be told is then looked at in every language."""

    @cached_property
    def asks(self) -> frozenset[str]:
        """Return what `_asks` does, once: an answer and each of its reasoning blocks, thousands of them, have one request."""
        return _asks(self.phrases, self)


class Learned(NamedTuple):
    """What else tells that an answer is worth a look: the model of lectures, and that of first words."""

    lectures: Lectures | None = None
    openings: Openings | None = None


_PHRASES_ALONE = Learned()


def view_turn(
    phrases: Phrases,
    text: str,
    request: str,
    *,
    has_tools: bool,
    learned: Learned = _PHRASES_ALONE,
    always: bool = False,
) -> TurnView | None:
    """Take a turn apart, or return None if nothing in it can matter: the fast way out for most turns.

    `always` takes it apart whatever is in it.
    """
    said = Said(text, request, has_tools)
    return next((view for _, view in view_many(phrases, [said], learned, always=always)), None)


def view_many(
    phrases: Phrases, said: Sequence[Said], learned: Learned = _PHRASES_ALONE, *, always: bool = False
) -> Iterator[tuple[int, TurnView]]:
    """Yield (index, view) of the answers in which something can matter: what `view_turn` returns, sooner for many at once.

    Most answers cost a few microseconds here: they are folded and scanned together, and end where no phrase may occur in them and
    their words are those neither of lectures nor of refusals.
    """
    lectures, openings = learned
    folded = [fold_text(one.text) for one in said]
    routes = phrases.languages.routes(folded)
    spoken = phrases.spoken_many(folded, routes)
    stems = [phrases.stems_of(codes) for codes in routes]
    lecturing = lectures.may_hold(folded, stems) if lectures else set()
    opening = _opening(phrases, folded, routes, openings) if openings else set()
    opening = set(range(len(said))) if always else opening
    wanted = sorted(spoken.keys() | lecturing | opening)
    requests = list(dict.fromkeys((said[index].request, routes[index]) for index in wanted))
    texts = [fold_text(_ends_of(request)) for request, _ in requests]
    found = phrases.asked_many(texts, [route for _, route in requests])
    asked = {
        key: _Asked(phrases, text, found.get(place, frozenset()), phrases.languages.is_english(key[1]))
        for place, (key, text) in enumerate(zip(requests, texts, strict=True))
    }
    for index in wanted:
        model = lectures if index in lecturing else None
        candidates: Set[int] = spoken.get(index, frozenset())
        one = _Look(said[index], folded[index], candidates, model, stems[index], is_wanted=index in opening)
        view = _look(phrases, one, asked[said[index].request, routes[index]])
        if view is not None:
            yield index, view


def _opening(
    phrases: Phrases, folded: Sequence[str], routes: Sequence[tuple[str, ...]], openings: Openings
) -> set[int]:
    """Return which folded answers may decline by their first words: of those that English alone is looked for in."""
    english = [place for place, codes in enumerate(routes) if phrases.languages.is_english(codes)]
    return {english[place] for place in openings.may_decline([folded[place] for place in english])}


def asked_of(phrases: Phrases, request: str) -> tuple[str, frozenset[str]]:
    """Return a request folded, and what it asks for."""
    folded = fold_text(_ends_of(request))
    return folded, _Asked(phrases, folded, phrases.asked(folded)).asks


@dataclass(frozen=True, slots=True)
class _Look:
    """An answer, folded, the phrases that may occur in it, the model of lectures if its words are such as lectures have, and
    whether it is taken apart whatever is in it.
    """

    said: Said
    folded: str
    spoken: Set[int]
    lectures: Lectures | None
    stems: Stems
    is_wanted: bool = False


def _look(phrases: Phrases, look: _Look, asked: _Asked) -> TurnView | None:
    """Take an answer apart; the cheap questions come first, each may end it."""
    may_be_nervous = not phrases.nervous.isdisjoint(asked.candidates)
    is_pursued = look.lectures is not None or look.is_wanted
    confirmed = phrases.confirmed(look.spoken - phrases.fillers, look.folded)
    if not confirmed and not may_be_nervous and not is_pursued:
        return None
    confirmed |= phrases.confirmed(look.spoken & phrases.fillers, look.folded)
    is_one = sum(map(len, confirmed.values())) == 1 and phrases.faint.issuperset(confirmed)
    is_little = not confirmed or (is_one and not may_be_nervous)
    if is_little and not is_pursued:
        return None
    asks = asked.asks
    is_calm = not asks & NERVOUS
    is_little = is_little or (is_calm and (is_one or phrases.fillers.issuperset(confirmed)))
    if is_little and not is_pursued:
        return None
    answer = read_answer(look.said.text, phrases.labels)
    lectures = _lectures(answer, look, asked.text, asks)
    if is_little and not lectures and not look.is_wanted:
        return None
    view = _Parts(answer, {} if is_little and not look.is_wanted else confirmed, asks, lectures, is_little=is_little)
    return _taken_apart(phrases, look, asked, view)


def _lectures(answer: Answer, look: _Look, request: str, asks: frozenset[str]) -> tuple[Lecture, ...]:
    """Return the sentences that more likely than not lecture, in the assistant's own words."""
    if look.lectures is None or answer.is_letter or answer.is_verse:
        return ()
    return tuple(
        lecture
        for lecture in look.lectures.found(answer, request, asks, look.stems)
        if lecture.chance >= _LECTURES_FROM
        and not any(speaker_at(answer, lecture.start, at) for at in (lecture.start, (lecture.start + lecture.end) // 2))
    )


class _Parts(NamedTuple):
    """What is known of an answer before its phrases are looked at where they stand."""

    answer: Answer
    confirmed: dict[int, list[tuple[int, int]]]
    asks: frozenset[str]
    lectures: tuple[Lecture, ...]
    is_little: bool
    """Whether what its phrases say is not worth a look."""


def _taken_apart(phrases: Phrases, look: _Look, asked: _Asked, parts: _Parts) -> TurnView | None:
    answer, confirmed, asks, lectures, is_little = parts
    said = look.said
    normalised, language = normalise(said.text), phrases.languages.of(said.text)
    hits = phrases.hits(answer, normalised, dict(sorted(confirmed.items())), request=asked.text, language=language)
    is_faint = is_little or not hits or (not asks & NERVOUS and _is_faint(hits))
    if is_faint and not lectures and not look.is_wanted:
        return None
    view = TurnView(
        answer=answer,
        folded=normalised,
        request=asked.text,
        asks=asks,
        hits=tuple(hits),
        language=language,
        has_tools=said.has_tools,
        words=phrases.words,
        kinds=phrases.kinds,
        lectures=lectures,
        is_told_by_opening=is_faint and not lectures,
    )
    doubts = [doubt_of(view, hit) for hit in hits]
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
    """Return what a folded request asks for; `said before`: another form of a text that itself declines (`said of itself before`:
    as an AI does); `a refusal's words`: that, or how one declines, and not much else; `told in de`: in a message, by German words.
    """
    asks = phrases.named_in(asked.text, asked.candidates, "request.")
    is_nervous = "request.sensitive" in asks and _is_nervous(phrases, asked)
    if not is_nervous:
        asks.discard("request.sensitive")
    if "request.told" in asks:
        asks.update(_told_in(phrases, asked))
    if asks.isdisjoint(("request.rewrite", "request.wording")):
        return frozenset(asks)
    if "request.rewrite" in asks and _declines(phrases, asked.text, is_nervous=is_nervous):
        asks.add("said before")
        if phrases.named_in(asked.text, phrases.spoken(asked.text), "sign.self"):
            asks.add("said of itself before")
    is_worded = "said before" in asks or ("request.wording" in asks and not is_nervous)
    if is_worded and len(asked.text) <= WORDED_CHARS and not FORBIDS.search(asked.text):
        asks.add("a refusal's words")
    return frozenset(asks)


def _told_in(phrases: Phrases, asked: _Asked) -> set[str]:
    """Return in the words of which packs a message is asked for in which the asker declines."""
    candidates = {number for number in asked.candidates if phrases.all[number].behaviour == "request.told"}
    return {f"told in {phrases.all[number].language}" for number in phrases.confirmed(candidates, asked.text)}


def _is_nervous(phrases: Phrases, asked: _Asked) -> bool:
    """Return whether a request is nervous in its own language, by a word that many languages share ("deepfake"), or in a part that
    is in another: Turkish "gün" is no gun.
    """
    language = phrases.languages.of(asked.text)
    packs = {number: phrases.all[number].language for number in asked.candidates & phrases.nervous}
    is_untold = language == "und"
    is_any = is_untold and asked.is_answered_in_english
    own = {number for number, pack in packs.items() if is_any or pack == language or phrases.all[number].in_latin}
    if phrases.named_in(asked.text, own, "request.sensitive"):
        return True
    wholes = [asked.text] if is_untold else []
    for said in (*wholes, *_parts_of(asked.text)):
        may_ask = partial(phrases.languages.may_ask, language=language, part=said, is_whole=said is asked.text)
        if phrases.named_in(said, [number for number, pack in packs.items() if may_ask(pack)], "request.sensitive"):
            return True
    return False


def _parts_of(asked: str) -> Iterator[str]:
    """Yield the sentences of a folded request, and what a colon or quotes part in them."""
    for span in split_sentences(asked).spans:
        yield from (part for part in _GIVEN.split(asked[slice(*span)]) if part.strip())


def _declines(phrases: Phrases, asked: str, *, is_nervous: bool) -> bool:
    """Return whether the text given in a folded request declines, in whatever language: on what is nervous, by a whole refusal."""
    wanted = tuple(REFUSALS) if is_nervous else (*REFUSALS, *DECLINES)
    parts = [asked, *(part for part in _GIVEN.split(asked)[1:] if part.strip())][: _MOST_GIVEN + 1]
    if any(part.strip(" .!-。") in phrases.bare_no for part in parts[1:]):
        return True
    return any(phrases.named_in(parts[place], found, wanted) for place, found in phrases.spoken_many(parts).items())


def _ends_of(request: str) -> str:
    if len(request) <= _REQUEST_CHARS:
        return request
    return request[: _REQUEST_CHARS // 2] + "\n" + request[-_REQUEST_CHARS // 2 :]
