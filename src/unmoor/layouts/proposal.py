"""From rows in no known layout to the two columns that may be the request and its answer, or to what the rows hold instead.

A column is taken by its name, where that says a side, or else by its texts. What only says which row it is, or of which kind, is
neither: whoever followed such a proposal would be told that the data is clean.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from unmoor.layouts.columns import Columns, side_of
from unmoor.layouts.parse import kind_of
from unmoor.layouts.request import SYSTEM_KEYS
from unmoor.layouts.words import has_gap, is_held_against, is_turned_down, words_of
from unmoor.records import Row

__all__ = ["named_side", "proposed", "wanted"]

_OF_ROWS = frozenset(
    (
        *("id", "uuid", "guid", "hash", "key", "index", "name", "title", "url", "uri", "link", "path", "file", "node"),
        *("date", "time", "timestamp", "tstamp", "created", "updated", "version", "license", "split", "subset"),
        *("dataset", "source", "origin", "model", "generator", "provider", "engine", "author", "labeler", "annotator"),
        *("role", "type", "category", "topic", "domain", "ability", "language", "lang", "status", "state", "label"),
        *("tag", "format", "score", "rating", "level", "difficulty", "object", "method", "ip", "metadata", "meta"),
    )
)
"""What the last word of a name says where a column tells of the row and is no part of what is said."""
_REASONING = frozenset(("reasoning", "thinking", "thought", "rationale", "test", "seed"))
_BOTH = ("source", "target")
"""Names that say sides only together: a source alone is where a row comes from."""
_NO_SAYING = frozenset(("text", "str", "string", "content"))
"""Words behind the one that says the side."""
_FEW = 0.5
"""Of the texts in a column, the part that differs at most where they are labels or one text over and over."""
_LABEL_CHARS = 30
"""Code points of a label, on average, at most."""
_SHOWN = 20


def named_side(key: str) -> str:
    """Return the side that a column's name says, in whole or by its last word but for `text` and the like; empty if none."""
    words = words_of(key)
    while words and words[-1] in _NO_SAYING:
        words.pop()
    return side_of(words[-1]) if words and "system" not in words and not is_turned_down(key) else ""


def proposed(rows: Sequence[Row]) -> str:
    """Return the layout's name for rows in no known layout: names that say a side first, else the longest texts in their order.

    The empty string if the rows have no two such columns.
    """
    texts = _texts(rows)
    user, assistant = (_named(texts, side) for side in ("user", "assistant"))
    others = {key: said for key, said in texts.items() if key not in (user, assistant) and _may_be_said(key, said)}
    if not user and not assistant:
        if all(_is_prose(texts.get(key, ())) for key in _BOTH):
            return Columns(*_BOTH).name
        others = {key: said for key, said in others.items() if _is_prose(said)}
    wanted_columns = (not user) + (not assistant)
    by_length = sorted(others, key=lambda key: -sum(map(len, others[key])))
    longest = sorted(by_length[:wanted_columns], key=list(others).index)
    if len(longest) < wanted_columns:
        return ""
    user = user or longest.pop(0)
    return Columns(user, assistant or longest.pop(0)).name


def wanted(row: Row) -> str:
    """Return what the columns of a row hold, by kind, and what is looked for among them, as lines of a message."""
    kinds: dict[str, list[str]] = {}
    for key, value in list(row.items())[:_SHOWN]:
        kind = kind_of(value) if not isinstance(value, str) else "JSON written as text" if _is_json(value) else "text"
        kinds.setdefault(kind, []).append(key)
    held = "; ".join(f"{kind} in {', '.join(keys)}" for kind, keys in kinds.items())
    return (
        f"No two columns look like a request and its answer: {held}.\n"
        "Wanted: both as texts in columns of their own, or a list of turns.\n"
    )


def _texts(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return the texts of each column that has some and that a layout's name can say."""
    texts: dict[str, list[str]] = {}
    for row in rows:
        for key, value in row.items():
            if isinstance(value, str) and value and key.isprintable() and not {",", "="} & set(key):
                texts.setdefault(key, []).append(value)
    return texts


def _named(texts: dict[str, list[str]], side: str) -> str:
    """Return the column that is called as a side, or whose name ends so and whose texts are no labels; else nothing."""
    exact = next((key for key in texts if side_of(key) == side), "")
    if exact:
        return exact
    like = [key for key, said in texts.items() if named_side(key) == side and _may_be_said(key, said)]
    return max(like, key=lambda key: (not is_held_against(key), sum(map(len, texts[key]))), default="")


def _may_be_said(key: str, said: Sequence[str]) -> bool:
    """Return whether a column may be what somebody says: no key of the row, label, reasoning or data written as text."""
    words = words_of(key)
    if key.casefold() in SYSTEM_KEYS or (words and words[-1] in _OF_ROWS) or _REASONING & set(words):
        return False
    if is_turned_down(key):
        return False
    return not _are_labels(said) and sum(map(_is_words, said)) > len(said) / 2


def _are_labels(said: Sequence[str]) -> bool:
    """Return whether texts are one over and over, or a few short ones; a refusal may stand in most rows and is none."""
    different = set(said)
    if len(said) == 1 or len(different) > _FEW * len(said):
        return False
    return len(different) == 1 or sum(map(len, different)) <= _LABEL_CHARS * len(different)


def _is_words(text: str) -> bool:
    """Return whether a text is words: several or one of letters alone, and no JSON."""
    return not _is_json(text) and (text.strip().isalpha() or has_gap(text))


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("[", "{"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_prose(said: Sequence[str]) -> bool:
    return sum(map(has_gap, said)) > len(said) / 2
