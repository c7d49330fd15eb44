"""From a phrase hit to the words that a person would want to read as evidence, and that a mend would cut.

The rest has to read well without them: a disclaimer before an answer goes as far as the answer begins ("As an AI, I can tell you
that"), and with a sentence goes what only joins the next one to it ("However,").
"""

from __future__ import annotations

import re
from functools import lru_cache

from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.phrases import Hit
from unmoor.detectors.view import TurnView
from unmoor.records import BEHAVIOURS

__all__ = [
    "cut_of",
    "denies",
    "is_leant_on",
    "opener_after",
    "says_more",
    "tells_no_date",
    "turned_at",
    "turns",
    "with_opener",
]

_ASIDES = ("disclaimer.identity", "disclaimer.professional", "moralising")
"""Behaviours whose sentence may stand beside an answer, so that the answer's next one may lean on it."""
_OPENER_CHARS = 60
_COMMAS = ",，、:："
_LEAD_CHARS = 110
"""Code points from "As an AI" in which the words that lead to what is said begin."""
_BEFORE = 40
"""Code points before a disclaimer in its sentence that go with it ("Please note that as an AI, ...")."""
_WORDS_LEFT = 3
"""Words from which a clause after a disclaimer says something."""
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_CHARACTERS_LEFT = 6
"""Characters of Chinese or Japanese from which a clause says something."""
_SPEAKS_AS = re.compile(r"(?:as|being) an? ")
_DENIES = re.compile(r"n't|(?<!\w)(?:not|no|never|nor|unable|without|only|just|cannot|incapable|limited)(?!\w)")
"""English words by which a clause says what the assistant is not or has not."""
_DENIED_WITHIN = 60
_WORD = re.compile(r"(?:[^\W\d_]|[\u0900-\u0963])+'?")
_FIGURE = re.compile(r"(?<!\d)(?!(?:19|20)\d\d(?!\d))\d")
"""A figure that is no year: the date of a model's training is one."""
_LONG = 6
"""Letters of a word of the request that says what it is about."""
_DATED = re.compile(
    r"(?:(?P<as_of>as of )|)[^,]*?(?P<in>(?:(?:in|up to|until|through|of|from|as of) )?)"
    r"(?P<date>(?:(?:the )?(?:end|beginning|start|middle|spring|summer|autumn|fall|winter|early|late|mid)-?(?: of)? )?"
    r"(?:(?:jan|febr)uary|march|april|may|june|july|august|(?:septem|octo|novem|decem)ber)? ?(?:\d{1,2}, )?(?:19|20)\d\d),?",
    re.IGNORECASE,
)
"""English for up to when somebody knows, with a date."""
_EMPTY_OFFER = re.compile(
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
_CONTENT = re.compile(r"[:：\"“«„「『\d]")
_BRACKETS = re.compile(r"[ \t]*(?:\([^()\n]*\)|（[^（）\n]*）|\[[^\[\]\n]*\](?!\())")
_OPENS = re.compile(r"[(（](?=[^()（）\n]*\Z)")
_COMMA = re.compile(r"[,、]")
_ANNOUNCES = re.compile(r" ?(?:i|here|let|below|the following|these|some)(?!\w)[^.!?:\n]{0,100}:\s*")


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
            return (opened, closed) if _is_a_clause(beside) else None
    opens = _OPENS.search(said, 0, hit.start - start)  # a bracket that goes on after the sentence
    return (start + opens.end(), end) if opens and _is_a_clause(said[: opens.start()]) else None


def is_leant_on(view: TurnView, language: str, start: int, end: int) -> bool:
    """Return whether the sentence after one that is cut points back at it ("These rules ...") and holds nothing that would be cut
    as well: without it nobody would know what is meant.
    """
    text = view.answer.text
    position = end + len(text[end:]) - len(text[end:].lstrip(" \n\t*_"))
    refers = view.words_of(language, "refers")
    if not refers or position >= len(text) or "\n\n" in text[end - 1 : position] or start == end:
        return False
    if with_opener(view, language, start, end) != (start, end):
        return False
    if not fold_text(text[position : position + _OPENER_CHARS]).startswith(refers):
        return False
    return not any(
        other.phrase.behaviour in BEHAVIOURS and not other.doubt and other.sentence[0] <= position < other.sentence[1]
        for other in view.hits
    )


def says_more(view: TurnView, hit: Hit) -> bool:
    """Return whether a disclaimer's sentence, which would be cut whole, holds an answer as well: "Als KI weiß ich, dass ..."

    Told by what it does not deny, and a clause that cannot stand alone, a figure, or a longer word of the request; by a clause
    after a concession, where the verb comes first in it, with a comma before it or, in Swedish, without; or by one after a colon.
    """
    if hit.phrase.behaviour != "disclaimer.identity" or hit.phrase.span == "match" or _bracketed(view, hit):
        return False
    if _disclaimer(view, hit) != hit.sentence:
        return False
    rest = fold_text(view.answer.text[hit.end : hit.sentence[1]])
    is_conceded = _concedes(view, hit, "verb_first") and _is_a_clause(rest.partition(",")[2] or rest)
    return is_conceded or _announces(view, hit, rest) or _tells(view, hit, rest)


def _announces(view: TurnView, hit: Hit, rest: str) -> bool:
    """Return whether a clause that denies nothing follows a colon in the folded rest of a disclaimer's sentence."""
    said = rest.partition(":")[2]
    denials = view.words_of(hit.phrase.language, "deny")
    return bool(denials) and _is_a_clause(said) and set(_WORD.findall(said)).isdisjoint(denials)


def _tells(view: TurnView, hit: Hit, rest: str) -> bool:
    """Return whether the folded rest of a disclaimer's sentence tells something and denies nothing."""
    language, words = hit.phrase.language, _WORD.findall(rest)
    denials = view.words_of(language, "deny")
    if len(words) < _WORDS_LEFT or (language != "en" and not denials):
        return False
    if _DENIES.search(rest) if language == "en" else not set(words).isdisjoint(denials):
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
    if hit.phrase.language == "en":
        return bool(_DENIES.search(said))
    denials = view.words_of(hit.phrase.language, "deny")
    if not denials or _UNSPACED.search(said):
        return not denials or any(denial in said for denial in denials)
    return not set(_WORD.findall(said)).isdisjoint(denials)


def _disclaimer(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return the disclaimer's sentence, or only its clause where the sentence answers after all ("..., but leek soup is best")."""
    start, end = hit.sentence
    turned = turned_at(view, hit)
    again = [other for other in _disclaiming(view, start, end) if turned <= other.start <= turned + _BEFORE]
    if again:  # "I'm no doctor, but as an AI I can say that ..."
        return start, (_lead(view, again[0]) or (start, end))[1]
    if turned < end:
        return (start, end) if _offers_nothing_yet(view, hit, turned) else (start, turned)
    return _lead(view, hit) or (start, end)


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
    is_short = len(said) <= _OFFER_CHARS if _UNSPACED.search(said) else len(words) <= _OFFER_WORDS
    is_named = any(word[:1].isupper() for word in words[1:] if not word.startswith("I"))
    joins = {"that", *view.words_of(language, "that")}
    return (
        offers
        and is_short
        and not (is_named or _CONTENT.search(said[:-1]) or not joins.isdisjoint(_WORD.findall(fold_text(said))))
    )


def _disclaiming(view: TurnView, start: int, end: int) -> list[Hit]:
    return [
        hit
        for hit in view.hits
        if hit.phrase.behaviour == "disclaimer.identity" and not hit.doubt and start <= hit.start < end
    ]


def _lead(view: TurnView, hit: Hit) -> tuple[int, int] | None:
    """Return "As an AI, I can tell you that" where that is all that stands before what is said; None where it denies something."""
    start, end = hit.sentence
    begin = start if hit.start - start <= _BEFORE else hit.start
    folded = normalise(view.answer.text[begin:end])
    at = folded.place(hit.start - begin)
    led = _led_to(folded.text, at, view.words_of(hit.phrase.language, "say"))
    if led is None:
        led = (
            _after_clause(folded.text, at) if hit.phrase.language == "en" else _after_comma(view, hit, folded.text, at)
        )
    if led is None or (len(folded.text[led:].split()) < _WORDS_LEFT and folded.text[led:].isascii()):
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
    if not _SPEAKS_AS.match(folded, at) or comma < 0 or _DENIES.search(folded, comma, comma + _DENIED_WITHIN):
        return None
    announced = _ANNOUNCES.match(folded, comma + 1)
    led = announced.end() if announced else comma + 1
    return led + len(folded[led:]) - len(folded[led:].lstrip(" "))


def _after_comma(view: TurnView, hit: Hit, folded: str, at: int) -> int | None:
    """Return where what is said begins after "作为人工智能，", where words are not parted, unless it denies something."""
    denials = view.words_of(hit.phrase.language, "deny")
    comma = _COMMA.search(folded, at, at + _LEAD_CHARS)
    if not denials or not comma or not _UNSPACED.search(folded):
        return None
    return None if any(denial in folded[comma.end() :] for denial in denials) else comma.end()


def opener_after(view: TurnView, hit: Hit, end: int) -> int:
    """Return where "However," at the start of the next sentence ends, or `end` where there is none that can be spared."""
    return _opener_after(view, hit.phrase.language, end, view.words_of(hit.phrase.language, "but"))


def _opener_after(view: TurnView, language: str, end: int, words: tuple[str, ...]) -> int:
    text = view.answer.text
    position = end + len(text[end:]) - len(text[end:].lstrip())
    folded = normalise(text[position : position + _OPENER_CHARS])
    but = max((but for but in words if folded.text.startswith(but)), key=len, default="")
    rest = folded.text[len(but) :]
    if not but or not rest:
        return end
    is_spared = rest[0] in _COMMAS or (
        but in view.words_of(language, "join") and (rest[0].isspace() or bool(_UNSPACED.match(but[-1])))
    )
    if not is_spared:
        return end
    past = len(but) + len(rest) - len(rest.lstrip(f"{_COMMAS} "))
    return position + folded.origin(past - 1, past)[1]


def turned_at(view: TurnView, hit: Hit) -> int:
    """Return where a clause of three words or more after "but" or "however" begins in the sentence of a hit, or its end."""
    end = hit.sentence[1]
    begin = hit.end - view.answer.text.endswith((",", ";"), hit.start, hit.end)
    turned = _turn_in_sentence(view, hit, begin)
    return turned if _is_a_clause(view.answer.text[turned:end]) else end


def _turn_in_sentence(view: TurnView, hit: Hit, position: int) -> int:
    """Return where the clause after "but", or after a concession ("Although I am an AI, here are ..."), begins; or the end."""
    end = hit.sentence[1]
    language, tail = hit.phrase.language, view.answer.text[position:end]
    folded = normalise(tail)
    turns = view.words_of(language, "turn")
    found = [(place, place + len(turn)) for turn in turns if (place := folded.text.find(turn)) >= 0]
    if "," in folded.text or ";" in folded.text:
        found += [
            match.span()
            for but in _patterns(view.words_of(language, "but"))
            for match in [but.search(folded.text)]
            if match
        ]
        found += [(past - 2, past) for past in _after_concession(view, hit, folded.text)]
    if not found:
        return end
    _, past = min(found, key=lambda turn: (turn[0], -turn[1]))  # of words at one place the longest: "但是", not "但"
    return position + folded.origin(past - 1, past)[1]


def _after_concession(view: TurnView, hit: Hit, folded: str) -> list[int]:
    """Return where the main clause begins in the folded rest of a sentence that begins by conceding; nowhere if it denies, or the
    concession ended before the hit.
    """
    comma = folded.find(",")
    conceded, has_ended, _ = fold_text(view.answer.text[hit.sentence[0] : hit.start]).rpartition(",")
    if comma < 0 or not _concedes(view, hit, "though") or (has_ended and len(conceded.split()) > _WORDS_LEFT):
        return []
    after = _WORD.findall(folded[comma : comma + _DENIED_WITHIN])
    past = len(folded) - len(folded[comma + 1 :].lstrip(" "))  # no space follows in Chinese
    return [] if not set(after).isdisjoint(view.words_of(hit.phrase.language, "deny")) else [past]


def _concedes(view: TurnView, hit: Hit, name: str) -> bool:
    """Return whether the sentence of a hit begins with one of a pack's words that concede."""
    words = view.words_of(hit.phrase.language, name)
    begins = fold_text(view.answer.text[hit.sentence[0] : hit.start + _OPENER_CHARS]) if words else ""
    return bool(words) and begins.lstrip(" \n*_#>-").startswith(words)


def _is_a_clause(text: str) -> bool:
    """Return whether a text says something: three words, or as many characters as they have where words are not parted."""
    return len(text.split()) >= _WORDS_LEFT or len(_UNSPACED.findall(text)) >= _CHARACTERS_LEFT


def _has_cases(letter: str) -> bool:
    return letter.lower() != letter.upper()


@lru_cache(maxsize=64)
def _patterns(buts: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"[,;] {re.escape(but)},? ") for but in buts)


def turns(view: TurnView, language: str, rest: str) -> bool:
    """Return whether a text starts with one of the words that open an answer after all."""
    return bool(_turning(view.words_of(language, "but")).match(fold_text(rest[:_OPENER_CHARS])))


@lru_cache(maxsize=64)
def _turning(buts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds one of the words where a sentence starts: whole words ("ma", not "Mao") in scripts that part them."""
    words = (re.escape(but) + (r"(?![^\W\d_])" if _has_cases(but[-1]) else "") for but in buts)
    return re.compile("|".join(words) or r"(?!)")
