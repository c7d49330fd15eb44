"""From `prompt` and `completion` (or `response`, `answer`, `output`) to a conversation, as text or as lists of messages.

So are rows read whose `messages`, `conversations` or `input` end in a request that such a column answers; the first two only where
they hold no answer of their own.
"""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.alpaca import is_set_in
from unmoor.layouts.answers import answer_path, answers_beside, is_answered
from unmoor.layouts.history import context_turns
from unmoor.layouts.layout import Layout, no_mask, no_removal, text_turn
from unmoor.layouts.messages import LIST_KEYS, message_turn, message_turns
from unmoor.layouts.request import under_system, with_more
from unmoor.layouts.sharegpt import sharegpt_turn
from unmoor.records import Conversation, Path, Row, Turn

__all__ = ["LAYOUT", "prompt_turns"]


def prompt_turns(row: Row, key: str = "prompt") -> tuple[Turn, ...]:
    """Read what was asked at `key`: messages, or a text with what stands beside it. None of it is there to be learned.

    Raises:
        BadRow: TEXT_EXPECTED or what the messages raise.
    """
    asked = row.get(key)
    if not isinstance(asked, list):
        return (*context_turns(row), with_more(row, text_turn("user", asked, (key,))))
    if asked and isinstance(asked[0], dict) and "from" in asked[0]:
        turns = (sharegpt_turn(message, (key, at), at) for at, message in enumerate(asked))
        return tuple(turn._replace(is_target=False) for turn in turns)
    return message_turns(asked, (key,), is_target=False)


def _answer_turns(row: Row, path: Path) -> tuple[Turn, ...]:
    said: Any = row
    for step in path:
        said = said[step]
    if isinstance(said, list):
        return message_turns(said, path)
    if isinstance(said, dict):
        return (message_turn(said, path),)
    return (text_turn("assistant", said, path, is_target=True),)


def _request_key(row: Row) -> str | None:
    """Return the column of the request: `prompt`, or a list of turns that ends in one."""
    if row.get("prompt") not in (None, ""):
        return "prompt"
    return next((key for key in (*LIST_KEYS, "input") if is_answered(row, key)), "prompt" if "prompt" in row else None)


def _recognises(row: Row) -> bool:
    path = answer_path(row) if _request_key(row) and "chosen" not in row else None
    is_pair = path is not None and (path != ("answer",) or not answers_beside(row, "answer"))
    return is_pair and not is_set_in(row, row.get("prompt"))  # such a prompt says the answer too, and is alpaca's copy


def _read(row: Row) -> Conversation:
    path = answer_path(row)
    if path is None:
        raise BadRow("KEY_MISSING", f"no answer among the keys {sorted(row)}")
    asked = under_system(row, prompt_turns(row, _request_key(row) or "prompt"), must_be_text=False)
    return Conversation(asked + _answer_turns(row, path), has_tools=bool(row.get("tools")))


LAYOUT = Layout(
    "prompt_completion",
    "prompt (or messages that end in a request), completion",
    _recognises,
    _read,
    no_removal,
    no_mask,
)
