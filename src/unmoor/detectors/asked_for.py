"""From a folded request to whether words that look like a refusal were asked for: advice, an inference, one's weaknesses."""

from __future__ import annotations

import re
from collections.abc import Set

__all__ = ["asks_for_weaknesses", "gives_premises", "infers_nothing", "is_advice"]

_ADVISES = re.compile(
    r"\b(?:i(?:'d| would)(?: [a-z]+)? not|i(?: [a-z]+)? wouldn't)(?: [a-z]+)? (?:do|recommend|advise|suggest|buy|risk|bother"
    r"|try|take)\b"
    r"|\bwurde ich(?: \w+){0,4} nicht (?:tun|machen|empfehlen|raten|kaufen|riskieren|wagen)\b"
    r"|\bich wurde(?: \w+){0,4} nicht(?: \w+)? (?:tun|machen|empfehlen|raten|kaufen|riskieren|wagen)\b"
    r"|\bje (?:ne )?(?:(?:le|la|les|vous|te|l') ?){0,2}(?:ferais|conseillerais|recommanderais|acheterais) pas\b"
    r"|\bno (?:(?:lo|la|te|le|se) ){0,2}(?:haria|recomendaria|aconsejaria|compraria)\b"
    r"|\bnon (?:(?:lo|la|te|ti|le) ){0,2}(?:farei|consiglierei|raccomanderei|comprerei)\b"
    r"|\bnao (?:(?:o|a|te|lhe) )?(?:faria|recomendaria|aconselharia|compraria)\b"
    r"|\b(?:zou ik|ik zou)(?: \w+){0,4} niet (?:doen|aanraden|kopen|adviseren)\b"
    r"|\b(?:skulle jag|jag skulle)(?: \w+){0,4} inte (?:gora|rekommendera|kopa|rada)\b"
    r"|\b(?:ville jeg|jeg ville)(?: \w+){0,4} ikke (?:g\w{3,4}|anbefal[et]|kob\w*|kj\w{2,4}|rad\w*)\b"
)
"""What one would not do oneself, where somebody asks what to do."""
_ASKS_ADVICE = re.compile(
    r"\b(?:(?:should|shall|ought) (?:i|we)|(?:good|bad|smart|wise) idea|opinions?|advice|advise|feedback|worth it"
    r"|is it (?:worth|wise|safe"
    r"|smart|sensible|okay|ok)|would you|what do you (?:think|say|recommend|suggest|make)|thoughts on|your (?:take|thoughts|view)"
    r"|soll(?:te|ten|en)? (?:ich|wir)|meinung|gute idee|rats?chlag|lohnt|rat(?:en|est) (?:sie|du)|was halt(?:en|st)"
    r"|wie find(?:en|est)"
    r"|wurd(?:en|est) (?:sie|du)|devrais-je|dois-je|bonne idee|conseil\w*|avis|faut-il|deberia|debo|buena idea|consejo|dovrei"
    r"|devo"
    r"|buona idea|consigli\w*|parere|deveria|boa ideia|conselho|opiniao|(?:zal|moet|kan) ik|goed idee|advies|ska(?:ll)? jag"
    r"|bor jag"
    r"|bra ide|skal (?:jeg|vi)|bor (?:jeg|vi)|god ide)\b"
)
_WEAKNESSES = re.compile(
    r"\b(?:weak(?:ness|nesses| points?| spots?|er)|shortcomings|limitations?|limits|drawbacks|disadvantages|flaws|schwach\w*"
    r"|nachteil\w*"
    r"|grenzen|einschrankung\w*|faibles?|faiblesses?|limites|inconvenients|defauts|debilidad\w*|(?:puntos )?debiles|limitacion\w*"
    r"|desventajas|debolezz\w*|deboli|limiti|svantaggi|fraquezas?|(?:pontos )?fracos|limitac\w*|desvantagens|zwak\w*|nadelen"
    r"|beperking\w*|svag\w*|nackdel\w*|begransning\w*|ulemp\w*|begr\w{3,4}nsning\w*|svakhet\w*)\b"
)
_PREMISES = re.compile(
    r"\b(?:sentence [1a2b]|premises?|hypothesis|entail\w*|contradict\w*|(?:possible )?(?:options|choices|answers?) ?(?:are)?:"
    r"|statement [1a]"
    r"|true or false|can (?:we|you|one) (?:conclude|infer|deduce)|does it follow|not possible to tell|can(?:'t|not"
    r"| not) (?:be determined|tell|say)"
    r"|logic\w*|riddle|puzzle|satz [1a]|pramisse\w*|hypothese|phrase [1a]|premisse\w*)"
)
_COMPARES = re.compile(r"\b(?:[a-z]{3,}er|more \w+|less \w+|grosser|alter|plus \w+) (?:than|als|que)\b")
_INFERS_NOTHING = re.compile(
    r"\b(?:(?:it(?: is|'s) )?(?:not possible|impossible) to (?:tell|say|know|determine|conclude|infer|deduce)"
    r"|(?:can(?:not|'t| not)|can ?not be|unable to|not able to) (?:be )?(?:determined?|tell|say|know|conclude|infer(?:red)?"
    r"|deduced?|concluded)"
    r"|(?:not enough|insufficient|no) (?:information|evidence))\b"
)
_MANY = 2


def is_advice(request: str, asks: Set[str], sentence: str) -> bool:
    """Return whether a folded sentence says what one would not do, and advice or a view was asked for, and no text."""
    if not _ADVISES.search(sentence):
        return False
    asks_a_text = "request.text" in asks and "?" not in request
    return "request.opinion" in asks or (not asks_a_text and bool(_ASKS_ADVICE.search(request)))


def asks_for_weaknesses(request: str) -> bool:
    """Return whether a folded request asks for weak points or limits."""
    return bool(_WEAKNESSES.search(request))


def gives_premises(request: str) -> bool:
    """Return whether a folded request gives what is to be inferred from: sentences, options, two comparisons."""
    return bool(_PREMISES.search(request)) or len(_COMPARES.findall(request)) >= _MANY


def infers_nothing(sentence: str) -> bool:
    """Return whether a folded sentence says that what was given does not tell."""
    return bool(_INFERS_NOTHING.search(sentence))
