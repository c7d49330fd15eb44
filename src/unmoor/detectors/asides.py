"""From an answer to the same without what is said beside it: the clause in which it says what it is before it goes on ("While I'm
just an AI, I can share ..."), and the friendly formulas at its end ("Let me know if you have any other questions!").
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from unmoor.detectors.normalise import normalise
from unmoor.detectors.structure import without_end
from unmoor.detectors.view import TurnView
from unmoor.languages import STRENGTHS
from unmoor.records import Finding
from unmoor.records.patterns import pattern_when_used

__all__ = ["without_asides"]

_OFFERS = r"let me know\b|feel free to\b|(?:don['’]t|do not) hesitate\b|is there anything (?:else|more)\b"
_CARE = (
    r"is there something (?:else|specific|more)\b"
    r"|(?:i(?:['’]m| am|['’]d be| would be|['’]ll be) )?(?:always |more than )?(?:happy|glad) to"
    r" (?:help|answer|assist|explain|clarify)\b"
    r"|(?:if|should) you(?:['’]d| would|['’]re| are)? [^.!?]*"
    r"\b(?:let me know|feel free|just ask|hesitate|here to|happy to|glad to)\b"
    r"|would you like (?:me to|to|more|another|an?|some|any)\b"
    r"|do you (?:have|need|want) (?:any|anything|me|help|more|another|further)\b"
    r"|i(?:['’]m| am) (?:always |still )?here (?:to|if|for)\b"
)
"""What offers ordinary help after a calm request, and after a nervous one may stand in place of an answer."""
_WISHES = (
    r"(?:i )?(?:really |sincerely )?hope (?:(?:this|that|it|these) (?:\w+ )?(?:helps?|helped|is|was|works?|answers?|clarif)\w*"
    r"|you (?:enjoy|like|love|find (?:this|it|these)|have)\b)"
    r"|(?:good luck|best of luck|enjoy|have fun|have an? (?:great|good|nice|wonderful|lovely)|you['’]re welcome|cheers"
    r"|anything else)\b"
)
_FORMULA, _CALM_FORMULA = (
    re.compile(
        r"(?![^.!?\n]*\b(?:but|however|though|instead|rather|other than|different)\b)"
        r"\W*(?:and |so |also,? |otherwise,? |just |please )*"
        rf"(?:{formulas}|{_WISHES})[^.!?\n]*[.!?\s)*_🙂😊]*",
        re.IGNORECASE,
    )
    for formulas in (_OFFERS, f"{_OFFERS}|{_CARE}")
)
"""Friendly formulas that are a whole sentence: after any request, and after one on nothing nervous."""
_GOES_ON = pattern_when_used(
    r"[\s,:]*(?:but |still |certainly |of course |nevertheless )*"
    r"(?:i(?:['’]d| would|['’]ll| will)? ?(?:can|could|will|be (?:happy|glad|able|pleased))\b|i(?:['’]m| am) (?:happy|glad|able)\b"
    r"|i['’]ll\b|let me\b|let['’]s\b|here\b|we can\b)"
    r"(?!['’]t\b| (?:not|only|never|no|neither|have to|be un\w+|decline|pass|refuse|skip|leave|stop)\b)",
    re.IGNORECASE,
)
"""How a sentence goes on that gives all the same."""
_NERVOUS = ("request.sensitive", "request.argue")
_MOST = 3
"""Sentences that are taken off."""


def without_asides(view: TurnView, found: Iterable[Finding]) -> TurnView | None:
    """Return the view of an English answer without the clauses and formulas; None where there are none, or they are all it says.

    `found` are the findings of its phrases. What is left out at the beginning becomes spaces, so that every place stays.
    """
    spans, text = view.answer.sentences.spans, view.answer.text
    end, formula = len(spans), _CALM_FORMULA if view.asks.isdisjoint(_NERVOUS) else _FORMULA
    while end > max(0, len(spans) - _MOST) and formula.fullmatch(text, *spans[end - 1]):
        end -= 1
    clauses = [(one.start_char, one.end_char) for one in found if _is_clause_before_help(view, one)]
    if not end or (end == len(spans) and not clauses):
        return None
    answer = without_end(view.answer, spans[end - 1][1]) if end < len(spans) else view.answer
    said = answer.text
    for start, stop in clauses:
        said = said[:start] + " " * (stop - start) + said[stop:]
    return replace(
        view,
        answer=replace(answer, text=said),
        folded=normalise(said),
        hits=tuple(one for one in view.hits if one.end <= len(said) and not _is_within(one.start, one.end, clauses)),
        lectures=tuple(one for one in view.lectures if one.end <= len(said)),
    )


def _is_clause_before_help(view: TurnView, finding: Finding) -> bool:
    """Return whether a finding is a clause on what the assistant is, after which the same sentence offers what was asked for."""
    if finding.behaviour != "disclaimer.identity" or finding.probability < STRENGTHS["sure"]:
        return False
    return _GOES_ON.match(view.answer.text, finding.end_char) is not None


def _is_within(start: int, end: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(begin <= start and end <= stop for begin, stop in spans)
