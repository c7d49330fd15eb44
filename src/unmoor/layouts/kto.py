"""From a row of any chat layout with a true or false label to a conversation: KTO, as TRL, Axolotl and LLaMA-Factory read it."""

from __future__ import annotations

from dataclasses import replace

from unmoor.layouts import (
    alpaca,
    chat_list,
    exchange_list,
    gemini,
    messages,
    prompt_completion,
    segments,
    sharegpt,
    transcript,
    turn_list,
)
from unmoor.layouts.answers import is_message_list
from unmoor.layouts.changes import Change
from unmoor.layouts.layout import Layout
from unmoor.records import Conversation, Row

__all__ = ["KTO_KEYS", "LAYOUT", "unlabelled"]

KTO_KEYS = ("label", "kto_tag")
"""As TRL and Axolotl call the label, and as LLaMA-Factory does. One that is a number or a text is no trainer's."""
_LABELLED = (
    messages.LAYOUT,
    sharegpt.LAYOUT,
    prompt_completion.LAYOUT,
    alpaca.LAYOUT,
    turn_list.LAYOUT,
    exchange_list.LAYOUT,
    chat_list.LAYOUT,
    gemini.LAYOUT,
    segments.LAYOUT,
    transcript.LAYOUT,
)
"""What may stand beside a label, in the order in which rows without one are recognised."""


_NO_TRAINERS = (alpaca.LAYOUT, segments.LAYOUT, transcript.LAYOUT)
"""Beside which no trainer reads `label`: there it may be anybody's note on the row."""


def unlabelled(layout: Layout) -> Layout:
    """Return a layout that leaves the rows with a label to KTO's."""
    return replace(
        layout,
        recognises=lambda row: not _has_label(row, layout) and layout.recognises(row),
        is_plain=lambda row: not _has_label(row, layout) and layout.is_plain(row),
    )


def _has_label(row: Row, layout: Layout) -> bool:
    return isinstance(row.get("kto_tag"), bool) or (isinstance(row.get("label"), bool) and layout not in _NO_TRAINERS)


def _recognises(row: Row) -> bool:
    layout = _beside_label(row)
    return layout is not None and _has_label(row, layout)


def _beside_label(row: Row) -> Layout | None:
    """Return the layout of the rest of a row; a prompt and its completion are read even beside a list of messages."""
    if _is_pair(row):
        return prompt_completion.LAYOUT
    return next((layout for layout in _LABELLED if layout.recognises(row)), None)


def _is_pair(row: Row) -> bool:
    return all(isinstance(row.get(key), str) or is_message_list(row.get(key)) for key in ("prompt", "completion"))


def _read(row: Row) -> Conversation:
    """An undesirable answer (a label that is false) is what training moves away from: no target, so no finding."""
    conversation = (_beside_label(row) or messages.LAYOUT).read(row)
    if not any(row.get(key) is False for key in KTO_KEYS):
        return conversation
    return replace(conversation, turns=tuple(turn._replace(is_target=False) for turn in conversation.turns))


def _remove(row: Row, positions: tuple[int, ...]) -> tuple[Change, ...] | None:
    layout = _beside_label(row)
    return layout.remove(row, positions) if layout else None


def _mask(row: Row, position: int) -> tuple[Change, ...] | None:
    layout = _beside_label(row)
    return layout.mask(row, position) if layout else None


LAYOUT = Layout(
    "kto",
    "any other but preference, with a true or false label or kto_tag",
    _recognises,
    _read,
    _remove,
    _mask,
)
