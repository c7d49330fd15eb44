"""From a connection to requests whose head came in time and in size; the rest is uvicorn's.

Uvicorn bounds neither: a client without a key could send one header for ever, or never end it, and hold memory and connections.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from unmoor.errors import ServiceError

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

    _Base = HttpToolsProtocol
else:
    _Base = object  # the library loads on use: `patient_protocol` puts it underneath

__all__ = ["MAX_HEAD_BYTES", "patient_protocol"]

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together, of a head that comes in several reads, or headers after a body; the usual servers take 8 to
32 KiB.
"""
MOST_PIPELINED = 64
"""Requests that may wait on one connection while another is answered; clients send one, and each waiting one holds memory."""
_DROPPED_BYTES, _DROPPED_SECONDS = 2**20, 2.0
"""What is taken and dropped after the last answer: a connection that is closed with bytes unread is reset, and the answer lost."""


def patient_protocol(head_seconds: float) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol, which hangs up on clients whose head is too long or takes longer than this."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    return type("Patient", (_Patience, HttpToolsProtocol), {"head_seconds": head_seconds})


class _Patience(_Base):
    head_seconds = 0.0
    _alarm: asyncio.TimerHandle | None = None
    _is_in_head = True
    _is_moving = False
    """Whether what is being read has ended a head or a message, or brought some of a body."""
    _still_bytes = 0
    """What came since in reads that brought nothing: of a head, of the headers after a body, between messages."""
    _running: RequestResponseCycle | None = None
    """What is being answered; `cycle` is the newest that was asked, which may wait behind it."""
    _may_drop: int | None = None
    """Bytes that may still come once all is said; None before that."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)
        self._leave()

    def data_received(self, data: bytes) -> None:
        if self._may_drop is not None:
            self._may_drop -= len(data)
            if self._may_drop < 0:
                self.transport.close()
            return
        self._is_moving = False
        super().data_received(data)
        self._still_bytes = 0 if self._is_moving else self._still_bytes + len(data)
        if self._still_bytes > MAX_HEAD_BYTES and self._may_drop is None:
            self._say_last(_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._begin_head()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_head:  # those after a body say nothing that is wanted
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._end_head()
        self._is_moving = True
        if len(self.pipeline) >= MOST_PIPELINED:
            raise ValueError("too many requests in a row")  # which ends the parsing: a 400
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle

    def on_body(self, body: bytes) -> None:
        self._is_moving = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_moving = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._running = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        self._say_last(_answer(400, "Bad Request", ServiceError(400, msg, code="invalid_request")))

    def _say_last(self, answer: bytes) -> None:
        """Answer, unless another answer has begun, and hang up once the client has read it, or sent or waited too long."""
        self._end_head()
        self._may_drop = _DROPPED_BYTES
        has_begun = self._running is not None and self._running.response_started
        self._leave()
        if has_begun:
            self.transport.close()
            return
        self.transport.write(answer)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        asyncio.get_running_loop().call_later(_DROPPED_SECONDS, self.transport.close)

    def _leave(self) -> None:
        """Let what is being answered know that nobody is there any more, and begin nothing that waits behind it."""
        self.pipeline.clear()
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _begin_head(self) -> None:
        self._end_head()
        self._is_in_head = True
        self._alarm = asyncio.get_running_loop().call_later(self.head_seconds, self.transport.close)

    def _end_head(self) -> None:
        self._is_in_head = False
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _answer(status: int, words: str, error: ServiceError) -> bytes:
    body = orjson.dumps(error.body())
    head = f"HTTP/1.1 {status} {words}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


_TOO_LARGE = _answer(
    431,
    "Request Header Fields Too Large",
    ServiceError(431, f"Headers may have {MAX_HEAD_BYTES} bytes together.", code="request_header_too_large"),
)
