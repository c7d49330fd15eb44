"""From a finding with its verdicts to the one form that every labelling tool's file is written from and read into."""

from __future__ import annotations

from dataclasses import dataclass

from unmoor.records import Finding, Verdict

__all__ = ["Answer", "Label", "key_from"]


@dataclass(frozen=True, slots=True)
class Label:
    """What goes out: a finding, the words around it, whether it waits for a person, and each person's standing verdict."""

    key: int
    row: int
    finding: Finding
    request: str
    answer: str
    outcome: str
    waits: bool
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back from one person: `key` names the finding; `behaviour` and `at` (ISO 8601, UTC) are None where unsaid."""

    key: int
    judgement: str
    behaviour: str | None
    note: str
    by: str
    at: str | None


def key_from(value: object) -> int:
    """Return the key of a finding as a tool's file has it.

    Raises:
        ValueError: it is no number.
    """
    try:
        return int(str(value))
    except ValueError as error:
        raise ValueError(f'the name of its finding should be a number, found "{str(value)[:40]}"') from error
