"""From a conversation of any length to the turns around the evidence, and from there on as many more as are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unmoor.review.web.text import Part, Rest, Span, earlier_than, later_than, shown_part, window

if TYPE_CHECKING:
    from unmoor.review.store import Item

__all__ = ["Block", "Talk", "TurnShown"]

TURNS_AROUND = 4
"""Shown before and behind the turn with the evidence at first."""
MORE_TURNS = 20
_ROLES = {"system", "user", "assistant", "tool"}


@dataclass(frozen=True, slots=True)
class TurnShown:
    """One turn, ready for the template; `role_class` is one of our own words, whatever the role says."""

    index: int
    role: str
    role_class: str
    is_now: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Some turns in order, and what is left out on either side."""

    item: int
    turns: tuple[TurnShown, ...]
    earlier: Rest | None = None
    later: Rest | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """The conversation of an item; where `is_hidden`, the evidence is not marked."""

    item: Item
    is_hidden: bool = False

    def first(self) -> Block:
        """Return the turns around the evidence."""
        now = self.item.finding.turn
        return self.block(now - TURNS_AROUND, now + TURNS_AROUND + 1)

    def block(self, first: int, last: int, *, open_sides: str = "both") -> Block:
        """Return turns `first` to before `last`, with the rest on the open sides: `both`, `back` or `on`."""
        size = len(self.item.turns)
        first, last = max(0, min(first, size)), max(0, min(last, size))
        has_earlier, has_later = first > 0 and open_sides != "on", last < size and open_sides != "back"
        return Block(
            self.item.id,
            tuple(map(self._turn, range(first, last))),
            Rest(first, max(0, first - MORE_TURNS), first) if has_earlier else None,
            Rest(size - last, last, min(size, last + MORE_TURNS)) if has_later else None,
        )

    def more_text(self, where: tuple[int, str], place: tuple[int, int], *, open_sides: str) -> Part:
        """Return a further part of the text of `where` = (turn, field), with the rest on the side that goes on."""
        text = self._text(*where)
        start, end = max(0, min(place[0], len(text))), max(0, min(place[1], len(text)))
        return Part(
            self.item.id,
            *where,
            shown_part(text, (start, end), self._marks(*where)),
            earlier_than(start) if open_sides == "back" else None,
            later_than(end, len(text)) if open_sides == "on" else None,
        )

    def _turn(self, index: int) -> TurnShown:
        turn = self.item.turns[index]
        fields = ["reasoning", "text"] if turn.reasoning else ["text"]
        parts = tuple(self._first_part(index, field) for field in fields)
        role_class = turn.role if turn.role in _ROLES else "other"
        return TurnShown(self.item.first_turn + index, turn.role, role_class, index == self.item.finding.turn, parts)

    def _first_part(self, index: int, field: str) -> Part:
        text = self._text(index, field)
        start, end = window(len(text), self._spans(index, field))
        has_both = bool(self.item.turns[index].reasoning)
        return Part(
            self.item.id,
            index,
            field,
            shown_part(text, (start, end), self._marks(index, field)),
            earlier_than(start),
            later_than(end, len(text)),
            ("Reasoning" if field == "reasoning" else "Answer") if has_both else "",
        )

    def _text(self, index: int, field: str) -> str:
        turn = self.item.turns[index]
        return turn.reasoning if field == "reasoning" else turn.text

    def _marks(self, index: int, field: str) -> Sequence[Span]:
        return () if self.is_hidden else self._spans(index, field)

    def _spans(self, index: int, field: str) -> Sequence[Span]:
        found = [self.item.finding, *self.item.findings]
        return [
            Span(finding.start_char, finding.end_char, finding == self.item.finding)
            for finding in found
            if finding.turn == index and finding.field == field
        ]
