"""From an answer to what was found in it: one behaviour at one place, with the words that show it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

__all__ = ["BEHAVIOURS", "FLOOR_TOPICS", "REFUSALS", "UNRECOGNISED_FROM", "Finding"]

BEHAVIOURS: dict[str, str] = {
    "refusal.policy": "declines because it should not",
    "refusal.capability": "declines because it cannot: no access, wrong modality, unknown, missing input",
    "refusal.partial": "does part, or something else than asked: deflects, redirects, waters down, argues back",
    "disclaimer.identity": 'opens with "As an AI language model" or the like, then answers',
    "disclaimer.professional": "advises to consult a professional, unasked",
    "moralising": "judges the person or the request, lectures, gives unsolicited ethical advice",
    "bias.stance": "takes a side on a contested question when not asked to",
    "bias.evasion": "says that it has no opinion, or balances both sides, when a choice was asked for",
    "identity.vendor": "presents itself as the vendor's model, or cites the vendor's policies",
}
"""The nine behaviours: id to one plain sentence."""

REFUSALS: tuple[str, ...] = ("refusal.policy", "refusal.capability", "refusal.partial")

FLOOR_TOPICS: tuple[str, ...] = ("minors", "mass-casualty")
"""Topics whose refusals no policy removes; see docs/responsibility.md."""

UNRECOGNISED_FROM = 0.03
"""Share of rows in no language that is known from which a report says that nothing is known of them; fewer are sums and code."""


_JOINING_CHARS = 40
"""Code points of the longest words that join a sentence to the one before."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One behaviour at one place.

    `turn` is the index in `Conversation.turns`; `start_char` and `end_char` are code points in that turn's `text`, or in its
    `reasoning` where `field` says so, and `quote` is exactly that slice. For behaviours that can be mended (disclaimers,
    moralising, identity) the span is what a mend cuts. `probability` is calibrated, 0 to 1.
    """

    behaviour: str
    turn: int
    start_char: int
    end_char: int
    quote: str
    rule: str
    probability: float
    language: str = "und"
    detector: str = "phrases"
    field: Literal["text", "reasoning"] = "text"
    is_reasoning: bool = False

    def covers(self, other: Finding) -> bool:
        """Return whether the other stands in no words but this one's."""
        is_one_text = self.turn == other.turn and self.field == other.field
        return is_one_text and self.start_char <= other.start_char and other.end_char <= self.end_char

    def shares_words(self, other: Finding) -> bool:
        """Return whether the two have words of one turn in common, more than what joins the other's sentence to this one's, and is
        cut with it: "However,".
        """
        begins_within = self.start_char < other.start_char and self.end_char < other.end_char
        shared = min(self.end_char, other.end_char) - max(self.start_char, other.start_char)
        is_one_text = self.turn == other.turn and self.field == other.field
        return is_one_text and shared > (_JOINING_CHARS if begins_within else 0)

    def as_json(self) -> dict[str, Any]:
        """Return the finding as plain JSON values, keys in a fixed order."""
        return {name: getattr(self, name) for name in _FIELDS}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Finding:
        """Rebuild a finding from `as_json`."""
        return cls(**values)


_FIELDS = tuple(field.name for field in fields(Finding))
