"""From conversations to findings: every target turn is scanned once for all packs, and looked at closely if need be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from unmoor.detectors.elsewhere import GROUP, Elsewhere
from unmoor.detectors.evidence import findings_from
from unmoor.detectors.lectures import load_lectures
from unmoor.detectors.model import load_model
from unmoor.detectors.openings import load_openings
from unmoor.detectors.own_packs import checked_packs
from unmoor.detectors.phrases import Phrases
from unmoor.detectors.raw_wordlist import RawWordlist
from unmoor.detectors.structure import split_reasoning
from unmoor.detectors.turn import Learned, Said, view_many, view_turn
from unmoor.detectors.verdict import judged_findings
from unmoor.detectors.view import TurnView
from unmoor.detectors.wordlist import Wordlist
from unmoor.errors import UsageError, nearest_name
from unmoor.languages import TOPICS, Pack, load_packs
from unmoor.records import REFUSALS, Conversation, Finding, FloorTopics, may_reason
from unmoor.records.loading import uncollected
from unmoor.records.registered import registered_names

__all__ = ["DEFAULT", "DETECTORS", "Detector", "load"]

DETECTORS: dict[str, str] = {
    "phrases": "the packs' phrases, judged by where they stand and who speaks",
    "model": "a small learned model over phrases, structure and wording, which corrects the phrases and finds what they miss: "
    "never without the phrases",
    "wordlist": "a plain list of your own, a phrase a line, found anywhere (behaviour `wordlist`)",
}
"""The ways of looking: name to one plain sentence."""

DEFAULT: tuple[str, ...] = ("phrases", "model")

_Field = Literal["text", "reasoning"]

_AT_ONCE = 1000
"""Conversations that are scanned together: enough to spread the cost of a scan, few enough to hold in memory twice."""
_REFUSES_FROM = 0.45
"""The floor keeps refusals that stand beside an answer too; findings of them are capped at this belief."""
_ORDERED = 0.6
"""What a refusal is believed at most where the system prompt orders to decline or to keep to something: it may be the lesson."""
_LONGEST = 400_000
"""Code points of an answer: of longer ones the first half of as many is looked at."""


def load(
    names: Sequence[str] = DEFAULT,
    *,
    languages: Sequence[str] | None = None,
    wordlist: Path | None = None,
    packs: Sequence[Path] = (),
) -> Detector:
    """Load detectors by name, with all packs or only those of `languages`; a `wordlist` is run in addition, and with the model the
    phrases that it weighs. A detector of another package has the name that the package registers.

    `packs` are folders of packs of the owner's, beside those that ship; `languages` may name their codes, too.

    Raises:
        UsageError: an unknown name, one of another package that cannot be loaded, or `wordlist` without a file.
        PackError: a pack that breaks its contract or does not find its own examples, or no such language.
    """
    chosen = tuple(dict.fromkeys((*names, "wordlist") if wordlist else names)) or DEFAULT
    for name in chosen:
        if name not in DETECTORS and Elsewhere.load(name) is None:
            known = (*DETECTORS, *registered_names(GROUP))
            raise UsageError(f'There is no detector "{name}".{nearest_name(name, known)} Detectors: {", ".join(known)}')
    if "wordlist" in chosen and wordlist is None:
        raise UsageError("The detector wordlist needs a list: --wordlist FILE, a phrase a line")
    if "model" in chosen and "phrases" not in chosen:
        chosen = ("phrases", *chosen)
    return Detector(chosen, tuple(languages) if languages else None, wordlist, packs=tuple(packs))


def _without(languages: Sequence[str] | None, own: Sequence[Pack]) -> list[str] | None:
    """Return the languages of packs that ship, None for all of them: those of the owner's packs are looked with in any case."""
    codes = {pack.code for pack in own}
    return None if languages is None else [code for code in languages if code not in codes]


class Detector:
    """Looks at conversations. Holds compiled patterns; when pickled it travels as its arguments and compiles again."""

    def __init__(
        self,
        names: tuple[str, ...],
        languages: tuple[str, ...] | None,
        wordlist: Path | None,
        engine: str = "auto",
        packs: tuple[Path, ...] = (),
    ) -> None:
        self._arguments = (names, languages, wordlist, engine, packs)
        self._names = names
        own = checked_packs(packs)
        with uncollected():
            self._packs = (*load_packs(_without(languages, own)), *own)
            self._phrases = Phrases(self._packs, engine)
        has_model = "model" in names
        self._model = load_model() if has_model else None
        self._learned = Learned(load_lectures(), load_openings()) if has_model else Learned()
        self._wordlist = Wordlist.read(wordlist) if wordlist and "wordlist" in names else None
        loaded = (Elsewhere.load(name) for name in names if name not in DETECTORS)
        self._elsewhere = tuple(one for one in loaded if one is not None)

    def __reduce__(self) -> tuple[Any, ...]:
        return Detector, self._arguments

    @property
    def identity(self) -> dict[str, Any]:
        """What was looked with, for manifests: detectors, packs with version and SHA-256, word list."""
        packs = {
            pack.code: {"version": pack.version, "sha256": pack.sha256, "tested": pack.tested} for pack in self._packs
        }
        found: dict[str, Any] = {"detectors": list(self._names), "packs": packs}
        if self._model:
            found["model"] = {"sha256": self._model.sha256, "languages": list(self._model.languages)}
        if self._learned.lectures:
            lectures = self._learned.lectures
            found["lectures"] = {"sha256": lectures.sha256, "languages": list(lectures.languages)}
        if self._learned.openings:
            found["openings"] = {"sha256": self._learned.openings.sha256}
        if self._wordlist:
            found["wordlist"] = {"sha256": self._wordlist.sha256, "phrases": len(self._wordlist.phrases)}
        if self._elsewhere:
            found["packages"] = {one.name: one.package for one in self._elsewhere}
        return found

    def raw_scan(self) -> RawWordlist | None:
        """Return what finds candidate rows in raw bytes, if a word list is all that is looked for; None otherwise."""
        return self._wordlist.raw() if self._wordlist and self._names == ("wordlist",) else None

    def find(self, conversation: Conversation) -> tuple[Finding, ...]:
        """Return the findings in the target turns of a conversation, sorted by turn and place."""
        return self.find_many([conversation])[0]

    def find_many(self, conversations: Sequence[Conversation]) -> list[tuple[Finding, ...]]:
        """Return the findings of each conversation, in order; the same as `find` on each, sooner for many at once."""
        found: list[tuple[Finding, ...]] = []
        for start in range(0, len(conversations), _AT_ONCE):
            found += self._find_batch(conversations[start : start + _AT_ONCE])
        return found

    def _find_batch(self, conversations: Sequence[Conversation]) -> list[tuple[Finding, ...]]:
        found: dict[int, list[Finding]] = {}
        if self._wordlist:
            said = [(number, target[:3]) for number, one in enumerate(conversations) for target in _targets(one)]
            listed = self._wordlist.find_many([target for _, target in said])
            for (number, _), here in zip(said, listed, strict=True):
                if here:
                    found.setdefault(number, []).extend(here)
        if "phrases" in self._names or "model" in self._names:
            parts = [part for number, one in enumerate(conversations) for part in _parts(number, one)]
            for place, view in view_many(self._phrases, [part.said for part in parts], self._learned):
                if here := self._judged(view, parts[place]):
                    found.setdefault(parts[place].row, []).extend(here)
        found = {number: self._as_ordered(here, conversations[number]) for number, here in found.items()}
        for one in self._elsewhere:
            for number, conversation in enumerate(conversations):
                if here := one.find(conversation):
                    found.setdefault(number, []).extend(here)
        return [tuple(sorted(found[n], key=_order)) if n in found else () for n in range(len(conversations))]

    def floor_topics(
        self, conversations: Sequence[Conversation], *, is_raised: bool = True
    ) -> list[dict[int, FloorTopics]]:
        """Return for each conversation the turns with floor topics, by index; whatever detectors were chosen.

        Unless it `is_raised`, the floor has the two topics that always stand, and no others are looked for. The others that ship
        are named by requests alone: an answer that declines speaks of harm whatever was asked.
        """
        places = [
            (n, index) for n, one in enumerate(conversations) for index, turn in enumerate(one.turns) if turn.text
        ]
        texts = [conversations[n].turns[index].text for n, index in places]
        asked = [place for place, (n, index) in enumerate(places) if conversations[n].turns[index].role == "user"]
        named = self._phrases.floor_in_many(texts, is_raised=is_raised, asked=asked)
        named_at = {places[place]: behaviours for place, behaviours in named.items()}
        concerned = {n for n, _ in named_at}
        return [_floor_by_turn(n, one, named_at) if n in concerned else {} for n, one in enumerate(conversations)]

    def refuses(self, text: str) -> bool:
        """Return whether an answer refuses, by phrases alone; for the floor, whatever detectors were chosen."""
        parts = (text[start:end] for start, end, _ in split_reasoning(text))
        views = (view_turn(self._phrases, _read(part), "", has_tools=False) for part in parts)
        return any(
            finding.behaviour in REFUSALS and finding.probability >= _REFUSES_FROM
            for view in views
            if view is not None
            for finding in findings_from(view, 0, "text")
        )

    def language_of(self, text: str) -> str:
        """Return the code of the language of `text` among the packs', or `und`."""
        return self._phrases.languages.of(text)

    def is_ordered_to_decline(self, conversation: Conversation) -> bool:
        """Return whether a system prompt of the row orders the assistant to decline, or to keep to something."""
        systems = (turn.text for turn in conversation.turns if turn.role == "system" and turn.text)
        return any(map(self._phrases.orders_to_decline, systems))

    def _as_ordered(self, found: list[Finding], conversation: Conversation) -> list[Finding]:
        """Return the findings, refusals that a system prompt of the row may have ordered believed by half: people look at them."""
        if not any(f.behaviour in REFUSALS and f.probability > _ORDERED for f in found):
            return found
        if not self.is_ordered_to_decline(conversation):
            return found
        return [replace(f, probability=min(f.probability, _ORDERED)) if f.behaviour in REFUSALS else f for f in found]

    def _judged(self, view: TurnView, part: _Part) -> list[Finding]:
        """Return the findings of the answer, or of its reasoning block; offsets are those of the whole turn."""
        found = judged_findings(view, None if part.is_reasoning else self._model, part.turn, part.field)
        if part.start == 0 and not part.is_reasoning:
            return found
        return [
            replace(
                f,
                start_char=f.start_char + part.start,
                end_char=f.end_char + part.start,
                is_reasoning=part.is_reasoning,
            )
            for f in found
        ]


class _Part(NamedTuple):
    """An answer, or its reasoning block: a text of its own, from code point `start` of turn `turn` of row `row`.

    A tuple, because one is made of every answer: a frozen dataclass takes four times as long to make.
    """

    row: int
    turn: int
    field: _Field
    said: Said
    start: int
    is_reasoning: bool


_ASKED_FOR = frozenset(f"floor.{topic}" for topic in TOPICS)


def _floor_by_turn(
    number: int, conversation: Conversation, named_at: Mapping[tuple[int, int], set[str]]
) -> dict[int, FloorTopics]:
    before: set[str] = set()
    last: set[str] = set()
    found = {}
    for index, turn in enumerate(conversation.turns):
        here = named_at.get((number, index), set())
        if turn.role == "user":
            before, last = before | last, here
        else:
            here = last | (here - _ASKED_FOR)
        if here or before:
            found[index] = FloorTopics(_as_topics(here), _as_topics(before - here))
    return found


def _as_topics(behaviours: Set[str]) -> tuple[str, ...]:
    return tuple(sorted(behaviour.removeprefix("floor.") for behaviour in behaviours))


def _targets(conversation: Conversation) -> list[tuple[int, str, _Field, str]]:
    """Return the texts to look at: (turn, text, field, the nearest request before)."""
    found: list[tuple[int, str, _Field, str]] = []
    request = ""
    for index, turn in enumerate(conversation.turns):
        if turn.is_target:
            if turn.text:
                found.append((index, turn.text, "text", request))
            if turn.reasoning:
                found.append((index, turn.reasoning, "reasoning", request))
        if turn.role == "user":
            request = turn.text
    return found


def _parts(row: int, conversation: Conversation) -> list[_Part]:
    parts: list[_Part] = []
    for index, text, field, request in _targets(conversation):
        if not may_reason(text) and not text[0].isspace():
            said = Said(_read(text), request, conversation.has_tools)
            parts.append(_Part(row, index, field, said, 0, field == "reasoning"))
            continue
        for start, end, is_reasoning in split_reasoning(text):
            said = Said(_read(text[start:end]), request, conversation.has_tools)
            parts.append(_Part(row, index, field, said, start, is_reasoning or field == "reasoning"))
    return parts


def _read(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST // 2]


def _order(finding: Finding) -> tuple[int, bool, int, int, str]:
    return finding.turn, finding.field != "text", finding.start_char, finding.end_char, finding.behaviour
