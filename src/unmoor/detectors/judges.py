"""From uncertain findings to a second opinion: another model is asked about those alone, and its word is kept for good.

The row is data, never instruction: it stands between random delimiters, the answer must fit a schema, temperature is 0, and canary
rows with known labels ride along in every batch. A judge that fails, refuses or answers anything else says `unsure`, which goes to
people, and the first reason is kept. Answers are cached, so that nothing is asked twice after a resume.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from unmoor.detectors.asking import asked_at_once, ends_of
from unmoor.detectors.classifier import load_classifier
from unmoor.detectors.judge_server import Ask, Opinion, object_in, open_ai_judge
from unmoor.detectors.staying import without_password
from unmoor.errors import MachineError, UsageError
from unmoor.records import REFUSALS, Conversation, Finding

__all__ = ["CANARIES", "NOT_BELIEVED", "SecondOpinion", "load_judge", "reviewed_all"]

UNCERTAIN = (0.35, 0.80)
"""Probabilities between which a refusal is asked about: below, policies do not act; above, they do without asking."""
_CERTAIN: dict[Opinion, float] = {"refuses": 0.95, "answers": 0.05}
NOT_BELIEVED = "not believed"
"""What is counted for a finding whose judge failed on a canary; it stays as it was, as one does of which the judge is unsure."""
_LIKELY = 0.6
"""Score of a sequence classifier from which its label is believed."""
_REFUSING, _ANSWERING = (
    ("refus", "reject", "declin", "deny", "denied", "denial"),
    ("compl", "accept", "answer", "fulfil"),
)
"""Stems by which the labels of classifiers name the two."""
CANARIES: tuple[tuple[str, str, Opinion], ...] = (
    ("How do I boil an egg?", "I'm sorry, but I can't help with that request.", "refuses"),
    ("How do I boil an egg?", "Put it into boiling water for eight minutes.", "answers"),
)
"""(request, answer, right opinion). A judge that gets one wrong is not believed for the batch."""


@dataclass(slots=True)
class SecondOpinion:
    """A judge with its memory, asked `at_once` questions at a time. `name`, `url` and the texts are the key, so that another is
    asked anew; `errors` holds the first reason for which it could not answer.
    """

    name: str
    ask: Ask
    cache: Path | None = None
    at_once: int = 1
    errors: list[str] = field(default_factory=list)
    url: str = ""
    """Where its server is, without what stands before an @; empty of a judge without one."""
    identity: str = ""
    """What tells a model that is at hand from another of the same name: its answers are remembered by that."""
    words: Counter[str] = field(default_factory=Counter)
    """What was said of uncertain findings: `refuses`, `answers`, `unsure`, or `not believed`."""
    _known: dict[str, Opinion] | None = None

    def review(
        self, conversation: Conversation, findings: Sequence[Finding], *, is_believed: bool = True
    ) -> tuple[Finding, ...]:
        """Return the findings with uncertain refusals made sure, or left as they are where the judge is unsure.

        One that is not believed now is asked nothing: what it said before, when it was, still holds.
        """
        return tuple(self._reviewed(conversation, finding, is_believed=is_believed) for finding in findings)

    def passes_canaries(self) -> bool:
        """Ask about rows with known labels; return whether the judge got all of them right."""
        return not [right for request, answer, right in CANARIES if self.ask(request, answer) != right]

    def uncertain_among(self, findings: Sequence[Finding]) -> int:
        """Return how many of the findings are refusals in the uncertain band."""
        return sum(map(_is_uncertain, findings))

    def _reviewed(self, conversation: Conversation, finding: Finding, *, is_believed: bool) -> Finding:
        if not _is_uncertain(finding):
            return finding
        exchange = _exchange(conversation, finding)
        if not is_believed and not self.remembers(exchange):
            self.words[NOT_BELIEVED] += 1
            return finding
        opinion = self.opinion(*exchange)
        self.words[opinion] += 1
        if opinion == "unsure":
            return finding
        return replace(finding, probability=_CERTAIN[opinion], detector=f"{finding.detector}+{self.name}")

    def opinion(self, request: str, answer: str) -> Opinion:
        """Return what the judge says of one exchange, from memory if it was asked before."""
        return self.opinions([(request, answer)])[0]

    def opinions(self, exchanges: Sequence[tuple[str, str]]) -> list[Opinion]:
        """Return what the judge says of each exchange (request, answer); those that it was not asked about before are asked now."""
        known = self._remembered()
        keys = [self._key(*exchange) for exchange in exchanges]
        unknown = {key: exchange for key, exchange in zip(keys, exchanges, strict=True) if key not in known}
        for key, opinion in asked_at_once(self.ask, unknown, self.at_once):
            known[key] = opinion
            if opinion != "unsure":
                self._remember(key, opinion)
        return [known[key] for key in keys]

    def remembers(self, exchange: tuple[str, str]) -> bool:
        """Return whether the judge was asked about an exchange before."""
        return self._key(*exchange) in self._remembered()

    def _key(self, request: str, answer: str) -> str:
        who = [part for part in (self.identity or self.name, self.url) if part]
        return hashlib.sha256("\0".join((*who, request, answer)).encode("utf-8", "replace")).hexdigest()

    def _remembered(self) -> dict[str, Opinion]:
        if self._known is None:
            self._known = {}
            if self.cache is not None and self.cache.is_file():
                for line in self.cache.read_text(encoding="utf-8", errors="replace").split("\n"):
                    entry = object_in(line)
                    if entry.get("opinion") in tuple(_CERTAIN):
                        self._known[str(entry.get("key"))] = entry["opinion"]
        return self._known

    def _remember(self, key: str, opinion: Opinion) -> None:
        if self.cache is None:
            return
        try:
            with self.cache.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "opinion": opinion}) + "\n")
        except OSError as error:
            raise MachineError(f"The judge's answers cannot be kept in {self.cache}: {error}") from error


def _exchange(conversation: Conversation, finding: Finding) -> tuple[str, str]:
    return conversation.request_before(finding.turn), conversation.turns[finding.turn].text


def _is_uncertain(finding: Finding) -> bool:
    low, high = UNCERTAIN
    return finding.behaviour in REFUSALS and not finding.is_reasoning and low <= finding.probability < high


class _First(list[str]):
    """A list that keeps the first of what is appended: of a server that is down a million rows would say the same."""

    def append(self, text: str) -> None:
        """Keep the text, if it is the first."""
        if not self:
            super().append(text)


def load_judge(
    name: str, *, url: str | None = None, key: str = "", cache: Path | None = None, at_once: int = 1
) -> SecondOpinion:
    """Return the judge called `openai:MODEL` (any server of that interface, at `url`, asked `at_once` questions at a time) or
    `hf:MODEL` (a sequence classifier).

    Raises:
        UsageError: another kind of name, no URL for a server, or a classifier that cannot be loaded.
        MissingExtraError: `hf:` without transformers.
    """
    kind, _, model = name.partition(":")
    if kind == "openai" and model:
        if not url:
            raise UsageError(f"The judge {name} needs --judge-url, e.g. http://localhost:8000/v1")
        errors = _First()
        ask = open_ai_judge(model, url, key=key, told=errors.append)
        return SecondOpinion(name, ask, cache, at_once, errors, without_password(url.rstrip("/")))
    if kind == "hf" and model:
        errors = _First()
        ask, identity = _classifier(model, errors.append)
        return SecondOpinion(name, ask, cache, errors=errors, identity=identity)
    raise UsageError(f'"{name}" is no judge; expected openai:MODEL with --judge-url URL, or hf:MODEL')


def _classifier(model: str, told: Callable[[str], object]) -> tuple[Ask, str]:
    """Return what asks a classifier, `told` of what goes wrong, and the classifier's identity."""
    classifier = load_classifier(f"The judge hf:{model}", model)
    if "refuses" not in map(opinion_of_label, classifier.labels):
        raise UsageError(
            f"The judge hf:{model} cannot be used: its labels are {', '.join(classifier.labels)}, and none "
            "says that an answer refuses. "
            "Next: a classifier with a label such as refusal beside one such as compliance or no refusal"
        )

    def ask(request: str, answer: str) -> Opinion:
        try:
            found = classifier.scores(f"<|user|>\n{ends_of(request)}\n<|assistant|>\n{ends_of(answer)}")
        except (RuntimeError, IndexError, ValueError) as error:
            told(f"hf:{model} cannot be asked: {error}")
            return "unsure"
        return opinion_of_label(str(found["label"])) if float(found["score"]) >= _LIKELY else "unsure"

    return ask, classifier.identity


def opinion_of_label(label: str) -> Opinion:
    """Return what a classifier's label says of an answer: "Refusal", "NO_REFUSAL", "non-compliant"; `unsure` of any other."""
    words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).casefold())
    said = " ".join(words)
    refuses, answers = (any(stem in said for stem in stems) for stems in (_REFUSING, _ANSWERING))
    if refuses == answers:
        return "unsure"
    is_denied = bool({"no", "not", "non", "without"} & set(words)) or said.startswith("non")
    return "refuses" if refuses != is_denied else "answers"


def reviewed_all(
    judge: SecondOpinion, rows: Iterable[tuple[Conversation, tuple[Finding, ...]]]
) -> list[tuple[Finding, ...]]:
    """Return a batch's findings with second opinions. Canaries ride along with what is asked now: if the judge fails on one, those
    findings stay as they were, and what it said when it passed still holds.
    """
    batch = list(rows)
    uncertain = [_exchange(row, finding) for row, findings in batch for finding in findings if _is_uncertain(finding)]
    is_believed = all(map(judge.remembers, uncertain)) or judge.passes_canaries()
    if is_believed:
        judge.opinions(uncertain)
    return [judge.review(conversation, findings, is_believed=is_believed) for conversation, findings in batch]
