"""From messages, or a prompt and a completion, with a true or false `label` to a conversation: KTO, as TRL reads it."""

from __future__ import annotations

from unmoor.layouts import messages
from unmoor.layouts.changes import Change
from unmoor.layouts.layout import Layout
from unmoor.layouts.messages import LIST_KEYS, has_kto_label, is_empty, is_message_list, list_key, message_turns
from unmoor.layouts.prompt_completion import answer_turns, prompt_turns
from unmoor.layouts.request import under_system
from unmoor.records import Conversation, Row

__all__ = ["LAYOUT"]


def _recognises(row: Row) -> bool:
    return has_kto_label(row) and (list_key(row) is not None or _is_pair(row) or is_empty(row))


def _is_pair(row: Row) -> bool:
    """Whether prompt and completion are there, text or messages; they are read even beside a list of messages."""
    return all(isinstance(row.get(key), str) or is_message_list(row.get(key)) for key in ("prompt", "completion"))


def _read(row: Row) -> Conversation:
    """An undesirable answer (`label: false`) is what training moves away from: no target, so no finding."""
    is_desirable = bool(row.get("label"))
    if _is_pair(row):
        turns = prompt_turns(row) + answer_turns(row, "completion", is_target=is_desirable)
    else:
        key = list_key(row) or LIST_KEYS[0]
        turns = message_turns(row.get(key), (key,), is_target=is_desirable)
    return Conversation(under_system(row, turns, must_be_text=False), has_tools=bool(row.get("tools")))


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    return None if _is_pair(row) else messages.LAYOUT.remove(row, positions)


def _mask(row: Row, position: int) -> tuple[Change, ...] | None:
    return None if _is_pair(row) else messages.LAYOUT.mask(row, position)


LAYOUT = Layout(
    "kto",
    "messages (or prompt, completion, as text too) with a true or false label",
    _recognises,
    _read,
    _remove,
    _mask,
)
