"""From another package's function to a detector: what it finds is held to what every finding promises.

A package registers a function from a conversation to findings as an entry point of group `unmoor.detectors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS, Conversation, Finding, Turn
from unmoor.records.registered import load_registered

__all__ = ["GROUP", "Elsewhere"]

GROUP = "unmoor.detectors"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A detector of another package: its name, the package with its version, and the function."""

    name: str
    package: str
    function: Callable[[Conversation], Iterable[Finding]]

    @classmethod
    def load(cls, name: str) -> Elsewhere | None:
        """Return the detector that is registered as `name`; None if none is.

        Raises:
            UsageError: it cannot be loaded, or is no function.
        """
        registered = load_registered(GROUP, name)
        if registered is None:
            return None
        if not callable(registered.value):
            raise UsageError(
                f'The detector "{name}" of {registered.package} should be a function from a conversation to findings, '
                f"found {type(registered.value).__name__}"
            )
        return cls(name, registered.package, registered.value)

    def find(self, conversation: Conversation) -> list[Finding]:
        """Return what the function finds, each finding under this detector's name.

        Raises:
            UsageError: the function fails, or returns what is no finding of this conversation.
        """
        try:
            found = list(self.function(conversation))
        except Exception as error:
            raise self._wrong(f"failed: {type(error).__name__}: {error}") from error
        for finding in found:
            if fault := _fault(finding, conversation):
                raise self._wrong(f"found {finding!r}: {fault}")
        return [
            replace(finding, detector=self.name, is_reasoning=finding.is_reasoning or finding.field == "reasoning")
            for finding in found
        ]

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f'The detector "{self.name}" of {self.package} {what}. Next: mend that package')


def _fault(finding: object, conversation: Conversation) -> str:
    """Return what is wrong with a finding; empty if nothing is."""
    if not isinstance(finding, Finding):
        return "that is no unmoor.records.Finding"
    if finding.behaviour not in BEHAVIOURS:
        return f"its behaviour should be one of {', '.join(BEHAVIOURS)}"
    if not 0 <= finding.probability <= 1:
        return "its probability should be from 0 to 1"
    turns = conversation.turns
    if not 0 <= finding.turn < len(turns) or not turns[finding.turn].is_target:
        return "its turn should be the index of an answer that is learned (`is_target`)"
    return _wrong_place(finding, turns[finding.turn])


def _wrong_place(finding: Finding, turn: Turn) -> str:
    """Return what is wrong with where a finding stands in its turn; empty if nothing is."""
    if finding.field not in ("text", "reasoning"):
        return "its field should be text or reasoning"
    text = turn.reasoning if finding.field == "reasoning" else turn.text
    start, end = finding.start_char, finding.end_char
    if not 0 <= start < end <= len(text) or text[start:end] != finding.quote:
        return "its quote should be the words between start_char and end_char"
    return ""
