"""From a row in no known layout to what it is, where that can be told: a tree of replies, answers to compare, plain text."""

from __future__ import annotations

from collections.abc import Callable

from unmoor.layouts.columns import is_side
from unmoor.layouts.files import fed
from unmoor.layouts.transcript import TEXT_KEYS
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
    """Return the column of text that a transcript might stand in; empty if there is none, or a request or answer beside it."""
    has_side = any(is_side(key) for key in row)
    return "" if has_side else next((key for key in TEXT_KEYS if isinstance(row.get(key), str)), "")


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


_KINDS: tuple[tuple[Callable[[Row], object], Callable[[Row], str], str], ...] = (
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
        lambda row: "input_ids" in row,
        lambda _: "these are token ids, and the words are gone",
        "read the data set that they were made of",
    ),
    (
        _json_key,
        lambda row: f'"{_json_key(row)}" holds JSON written as text',
        "jq -c 'if type == \"array\" then .[] else . end | .{key} |= fromjson' {path} > rows.jsonl, "
        "or for Parquet that column through json.loads",
    ),
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
"""Whether a row is of a kind, what is said of it, and what to do next."""


def what_it_is(row: Row) -> str:
    """Return what a row in no known layout is, in a few words; empty if nobody knows."""
    return next((says(row) for is_one, says, _ in _KINDS if is_one(row)), "")


def what_to_do(row: Row, path: AnyPath, compression: str) -> str:
    """Return the same as a sentence with what to do next, for a file of which this is the first row."""
    for is_one, says, following in _KINDS:
        if is_one(row):
            said = says(row)
            turns = "messages" if "role" in row else "conversations"
            step = fed(following.replace("{key}", _json_key(row)).replace("{turns}", turns), path, compression)
            return f"{said[0].upper()}{said[1:]}.\nNext: {step}\n"
    return ""
