"""From a preference pair to the conversation that ends in the chosen answer; the rejected side is never a finding.

`chosen` and `rejected` are text, lists of messages (with the prompt inside them, TRL's implicit form), one ShareGPT message beside
`conversations`, or whole transcripts, as Anthropic's HH has them.
"""

from __future__ import annotations

from unmoor.errors import BadRow
from unmoor.layouts.layout import Layout, no_mask, no_removal, text_turn
from unmoor.layouts.messages import list_key, message_turn, message_turns
from unmoor.layouts.prompt_completion import prompt_turns
from unmoor.layouts.request import system_turns, under_system
from unmoor.layouts.sharegpt import sharegpt_turn, sharegpt_turns
from unmoor.layouts.styles import transcript_of
from unmoor.layouts.transcript import transcript_turns
from unmoor.records import Conversation, Row, Turn

__all__ = ["LAYOUT"]

PROMPT_KEYS = ("prompt", "question", "instruction", "input")


def _recognises(row: Row) -> bool:
    return "chosen" in row and "rejected" in row


def _read(row: Row) -> Conversation:
    if "chosen" not in row:
        raise BadRow("KEY_MISSING", f"no chosen answer among the keys {sorted(row)}")
    if _are_transcripts(row):
        return Conversation(under_system(row, _last_answer_alone(transcript_turns(row["chosen"], ("chosen",)))))
    return Conversation((*_prompt(row), *_chosen(row)), has_tools=bool(row.get("tools")))


def _are_transcripts(row: Row) -> bool:
    """Whether both sides are whole conversations in one style, the human's words with them."""
    chosen, rejected = _style(row["chosen"]), _style(row.get("rejected"))
    return chosen is not None and chosen == rejected


def _style(text: object) -> str | None:
    transcript = transcript_of(text) if isinstance(text, str) else None
    return transcript.style if transcript else None


def _last_answer_alone(turns: tuple[Turn, ...]) -> tuple[Turn, ...]:
    last = max((at for at, turn in enumerate(turns) if turn.is_target), default=-1)
    return tuple(turn if at == last else _as_context(turn) for at, turn in enumerate(turns))


def _prompt(row: Row) -> tuple[Turn, ...]:
    if "conversations" in row:
        return tuple(_as_context(turn) for turn in sharegpt_turns(row))
    key = next((key for key in PROMPT_KEYS if row.get(key) is not None), _messages_before(row))
    if key is None:
        context = row.get("context")
        is_asked = isinstance(context, str) and bool(context) and isinstance(row["chosen"], str)
        return system_turns(row) + ((text_turn("user", context, ("context",)),) if is_asked else ())
    if _style(row[key]) == "HH":
        return system_turns(row) + tuple(_as_context(turn) for turn in transcript_turns(row[key], (key,)))
    return under_system(row, prompt_turns(row, key))


def _messages_before(row: Row) -> str | None:
    """Return the column of the messages that a pair of single answers stands under; a longer side has them inside."""
    is_one = not isinstance(row["chosen"], list) or len(row["chosen"]) == 1
    return list_key(row) if is_one else None


def _as_context(turn: Turn) -> Turn:
    """Earlier answers of a preference row are its context: the pair trains the last answer alone."""
    return turn._replace(is_target=False)


def _chosen(row: Row) -> tuple[Turn, ...]:
    chosen = row["chosen"]
    if isinstance(chosen, dict) and "from" in chosen:
        return (sharegpt_turn(chosen, ("chosen",)),)
    if isinstance(chosen, dict):
        return (message_turn(chosen, ("chosen",)),)
    if isinstance(chosen, list):
        turns = message_turns(chosen, ("chosen",))
        return (*(_as_context(turn) for turn in turns[:-1]), turns[-1])
    return (text_turn("assistant", chosen, ("chosen",), is_target=True),)


def _has_equal_sides(row: Row) -> bool:
    """Whether both sides, read alike, say the same. Calls of tools are no text, so with any of them only equal values do."""
    try:
        chosen, rejected = (
            _read({**row, "chosen": row[key], "rejected": row[key]}).turns for key in ("chosen", "rejected")
        )
    except (BadRow, KeyError):
        return False
    if any(turn.has_tool_calls for turn in (*chosen, *rejected)):
        return bool(row["chosen"] == row["rejected"])
    return [*map(_said, chosen)] == [*map(_said, rejected)]


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
