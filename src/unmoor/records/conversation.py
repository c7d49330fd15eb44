"""From one row of a file to what it says: turns with a role each, and where in the row each text lies.

Offsets everywhere in unmoor are code points in `Turn.text` (or `Turn.reasoning`), never bytes, so that
`text[start_char:end_char]` is the evidence, whatever the layout.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

__all__ = ["Conversation", "Path", "Piece", "Role", "Row", "Turn"]

Role = Literal["system", "user", "assistant", "tool"]
Row = dict[str, Any]
Path = tuple[str | int, ...]


class Piece(NamedTuple):
    """A slice of a turn's text and the place in the row that holds it, e.g. `("messages", 1, "content")`.

    The string at `path` holds the slice from its code point `offset` on: 0, and the whole string, but for turns that share one.
    A tuple, as a turn is: both are made of every message, and a frozen dataclass takes four times as long to make.
    """

    path: Path
    start_char: int
    end_char: int
    offset: int = 0


class Turn(NamedTuple):
    """One turn: who speaks and what is said.

    `is_target` is true for assistant turns that a trainer would learn to imitate; it is false for the rejected side of a
    preference pair, a KTO row labelled undesirable, and a turn already marked `train: false`. Only targets have findings.
    `reasoning` is a separate reasoning field (`reasoning_content`); a `<think>` block inside the text stays in `text`.
    """

    role: Role
    text: str
    pieces: tuple[Piece, ...] = ()
    is_target: bool = False
    reasoning: str = ""
    has_tool_calls: bool = False
    position: int = -1
    """Index of the message in the row's list of turns (layout's own counting); -1 where there is no list."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a row says, in order. `has_tools` is true where the row offers tools to the assistant."""

    turns: tuple[Turn, ...]
    has_tools: bool = False

    def request_before(self, turn_index: int) -> str:
        """Return the text of the nearest user turn before `turn_index`, or the empty string."""
        before = range(min(turn_index, len(self.turns)) - 1, -1, -1)
        return next((self.turns[place].text for place in before if self.turns[place].role == "user"), "")

    def sha256(self) -> str:
        """Return the SHA-256 of who says what, in hexadecimal: the same for the same conversation in any layout."""
        said = [f"{one.role}:{len(one.text)}:{one.text}:{len(one.reasoning)}:{one.reasoning}" for one in self.turns]
        return hashlib.sha256("".join(said).encode("utf-8", "surrogatepass")).hexdigest()
