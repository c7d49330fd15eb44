"""From hostile text to markup that shows it and does nothing else; from numbers to how people read them.

Data set text may hold characters that reorder, hide or break what is shown. They are made visible, as `U+202E` in a box; control
characters are stripped. Everything else is escaped, here or by the template's autoescape.
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from unmoor.records import LEFT_ALONE, Left
from unmoor.records.unseen import pieces, plain

__all__ = ["brief", "left_said", "marked", "plain", "share", "signed_p", "size", "visible", "whole"]


def visible(text: object) -> Markup:
    """Return `text` escaped, with characters that cannot be seen shown by their code point."""
    return Markup("").join(escape(seen) if seen else _shown(unseen) for seen, unseen in pieces(text))


def _shown(name: str) -> Markup:
    return Markup('<span class="unseen">{}</span>').format(name)


def marked(text: str, marks: list[list[int]]) -> Markup:
    """Return `text` escaped and visible, with each span (start, end) of `marks` in a `mark` element."""
    parts, at = [], 0
    for start, end in marks:
        parts += [visible(text[at:start]), Markup("<mark>{}</mark>").format(visible(text[start:end]))]
        at = end
    return Markup("").join([*parts, visible(text[at:])])


def with_phrase(text: str, phrase: str | None) -> Markup:
    """Return `text` as `marked` does, with the first place of `phrase` in any case marked; unmarked where it is spelt otherwise."""
    at = text.lower().find(phrase.lower()) if phrase else -1
    return marked(text, [[at, at + len(phrase)]] if phrase and at >= 0 and len(text.lower()) == len(text) else [])


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
    if value >= 0.9995:
        return ">99.9%"
    return f"{value:.2%}" if value < 0.00995 else f"{value:.1%}"


def left_said(reasons: Mapping[Left, int]) -> str:
    """Return in how many rows nothing followed for each reason: "7 under the threshold, 2 held by the floor"."""
    return ", ".join(f"{rows:,} {LEFT_ALONE[why]}" for why, rows in reasons.items())


def brief(value: float | None) -> str:
    """Return a share as a percentage for a headline: whole numbers where rounding does not make it 0% or 100%."""
    return f"{value:.0%}" if value is not None and 0.1 <= value < 0.995 else share(value)


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
