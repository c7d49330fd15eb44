"""From `prompt` and `completion` (or `response`, `answer`, `output`) to a conversation, as text or as lists of messages."""

from __future__ import annotations

from unmoor.errors import BadRow
from unmoor.layouts.alpaca import is_set_in
from unmoor.layouts.history import context_turns
from unmoor.layouts.layout import Layout, no_mask, no_removal, text_turn
from unmoor.layouts.messages import is_message_list, message_turns
from unmoor.layouts.request import under_system, with_more
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT", "prompt_turns"]

ANSWER_KEYS = ("completion", "response", "answer", "output")


def prompt_turns(row: Row, key: str = "prompt") -> tuple[Turn, ...]:
    """Read what was asked at `key`: messages, or a text with what stands beside it. None of it is there to be learned.

    Raises:
        BadRow: TEXT_EXPECTED or what the messages raise.
    """
    if isinstance(row.get(key), list):
        return message_turns(row[key], (key,), is_target=False)
    return (*context_turns(row), with_more(row, text_turn("user", row.get(key), (key,))))


def _answer_turns(row: Row, key: str) -> tuple[Turn, ...]:
    if isinstance(row[key], list):
        return message_turns(row[key], (key,))
    return (text_turn("assistant", row[key], (key,), is_target=True),)


def _answer_key(row: Row) -> str | None:
    return next((key for key in ANSWER_KEYS if isinstance(row.get(key), str) or is_message_list(row.get(key))), None)


def _recognises(row: Row) -> bool:
    is_pair = "prompt" in row and _answer_key(row) is not None and "chosen" not in row
    return is_pair and not is_set_in(row, row["prompt"])  # such a prompt says the answer too, and is alpaca's copy


def _read(row: Row) -> Conversation:
    key = _answer_key(row)
    if key is None:
        raise BadRow("KEY_MISSING", f"no answer among the keys {sorted(row)}")
    asked = under_system(row, prompt_turns(row), must_be_text=False)
    return Conversation(asked + _answer_turns(row, key), has_tools=bool(row.get("tools")))


LAYOUT = Layout("prompt_completion", "prompt, completion (text or messages)", _recognises, _read, no_removal, no_mask)
