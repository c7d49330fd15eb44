"""From `segments: [{label, text}]` to a conversation: Axolotl's rows without a template, learned where `label` is true.

A segment that is learned is the assistant's. What is not may be a request as it stands, or hold the markers of a chat template
around the turns before the answer; those are read as in a transcript.
"""

from __future__ import annotations

from typing import Any

from unmoor.errors import BadRow
from unmoor.layouts.changes import Change, RemoveItems, SetKey
from unmoor.layouts.layout import Layout
from unmoor.layouts.request import under_system
from unmoor.layouts.styles import lead_end, said_within
from unmoor.layouts.transcript import is_transcript, transcript_turns
from unmoor.records import Conversation, Path, Piece, Row, Turn

__all__ = ["LAYOUT"]


def _recognises(row: Row) -> bool:
    segments = row.get("segments")
    return isinstance(segments, list) and (not segments or _is_segment(segments[0]))


def _is_segment(value: Any) -> bool:
    return isinstance(value, dict) and "text" in value and isinstance(value.get("label"), bool)


def _read(row: Row) -> Conversation:
    segments = row.get("segments")
    if not isinstance(segments, list) or not segments:
        raise BadRow("NO_TURNS", "segments should be a list with at least one segment")
    turns = tuple(turn for at, one in enumerate(segments) for turn in _turns(one, at))
    return Conversation(under_system(row, turns, must_be_text=False))


def _turns(segment: Any, position: int) -> tuple[Turn, ...]:
    if not _is_segment(segment):
        raise BadRow("BAD_TURN", f"segments.{position} should be an object with label, true or false, and text")
    text, path = segment["text"], ("segments", position, "text")
    if not isinstance(text, str):
        raise BadRow("TEXT_EXPECTED", f"segments.{position}.text should be text, found {type(text).__name__}")
    if segment["label"]:
        return (_whole(text, path, position)._replace(role="assistant", is_target=True),)
    if is_transcript(text):
        turns = transcript_turns(text, path)
        return tuple(turn._replace(is_target=False, position=position) for turn in turns)
    whole = _whole(text, path, position)
    return (whole,) if whole.text else ()


def _whole(text: str, path: Path, position: int) -> Turn:
    start, end = said_within(text, lead_end(text), len(text))
    return Turn("user", text[start:end], (Piece(path, 0, end - start, start),), position=position)


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    """Segments can go whole: none that holds more than the request, nor the token that a text begins with."""
    segments, gone = row["segments"], tuple(sorted(set(positions)))
    roles = {turn.role for at in gone if not segments[at]["label"] for turn in _turns(segments[at], at)}
    begins = 0 in gone and bool(segments[0]["text"][: lead_end(segments[0]["text"])].strip())
    return None if begins or roles - {"user", "tool"} else (RemoveItems(("segments",), gone),)


def _mask(_row: Row, position: int) -> tuple[Change, ...]:
    return (SetKey(("segments", position), "label", False),)


LAYOUT = Layout(
    "segments", "segments: [{label, text}], learned where label is true", _recognises, _read, _remove, _mask
)
