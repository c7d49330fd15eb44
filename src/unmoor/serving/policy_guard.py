"""From the owner's rules to a guard: floor topics and the owner's own in requests, behaviours and floor content in answers.

Answers are checked sentence by sentence as they flow, short ones together. Where a text is cut depends on the text alone, never on
how it arrived, so a stream and a whole answer are ruled on alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from unmoor.records import Finding, GuardRules
from unmoor.serving.guard import ALLOW, AnswerGuard, Ruling
from unmoor.serving.readings import in_one_line, readings

__all__ = ["PolicyGuard"]

Topics = Callable[[Collection[str]], Collection[str]]
Classify = Callable[[str], Collection[str]]
Find = Callable[[str, str], Sequence[Finding]]
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*(?=\s)|[。！？؟।]['\"”’」』)\]]*|\n")
_CONTEXT_CHARS = 2000
"""Code points of the answer so far that are looked at with each new piece: enough for what a sentence refers to."""
_NEAR_CHARS = 400
"""Code points before a piece that are read in every way with it; more would cost more time than all else that the guard does."""
_WORD_CHARS = 60
"""Code points within which a word ends where blanks part words."""
_LEAST_CHARS = 50
"""Code points from which a piece is looked at alone. Shorter sentences and lines wait for the next: every look is at all the
context again, and 2,000 lines of a few letters took .8 s, looked at one by one."""
_PIECE_CHARS, _OVERLAP_CHARS = 6_000, 1_000
"""Code points of the pieces in which a request is looked at, and by how much they overlap. A phrase takes a few hundred."""
_BLANK = re.compile(r"\s")
_ORDER = {"allow": 0, "log": 1, "note": 2, "refuse": 3}


class PolicyGuard:
    """Rules on requests and answers. `topics_in` names the topics in some texts, `find` the findings in an answer to a request.

    `classify`, the owner's own model, names topics of a request that no words name; where it fails, the ruling fails, and the
    server refuses.
    """

    def __init__(self, rules: GuardRules, topics_in: Topics, find: Find, classify: Classify | None = None) -> None:
        self._rules = rules
        self._classify = classify
        self.may_block = classify is not None
        """Whether ruling on a request may wait for another server, and so belongs in a thread."""
        self._topics_in = topics_in
        self._find = find
        self.hold_back_chars = rules.hold_back_chars
        self._watched = {name: action for name, action in rules.answer.items() if action != "allow"}
        self._watched.setdefault("minors", "refuse")

    def request(self, messages: Sequence[Mapping[str, Any]]) -> Ruling:
        """Rule on a request: each message alone, and all of the user's and all there are together, so that a topic split over turns
        or lines is seen; the assistant's may be of the client's making too.
        """
        texts = [_text_of(message) for message in messages]
        said = [text for text, message in zip(texts, messages, strict=True) if message.get("role") == "user"]
        asked = {*texts, "\n".join(said), " ".join(said), " ".join(texts)}
        topics = set(self._topics_in({piece for text in asked for read in readings(text) for piece in _pieces(read)}))
        if self._classify is not None and said and not topics & set(self._rules.floor):
            topics |= set(self._classify("\n".join(said)))
        return _together([self._ruled(topic) for topic in sorted(topics) if self._action(topic) != "allow"]) or ALLOW

    def _ruled(self, topic: str) -> Ruling:
        action = self._action(topic)
        words = self._rules.words_for(topic) if action == "refuse" else self._rules.words.get(topic, "")
        return Ruling(action, "floor" if topic in self._rules.floor else "request", topic, words)

    def _action(self, topic: str) -> str:
        return "refuse" if topic in self._rules.floor else self._rules.request.get(topic, "allow")

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> AnswerGuard:
        """Return what watches the answer to these messages."""
        request = next((_text_of(m) for m in reversed(messages) if m.get("role") == "user"), "")
        return _Watcher(self, request)

    def rule(self, request: str, context: str, start: int, told: Collection[str] = ()) -> list[Ruling]:
        """Rule on `context[start:]`, the newest piece of an answer, in the light of what was said before it.

        One ruling for each behaviour and topic that is not `told` already, with its place in `context`.
        """
        near = _latest(context, len(context) - start + _NEAR_CHARS)
        found = {
            finding.behaviour: (finding.rule, (finding.start_char, finding.end_char))
            for finding in reversed(self._find(request, context))
            if finding.probability >= self._rules.threshold and finding.end_char > start
        }
        found |= {
            topic: ("floor", (start, len(context)))
            for topic in sorted(self._topics_in({context[start:], in_one_line(context), *readings(near)}))
        }
        return [
            Ruling(action, rule, name, self._rules.words_for(name) if action == "refuse" else "", (place,))
            for name, (rule, place) in found.items()
            if (action := self._watched.get(name, "allow")) != "allow" and name not in told
        ]


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that overlap by more than a phrase is long: hundreds of phrases may stand in a long one, and each
    would look through all of it.
    """
    begin = 0
    while len(text) - begin > _PIECE_CHARS:
        end = begin + _PIECE_CHARS
        last = max((blank.start() for blank in _BLANK.finditer(text, end - _WORD_CHARS, end)), default=end)
        yield text[begin:last]
        begin = end - _OVERLAP_CHARS
        word = _BLANK.search(text, begin, begin + _WORD_CHARS)
        begin = word.end() if word else begin
    yield text[begin:]


def _together(rulings: Sequence[Ruling]) -> Ruling | None:
    """Return the strongest ruling, the first of its kind, with the others beside it; a note says what all notes say."""
    if not rulings:
        return None
    first, *others = sorted(rulings, key=lambda ruling: _ORDER[ruling.action], reverse=True)
    words = [first.words, *(other.words for other in others if other.action == first.action == "note")]
    return replace(first, words="\n".join(filter(None, dict.fromkeys(words))), also=tuple(others))


def _stops(rulings: Sequence[Ruling]) -> bool:
    return any(ruling.action == "refuse" for ruling in rulings)


class _Watcher:
    """Releases an answer sentence by sentence, short ones together, or in pieces of `hold_back_chars` where no sentence ends."""

    def __init__(self, guard: PolicyGuard, request: str) -> None:
        self._guard = guard
        self._request = request
        self._sent = ""
        self._forgotten_chars = 0
        self._held = ""
        self._is_stopped = False
        self._logged: set[str] = set()

    def feed(self, text: str) -> tuple[str, Ruling | None]:
        """Return the text that may be sent now, and a ruling if the answer must stop or something is to be logged."""
        self._held += text
        return self._release(is_end=False)

    def finish(self) -> tuple[str, Ruling | None]:
        """Return what was held back, once the answer has ended."""
        return self._release(is_end=True)

    def _release(self, *, is_end: bool) -> tuple[str, Ruling | None]:
        released = ""
        told: list[Ruling] = []
        if self._is_stopped:
            return "", None
        for size in self._pieces(is_end=is_end):
            piece, self._held = self._held[:size], self._held[size:]
            rulings = self._rule(piece)
            told += rulings
            if _stops(rulings):
                self._is_stopped = True
                return released + self._before_the_stop(piece), _together(told)
            said = self._sent + piece
            self._sent = _latest(said)
            self._forgotten_chars += len(said) - len(self._sent)
            released += piece
            self._logged.update(ruling.topic for ruling in rulings)
        return released, _together(told)

    def _pieces(self, *, is_end: bool) -> Iterator[int]:
        """Yield how much of what is held can be ruled on now, piece by piece."""
        most = self._guard.hold_back_chars
        least = min(_LEAST_CHARS, most // 4)
        while self._held:
            end = _SENTENCE_END.search(self._held, least)
            if end is not None and end.end() <= most and (end.end() < len(self._held) or is_end):
                yield end.end()
            elif len(self._held) > most:
                short = [end.end() for end in _SENTENCE_END.finditer(self._held, 0, most)]
                yield short[-1] if short else self._held.rfind(" ", 0, most) + 1 or most
            elif is_end:
                yield len(self._held)
            else:
                return

    def _before_the_stop(self, piece: str) -> str:
        """Return the sentences of a piece that may not be sent which stand before the one that breaks a rule."""
        sent = 0
        for end in _SENTENCE_END.finditer(piece, 0, len(piece) - 1):
            if _stops(self._rule(piece[: end.end()])):
                break
            sent = end.end()
        return piece[:sent]

    def _rule(self, piece: str) -> list[Ruling]:
        if piece.isspace():
            return []
        rulings = self._guard.rule(self._request, self._sent + piece, len(self._sent), self._logged)
        return [replace(ruling, evidence=tuple(map(self._in_answer, ruling.evidence))) for ruling in rulings]

    def _in_answer(self, place: tuple[int, int]) -> tuple[int, int]:
        return place[0] + self._forgotten_chars, place[1] + self._forgotten_chars


def _latest(text: str, chars: int = _CONTEXT_CHARS) -> str:
    """Return the last code points of a text, without the word that is cut by it."""
    latest = text[-chars:]
    return latest if len(latest) == len(text) else latest[latest.find(" ", 0, _WORD_CHARS) + 1 :]


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""
