"""From a phrase's pattern to the two regular expressions that look for it: an exact one for RE2, a wide one on bytes for Hyperscan.

A pattern is a small, safe part of RE2's syntax. The byte pattern finds at least every place where the exact one matches: classes
that may hold more than ASCII take any byte beyond it, and gaps lose their upper bound, which Hyperscan compiles 50 times faster.
It never reaches over a zero byte, which no folded text holds, so that many texts can be scanned at once: one stands before, between
and after them, and is what the end of a text is told by, and the edge of its first word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import re2

from unmoor.errors import PackError, nearest_name
from unmoor.languages.expressions import Pattern
from unmoor.languages.fold import fold_character

__all__ = ["LETTERS", "NO_START", "SHORTHAND", "read_pattern"]

LETTERS = r"a-z\x{aa}-\x{1fff}\x{2c00}-\x{2dff}\x{3005}-\x{3007}\x{3040}-\x{d7ff}\x{f900}-\x{faff}"
"""Inside a class: the letters of folded text, in ten ranges where RE2's own `\\p{L}` has six hundred and fills its memory."""

SHORTHAND: dict[str, str] = {
    "gap": r"[^.!?\n。]*?",
    "word": r"[\p{L}\p{N}'-]+",
    "end": r"(?:$|[.!?\n。])",
}
"""What every pack may write as `<name>`; a pack adds its own under `[shorthand]` in pack.toml."""

NO_START = ("Arabic", "Han", "Kana")
"""Scripts in which a phrase may begin inside a word: words are not spaced, or take prefixes."""
_START = b"[^a-z0-9]"
"""What stands before the first letter of a word, at least: in bytes, letters beyond ASCII are not told from other signs."""

_TOKEN = re.compile(
    r"(?P<name><[a-z_]+>)"
    r"|(?P<quantifier>[*+?]\??|\{\d{1,4}(?:,\d{0,4})?\}\??)"
    r"|(?P<group>\(\?:|\(|\)|\|)"
    r"|(?P<klass>\[\^?\]?(?:\\.[^\]\\]*|[^\]\\])*\])"
    r"|(?P<property>\\[pP]\{[A-Za-z_]+\}|\\[dDsS])"
    r"|(?P<anchor>\$)"
    r"|(?P<dot>\.)"
    r"|(?P<run>[^\\\[\]()|*+?{}.^$<]{2,}(?![*+?{]))"
    r"|(?P<literal>\\[^\w\s]|\\n|[^\\\[\]()|*+?{}.^$])"
)
_BEYOND_ASCII = re.compile(r"\\[pPDS]|^\[\^")
_SPECIAL = frozenset("\\[](){}|*+?.^$")


@dataclass(frozen=True, slots=True, eq=False)
class _Element:
    """An atom, a row of characters or a group, and what is asked of it, worked out once: a shorthand stands in many patterns."""

    kind: str
    text: str
    quantifier: str | None
    inside: _Alternatives
    exact: str
    wide: bytes
    letters: int
    """How many letters every match holds at least; one of another script than Latin says as much as several."""
    held: frozenset[str]
    """Those of `_ENDS` that it may hold."""
    is_han: bool


_Sequence = tuple[_Element, ...]
_Alternatives = tuple[_Sequence, ...]


def read_pattern(source: str, shorthand: Mapping[str, str] | None = None, *, starts_a_word: bool = False) -> Pattern:
    """Read one pattern of a pack; `starts_a_word` says that the exact one will be looked for at the start of words alone.

    Raises:
        PackError: an unknown shorthand, an upper-case letter, or syntax that is not part of the pack language.
    """
    read = _read(source, tuple({**SHORTHAND, **(shorthand or {})}.items()))
    both = _exact_of(read), b"".join(_loose(read, _START if starts_a_word else b""))
    return Pattern(source, lambda: both)


@lru_cache(maxsize=512)
def _meaning(name: str, shorthand: tuple[tuple[str, str], ...], depth: int) -> _Element:
    """Return the group that a shorthand stands for, read once for all patterns of a pack."""
    known = dict(shorthand)
    if name not in known:
        raise PackError(f'no shorthand "<{name}>".{nearest_name(name, known)}')
    return _group("(?:", _read(known[name], shorthand, depth + 1))


def _read(source: str, shorthand: tuple[tuple[str, str], ...], depth: int = 0) -> _Alternatives:
    """Return the alternatives that a pattern lists at its top level, each a sequence of elements."""
    if depth > 8:
        raise PackError(f"the shorthand in {source!r} refers to itself")
    opened: list[tuple[str, list[list[_Element]]]] = [("", [[]])]
    position = 0
    while position < len(source):
        kind, text = _token(source, position)
        position += len(text)
        here = opened[-1][1]
        if kind == "quantifier":
            if not here[-1] or here[-1][-1].quantifier is not None:
                raise PackError(f"{source!r} is not a pattern: nothing before {text!r} to repeat")
            here[-1][-1] = _repeated(here[-1][-1], text)
        elif kind == "name":
            here[-1].append(_meaning(text[1:-1], shorthand, depth))
        elif kind != "group":
            here[-1].append(_run(text) if kind == "run" else _atom(kind, text))
        elif text == "|":
            here.append([])
        elif text == ")":
            _close(opened, source)
        else:
            opened.append((text, [[]]))
    if len(opened) > 1:
        raise PackError(f"{source!r} is not a pattern: brackets do not pair")
    return tuple(map(tuple, opened[0][1]))


def _close(opened: list[tuple[str, list[list[_Element]]]], source: str) -> None:
    """Take the group that was opened last to what stands before it."""
    opening, alternatives = opened.pop()
    if not opened:
        raise PackError(f"{source!r} is not a pattern: brackets do not pair")
    opened[-1][1][-1].append(_group(opening, tuple(map(tuple, alternatives))))


def _token(source: str, position: int) -> tuple[str, str]:
    """Return kind and text of what stands at a place in a pattern."""
    found = _TOKEN.match(source, position)
    if not found:
        raise PackError(f"{source!r} is not a pattern: stuck at {source[position : position + 12]!r}")
    kind, text = str(found.lastgroup), found.group()
    if kind in ("literal", "run", "klass") and text != text.lower() and (capital := _capital(text)):
        raise PackError(f"{source!r} holds the capital {capital!r}; texts are matched in lower case")
    return kind, text


def _capital(text: str) -> str:
    return next((c for c in re.sub(r"\\[pP]\{\w+\}|\\.", "", text) if c.isupper()), "")


@lru_cache(maxsize=4096)
def _run(text: str) -> _Element:
    """Return a row of plain characters as one element."""
    letters = [_atom("literal", letter) for letter in text]
    return _Element(
        "run",
        text,
        None,
        (),
        "".join(letter.exact for letter in letters),
        _wide(letters),
        _fewest_letters(letters),
        frozenset().union(*(letter.held for letter in letters)),
        any(letter.is_han for letter in letters),
    )


@lru_cache(maxsize=4096)
def _atom(kind: str, text: str, quantifier: str | None = None) -> _Element:
    exact = _exact(kind, text)
    takes_bytes = kind in _CLASSES and _is_beyond_ascii(exact)
    if quantifier is None:
        repeats = b"+" if takes_bytes else b""
    elif quantifier == _ONCE:
        repeats = b""
    else:
        repeats = _wide_quantifier(quantifier) if takes_bytes else _greedy(quantifier)
    is_letter = kind == "literal" and text != " "
    return _Element(
        kind,
        text,
        quantifier,
        (),
        exact + (quantifier or ""),
        _wide_atom(kind, exact) + repeats,
        (1 if text < "\u0250" else _TELL_NOTHING + 1) if is_letter else 0,
        frozenset(end for end in _ENDS if kind != "anchor" and _may_hold(kind, exact, end)),
        kind == "literal" and text > "\u2e80",
    )


def _group(opening: str, inside: _Alternatives, quantifier: str | None = None) -> _Element:
    elements = [element for sequence in inside for element in sequence]
    return _Element(
        "group",
        opening,
        quantifier,
        inside,
        f"{opening}{_exact_of(inside)}){quantifier or ''}",
        b"%b%b)%b" % (opening.encode(), _wide_of(inside), _greedy(quantifier or "")),
        min((_fewest_letters(sequence) for sequence in inside if sequence), default=0),
        frozenset().union(*(element.held for element in elements)),
        any(element.is_han for element in elements),
    )


def _repeated(element: _Element, quantifier: str) -> _Element:
    if element.kind == "group":
        return _group(element.text, element.inside, quantifier)
    return _atom(element.kind, element.text, quantifier)


def _exact_of(alternatives: _Alternatives) -> str:
    return "|".join("".join(element.exact for element in sequence) for sequence in alternatives)


def _wide_of(alternatives: _Alternatives) -> bytes:
    return b"|".join(map(_wide, alternatives))


def _wide(elements: Iterable[_Element]) -> bytes:
    return b"".join(element.wide for element in elements)


def _exact(kind: str, text: str) -> str:
    if kind == "klass":
        return _fold_class(text).replace(r"\p{L}", LETTERS).replace(r"\p{N}", "0-9")
    if kind == "property":
        return {r"\p{L}": f"[{LETTERS}]", r"\p{N}": "[0-9]"}.get(text, text)
    if kind != "literal" or text.startswith("\\"):
        return text
    if text == " ":
        return r"[ \n]"
    folded = fold_character(text)
    escaped = "".join("\\" + c if c in _SPECIAL else c for c in folded)
    return escaped if len(folded) == 1 else f"(?:{escaped})"


def _fold_class(text: str) -> str:
    """Fold what a class lists; escapes and ranges stay as they are."""
    return re.sub(
        r"\\[pP]\{\w+\}|\\.|[^\x00-\x7f]",
        lambda found: found.group() if found.group()[0] == "\\" else _in_class(found.group()),
        text,
    )


def _in_class(character: str) -> str:
    folded = fold_character(character)
    return folded if folded not in ("]", "[", "^", "-", "\\") else "\\" + folded


_CLASSES = ("klass", "property", "dot")
_ONCE = ""
"""Once is enough, where a class of characters would take as many bytes as there are."""
_ENDS = ".!?。"
"""What ends a sentence; the last is three bytes, which are told apart only where a pattern is in Chinese or Japanese."""
_TELL_NOTHING, _TELL_LITTLE = 2, 5
"""Letters so few that nearly every text holds them, or that a piece of twice as many is the better one to look for."""


def _loose(alternatives: _Alternatives, start: bytes) -> list[bytes]:
    """Return the wide pattern; optional groups and gaps between what must be there become "anything in the sentence", at its ends
    they go, and with the first piece what stands before it.

    Hyperscan needs seconds for patterns with many optional parts and milliseconds without; stage two is exact anyway. So do pieces
    of a letter or two, such as `i` before "anything": nearly every text holds them, and the scan would look for the rest all along,
    as it would beyond the sentence if it were let.
    """
    if len(alternatives) > 1:
        return [start, b"(?:", _wide_of(_ended(alternatives)), b")"]
    runs = [(is_loose, list(run)) for is_loose, run in groupby(_unwrapped(alternatives[0]), _is_loose)]
    if runs and runs[-1][0]:
        runs.pop()
    while runs and (runs[0][0] or _tells_little([_fewest_letters(run) for is_loose, run in runs if not is_loose])):
        runs.pop(0)
        start = b""
    if not runs:
        return [_wide_of(alternatives)]
    runs[-1] = False, list(_ended_sequence(tuple(runs[-1][1])))
    is_han = any(element.is_han for element in alternatives[0])
    return [start, *(_anything_but_ends(run, is_han=is_han) if is_loose else _wide(run) for is_loose, run in runs)]


def _tells_little(letters: list[int]) -> bool:
    """Return whether a scan had better start after the first of several pieces, of so many letters each."""
    first, *others = letters
    rest = max(others, default=-1)
    return rest >= first and (first <= _TELL_NOTHING or (first <= _TELL_LITTLE and rest >= 2 * first))


@lru_cache(maxsize=256)
def _ended(alternatives: _Alternatives) -> _Alternatives:
    """Return the pattern without what may follow after all that must be there: a scan would tell of every byte of it."""
    if len(alternatives) > 1 and not all(alternatives):
        return alternatives  # one of the alternatives is nothing at all
    ended = tuple(map(_ended_sequence, alternatives))
    return ended if all(ended) or len(alternatives) == 1 else alternatives


def _ended_sequence(elements: _Sequence) -> _Sequence:
    while elements and _is_class(elements[-1]) and _may_be_absent(elements[-1]):
        elements = elements[:-1]
    if not elements:
        return ()
    *before, last = elements
    if _is_class(last):
        return (*before, _atom(last.kind, last.text, _ONCE))
    if last.kind != "group" or last.quantifier is not None:
        return elements
    ended = _ended(last.inside)
    return (*before, _group(last.text, ended if ended != ((),) else last.inside))


def _is_class(element: _Element) -> bool:
    return element.kind in _CLASSES


def _anything_but_ends(elements: Sequence[_Element], *, is_han: bool) -> bytes:
    """Return a run of any bytes, without those that end a sentence if none of the elements may hold them."""
    held = frozenset().union(*(element.held for element in elements))
    ends = "".join(end for end in _ENDS[:-1] if end not in held).encode()
    if _ENDS[-1] in held or not is_han:
        return rb"[^\x00" + ends + b"]*"
    return rb"(?:[^\x00\xe3" + ends + rb"]|\xe3[^\x00\x80]|\xe3\x80[^\x00\x82])*"


def _may_hold(kind: str, exact: str, character: str) -> bool:
    return character in exact if kind == "literal" else bool(_matcher(exact)(character))


def _fewest_letters(elements: Iterable[_Element]) -> int:
    return sum(element.letters for element in elements if not _may_be_absent(element))


def _unwrapped(elements: _Sequence) -> _Sequence:
    """Take off a group that holds the whole pattern and nothing else, unless it lists alternatives."""
    if len(elements) == 1 and elements[0].kind == "group" and elements[0].quantifier is None:
        inside = elements[0].inside
        return elements if len(inside) > 1 else _unwrapped(inside[0])
    return elements


def _may_be_absent(element: _Element) -> bool:
    return (element.quantifier or "").startswith(("?", "*", "{0"))


def _is_loose(element: _Element) -> bool:
    """Return whether an element may be absent and is more than a letter."""
    return _may_be_absent(element) and (element.kind == "group" or _is_class(element))


def _greedy(quantifier: str) -> bytes:
    return (quantifier[:-1] if len(quantifier) > 1 and quantifier.endswith("?") else quantifier).encode()


def _wide_quantifier(quantifier: str) -> bytes:
    """Bytes, not characters, are counted, so there is no upper bound where an atom may take several of them."""
    return b"*" if quantifier.startswith(("*", "?", "{0")) else b"+"


@lru_cache(maxsize=4096)
def _wide_atom(kind: str, exact: str) -> bytes:
    if kind == "anchor":
        return rb"\x00"
    if kind in _CLASSES:
        return _class_of_bytes(exact)
    data = exact.encode()
    return b"(?:" + data + b")" if kind == "literal" and not exact.isascii() and not exact.startswith("(?:") else data


def _is_beyond_ascii(exact: str) -> bool:
    return exact == "." or not exact.isascii() or "\\x{" in exact or bool(_BEYOND_ASCII.search(exact))


@lru_cache(maxsize=4096)
def _class_of_bytes(exact: str) -> bytes:
    """Return a class of bytes: the ASCII characters that RE2 says the class holds, and any byte beyond if it may hold others."""
    matches = _matcher(exact)
    members = b"".join(b"\\x%02x" % code for code in range(1, 128) if matches(chr(code)))
    beyond = rb"\x80-\xff" if _is_beyond_ascii(exact) else b""
    return b"[" + members + beyond + b"]"


@lru_cache(maxsize=4096)
def _matcher(exact: str) -> Callable[[str], Any]:
    """Return what tells whether a character is one of a class."""
    options = re2.Options()
    options.log_errors = False
    try:
        matches: Callable[[str], Any] = re2.compile(exact, options).fullmatch
    except re2.error as error:
        raise PackError(f"{exact} is not a class of characters: {error}") from error
    return matches
