"""From an exact pattern to letters that any match must hold: the ways in which it can match, each with lists of words, of each of
which one stands in any text that matches so.

Only letters and digits count ("i can't" is `icant`), so that spaces, punctuation and Markdown in a text make no difference. What
cannot be listed (gaps, big classes) is passed over; the rarest of the lists that are left are the way's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from unmoor.records.patterns import pattern_when_used

__all__ = ["KEPT", "bare", "must_have"]

KEPT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
"""The ASCII characters that count; of the others, all that folding leaves."""
_MOST = 96
"""Words in a list: more make a set slow to compile."""
_LONGEST = 24
"""Letters of a word that are looked for, the last ones: more would tell little."""
_LISTS = 2
"""Lists that a way has at most: with a second one two texts of five are left out, a third would tell little."""
_RARE = 0.004
"""How common a second list may be: what stands in most texts costs more than it tells."""
_WHERE_THEY_MEET = (_LONGEST, 8, 5, 4, 3)
"""Letters kept of either list where two meet, as many as the length of the list allows."""
_TOKEN = pattern_when_used(
    r"(?P<quantifier>[*+?]\??|\{\d+(?:,\d*)?\}\??)|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<klass>\[\^?\]?(?:\\x\{[0-9a-f]+\}|\\.|[^\]\\])*\])|(?P<other>\\[pPdDsS](?:\{\w+\})?|\.)|(?P<anchor>\$)"
    r"|(?P<run>[^\\\[\](){}|*+?.^$]{1,24}(?![*+?{]))|(?P<literal>\\.|.)",
    re.DOTALL,
)
_MEMBER = pattern_when_used(r"\\x\{[0-9a-f]+\}|\\[pPdDsS](?:\{\w+\})?|\\.|.", re.DOTALL)
_COMMON = dict(zip("etaoinsrhldcumfpgwybvkxjqz", range(26), strict=True))


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a pattern: all that it can be, if that is a short list, and the best lists of which it must hold a word each."""

    whole: frozenset[str] | None
    held: tuple[frozenset[str], ...] = ()


_Token = tuple[str, Any]
"""Kind and text of a piece of a pattern; of a group, what it holds."""
_END: _Token = ("end", "")
_NOTHING = frozenset(("",))
_UNKNOWN = _Part(None)


def bare(text: str) -> str:
    """Return the letters and digits of a folded text."""
    return "".join(c for c in text if c in KEPT or c > "\x7f")


_Way = tuple[tuple[str, ...], ...]


def must_have(exact: str) -> tuple[_Way, ...]:
    """Return the ways in which `exact` matches, each as lists of words (letters only), of each of which a match holds one.

    There is no way if there is no telling. The alternatives of a pattern are a way each: all of them together hold one of many
    words, most of which stand everywhere.
    """
    ways = tuple(dict.fromkeys(map(_way, _parted(_tokens(exact)))))
    return ways if all(ways) else ()


def _parted(tokens: Sequence[_Token]) -> list[tuple[_Token, ...]]:
    """Return the alternatives of a pattern, be they in a group that is all of it."""
    while len(tokens) == 1 and tokens[0][0] == "group":
        tokens = tokens[0][1]
    return _split(tokens)


def _split(tokens: Sequence[_Token]) -> list[tuple[_Token, ...]]:
    bars = [place for place, (kind, _) in enumerate(tokens) if kind == "or"]
    return [tuple(tokens[before + 1 : bar]) for before, bar in pairwise((-1, *bars, len(tokens)))]


def _way(tokens: tuple[_Token, ...]) -> _Way:
    part = _sequence(tokens)
    first, *others = _best((part.whole, *part.held)) or (frozenset(),)
    lists = [first, *(words for words in others if _commonness(words) <= _RARE)]
    return tuple(tuple(sorted({word[-_LONGEST:] for word in words})) for words in lists if words)


def _is_told(words: Iterable[str], rarer: Iterable[str]) -> bool:
    """Return whether each word of a rarer list holds one of `words`, so that these say nothing more."""
    return all(any(word in longer for word in words) for longer in rarer)


def _tokens(exact: str) -> tuple[_Token, ...]:
    """Return the pieces of a pattern; of plain characters what counts of them, for a row of them together."""
    opened: list[list[_Token]] = [[]]
    for found in _TOKEN.finditer(exact):
        kind, text = found.lastgroup or "", found[0]
        if kind == "open":
            opened.append([])
        elif kind == "close":
            inside = tuple(opened.pop())
            opened[-1].append(("group", inside))
        else:
            opened[-1].append((kind, _counted(text) if kind in ("run", "literal") else text))
    return tuple(opened[0])


@lru_cache(maxsize=1024)
def _alternatives(tokens: tuple[_Token, ...]) -> _Part:
    """Return what a pattern or a group holds, worked out once: what a shorthand stands for is in many patterns."""
    parts = [_sequence(alternative) for alternative in _split(tokens)]
    if len(parts) == 1:
        return parts[0]
    wholes = [part.whole for part in parts]
    together = frozenset().union(*(whole for whole in wholes if whole is not None))
    whole = together if None not in wholes and len(together) <= _MOST else None
    lists = [_best((part.whole, *part.held)) for part in parts]
    return _Part(whole, tuple(frozenset().union(*alike) for alike in zip(*lists, strict=False)))


def _sequence(tokens: Sequence[_Token]) -> _Part:
    run: frozenset[str] = _NOTHING
    lists: list[frozenset[str]] = []
    is_whole = True
    for token, after in pairwise((*tokens, _END)):
        if token[0] == "quantifier":
            continue
        part = _repeated(_atom(token), after[1]) if after[0] == "quantifier" else _atom(token)
        lists += part.held
        joined = _joined(run, part.whole)
        if joined is None:
            lists.append(run)
            is_whole, run = False, part.whole or _NOTHING
        elif joined.cut:  # what follows does not stand next to letters that were cut off at their end
            lists.append(joined.words)
            is_whole, run = False, part.whole or _NOTHING
        else:
            is_whole, run = is_whole and joined.is_all, joined.words
    lists.append(run)
    return _Part(run if is_whole else None, _best(lists))


@dataclass(frozen=True, slots=True)
class _Joined:
    """Two lists one after the other: whether the words are whole, and whether letters were cut off at their end."""

    words: frozenset[str]
    is_all: bool
    cut: bool


def _joined(before: frozenset[str], after: frozenset[str] | None) -> _Joined | None:
    """Return what two lists are one after the other; of too many, the letters where they meet."""
    if after is None:
        return None
    for longest in _WHERE_THEY_MEET:
        ends = {word[-longest:] for word in before}
        starts = {word[:longest] for word in after}
        if len(ends) * len(starts) <= _MOST:
            made = frozenset(end + start for end in ends for start in starts)
            return _Joined(made, ends == before and starts == after, starts != after)
    return None


def _atom(token: _Token) -> _Part:
    kind, text = token
    if kind == "group":
        return _alternatives(text)
    if kind in ("literal", "run"):
        return _Part(frozenset((text,)))
    if kind == "anchor":
        return _Part(_NOTHING)
    return _class(text) if kind == "klass" else _UNKNOWN


@lru_cache(maxsize=4096)
def _counted(text: str) -> str:
    return bare(_plain(text))


def _plain(escaped: str) -> str:
    """Return what a row of plain characters, or an escape, stands for."""
    return escaped if escaped[0] != "\\" else "\n" if escaped == r"\n" else escaped[-1]


@lru_cache(maxsize=256)
def _class(text: str) -> _Part:
    """Return the characters of a class that lists a few, one by one."""
    members = _MEMBER.findall(text[1:-1])
    if (
        text.startswith("[^")
        or "-" in members[1:-1]
        or any(len(m) > 2 or (m[1:] in "pPdDsS" and m[1:]) for m in members)
    ):
        return _UNKNOWN
    return _Part(frozenset(bare(_plain(member)) for member in members))


def _repeated(part: _Part, quantifier: str) -> _Part:
    """Nothing but spaces and punctuation, however often, is nothing."""
    if part.whole == _NOTHING:
        return part
    if quantifier.startswith("?"):
        return _Part(None if part.whole is None else part.whole | _NOTHING)
    if quantifier.startswith(("*", "{0")):
        return _UNKNOWN
    return _Part(None, _best((part.whole, *part.held)))


def _best(lists: Iterable[frozenset[str] | None]) -> tuple[frozenset[str], ...]:
    """Return the lists whose words stand in the fewest texts, as far as letters tell."""
    usable = {words for words in lists if words and "" not in words}
    best: list[frozenset[str]] = []
    for words in sorted(usable, key=_rank) if len(usable) > 1 else usable:
        if len(best) < _LISTS and not any(_is_told(words, rarer) for rarer in best):
            best.append(words)
    return tuple(best)


@lru_cache(maxsize=4096)
def _rank(words: frozenset[str]) -> tuple[float, list[str]]:
    return _commonness(words), sorted(words)


@lru_cache(maxsize=4096)
def _commonness(words: frozenset[str]) -> float:
    """Return roughly how many of the words stand at a place; the sum must not depend on their order, which differs by process."""
    return math.fsum(math.prod(map(_chance, word)) for word in words)


@lru_cache(maxsize=4096)
def _chance(letter: str) -> float:
    """Return roughly how often a character is this one, 0 to 1: English letters by rank, others by the size of their script."""
    rank = _COMMON.get(letter)
    if rank is not None:
        return 0.11 * math.exp(-rank / 7.5)
    return 0.01 if letter < "\u0900" else 0.002
