"""From hostile text to markup that shows it and does nothing else; from numbers to how people read them.

Data set text may hold characters that reorder, hide or break what is shown. They are made visible, as `U+202E` in a box; control
characters are stripped. Everything else is escaped, here or by the template's autoescape.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

__all__ = ["brief", "marked", "plain", "share", "signed_p", "size", "visible", "whole"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_HIDDEN = re.compile(
    "([\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e01ef])\\1*"
)
"""Bidirectional controls, zero-width and filler characters, tags; the emoji selector U+FE0F is left alone."""


def plain(text: object) -> str:
    """Return `text` without control characters; line separators become newlines."""
    return _CONTROL.sub("", re.sub("\r\n?|[\u2028\u2029]", "\n", str(text)))


def visible(text: object) -> Markup:
    """Return `text` escaped, with characters that cannot be seen shown by their code point."""
    return Markup("").join(_pieces(plain(text)))


def _pieces(text: str) -> list[Markup]:
    pieces, at = [], 0
    for hidden in _HIDDEN.finditer(text):
        pieces += [escape(text[at : hidden.start()]), _shown(hidden[1], len(hidden[0]))]
        at = hidden.end()
    return [*pieces, escape(text[at:])]


def _shown(character: str, count: int) -> Markup:
    times = f" ×{count}" if count > 1 else ""
    return Markup('<span class="unseen">U+{:04X}{}</span>').format(ord(character), times)


def marked(text: str, marks: list[list[int]]) -> Markup:
    """Return `text` escaped and visible, with each span (start, end) of `marks` in a `mark` element."""
    pieces, at = [], 0
    for start, end in marks:
        pieces += [visible(text[at:start]), Markup("<mark>{}</mark>").format(visible(text[start:end]))]
        at = end
    return Markup("").join([*pieces, visible(text[at:])])


def whole(number: float | None) -> str:
    """Return a count with thousands separated, or a dash."""
    return "–" if number is None else f"{number:,.0f}"


def share(value: float | None) -> str:
    """Return a share from 0 to 1 as a percentage: one decimal, two under 1%, none at 0 and 100%."""
    if value is None:
        return "–"
    if value in (0, 1):
        return f"{value:.0%}"
    if value < 0.0001:
        return "<0.01%"
    if value > 0.9995:
        return ">99.9%"
    return f"{value:.2%}" if value < 0.00995 else f"{value:.1%}"


def brief(value: float | None) -> str:
    """Return a share as a percentage for a headline: whole numbers where rounding does not make it 0% or 100%."""
    return f"{value:.0%}" if value is not None and 0.1 <= value <= 0.995 else share(value)


def signed_p(value: float | None) -> str:
    """Return a p-value as papers print it."""
    if value is None:
        return "–"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"


def size(count: int | None) -> str:
    """Return bytes in the largest binary unit that leaves a number over 1."""
    if count is None:
        return "–"
    value, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
