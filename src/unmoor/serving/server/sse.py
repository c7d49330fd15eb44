"""From bytes off the wire to whole server-sent events, and back."""

from __future__ import annotations

from typing import Any

import orjson

from unmoor.serving.server.troubles import garbled

__all__ = ["DONE", "EventReader", "event_of"]

DONE = b"[DONE]"
MAX_EVENT_BYTES = 1024 * 1024
"""An event beyond this is no piece of an answer; a server that sends one endless line must not fill the memory."""


class EventReader:
    """Cuts a stream into the data of whole events; half an event is never given out."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that are whole now; comments and empty events are passed over.

        Raises:
            ServiceError: 502, a line that belongs to no event stream, or an event without end.
        """
        if b"\r" in piece:
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"")
        if self._held:
            piece = self._held + piece
        end = piece.rfind(_END)
        self._held = piece[end + 2 :] if end >= 0 else piece
        if len(self._held) > MAX_EVENT_BYTES:
            raise garbled()
        return _data_of(piece[:end]) if end >= 0 else []

    def ends_well(self) -> bool:
        """Return whether what is left says that the stream is done: some servers end that line, or event, with the connection."""
        return _data(self._held.rstrip()) == DONE if self._held.startswith(b"data:") else False


_END = b"\n\n"
_NEXT = b"\n\ndata: "
_MARK = b"\xef\xbb\xbf"
"""What some put before the first line of a text in UTF-8."""


def _data_of(events: bytes) -> list[bytes]:
    """Return the data of whole events; those that are all of one line are cut at once, as model servers send them."""
    if events.startswith(b"data: ") and events.count(b"\n") == 2 * events.count(_NEXT):
        return [data for data in events[6:].split(_NEXT) if data]
    return [data for event in events.split(_END) if (data := _data(event))]


def _data(event: bytes) -> bytes:
    lines = []
    for line in event.removeprefix(_MARK).split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"data":
            lines.append(value.removeprefix(b" "))
        elif name not in {b"", b"event", b"id", b"retry"}:
            raise garbled()
    return b" ".join(lines)  # a line break in JSON is a blank, and would end the line when the event is sent on


def event_of(value: dict[str, Any]) -> bytes:
    """Return a value as one event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"
