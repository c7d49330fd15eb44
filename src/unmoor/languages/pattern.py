"""From a phrase's pattern to the two regular expressions that look for it: an exact one for RE2, a wide one on bytes for Hyperscan.

A pattern is a small, safe part of RE2's syntax. The byte pattern finds at least every place where the exact one matches: classes
that may hold more than ASCII take any byte beyond it, and gaps lose their upper bound, which Hyperscan compiles 50 times faster.
It never reaches over a zero byte, which no folded text holds, so that many texts can be scanned at once: one stands before, between
and after them, and is what the end of a text is told by, and the edge of its first word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any

import re2

from unmoor.errors import PackError, nearest_name
from unmoor.languages.fold import fold_character

__all__ = ["LETTERS", "NO_START", "SHORTHAND", "Pattern", "read_pattern"]

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
    r"(?P<quantifier>[*+?]\??|\{\d{1,4}(?:,\d{0,4})?\}\??)"
    r"|(?P<group>\(\?:|\(|\)|\|)"
    r"|(?P<klass>\[\^?\]?(?:\\.[^\]\\]*|[^\]\\])*\])"
    r"|(?P<property>\\[pP]\{[A-Za-z_]+\}|\\[dDsS])"
    r"|(?P<anchor>\$)"
    r"|(?P<dot>\.)"
    r"|(?P<literal>\\[^\w\s]|\\n|[^\\\[\]()|*+?{}.^$])"
)
_Token = tuple[str, str]
_NAME = re.compile(r"<([a-z_]+)>")
_BEYOND_ASCII = re.compile(r"\\[pPDS]|^\[\^")
_SPECIAL = frozenset("\\[](){}|*+?.^$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`exact` is RE2 syntax for folded text; `wide` the same or more, for Hyperscan, on its UTF-8 bytes between zero bytes."""

    source: str
    exact: str
    wide: bytes


def read_pattern(source: str, shorthand: Mapping[str, str] | None = None, *, starts_a_word: bool = False) -> Pattern:
    """Read one pattern of a pack; `starts_a_word` says that the exact one will be looked for at the start of words alone.

    Raises:
        PackError: an unknown shorthand, an upper-case letter, or syntax that is not part of the pack language.
    """
    tokens = _tokens(_expand(source, {**SHORTHAND, **(shorthand or {})}), source)
    return Pattern(source, "".join(map(_exact, tokens)), b"".join(_loose(tokens, _START if starts_a_word else b"")))


def _expand(source: str, shorthand: Mapping[str, str], depth: int = 0) -> str:
    if depth > 8:
        raise PackError(f"the shorthand in {source!r} refers to itself")

    def meaning(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in shorthand:
            raise PackError(f'no shorthand "<{name}>".{nearest_name(name, shorthand)}')
        return f"(?:{_expand(shorthand[name], shorthand, depth + 1)})"

    return _NAME.sub(meaning, source)


def _tokens(expanded: str, source: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    while position < len(expanded):
        found = _TOKEN.match(expanded, position)
        if not found:
            raise PackError(f"{source!r} is not a pattern: stuck at {expanded[position : position + 12]!r}")
        kind, text = str(found.lastgroup), found.group()
        if kind in ("literal", "klass") and text != text.lower() and _has_capital(text):
            raise PackError(f"{source!r} holds the capital {text!r}; texts are matched in lower case")
        if kind == "quantifier" and (not tokens or tokens[-1] in (("group", "("), ("group", "(?:"), ("group", "|"))):
            raise PackError(f"{source!r} is not a pattern: nothing before {text!r} to repeat")
        tokens.append((kind, text))
        position = found.end()
    if sum(text in ("(", "(?:") for kind, text in tokens if kind == "group") != tokens.count(("group", ")")):
        raise PackError(f"{source!r} is not a pattern: brackets do not pair")
    return tokens


def _has_capital(text: str) -> bool:
    return any(c.isupper() for c in re.sub(r"\\[pP]\{\w+\}|\\.", "", text))


@lru_cache(maxsize=4096)
def _exact(token: _Token) -> str:
    kind, text = token
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


_BAR: list[_Token] = [("group", "|")]
_ONCE: _Token = ("quantifier", "")
"""Once is enough, where a class of characters would take as many bytes as there are."""
_ENDS = ".!?。"
"""What ends a sentence; the last is three bytes, which are told apart only where a pattern is in Chinese or Japanese."""
_TELL_NOTHING, _TELL_LITTLE = 2, 5
"""Letters so few that nearly every text holds them, or that a piece of twice as many is the better one to look for."""


def _loose(tokens: list[_Token], start: bytes) -> list[bytes]:
    """Return the wide pattern; optional groups and gaps between what must be there become "anything in the sentence", at its ends
    they go, and with the first piece what stands before it.

    Hyperscan needs seconds for patterns with many optional parts and milliseconds without; stage two is exact anyway. So do pieces
    of a letter or two, such as `i` before "anything": nearly every text holds them, and the scan would look for the rest all along,
    as it would beyond the sentence if it were let.
    """
    elements = _elements(_unwrapped(tokens))
    if _BAR in elements:
        return [start, b"(?:", *_wide(_ended(tokens)), b")"]
    runs = [(is_loose, list(run)) for is_loose, run in groupby(elements, _is_loose)]
    if runs and runs[-1][0]:
        runs.pop()
    while runs and (runs[0][0] or _tells_little([_fewest_letters(run) for is_loose, run in runs if not is_loose])):
        runs.pop(0)
        start = b""
    if not runs:
        return _wide(tokens)
    runs[-1] = False, _elements(_ended(_together(runs[-1][1])))
    is_han = any(kind == "literal" and text > "\u2e80" for kind, text in tokens)
    return [
        start,
        *(
            _anything_but_ends(run, is_han=is_han) if is_loose else b"".join(_wide(_together(run)))
            for is_loose, run in runs
        ),
    ]


def _tells_little(letters: list[int]) -> bool:
    """Return whether a scan had better start after the first of several pieces, of so many letters each."""
    first, *others = letters
    rest = max(others, default=-1)
    return rest >= first and (first <= _TELL_NOTHING or (first <= _TELL_LITTLE and rest >= 2 * first))


def _ended(tokens: list[_Token]) -> list[_Token]:
    """Return the pattern without what may follow after all that must be there: a scan would tell of every byte of it."""
    elements = _elements(tokens)
    if _BAR in elements:
        if elements[0] == _BAR or elements[-1] == _BAR or any(a == b == _BAR for a, b in pairwise(elements)):
            return tokens  # one of the alternatives is nothing at all
        bars = (list(part) for is_bar, part in groupby(elements, lambda element: element == _BAR) if not is_bar)
        ended = [_ended(_together(part)) for part in bars]
        return _together([piece for part in ended for piece in (_BAR, part)][1:]) if all(ended) else tokens
    while elements and _is_class(elements[-1]) and _may_be_absent(elements[-1]):
        elements.pop()
    if not elements:
        return []
    *before, last = elements
    if _is_class(last):
        return [*_together(before), last[0], _ONCE]
    if last[0][0] != "group" or last[-1][0] == "quantifier":
        return _together(elements)
    inside = last[1:-1]
    return [*_together(before), last[0], *(_ended(inside) or inside), last[-1]]


def _is_class(element: list[_Token]) -> bool:
    return element[0][0] in ("klass", "property", "dot")


def _together(elements: Sequence[list[_Token]]) -> list[_Token]:
    return [token for element in elements for token in element]


def _anything_but_ends(elements: list[list[_Token]], *, is_han: bool) -> bytes:
    """Return a run of any bytes, without those that end a sentence if none of the elements may hold them."""
    tokens = [token for element in elements for token in element if token[0] not in ("quantifier", "group", "anchor")]
    held = "".join(end for end in _ENDS if any(_may_hold(token, end) for token in tokens))
    ends = "".join(end for end in _ENDS[:-1] if end not in held).encode()
    if _ENDS[-1] in held or not is_han:
        return rb"[^\x00" + ends + b"]*"
    return rb"(?:[^\x00\xe3" + ends + rb"]|\xe3[^\x00\x80]|\xe3\x80[^\x00\x82])*"


def _may_hold(token: _Token, character: str) -> bool:
    kind, exact = token[0], _exact(token)
    if kind == "literal":
        return character in exact
    return bool(_matcher(exact)(character))


def _fewest_letters(elements: list[list[_Token]]) -> int:
    """Return how many letters every match holds at least; one of another script than Latin says as much as several."""
    return sum(_letters_of(element) for element in elements if not _may_be_absent(element))


def _letters_of(element: list[_Token]) -> int:
    kind, text = element[0]
    if kind == "group":
        inside = element[1 : -1 if element[-1] == ("group", ")") else -2]
        parts = groupby(_elements(inside), lambda part: part == [("group", "|")])
        return min((_fewest_letters(list(part)) for is_bar, part in parts if not is_bar), default=0)
    return (1 if text < "\u0250" else _TELL_NOTHING + 1) if kind == "literal" and text != " " else 0


def _unwrapped(tokens: list[_Token]) -> list[_Token]:
    """Take off a group that holds the whole pattern and nothing else, unless it lists alternatives."""
    if len(_elements(tokens)) == 1 and tokens[0] in (("group", "(?:"), ("group", "(")) and tokens[-1] == ("group", ")"):
        inside = tokens[1:-1]
        return tokens if any(element == [("group", "|")] for element in _elements(inside)) else _unwrapped(inside)
    return tokens


def _elements(tokens: list[_Token]) -> list[list[_Token]]:
    """Split a pattern at its top level into atoms or groups, each with its quantifier."""
    elements: list[list[_Token]] = []
    depth = 0
    for token in tokens:
        kind, text = token
        if depth or kind == "quantifier":
            elements[-1].append(token)
        else:
            elements.append([token])
        depth += (kind == "group" and text.startswith("(")) - (kind == "group" and text == ")")
    return elements


def _may_be_absent(element: list[_Token]) -> bool:
    return element[-1][0] == "quantifier" and element[-1][1].startswith(("?", "*", "{0"))


def _is_loose(element: list[_Token]) -> bool:
    """Return whether an element may be absent and is more than a letter."""
    return _may_be_absent(element) and (len(element) > 2 or _is_class(element))


def _wide(tokens: list[_Token]) -> list[bytes]:
    parts: list[bytes] = []
    takes_bytes = False
    for place, token in enumerate(tokens):
        kind, text = token
        if kind == "quantifier":
            if token != _ONCE:
                parts.append(_wide_quantifier(text) if takes_bytes else _greedy(text))
            continue
        exact = _exact(token)
        takes_bytes = _is_class([token]) and _is_beyond_ascii(exact)
        parts.append(_wide_atom(kind, exact))
        if takes_bytes and (place + 1 == len(tokens) or tokens[place + 1][0] != "quantifier"):
            parts.append(b"+")
    return parts


def _greedy(quantifier: str) -> bytes:
    return (quantifier[:-1] if len(quantifier) > 1 and quantifier.endswith("?") else quantifier).encode()


def _wide_quantifier(quantifier: str) -> bytes:
    """Bytes, not characters, are counted, so there is no upper bound where an atom may take several of them."""
    return b"*" if quantifier.startswith(("*", "?", "{0")) else b"+"


@lru_cache(maxsize=4096)
def _wide_atom(kind: str, exact: str) -> bytes:
    if kind == "anchor":
        return rb"\x00"
    if kind in ("klass", "property", "dot"):
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
