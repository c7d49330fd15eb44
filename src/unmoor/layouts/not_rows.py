"""From a row in no known layout to what it is, where that can be told: a tree of replies, answers to compare, plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from shlex import quote

from unmoor.layouts.columns import is_side, side_of
from unmoor.layouts.files import fed
from unmoor.layouts.nested import IsRow, way_to_row
from unmoor.layouts.transcript import TEXT_KEYS
from unmoor.layouts.turns_within import message_of
from unmoor.records import Row
from unmoor.storage import AnyPath

__all__ = ["what_it_is", "what_to_do"]

_COMPARED = (
    ("conversation_a", "conversation_b"),
    ("response_a", "response_b"),
    ("response_0", "response_1"),
    ("response_1", "response_2"),
    ("response1", "response2"),
    ("answer_0", "answer_1"),
    ("human_ref_A", "human_ref_B"),
    ("output_1", "output_2"),
)
_SEVERAL = ("completions", "answers", "responses", "generations", "outputs", "candidates")
_REQUESTS = ("prompt", "instruction", "question", "query", "input")
_SPEAKERS = ("system", "developer", "user", "human", "assistant", "gpt", "model", "tool", "function")
_SIDES = ("prompt", "completion", "response", "answer", "output", "rejected")
_LISTS = ("messages", "conversations", "conversation", "turns", "chosen")


def _text_key(row: Row) -> str:
    """Return the column of text that a transcript might stand in; empty if there is none, or a side or turns beside it."""
    has_side = any(is_side(key) or _is_list_of_objects(value) for key, value in row.items())
    return "" if has_side else next((key for key in TEXT_KEYS if isinstance(row.get(key), str)), "")


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _json_key(row: Row) -> str:
    return next((key for key in _LISTS if isinstance(row.get(key), str) and row[key].lstrip().startswith("[{")), "")


def _null_key(row: Row) -> str:
    """Return a key of a known layout that holds nothing."""
    return next((key for key in (*_LISTS, *_SIDES) if key in row and row[key] is None), "")


def _wanted(row: Row) -> str:
    return "a text" if _null_key(row) in _SIDES else "a list of turns"


def _turn_keys(row: Row) -> tuple[str, str] | None:
    """Return under which keys a row says who speaks and what, where it is one turn of a conversation; None otherwise."""
    for who, said in (("role", "content"), ("from", "value")):
        if row.get(who) in _SPEAKERS and isinstance(row.get(said), str | list):
            return who, said
    return None


def _is_tree(row: Row) -> bool:
    """Open-Assistant's trees, and the same message by message."""
    prompt = row.get("prompt")
    is_whole = isinstance(prompt, dict) and "replies" in prompt
    return is_whole or ("message_tree_id" in row and "message_id" in row)


def _is_comparison(row: Row) -> bool:
    return any(all(side in row for side in pair) for pair in _COMPARED)


def _has_several(row: Row) -> bool:
    has_list = any(isinstance(row.get(key), list) and len(row[key]) > 1 for key in _SEVERAL)
    return has_list and any(key in row for key in _REQUESTS)


_Kind = tuple[Callable[[Row], object], Callable[[Row], str], str]
_KINDS: tuple[_Kind, ...] = (
    (
        _is_tree,
        lambda _: "a tree of replies, or one message of it, is no conversation",
        "take one path through each tree (the best-ranked replies, say) and write its turns as messages",
    ),
    (
        _is_comparison,
        lambda _: "two answers to compare are no conversation",
        "write the better one as chosen and the other as rejected, or the better one alone as messages",
    ),
    (
        _has_several,
        lambda row: f"several answers to one request ({next(k for k in _SEVERAL if k in row)}) are no conversation",
        "choose one, and write request and answer as prompt and completion",
    ),
    (
        _turn_keys,
        lambda row: (
            f"a turn ({', '.join(_turn_keys(row) or ())}) is no row: the whole file is one conversation and no data set of them, "
            "or each row is a turn of one"
        ),
        "if it is one conversation, jq -cs '{{turns}: (if (.[0] | type) == \"array\" then .[0] else . end)}' {path} > rows.jsonl "
        "makes one row of it; of several, write each one's turns into one row",
    ),
    (
        message_of,
        lambda row: (
            f"a turn ({', '.join(map(str, row))[:60]}) is no row: the file is one conversation, or each row is a turn of one"
        ),
        "if it is one conversation, jq -cs '{messages: [.[] | (objects, arrays[]) | {message} | select(.content)]}' {path} "
        "> rows.jsonl makes one row of it; of several, write each one's turns into one row",
    ),
    (
        lambda row: "input_ids" in row,
        lambda _: "these are token ids, and the words are gone",
        "read the data set that they were made of",
    ),
    (
        _json_key,
        lambda row: f'"{_json_key(row)}" holds JSON written as text',
        "jq -c 'if type == \"array\" then .[] else . end | .{key} |= fromjson' {path} > rows.jsonl",
    ),
)
"""Whether a row is of a kind, what is said of it, and what to do next."""
_AT_LAST: tuple[_Kind, ...] = (
    (
        _null_key,
        lambda row: f'"{_null_key(row)}" is null where {_wanted(row)} belongs',
        "leave such rows out, or see how they came to be",
    ),
    (
        _text_key,
        lambda row: (
            f'"{_text_key(row)}" is plain text, as for pre-training: no turn of a known chat style begins it, '
            "or one side alone speaks"
        ),
        "data in which a user asks and an assistant answers",
    ),
)
"""Asked where there is nothing else: beside such a column there may be turns."""
_LOOKED_INTO = 20
"""First rows in which request and answer are looked for: a conversation may be empty, and a request of a batch fail."""
_JQ = "jq -c {} {{path}} > rows.jsonl"
_EACH = "(objects, arrays[]) | "
"""Rows of JSON Lines as of one array."""


def what_it_is(row: Row) -> str:
    """Return what a row in no known layout is, in a few words; empty if nobody knows."""
    told = (says(row) for is_one, says, _ in (*_KINDS, *_AT_LAST) if is_one(row))
    return next(told, "") or _no_answer(row)


def _no_answer(row: Row) -> str:
    """Say of a row with a request alone what it lacks: of a table, the columns that are null are not there."""
    asked = next((key for key in row if side_of(key) == "user" and isinstance(row[key], str)), "")
    is_alone = asked and not any(side_of(key) == "assistant" for key in row)
    return (
        f'no answer stands beside "{asked}": its column (response, answer, output, ...) is null or not there'
        if is_alone
        else ""
    )


def what_to_do(rows: Sequence[Row], path: AnyPath, compression: str, is_row: IsRow) -> str:
    """Return the same as a sentence with what to do next, for a file of which these are the first rows; `is_row` says what is read.

    The first row tells, or the second where the first has none of its keys, as the head of an export has.
    """
    row = rows[1] if len(rows) > 1 and not rows[0].keys() & rows[1].keys() else rows[0]
    ways = (way_to_row(row, is_row, is_alone=len(rows) == 1) for row in rows[:_LOOKED_INTO])
    return _told(_KINDS, row, path, compression) or next(
        (_sentence(way.said, fed(_JQ.format(quote(_EACH + way.filter)), path, compression)) for way in ways if way),
        _told(_AT_LAST, row, path, compression),
    )


def _told(kinds: Sequence[_Kind], row: Row, path: AnyPath, compression: str) -> str:
    for is_one, says, following in kinds:
        if is_one(row):
            turns = "messages" if "role" in row else "conversations"
            step = following.replace("{key}", _json_key(row)).replace("{turns}", turns)
            return _sentence(says(row), fed(step.replace("{message}", message_of(row)), path, compression))
    return ""


def _sentence(said: str, step: str) -> str:
    return f"{said[0].upper()}{said[1:]}.\nNext: {step}\n"
