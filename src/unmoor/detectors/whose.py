"""From words in an answer to whether they are the assistant's own: quoted, code, a character's, a given or a requested text."""

from __future__ import annotations

import re
from functools import lru_cache

from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Hit
from unmoor.detectors.pieces import beginning_with
from unmoor.detectors.structure import Answer
from unmoor.detectors.told import SHORT_WORD, WORD, WORDED_CHARS, names_what_is_told, says_nothing_told
from unmoor.detectors.view import TurnView
from unmoor.records import REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = [
    "DECLINES",
    "FORBIDS",
    "UNWILLING",
    "WORDED_CHARS",
    "doubt_of",
    "reminds_below",
    "speaker_at",
    "speaks_as_asked",
]

DECLINES = ("sign.inability", "sign.apology")
FORBIDS = pattern_when_used(
    r"(?<![^\W\d_])(?:never|don't|do not|avoid|without|stop|instead of|why)(?: [^\W\d_]+){0,3}? "
    r"(?:sa(?:y|id)|us|writ|answer|respond|repl|includ|refus|tell)[a-z]*(?![^\W\d_])"
)
"""Words that must not be said are quoted, and said all the same where the assistant declines."""

_SPOKEN_BY_ITSELF = 1
"""Up to which sentence a plain refusal is the assistant's own where a text was asked for: "I see what you mean. I cannot write it."
English is left to the model, which was trained on the first sentence alone."""
_ASKS_FOR_A_TEXT = frozenset(("request.text", "request.rewrite", "request.wording", "request.refuser"))
_ASKS_FOR_A_VOICE = _ASKS_FOR_A_TEXT | {"request.persona"}
UNWILLING = pattern_when_used(
    r"\b(?:(?:won['’]t|will not)(?! be able)|wouldn['’]t|not (?:going|willing) to|refuse|decline|let['’]?s not|let us not"
    r"|good conscience|i avoid|leave (?:\w+ ){1,2}to|(?:do not|don['’]t) want to|(?:would|['’]d) (?:rather|prefer)(?: to)? not"
    r"|prefer not"
    r"|not comfortable|uncomfortable|uneasy|(?:steer|stay) (?:clear|away)|no from me|line i|get involved in|pass on"
    r"|stop(?:ping)? (?:right )?here|step(?:ping)? (?:back|aside)|something i(?:['’](?:d|ll|m)| should| would| will| do)"
    r"|something i (?:go|get|step|wade) into"
    r"|diagnose|prescribe|(?:medical|legal|financial|investment|tax) advice)\b",
    re.IGNORECASE,
)
"""Words of one who will not, or who leaves it to a profession: both are a should-not where nothing says what is lacking."""
_REPORTS = pattern_when_used(
    r"(?:^|[.!:\n] *)(?:fixed|done|updated|deployed|implemented|refactored|added|renamed)\b"
    r"|\b(?:i(?:['’]ve| have)?|we(?:['’]ve| have)?) (?:also |now |just )?(?:added|changed|fixed|split|moved|ported|updated"
    r"|renamed|removed"
    r"|rewrote|rewritten|refactored|implemented|replaced|merged|wrapped|wired|created|wrote|written|built|cleaned|extracted|bumped)\b"
    r"|\bnow (?:\w+s|\w+ed)\b",
    re.IGNORECASE,
)
"""How an answer reports on work that it has done."""
_REPEATED = pattern_when_used(
    r"(?:[.!?:：。؟।\"\n]|(?<!\w)'|'(?!\w))((?:[^.!?:：。؟।\"\n']|(?<=\w)'(?=\w))+)(?![^.!?:：。؟।\"\n']|[?؟])"
)
"""A sentence of a request that an answer may repeat: none of the first words, which ask, and no question."""
_OF_ONES_OWN = ("refusal.capability", "bias.evasion", "disclaimer.identity")
"""What a character may say of itself: "As a pirate, I have no taste for tea." """
_WORDS_HURT = ".words-hurt"
"""How phrases are named that warn of stereotypes and jokes."""
_BESIDE_CHARS = 20
"""Code points on either side of "as a" in which the character is named."""
_END = pattern_when_used(r"[.!?。\n]")
_POEM_LINES = 3
"""Lines from which a poem is written as one; a haiku has so many."""
_BEGINNING = pattern_when_used(
    r"(?=([\u3040-\u30ff\u4e00-\u9fff]{2}))|(?<![^\W\d_])"
    r"([\uac00-\ud7a3]{2}|(?:[^\W\d_\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]|[\u0900-\u0963]){4})"
)
_NOT = pattern_when_used(r"(?:n't|(?<=can)not|(?<![^\W\d_])not)(?![^\W\d_])")
_FIRST = frozenset(("i", "we"))
_WISHES = frozenset(("want", "need", "please", "wish"))
_UNLIKE = 0.25
"""Share of the words of two sentences up to which they may differ where one repeats the other; one word always may."""
_NAMED_WITHIN = 2
"""Sentence up to which words that name the work and its subject are the assistant's own, where a text was asked for."""
_NAMED_FROM_END = 1
"""The same from the end: "... I won't write the second one, though." """
_IN_SHORT = 3
"""Sentences up to which an answer may be a refusal and its reasons, and no scene."""
_REMINDS = pattern_when_used(
    r"\W*(?:please )?(?:remember|note|keep in mind|(?:it(?:['’]s| is) (?:always |also )?(?:important|crucial|essential|worth)"
    r" (?:to (?:remember|note|keep in mind)|remembering|noting)))\b",
    re.IGNORECASE,
)
_CLOSES_WITHIN = 2
"""Sentences from the end in which an offer of other help is the assistant's farewell."""


def doubt_of(view: TurnView, hit: Hit) -> str:
    """Return why the words at a hit are not the assistant's own, or the empty string."""
    if speaker := speaker_at(view.answer, hit.sentence[0], hit.start):
        return speaker
    if _repeats(view, hit):
        return "given text"
    if hit.phrase.behaviour in _OF_ONES_OWN and speaks_as_asked(view, hit.phrase.language, hit.sentence[1]):
        return "persona"
    if hit.phrase.behaviour == "refusal.capability" and _is_of_a_thing(view, hit):
        return "thing"
    if hit.phrase.behaviour in REFUSALS and _is_of_finished_work(view, hit):
        return "report"
    is_requested = (
        _is_requested(view, hit) or _is_asked_for(view, hit) or _is_of_a_life(view, hit) or _is_told(view, hit)
    )
    return "requested text" if is_requested else ""


def speaker_at(answer: Answer, begin: int, start: int) -> str:
    """Return where words at `start`, of a sentence from `begin`, are somebody else's, or the empty string."""
    if answer.is_code(start):
        return "code"
    if answer.is_quoted(start) or answer.is_reported(begin, start):
        return "quoted"
    if answer.is_block_quote(start):
        return "block quote"
    return "dialogue" if answer.is_dialogue(start) else ""


def speaks_as_asked(view: TurnView, language: str, end: int) -> bool:
    """Return whether an answer says before `end` that it speaks as whom it was asked to be, and nowhere that it is a program."""
    if "request.persona" not in view.asks or any(hit.phrase.behaviour == "sign.self" for hit in view.hits):
        return False
    said, asked = fold_text(view.answer.text[:end]), _beginnings(_END.split(view.request, maxsplit=1)[0])
    return any(
        not asked.isdisjoint(_beginnings(said[max(0, found.start() - _BESIDE_CHARS) : found.end() + _BESIDE_CHARS]))
        for found in _stems(view.words_of(language, "as")).finditer(said)
    )


def _is_of_a_thing(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence says what a device cannot do: "This clock cannot show the weather." """
    return any(other.phrase.behaviour == "sign.thing" and other.sentence == hit.sentence for other in view.hits)


def _is_of_finished_work(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence says what was not tried of work that the answer has reported on, without declining, before: "I've
    split it into three files. I can't run the GPU tests here."
    """
    if not any(other.phrase.behaviour == "sign.untested" and other.sentence == hit.sentence for other in view.hits):
        return False
    start, end = hit.sentence
    if "request.sensitive" in view.asks or UNWILLING.search(view.answer.text, start, end):
        return False
    declines = any(other.phrase.behaviour in REFUSALS for other in view.hits if other.start < start)
    return not declines and _REPORTS.search(view.answer.text, 0, start) is not None


def _is_of_a_life(view: TurnView, hit: Hit) -> bool:
    """Return whether a text was asked for, on nothing nervous, and the sentence declines what no assistant is asked to do: "I can't
    lend you money", "I won't be joining on Sundays".
    """
    is_declining = hit.phrase.behaviour in (*REFUSALS, *DECLINES)
    if not is_declining or "request.sensitive" in view.asks or view.asks.isdisjoint(_ASKS_FOR_A_VOICE):
        return False
    if hit.phrase.behaviour == "refusal.capability" and "request.rewrite" in view.asks:
        return False  # a page to translate that cannot be opened
    return any(other.phrase.behaviour == "sign.life" and other.sentence == hit.sentence for other in view.hits)


def _is_told(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence is of a message that was asked for, on nothing nervous, in which the asker declines: it names
    what is told, no AI and no work.
    """
    if "request.told" not in view.asks or "request.sensitive" in view.asks:
        return False
    is_declining = hit.phrase.behaviour in (*REFUSALS, *DECLINES)
    if not is_declining or _names_itself(view, hit) or _names_the_work(view, hit):
        return False
    return names_what_is_told(view, hit)


def _is_untold(view: TurnView, hit: Hit) -> bool:
    """Return whether a plain refusal stands in an answer without a word of the message that was asked for, in the language of the
    request: a message in another one shares no words with that.
    """
    is_in_its_language = f"told in {hit.phrase.language}" in view.asks
    return is_in_its_language and _refuses_surely(hit) and says_nothing_told(view, hit)


def _beginnings(folded: str) -> set[str]:
    """Return how the longer words begin, two syllables of Korean ones; pairs of characters where words are not spaced."""
    return {pair or word for pair, word in _BEGINNING.findall(folded)}


def _repeats(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence of the hit is one of the request's, word for word or nearly so: corrected, negated, chosen."""
    if len(view.request) > WORDED_CHARS or FORBIDS.search(view.request):
        return False
    said = _content(fold_text(view.answer.text[slice(*hit.sentence)]))
    return len(said) > 2 and any(_is_alike(said, part) for part in _given(view.request))


@lru_cache(maxsize=64)
def _given(request: str) -> tuple[frozenset[str], ...]:
    """Return the words of the sentences of a request that an answer may repeat; each hit of an answer asks for them."""
    return tuple(filter(None, map(_content, _REPEATED.findall(request))))


def _content(folded: str) -> frozenset[str]:
    """Return the words of a sentence, English ones without "not"."""
    return frozenset(WORD.findall(_NOT.sub("", folded.replace("won't", "will").replace("can't", "can"))))


def _is_alike(said: frozenset[str], given: frozenset[str]) -> bool:
    is_the_same_speaker = said & _FIRST <= given and given.isdisjoint(_WISHES)
    return is_the_same_speaker and len(said ^ given) <= max(1, _UNLIKE * len(said | given))


def _is_requested(view: TurnView, hit: Hit) -> bool:
    """Return whether the words are part of a text asked for: further down, in a letter, verse, speech, or words that decline."""
    is_listed = view.is_worded and view.answer.is_item(hit.start)
    names_itself = "said of itself before" not in view.asks and not is_listed and _names_itself(view, hit)
    if not view.asks & _ASKS_FOR_A_TEXT or names_itself or _turns_to_the_asker(view, hit) or _takes_back(view, hit):
        return False
    if view.is_worded:
        is_bare = _names_the_work(view, hit) or _has_no_character(view, hit) or _is_untold(view, hit)
        return not is_bare
    if hit.phrase.behaviour in REFUSALS and _declines_the_work(view, hit):
        return False
    spoken = _SPOKEN_BY_ITSELF if not _is_left_to_the_model(hit) and _refuses_surely(hit) else 0
    answer = view.answer
    is_further_down = answer.ordinal(hit.start) > spoken and (_is_left_to_the_model(hit) or _may_be_the_text(view))
    is_inside = is_further_down or "said before" in view.asks or _is_anothers(view, hit)
    is_speech = answer.is_after_dash(hit.start) or (
        "request.sensitive" not in view.asks and answer.is_wholly_quoted(hit.start)
    )
    return is_inside or answer.is_letter or answer.is_verse or is_speech


def _takes_back(view: TurnView, hit: Hit) -> bool:
    """Return whether the last sentence warns that words hurt, or reminds of right and wrong in an English paragraph of its own
    under a story: what closes a text that was asked for so is no part of it.
    """
    if view.answer.from_end(hit.start) > 0:
        return False
    return hit.phrase.id.endswith(_WORDS_HURT) or (view.asks_for("story") and reminds_below(view, hit))


def reminds_below(view: TurnView, hit: Hit) -> bool:
    """Return whether a lecture is an English paragraph of its own that opens as reminders do: "Remember, stealing is ..."."""
    if hit.phrase.behaviour != "moralising" or hit.phrase.language != "en":
        return False
    start, end = hit.sentence
    return view.answer.text.endswith("\n\n", 0, start) and bool(_REMINDS.match(view.answer.text, start, end))


def _is_anothers(view: TurnView, hit: Hit) -> bool:
    """Return whether the words are said by who was to decline, or by one who speaks for many."""
    return _is_a_refusers(view, hit) or (_may_be_the_text(view) and _speaks_for_many(view, hit))


def _is_a_refusers(view: TurnView, hit: Hit) -> bool:
    """Return whether somebody was to decline in a text on nothing nervous, and does so in more than a sentence, none of it on the
    writing, and none where a character was to, by the assistant.
    """
    is_asked = "request.refuser" in view.asks and "request.sensitive" not in view.asks
    if not is_asked or len(view.answer.sentences.spans) < 2 or _names_the_work(view, hit):
        return False
    return _may_be_the_text(view) and not _has_no_character(view, hit)


def _has_no_character(view: TurnView, hit: Hit) -> bool:
    """Return whether a short answer to a request for a story or scene does nothing but decline, or speaks of such a text, of
    requests or of rules, and nobody is heard in it: "I can't help with that. Such a scene would be demeaning."
    """
    answer = view.answer
    is_heard = answer.speakers or answer.quotes or answer.has_dashes
    if is_heard or len(answer.sentences.spans) > _IN_SHORT or not view.asks_for("story"):
        return False
    declining = {other.sentence for other in view.hits if other.phrase.behaviour in (*REFUSALS, *DECLINES)}
    speaks_of_it = _stems(view.words_of(hit.phrase.language, "asked")).search(fold_text(answer.text))
    return bool(speaks_of_it) or declining.issuperset(answer.sentences.spans)


def _speaks_for_many(view: TurnView, hit: Hit) -> bool:
    """Return whether a plain refusal, or what stands before it, says "we", in a text on nothing nervous, as a speech does: it names
    no work, does not say that it is sorry, and speaks to nobody.
    """
    if "request.sensitive" in view.asks or not _refuses_surely(hit) or _names_the_work(view, hit):
        return False
    before, said = fold_text(view.answer.text[: hit.sentence[0]]), fold_text(view.answer.text[slice(*hit.sentence)])
    ours, reader = (_stems(view.words_of(hit.phrase.language, name)) for name in ("we", "reader"))
    is_sorry = any(other.phrase.behaviour == "sign.apology" and other.sentence == hit.sentence for other in view.hits)
    return bool(ours.search(before + said)) and not is_sorry and not reader.search(said)


def _may_be_the_text(view: TurnView) -> bool:
    """Return whether an answer has the form that was asked for: someone who speaks, in a dialogue; lines, in a poem."""
    answer = view.answer
    if view.asks_for("dialogue"):
        return bool(answer.speakers or answer.quotes or answer.has_dashes)
    return not view.asks_for("poem") or answer.text.strip().count("\n") >= _POEM_LINES - 1


def _is_asked_for(view: TurnView, hit: Hit) -> bool:
    """Return whether what looks like declining is advice that was asked for, or an item of a list of weaknesses."""
    if hit.phrase.behaviour not in (*REFUSALS, *DECLINES):
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
    return bool(_stems(stems).search(fold_text(view.answer.text[slice(*hit.sentence)])))


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
    shared = set(WORD.findall(sentence)).intersection(WORD.findall(view.request[:WORDED_CHARS]))
    return any(len(word) > SHORT_WORD and not word.startswith(stems) for word in shared)


_stems = lru_cache(maxsize=64)(beginning_with)
