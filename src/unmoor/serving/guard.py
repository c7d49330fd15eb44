"""From what is asked and answered to what the owner rules: the interface of a guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["AnswerGuard", "Guard", "Ruling"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a guard decided: `action` is allow, refuse, note or log; `evidence` are places in an
    answer, never its text; a request has none, for its topic may be spread over several messages. `also` is what holds besides,
    for the log alone.
    """

    action: str
    rule: str = ""
    topic: str = ""
    words: str = ""
    evidence: tuple[tuple[int, int], ...] = ()
    also: tuple[Ruling, ...] = ()


ALLOW = Ruling("allow")


class AnswerGuard(Protocol):
    """Watches one answer as it flows."""

    def feed(self, text: str) -> tuple[str, Ruling | None]:
        """Return the text that may be sent now, and a ruling if the answer must stop."""
        ...

    def finish(self) -> tuple[str, Ruling | None]:
        """Return what was held back, and a ruling if it must not be sent."""
        ...


class Guard(Protocol):
    """The owner's own alignment layer."""

    def request(self, messages: Sequence[Mapping[str, Any]]) -> Ruling:
        """Rule on a request."""
        ...

    def answer(self, messages: Sequence[Mapping[str, Any]]) -> AnswerGuard:
        """Return what watches the answer to these messages."""
        ...
