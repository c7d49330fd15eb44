"""From a phrase hit to the words that a person would want to read as evidence, and that a mend would cut.

The rest has to read well without them: a disclaimer before an answer goes as far as the answer begins ("As an AI, I can tell you
that"), and with a sentence goes what only joins the next one to it ("However,").
"""

from __future__ import annotations

import re

from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.phrases import Hit
from unmoor.detectors.turning import (
    DENIED_WITHIN,
    DENIES,
    OPENER_CHARS,
    UNSPACED,
    WORD,
    WORDS_LEFT,
    concedes,
    denied_in,
    is_a_clause,
    speaks_of_itself,
    tells,
    turned_at,
)
from unmoor.detectors.view import TurnView
from unmoor.records import BEHAVIOURS, REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = [
    "cut_of",
    "denies",
    "is_leant_on",
    "opener_after",
    "says_more",
    "tells_no_date",
    "with_opener",
]

_ASIDES = ("disclaimer.identity", "disclaimer.professional", "moralising")
"""Behaviours whose sentence may stand beside an answer, so that the answer's next one may lean on it."""
_COMMAS = ",，、:："
_LEAD_CHARS = 110
"""Code points from "As an AI" in which the words that lead to what is said begin."""
_BEFORE = 40
"""Code points before a disclaimer in its sentence that go with it ("Please note that as an AI, ...")."""
_SPEAKS_AS = pattern_when_used(r"(?:as|being) an? ")
_FIGURE = pattern_when_used(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
"""A figure that is no year: the date of a model's training is one."""
_LONG = 6
"""Letters of a word of the request that says what it is about."""
_DATED = pattern_when_used(
    r"(?:(?P<as_of>as of )|)[^,]*?(?P<in>(?:(?:in|up to|until|through|of|from|as of) )?)"
    r"(?P<date>(?:(?:the )?(?:end|beginning|start|middle|spring|summer|autumn|fall|winter|early|late|mid)-?(?: of)? )?"
    r"(?:(?:jan|febr)uary|march|april|may|june|july|august|(?:septem|octo|novem|decem)ber)? ?(?:\d{1,2}, )?(?:19|20)\d\d),?",
    re.IGNORECASE,
)
"""English for up to when somebody knows, with a date."""
_EMPTY_OFFER = pattern_when_used(
    r"i (?:can|could|will|would be happy to|am happy to|['’]ll)(?: (?:still|certainly|try to|do my best to|help))*"
    r" (?:provide|offer|give|share|present|explain|help|assist|tell|answer|try)(?: you)?(?: (?:with|an?|some|the|my|general"
    r"|possible|potential|factual|objective|informative|helpful|useful|relevant|accurate|brief|neutral|unbiased|more|background"
    r"|basic|historical|and|or|of|few))*(?: (?:answers?|responses?|information|insights?|overview|context|facts?|suggestions?"
    r"|explanations?|perspectives?|guidance|analysis|details?|tips|ideas|examples?|reasons?|advice|view|summary|data))+"
    r"(?: that (?:may|might|could|can|is|are) [^.:;,]{1,60}| (?:on|about|for|regarding|concerning|based|as to|to|from|related)"
    r" [^.:;]{1,120})?\.",
    re.IGNORECASE,
)
"""An English clause that only says that an answer follows: "I can provide some information on this topic."."""
_OFFER_WORDS, _OFFER_CHARS = 9, 18
"""Words, or characters where words are not parted, of an offer up to which it holds nothing yet."""
_CONTENT = pattern_when_used(r"[:：\"“«„「『\d]")
_BRACKETS = pattern_when_used(r"[ \t]*(?:\([^()\n]*\)|（[^（）\n]*）|\[[^\[\]\n]*\](?!\())")
_OPENS = pattern_when_used(r"[(（](?=[^()（）\n]*\Z)")
_COMMA = pattern_when_used(r"[,、]")
_ANNOUNCES = pattern_when_used(r" ?(?:i|here|let|below|the following|these|some)(?!\w)[^.!?:\n]{0,100}:\s*")


def cut_of(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return the span (code points of the answer) that stands for a hit."""
    if hit.phrase.span == "match":
        return _undated(view, hit)
    if hit.phrase.behaviour == "identity.vendor":
        return _lead_around(view, hit) or hit.sentence
    if hit.phrase.behaviour not in _ASIDES:
        return hit.sentence
    start, end = _bracketed(view, hit) or (
        hit.sentence if hit.phrase.behaviour != "disclaimer.identity" else _disclaimer(view, hit)
    )
    return with_opener(view, hit.phrase.language, start, end) if (start, end) == hit.sentence else (start, end)


def _undated(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return the span of a match without the date of a fact in it: of "As of my last update in May 2021," the middle."""
    dated = _DATED.fullmatch(view.answer.text, hit.start, hit.end)
    if dated is None:
        return hit.start, hit.end
    return (dated.end("as_of"), dated.start("date")) if dated["as_of"] else (hit.start, dated.start("in"))


def tells_no_date(view: TurnView, hit: Hit) -> bool:
    """Return whether a match says that its sentence holds as of the assistant's training, and not when that was: the fact would be
    told as if it held today.
    """
    return hit.phrase.id.endswith("as-of-its-training") and _undated(view, hit) == (hit.start, hit.end)


def with_opener(view: TurnView, language: str, start: int, end: int) -> tuple[int, int]:
    """Return the span of a sentence that is cut, with what only joins the next one to it: "However," or "Therefore,"; "Moreover,"
    where the sentence is the first.
    """
    words = (*view.words_of(language, "but"), *view.words_of(language, "so"))
    if start <= view.answer.body:
        words += view.words_of(language, "also")
    return start, _opener_after(view, language, end, words)


def _lead_around(view: TurnView, hit: Hit) -> tuple[int, int] | None:
    """Return the part of a sentence that disclaims before an answer, where a vendor is named in it: "As an AI model made by OpenAI,
    I recommend Rome."
    """
    leads = (_disclaimer(view, other) for other in _disclaiming(view, *hit.sentence))
    return next((lead for lead in leads if lead != hit.sentence and lead[0] <= hit.start and hit.end <= lead[1]), None)


def _bracketed(view: TurnView, hit: Hit) -> tuple[int, int] | None:
    """Return the brackets in which a hit stands within a sentence that says something else: "Drink tea (I'm an AI, no doctor)."."""
    start, end = hit.sentence
    said = view.answer.text[start:end]
    for found in _BRACKETS.finditer(said):
        opened, closed = found.start() + start, found.end() + start
        if opened < hit.start and hit.end <= closed:
            beside = said[: found.start()] + " " + said[found.end() :]
            return (opened, closed) if is_a_clause(beside) else None
    opens = _OPENS.search(said, 0, hit.start - start)  # a bracket that goes on after the sentence
    return (start + opens.end(), end) if opens and is_a_clause(said[: opens.start()]) else None


def is_leant_on(view: TurnView, language: str, start: int, end: int) -> bool:
    """Return whether the sentence after one that is cut points back at it ("These rules ...") and holds nothing that would be cut
    as well, as a refusal would not: without it nobody would know what is meant.
    """
    text = view.answer.text
    position = end + len(text[end:]) - len(text[end:].lstrip(" \n\t*_"))
    refers = view.words_of(language, "refers")
    if not refers or position >= len(text) or "\n\n" in text[end - 1 : position] or start == end:
        return False
    if with_opener(view, language, start, end) != (start, end):
        return False
    if not fold_text(text[position : position + OPENER_CHARS]).startswith(refers):
        return False
    return not any(
        other.phrase.behaviour in BEHAVIOURS
        and other.phrase.behaviour not in REFUSALS
        and not other.doubt
        and other.sentence[0] <= position < other.sentence[1]
        for other in view.hits
    )


def says_more(view: TurnView, hit: Hit) -> bool:
    """Return whether a disclaimer's sentence, which would be cut whole, holds an answer as well: "Als KI weiß ich, dass ..."

    Told by what it does not deny, and a clause that cannot stand alone, a figure, or a longer word of the request; by a clause
    after a concession, where the verb comes first in it, with a comma before it or, in Swedish, without; by one after a colon; or
    by one before a turn.
    """
    if hit.phrase.behaviour != "disclaimer.identity" or _bracketed(view, hit):
        return False
    if hit.phrase.span == "match":
        return tells(view, hit.phrase.language, fold_text(view.answer.text[hit.start : hit.end]))
    if _disclaimer(view, hit) != hit.sentence:
        return False
    rest = fold_text(view.answer.text[hit.end : hit.sentence[1]])
    is_conceded = concedes(view, hit, "verb_first") and is_a_clause(rest.partition(",")[2] or rest)
    return is_conceded or _turns_from_an_answer(view, hit) or _announces(view, hit, rest) or _tells(view, hit, rest)


def _turns_from_an_answer(view: TurnView, hit: Hit) -> bool:
    """Return whether a disclaimer's sentence turns, and what stands before that may answer: "Als KI rate ich zu Tee, aber ..."."""
    turned = turned_at(view, hit)
    return turned < hit.sentence[1] and not _disclaims_again(view, hit, turned) and not speaks_of_itself(view, hit)


def _announces(view: TurnView, hit: Hit, rest: str) -> bool:
    """Return whether a clause that denies nothing follows a colon in the folded rest of a disclaimer's sentence."""
    said = rest.partition(":")[2]
    denials = view.words_of(hit.phrase.language, "deny")
    return bool(denials) and is_a_clause(said) and set(WORD.findall(said)).isdisjoint(denials)


def _tells(view: TurnView, hit: Hit, rest: str) -> bool:
    """Return whether the folded rest of a disclaimer's sentence tells something and denies nothing."""
    language, words = hit.phrase.language, WORD.findall(rest)
    denials = view.words_of(language, "deny")
    if len(words) < WORDS_LEFT or (language != "en" and not denials):
        return False
    if DENIES.search(rest) if language == "en" else not set(words).isdisjoint(denials):
        return False
    if not set(words).isdisjoint(view.words_of(language, "that")) or _FIGURE.search(rest):
        return True
    if any(verb in rest for verb in view.words_of(language, "recommend")):
        return True
    offers = any(
        other.phrase.behaviour == "sign.answer" and hit.start <= other.start < hit.sentence[1] for other in view.hits
    )
    return not offers and any(len(word) >= _LONG and word in view.request for word in words)


def denies(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence of a hit says what somebody is not or has not; so it may where the pack has no words for that."""
    said = fold_text(view.answer.text[slice(*hit.sentence)])
    has_words = hit.phrase.language == "en" or bool(view.words_of(hit.phrase.language, "deny"))
    return not has_words or denied_in(view, hit.phrase.language, said)


def _disclaimer(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return the disclaimer's sentence, or only its clause where the sentence answers after all ("..., but leek soup is best").

    Where the clause before the turn answers too, only "As an AI, " is the disclaimer.
    """
    start, end = hit.sentence
    turned = turned_at(view, hit)
    again = _disclaims_again(view, hit, turned)
    if again:  # "I'm no doctor, but as an AI I can say that ..."
        return start, (_lead(view, again[0], end) or (start, end))[1]
    if turned == end:
        return _lead(view, hit, end) or (start, end)
    if not speaks_of_itself(view, hit):
        return _lead(view, hit, turned) or (start, end)
    return (start, end) if _offers_nothing_yet(view, hit, turned) else (start, turned)


def _offers_nothing_yet(view: TurnView, hit: Hit, turned: int) -> bool:
    """Return whether the clause at `turned` only says that an answer follows: "but I can explain it.", in few words."""
    language, end = hit.phrase.language, hit.sentence[1]
    said = view.answer.text[turned:end].strip()
    if not view.answer.chars_after(end):
        return False
    if language == "en" and _EMPTY_OFFER.fullmatch(said):
        return True
    offers = any(other.phrase.behaviour == "sign.answer" and turned <= other.start < end for other in view.hits)
    words = said.split()
    is_short = len(said) <= _OFFER_CHARS if UNSPACED.search(said) else len(words) <= _OFFER_WORDS
    is_named = any(word[:1].isupper() for word in words[1:] if not word.startswith("I"))
    joins = {"that", *view.words_of(language, "that")}
    return (
        offers
        and is_short
        and not (is_named or _CONTENT.search(said[:-1]) or not joins.isdisjoint(WORD.findall(fold_text(said))))
    )


def _disclaims_again(view: TurnView, hit: Hit, turned: int) -> list[Hit]:
    """Return the disclaimers with which the clause at `turned` begins."""
    return [other for other in _disclaiming(view, *hit.sentence) if turned <= other.start <= turned + _BEFORE]


def _disclaiming(view: TurnView, start: int, end: int) -> list[Hit]:
    return [
        hit
        for hit in view.hits
        if hit.phrase.behaviour == "disclaimer.identity" and not hit.doubt and start <= hit.start < end
    ]


def _lead(view: TurnView, hit: Hit, end: int) -> tuple[int, int] | None:
    """Return "As an AI, I can tell you that" where that is all that stands before what is said up to `end`; None where it denies
    something.
    """
    start = hit.sentence[0]
    begin = start if hit.start - start <= _BEFORE else hit.start
    folded = normalise(view.answer.text[begin:end])
    at = folded.place(hit.start - begin)
    led = _led_to(folded.text, at, view.words_of(hit.phrase.language, "say"))
    if led is None:
        led = (
            _after_clause(folded.text, at) if hit.phrase.language == "en" else _after_comma(view, hit, folded.text, at)
        )
    if led is None or (len(folded.text[led:].split()) < WORDS_LEFT and folded.text[led:].isascii()):
        return None
    return begin, begin + folded.origin(led - 1, led)[1]


def _led_to(folded: str, at: int, says: tuple[str, ...]) -> int | None:
    """Return where the first of the pack's leading words ends, with the space after it."""
    found = [(place, say) for say in says if 0 <= (place := folded.find(say, at)) <= at + _LEAD_CHARS]
    if not found:
        return None
    first = min(place for place, _ in found)
    led = first + max(len(say) for place, say in found if place == first)
    return led + len(folded[led:]) - len(folded[led:].lstrip(" ,，"))


def _after_clause(folded: str, at: int) -> int | None:
    """Return where what is said begins after English "as an AI, " ("I can offer some tips: "), unless that denies something."""
    comma = folded.find(",", at, at + _LEAD_CHARS)
    if not _SPEAKS_AS.match(folded, at) or comma < 0 or DENIES.search(folded, comma, comma + DENIED_WITHIN):
        return None
    announced = _ANNOUNCES.match(folded, comma + 1)
    led = announced.end() if announced else comma + 1
    return led + len(folded[led:]) - len(folded[led:].lstrip(" "))


def _after_comma(view: TurnView, hit: Hit, folded: str, at: int) -> int | None:
    """Return where what is said begins after "作为人工智能，", in Chinese or Japanese, unless it denies and advises nothing."""
    denials = view.words_of(hit.phrase.language, "deny")
    comma = _COMMA.search(folded, at, at + _LEAD_CHARS)
    if not denials or not comma or not UNSPACED.search(folded):
        return None
    rest = folded[comma.end() :]
    is_told = tells(view, hit.phrase.language, rest) or not any(denial in rest for denial in denials)
    return comma.end() if is_told else None


def opener_after(view: TurnView, hit: Hit, end: int) -> int:
    """Return where "However," at the start of the next sentence ends, or `end` where there is none that can be spared."""
    return _opener_after(view, hit.phrase.language, end, view.words_of(hit.phrase.language, "but"))


def _opener_after(view: TurnView, language: str, end: int, words: tuple[str, ...]) -> int:
    text = view.answer.text
    position = end + len(text[end:]) - len(text[end:].lstrip())
    folded = normalise(text[position : position + OPENER_CHARS])
    but = max((but for but in words if folded.text.startswith(but)), key=len, default="")
    rest = folded.text[len(but) :]
    if not but or not rest:
        return end
    is_spared = rest[0] in _COMMAS or (
        but in view.words_of(language, "join") and (rest[0].isspace() or bool(UNSPACED.match(but[-1])))
    )
    if not is_spared:
        return end
    past = len(but) + len(rest) - len(rest.lstrip(f"{_COMMAS} "))
    return position + folded.origin(past - 1, past)[1]
