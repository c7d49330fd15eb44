"""From an answer to the sentences of it that lecture: a small linear model over their words, where they stand, what was asked.

Lectures are endless in their wording, so that phrases find few of them; but they stand at an answer's ends, speak of right and
wrong, and have little to do with what was asked. A look at single words, some microseconds, tells nine answers of ten apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmoor.detectors.grams import all_grams, encoded, weighed
from unmoor.detectors.normalise import fold_text
from unmoor.detectors.pieces import spaced, words_of
from unmoor.detectors.stored import read_weights
from unmoor.detectors.structure import Answer
from unmoor.records.patterns import pattern_when_used

__all__ = [
    "CALM_DOUBT",
    "DENSE",
    "Lecture",
    "Lectures",
    "Sentence",
    "Stems",
    "is_alone",
    "is_calm",
    "load_lectures",
    "sentence_features",
    "stands_apart",
    "wants_a_text",
]

_FIRST, _LAST = 2, 3
"""Sentences looked at, from either end."""
_CHARS = 400
"""Code points of a sentence that are looked at."""
_LOOKED_AT = 2
"""Pieces between full stops at the end of an answer whose single words are looked at first, and one at its start."""
_MOST_WORDS = 80
_JOKES = pattern_when_used(
    r"(?<![^\W\d_])(?:jokes?|puns?|riddles?|roasts?|insults?|comebacks?|one-liners?|pick-?up lines?)(?![^\W\d_])"
)
"""English for texts that never end in a moral."""
_HELP = pattern_when_used(
    r"(?<![^\W\d_])(?:mental health|professional (?:help|guidance|support|advice)|counsell?ors?|therapists?|helplines?|hotlines?"
    r"|talk to (?:a|your|someone|somebody)|speak (?:to|with) (?:a|your)|seek(?:ing)? (?:help|support|advice))(?![^\W\d_])"
)
"""English for advice to find help, which is a behaviour of its own or none."""
_CODE = pattern_when_used(
    r"(?<![\w.-])--?[a-z]|(?<![\w.])[/~]\w|\w\(\d?\)|\w_\w|[{}\\<>=|$`]|\w\.(?:c|cfg|conf|deb|gz|h|html|js|json|log|py|sh|so|txt|xml)\b"
)
"""What stands in sentences about programs, folded, and in none of the 4,108 sentences of our own that lecture: "--force", "/etc",
"printf(3)"."""
_IS_NONE = pattern_when_used(
    r"[:：][\s#*_-]*(?:\d{1,2}[.)])?[\s*_]*\Z"
    r"|\A\W*(?:yes|no|i hope (?:this|these|that|you)|let me know)\b"
    r"|\A\W*(?:what|which|how|have|do|does|did|is|are|would|could|can)\b[^.!]*\byou(?:r|rs)?\b[^.!]*\?\s*\Z"
)
"""What leads to a list; what answers yes or no, hopes to have helped, or asks back, in English: no lecture."""
_CONCLUDES = pattern_when_used(
    r"\W*(?:(?:ce n'|c')est donc|(?:es|das) ist (?:also|daher|somit|folglich)|(?:it|this|that) is (?:therefore|thus)"
    r"|(?:so|therefore|thus),? (?:it|this|that) is) (?:\w+ ){0,3}?(\w+)\W*"
)
"""What concludes in a few words, in French, German and English. Where the last of them was asked about, it is the answer to "Is it
sexist?", and no lecture."""
_DESCRIBES = pattern_when_used(r"\W*(?:please )?describe an? ")
_NORM = pattern_when_used(r"\b(?:should|must|important to|remember|never (?:okay|acceptable|right)|wrong)\b")
"""What asks in English for a description, and words in it of one who says what ought to be."""
_OF_ITSELF = ("request.self", "request.identity")
_MADE = ("request.text", "request.rewrite", "request.wording", "request.argue")
_MAKES = pattern_when_used(
    r"\W*(?:please |can you |could you |i need you to |i want you to )?"
    r"(?:write|generate|create|compose|draft|construct|come up|make|design|produce|post|tweet|greet|rewrite|rephrase|edit"
    r"|paraphrase|summari[sz]e|translate|classify|categori[sz]e|correct|convert|complete|fill|share|think of|train|craft|invent"
    r"|imagine|develop|formulate|describe an? (?!way|method|process|plan)"
    r"|tell (?:me |us )?an?|give (?:me )?(?:the opposite|an? (?:example|sentence|synonym)))\b"
)
"""What asks in English for a text of some kind: only a paragraph apart from it is the assistant's own."""
_DOUBT = 1.0
"""Taken from the logit in a language that the model was not trained on."""
CALM_DOUBT = 1.0
"""Taken from the logit in English where nothing was asked for that tends to be lectured on and the sentence shares its paragraph
with others. Of the rows that the model learns from a third lectures, of ordinary answers hardly one: of 26,000 18 were taken for
lectures without it, and of the lectures that are found one in nine is lost by it."""
_MOST_KNOWN = 20_000
"""Words that are remembered; then all are forgotten, as texts without end hold words without end."""
_REQUEST_CHARS = 600
_LONG = 4
"""Letters of words that say what a sentence is about."""
_HEAD, _TAIL = 250, 350
"""Code points of an answer in which single words are looked at."""
_ASKED = (
    "request.text",
    "request.rewrite",
    "request.wording",
    "request.persona",
    "request.opinion",
    "request.ethics",
    "request.argue",
    "request.self",
    "request.identity",
    "request.sensitive",
)
DENSE: tuple[str, ...] = (
    "last", "second last", "third last", "first", "second", "apart", "apart from a text", "ends with ?", "ends with !",
    "chars", "sentences", "words of the request", *_ASKED,
)  # fmt: skip
"""Names of the dense features, in their order."""
_APART, _FROM_ASKED = DENSE.index("apart"), DENSE.index(_ASKED[0])
_WORD = pattern_when_used(r"(?=([\u3040-\u30ff\u4e00-\u9fff]{2}))|([^\W\d_\u3040-\u30ff\u4e00-\u9fff]{4,})")
_FIELD, _LONGEST = b"l", 3
_STEM = 6
"""Letters by which the model knows a word: what follows is mostly an ending, and most languages have few rows."""
_WEIGHTS = Path(__file__).resolve().parent / "weights" / "lecture.npz"


class Lecture(NamedTuple):
    """A sentence (code points), how likely it lectures, and whether it is for certain no part of a text that was asked for."""

    start: int
    end: int
    chance: float
    is_own: bool


class Sentence(NamedTuple):
    """A sentence's features: `buckets` of its n-grams, `dense` of shape (len(DENSE),)."""

    start: int
    end: int
    is_own: bool
    buckets: NDArray[np.int64]
    dense: NDArray[np.float32]


class Stems:
    """Beginnings of words without which no sentence lectures, whole words where a space follows; pairs of characters where words
    are not spaced.
    """

    def __init__(self, stems: Iterable[str], codes: tuple[str, ...]) -> None:
        """`codes` are the languages that a text may be in, English among them where others are."""
        self._known = _KnownWords(tuple(sorted(stems)))
        self.others = tuple(code for code in codes if code != "en")

    def stand_in(self, words: list[str]) -> bool:
        """Return whether one of them begins a word."""
        return any(map(self._known.__getitem__, words))


class _KnownWords(dict[str, bool]):
    """Whether a word begins with one of the stems, worked out when it is first met: most words of a text were met before."""

    def __init__(self, stems: tuple[str, ...]) -> None:
        super().__init__()
        self._shortest = min(map(len, stems), default=0)
        self._by_start: dict[str, tuple[str, ...]] = {}
        for stem in stems:
            start = stem[: self._shortest]
            self._by_start[start] = (*self._by_start.get(start, ()), stem)

    def __missing__(self, word: str) -> bool:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        whole = word + " "
        self[word] = begins = whole.startswith(self._by_start.get(whole[: self._shortest], ()))
        return begins


@dataclass(frozen=True)
class Weights:
    """One set of weights: `ngram` has shape (BUCKETS,), `dense` (len(DENSE),); `lead` is what a look at words alone adds to a logit
    for place and request."""

    ngram: NDArray[np.float32]
    dense: NDArray[np.float32]
    bias: float
    lead: float

    def may_hold(self, sentences: Sequence[list[bytes]]) -> list[bool]:
        """Return which of many sentences, as their marked words, may lecture by their n-grams."""
        if not sentences:
            return []
        sums, counts = weighed(_FIELD, sentences, _LONGEST, self.ngram)
        is_likely: list[bool] = (sums / np.sqrt(counts) + self.bias + self.lead >= 0.0).tolist()
        return is_likely

    def logit(self, buckets: NDArray[np.int64], dense: NDArray[np.float32]) -> float:
        """Return the calibrated logit of a sentence of such features."""
        said = float(self.ngram[buckets].sum()) / math.sqrt(max(1, len(buckets)))
        return said + self.bias + float(self.dense @ dense)


@dataclass(frozen=True)
class Lectures:
    """The model: one set of weights for English texts, one for texts that may be in others (trained on all), and what is taken from
    a logit by language."""

    english: Weights
    others: Weights
    doubts: dict[str, float]
    sha256: str

    @property
    def languages(self) -> tuple[str, ...]:
        """Return the codes of the languages that the model was trained on."""
        return tuple(self.doubts)

    def may_hold(self, folded: Sequence[str], stems: Sequence[Stems]) -> set[int]:
        """Return which of many folded answers have a sentence at their ends that may lecture, by its words, then by its n-grams."""
        found: set[int] = set()
        looked_at: dict[bool, tuple[list[int], list[list[bytes]]]] = {False: ([], []), True: ([], [])}
        for place, pieces in enumerate(end_words(folded)):
            stand_in = stems[place].stand_in
            holders, sentences = looked_at[bool(stems[place].others)]
            for words in pieces:
                if stand_in(words):
                    holders.append(place)
                    sentences.append(_marked(words))
        for is_other, (holders, sentences) in looked_at.items():
            weights = self.others if is_other else self.english
            found.update(compress(holders, weights.may_hold(sentences)))
        return found

    def found(self, answer: Answer, request: str, asks: frozenset[str], stems: Stems) -> list[Lecture]:
        """Return the sentences that are looked at, in order; `request` is folded."""
        is_asked = "request.ethics" in asks and "request.sensitive" not in asks
        if is_asked or not asks.isdisjoint(_OF_ITSELF):
            return []
        weights = self.others if stems.others else self.english
        doubt = max((self.doubts.get(code, _DOUBT) for code in stems.others), default=self.doubts.get("en", 0.0))
        calm = 0.0 if stems.others else CALM_DOUBT
        found = (
            (one, weights.logit(one.buckets, one.dense)) for one in sentence_features(answer, request, asks, stems)
        )
        return [
            Lecture(one.start, one.end, chance_of(logit - doubt - calm * is_calm(one.dense)), one.is_own)
            for one, logit in found
        ]


def is_calm(dense: NDArray[np.float32]) -> bool:
    """Return whether a sentence shares its paragraph, and nothing was asked for that tends to be lectured on."""
    return not (dense[_APART] or dense[_FROM_ASKED:].any())


def chance_of(logit: float) -> float:
    """Return the probability of a logit."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def end_words(folded: Sequence[str]) -> list[list[list[str]]]:
    """Return of each of many folded texts the words of the last two pieces, and of the first one where the text is longer."""
    found: list[list[list[str]]] = [[] for _ in folded]
    tails = [text[-_TAIL:] for text in folded]
    for place, line in spaced(tails):
        rest = line
        for _ in range(_LOOKED_AT):
            rest, _, piece = rest.rstrip().rpartition("\n")
            if words := piece.split():
                found[place].append(words)
    longer = [place for place, text in enumerate(folded) if len(text) > _TAIL]
    for index, line in spaced([folded[place][:_HEAD] for place in longer]):
        if words := line.lstrip().partition("\n")[0].split():
            found[longer[index]].append(words)
    return found


def word_grams(words: list[str]) -> NDArray[np.int64]:
    """Return the buckets of a sentence's n-grams up to three words, its start and end among them."""
    return all_grams(_FIELD, _marked(words), _LONGEST)


def _marked(words: list[str]) -> list[bytes]:
    return encoded(["\x02", *[word[:_STEM] for word in words[:_MOST_WORDS]], "\x03"])


def candidates(answer: Answer) -> list[tuple[int, int]]:
    """Return the spans of the sentences that are looked at: the first and the last few, of more than one."""
    spans = answer.sentences.spans
    if len(spans) <= _FIRST + _LAST:
        return list(spans) if len(spans) > 1 else []
    return [*spans[:_FIRST], *spans[-_LAST:]]


def wants_a_text(request: str) -> bool:
    """Return whether a folded English request opens with a verb of writing, and for no joke on anybody."""
    return bool(_MAKES.match(request)) and not _JOKES.search(request[:_REQUEST_CHARS]) and "fun of" not in request


def stands_apart(answer: Answer, start: int, end: int) -> bool:
    """Return whether a sentence begins or ends a paragraph."""
    return answer.text.endswith("\n\n", 0, start) or answer.text.startswith("\n\n", end)


def sentence_features(answer: Answer, request: str, asks: frozenset[str], stems: Stems) -> Iterator[Sentence]:
    """Yield the sentences looked at, those with a moral word; `request` is folded."""
    spans = answer.sentences.spans
    wanted = {pair or word for pair, word in _WORD.findall(request[:_REQUEST_CHARS])}
    asked = [name in asks for name in _ASKED]
    is_joke = bool(_JOKES.search(request[:_REQUEST_CHARS]))
    is_nervous = "request.sensitive" in asks
    is_made = not asks.isdisjoint(_MADE) or bool(_MAKES.match(request))
    for start, end in candidates(answer):
        place = answer.sentences.index_at(start)
        is_apart = stands_apart(answer, start, end)
        if answer.is_entry(start) or (is_joke and not is_apart and place < len(spans) - 1):
            continue
        said = fold_text(answer.text[start : min(end, start + _CHARS)])
        concluded = _CONCLUDES.fullmatch(said)
        if concluded and concluded[1] in wanted:
            continue
        words = [word for words in words_of(said) for word in words]
        unasked = words if is_nervous else [word for word in words if word not in wanted]
        if not stems.stand_in(unasked) or _HELP.search(said) or _CODE.search(said) or _IS_NONE.search(said):
            continue
        from_end, ending = len(spans) - 1 - place, said.rstrip()[-1:]
        long = {word for word in words if len(word) >= _LONG or not word.isascii()}
        dense = [
            from_end == 0,
            from_end == 1,
            from_end == 2,
            place == 0,
            place == 1,
            is_apart,
            is_apart and is_made,
            ending == "?",
            ending == "!",
            math.log1p(end - start) / 6,
            math.log1p(len(spans)) / 3,
            len(long & wanted) / max(1, len(long)),
            *asked,
        ]
        is_own = is_apart or not is_made or (is_joke and from_end == 0)
        is_own = is_own or bool(_DESCRIBES.match(request) and _NORM.search(said))
        yield Sentence(start, end, is_own, word_grams(words), np.array(dense, dtype=np.float32))


def is_alone(answer: Answer, start: int, end: int) -> bool:
    """Return whether a sentence is a paragraph."""
    text = answer.text
    begins = text.endswith("\n\n", 0, start) or start <= answer.body
    return begins and (text.startswith("\n\n", end) or not text[end:].strip())


@lru_cache(maxsize=2)
def load_lectures(path: Path = _WEIGHTS) -> Lectures | None:
    """Read the weights; None where there are none.

    Raises:
        PackError: the weights belong to other features than this version has.
    """
    stored = read_weights(path, DENSE, "train_lectures.py")
    if stored is None:
        return None
    arrays, sha256 = stored
    english, others = (
        Weights(
            ngram=arrays["ngram"][row].astype(np.float32),
            dense=arrays["dense"][row].astype(np.float32),
            bias=float(arrays["bias"][row]),
            lead=float(arrays["lead"][row]),
        )
        for row in (0, 1)
    )
    doubts = dict(zip(map(str, arrays["languages"]), map(float, arrays["doubts"]), strict=True))
    return Lectures(english, others, doubts, sha256)
