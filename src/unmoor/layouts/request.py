"""From the columns beside a request to all that was asked: the system prompt, more of the request, what was said before.

Many files split a request over columns, as Alpaca does. What a layout left out, nobody would look at: neither the floor, nor who
ordered a refusal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from unmoor.layouts.layout import parts_text, text_turn
from unmoor.records import Piece, Row, Turn

__all__ = ["MORE_KEYS", "SYSTEM_KEYS", "system_turns", "under_system", "with_more"]

SYSTEM_KEYS = ("system", "system_prompt")
MORE_KEYS = ("instruction", "question", "input", "context")
"""Columns that may hold a part of the request, in the order in which a template puts them."""


def system_turns(row: Row, *, must_be_text: bool = True) -> tuple[Turn, ...]:
    """Return the row's own system prompt, of `system`, text or parts, or where that says nothing of `system_prompt` if it is text.

    Raises:
        BadRow: TEXT_EXPECTED if `system` `must_be_text`, which belongs to the layout, and is something else.
    """
    told = row.get("system")
    if isinstance(told, list) and (parts := parts_text(told, ("system",)))[0]:
        return (Turn("system", *parts),)
    if told and (must_be_text or isinstance(told, str)):
        return (text_turn("system", told, ("system",)),)
    prompt = row.get("system_prompt")
    return (text_turn("system", prompt, ("system_prompt",)),) if isinstance(prompt, str) and prompt else ()


def under_system(row: Row, turns: tuple[Turn, ...], *, must_be_text: bool = True) -> tuple[Turn, ...]:
    """Return turns after the row's own system prompt, as `system_turns` has it, unless they open with the same one."""
    system = system_turns(row, must_be_text=must_be_text)
    is_said = bool(system) and bool(turns) and turns[0].role == "system" and turns[0].text == system[0].text
    return turns if is_said else system + turns


def with_more(
    row: Row,
    request: Turn,
    keys: Iterable[str] = MORE_KEYS,
    place: tuple[str | int, ...] = (),
    own: str | None = None,
) -> Turn:
    """Return a request with the text of further columns of `row` under it, but for what it says already; `place` is where the row
    stands if it is an object within one. The column `own` is always put there, as templates do.
    """
    for key in keys:
        more = row.get(key)
        if isinstance(more, str) and more and (key == own or not _says(request.text, more)):
            start = len(request.text) + 1
            pieces = (*request.pieces, Piece((*place, key), start, start + len(more)))
            request = request._replace(text=f"{request.text}\n{more}", pieces=pieces)
    return request


def _says(text: str, more: str) -> bool:
    """Return whether `more` stands in a text by itself, and not within a longer word: "sarin" is not said by "sarinase"."""
    start = text.find(more)
    while start >= 0:
        end = start + len(more)
        if not (_is_of_a_word(text[start - 1 : start]) or _is_of_a_word(text[end : end + 1])):
            return True
        start = text.find(more, end)
    return False


def _is_of_a_word(character: str) -> bool:
    return character.isalnum() or (character != "" and unicodedata.category(character).startswith("M"))
