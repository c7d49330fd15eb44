"""From one text that holds a whole conversation, as a chat template writes it, to its turns: `text`, or what else it is called.

Guanaco, Vicuna, ChatML, Llama and the others (`styles.py`). The turns are slices of the one string, and so are mends and removals:
markers and the other turns stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, SetSlice, apply_to_row
from unmoor.layouts.layout import Layout, no_mask, text_turn
from unmoor.layouts.request import system_turns
from unmoor.layouts.styles import Block, transcript_of
from unmoor.records import Conversation, Path, Piece, Row, Turn

__all__ = ["LAYOUT", "TEXT_KEYS", "is_transcript", "transcript_turns"]

TEXT_KEYS = ("text", "chat", "conversation", "conversations", "dialogue", "dialog", "transcript", "sample", "input")
"""Columns that may hold one; the first that does is read."""
_CALL = "<functioncall>"
_CALL_END = "<|call|>"
"""Glaive writes the first before a call, gpt-oss the second behind one."""
_SYSTEM = "SYSTEM:"


def is_transcript(text: object) -> bool:
    """Return whether `text` is a conversation in a known style."""
    return isinstance(text, str) and transcript_of(text) is not None


def transcript_turns(text: str, path: Path) -> tuple[Turn, ...]:
    """Read the transcript at `path`; a turn's position is that of its block.

    Raises:
        BadRow: NO_TURNS if it is none, UNKNOWN_ROLE.
    """
    blocks = _blocks(text)
    if not blocks:
        raise BadRow("NO_TURNS", f"{'.'.join(map(str, path))} should be a transcript in a known style")
    last = len(blocks) - 1
    return tuple(
        _turn(text, block, path, position)
        for position, block in enumerate(blocks)
        if not (block.is_empty and (position == last or block.role == "system"))
    )


def _blocks(text: str) -> tuple[Block, ...]:
    transcript = transcript_of(text)
    return transcript.blocks if transcript else ()


def _turn(text: str, block: Block, path: Path, position: int) -> Turn:
    if block.role is None:
        raise BadRow("UNKNOWN_ROLE", f"{'.'.join(map(str, path))} has a turn of {block.who!r}, who is not known")
    said, pieces = "", list[Piece]()
    for start, end in block.spans:
        said = f"{said}\n" if pieces else said
        pieces.append(Piece(path, len(said), len(said) + end - start, start))
        said += text[start:end]
    is_answer = block.role == "assistant"
    return Turn(
        block.role,
        said,
        tuple(pieces),
        is_target=is_answer and not said.startswith(_CALL) and not said.endswith(_CALL_END),
        has_tool_calls=is_answer and (_CALL in said or said.endswith(_CALL_END)),
        position=position,
    )


def _key(row: Row) -> str | None:
    return next((key for key in TEXT_KEYS if key in row and is_transcript(row[key])), None)


def _recognises(row: Row) -> bool:
    return _key(row) is not None


def _read(row: Row) -> Conversation:
    key = _key(row)
    if key is None:
        raise BadRow("NO_TURNS", f"no transcript in a known style among the keys {sorted(row)}")
    turns = transcript_turns(row[key], (key,))
    own = {turn.text for turn in turns if turn.role == "system"}
    beside = (_system(row),) if row.get("system") else system_turns(row)
    system = (turn for turn in beside if turn.text.strip() not in own)
    return Conversation((*system, *turns), has_tools=bool(row.get("tools")) or any(t.has_tool_calls for t in turns))


def _system(row: Row) -> Turn:
    """Read the column beside the text, whose own name Glaive writes before its words."""
    turn = text_turn("system", row["system"], ("system",))
    start = len(_SYSTEM) if turn.text.startswith(_SYSTEM) else 0
    start += len(turn.text[start:]) - len(turn.text[start:].lstrip())
    return turn._replace(text=turn.text[start:], pieces=(Piece(("system",), 0, len(turn.text) - start, start),))


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    """Cut whole exchanges with their markers; None where what is left would not be in the style any more, or be read otherwise."""
    key = _key(row)
    if key is None:
        return None
    blocks, changes = _blocks(row[key]), []
    for first, end in _runs(positions):
        span = _span(blocks, first, end)
        if span is None:
            return None
        changes.append(SetSlice((key,), *span, ""))
    gone = frozenset(positions)
    left = [block for position, block in enumerate(blocks) if position not in gone]
    is_as_before = _told_again(row, key, tuple(changes)) == _told(row[key], left)
    return tuple(changes) if is_as_before else None


def _told_again(row: Row, key: str, changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    """Return what is told of a row once it is changed; nothing where it is no conversation any more."""
    text = apply_to_row(row, changes)[key]
    return _told(text, _blocks(text))


def _told(text: str, blocks: Iterable[Block]) -> list[tuple[str, str]]:
    return [(str(block.role), "\n".join(text[start:end] for start, end in block.spans)) for block in blocks]


def _runs(positions: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of positions that follow one another."""
    gone = set(positions)
    for position in sorted(gone):
        if position - 1 not in gone:
            end = next(after for after in count(position) if after not in gone)
            yield position, end


def _span(blocks: tuple[Block, ...], first: int, end: int) -> tuple[int, int] | None:
    """Return from where to where the text goes.

    Up to the same speaker's next words, whose marker goes with it while the first one's stays: that may hold more, such as the end
    of a system prompt. At the end of the text from word to word too, so that it ends as it did.
    """
    if end < len(blocks):
        is_alike = blocks[first].role == blocks[end].role
        return (blocks[first].start_char, blocks[end].start_char) if is_alike else None
    return (blocks[first - 1].end_char, blocks[-1].end_char) if first else None


LAYOUT = Layout(
    "transcript",
    "text: a chat in one string (ChatML, Llama, Vicuna, Guanaco, ...)",
    _recognises,
    _read,
    _remove,
    no_mask,
)
