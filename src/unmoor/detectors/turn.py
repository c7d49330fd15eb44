"""From one answer, its request and the candidate phrases to everything that judging it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from unmoor.detectors.lectures import Lecture, Lectures, Stems
from unmoor.detectors.normalise import Normalised, fold_text, normalise
from unmoor.detectors.phrases import FAINT, NERVOUS, Hit, Phrases
from unmoor.detectors.structure import Answer, read_answer
from unmoor.records import REFUSALS

__all__ = ["Said", "TurnView", "asked_of", "view_many", "view_turn"]

_REQUEST_CHARS = 6000
"""Code points of a request that are looked at, from its start and from its end: what is asked stands at either."""
_SPOKEN_BY_ITSELF = 1
"""Up to which sentence a plain refusal is the assistant's own where a text was asked for: "I see what you mean. I cannot write it."
English is left to the model, which was trained on the first sentence alone."""
_DECLINES = ("sign.inability", "sign.apology")
_ASKS_FOR_A_TEXT = frozenset(("request.text", "request.rewrite", "request.wording"))
_GIVEN = re.compile(r"[:：\"\n]|(?<!\w)'")
"""What parts the text that a request gives from what it asks."""
_MOST_GIVEN = 8
"""Parts of a request that are looked at each in its own language."""
_WORDED_CHARS = 600
"""Code points of a request up to which a refusal's words may be all that it asks for: in longer ones they are rules."""
_BARE_NO = frozenset((
    "no", "nope", "nah", "nein", "non", "nee", "nej", "nei", "ei", "nie", "nao", "нет", "hayir", "olmaz",
    "不", "不行", "不要", "不可以", "いいえ", "無理", "だめ", "아니", "아니요", "아니오", "안돼", "नहीं", "ना", "لا", "كلا",
))  # fmt: skip
"""What a given text says that only declines, folded."""
_REPEATED = re.compile(
    r"(?:[.!?:：。؟।\"\n]|(?<!\w)'|'(?!\w))((?:[^.!?:：。؟।\"\n']|(?<=\w)'(?=\w))+)(?![^.!?:：。؟।\"\n']|[?؟])"
)
"""A sentence of a request that an answer may repeat: none of the first words, which ask, and no question."""
_FORBIDS = re.compile(
    r"(?<![^\W\d_])(?:never|don't|do not|avoid|without|stop|instead of|why)(?: [^\W\d_]+){0,3}? "
    r"(?:sa(?:y|id)|us|writ|answer|respond|repl|includ|refus|tell)[a-z]*(?![^\W\d_])"
)
"""Words that must not be said are quoted, and said all the same where the assistant declines."""
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W\d_\u3040-\u30ff\u4e00-\u9fff]+")
_NOT = re.compile(r"(?:n't|(?<=can)not|(?<![^\W\d_])not)(?![^\W\d_])")
_FIRST = frozenset(("i", "we"))
_WISHES = frozenset(("want", "need", "please", "wish"))
_UNLIKE = 0.25
"""Share of the words of two sentences up to which they may differ where one repeats the other; one word always may."""
_NAMED_WITHIN = 2
"""Sentence up to which words that name the work and its subject are the assistant's own, where a text was asked for."""
_NAMED_FROM_END = 1
"""The same from the end: "... I won't write the second one, though." """
_SHORT_WORD = 3
"""Letters of words that say little of what a request is about."""
_LECTURES_FROM = 0.5
"""Probability from which a sentence is taken for a lecture."""
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
    words: Mapping[str, Mapping[str, tuple[str, ...]]]
    """The packs' lists of plain words, by language and name."""
    lectures: tuple[Lecture, ...] = ()
    """Sentences that the model of lectures takes for such."""

    @property
    def is_worded(self) -> bool:
        """Return whether words that decline are what was asked for: those of a given text, or of a refusal on nothing nervous."""
        return "a refusal's words" in self.asks

    def words_of(self, language: str, name: str) -> tuple[str, ...]:
        """Return a pack's list of plain words; none where it has no such list."""
        return self.words.get(language, {}).get(name, ())


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


def view_turn(
    phrases: Phrases, text: str, request: str, *, has_tools: bool, lectures: Lectures | None = None
) -> TurnView | None:
    """Take a turn apart, or return None if nothing in it can matter: the fast way out for most turns."""
    said = Said(text, request, has_tools)
    return next((view for _, view in view_many(phrases, [said], lectures)), None)


def view_many(
    phrases: Phrases, said: Sequence[Said], lectures: Lectures | None = None
) -> Iterator[tuple[int, TurnView]]:
    """Yield (index, view) of the answers in which something can matter: what `view_turn` returns, sooner for many at once.

    Most answers cost a few microseconds here: they are folded and scanned together, and end where no phrase may occur in them and
    their words are not those of lectures.
    """
    folded = [fold_text(one.text) for one in said]
    routes = phrases.languages.routes(folded)
    spoken = phrases.spoken_many(folded, routes)
    stems = [phrases.stems_of(codes) for codes in routes]
    lecturing = lectures.may_hold(folded, stems) if lectures else set()
    wanted = sorted(spoken.keys() | lecturing)
    requests = list(dict.fromkeys(said[index].request for index in wanted))
    texts = [fold_text(_ends_of(request)) for request in requests]
    found = phrases.asked_many(texts)
    asked = {
        request: _Asked(text, found.get(place, frozenset()))
        for place, (request, text) in enumerate(zip(requests, texts, strict=True))
    }
    for index in wanted:
        model = lectures if index in lecturing else None
        one = _Look(said[index], folded[index], spoken.get(index, frozenset()), model, stems[index])
        view = _look(phrases, one, asked[said[index].request])
        if view is not None:
            yield index, view


def asked_of(phrases: Phrases, request: str) -> tuple[str, frozenset[str]]:
    """Return a request folded, and what it asks for."""
    folded = fold_text(_ends_of(request))
    return folded, _asks(phrases, _Asked(folded, phrases.asked(folded)))


@dataclass(frozen=True, slots=True)
class _Look:
    """An answer, folded, the phrases that may occur in it, and the model of lectures if its words are such as lectures have."""

    said: Said
    folded: str
    spoken: Set[int]
    lectures: Lectures | None
    stems: Stems


def _look(phrases: Phrases, look: _Look, asked: _Asked) -> TurnView | None:
    """Take an answer apart; the cheap questions come first, each may end it."""
    may_be_nervous = not phrases.nervous.isdisjoint(asked.candidates)
    confirmed = phrases.confirmed(look.spoken - phrases.fillers, look.folded)
    if not confirmed and not may_be_nervous and look.lectures is None:
        return None
    confirmed |= phrases.confirmed(look.spoken & phrases.fillers, look.folded)
    is_one = sum(map(len, confirmed.values())) == 1 and phrases.faint.issuperset(confirmed)
    is_little = not confirmed or (is_one and not may_be_nervous)
    if is_little and look.lectures is None:
        return None
    asks = _asks(phrases, asked)
    is_calm = not asks & NERVOUS
    is_little = is_little or (is_calm and (is_one or phrases.fillers.issuperset(confirmed)))
    if is_little and look.lectures is None:
        return None
    answer = read_answer(look.said.text)
    lectures = _lectures(answer, look, asked.text, asks)
    if is_little and not lectures:
        return None
    view = _Parts(answer, {} if is_little else confirmed, asks, lectures)
    return _taken_apart(phrases, look.said, asked, view)


def _lectures(answer: Answer, look: _Look, request: str, asks: frozenset[str]) -> tuple[Lecture, ...]:
    """Return the sentences that more likely than not lecture, in the assistant's own words."""
    if look.lectures is None or answer.is_letter or answer.is_verse:
        return ()
    return tuple(
        lecture
        for lecture in look.lectures.found(answer, request, asks, look.stems)
        if lecture.chance >= _LECTURES_FROM
        and not any(_speaker(answer, lecture.start, at) for at in (lecture.start, (lecture.start + lecture.end) // 2))
    )


class _Parts(NamedTuple):
    """What is known of an answer before its phrases are looked at where they stand."""

    answer: Answer
    confirmed: dict[int, list[tuple[int, int]]]
    asks: frozenset[str]
    lectures: tuple[Lecture, ...]


def _taken_apart(phrases: Phrases, said: Said, asked: _Asked, parts: _Parts) -> TurnView | None:
    answer, confirmed, asks, lectures = parts
    normalised, language = normalise(said.text), phrases.languages.of(said.text)
    hits = phrases.hits(answer, normalised, dict(sorted(confirmed.items())), request=asked.text, language=language)
    if not lectures and (not hits or (not asks & NERVOUS and _is_faint(hits))):
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
        lectures=lectures,
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
    """Return what a folded request asks for; `said before`: another form of a text that itself declines (`said of itself before`:
    as an AI does); `a refusal's words`: that, or how one declines, and not much else.
    """
    asks = phrases.named_in(asked.text, asked.candidates, "request.")
    if asks.isdisjoint(("request.rewrite", "request.wording")):
        return frozenset(asks)
    is_nervous = "request.sensitive" in asks and _is_nervous(phrases, asked)
    if "request.rewrite" in asks and _declines(phrases, asked.text, is_nervous=is_nervous):
        asks.add("said before")
        if phrases.named_in(asked.text, phrases.spoken(asked.text), "sign.self"):
            asks.add("said of itself before")
    is_worded = "said before" in asks or ("request.wording" in asks and not is_nervous)
    if is_worded and len(asked.text) <= _WORDED_CHARS and not _FORBIDS.search(asked.text):
        asks.add("a refusal's words")
    return frozenset(asks)


def _is_nervous(phrases: Phrases, asked: _Asked) -> bool:
    """Return whether a request is nervous in its own language: a short one is looked at in the languages of its whole script."""
    language = phrases.languages.of(asked.text)
    own = {number for number in asked.candidates if language in ("und", phrases.all[number].language)}
    return bool(phrases.named_in(asked.text, own, "request.sensitive"))


def _declines(phrases: Phrases, asked: str, *, is_nervous: bool) -> bool:
    """Return whether the text given in a folded request declines, in whatever language: on what is nervous, by a whole refusal."""
    wanted = tuple(REFUSALS) if is_nervous else (*REFUSALS, *_DECLINES)
    parts = [asked, *(part for part in _GIVEN.split(asked)[1:] if part.strip())][: _MOST_GIVEN + 1]
    if any(part.strip(" .!-。") in _BARE_NO for part in parts[1:]):
        return True
    return any(phrases.named_in(parts[place], found, wanted) for place, found in phrases.spoken_many(parts).items())


def _ends_of(request: str) -> str:
    if len(request) <= _REQUEST_CHARS:
        return request
    return request[: _REQUEST_CHARS // 2] + "\n" + request[-_REQUEST_CHARS // 2 :]


def _doubt(view: TurnView, hit: Hit) -> str:
    """Return why the words at a hit are not the assistant's own, or the empty string."""
    if speaker := _speaker(view.answer, hit.sentence[0], hit.start):
        return speaker
    if _repeats(view, hit):
        return "given text"
    return "requested text" if _is_requested(view, hit) or _is_asked_for(view, hit) else ""


def _speaker(answer: Answer, begin: int, start: int) -> str:
    """Return where words at `start`, of a sentence from `begin`, are somebody else's, or the empty string."""
    if answer.is_code(start):
        return "code"
    if answer.is_quoted(start) or answer.is_reported(begin, start):
        return "quoted"
    if answer.is_block_quote(start):
        return "block quote"
    return "dialogue" if answer.is_dialogue(start) else ""


def _repeats(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence of the hit is one of the request's, word for word or nearly so: corrected, negated, chosen."""
    if len(view.request) > _WORDED_CHARS or _FORBIDS.search(view.request):
        return False
    said = _content(fold_text(view.answer.text[slice(*hit.sentence)]))
    return len(said) > 2 and any(_is_alike(said, part) for part in _given(view.request))


@lru_cache(maxsize=64)
def _given(request: str) -> tuple[frozenset[str], ...]:
    """Return the words of the sentences of a request that an answer may repeat; each hit of an answer asks for them."""
    return tuple(filter(None, map(_content, _REPEATED.findall(request))))


def _content(folded: str) -> frozenset[str]:
    """Return the words of a sentence, English ones without "not"."""
    return frozenset(_WORD.findall(_NOT.sub("", folded.replace("won't", "will").replace("can't", "can"))))


def _is_alike(said: frozenset[str], given: frozenset[str]) -> bool:
    is_the_same_speaker = said & _FIRST <= given and given.isdisjoint(_WISHES)
    return is_the_same_speaker and len(said ^ given) <= max(1, _UNLIKE * len(said | given))


def _is_requested(view: TurnView, hit: Hit) -> bool:
    """Return whether the words are part of a text asked for: further down, in a letter, verse, speech, or words that decline."""
    is_listed = view.is_worded and view.answer.is_item(hit.start)
    names_itself = "said of itself before" not in view.asks and not is_listed and _names_itself(view, hit)
    if not view.asks & _ASKS_FOR_A_TEXT or names_itself or _turns_to_the_asker(view, hit):
        return False
    if view.is_worded:
        return not _names_the_work(view, hit)
    if hit.phrase.behaviour in REFUSALS and _declines_the_work(view, hit):
        return False
    spoken = _SPOKEN_BY_ITSELF if not _is_left_to_the_model(hit) and _refuses_surely(hit) else 0
    answer = view.answer
    is_inside = answer.ordinal(hit.start) > spoken or "said before" in view.asks
    is_speech = answer.is_after_dash(hit.start) or (
        "request.sensitive" not in view.asks and answer.is_wholly_quoted(hit.start)
    )
    return is_inside or answer.is_letter or answer.is_verse or is_speech


def _is_asked_for(view: TurnView, hit: Hit) -> bool:
    """Return whether what looks like declining is advice that was asked for, or an item of a list of weaknesses."""
    if hit.phrase.behaviour not in (*REFUSALS, *_DECLINES):
        return False
    if view.answer.is_item(hit.start) and "request.limits" in view.asks:
        return True
    asks_a_text = "request.text" in view.asks and "?" not in view.request
    if "request.opinion" not in view.asks and (asks_a_text or "request.advice" not in view.asks):
        return False
    return any(other.phrase.behaviour == "sign.advice" and other.sentence == hit.sentence for other in view.hits)


def _turns_to_the_asker(view: TurnView, hit: Hit) -> bool:
    """Return whether a plain refusal is followed, where the answer closes, by an offer of other help, and the text is no letter."""
    if view.answer.is_letter or _is_left_to_the_model(hit) or not _refuses_surely(hit):
        return False
    return any(
        other.phrase.behaviour == "sign.redirect"
        and other.start > hit.start
        and view.answer.from_end(other.start) <= _CLOSES_WITHIN
        for other in view.hits
    )


def _is_left_to_the_model(hit: Hit) -> bool:
    """Return whether the learned model, which was trained on English, counts the phrase where it stands."""
    return hit.phrase.language == "en" and hit.phrase.weighed


def _refuses_surely(hit: Hit) -> bool:
    return hit.phrase.behaviour == "refusal.policy" and hit.phrase.strength == "sure"


def _names_itself(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence, or the one before, says that an AI speaks."""
    first = hit.sentence[0] - 200
    return any(other.phrase.behaviour == "sign.self" and first <= other.start < hit.sentence[1] for other in view.hits)


def _names_the_work(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence speaks of writing or translating: "I cannot write that" is said by who was to write."""
    stems = view.words_of(hit.phrase.language, "task")
    return bool(_work(stems).search(fold_text(view.answer.text[slice(*hit.sentence)])))


def _declines_the_work(view: TurnView, hit: Hit) -> bool:
    """Return whether a refusal near the start or the end, and in no letter, names the work and its subject: "I won't write that
    obituary".
    """
    answer = view.answer
    is_last = (
        answer.from_end(hit.start) <= _NAMED_FROM_END and "request.persona" not in view.asks and not answer.is_verse
    )
    is_near = (answer.ordinal(hit.start) <= _NAMED_WITHIN or is_last) and not answer.is_letter
    return is_near and _names_the_work(view, hit) and _names_the_subject(view, hit)


def _names_the_subject(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence holds a longer word of the request that is no word for writing."""
    stems = view.words_of(hit.phrase.language, "task")
    sentence = fold_text(view.answer.text[slice(*hit.sentence)])
    shared = set(_WORD.findall(sentence)).intersection(_WORD.findall(view.request[:_WORDED_CHARS]))
    return any(len(word) > _SHORT_WORD and not word.startswith(stems) for word in shared)


@lru_cache(maxsize=64)
def _work(stems: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds a word that starts with one of the stems; anywhere in scripts that do not part words."""
    starts = ((r"(?<![^\W\d_])" if stem[0].lower() != stem[0].upper() else "") + re.escape(stem) for stem in stems)
    return re.compile("|".join(starts) or r"(?!)")
