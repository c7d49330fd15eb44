"""From a value that holds turns in a shape that no layout reads to what `jq` makes messages of it with.

`sender` and `text`, `is_human` and `message`, pairs of texts, columns of a list, versions of a turn, a tree of replies: known by
their shape, since each program that exports chats has one of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from unmoor.layouts.answers import is_message_list
from unmoor.layouts.columns import side_of
from unmoor.layouts.roles import OF_MESSAGES
from unmoor.records import Row

__all__ = ["at", "is_talk", "message_of", "turns_within"]

_SPEAKER_KEYS = ("role", "sender", "author", "speaker", "from")
_USER_FLAGS = ("is_human", "is_user", "isHuman", "isUser", "fromUser")
_WORD_KEYS = ("content", "text", "message", "value", "mes")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_BEFORE = ("history", "chat_history")
"""Lists of what was said before the request that stands beside them, and so not the whole."""
_PAIR = 2
_UNMARKED = r' | sub("^<[|][^|]*[|]>:? *"; "") | sub("\\s*(<eo[a-z]>)?\\s*$"; "")'
"""Without the markers of a template that some texts still have around them, as MOSS's."""


def at(path: str, key: str) -> str:
    """Return the path in jq's words to `key` of the object at `path`; the row itself is the empty path."""
    return f"{path}.{key}" if _NAME.fullmatch(key) else f"{path or '.'}[{json.dumps(key)}]"


def message_of(turn: Any) -> str:
    """Return what makes a message of one turn, by the keys that it has; empty if it is none of a known speaker."""
    if not isinstance(turn, dict):
        return ""
    who, said = _who(turn), _said(turn)
    return f"{{role: {who}, content: {said}}}" if who and said else ""


def _who(turn: Row) -> str:
    for key in _SPEAKER_KEYS:
        value, path = turn.get(key), at("", key)
        if isinstance(value, dict):
            value, path = value.get("role"), at(path, "role")
        if isinstance(value, str) and value.casefold() in OF_MESSAGES:
            return path
    flag = next((key for key in _USER_FLAGS if isinstance(turn.get(key), bool)), "")
    return f'(if .{flag} then "user" else "assistant" end)' if flag else ""


def _said(turn: Row) -> str:
    lists = [at("", key) for key in _WORD_KEYS if isinstance(turn.get(key), str | list)]
    if len(lists) > 1 and isinstance(
        turn.get("content"), list
    ):  # Claude's exports: parts, which older turns lack, and text
        return f"(if ({lists[0]} | length) > 0 then {lists[0]} else {lists[1]} end)"
    for key in _WORD_KEYS:
        value = turn.get(key)
        if isinstance(value, str | list):
            return at("", key)
        if isinstance(value, dict) and isinstance(value.get("parts"), list):
            return f'([{at("", key)}.parts[]? | strings] | join("\\n"))'
    return ""


def is_talk(messages: Sequence[Row]) -> bool:
    """Return whether an assistant speaks in a list of messages."""
    return any(OF_MESSAGES.get(str(message["role"]).casefold()) == "assistant" for message in messages)


def turns_within(row: Row) -> tuple[str, str] | None:
    """Return where a row holds turns in such a shape, and what makes a list of messages of them; None if it holds none."""
    spoken = {key: message_of(value) for key, value in row.items() if isinstance(value, dict)}
    several = [f"({at('', key)} | {message})" for key, message in spoken.items() if message]
    if len(several) > 1:
        return ", ".join(key for key, message in spoken.items() if message), f"[{', '.join(several)}]"
    for path, value, key in _places(row):
        made = _messages(path, value) or _tree(path, value, row)
        if made and key not in _BEFORE:
            return path.removeprefix("."), made
    return None


def _places(row: Row) -> Iterator[tuple[str, Any, str]]:
    """Yield path, value and name of what may hold turns: the row's own columns first, then those of objects in it."""
    yield from ((at("", key), value, key) for key, value in row.items())
    for key, value in row.items():
        if isinstance(value, dict):
            yield from ((at(at("", key), inner), one, inner) for inner, one in value.items())


def _messages(path: str, value: Any) -> str:
    if isinstance(value, dict):
        return _columns(path, value) or _numbered(path, value)
    if not isinstance(value, list) or not value:
        return ""
    if is_message_list(value) and all("content" in turn for turn in value):
        return path if is_talk(value) else ""
    each = _each(value)
    return f"[{path}[]? | {each}]" if each else ""


def _each(turns: list[Any]) -> str:
    """Return what makes a message, or two, of each element of a list; empty if it is no list of turns."""
    first = turns[0]
    if all(map(message_of, turns)):
        return message_of(first)
    if isinstance(first, dict) and isinstance(first.get("versions"), list):
        return ".versions[.currentlySelected // 0] | {role, content: (.content // [.steps[]? | .content[]?])}"
    if not all(isinstance(pair, list) and len(pair) == _PAIR and isinstance(pair[0], str) for pair in turns):
        return ""
    if first[0].casefold() in OF_MESSAGES:
        return "{role: .[0], content: .[1]}"
    is_talk_of_two = any(isinstance(said, str) and " " in said for _, said in turns)  # and no words with their labels
    return _exchange(".[0]", ".[1]") if is_talk_of_two else ""


def _exchange(asked: str, said: str) -> str:
    return f'{{role: "user", content: {asked}}}, {{role: "assistant", content: {said}}}'


def _columns(path: str, value: Row) -> str:
    """Speakers in one list and their words in another."""
    for who, said in (("role", "content"), ("from", "value")):
        if all(isinstance(value.get(key), list) and value[key] for key in (who, said)):
            both = f"[{at(path, who)}, {at(path, said)}]"
            return f"[{both} | transpose[] | {{role: .[0], content: .[1]}}]"
    return ""


def _numbered(path: str, value: Row) -> str:
    """Exchanges under keys such as `turn_1`: the request by its name, and the answer by its own or as the last text."""
    first = next(iter(value.values()), None)
    if not isinstance(first, dict) or not all(
        isinstance(one, dict) and one.keys() == first.keys() for one in value.values()
    ):
        return ""
    texts = [key for key, text in first.items() if isinstance(text, str)]
    asked = next((key for key in texts if side_of(key) == "user"), "")
    said = next((key for key in texts if side_of(key) == "assistant"), texts[-1] if texts else "")
    if not asked or said in ("", asked):
        return ""
    clean = _UNMARKED if first[asked].startswith("<|") else ""
    exchange = _exchange(*(f"({at('', key)}{clean})" for key in (asked, said)))
    return f"[{path}[]? | {exchange}]"


def _tree(path: str, value: Any, row: Row) -> str:
    """A tree of nodes that name their parents, beside the name of the node that ends the conversation."""
    if not isinstance(value, dict) or not all(
        isinstance(node, dict) and {"parent", "message"} <= node.keys() for node in value.values()
    ):
        return ""
    last = next((key for key, name in row.items() if isinstance(name, str) and name in value), "")
    message = next(filter(None, (message_of(node["message"]) for node in value.values())), "")
    if not last or not message:
        return ""
    way = f"{at('', last)} | recurse($nodes[.].parent; . != null) | $nodes[.].message | select(.)"
    spoken = 'select(.content != "" and (.role == "user" or .role == "assistant"))'
    return f"({path} as $nodes | [{way} | {message} | {spoken}] | reverse)"
