"""From a preference pair to the conversation that ends in the chosen answer; the rejected side is never a finding.

`chosen` and `rejected` are text, lists of messages (with the prompt inside them, TRL's implicit form), one ShareGPT message beside
`conversations`, or whole transcripts, as Anthropic's HH has them. A prompt that stands within `chosen` too is read there alone.
"""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.answers import has_rejected_answer, is_answered
from unmoor.layouts.layout import Layout, no_mask, no_removal, text_turn
from unmoor.layouts.messages import list_key, message_turn, message_turns
from unmoor.layouts.prompt_completion import prompt_turns
from unmoor.layouts.request import system_turns, under_system
from unmoor.layouts.sharegpt import sharegpt_turn, sharegpt_turns
from unmoor.layouts.styles import transcript_of
from unmoor.layouts.transcript import transcript_turns
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT"]

PROMPT_KEYS = ("prompt", "question", "instruction", "input", "query")


def _sides(row: Row) -> tuple[str, str] | None:
    """Return how the chosen and the rejected side are called: so, as Argilla and NeMo have it, or as ms-swift has it; or None.

    In ms-swift's messages the chosen side is the conversation, and the rejected one its last answer alone.
    """
    if "chosen" in row and "rejected" in row:
        return "chosen", "rejected"
    if "rejected_response" not in row:
        return None
    if "chosen_response" in row:
        return ("chosen_response", "rejected_response") if _prompt_key(row) else None
    if "response" in row and ("query" in row or is_answered(row, "messages")):
        return "response", "rejected_response"
    return ("messages", "rejected_response") if has_rejected_answer(row) else None


def _prompt_key(row: Row) -> str | None:
    return next((key for key in PROMPT_KEYS if row.get(key) is not None), None)


def _recognises(row: Row) -> bool:
    return _sides(row) is not None


def _read(row: Row) -> Conversation:
    chosen, rejected = _sides(row) or ("chosen", "rejected")
    if chosen not in row:
        raise BadRow("KEY_MISSING", f"no chosen answer among the keys {sorted(row)}")
    if _are_transcripts(row[chosen], row.get(rejected)):
        return Conversation(under_system(row, _last_answer_alone(transcript_turns(row[chosen], (chosen,)))))
    return Conversation(
        _once(_prompt(row, row[chosen]), _chosen(row[chosen], chosen)), has_tools=bool(row.get("tools"))
    )


def _once(asked: tuple[Turn, ...], said: tuple[Turn, ...]) -> tuple[Turn, ...]:
    """Return the prompt and the chosen side, without a prompt that is said before the chosen side's last answer."""
    before = {(turn.role, turn.text.strip()) for turn in said[:-1]}
    others = tuple(turn for turn in asked if (turn.role, turn.text.strip()) not in before)
    return (*others, *said) if all(turn.role == "system" for turn in others) else (*asked, *said)


def _are_transcripts(chosen: object, rejected: object) -> bool:
    """Whether both sides are whole conversations in one style, the human's words with them."""
    style = _style(chosen)
    return style is not None and style == _style(rejected)


def _style(text: object) -> str | None:
    transcript = transcript_of(text) if isinstance(text, str) else None
    return transcript.style if transcript else None


def _last_answer_alone(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    last = max((at for at, turn in enumerate(turns) if turn.is_target), default=-1)
    return tuple(turn if at == last else _as_context(turn) for at, turn in enumerate(turns))


def _prompt(row: Row, chosen: Any) -> tuple[Turn, ...]:
    if "conversations" in row:
        return tuple(_as_context(turn) for turn in sharegpt_turns(row))
    key = _prompt_key(row) or _turns_before(row, chosen)
    if key is None:
        context = row.get("context")
        is_asked = isinstance(context, str) and bool(context) and isinstance(chosen, str)
        return system_turns(row) + ((text_turn("user", context, ("context",)),) if is_asked else ())
    if _style(row[key]) == "HH":
        return system_turns(row) + tuple(_as_context(turn) for turn in transcript_turns(row[key], (key,)))
    return under_system(row, prompt_turns(row, key))


def _turns_before(row: Row, chosen: Any) -> str | None:
    """Return the column of the turns that a pair of single answers stands under; a longer side has them inside."""
    if isinstance(chosen, list) and len(chosen) != 1:
        return None
    turns = row.get("trajectory")
    is_talk = isinstance(turns, list) and bool(turns) and all(isinstance(one, dict) and "from" in one for one in turns)
    return list_key(row) or ("trajectory" if is_talk else None)


def _as_context(turn: Turn) -> Turn:
    """Earlier answers of a preference row are its context: the pair trains the last answer alone."""
    return turn._replace(is_target=False)


def _chosen(chosen: Any, key: str) -> tuple[Turn, ...]:
    if isinstance(chosen, dict) and "from" in chosen:
        return (sharegpt_turn(chosen, (key,)),)
    if isinstance(chosen, dict):
        return (message_turn(chosen, (key,)),)
    if isinstance(chosen, list):
        turns = message_turns(chosen, (key,))
        return (*(_as_context(turn) for turn in turns[:-1]), turns[-1])
    return (text_turn("assistant", chosen, (key,), is_target=True),)


def _has_equal_sides(row: Row) -> bool:
    """Whether both sides, read alike, say the same. Calls of tools are no text, so with any of them only equal values do."""
    sides = _sides(row) or ("chosen", "rejected")
    try:
        chosen, rejected = (_read({**row, **dict.fromkeys(sides, _whole(row, side))}).turns for side in sides)
    except (BadRow, KeyError):
        return False
    if any(turn.has_tool_calls for turn in (*chosen, *rejected)):
        return bool(row[sides[0]] == row[sides[1]])
    return [*map(_said, chosen)] == [*map(_said, rejected)]


def _whole(row: Row, side: str) -> Any:
    """Return a side as the other one is written: an answer alone with the messages that it ends."""
    if side == "rejected_response" and isinstance(row[side], str) and has_rejected_answer(row):
        return [*row["messages"][:-1], {"role": "assistant", "content": row[side]}]
    return row[side]


def _said(turn: Turn) -> tuple[str, str, str]:
    return turn.role, turn.text.strip(), turn.reasoning.strip()


LAYOUT = Layout(
    "preference",
    "prompt, chosen, rejected (or the prompt inside them, as in HH)",
    _recognises,
    _read,
    no_removal,
    no_mask,
    has_equal_sides=_has_equal_sides,
)
