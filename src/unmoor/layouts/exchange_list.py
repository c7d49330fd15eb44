"""From a list of exchanges, request and answer in one object, to a conversation: Capybara, Firefly, COIG, XTuner."""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, RemoveItems, SetKey
from unmoor.layouts.layout import Layout, text_turn
from unmoor.layouts.request import MORE_KEYS, system_turns, with_more
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT"]

KEYS = ("conversation", "conversations", "exchanges", "dialogue", "dialog", "turns")
PAIRS = (
    ("input", "output"),
    ("human", "assistant"),
    ("user", "assistant"),
    ("instruction", "response"),
    ("instruction", "output"),
    ("question", "answer"),
    ("prompt", "response"),
    ("prompt", "completion"),
    ("query", "response"),
)
"""How the two sides of an exchange are called; one object in a list of exchanges is like the others."""
_LEARNED = "output_with_loss"
"""XTuner's own flag of an exchange, which it learns from unless this is false."""


def _pair(value: Any) -> tuple[str, str] | None:
    """Return the names of the two sides in the first exchange of a list, or None."""
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return None
    return next((pair for pair in PAIRS if all(side in value[0] for side in pair)), None)


def _key(row: Row) -> str | None:
    is_empty = row.get("conversation") == []
    return next((key for key in KEYS if _pair(row.get(key))), "conversation" if is_empty else None)


def _recognises(row: Row) -> bool:
    return _key(row) is not None and "chosen" not in row


def _read(row: Row) -> Conversation:
    key = _key(row) or KEYS[0]
    exchanges, pair = row.get(key), _pair(row.get(key))
    if not isinstance(exchanges, list) or pair is None:
        raise BadRow("NO_TURNS", f"{key} should be a list with at least one exchange")
    turns = [*system_turns(row)]
    for position, exchange in enumerate(exchanges):
        turns += _exchange(exchange, pair, key, position)
    return Conversation(tuple(turns), has_tools=bool(row.get("tools")))


def _exchange(exchange: Any, pair: tuple[str, str], key: str, position: int) -> list[Turn]:
    asked, said = pair
    if not isinstance(exchange, dict) or asked not in exchange or said not in exchange:
        raise BadRow("BAD_TURN", f"{key}.{position} should be an object with {asked} and {said}")
    place, is_target = (key, position), exchange.get(_LEARNED) is not False
    turns = (
        [text_turn("system", exchange["system"], (*place, "system"), position=position)] if _system(exchange) else []
    )
    request = text_turn("user", exchange[asked], (*place, asked), position=position)
    turns.append(with_more(exchange, request, (key for key in MORE_KEYS if key not in pair), place))
    turns.append(text_turn("assistant", exchange[said], (*place, said), is_target=is_target, position=position))
    return turns


def _system(exchange: Any) -> Any:
    return exchange.get("system") if isinstance(exchange, dict) else None


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    """Exchanges can go, but for one that holds a system prompt: the others stand under it."""
    key = _key(row)
    if key is None or any(position < 0 or _system(row[key][position]) for position in positions):
        return None
    return (RemoveItems((key,), tuple(sorted(set(positions)))),)


def _mask(row: Row, position: int) -> tuple[Change, ...] | None:
    """Only XTuner's rows have a place for a flag."""
    key = _key(row)
    has_place = key is not None and any(isinstance(one, dict) and _LEARNED in one for one in row[key])
    return (SetKey((key, position), _LEARNED, False),) if key is not None and has_place else None


LAYOUT = Layout(
    "exchange_list",
    "conversation: [{input, output}], [{human, assistant}], ...",
    _recognises,
    _read,
    _remove,
    _mask,
)
