"""From a conversation and an answer that goes to the exchanges after it that only ask back about it, and mean nothing alone.

The words are in `follow_ups.toml`, by language. A request with anything of its own is no follow-up.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from unmoor.records import Conversation
from unmoor.records.patterns import pattern_when_used

__all__ = ["asks_back", "follow_ups", "follow_ups_of"]

_END = pattern_when_used(r"[.?!,;:…¿¡\n。？！、，；：،؟؛।]+")
"""Where one part of a request ends."""
_MOST_CHARS = 120
"""Code points; a longer text says more than that."""
_KEPT = frozenset("LMN")
"""Letters, marks and numbers by their first letter of Unicode's categories; the rest but "'", "-" and space is decoration."""


@cache
def follow_ups() -> frozenset[str]:
    """Return the words of all languages, as `_plain` makes them."""
    return frozenset(_plain(text) for texts in _table().values() for text in texts)


def asks_back(text: str) -> bool:
    """Return whether a request only asks back about the answer before: "Why not?", "That is silly, I am old. Why can't you?"."""
    if len(text) > _MOST_CHARS:
        return False
    parts = [_plain(part) for part in _END.split(unicodedata.normalize("NFKC", text))]
    said = [part for part in parts if part]
    if not said or said[0] not in follow_ups():
        return False
    return said[-1] in _ends_on() or all(part in follow_ups() for part in said)


def follow_ups_of(conversation: Conversation, turn: int) -> Iterator[int]:
    """Yield the answers after `turn`, one after the other, whose requests only ask back about the one before."""
    start = turn + 1
    for index in range(start, len(conversation.turns)):
        here = conversation.turns[index]
        if here.role == "user" and asks_back(here.text):
            continue
        if here.role != "assistant" or _calls(conversation, index) or index == start:
            break
        yield index
        start = index + 1


@cache
def _table() -> dict[str, list[str]]:
    return tomllib.loads(files("unmoor.policy").joinpath("follow_ups.toml").read_text(encoding="utf-8"))


@cache
def _ends_on() -> frozenset[str]:
    """Return the questions about a refusal that decide for the whole request, as `_plain` makes them."""
    return frozenset(map(_plain, _table()["ends_on"]))


def _plain(text: str) -> str:
    """Return a text in one spelling: folded, straight apostrophes, nothing but letters, numbers, "'" and "-", single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("`", "'")
    kept = (c if unicodedata.category(c)[0] in _KEPT or c in "'-" else " " for c in folded)
    return " ".join("".join(kept).split()).strip("'- ")


def _calls(conversation: Conversation, turn: int) -> bool:
    """Return whether an assistant's turn waits for a tool: by a field of its own, or in its text, and the tool's turn follows."""
    following = conversation.turns[turn + 1 : turn + 2]
    return conversation.turns[turn].has_tool_calls or any(after.role == "tool" for after in following)


def exchanges_of(conversation: Conversation) -> list[range]:
    """Return the turns that go with each turn: its request, which begins after the previous answer or the system prompt, and what
    follows it up to the next one, such as the result of a call and the answer made of it. None of them stands without the others.
    """
    turns = conversation.turns
    starts, ends = [0] * len(turns), [len(turns)] * len(turns)
    for place, before in enumerate(turns[:-1], 1):
        is_end = before.role == "system" or (before.role == "assistant" and not _calls(conversation, place - 1))
        starts[place] = place if is_end else starts[place - 1]
    for place in range(len(turns) - 2, -1, -1):
        ends[place] = place + 1 if turns[place + 1].role in ("user", "system") else ends[place + 1]
    return list(map(range, starts, ends))
