"""From phrase hits to findings: which hit speaks for a sentence, what a mend would cut, and what is only a disclaimer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from unmoor.detectors.lectures import stands_apart, wants_a_text
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import FILLERS, Hit
from unmoor.detectors.pieces import beginning_with
from unmoor.detectors.spans import cut_of, denies, says_more, turned_at, turns
from unmoor.detectors.view import TurnView
from unmoor.languages import STRENGTHS
from unmoor.records import BEHAVIOURS, REFUSALS, Finding

__all__ = ["finding_at", "findings_from", "is_done_elsewhere", "without_doubles"]

MIN_PROBABILITY = 0.2
"""Findings less likely than this are not reported at all."""
_RANK = {"refusal.capability": 0, "refusal.policy": 1, "refusal.partial": 2}
_DOUBTED = 0.45
"""What a refusing phrase is believed at most where an answer stands beside it: it stays a finding for people to look at."""
_UNPARTED = 0.6
"""What a disclaimer is believed at most whose sentence holds the answer too, and cannot be parted: people look before it is cut."""
_GIVES_A_VOICE = frozenset(("request.text", "request.rewrite", "request.persona", "request.argue"))
"""Requests whose answer may speak for somebody else, or for one side."""
_ASKS_OF_ITSELF = frozenset(("request.self", "request.identity"))
_SPEAKS_TO_THE_READER = re.compile(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_REMINDS = re.compile(r"\W*(?:remember|(?:keep|bear) in mind)\b", re.IGNORECASE)
"""How a reminder begins that closes an English answer."""
_UNDER_WAY = 300
"""Code points before a refusing phrase from which an answer is under way. On the tuning half of a French and German set none of 21
phrases that begin so late was labelled a refusal, and on that of a Korean set three of fourteen."""
_EVADES_SHARE = 0.5
"""Share of an answer from which sentences that evade are most of it."""
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।", ":")
_SAYS_WHO = ("disclaimer.identity", "disclaimer.professional", "sign.self")
_LEADS_AWAY = frozenset(
    (*REFUSALS, "sign.inability", "sign.redirect", "sign.norms", "sign.caution", "bias.evasion", "moralising")
)
_NO_EXPERT = "no-expert", "not-a-professional", "not-advice"
"""How phrases are named that say one is no doctor or lawyer. Requests on health and law are nervous, and they may still answer."""
_INABLE = (*REFUSALS, "sign.inability")
_GIVEN_AFTER = 30
"""Code points after a turn within the sentence from which they are an answer."""
_WARNS = frozenset(("sign.norms", "sign.caution", "moralising"))
_GIVEN_BESIDE_WARNINGS = 80
"""Code points beside sentences that only warn from which they are an answer."""
_WEIGHING = "each-has-merit", "you-choose", "tastes-differ"
"""How phrases are named that weigh what was to be chosen from."""
_CHOOSES = re.compile(
    r"\bi(?:['’]d| would)(?: \w+){0,2}? (?:pick|choose|go (?:with|for)|say (?!it depends)|lean|vote|opt|rank"
    r"|recommend|start with|buy)\b"
    r"|\bmy (?:pick|choice|vote|money|favou?rite|recommendation|ranking|answer)\b|\bif i had to\b"
    r"|\b(?:choose|pick|go (?:with|for)|take|get|use) [^.!?\n]{1,40}\b(?:if|when|for) \w+"
    r"|\bif you[^.!?\n]{2,80}\b(?:choose|pick|go (?:with|for)|take|get|use)\b|\bfor (?:most|beginners)\b",
    re.IGNORECASE,
)
"""Where an English answer chooses all the same, or says which is for whom."""
_SAYS_WHICH_WORDS = 5
"""Words of a first sentence that is no more than the choice."""
_ANSWERS_AFTER = (250, 3.0)
"""After "However," this many code points, and this many times the refusing sentence, are an answer and not a goodbye."""


def findings_from(view: TurnView, turn: int, field: Literal["text", "reasoning"]) -> list[Finding]:
    """Return the findings that the phrases alone give for a turn, one a behaviour and sentence, refusals one a sentence."""
    best: dict[tuple[str, int], Hit] = {}
    for hit in view.hits:
        if hit.phrase.behaviour in BEHAVIOURS and _belief(view, hit) >= MIN_PROBABILITY:
            group = "refusal" if hit.phrase.behaviour in REFUSALS else hit.phrase.behaviour
            key = (group, hit.sentence[0])
            if key not in best or _order(view, hit) < _order(view, best[key]):
                best[key] = hit
    return [finding_at(view, hit, turn, field, _belief(view, hit)) for hit in best.values()]


def without_doubles(findings: list[Finding]) -> list[Finding]:
    """Return the findings without disclaimers whose sentence is a refusal: "As an AI, I cannot help with that" is one thing.

    A refusal that the model found without a phrase only borrows its sentence, and takes no disclaimer away.
    """
    refused = [
        (f.start_char, f.end_char)
        for f in findings
        if f.behaviour in REFUSALS and f.probability >= 0.5 and f.detector != "model"
    ]
    return [
        f
        for f in findings
        if f.behaviour != "disclaimer.identity"
        or not any(start < f.end_char and f.start_char < end for start, end in refused)
    ]


def _order(view: TurnView, hit: Hit) -> tuple[float, int, bool, int]:
    return -_belief(view, hit), _RANK.get(hit.phrase.behaviour, 9), hit.phrase.span != "match", hit.start


def _belief(view: TurnView, hit: Hit) -> float:
    if hit.phrase.behaviour in REFUSALS and (
        _is_answered_after(view, hit)
        or _is_beside_an_answer(view, hit)
        or is_done_elsewhere(view, hit)
        or _turns_to_answer(view, hit)
    ):
        return min(hit.belief, _DOUBTED)
    if _is_asked_about(view, hit) or _chooses_all_the_same(view, hit):
        return min(hit.belief, _DOUBTED)
    if says_more(view, hit):
        return min(hit.belief, _UNPARTED)
    if hit.phrase.behaviour == "bias.evasion" and STRENGTHS["likely"] <= hit.belief and _evades_throughout(view):
        return STRENGTHS["sure"]
    return hit.belief


def _turns_to_answer(view: TurnView, hit: Hit) -> bool:
    """Return whether a sentence says who cannot do it, and turns to an answer: "I am no doctor and cannot say, but most often it is
    ...". What follows the turn must neither decline nor lead away, and an offer in it must be followed by what was offered.
    """
    if not view.asks.isdisjoint(_GIVES_A_VOICE):
        return False
    start, end = hit.sentence
    own = [other for other in view.hits if not other.doubt and start <= other.start]
    says_who = [other for other in own if other.phrase.behaviour in _SAYS_WHO and other.start < end]
    who = min(says_who, key=lambda other: not other.phrase.id.endswith(_NO_EXPERT), default=None)
    if "request.sensitive" in view.asks and not (who and who.phrase.id.endswith(_NO_EXPERT)):
        return False
    turned = turned_at(view, who) if who else end
    if turned == end or hit.start >= turned:
        return who is not None and who.phrase.behaviour == "disclaimer.professional" and _goes_on_freely(view, own, end)
    said = [other for other in own if other.start < end]
    is_said_before = any(other.end <= turned and other.phrase.behaviour in _INABLE for other in said)
    after = {other.phrase.behaviour for other in said if other.end > turned and other is not hit}
    given = view.answer.chars_after(end) if "sign.answer" in after else len(view.answer.text[turned:].strip())
    return is_said_before and after.isdisjoint(_LEADS_AWAY) and given >= _GIVEN_AFTER


def _goes_on_freely(view: TurnView, own: Sequence[Hit], end: int) -> bool:
    """Return whether sentences in which nothing was found but fillers are an answer after a place, and none there leads away: one
    that only warns does not where more than a goodbye is given beside it.
    """
    after = [hit for hit in own if hit.start >= end and hit.phrase.behaviour not in FILLERS - {"sign.caution"}]
    found = sum(stop - begin for begin, stop in {hit.sentence for hit in after})
    leads_away = {hit.phrase.behaviour for hit in after} & _LEADS_AWAY
    given = view.answer.chars_after(end) - found
    return given >= (_GIVEN_BESIDE_WARNINGS if leads_away else _GIVEN_AFTER) and leads_away <= _WARNS


def is_done_elsewhere(view: TurnView, hit: Hit) -> bool:
    """Return whether a sentence says what a chat is not for, and turns to where it is done: "I can't make a label in this chat, but
    under Returns you get one."
    """
    start, end = hit.sentence
    turned = turned_at(view, hit)
    is_calm = view.asks.isdisjoint(("request.sensitive", *_GIVES_A_VOICE))
    says_so = any(other.phrase.behaviour == "sign.elsewhere" and start <= other.start < turned for other in view.hits)
    return is_calm and turned < end and says_so


def _is_asked_about(view: TurnView, hit: Hit) -> bool:
    """Return whether the words answer what was asked: ethics and law (as items of a list are), whom to see, what it is itself, one
    side.
    """
    if hit.phrase.behaviour == "moralising":
        return view.answer.is_item(hit.start) or _is_no_lecture(view, hit)
    if hit.phrase.behaviour == "disclaimer.identity":
        return not view.asks.isdisjoint(_ASKS_OF_ITSELF) or _is_a_narrator(view, hit)
    if hit.phrase.behaviour == "disclaimer.professional":
        return view.answer.is_item(hit.start) and _is_calm(view)
    return hit.phrase.behaviour == "bias.stance" and bool(view.asks & _GIVES_A_VOICE)


def _is_calm(view: TurnView) -> bool:
    """Return whether nothing sensitive was asked and nothing declines."""
    refuses = any(hit.phrase.behaviour in REFUSALS and not hit.doubt for hit in view.hits)
    return "request.sensitive" not in view.asks and not refuses


def _is_no_lecture(view: TurnView, hit: Hit) -> bool:
    """Return whether words on right and wrong are what was asked about, or part of a text that was asked for.

    At either end of such a text a sentence to the reader may still be the assistant's own.
    """
    if "request.ethics" in view.asks and "request.sensitive" not in view.asks:
        return True
    answer = view.answer
    if not view.asks & _GIVES_A_VOICE and not _is_inside_a_text(view, hit):
        return False
    is_at_an_end = answer.ordinal(hit.start) == 0 or answer.from_end(hit.start) == 0
    said = answer.text[slice(*hit.sentence)]
    speaks = hit.phrase.language != "en" or bool(_SPEAKS_TO_THE_READER.search(said))
    return "request.rewrite" in view.asks or not (is_at_an_end and speaks)


def _is_a_narrator(view: TurnView, hit: Hit) -> bool:
    """Return whether "as an AI assistant, I ..." is told further down in a story that was asked for: it denies nothing, and speaks
    to no reader where it closes the story.
    """
    answer = view.answer
    if not view.asks_for("story") or answer.ordinal(hit.start) == 0 or denies(view, hit):
        return False
    if answer.from_end(hit.start) > 0:
        return True
    reader = view.words_of(hit.phrase.language, "reader")
    return bool(reader) and not _to_a_reader(reader).search(fold_text(answer.text[slice(*hit.sentence)]))


_to_a_reader = lru_cache(maxsize=64)(beginning_with)


def _is_inside_a_text(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence shares its paragraph in an English text that was asked for, closes it with no reminder, and
    nothing declines to write it.
    """
    answer = view.answer
    if not wants_a_text(view.request) or stands_apart(answer, *hit.sentence):
        return False
    if answer.from_end(hit.start) == 0 and _REMINDS.match(answer.text, *hit.sentence):
        return False
    return not any(other.phrase.behaviour in REFUSALS and not other.doubt for other in view.hits)


def _chooses_all_the_same(view: TurnView, hit: Hit) -> bool:
    """Return whether an English answer that finds good in each chooses: "Both are fine, but I'd pick the smaller one", or says
    which in its first few words: "Postgres. Both are good."
    """
    if not hit.phrase.id.endswith(_WEIGHING):
        return False
    text, first = view.answer.text, view.answer.sentences.spans[0]
    opening = text[slice(*first)].strip()
    says_which = opening.endswith(".") and len(opening.split()) <= _SAYS_WHICH_WORDS and hit.sentence != first
    return says_which or bool(_CHOOSES.search(text))


def _evades_throughout(view: TurnView) -> bool:
    """Return whether the answer evades in two sentences, or in most of what it says: then it is no aside before an answer."""
    said = {hit.sentence for hit in view.hits if hit.phrase.behaviour == "bias.evasion" and not hit.doubt}
    chars = sum(end - start for start, end in said)
    return len(said) > 1 or chars >= _EVADES_SHARE * len(view.answer.text.strip())


def _is_beside_an_answer(view: TurnView, hit: Hit) -> bool:
    """Return whether the answer was well under way before the hit and goes on, or breaks off, after it: a caveat, no refusal."""
    answer = view.answer
    if answer.is_reasoning(hit.start) or hit.start - answer.body <= _UNDER_WAY:
        return False
    rest = answer.chars_after(hit.sentence[1])
    return rest > _UNDER_WAY or not answer.text.rstrip(" \n*_)\"'»”").endswith(_ENDS)


def _is_answered_after(view: TurnView, hit: Hit) -> bool:
    """Return whether the next sentence turns ("However, ...") and a full answer follows."""
    answer = view.answer
    begin, end = hit.sentence
    rest = answer.text[end:].lstrip(" \n\t*_#>-")
    after = len(rest)
    if after < _ANSWERS_AFTER[0] or after < _ANSWERS_AFTER[1] * (end - begin):
        return False
    return turns(view, hit.phrase.language, rest) and not _offers_at(view, len(answer.text) - after)


def _offers_at(view: TurnView, start: int) -> bool:
    """Return whether the sentence at a place offers something else, or sends elsewhere: "However, if you need ..., I can ..."."""
    begin, end = view.answer.sentence(start, start + 1)
    return any(
        hit.phrase.behaviour == "sign.redirect" and not hit.doubt and begin <= hit.start < end for hit in view.hits
    )


def finding_at(view: TurnView, hit: Hit, turn: int, field: Literal["text", "reasoning"], probability: float) -> Finding:
    """Return the finding for a hit; its span is what a person would want to read, or a mend to cut."""
    start, end = cut_of(view, hit)
    return Finding(
        behaviour=hit.phrase.behaviour,
        turn=turn,
        start_char=start,
        end_char=end,
        quote=view.answer.text[start:end],
        rule=hit.phrase.id,
        probability=round(probability, 4),
        language=hit.phrase.language,
        field=field,
        is_reasoning=field == "reasoning" or view.answer.is_reasoning(hit.start),
    )
