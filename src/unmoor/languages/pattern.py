"""From a phrase's pattern to the two regular expressions that look for it: an exact one for RE2, a wide one on bytes for Hyperscan.

A pattern is a small, safe part of RE2's syntax. The byte pattern finds at least every place where the exact one matches: classes
that may hold more than ASCII take any byte beyond it, and gaps lose their upper bound, which Hyperscan compiles 50 times faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from unmoor.errors import PackError, nearest_name
from unmoor.languages.fold import fold_character

__all__ = ["SHORTHAND", "Pattern", "read_pattern"]

SHORTHAND: dict[str, str] = {
    "gap": r"[^.!?\n。]{0,60}?",
    "longgap": r"[^.!?\n。]{0,160}?",
    "word": r"[\p{L}\p{N}'-]{1,24}",
    "start": r"(?:^|[.!?\n:。][ \n\"'*_)-]{0,4})",
    "end": r"(?:$|[.!?\n。])",
}
"""What every pack may write as `<name>`; a pack adds its own under `[shorthand]` in pack.toml."""

_TOKEN = re.compile(
    r"(?P<quantifier>[*+?]\??|\{\d{1,4}(?:,\d{0,4})?\}\??)"
    r"|(?P<group>\(\?:|\(|\)|\|)"
    r"|(?P<klass>\[\^?\]?(?:\\.[^\]\\]*|[^\]\\])*\])"
    r"|(?P<property>\\[pP]\{[A-Za-z_]+\}|\\[dDsS])"
    r"|(?P<anchor>[\^$])"
    r"|(?P<dot>\.)"
    r"|(?P<literal>\\[^\w\s]|\\n|[^\\\[\]()|*+?{}.^$])"
)
_NAME = re.compile(r"<([a-z_]+)>")
_NEVER_ASCII_ONLY = re.compile(r"\\[pPDS]|^\[\^")
_SPECIAL = frozenset("\\[](){}|*+?.^$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """`exact` is RE2 syntax for folded text; `wide` the same or more, on its UTF-8 bytes, for Hyperscan."""

    source: str
    exact: str
    wide: bytes


def read_pattern(source: str, shorthand: Mapping[str, str] | None = None) -> Pattern:
    """Read one pattern of a pack.

    Raises:
        PackError: an unknown shorthand, an upper-case letter, or syntax that is not part of the pack language.
    """
    tokens = _tokens(_expand(source, {**SHORTHAND, **(shorthand or {})}), source)
    return Pattern(source, "".join(map(_exact, tokens)), b"".join(_wide(tokens)))


def _expand(source: str, shorthand: Mapping[str, str], depth: int = 0) -> str:
    if depth > 8:
        raise PackError(f"the shorthand in {source!r} refers to itself")

    def meaning(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in shorthand:
            raise PackError(f'no shorthand "<{name}>".{nearest_name(name, shorthand)}')
        return f"(?:{_expand(shorthand[name], shorthand, depth + 1)})"

    return _NAME.sub(meaning, source)


def _tokens(expanded: str, source: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while position < len(expanded):
        found = _TOKEN.match(expanded, position)
        if not found:
            raise PackError(f"{source!r} is not a pattern: stuck at {expanded[position : position + 12]!r}")
        kind, text = str(found.lastgroup), found.group()
        if kind in ("literal", "klass") and any(c.isupper() for c in re.sub(r"\\.", "", text)):
            raise PackError(f"{source!r} holds the capital {text!r}; texts are matched in lower case")
        tokens.append((kind, text))
        position = found.end()
    return tokens


def _exact(token: tuple[str, str]) -> str:
    kind, text = token
    if kind == "klass":
        return _fold_class(text)
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


def _wide(tokens: list[tuple[str, str]]) -> list[bytes]:
    parts: list[bytes] = []
    is_unbounded = False
    for token in tokens:
        kind, text = token
        if kind == "quantifier":
            parts.append(_wide_quantifier(text) if is_unbounded else text.rstrip("?").encode() or b"?")
        else:
            parts.append(_wide_atom(kind, _exact(token)))
        is_unbounded = kind in ("klass", "property", "dot") and b"\\x80" in parts[-1]
    return parts


def _wide_quantifier(text: str) -> bytes:
    """Bytes, not characters, are counted: no upper bound where an atom may take several of them."""
    return b"*" if text.startswith(("*", "?", "{0")) else b"+"


def _wide_atom(kind: str, exact: str) -> bytes:
    if kind == "anchor":
        return b""
    if kind == "dot":
        return rb"[^\n\x80-\x80]".replace(rb"\x80-\x80", b"") if exact != "." else rb"[\x00-\x09\x0b-\x7f\x80-\xff]"
    if kind in ("klass", "property") and (not exact.isascii() or _NEVER_ASCII_ONLY.search(exact)):
        return _wide_class(exact)
    data = exact.encode()
    return b"(?:" + data + b")" if len(data) > 1 and not exact.isascii() and not exact.startswith("(") else data


def _wide_class(exact: str) -> bytes:
    """Return a class of bytes: what the exact class holds of ASCII, and any byte beyond it."""
    inside = exact[1:-1] if exact.startswith("[") else exact
    if exact.startswith("[^"):
        kept = "".join(
            c
            for c in re.findall(r"\\[pPdDsS](?:\{\w+\})?|\\.|[\x00-\x7f]", inside[1:])
            if c[:2] not in (r"\p", r"\P", r"\D", r"\S")
        )
        return f"[^{kept}]".encode() + b"" if not kept else _negated(kept)
    ascii_part = re.sub(r"[^\x00-\x7f]", "", inside)
    ascii_part = re.sub(r"\\[pP]\{L[a-z]?\}", "a-z", ascii_part)
    ascii_part = re.sub(r"\\[pP]\{N[a-z]?\}", "0-9", ascii_part)
    ascii_part = re.sub(r"\\[pP]\{\w+\}|\\[DS]", r"\\x21-\\x7f", ascii_part)
    return f"[{ascii_part}".encode() + rb"\x80-\xff]"


def _negated(kept: str) -> bytes:
    """Everything but a few ASCII characters; bytes beyond ASCII are always let through (named, so that callers can tell)."""
    return f"(?:[^{kept}]|".encode() + rb"[\x80-\xff])"
