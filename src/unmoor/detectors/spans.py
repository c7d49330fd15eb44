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

__all__ = ["cut_of", "denies", "opener_after", "says_more", "turned_at", "turns"]

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
_COMMA = re.compile(r"[,、]")
_ANNOUNCES = re.compile(r" ?(?:i|here|let|below|the following|these|some)(?!\w)[^.!?:\n]{0,100}:\s*")


def cut_of(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return the span (code points of the answer) that stands for a hit."""
    if hit.phrase.span == "match":
        return hit.start, hit.end
    start, end = hit.sentence if hit.phrase.behaviour != "disclaimer.identity" else _disclaimer(view, hit)
    if hit.phrase.behaviour in _ASIDES and end == hit.sentence[1]:
        return start, _past_opener(view, hit, end)
    return start, end


def says_more(view: TurnView, hit: Hit) -> bool:
    """Return whether a disclaimer's sentence, which would be cut whole, holds an answer as well: "Als KI weiß ich, dass ..."

    Told by what it does not deny, and a clause that cannot stand alone, a figure, or a longer word of the request; by a clause
    after a concession, where the verb comes first in it, with a comma before it or, in Swedish, without; or by one after a colon.
    """
    is_cut_whole = hit.phrase.span != "match" and _disclaimer(view, hit) == hit.sentence
    if hit.phrase.behaviour != "disclaimer.identity" or not is_cut_whole:
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
    offers = [other for other in view.hits if other.phrase.behaviour == "sign.answer" and turned <= other.start < end]
    if turned < end:
        is_said_after = any(_is_answered_after(view.answer.text[other.end : end]) for other in offers)
        return (start, turned) if is_said_after or not offers else (start, end)
    return _lead(view, hit) or (start, end)


def _is_answered_after(rest: str) -> bool:
    """Return whether what follows an offer in its sentence is what was offered: "but here is what helps: cold water and salt"."""
    return len(rest.partition(":")[2].split()) >= _WORDS_LEFT


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


def _past_opener(view: TurnView, hit: Hit, end: int) -> int:
    """Return where the next sentence begins to say something: past "However," unless it has a finding of its own."""
    opener = opener_after(view, hit, end)
    if opener == end or any(
        other.phrase.behaviour in BEHAVIOURS and not other.doubt and other.sentence[0] <= opener - 1 < other.sentence[1]
        for other in view.hits
    ):
        return end
    return opener


def opener_after(view: TurnView, hit: Hit, end: int) -> int:
    """Return where "However," at the start of the next sentence ends, or `end` where there is none that can be spared."""
    text = view.answer.text
    position = end + len(text[end:]) - len(text[end:].lstrip())
    folded = normalise(text[position : position + _OPENER_CHARS])
    buts = view.words_of(hit.phrase.language, "but")
    but = max((but for but in buts if folded.text.startswith(but)), key=len, default="")
    rest = folded.text[len(but) :]
    if not but or not rest:
        return end
    is_spared = rest[0] in _COMMAS or (
        but in view.words_of(hit.phrase.language, "join") and (rest[0].isspace() or not _has_cases(but[-1]))
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
    """Return where the main clause begins in the folded rest of a sentence that begins by conceding; nowhere if it denies."""
    comma = folded.find(",")
    if comma < 0 or not _concedes(view, hit, "though"):
        return []
    after = _WORD.findall(folded[comma : comma + _DENIED_WITHIN])
    return [] if not set(after).isdisjoint(view.words_of(hit.phrase.language, "deny")) else [comma + 2]


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
