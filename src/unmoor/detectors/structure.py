"""From an answer and a place in it to what that place is: the assistant speaking, a quotation, a character, code, reasoning.

Every question here has one function, so that a finding can be traced to the reason why it was, or was not, believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from unmoor.detectors.sentences import Sentences, split_sentences
from unmoor.languages import Pack, fold
from unmoor.records import reasoning_spans
from unmoor.records.patterns import pattern_when_used

__all__ = ["Answer", "Labels", "labels_of", "read_answer", "split_reasoning", "without_end"]

_FENCE = pattern_when_used(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.DOTALL | re.MULTILINE)
_COMMENT = pattern_when_used(r"\s*(?:#(?!include|define|if|else|endif|pragma)|//|--|;|%|/?\*|<!--|'{3}|\"{3})")
"""How a comment begins in the languages that answers are full of."""
_QUOTE_PAIRS = pattern_when_used(
    r"[\"“„”«「『‘'](?:"  # a set first lets the engine skip to such a character
    r"(?<=[\"“„”])[^\"“”„\n]{2,600}[\"”“]|(?<=«)[^»\n]{2,600}»|(?<=「)[^」\n]{1,400}」|(?<=『)[^』\n]{1,400}』"
    r"|(?<=‘)[^‘’\n]{2,300}’(?!\w)|(?<=')(?<!\w')[^'\n]{12,300}'(?!\w))"
)
_SPEAKER = pattern_when_used(
    r"^[\s*_>#-]*+(?:\[?([^\W\d_][\w\u0900-\u0903\u093a-\u094f\u064b-\u0652 .'’()*-]{0,40}?)\]?\s*+[*_]*+\s*+[:：]|)",
    re.MULTILINE,
)
"""A name and a colon at the beginning of a line; matches nothing but blank lines and marks too, so that these are gone by once."""
_AROUND_NAMES = " \t\n*_>#-[]:："
_MACHINES = frozenset(("assistant", "ai", "chatgpt", "gpt", "bot"))
"""Labels under which the assistant itself speaks, whatever the language."""
_SPEECH = pattern_when_used(r"\s*[\"“„«「『]")
"""A quotation mark after a speaker's name: speech, though the mark may never be closed where an answer was cut off."""
_DASH = pattern_when_used(r"[ \t]*[—–―][ \t]*\S")
_SPOKEN_LINES = 3
"""Lines that open with a dash from which a text is talk, where one of them asks or exclaims: items of lists do not."""
_REPORTS = pattern_when_used(
    r"(?:\b(?:says?|said|replies|replied|answers|answered|writes?|wrote|stated|declares?|argues?|explains?|asks?|tells?"
    r"|sagen|sagt|sagte|sagten|antwortet|antworten|schreibt|schreiben|erklärt|dit(?= ?:)|disent|répond|répondent|écrit|écrivent"
    r"|dicen?|responden?|escriben?|dijo|dijeron|dizem|diz|respondem?|escrevem?|disse(?= ?:)|dicono|dice|rispondono|risponde"
    r"|zegt|zeggen|antwoordt|antwoorden|säger|svarar|skriver|sier|siger|svarer|sanoo|sanovat|vastaa|vastaavat"
    r"|mówi|mówią|odpowiada|odpowiadają|говорит|говорят|отвечает|отвечают|пишет|пишут|сказал|сказала|derler|diyor)\b"
    r"|कहते हैं|कहता है|कहती है|(?<![来來])[说說]道?(?=[:：])|言う|答える|말한다|답한다|يقول|يقولون|تقول)[^:：.!?\n]{0,40}[:：]",
    re.IGNORECASE,
)
"""Somebody speaks, and what is said stands behind the colon."""
_OWN_REPORT = pattern_when_used(
    r"\b(?:i|me|we|ich|mir|je|moi|yo|me|eu|io|ik|jag|jeg|ja|я|assistant|ai|chatgpt|bot|model)\b|我|저는|私",
    re.IGNORECASE,
)
_VERSE_LINES, _VERSE_CHARS = 3, 60
"""Lines from which, and code points of a line up to which, a text is verse."""
_SEEN = pattern_when_used(r"\S")
_LIST_ITEM = pattern_when_used(r"^[^\S\n]*(?:[-*•·]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_CLOSE_ITEM = pattern_when_used(
    r"^[^\S\n]*(?:\d{1,2}(?:[、．）]|[.)](?=[^\s\d]))|[(（]\d{1,2}[)）]|[①-⑳・])", re.MULTILINE
)
"""An item whose number touches its words, as in Chinese and Japanese; the model never counted them."""
_HEADING = pattern_when_used(r"^\s{0,3}#{1,6}\s|^[^\S\n]*\*\*[^*\n]+\*\*[^\S\n]*+:?[^\S\n]*+$", re.MULTILINE)
_TITLE = pattern_when_used(r"^[^\S\n]*[*_]*[^\W\d_][^.:：!?\n]{2,60}[*_]*[:：][*_]*[^\S\n]+\S", re.MULTILINE)
"""A title before what is said on it."""
_BOLD_TITLE = pattern_when_used(r"\*\*[^*\n]{2,80}(?:\*\*\s?[:：]|[:：]\s?\*\*)")
"""A title in bold before what is said on it, wherever it stands."""
_INLINE_NUMBER = pattern_when_used(r"(?<=\S)[ \t]+(?:-{3,}[ \t]+)?(?:#{1,6} )?[*_]*\d{1,2}[.)][*_]*[ \t]+[*_]*[^\W\d_]")
_NUMBER_BEFORE = pattern_when_used(r"(?<!\S)(?:#{1,6} )?[*_]*\d{1,2}[.)]\s*[*_]*\Z|(?<!\S)#{1,6}\s[*_]*\Z")
_MARK_BEFORE = pattern_when_used(r"(?<!\S)(?:\d{1,2}[.)]|[-•*])\s+\Z")
_STOPS = (".", "!", "。", "！", "।", "؟")
_NUMBER_CHARS, _SEVERAL = 12, 3
"""Code points before a place in which the number of its item stands; titles and numbers from which there is a list."""
_LETTER_HEAD = pattern_when_used(
    r"^\W*(?:(?:(?:hi|hello|hej)\b(?: (?!(?:there|i)\b)[^\W\d_][^\n,.:!?]{0,50}(?:[,:\n]|![^\S\n]*\n)"
    r"|(?: there)?[,:!.]?[^\S\n]*\n+(?:[^\n]+\n+){2}))|(?:(?:dear|subject|betreff|kära|cher|chère|car[oa])\b"
    r"|(?:querid|estimad|liebe|sehr geehrt|asunto|prezad|assunto|gentil[ei]|egregi|spettabil|oggetto|geachte"
    r"|szanown|уважаем|sayın|sevgili|kjære|kære|arvoisa|değerli|kıymetli|lieve|rakas|kochan)\w*"
    r"|(?:尊敬的(?!用户)|亲爱的|親愛的|敬启者|敬啟者|拝啓|親愛なる)"
    r"|친애하는|제목|عزيز[يت]|سيدي|سيدتي|السيد|حضرة|الموضوع|प्रिय|आदरणीय|महोदय|सेवा में|विषय|प्यार[ेी])[^\n]{0,80}[,،:\n])",
    re.IGNORECASE,
)
"""The head of a letter. Answers open with "Hi there!" too: that is one only above several paragraphs, or with a name."""
_GREETED = pattern_when_used(
    r"^\W*(?:(?i:guten tag|hallo|bonjour|bonsoir|hola|buen[oa]s (?:días|tardes)|buongiorno|buonasera|salve|olá|bom dia|boa tarde"
    r"|goedemorgen|goedemiddag|hei|god dag|hyvä|hyvää päivää|bästa|beste"
    r"|cher|drog[ai]|dzień dobry|здравствуйте|добрый день|дорог(?:ой|ая|ие)"
    r"|merhaba|iyi günler)(?: +|, *(?=[^\n,.:!]{1,50}[,:!]?[^\S\n]*\n))(?=[^\W\d_])(?![a-zà-öø-ÿа-яё])[^\n,.:!]{1,50}[,:!\n]"
    r"|(?i:madame|monsieur|mesdames|señor(?:a|es)?|signor[ae]?|pani|panie)(?: [^\W\d_][\w.-]*){0,2}[,:]"
    r"|[^\n,，。:：]{1,10}(?:先生|女士|小姐|老师|老師|经理|經理|客户|客戶|顾客|顧客)[,，:：!！\n]|[^\n、,。]{0,12}(?:お客様|様|各位|御中)[、,\n]"
    r"|お世話になっております|平素(?:より|は)"
    r"|(?:안녕하세요[,.!]? ?)?[^\n,.]{0,12}(?:고객님|님께|귀하|귀하께|여러분|담당자님)[,，.! \n]"
    r"|(?:माननीय|श्रीमान|श्रीमती|महोदया|मान्यवर|नमस्ते (?:[^\n,]{1,20})जी)[^\n]{0,40}[,\n]"
    r"|(?:الأستاذ|أستاذ|السيدة|الأخ|الأخت)[^\n،,]{0,40}[،,:\n])"
)
"""A greeting that names whom it greets, as letters do; a bare "Hello," opens refusals too."""

_GREETING = pattern_when_used(r"\W*[^\n.?:;]{2,40}[,!،、]\s*")
_FAREWELL = pattern_when_used(
    r"\W*(?:(?:bien )?cordialement|bien à (?:vous|toi)|amicalement"
    r"|(?:(?:mit|viele|liebe|beste|herzlichen?|freundlichen?) )+grü(?:ß|ss)en?"
    r"|atentamente|(?:un (?:cordial )?)?saludos?|un abrazo|cordial(?:i|mente)(?: saluti)?|distinti saluti|salut[io]|atenciosamente"
    r"|(?:um )?abraços?|(?:met )?(?:vriendelijke )?groet(?:en|jes)?|(?:med )?(?:vänlig(?:a|t)? )?hälsning(?:ar)?"
    r"|(?:med )?(?:ven(?:n)?lig )?hilsen|(?:ystävällisin )?terveisin|с уважением|z poważaniem|pozdrawiam|saygılar(?:ımla|ımızla)"
    r"|(?:best|kind|warm) (?:regards|wishes)|sincerely|yours(?: \w+)?|مع (?:أطيب |خالص )?التحي(?:ة|ات)|सादर|भवदीय)\s*[,.،]?\s*",
    re.IGNORECASE,
)
"""The first line of a letter, and the one above the name at its end."""
_NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class Labels:
    """What the packs name before a colon, folded.

    Under `answers` and `notes` the assistant itself speaks; who answers is a speaker where there are several questions. `users` ask
    in a chat that a model goes on writing by itself: what the machine says there is still its own.
    """

    answers: frozenset[str]
    notes: frozenset[str]
    questions: frozenset[str]
    users: frozenset[str]


def labels_of(packs: Iterable[Pack]) -> Labels:
    """Return the labels of some packs."""
    lists = [pack.words for pack in packs]
    names = ("answer", "note", "question", "user")
    return Labels(*(frozenset(word for words in lists for word in words.get(name, ())) for name in names))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer taken apart. Spans are code points; `body` is where the answer begins after a reasoning block."""

    text: str
    sentences: Sentences
    reasoning: tuple[tuple[int, int], ...]
    code: tuple[tuple[int, int], ...]
    quotes: tuple[tuple[int, int], ...]
    speakers: tuple[tuple[int, int], ...]
    items: int
    headings: int
    is_letter: bool
    is_verse: bool
    body: int

    def is_reasoning(self, position: int) -> bool:
        """Return whether the place lies in a reasoning block."""
        return _inside(self.reasoning, position, position + 1)

    def is_code(self, position: int) -> bool:
        """Return whether the place lies in a fenced code block."""
        return _inside(self.code, position, position + 1)

    def is_quoted(self, start: int) -> bool:
        """Return whether the place lies in quotation marks, unless the whole answer does."""
        holder = next((span for span in self.quotes if span[0] <= start < span[1]), None)
        return holder is not None and (holder[1] - holder[0]) < 0.9 * len(self.text.strip())

    def is_block_quote(self, start: int) -> bool:
        """Return whether the line of the place starts with Markdown's `>`."""
        return self.text[self.line(start) :].lstrip(" ").startswith(">")

    def is_dialogue(self, start: int) -> bool:
        """Return whether the line is a named speaker's, in a text with several such lines, or opens with a dash as they do."""
        if self.is_after_dash(start) and _is_talk(self.text):
            return True
        line = self.line(start)
        # A label begins at the blank lines before it; sections of an answer have such labels too, but none twice.
        labels = [(s, e) for s, e in self.speakers if line <= e <= start + 2 and (line <= s or self._is_scene())]
        labels = [(s, e) for s, e in labels if not self._is_spoken_out(e, start)]
        return bool(labels) and (len(self.speakers) >= 2 or any(_SPEECH.match(self.text, e) for _, e in labels))

    def _is_scene(self) -> bool:
        """Return whether a speaker speaks twice."""
        names = [self.text[s:e].strip(_AROUND_NAMES) for s, e in self.speakers]
        return len(names) > len(set(names))

    def _is_spoken_out(self, label_end: int, start: int) -> bool:
        """Return whether the speech after a label stands in marks that close before the place: "Wine: '...' I won't write more"."""
        opened = _SPEECH.match(self.text, label_end)
        return opened is not None and any(s == opened.end() - 1 and e <= start for s, e in self.quotes)

    def is_wholly_quoted(self, start: int) -> bool:
        """Return whether the place lies in marks around the whole answer."""
        body = self.text.strip()
        return any(s <= start < e and e - s >= 0.9 * len(body) for s, e in self.quotes)

    def is_after_dash(self, start: int) -> bool:
        """Return whether the line of the place opens with a dash, as speech does in most languages of Europe."""
        return bool(_DASH.match(self.text, self.line(start)))

    @property
    def has_dashes(self) -> bool:
        """Whether a line opens with a dash."""
        return any(map(_DASH.match, self.text.splitlines()))

    def is_reported(self, begin: int, start: int) -> bool:
        """Return whether somebody else says the words: "They say: ..." stands before them in the sentence from `begin`."""
        found = _REPORTS.search(self.text, begin, start)
        return found is not None and not _OWN_REPORT.search(self.text, begin, found.end())

    def is_item(self, start: int) -> bool:
        """Return whether the line is one of several list items."""
        line = self.line(start)
        if self.items >= 2 and _LIST_ITEM.match(self.text, line):
            return True
        return bool(_CLOSE_ITEM.match(self.text, line)) and len(_CLOSE_ITEM.findall(self.text)) >= 2

    def is_entry(self, start: int) -> bool:
        """Return whether the place belongs to a heading, to one of several paragraphs that open with a title ("Training: ..."), to
        what is said on one of several titles in bold (the last may be a note's), or to an item of a list whose lines were run
        together ("... 1. **Law**: ... 2. ...").
        """
        line = self.line(start)
        head = self.text[line:].partition("\n")[0].rstrip(" *_")
        is_heading = bool(_HEADING.match(self.text, line)) and (
            head.lstrip().startswith("#") or not head.endswith(_STOPS)
        )
        if is_heading or self.is_item(start):
            return True
        if _TITLE.match(self.text, line) and len(_TITLE.findall(self.text)) >= _SEVERAL:
            return True
        if self._is_under_a_title(start):
            return True
        marked = _NUMBER_BEFORE.search(self.text, max(0, start - _NUMBER_CHARS), start)
        if marked and ("#" in marked[0] or self.text.startswith("**", start)):
            return True
        numbers = [found.end() - 1 for found in _INLINE_NUMBER.finditer(self.text)]
        if len(numbers) < _SEVERAL or start < numbers[0]:
            return False
        return start <= numbers[-1] or self.sentences.index_at(start) == self.sentences.index_at(numbers[-1])

    def _is_under_a_title(self, start: int) -> bool:
        """Return whether the sentence of the place has a title in bold with the mark of an item before it, or is not under the last
        of several.
        """
        titles = [found.start() for found in _BOLD_TITLE.finditer(self.text)]
        begin, end = self.sentence(start, start + 1)
        here = [title for title in titles if begin <= title < end]
        marked = any(_MARK_BEFORE.search(self.text, max(0, title - _NUMBER_CHARS), title) for title in here)
        return marked or (len(titles) >= _SEVERAL and any(title != titles[-1] for title in here))

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the sentences that hold the place."""
        return self.sentences.around(start, end)

    def ordinal(self, position: int) -> int:
        """Return which sentence of the body the place is in, from 0."""
        return self.sentences.index_at(position) - self.sentences.index_at(self.body)

    def from_end(self, position: int) -> int:
        """Return how many sentences follow the one with the place."""
        return len(self.sentences.spans) - 1 - self.sentences.index_at(position)

    def chars_after(self, position: int) -> int:
        """Return the code points after the place."""
        return max(0, len(self.text.rstrip()) - position)

    def line(self, position: int) -> int:
        """Return where the line of the place begins."""
        return self.text.rfind("\n", 0, position) + 1


def _is_talk(text: str) -> bool:
    """Return whether a text is written as speech is in most languages of Europe: lines that open with a dash, one of which asks."""
    lines = [line.rstrip() for line in text.splitlines() if _DASH.match(line)]
    return len(lines) >= _SPOKEN_LINES and any(line.endswith(("?", "!", "?!", "…")) for line in lines)


def read_answer(text: str, labels: Labels) -> Answer:
    """Take an answer apart. Linear in its length."""
    reasoning = tuple(reasoning_spans(text))
    body = max((end for _, end in reasoning), default=0)
    body = min((match.start() for match in [_SEEN.search(text, body)] if match), default=body)
    return Answer(
        text=text,
        sentences=split_sentences(text),
        reasoning=reasoning,
        code=_code(text) if "```" in text or "~~~" in text else (),
        quotes=_quotes(text),
        speakers=_speakers(text, labels) if ":" in text or "：" in text else (),
        items=len(_LIST_ITEM.findall(text)),
        headings=len(_HEADING.findall(text)) if "#" in text or "**" in text else 0,
        is_letter=bool(_LETTER_HEAD.match(text) or _GREETED.match(text)) or _is_signed(text),
        is_verse=_is_verse(text),
        body=body,
    )


def without_end(answer: Answer, end: int) -> Answer:
    """Return an answer cut off at a code point between two sentences; it is of the kind that the whole is."""
    text = answer.text[:end]
    code, quotes, speakers = (
        tuple((start, min(stop, end)) for start, stop in spans if start < end)
        for spans in (answer.code, answer.quotes, answer.speakers)
    )
    return replace(answer, text=text, sentences=split_sentences(text), code=code, quotes=quotes, speakers=speakers)


def _is_signed(text: str) -> bool:
    """Return whether a text greets in its first line and ends in a farewell and a name, as a letter does."""
    lines = [line for line in text.splitlines() if line.strip()]
    return (
        len(lines) > 3
        and bool(_GREETING.fullmatch(lines[0]) and _FAREWELL.fullmatch(lines[-2]))
        and len(lines[-1]) <= _NAME_CHARS
    )


def _code(text: str) -> tuple[tuple[int, int], ...]:
    """Return the fenced blocks, but for those that hold comments alone: there the assistant speaks on, in the shape asked for."""
    return tuple(found.span() for found in _FENCE.finditer(text) if _does_something(found[0]))


def _does_something(block: str) -> bool:
    inside = block.partition("\n")[2].rstrip("`~ \n")
    return any(not _COMMENT.match(line) for line in inside.splitlines() if line.strip())


def split_reasoning(text: str) -> list[tuple[int, int, bool]]:
    """Return the parts of a turn as (start, end, is reasoning), in order, without empty ones and without the space before each.

    An answer then reads the same whether a reasoning block stands before it or not: where a phrase stands is a share of the text.
    """
    parts, done = [], 0
    for start, end in reasoning_spans(text):
        parts += [(done, start, False), (start, end, True)]
        done = max(done, end)
    parts.append((done, len(text), False))
    return [
        (first.start(), end, is_reasoning)
        for start, end, is_reasoning in parts
        for first in [_SEEN.search(text, start, end)]
        if first
    ]


def _speakers(text: str, known: Labels) -> tuple[tuple[int, int], ...]:
    labels = [(found.span(), fold(found.group(1).strip(" *_"))) for found in _SPEAKER.finditer(text) if found[1]]
    is_interview = sum(label in known.questions for _, label in labels) >= 2
    own = known.notes | _MACHINES if is_interview else known.notes | _MACHINES | known.answers
    others = Counter(label for _, label in labels if label not in own | known.users | known.questions)
    if labels and labels[0][1] not in _MACHINES and any(lines >= 2 for lines in others.values()):
        # A scene, and the machine one of its persons.
        own -= _MACHINES
    return tuple(span for span, label in labels if label not in own)


def _is_verse(text: str) -> bool:
    """Return whether the text has short lines, and a first one that does not end as a sentence does."""
    if text.count("\n") < _VERSE_LINES - 1:
        return False
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    is_short = len(lines) >= _VERSE_LINES and all(len(line) <= _VERSE_CHARS for line in lines)
    return is_short and lines[0][-1] not in ".!?…:。！？："


def _quotes(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(found.span() for found in _QUOTE_PAIRS.finditer(text))


def _inside(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return any(s <= start and end <= e for s, e in spans)
