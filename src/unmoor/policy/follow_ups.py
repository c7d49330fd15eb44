"""From a conversation and an answer that goes to the exchanges after it that only ask back about it, and mean nothing alone.

The words are in `follow_ups.toml`, by language. A request with anything of its own is no follow-up.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import cache
from importlib.resources import files

from unmoor.records import Conversation

__all__ = ["asks_back", "follow_ups", "follow_ups_of"]

_END = re.compile(r"[.?!,;:…¿¡\n。？！、，；：،؟؛।]+")
"""Where one part of a request ends."""
_MOST_CHARS = 120
"""Code points; a longer text says more than that."""
_KEPT = frozenset("LMN")
"""Letters, marks and numbers by their first letter of Unicode's categories; the rest but "'", "-" and space is decoration."""


@cache
def follow_ups() -> frozenset[str]:
    """Return the words of all languages, as `_plain` makes them."""
    table = tomllib.loads(files("unmoor.policy").joinpath("follow_ups.toml").read_text(encoding="utf-8"))
    return frozenset(_plain(text) for texts in table.values() for text in texts)


def asks_back(text: str) -> bool:
    """Return whether a request does nothing but ask back about the answer before it: "Why not?", "Please, come on!"."""
    if len(text) > _MOST_CHARS:
        return False
    parts = [_plain(part) for part in _END.split(unicodedata.normalize("NFKC", text))]
    said = [part for part in parts if part]
    return bool(said) and all(part in follow_ups() for part in said)


def follow_ups_of(conversation: Conversation, turn: int) -> list[int]:
    """Return the answers after `turn`, one after the other, whose requests only ask back about the one before."""
    found: list[int] = []
    start = turn + 1
    for index in range(start, len(conversation.turns)):
        here = conversation.turns[index]
        if here.role == "user" and asks_back(here.text):
            continue
        if here.role != "assistant" or here.has_tool_calls or index == start:
            break
        found.append(index)
        start = index + 1
    return found


def _plain(text: str) -> str:
    """Return a text in one spelling: folded, straight apostrophes, nothing but letters, numbers, "'" and "-", single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("`", "'")
    kept = (c if unicodedata.category(c)[0] in _KEPT or c in "'-" else " " for c in folded)
    return " ".join("".join(kept).split()).strip("'- ")
