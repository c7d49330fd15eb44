"""From a row whose request and answer lie deeper than its own keys to where they seem to lie, and what `jq` makes a row of it with.

Found by the shape of the row: a list of turns under other names, a request and an answer in objects and lists, a row inside a row.
Exports of chat programs, logs of model servers and the outputs of batches are written so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from unmoor.layouts.answers import is_message_list
from unmoor.layouts.columns import side_of
from unmoor.layouts.proposal import named_side
from unmoor.layouts.request import SYSTEM_KEYS
from unmoor.layouts.turns_within import at, is_talk, turns_within
from unmoor.layouts.words import is_held_against, is_turned_down, words_of
from unmoor.records import Row

__all__ = ["IsRow", "Way", "way_to_row"]

IsRow = Callable[[Row], bool]
"""Whether some layout reads a row."""
_ASKED = ("prompt", "input", "inputs", "question", "query", "instruction", "problem", "arguments", "doc", "request")
"""Keys under which a request lies, the most telling first."""
_SAID = frozenset(
    (
        *("answer", "response", "output", "completion", "solution", "reply", "generation", "resp", "ideal", "result"),
        *("choice", "candidate", "prediction"),
    )
)
"""Last words of keys under which an answer lies."""
_INTO_ASKED = (
    *("messages", "raw", "question", "query", "prompt", "instruction", "problem", "input", "text", "content"),
    *("gen_args_0", "arg_0"),
)
_INTO_SAID = (
    *("messages", "message", "body", "choices", "turns", "output", "text", "answer", "response", "completion"),
    *("generation", "generated_text", "content", "result"),
)
"""Keys within those, in the order in which they are asked."""
_DEEPEST = 6
_SPOKEN = re.compile(r"(?:^|\n\n)([A-Z][a-z]+): ")


class Way(NamedTuple):
    """What is said of a row, and the filter of `jq` that makes rows of it that can be read."""

    said: str
    filter: str


class _Found(NamedTuple):
    """A path in jq's words and what lies there: text, one message or a list of messages."""

    path: str
    kind: str

    @property
    def listed(self) -> str:
        """The same as a text or a list of messages, which a prompt and a completion are."""
        return f"[{self.path}]" if self.kind == "message" else self.path

    @property
    def place(self) -> str:
        """The same as people read it."""
        return self.path.removeprefix("[").partition(" | ")[0].replace("?", "").removeprefix(".")


def way_to_row(row: Row, is_row: IsRow, *, is_alone: bool = False) -> Way | None:
    """Return where request and answer seem to lie in a row of no layout, and the way to them; None where nobody knows.

    Of a row that `is_alone` in its file, a list of rows in it is the file's, which `unread.py` tells.
    """
    if {"user", "assistant"} <= {named_side(key) for key in _own_texts(row).values() if not is_held_against(key)}:
        return None
    return (
        _sides(row)
        or _turns(row)
        or _row_within(row, is_row)
        or _rows_within(row, is_row, is_alone=is_alone)
        or _unasked(row)
        or _spoken(row)
    )


def _own_texts(row: Row) -> dict[str, str]:
    """Return the row's own columns of text, by their paths."""
    return {at("", key): key for key, value in row.items() if isinstance(value, str)}


def _sides(row: Row) -> Way | None:
    asked, said = _asked(row), _best_said(row)
    if asked is None or said is None or {asked.path, said.path} <= _own_texts(row).keys():
        return None
    beside = [key for key in SYSTEM_KEYS if isinstance(row.get(key), str) and row[key]]
    if asked.kind == "text" and isinstance(row.get("context"), str):
        beside.append("context")
    if row.get("tools") and isinstance(row["tools"], list):
        beside.append("tools")
    worse = next((key for key in row if is_turned_down(key) and _answer(row, key)), "")
    sides = f"completion: {said.listed}"
    if worse and (other := _answer(row, worse)):
        sides = f"chosen: {said.listed}, rejected: {other.listed}"
    return Way(
        f"the answers seem to lie in {said.place}, and the requests in {asked.place}",
        f"{{{''.join(f'{key}, ' for key in beside)}prompt: {asked.listed}, {sides}}}",
    )


def _asked(row: Row) -> _Found | None:
    found = (_reach(row[key], at("", key), _INTO_ASKED, "[0]") for key in _ASKED if key in row)
    return next(filter(None, found), None)


def _best_said(row: Row) -> _Found | None:
    """Return the answer: not one that was turned down, and a person's or one to check against only where there is no other."""
    keys = [key for key in row if not is_turned_down(key)]
    keys.sort(key=lambda key: is_held_against(key) or "human" in words_of(key))
    return next(filter(None, (_answer(row, key) for key in keys)), None)


def _answer(row: Row, key: str) -> _Found | None:
    words = words_of(key)
    return _reach(row[key], at("", key), _INTO_SAID, "[]?") if words and words[-1] in _SAID else None


def _reach(value: Any, path: str, keys: Sequence[str], into_list: str, depth: int = 0) -> _Found | None:
    """Return the first text or message on the way into `value` by `keys`, and by `into_list` into lists that are no messages."""
    if found := _here(value, path):
        return found
    if depth == _DEEPEST or not value or not isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        within = (_reach(value[key], at(path, key), keys, into_list, depth + 1) for key in keys if key in value)
        return next(filter(None, within), None)
    if into_list == "[0]" and any(_reach(one, path, keys, into_list, depth + 1) for one in value[1:2]):
        return None  # nobody knows which of several texts asks
    return _reach(value[0], path + into_list, keys, into_list, depth + 1)


def _here(value: Any, path: str) -> _Found | None:
    """Return `value` if it is a text that says something, a message, or a list with messages."""
    if isinstance(value, str):
        is_said = any(letter.isalpha() for letter in value) and value.lstrip()[:1] not in ("[", "{")
        return _Found(path, "text") if is_said else None
    if isinstance(value, list) and _is_mixed(value):
        return _Found(f"[{path}[]? | select(.role?)]", "messages")
    kind = "message" if _is_message(value) else "messages" if is_message_list(value) else ""
    return _Found(path, kind) if kind else None


def _is_mixed(listed: list[Any]) -> bool:
    """Return whether there are messages in a list that holds calls and thoughts too, as OpenAI's answers do, or may in another row:
    each says of which type it is.
    """
    is_typed = any(isinstance(one, dict) and "type" in one for one in listed)
    return any(map(_is_message, listed)) and (is_typed or not is_message_list(listed))


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.get("role")) and isinstance(value.get("content"), str | list)


def _turns(row: Row) -> Way | None:
    found = turns_within(row)
    if found is None:
        return None
    place, messages = found
    system = next((f"{key}, " for key in SYSTEM_KEYS if isinstance(row.get(key), str) and row[key]), "")
    return Way(f"the turns seem to lie in {place}", f"{{{system}messages: {messages}}}")


def _row_within(row: Row, is_row: IsRow) -> Way | None:
    key = next((key for key, value in row.items() if isinstance(value, dict) and _is_answered(value, is_row)), None)
    return None if key is None else Way(f'"{key}" holds what is a row of its own', at("", key))


def _is_answered(row: Row, is_row: IsRow) -> bool:
    """Return whether it is a row that is read, and not a request alone, as the input of a batch is."""
    return is_row(row) and not any(is_message_list(value) and not is_talk(value) for value in row.values())


def _rows_within(row: Row, is_row: IsRow, *, is_alone: bool) -> Way | None:
    """Rows in a list, which may need the request that stands beside it."""
    asked = next((key for key in row if isinstance(row[key], str) and side_of(key) == "user"), "")
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            said = f'"{key}" holds a list of what are rows of their own'
            if asked and is_row({asked: row[asked]} | value[0]):
                return Way(f'{said}, with "{asked}" for each', f"{{{asked}}} + {at('', key)}[]?")
            if is_row(value[0]) and not is_alone:
                return Way(said, f"{at('', key)}[]?")
    return None


def _unasked(row: Row) -> Way | None:
    """An answer without its request, as batches have it."""
    said = _best_said(row)
    if said is None or any(row.get(key) for key in _ASKED) or said.path in _own_texts(row):
        return None
    message = '{role: "assistant", content: .}' if said.kind == "text" else "."
    messages = "." if said.kind == "messages" else f"[{message}]"
    return Way(
        f"the answers seem to lie in {said.place}, and the requests in another file",
        f"{said.path} | select(.) | {{messages: {messages}}}",
    )


def _spoken(row: Row) -> Way | None:
    """Two people in one text, each paragraph after a name."""
    places = [(at("", key), value) for key, value in row.items()]
    places += [(at(path, key), one) for path, value in places if isinstance(value, dict) for key, one in value.items()]
    for path, text in places:
        names = list(dict.fromkeys(_SPOKEN.findall(text))) if isinstance(text, str) else []
        if len(names) == 2 and text.startswith(f"{names[0]}: "):
            marked = "".join(
                rf' | gsub("\n\n{name}: "; "\n\n{role}: ")'
                for name, role in zip(names, ("Human", "Assistant"), strict=True)
            )
            return Way(
                f"the text in {path.removeprefix('.')} seems to be a talk of {names[0]}, the user, and {names[1]}, the assistant",
                rf'{{text: ("\n\n" + {path}{marked})}}',
            )
    return None
