"""From candidate phrases to hits: exact matches with offsets, judged by where they stand and what was asked.

A hit keeps what stage one and the packs know; whether it becomes a finding is for the caller (the phrases alone, or the model).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from unmoor.detectors.language import Languages
from unmoor.detectors.lectures import Stems
from unmoor.detectors.normalise import Normalised, fold_text, normalise
from unmoor.detectors.pieces import beginning_with
from unmoor.detectors.scan import (
    FLOOR,
    OWN_TOPICS,
    REWORDING,
    Scanner,
    exact_pattern,
    requests_in,
    topics_in,
)
from unmoor.detectors.structure import Answer, labels_of
from unmoor.detectors.together import may_match
from unmoor.errors import PackError
from unmoor.languages import STRENGTHS, Pack, Phrase

__all__ = ["FAINT", "NERVOUS", "Hit", "Phrases"]

RENEWED_AFTER = 2**27
"""Bytes looked at closely before the exact patterns are compiled anew. RE2 keeps what it met in each, up to `max_mem`, so that they
grow as long as new texts come: 95 MB after 100 MB of rows, 115 after 500. Renewal takes 0.4 s, every 600 MB of rows or so."""
RENEWED_AFTER_TOGETHER = 2**27
"""The same for what floor phrases look through together, each text once for each of them. Where a policy raises the floor they are
a hundred and more in English alone."""
SYSTEM_CHARS = 8000
"""Code points of a system prompt that are looked at."""
MAX_MATCHES = 20
"""Matches of one phrase looked at in one text."""
MAX_MATCH_CHARS = 240
"""A `<gap>` reaches to the end of its sentence; a match longer than this has lost its thread."""
_OPENING_CHARS, _CLOSING_CHARS = 320, 320
FILLERS = frozenset(
    (
        "sign.engage",
        "sign.turn",
        "sign.caution",
        "sign.answer",
        "sign.advice",
        "sign.elsewhere",
        "sign.untold",
        "sign.thing",
        "sign.life",
        "sign.untested",
    )
)
"""Signs that ordinary answers are full of: alone, they matter only where the request is of the kind that makes assistants nervous.
On ordinary instruction data this halves the turns that are looked at closely and costs under 0.01 recall."""
FAINT = FILLERS | {"sign.norms", "sign.redirect"}
NERVOUS = frozenset(("request.sensitive", "request.opinion"))
KINDS = ("story", "dialogue", "poem")
"""Kinds of texts that packs have words for, as they are asked for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase at a place: `start` to `end` is the match, `sentence` the sentences that hold it, all code points."""

    phrase: Phrase
    start: int
    end: int
    sentence: tuple[int, int]
    doubt: str = ""
    """Why the words are not the assistant's own (quoted, code, dialogue, block quote, persona, thing, given or requested text)."""

    @property
    def belief(self) -> float:
        """Return how far the phrase is believed here, 0 to 1."""
        return 0.05 if self.doubt else STRENGTHS[self.phrase.strength]


class Phrases:
    """Every phrase of the packs, compiled."""

    def __init__(self, packs: Sequence[Pack], engine: str = "auto") -> None:
        self.all: tuple[Phrase, ...] = tuple(phrase for pack in packs for phrase in pack.phrases)
        self._scripts = {pack.code: pack.script for pack in packs}
        self._scanner = Scanner(self.all, engine)
        self.fillers, self.faint, self.nervous = (self._of(names) for names in (FILLERS, FAINT, NERVOUS))
        self._exact: dict[int, Any] = {}
        self._extra: dict[tuple[int, str], Any] = {}
        self._looked_at = self._looked_at_together = 0
        self._together: dict[int, Any] = {}
        self.languages = Languages(packs)
        self.words = {pack.code: pack.words for pack in packs}
        self._orders = _words_in(packs, "order")
        self.kinds = {kind: beginning_with(_words_in(packs, kind)) for kind in KINDS}
        self.bare_no = frozenset(_words_in(packs, "no"))
        self.labels = labels_of(packs)
        self._stems: dict[tuple[str, ...], Stems] = {}

    def _of(self, behaviours: Set[str]) -> frozenset[int]:
        """Return the numbers of the phrases of some behaviours."""
        return frozenset(number for number, phrase in enumerate(self.all) if phrase.behaviour in behaviours)

    def spoken(self, folded: str) -> set[int]:
        """Return the numbers of the phrases that may occur in a folded answer: none of requests, none of the floor's topics."""
        return self._scanner.hits(folded, self.languages.route(folded))

    def spoken_many(
        self, folded: Sequence[str], routes: Sequence[tuple[str, ...]] | None = None
    ) -> dict[int, set[int]]:
        """Return the same for many folded answers at once: by index, those alone in which some phrase may occur."""
        return self._scanner.hits_many(folded, routes if routes is not None else self.languages.routes(folded))

    def orders_to_decline(self, system_prompt: str) -> bool:
        """Return whether a system prompt orders the assistant to decline, or to keep to something."""
        folded = fold_text(system_prompt[:SYSTEM_CHARS])
        return any(word in folded for word in self._orders)

    def stems_of(self, codes: tuple[str, ...]) -> Stems:
        """Return the stems of moral words of some packs."""
        made = self._stems.get(codes)
        if made is None:
            stems = {stem for code in codes for stem in self.words.get(code, {}).get("moral", ())}
            made = self._stems[codes] = Stems(stems, self.languages.told_in(codes))
        return made

    def asked(self, folded: str) -> set[int]:
        """Return the numbers of the phrases of requests that may occur in a folded request."""
        return self.asked_many([folded]).get(0, set())

    def asked_many(
        self, folded: Sequence[str], answered: Sequence[tuple[str, ...]] | None = None
    ) -> dict[int, set[int]]:
        """Return for many folded requests the numbers of the phrases of requests that may occur in them, by index; `answered` are
        the packs that their answers are worth scanning for, which tell what a request of two words is in.
        """
        routes = self.languages.routes(folded)
        if answered is not None:
            routes = list(map(self.languages.told_beside, folded, routes, answered))
        return self._scanner.hits_many(folded, list(map(_requests_in_all, routes)))

    def matches(self, number: int, folded: str) -> list[tuple[int, int]]:
        """Return where phrase `number` stands in a folded text, as (start, end)."""
        return self._spans(number, folded, self._encoded(folded))

    def _spans(self, number: int, folded: str, data: bytes) -> list[tuple[int, int]]:
        """Return where phrase `number` stands. RE2 looks at bytes; most texts are as many characters.

        A match that reaches too far is none, but the words that it ends with may stand behind their own beginning too.
        """
        spans: list[tuple[int, int]] = []
        is_ascii = len(data) == len(folded)
        pattern = self._exact.get(number) or self._pattern(number)
        position, too_long = 0, 0
        while position >= 0:
            begun, position = position, -1
            for found in pattern.finditer(data, begun):
                start, end = found.span(1)
                length = end - start if is_ascii else len(data[start:end].decode("utf-8", "replace"))
                if length > MAX_MATCH_CHARS:
                    too_long += 1
                    position = _behind_its_start(data, found, too_long)
                    break
                if length:
                    start = start if is_ascii else len(data[:start].decode("utf-8", "replace"))
                    spans.append((start, start + length))
                if len(spans) >= MAX_MATCHES:
                    break
        return spans

    def is_excepted(self, number: int, folded_sentence: str) -> bool:
        """Return whether the sentence holds what the phrase's `unless` names."""
        return self.all[number].unless is not None and bool(self._side(number, "unless").search(folded_sentence))

    def holds(self, number: int, sentence: str) -> bool:
        """Return whether phrase `number` matches a sentence as it was typed, whatever its place in an answer and the request."""
        folded = normalise(sentence).text
        return bool(self.matches(number, folded)) and not self.is_excepted(number, folded)

    def floor_in_many(
        self, texts: Sequence[str], *, is_raised: bool = True, asked: Iterable[int] | None = None
    ) -> dict[int, set[str]]:
        """Return the floor behaviours that many texts name: by index, those alone that name one.

        Of a floor that is not raised those are the two topics that always stand, in the language of any pack. Those that owners
        add are looked for alike; the others that ship only in the texts that ask (all, unless `asked` has their indexes), each in
        the languages that its own words speak for: they are hundreds of phrases in each.
        """
        candidates = self._scanner.hits_unfolded(texts, (FLOOR, OWN_TOPICS) if is_raised else (FLOOR,))
        folded = {index: fold_text(texts[index]) for index in candidates}
        if is_raised:
            requests = list(range(len(texts)) if asked is None else asked)
            read = [folded.get(index) or fold_text(texts[index]) for index in requests]
            groups = [tuple(map(topics_in, route)) for route in self.languages.wide_routes(read)]
            for place, numbers in self._scanner.hits_many(read, groups).items():
                folded[requests[place]] = read[place]
                candidates.setdefault(requests[place], set()).update(numbers)
        likely = self._likely(folded, candidates)
        named = {index: self.named_in(folded[index], numbers, "floor.") for index, numbers in likely.items()}
        return {index: behaviours for index, behaviours in named.items() if behaviours}

    def _likely(self, folded: Mapping[int, str], candidates: Mapping[int, Set[int]]) -> dict[int, set[int]]:
        """Return the candidates of folded texts that may really match: a phrase looks through many of its texts at once."""
        holders: dict[int, list[int]] = {}
        for index, numbers in candidates.items():
            for number in numbers:
                holders.setdefault(number, []).append(index)
        data = {index: self._encoded(text) for index, text in folded.items()}
        likely: dict[int, set[int]] = {}
        for number, indexes in holders.items():
            texts = [data[index] for index in indexes]
            for place in may_match(self._among_others(number, sum(map(len, texts))), texts):
                likely.setdefault(indexes[place], set()).add(number)
        return likely

    def named_in(self, folded: str, candidates: Iterable[int], prefix: str | tuple[str, ...]) -> set[str]:
        """Return the behaviours starting with `prefix` (or one of them) among the candidates that really occur."""
        found: set[str] = set()
        data = self._encoded(folded)
        for number in candidates:
            behaviour = self.all[number].behaviour
            if behaviour.startswith(prefix) and behaviour not in found:
                spans = self._spans(number, folded, data)
                if self.all[number].place == "start":
                    spans = [span for span in spans if _starts_sentence(folded, span[0])]
                found.update([behaviour] if spans and not self.is_excepted(number, folded) else ())
        return found

    def confirmed(self, candidates: Set[int], folded: str) -> dict[int, list[tuple[int, int]]]:
        """Return where the candidates really stand in a folded text; those that do not are left out."""
        if not candidates:
            return {}
        data = self._encoded(folded)
        return {number: spans for number in candidates if (spans := self._spans(number, folded, data))}

    def hits(
        self,
        answer: Answer,
        folded: Normalised,
        confirmed: dict[int, list[tuple[int, int]]],
        *,
        request: str,
        language: str,
    ) -> list[Hit]:
        """Return the hits in an answer, in order of place; `request` is the folded request before it."""
        found = [
            hit
            for number, spans in confirmed.items()
            for span in spans
            if (hit := self._hit(number, answer, folded, span)) and self._holds(number, hit, answer, request, language)
        ]
        return sorted(found, key=lambda hit: (hit.start, hit.end, hit.phrase.id))

    def _hit(self, number: int, answer: Answer, folded: Normalised, span: tuple[int, int]) -> Hit | None:
        start, end = folded.origin(*span)
        while start < end and answer.text[start].isspace():
            start += 1
        if start >= end:
            return None
        phrase = self.all[number]
        if phrase.place == "start" and not _starts_sentence(folded.text, span[0]):
            return None
        return Hit(phrase, start, end, answer.sentence(start, end))

    def _holds(self, number: int, hit: Hit, answer: Answer, request: str, language: str) -> bool:
        phrase = hit.phrase
        if not _in_place(phrase.place, hit, answer):
            return False
        sentence = answer.text[slice(*hit.sentence)]
        if phrase.unless and self.is_excepted(number, normalise(sentence).text):
            return False
        if phrase.request and not self._side(number, "request").search(request):
            return False
        if phrase.unless_request and self._side(number, "unless_request").search(request):
            return False
        return self.languages.accepts(phrase.language, language, sentence)

    def _encoded(self, folded: str) -> bytes:
        """Return the bytes that exact patterns look at; now and then those are dropped, to be compiled anew when next wanted."""
        data = folded.encode("utf-8", "replace")
        self._looked_at += len(data)
        if self._looked_at > RENEWED_AFTER:
            self._looked_at = 0
            self._exact.clear()
            self._extra.clear()
            re2.purge()  # it holds on to what it compiled last
        return data

    def _pattern(self, number: int) -> Any:
        made = self._exact[number] = self._compiled(self.all[number], self.all[number].pattern.exact)
        return made

    def _side(self, number: int, which: str) -> Any:
        made = self._extra.get((number, which))
        if made is None:
            made = self._compiled(self.all[number], getattr(self.all[number], which).exact)
            self._extra[number, which] = made
        return made

    def _among_others(self, number: int, size_bytes: int) -> Any:
        """Return what finds a phrase in texts side by side, which are so large together."""
        self._looked_at_together += size_bytes
        if self._looked_at_together > RENEWED_AFTER_TOGETHER:
            self._looked_at_together = size_bytes
            self._together.clear()
            re2.purge()
        made = self._together.get(number)
        if made is None:
            phrase = self.all[number]
            made = self._together[number] = self._compiled(phrase, phrase.pattern.exact, among_others=True)
        return made

    def _compiled(self, phrase: Phrase, exact: str, *, among_others: bool = False) -> Any:
        try:
            return exact_pattern(exact, self._scripts[phrase.language], among_others=among_others)
        except re2.error as error:
            raise PackError(f"{phrase.language}: phrase {phrase.id}: RE2 does not take the pattern: {error}") from error


def _behind_its_start(data: bytes, found: Any, tried: int) -> int:
    """Return the byte from which to look again for a phrase whose match reaches too far: behind its first character, and after
    many of them where MAX_MATCH_CHARS characters of it are left at most, so that a word said a thousand times costs little.
    """
    start, end = found.span(1)
    after = start if found.start() < start else start + 1
    if tried > MAX_MATCHES:
        after = max(after, end - 4 * MAX_MATCH_CHARS)
    while after < end and data[after] & 0xC0 == 0x80:  # inside a character of UTF-8
        after += 1
    return int(after)


def _words_in(packs: Sequence[Pack], name: str) -> tuple[str, ...]:
    """Return the words that some packs list under a name, each once."""
    return tuple(dict.fromkeys(word for pack in packs for word in pack.words.get(name, ())))


@lru_cache(maxsize=1024)
def _requests_in_all(codes: tuple[str, ...]) -> tuple[str, ...]:
    return (*map(requests_in, codes), REWORDING)


def _starts_sentence(folded: str, start: int) -> bool:
    before = folded[max(0, start - 12) : start].rstrip(" \"'-(")
    return not before or before[-1] in ".!?\n:;。！？)" or before.endswith((">", "|"))


def _in_place(place: str, hit: Hit, answer: Answer) -> bool:
    if place == "opening":
        return (
            answer.is_reasoning(hit.start)
            or answer.ordinal(hit.start) <= 1
            or hit.start - answer.body <= _OPENING_CHARS
        )
    if place == "closing":
        return answer.from_end(hit.start) <= 1 or answer.chars_after(hit.end) <= _CLOSING_CHARS
    return True
