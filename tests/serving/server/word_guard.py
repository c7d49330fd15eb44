"""A small real guard for tests: it refuses one word, holds back as much as it must, and can be told to fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.serving.guard import Ruling

WORDS = "The owner does not want this answered."


@dataclass
class WordGuard:
    """Rules on requests by their last message, and stops answers that hold `forbidden`."""

    forbidden: str = "kitten"
    request_action: str = "refuse"
    fails_at: str = ""

    def request(self, messages: Sequence[Mapping[str, Any]]) -> Ruling:
        if self.fails_at == "request":
            raise RuntimeError("the guard fell over")
        at = max((str(message["content"]).find(self.forbidden) for message in messages), default=-1)
        if at < 0:
            return Ruling("allow")
        return Ruling(self.request_action, "request.word", "kittens", WORDS, ((at, at + len(self.forbidden)),))

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> _Answer:
        if self.fails_at == "answer":
            raise RuntimeError("the guard fell over")
        return _Answer(self)


class _Answer:
    def __init__(self, guard: WordGuard) -> None:
        self._guard = guard
        self._held = ""
        self._sent = 0

    def feed(self, text: str) -> tuple[str, Ruling | None]:
        if self._guard.fails_at == "feed":
            raise RuntimeError("the guard fell over")
        self._held += text
        at = self._held.find(self._guard.forbidden)
        if at >= 0:
            place = self._sent + at
            evidence = ((place, place + len(self._guard.forbidden)),)
            return self._held[:at], Ruling("refuse", "answer.word", "kittens", WORDS, evidence)
        keep = min(len(self._held), len(self._guard.forbidden) - 1)
        safe, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        self._sent += len(safe)
        return safe, None

    def finish(self) -> tuple[str, Ruling | None]:
        if self._guard.fails_at == "finish":
            raise RuntimeError("the guard fell over")
        return self._held, None
