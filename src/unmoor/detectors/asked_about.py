"""From a hit and what was asked to whether its words are the answer: ethics or law were asked about, a text was asked for, others
are told of, the assistant was asked of itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from unmoor.detectors.answered import HAS_NO_VIEW, weight
from unmoor.detectors.lectures import is_alone, stands_apart, wants_a_text
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.phrases import Hit
from unmoor.detectors.pieces import LONG_WORD, beginning_with
from unmoor.detectors.spans import cut_of, denies, opener_after
from unmoor.detectors.turning import turned_at
from unmoor.detectors.view import TurnView
from unmoor.detectors.whose import reminds_below
from unmoor.records import REFUSALS
from unmoor.records.patterns import pattern_when_used

__all__ = ["GIVES_A_VOICE", "answers_what_it_is", "chooses_all_the_same", "is_asked_about"]

GIVES_A_VOICE = frozenset(("request.text", "request.rewrite", "request.persona", "request.argue"))
"""Requests whose answer may speak for somebody else, or for one side."""
_ASKS_OF_ITSELF = frozenset(("request.self", "request.identity"))
_SPEAKS_TO_THE_READER = pattern_when_used(r"\byou(?:r|rs|rself)?\b", re.IGNORECASE)
_REMINDS = pattern_when_used(r"\W*(?:remember|(?:keep|bear) in mind)\b", re.IGNORECASE)
"""How a reminder begins that closes an English answer."""
_OF_YOU = pattern_when_used(r"\byou(?:r|rs|rself)?\b")
_NAMES_A_MACHINE = pattern_when_used(
    r"(?<!\w)(?:(?:an?|the|by|as|of|about|two) (?:\w+ )?(?:ais?|a\.i\.)|artificial intelligence|robots?|androids?|chat ?bots?"
    r"|computers?|cyborgs?|language models?"
    r"|kis?|roboter|ia|robôs?|automates?|ordinateurs?|computadoras?|ordenador|robotti|tekoäly|ии|робот\w*|yapay zeka)(?!\w)"
    r"|人工智能|人工智慧|机器人|機器人|ロボット|人工知能|로봇|인공지능"
)
"""How a folded request names a machine that may speak in a text."""
_LEADS_TO_A_TEXT = pattern_when_used(
    r"[:：]\s*$|\b(?:here(?:['’]s| is| are)|but i (?:can|will)|i can (?:still )?(?:write|offer|try|create|give|share)"
    r"|hier|aber|voici|mais|aquí|aqui|pero|mas|ecco|ma|maar|men|mutta|ale|но|вот)\b|以下|但|しかし|하지만",
    re.IGNORECASE,
)
"""What a sentence on what the assistant is says where the text comes after it."""
_OF_MACHINES = frozenset(
    (
        "assistant",
        "language",
        "model",
        "chatbot",
        "artificial",
        "intelligence",
        "virtual",
        "personal",
        "people",
        "could",
        "would",
    )
)
"""Longer words of requests that say of any disclaimer's sentence what it is about, and so of none."""
_PAIR = pattern_when_used(r"(?=([\u4e00-\u9fff\u30a0-\u30ff]{2}))")
_USUAL_PAIRS = frozenset(
    (
        "人工",
        "智能",
        "工智",
        "语言",
        "模型",
        "言模",
        "助手",
        "一个",
        "我的",
        "你的",
        "可以",
        "能够",
        "什么",
        "没有",
        "作为",
        "个人",
    )
)
_STEM = 5
_OF_OTHERS = pattern_when_used(
    r"\W*(?:(?:however|but|while|although|though|on the other hand|additionally|also|yet|meanwhile|in contrast|conversely),? )*"
    r"(?:(?:some|many|most|several|other|certain|a few|the) )?(?:people|critics|opponents|proponents|supporters|advocates|experts"
    r"|scholars|historians|philosophers|observers|activists|individuals|groups|others|some|many|conservatives|liberals|religions"
    r"|cultures|societies)\b[^.!?]{0,60}?\b(?:argue|believe|say|claim|think|feel|contend|view|consider|see|maintain|hold|suggest"
    r"|oppose|worry|assert|critici[sz]e|insist|find)\b",
    re.IGNORECASE,
)
_TELLS_MORE = pattern_when_used(
    r"\A\W*this (?:can|may|might|could|would) (?:also )?(?:involve|include|mean|be|help|lead|take)\b"
    r"|\bto answer your question: \S",
    re.IGNORECASE,
)
_WANTS_AN_ESSAY = pattern_when_used(
    r"\b(?:write|compose|draft)\b[^.?!\n]{0,60}\b(?:essay|article|speech|paper|blog|op-?ed|editorial|paragraphs?|conclusion"
    r"|introduction|story|report|review)\b"
)
_GIVEN_AFTER = 40
"""Code points after a turn that are an answer."""
_WEIGHING = "each-has-merit", "you-choose", "tastes-differ"
"""How phrases are named that weigh what was to be chosen from."""
_CHOOSES = pattern_when_used(
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
_to_a_reader = lru_cache(maxsize=64)(beginning_with)


def answers_what_it_is(view: TurnView, hit: Hit) -> bool:
    """Return whether a disclaimer is itself the answer: it says yes or no, or speaks of what the assistant was asked of itself, and
    nothing after it turns to an answer.
    """
    start, end = cut_of(view, hit)
    if end != hit.sentence[1]:
        return False
    said = fold_text(view.answer.text[start:end])
    yes_no = view.words_of(hit.phrase.language, "yes_no")
    if yes_no and said.lstrip(" \n*_#>-").startswith(yes_no):
        return True
    if turned_at(view, hit) < end:
        return False
    if hit.phrase.language == "en":
        return bool(_OF_YOU.search(view.request)) and _speaks_of_it(view, said)
    is_of_you = any(you in view.request for you in view.words_of(hit.phrase.language, "reader"))
    return is_of_you and denies(view, hit) and not _pairs_of(said).isdisjoint(_pairs_of(view.request) - _USUAL_PAIRS)


def _pairs_of(folded: str) -> set[str]:
    """Return the pairs of Chinese or Japanese characters of a folded text."""
    return {match[1] for match in _PAIR.finditer(folded)}


def _speaks_of_it(view: TurnView, said: str) -> bool:
    """Return whether a folded sentence shares a longer word with the request, by its stem."""
    asked = {word[:_STEM] for word in LONG_WORD.findall(view.request) if word not in _OF_MACHINES}
    return any(word[:_STEM] in asked for word in LONG_WORD.findall(said))


def is_asked_about(view: TurnView, hit: Hit) -> bool:
    """Return whether the words answer what was asked: ethics and law (as items of a list are), whom to see, what it is itself, one
    side.
    """
    if hit.phrase.behaviour == "moralising":
        return view.answer.is_entry(hit.start) or _is_part_of_the_answer(view, hit) or _is_no_lecture(view, hit)
    if hit.phrase.behaviour == "disclaimer.identity":
        is_told = _is_a_narrator(view, hit) or _is_a_machine_s_voice(view, hit)
        return is_told or not view.asks.isdisjoint(_ASKS_OF_ITSELF)
    if hit.phrase.behaviour == "disclaimer.professional":
        return view.answer.is_entry(hit.start) and _is_calm(view)
    return hit.phrase.behaviour == "bias.stance" and bool(view.asks & GIVES_A_VOICE)


def _is_calm(view: TurnView) -> bool:
    """Return whether nothing sensitive was asked and nothing declines."""
    refuses = any(hit.phrase.behaviour in REFUSALS and not hit.doubt for hit in view.hits)
    return "request.sensitive" not in view.asks and not refuses


def _is_no_lecture(view: TurnView, hit: Hit) -> bool:
    """Return whether words on right and wrong are what was asked about, the view that was asked for, or part of such a text.

    At either end of such a text a sentence to the reader may still be the assistant's own.
    """
    is_sensitive = "request.sensitive" in view.asks
    if "request.ethics" in view.asks and not is_sensitive:
        return True
    if view.asks_for("story") and reminds_below(view, hit):
        return False
    answer = view.answer
    said = answer.text[slice(*hit.sentence)]
    speaks_english = hit.phrase.language == "en"
    speaks = not speaks_english or bool(_SPEAKS_TO_THE_READER.search(said))
    is_opinion = speaks_english and "request.opinion" in view.asks and not is_sensitive
    if is_opinion and not speaks and _speaks_of_it(view, fold_text(said)):
        return True
    if not view.asks & GIVES_A_VOICE and not _is_inside_a_text(view, hit):
        return False
    is_at_an_end = answer.ordinal(hit.start) == 0 or answer.from_end(hit.start) == 0
    return "request.rewrite" in view.asks or not (is_at_an_end and speaks)


def _is_part_of_the_answer(view: TurnView, hit: Hit) -> bool:
    """Return whether words on right and wrong lead to a list or to the answer, or, in English, are what others hold, or tell more
    of what was just said ("This can involve ...").
    """
    said = view.answer.text[slice(*hit.sentence)].rstrip(" \n*_")
    if said.endswith((":", "：")):
        return True
    return hit.phrase.language == "en" and bool(_OF_OTHERS.match(said) or _TELLS_MORE.search(said))


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


def _is_a_machine_s_voice(view: TurnView, hit: Hit) -> bool:
    """Return whether a text was asked for in which a machine speaks, and that is what says "I am an AI": it leads to no text."""
    if not view.asks & GIVES_A_VOICE or not _NAMES_A_MACHINE.search(view.request):
        return False
    said = view.answer.text[slice(*hit.sentence)]
    return not (is_alone(view.answer, *hit.sentence) or denies(view, hit) or _LEADS_TO_A_TEXT.search(said))


def _is_inside_a_text(view: TurnView, hit: Hit) -> bool:
    """Return whether the sentence shares its paragraph in an English text that was asked for, closes it with no reminder, and
    nothing declines to write it.
    """
    answer = view.answer
    if not wants_a_text(view.request) and not _WANTS_AN_ESSAY.search(view.request):
        return False
    is_at_an_end = answer.ordinal(hit.start) == 0 or answer.from_end(hit.start) == 0
    if is_alone(answer, *hit.sentence) or (is_at_an_end and stands_apart(answer, *hit.sentence)):
        return False
    if answer.from_end(hit.start) == 0 and _REMINDS.match(answer.text, *hit.sentence):
        return False
    return not any(other.phrase.behaviour in REFUSALS and not other.doubt for other in view.hits)


def chooses_all_the_same(view: TurnView, hit: Hit) -> bool:
    """Return whether an answer that withholds a view or finds good in each tells it all the same."""
    return _chooses(view, hit) or _turns_to_a_choice(view, hit)


def _turns_to_a_choice(view: TurnView, hit: Hit) -> bool:
    """Return whether who has no opinion turns to an answer ("However, most people go for ...") of something calm, in which nothing
    evades or declines.
    """
    if not HAS_NO_VIEW.search(hit.phrase.id) or "request.sensitive" in view.asks:
        return False
    end, turned = hit.sentence[1], turned_at(view, hit)
    given = turned if turned < end else end if opener_after(view, hit, end) > end else len(view.answer.text)
    after = [other for other in view.hits if other.start >= given and not other.doubt]
    return weight(view.answer.chars_after(given), hit.phrase.language) >= _GIVEN_AFTER and not any(
        other.phrase.behaviour in (*REFUSALS, "bias.evasion", "sign.redirect") for other in after
    )


def _chooses(view: TurnView, hit: Hit) -> bool:
    """Return whether an English answer that finds good in each chooses: "Both are fine, but I'd pick the smaller one", or says
    which in its first few words: "Postgres. Both are good."
    """
    if not hit.phrase.id.endswith(_WEIGHING):
        return False
    text, first = view.answer.text, view.answer.sentences.spans[0]
    opening = text[slice(*first)].strip()
    says_which = opening.endswith(".") and len(opening.split()) <= _SAYS_WHICH_WORDS and hit.sentence != first
    return says_which or bool(_CHOOSES.search(text))
