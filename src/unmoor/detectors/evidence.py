"""From phrase hits to findings: which hit speaks for a sentence, what a mend would cut, and what is only a disclaimer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from unmoor.detectors.answered import (
    answers_without_a_view,
    declines_as_always,
    has_no_life,
    is_a_caveat,
    is_answered_all_the_same,
    lacks_a_life,
    weight,
)
from unmoor.detectors.asked_about import GIVES_A_VOICE, answers_what_it_is, chooses_all_the_same, is_asked_about
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import FILLERS, Hit
from unmoor.detectors.spans import (
    cut_of,
    is_leant_on,
    says_more,
    tells_no_date,
    with_opener,
)
from unmoor.detectors.turning import gives_a_list, turned_at, turns
from unmoor.detectors.view import TurnView
from unmoor.languages import STRENGTHS
from unmoor.records import BEHAVIOURS, REFUSALS, Finding

__all__ = ["UNPARTED", "finding_at", "findings_from", "is_done_elsewhere", "without_doubles"]

MIN_PROBABILITY = 0.2
"""Findings less likely than this are not reported at all."""
_RANK = {"refusal.capability": 0, "refusal.policy": 1, "refusal.partial": 2}
_DOUBTED = 0.45
"""What a refusing phrase is believed at most where an answer stands beside it: it stays a finding for people to look at."""
UNPARTED = 0.6
"""What a disclaimer is believed at most whose sentence holds the answer too, and cannot be parted, and what stands before a
sentence that points back at it: people look before it is cut."""
_CUT = frozenset(("disclaimer.identity", "moralising"))
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
    return [_as_disclaimer(view, hit, finding_at(view, hit, turn, field, _belief(view, hit))) for hit in best.values()]


def _as_disclaimer(view: TurnView, hit: Hit, finding: Finding) -> Finding:
    """Return the finding, as a disclaimer where a whole sentence declines what assistants always do, is answered all the same, and
    disclaims nothing that is found already.
    """
    if hit.phrase.behaviour not in REFUSALS or hit.doubt or hit.belief < STRENGTHS["likely"]:
        return finding
    told = {other.phrase.behaviour for other in view.hits if not other.doubt and other.sentence == hit.sentence}
    folded = fold_text(view.answer.text[hit.end : hit.sentence[1]])
    concedes = any(word in folded for word in view.words_of(hit.phrase.language, "though"))
    is_whole = turned_at(view, hit) == hit.sentence[1] and not concedes
    if "disclaimer.identity" in told or not is_whole or not (declines_as_always(view, hit) or has_no_life(view, hit)):
        return finding
    if not is_answered_all_the_same(view, hit):
        return finding
    start, end = with_opener(view, hit.phrase.language, *hit.sentence)
    chance = UNPARTED if is_leant_on(view, hit.phrase.language, start, end) else STRENGTHS["likely"]
    return replace(
        finding,
        behaviour="disclaimer.identity",
        probability=chance,
        start_char=start,
        end_char=end,
        quote=view.answer.text[start:end],
    )


def without_doubles(findings: list[Finding]) -> list[Finding]:
    """Return the findings without disclaimers whose sentence is a refusal: "As an AI, I cannot help with that" is one thing.

    Beside a refusal in part both stand: an answer follows, and who keeps the one may cut the other. A refusal that the model found
    without a phrase only borrows its sentence, and takes no disclaimer away; but where it says that the assistant cannot, people
    look before that sentence is cut, unless the next one turns to an answer.
    """
    refused = [f for f in findings if f.behaviour in REFUSALS and f.probability >= 0.5]
    named = [f for f in refused if f.detector != "model" and f.behaviour != "refusal.partial"]
    unable = [f for f in refused if f.detector == "model" and f.behaviour == "refusal.capability"]
    return [
        replace(f, probability=min(f.probability, UNPARTED)) if _is_a_disclaimer_of(f, unable, is_all=True) else f
        for f in findings
        if not _is_a_disclaimer_of(f, named)
    ]


def _is_a_disclaimer_of(finding: Finding, refusals: Sequence[Finding], *, is_all: bool = False) -> bool:
    return finding.behaviour == "disclaimer.identity" and any(
        finding.shares_words(other) and not (is_all and finding.end_char > other.end_char) for other in refusals
    )


def _order(view: TurnView, hit: Hit) -> tuple[float, int, bool, int]:
    return -_belief(view, hit), _RANK.get(hit.phrase.behaviour, 9), hit.phrase.span != "match", hit.start


def _belief(view: TurnView, hit: Hit) -> float:
    if hit.phrase.behaviour in REFUSALS and (
        _is_answered_after(view, hit)
        or _is_beside_an_answer(view, hit)
        or is_done_elsewhere(view, hit)
        or _turns_to_answer(view, hit)
        or _is_one_point_of_many(view, hit)
        or is_answered_all_the_same(view, hit)
        or is_a_caveat(view, hit)
    ):
        return min(hit.belief, _DOUBTED)
    if is_asked_about(view, hit) or chooses_all_the_same(view, hit) or answers_without_a_view(view, hit):
        return min(hit.belief, _DOUBTED)
    if (
        says_more(view, hit)
        or tells_no_date(view, hit)
        or (hit.phrase.behaviour in _CUT and _is_leant_on(view, hit))
        or (hit.phrase.behaviour == "disclaimer.identity" and answers_what_it_is(view, hit))
    ):
        return min(hit.belief, UNPARTED)
    if hit.phrase.behaviour == "bias.evasion" and STRENGTHS["likely"] <= hit.belief and _evades_throughout(view):
        return STRENGTHS["sure"]
    return hit.belief


def _is_leant_on(view: TurnView, hit: Hit) -> bool:
    start, end = cut_of(view, hit)
    return end == hit.sentence[1] and is_leant_on(view, hit.phrase.language, start, end)


def _turns_to_answer(view: TurnView, hit: Hit) -> bool:
    """Return whether a sentence says who cannot do it, and turns to an answer: "I am no doctor and cannot say, but most often it is
    ...". What follows the turn must neither decline nor lead away, and an offer in it must give or be followed by what was offered.
    """
    if not view.asks.isdisjoint(GIVES_A_VOICE):
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
    is_listed = lacks_a_life(hit) and gives_a_list(view.answer.text[turned:end])
    is_given = is_listed or weight(given, hit.phrase.language) >= _GIVEN_AFTER
    return is_said_before and after.isdisjoint(_LEADS_AWAY) and is_given


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
    is_calm = view.asks.isdisjoint(("request.sensitive", *GIVES_A_VOICE))
    says_so = any(other.phrase.behaviour == "sign.elsewhere" and start <= other.start < turned for other in view.hits)
    return is_calm and turned < end and says_so


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


def _is_one_point_of_many(view: TurnView, hit: Hit) -> bool:
    """Return whether a hit stands in an item of a list, and most others say nothing that refuses: a caveat among answers."""
    answer = view.answer
    if not answer.is_item(hit.start):
        return False
    lines = {answer.line(other.start) for other in view.hits if other.phrase.behaviour in REFUSALS and not other.doubt}
    return 2 * len(lines) < answer.items


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
