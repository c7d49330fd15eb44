"""From an answer and its refusing phrases to what makes them beside the point: the answer follows, or such words were asked for."""

from __future__ import annotations

import re

from unmoor.detectors.answered import is_a_caveat, is_answered_all_the_same
from unmoor.detectors.evidence import is_done_elsewhere
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import FILLERS, Hit
from unmoor.detectors.pieces import LONG_WORD
from unmoor.detectors.spans import opener_after
from unmoor.detectors.turning import turned_at
from unmoor.detectors.view import TurnView
from unmoor.detectors.whose import DECLINES, speaks_as_asked
from unmoor.languages import STRENGTHS
from unmoor.records import REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = ["ANSWERS", "LECTURES", "is_excused"]

ANSWERS = ("sign.answer", "sign.turn")
"""Behaviours by which an answer is offered or begins."""
LECTURES = ("moralising", "sign.norms")

_ANSWER_CHARS = 30
"""Code points after a disclaimer from which something is answered, in a sentence or more."""

_TURNED = pattern_when_used(
    r", (?:but|though|yet) (?!(?:i|if|please|you (?:can|could|may|should|might)|we|perhaps|maybe|feel|let|here)\b)",
    re.IGNORECASE,
)
"""A sentence that turns, and not to an offer."""

_OF_THE_ASKER = pattern_when_used(r"\b(?:your|from here)\b", re.IGNORECASE)

_LEADS_AWAY = frozenset(
    (
        *REFUSALS,
        "sign.redirect",
        "sign.answer",
        "sign.inability",
        "sign.caution",
        "sign.self",
        "disclaimer.professional",
    )
)

_DECLINES = (*REFUSALS, "sign.inability", "sign.redirect", "sign.apology")

_LEAD_WITHIN = 12
"""Code points of a sentence before a disclaimer that leads it."""

_OWN_LIFE = pattern_when_used(
    r"\b(?:feel\w*|emotions?|experienc\w*|opinions?|beliefs?|preferences?|tastes?|body|bodies|physical\w*|pain|senses?"
    r"|conscious\w*|personal\w*|hobbies|memories|childhood|family|friends)\b",
    re.IGNORECASE,
)
"""What only somebody with a life has: to be without it says nothing of the answer."""

_ASKS_OF_ITS_LIFE = pattern_when_used(
    r"\b(?:do|are|can|have|did|would|will|could|were|if|when) you (?:\w+ )?(?:feel|experience|have|enjoy|love|like|think|believe"
    r"|remember|get|want|wish|miss|hate|prefer|fear|dream|understand|suffer|consider|hold|possess|sense|care|ever|happy|sad|proud"
    r"|lonely|afraid|tired|bored|jealous|angry|hurt|alive|conscious|human|a|an|able|capable|willing)\b"
    r"|\byour (?:own|feelings?|emotions?|opinions?|views?|thoughts?|experiences?|life|family|childhood|dreams?|memor\w+|senses?)\b"
)
"""English for what only somebody with a life could answer: then to have none is the answer, and no aside."""

_NEXT_CHARS = 200

_SERVICE = pattern_when_used(
    r"\bwe(?:['’]re| are)?(?: currently| unfortunately| sadly| only)?"
    r" (?:can(?:['’]t|not| not)|don['’]t|do not|won['’]t|will not|unable to|not able to|no longer)(?: currently| directly)?"
    r" (?:issue|refund|exchange|ship|sell|accept|deliver|replace|return|extend|cancel|hono(?:u)?r|stock|carry|reserve|price|match"
    r"|rebook|upgrade|charge|repair|restock|take (?:back|returns|cash|cards|bookings))\b",
    re.IGNORECASE,
)
"""What a shop, and no model, says that it does not do."""

_CHOOSES = pattern_when_used(
    r"\b(?:but|though|yet|still|however),?(?: [^.!?;:\n]{0,60})?"
    r"(?:\bif i (?:had|were|was|did|could|ever)\b[^.!?;:\n]{0,60}?,? i(?:['’]d| would)"
    r" (?!not|rather|prefer|never|ask|need|still|suggest)"
    r"|\bi(?:['’]d| would)(?: probably| definitely| happily)? (?:pick|choose|go (?:with|for)|vote for|name|opt for)\b)",
    re.IGNORECASE,
)
"""A sentence that turns and says after all what would be chosen: "... but if I had to pick, I'd say blue"."""

_SAYS_YES = pattern_when_used(r"\W*(?:yes|yeah|yep|sure)\b(?!\W+but\b)", re.IGNORECASE)
_ASKS_WHETHER = pattern_when_used(
    r"\W*(?:(?:hi|hey|hello|so|and|ok|okay)\W+)*(?:are|is|do|does|can|could|will|have|has|did|may) you\b"
)
"""English for a question about what the assistant is able to do."""

_SEVERAL = pattern_when_used(r"\b(?:and|then|also|plus|as well)\b|[?;]\s*\S|\b[12]\)|\n")
"""What a request holds that asks for more than one thing."""
_NOT_LOOKED_UP = pattern_when_used(
    r"\b(?:check|verify|confirm|see|tell|know|say|look up|guarantee)(?: you)?"
    r" (?:whether|if|how many|which of|today|current|live|exact|that (?:they|it|these))",
    re.IGNORECASE,
)
_CAVEAT_AFTER = 100
"""Code points of an answer in which nothing declines, after which its last sentence only says what was not looked up."""

_OFFERS = pattern_when_used(
    r"\b(?:happy|glad|pleased|delighted|love|ready) to (?:help|assist|review|explain|interpret|take a look|look|go (?:over|through)"
    r"|translate|edit|proofread|summari[sz]e|analy[sz]e|check)\b|\bhappy to!",
    re.IGNORECASE,
)
_ASKS_FOR_IT = pattern_when_used(
    r"\b(?:please|could you|can you|would you|just) (?:please )?(?:provide|share|send|paste|upload|attach|list|give me|tell me)\b"
    r"|\bit(?: would|['’]d) (?:be (?:helpful|useful)|help)(?: me)? (?:to know|if you)\b",
    re.IGNORECASE,
)
_ELSEWHERE = pattern_when_used(
    r"\b(?:instead|else|different\w*|another|alternative\w*|rather|other|if you(?:['’]d| would) like|general\w*)\b",
    re.IGNORECASE,
)
"""English for an offer of help, for what it then asks for, and for help with something else, which is no such offer."""

_LEAVES_OUT = pattern_when_used(
    r"\bi(?:['’]ll| will)? ?(?:won['’]t|will not|haven['’]t|have not|left out|leave out|avoid(?:ed)?|skip(?:ped)?)"
    r"(?: be)? ?(?:includ|us|add|suggest|list|mention)?(?:e|ed|ing)? (?:any )?([a-z]+)\b"
    r"[^.!?]*\b(?:here(?:['’]s| is| are)|these|this|try)\b",
    re.IGNORECASE,
)
"""English for a thing that is left out of what the same sentence gives."""
_WITHOUT = r"(?:n't|\b(?:no|not|without|avoid(?:ing)?|except|hates?|dislikes?|allergic to|free of))\b[^.!?;,]{0,24}\b"

_ANSWER_SHARE = 0.25
"""Share of an answer from which what stands beside its lectures is one."""

_BESIDE_AN_ANSWER = {"disclaimer.professional", *FILLERS}


def _only_lectures_beside(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether all that speaks for a refusal stands in sentences that lecture beside an answer."""
    if refusals or not view.lectures:
        return False
    spans = [(one.start, one.end) for one in view.lectures]
    own = [hit for hit in view.hits if not hit.doubt and hit.phrase.behaviour not in ANSWERS]
    chars = len(view.answer.text.strip())
    left = chars - sum(end - start for start, end in spans)
    return left >= max(_ANSWER_CHARS, _ANSWER_SHARE * chars) and all(
        any(start <= hit.start < end for start, end in spans) for hit in own
    )


def _is_asked_for(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether words that decline were asked for, and none are the assistant's own."""
    speaks = any(hit.phrase.behaviour in ("sign.self", "sign.inability") and not hit.doubt for hit in view.hits)
    is_given = any(hit.doubt == "given text" for hit in view.hits)
    return (view.is_worded or is_given) and not refusals and not speaks


def _only_advises(view: TurnView, _refusals: list[Hit]) -> bool:
    """Return whether advice to see a professional, after something else was said, is all that the assistant says of itself."""
    own = {hit.phrase.behaviour for hit in view.hits if not hit.doubt}
    first = min((hit.start for hit in view.hits if hit.phrase.behaviour == "disclaimer.professional"), default=0)
    return "disclaimer.professional" in own and own <= _BESIDE_AN_ANSWER and view.answer.ordinal(first) > 0


def _speaks_as_asked(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether an answer speaks as whom it was asked to be, of itself and not in a text, and declines nothing."""
    declines = any(hit.phrase.behaviour in ("refusal.policy", "refusal.partial") for hit in refusals)
    is_text = not view.asks.isdisjoint(("request.text", "request.argue"))
    return not declines and not is_text and speaks_as_asked(view, "en", len(view.answer.text))


def _only_disclaims(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether all that declines is one disclaimer that goes on to answer: "As an AI, I have no body, but I can say how: ..."

    The same sentence must turn and offer an answer, the answer must follow it, and nothing else may speak of not being able to.
    Where an opinion was asked for, having none is not beside the point.
    """
    own = [hit for hit in view.hits if not hit.doubt]
    disclaimer = next((hit for hit in own if hit.phrase.behaviour == "disclaimer.identity"), None)
    asked_for_one = "request.opinion" in view.asks or any(hit.phrase.behaviour == "bias.evasion" for hit in own)
    if disclaimer is None or asked_for_one or any(hit.phrase.behaviour == "refusal.policy" for hit in refusals):
        return False
    start, end = disclaimer.sentence
    said = [hit for hit in own if start <= hit.start < end]
    offers = any(hit.phrase.behaviour == "sign.answer" and hit.start > disclaimer.start for hit in said)
    declines = [hit for hit in own if hit.phrase.behaviour in (*REFUSALS, "sign.inability", "sign.redirect")]
    answered = view.answer.chars_after(end) >= _ANSWER_CHARS
    return offers and answered and all(start <= hit.start < end for hit in declines)


def _only_lacks_sight(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether one clause says that something of the asker's cannot be seen, and the same sentence turns and answers.

    "I can't see your receipt, but lamps have two years: ..." An offer, a caution or a second "I cannot" is no such answer.
    """
    if {hit.phrase.behaviour for hit in refusals} != {"refusal.capability"}:
        return False
    text, (start, end) = view.answer.text, refusals[0].sentence
    turned = _TURNED.search(text, max(hit.end for hit in refusals), end)
    if turned is None or not _OF_THE_ASKER.search(text, start, turned.start()):
        return False
    beside = [hit for hit in view.hits if not (start <= hit.start < turned.start())]
    return view.answer.chars_after(turned.end()) >= _ANSWER_CHARS and not any(
        hit.phrase.behaviour in _LEADS_AWAY for hit in beside
    )


def _goes_on(view: TurnView, _refusals: list[Hit]) -> bool:
    """Return whether one sentence lacks feelings or tastes, turns, and an answer follows: "I'm only a program, so ..., but ...".

    The next sentence may do the turning ("However, many people ..."), or speak of what was asked. Nothing after the turn, and
    nothing else, may decline, nor lecture where it is a sentence; of itself the assistant must not have been asked.
    """
    own = [hit for hit in view.hits if not hit.doubt]
    disclaimer = next((hit for hit in own if hit.phrase.behaviour == "disclaimer.identity"), None)
    evades = any(hit.phrase.behaviour in ("bias.evasion", "refusal.policy") for hit in own)
    if disclaimer is None or evades or view.asks & {"request.self", "request.private"}:
        return False
    (start, end), turned = disclaimer.sentence, turned_at(view, disclaimer)
    declines = [hit for hit in own if hit.phrase.behaviour in _DECLINES]
    is_turned = turned < end
    if not is_turned and _OWN_LIFE.search(view.answer.text, start, end) and not _ASKS_OF_ITS_LIFE.search(view.request):
        declines += [hit for hit in own if hit.phrase.behaviour in LECTURES]
        is_turned = opener_after(view, disclaimer, end) > end or _speaks_of_what_was_asked(view, end)
    return (
        is_turned
        and view.answer.chars_after(end) >= 2 * _ANSWER_CHARS
        and all(start <= hit.start < turned for hit in declines)
    )


def _only_dates(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether all that declines is the lead of a sentence that answers: "As of my last update in May, the tower is ..."."""
    own = [hit for hit in view.hits if not hit.doubt]
    lead = next((hit for hit in own if hit.phrase.behaviour == "disclaimer.identity"), None)
    if lead is None or lead.phrase.span != "match" or lead.start - lead.sentence[0] > _LEAD_WITHIN:
        return False
    declines = [*refusals, *(hit for hit in own if hit.phrase.behaviour in ("bias.evasion", *DECLINES))]
    return view.answer.chars_after(lead.end) >= 2 * _ANSWER_CHARS and all(
        lead.start <= hit.start and hit.end <= lead.end for hit in declines
    )


def _speaks_of_what_was_asked(view: TurnView, position: int) -> bool:
    """Return whether the sentence after a place holds a longer word of the request."""
    rest = fold_text(view.answer.text[position : position + _NEXT_CHARS])
    return not set(LONG_WORD.findall(rest)).isdisjoint(LONG_WORD.findall(view.request))


def _is_on_ethics(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether right and wrong were asked about, and words on that are all that speaks for a refusal."""
    own = {hit.phrase.behaviour for hit in view.hits if not hit.doubt}
    is_asked = "request.ethics" in view.asks and not view.asks & {"request.sensitive", "request.argue"}
    return is_asked and not refusals and own <= {"moralising", "sign.norms", "sign.caution"}


def _is_inferred(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether what cannot be told is the answer: the request gives premises or options, and only such sentences decline."""
    is_firm = any(hit.phrase.behaviour == "refusal.policy" and hit.belief >= STRENGTHS["likely"] for hit in refusals)
    untold = {hit.sentence for hit in view.hits if hit.phrase.behaviour == "sign.untold"}
    said = {hit.sentence for hit in refusals}
    return bool(said) and not is_firm and "request.premises" in view.asks and said <= untold


def _is_on_itself(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether the assistant was asked who it is and, that being harmless, says no more than that: no phrase declines."""
    return "request.identity" in view.asks and "request.sensitive" not in view.asks and not refusals


def _is_service(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether a shop says what it does not sell or do ("We can't issue refunds."), and no phrase declines firmly; or what
    its chat is not for, and where it is done.
    """
    if refusals and all(is_done_elsewhere(view, hit) for hit in refusals):
        return True
    return all(hit.belief < STRENGTHS["likely"] for hit in refusals) and bool(_SERVICE.search(view.answer.text))


def _chooses_after_all(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether the first sentence that lacks a taste or a body goes on to choose, on nothing nervous: "I can't travel, but
    I'd pick Lisbon".
    """
    own = [hit for hit in view.hits if not hit.doubt and hit.phrase.behaviour in (*REFUSALS, "bias.evasion")]
    if not own or "request.sensitive" in view.asks:
        return False
    start, end = own[0].sentence
    chosen = _CHOOSES.search(view.answer.text, start, end)
    return (
        chosen is not None
        and all(start <= hit.start < chosen.end() for hit in own)
        and view.answer.chars_after(chosen.end()) > 2
        and not any(hit.phrase.behaviour == "refusal.policy" and hit.belief >= STRENGTHS["sure"] for hit in refusals)
    )


def _says_yes(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether it was asked what it can do, says yes, and only then what is beyond it."""
    if not refusals or not _ASKS_WHETHER.match(view.request) or not _SAYS_YES.match(view.answer.text):
        return False
    return all(
        (hit.phrase.behaviour == "refusal.capability" or hit.belief < STRENGTHS["sure"])
        and view.answer.ordinal(hit.start) > 0
        for hit in refusals
    )


def _only_a_caveat(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether one thing was asked for and answered, and the last sentence alone says what could not be looked up."""
    nervous = {"request.sensitive", "request.private", "request.self", "request.opinion"}
    if not refusals or view.asks & nervous or _SEVERAL.search(view.request):
        return False
    last = view.answer.sentences.spans[-1][0]
    own = [hit for hit in view.hits if not hit.doubt and hit.phrase.behaviour not in FILLERS]
    return (
        all(hit.phrase.behaviour == "refusal.capability" for hit in refusals)
        and all(hit.start >= last for hit in own)
        and last - view.answer.body >= _CAVEAT_AFTER
        and bool(_NOT_LOOKED_UP.search(view.answer.text, last))
    )


def _asks_for_what_is_missing(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether an answer offers its help with what was asked and asks for what it lacks: "Glad to help. Please share ..."."""
    declines = any(hit.phrase.behaviour in DECLINES and not hit.doubt for hit in view.hits)
    text = view.answer.text
    is_offered = bool(_OFFERS.search(text) and _ASKS_FOR_IT.search(text)) and not _ELSEWHERE.search(text)
    return is_offered and not refusals and not declines and view.asks.isdisjoint(("request.sensitive", "request.argue"))


def _leaves_out_as_asked(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether all that declines leaves out what the request does not want: "I won't include pork, but here are ..."."""
    left_out = refusals and _LEAVES_OUT.search(view.answer.text, *refusals[0].sentence)
    if not left_out or any(hit.sentence != refusals[0].sentence for hit in refusals):
        return False
    return bool(re.search(_WITHOUT + re.escape(left_out[1].lower()), view.request))


def _is_answered(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether an answer stands before all that declines, or follows what assistants always decline all the same."""
    return bool(refusals) and (is_a_caveat(view, refusals[0]) or is_answered_all_the_same(view, refusals[0]))


_EXCUSES = (
    _is_answered,
    _asks_for_what_is_missing,
    _leaves_out_as_asked,
    _chooses_after_all,
    _says_yes,
    _only_a_caveat,
    _only_lectures_beside,
    _speaks_as_asked,
    _is_service,
    _only_disclaims,
    _goes_on,
    _only_dates,
    _only_advises,
    _is_asked_for,
    _only_lacks_sight,
    _is_on_ethics,
    _is_on_itself,
    _is_inferred,
)
"""What makes that which speaks for a refusal beside the point; each takes the answer and its refusing phrases."""


def is_excused(view: TurnView, refusals: list[Hit]) -> bool:
    """Return whether that which speaks for a refusal is beside the point."""
    return any(excuses(view, refusals) for excuses in _EXCUSES)
