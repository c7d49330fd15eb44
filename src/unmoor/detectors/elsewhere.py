"""From another package's function to a detector: what it finds is held to what every finding promises.

A package registers a function from a conversation to findings as an entry point of group `unmoor.detectors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from numbers import Integral, Real

from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS, Conversation, Finding, Turn
from unmoor.records.patterns import pattern_when_used
from unmoor.records.registered import load_registered, others_code

__all__ = ["GROUP", "Elsewhere"]

GROUP = "unmoor.detectors"
_NO_NAME = pattern_when_used(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What breaks a line, or cannot be written as UTF-8."""


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
        with others_code(lambda why: self._wrong(f"failed: {why}")):
            found = [(one, _plain(one, conversation)) for one in self.function(conversation)]
            breach = next((f"found {one!r}: {plain}" for one, plain in found if isinstance(plain, str)), "")
        if breach:
            raise self._wrong(breach)
        return [
            replace(plain, detector=self.name, is_reasoning=plain.is_reasoning or plain.field == "reasoning")
            for _, plain in found
            if not isinstance(plain, str)
        ]

    def _wrong(self, what: str) -> UsageError:
        return UsageError(f'The detector "{self.name}" of {self.package} {what}. Next: mend that package')


def _plain(finding: object, conversation: Conversation) -> Finding | str:
    """Return a finding with numbers of Python's own, whatever library made them, or what is wrong with it."""
    if not isinstance(finding, Finding):
        return "that is no unmoor.records.Finding"
    if finding.behaviour not in BEHAVIOURS:
        return f"its behaviour should be one of {', '.join(BEHAVIOURS)}"
    if wrong := _wrong_value(finding):
        return wrong
    turns = conversation.turns
    if not 0 <= finding.turn < len(turns) or not turns[finding.turn].is_target:
        return "its turn should be the index of an answer that is learned (`is_target`)"
    return _wrong_place(finding, turns[finding.turn]) or Finding(
        behaviour=str(finding.behaviour),
        turn=int(finding.turn),
        start_char=int(finding.start_char),
        end_char=int(finding.end_char),
        quote=str(finding.quote),
        rule=str(finding.rule),
        probability=float(finding.probability),
        language=str(finding.language),
        field=finding.field,
        is_reasoning=bool(finding.is_reasoning),
    )


def _wrong_value(finding: Finding) -> str:
    """Return what is wrong with a name or number of a finding, whatever the conversation; empty if nothing is."""
    for name in ("rule", "language"):
        if not _is_name(getattr(finding, name)):
            return f"its {name} should be a name on one line"
    if not _is_number(finding.probability, Real) or not 0 <= finding.probability <= 1:
        return "its probability should be from 0 to 1"
    for name in ("turn", "start_char", "end_char"):
        if not _is_number(getattr(finding, name), Integral):
            return f"its {name} should be a whole number"
    return ""


def _is_number(value: object, kind: type) -> bool:
    """Return whether a value is a number of that kind: those of numpy are, and true and false are not."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _is_name(value: object) -> bool:
    """Return whether a value is text that a ledger can hold and a line can show."""
    return isinstance(value, str) and value.strip() != "" and not _NO_NAME.search(value)


def _wrong_place(finding: Finding, turn: Turn) -> str:
    """Return what is wrong with where a finding stands in its turn; empty if nothing is."""
    if finding.field not in ("text", "reasoning"):
        return "its field should be text or reasoning"
    text = turn.reasoning if finding.field == "reasoning" else turn.text
    start, end = finding.start_char, finding.end_char
    if not 0 <= start < end <= len(text) or text[start:end] != finding.quote:
        return "its quote should be the words between start_char and end_char"
    return ""
