"""Where a sentence that disclaims turns to something else ("..., but leek soup is best"), and whether what stands before may go.

What denies something, or speaks of the assistant alone, is no answer. What does neither may be one, and then the sentence is not
cut up to its turn.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unmoor.detectors.normalise import fold_text, normalise
from unmoor.detectors.phrases import Hit
from unmoor.detectors.view import TurnView
from unmoor.records import REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = [
    "DENIED_WITHIN",
    "DENIES",
    "OPENER_CHARS",
    "UNSPACED",
    "WORD",
    "WORDS_LEFT",
    "concedes",
    "denied_in",
    "gives_a_list",
    "is_a_clause",
    "speaks_of_itself",
    "tells",
    "turned_at",
    "turns",
]

OPENER_CHARS = 60
WORDS_LEFT = 3
"""Words from which a clause after a disclaimer says something."""
UNSPACED = pattern_when_used(r"[\u3040-\u30ff\u4e00-\u9fff]")
_COLON = pattern_when_used("[:：]")
_BETWEEN_ITEMS = pattern_when_used("[,;、，；\\n]")
_ITEM_WORDS = 3
"""Words at most of an item of a list that is no name, and so begins small."""
_CHARACTERS_LEFT = 6
"""Characters of Chinese or Japanese from which a clause says something."""
DENIES = pattern_when_used(r"n't|(?<!\w)(?:not|no|never|nor|unable|without|only|just|cannot|incapable|limited)(?!\w)")
"""English words by which a clause says what the assistant is not or has not."""
DENIED_WITHIN = 60
WORD = pattern_when_used(r"(?:[^\W\d_]|[\u0900-\u0963])+'?")
_NO_TURN = pattern_when_used(r"[,;] (?:regardless|instead) of ")
"""What begins in English like a turn, and is none."""
_SPEAKS_AS = pattern_when_used(r"\.disclaimer\.(?:i-|mine-)?as-")
"""How phrases are named that find "as an AI", after which anything may be said. The others find what is said of the assistant."""
_DECLINES = frozenset((*REFUSALS, "sign.inability", "bias.evasion", "disclaimer.professional"))
_OF_ITSELF = pattern_when_used(
    r"(?<!\w)(?:i (?:(?:am|do|did|can|could|have|was|will|may|must|might|should) |)(?:\w+ly |also |still )?"
    r"(?:not|no|never|only|just|unable|incapable|limited|without|lack|cannot)(?!\w)"
    r"|i(?:'m|'ve) (?:\w+ly |also |still )?(?:not|no|never|only|just|unable|incapable|limited|without)(?!\w)"
    r"|i (?:do|did|ca|could|have|was|wo|must|should)n't(?!\w)|i would(?:n't| not) (?:be able|have|know|want)"
    r"|i(?:'m| am| was|'ve been| have been) (?:\w+ ){0,2}?(?:trained|designed|programmed|made|created|built|developed|based"
    r"|an?(?! fan)|neutral|neither|here|able|capable)(?!\w)"
    r"|i (?:strive|aim|try|rely|depend|operate|exist|learn|process|must (?:remain|stay|adhere|follow)"
    r"|have (?:access|been|data|limits|limitations|knowledge))(?!\w)"
    r"|my (?!recommend|advice|suggest|answer|pick|choice|favou?r|guess|vote|tip|top)\w+)"
)
"""English for what the assistant alone is, has or does: "I do not have feelings", "my knowledge ends in 2021"."""
_ADVISES = pattern_when_used(
    r"(?<!\w)i do(?:n't| not) (?:recommend|advise|suggest|(?:think|believe) (?:that|it|you|so|this))(?!\w)"
)
"""English that denies and advises."""
_TO_ME = pattern_when_used(r"(?<!\w)(?:for|to|by) me(?!\w)")


def turned_at(view: TurnView, hit: Hit) -> int:
    """Return where a clause of three words or more after "but" or "however" begins in the sentence of a hit, or its end."""
    end = hit.sentence[1]
    _, turned = _turn_in_sentence(view, hit)
    return turned if is_a_clause(view.answer.text[turned:end]) else end


def speaks_of_itself(view: TurnView, hit: Hit) -> bool:
    """Return whether the clause of a disclaimer before a turn denies something, or speaks of the assistant alone: no answer goes
    with it. So it may where the pack has no words that deny.
    """
    language = hit.phrase.language
    is_conceded = concedes(view, hit, "though") or concedes(view, hit, "verb_first")
    if is_conceded or not _SPEAKS_AS.search(hit.phrase.id):
        return True
    stop, turned = _turn_in_sentence(view, hit)
    said = fold_text(view.answer.text[hit.start : stop])
    if tells(view, language, said):
        return False
    if any(
        other.phrase.behaviour in _DECLINES and not other.doubt and hit.start <= other.start and other.end <= turned
        for other in view.hits
    ):
        return True
    if language != "en" and any(
        other.phrase.behaviour == "identity.vendor" and hit.sentence[0] <= other.start and other.end <= turned
        for other in view.hits
    ):
        return True
    if language == "en":
        return bool(_OF_ITSELF.search(said) or (_TO_ME.search(said) and DENIES.search(said)))
    return not view.words_of(language, "deny") or denied_in(view, language, said)


def tells(view: TurnView, language: str, said: str) -> bool:
    """Return whether a folded clause advises or holds something, or leads to what it tells before it denies anything."""
    if language == "en":
        return bool(_ADVISES.search(said))
    says, denials = view.words_of(language, "say"), view.words_of(language, "deny")
    for lead in (*view.words_of(language, "recommend"), *says):
        before, found, rest = said.partition(lead)
        if found and not _is_denied(before, rest, denials, is_said=lead in says):
            return True
    words, told = WORD.findall(said), view.words_of(language, "that")
    first = next((word for word in words if word in told or word in denials), "")
    return first in told


def _is_denied(before: str, rest: str, denials: tuple[str, ...], *, is_said: bool) -> bool:
    """Return whether what a verb of advice or of saying leads to denies at once ("I can say that I have no taste"); in Chinese and
    Japanese also whether a denial stands before the verb.
    """
    if UNSPACED.search(before + rest):
        return any(denial in before for denial in denials) or rest.removeprefix("我").startswith(denials)
    return is_said and not set(WORD.findall(rest)[:1]).isdisjoint(denials)


def denied_in(view: TurnView, language: str, folded: str) -> bool:
    """Return whether a folded text says what somebody is not or has not, in the words that the pack has for that."""
    if language == "en":
        return bool(DENIES.search(folded))
    denials = view.words_of(language, "deny")
    if UNSPACED.search(folded):
        return any(denial in folded for denial in denials)
    return not set(WORD.findall(folded)).isdisjoint(denials)


def _turn_in_sentence(view: TurnView, hit: Hit) -> tuple[int, int]:
    """Return where what stands before "but" ends, or a concession ("Although I am an AI, here are ..."), and where the clause
    after it begins; or the end twice. A turn that is the ending of a verb, which may deny, is part of what stands before.
    """
    end = hit.sentence[1]
    position = hit.end - view.answer.text.endswith((",", ";"), hit.start, hit.end)
    language, tail = hit.phrase.language, view.answer.text[position:end]
    folded = normalise(tail)
    turns = view.words_of(language, "turn")
    found = [(place, place + len(turn)) for turn in turns if (place := folded.text.find(turn)) >= 0]
    if "," in folded.text or ";" in folded.text:
        found += [
            match.span()
            for but in _patterns(view.words_of(language, "but"))
            for match in [but.search(folded.text)]
            if match and not _NO_TURN.match(folded.text, match.start())
        ]
        found += [(past - 2, past) for past in _after_concession(view, hit, folded.text)]
    if not found:
        return end, end
    place, past = min(
        found, key=lambda turn: (turn[0], -turn[1])
    )  # of words at one place the longest: "但是", not "但"
    turned = position + folded.origin(past - 1, past)[1]
    return (turned if folded.text[place].isalpha() else position + folded.origin(place, past)[0]), turned


def _after_concession(view: TurnView, hit: Hit, folded: str) -> list[int]:
    """Return where the main clause begins in the folded rest of a sentence that begins by conceding; nowhere if it denies, or the
    concession ended before the hit.
    """
    comma = folded.find(",")
    conceded, has_ended, _ = fold_text(view.answer.text[hit.sentence[0] : hit.start]).rpartition(",")
    if comma < 0 or not concedes(view, hit, "though") or (has_ended and len(conceded.split()) > WORDS_LEFT):
        return []
    after = WORD.findall(folded[comma : comma + DENIED_WITHIN])
    past = len(folded) - len(folded[comma + 1 :].lstrip(" "))  # no space follows in Chinese
    return [] if not set(after).isdisjoint(view.words_of(hit.phrase.language, "deny")) else [past]


def concedes(view: TurnView, hit: Hit, name: str) -> bool:
    """Return whether the sentence of a hit begins with one of a pack's words that concede."""
    words = view.words_of(hit.phrase.language, name)
    begins = fold_text(view.answer.text[hit.sentence[0] : hit.start + OPENER_CHARS]) if words else ""
    return bool(words) and begins.lstrip(" \n*_#>-").startswith(words)


def is_a_clause(text: str) -> bool:
    """Return whether a text says something: three words, or as many characters as they have where words are not parted."""
    return len(text.split()) >= WORDS_LEFT or len(UNSPACED.findall(text)) >= _CHARACTERS_LEFT


def gives_a_list(text: str) -> bool:
    """Return whether a clause lists what it offers, after a colon: "I can name three: Rome, Bern and Oslo.", and no clauses."""
    listed = _COLON.split(text, maxsplit=1)[1:]
    if not listed or not is_a_clause(listed[0]):
        return False
    items = [item.strip() for item in _BETWEEN_ITEMS.split(listed[0]) if item.strip()]
    are_names = [not item[0].islower() for item in items]
    if len(items) == 2 and len(items[0].split()) > 1:  # "Each decides alone, as is right"
        return all(are_names)
    return len(items) > 1 and all(
        is_name or len(item.split()) <= _ITEM_WORDS for item, is_name in zip(items, are_names, strict=True)
    )


def _has_cases(letter: str) -> bool:
    return letter.lower() != letter.upper()


@lru_cache(maxsize=64)
def _patterns(buts: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rf"[,;] {re.escape(but)},? ") for but in buts)


def turns(view: TurnView, language: str, rest: str) -> bool:
    """Return whether a text starts with one of the words that open an answer after all."""
    return bool(_turning(view.words_of(language, "but")).match(fold_text(rest[:OPENER_CHARS])))


@lru_cache(maxsize=64)
def _turning(buts: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds one of the words where a sentence starts: whole words ("ma", not "Mao") in scripts that part them."""
    words = (re.escape(but) + (r"(?![^\W\d_])" if _has_cases(but[-1]) else "") for but in buts)
    return re.compile("|".join(words) or r"(?!)")
