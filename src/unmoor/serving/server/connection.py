"""From a request to the model server's response, over HTTP/1.1 connections that stay open and are used again.

This does what a proxy needs and no more: one host, one request at a time on a connection, bodies read as they come and no
faster than they are taken. A general client costs a proxy more than everything else it does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from unmoor.errors import MissingExtraError, ServiceError
from unmoor.serving.server.troubles import died, garbled, silent, unreachable

if TYPE_CHECKING:
    import ssl

__all__ = ["Connections", "Response"]

CONNECT_SECONDS = 5.0
LAST_BYTES_SECONDS = 0.25
"""How long the end of a message may take to come once its meaning is known; the connection is closed otherwise."""
MAX_HEAD_BYTES = 64 * 1024
HELD_BYTES = 256 * 1024
"""What is read ahead of whoever takes the body; beyond it the upstream has to wait."""


class Response(asyncio.Protocol):
    """A connection and the response that is being read from it; the callbacks are httptools' names."""

    def __init__(self, new_parser: Any) -> None:
        self._new_parser = new_parser
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.is_open = True
        self._begin()

    def _begin(self) -> None:
        self._parser = self._new_parser(self)
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._received = 0
        self._is_paused = False
        self._trouble: ServiceError | None = None
        self.headers: dict[str, str] = {}
        self.status = 0
        self.is_whole = False
        self._is_another = False
        self._may_stay = False

    def send(self, head: bytes, body: bytes) -> None:
        """Begin a new exchange."""
        self._begin()
        assert self._transport is not None
        self._transport.write(head + body)

    async def head(self, seconds: float) -> None:
        """Wait for status and headers."""
        while not self.status:
            await self._more(seconds)
        if self._trouble is not None:
            raise self._trouble

    async def pieces(self, seconds: float) -> AsyncIterator[bytes]:
        """Yield the body as it comes; raise ServiceError when it breaks off or is silent for `seconds`."""
        while True:
            while self._pieces:
                piece = b"".join(self._pieces) if len(self._pieces) > 1 else self._pieces[0]
                self._pieces.clear()
                self._held = 0
                self._resume()
                yield piece
            if self.is_whole:
                return
            await self._more(seconds)

    async def to_end(self) -> None:
        """Read what is left, if it comes at once, so that the connection can be used again."""
        try:
            async for _ in self.pieces(LAST_BYTES_SECONDS):
                pass
        except ServiceError:
            self.close()

    @property
    def is_reusable(self) -> bool:
        """Say whether another request may be sent."""
        return self.is_open and self.is_whole and self._may_stay

    @property
    def has_received(self) -> bool:
        """Say whether any byte of the response came."""
        return self._received > 0

    def close(self) -> None:
        """Close at once: nobody wants the rest."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    async def _more(self, seconds: float) -> None:
        if self._trouble is not None:
            raise self._trouble
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        alarm = loop.call_later(
            seconds, self._on_silence, waiter
        )  # a third of the cost of asyncio.timeout, for every token
        try:
            await waiter
        finally:
            alarm.cancel()
            self._waiter = None

    def _on_silence(self, waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_exception(silent())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, trouble: ServiceError) -> None:
        self._trouble = self._trouble or trouble
        self.close()
        self._wake()

    def _resume(self) -> None:
        if self._is_paused and self._transport is not None and self.is_open:
            self._is_paused = False
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; bytes that nobody asked for end the connection."""
        import httptools

        self._received += len(data)
        if self.is_whole:
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.close() if self.is_whole else self._fail(garbled())
        if not self.status and self._received > MAX_HEAD_BYTES:
            self._fail(garbled())
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the response: whole if it had no stated length, broken otherwise."""
        self.is_open = False
        has_length = "content-length" in self.headers or "transfer-encoding" in self.headers
        if self.status and not has_length and exc is None:
            self.is_whole = True
        elif not self.is_whole:
            self._trouble = self._trouble or died()
        self._wake()

    def on_message_begin(self) -> None:
        """Pass over a second response in the same read, which nobody asked for."""
        self._is_another = self.is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note one header."""
        if self._is_another:
            return
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Note the status; 1xx responses come before the real one."""
        status = self._parser.get_status_code()
        if status < 200 or self._is_another:
            return
        self.status = status
        if self.headers.get("content-encoding", "identity").lower() != "identity":  # it was told to send none
            self._fail(garbled())

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        if self._is_another:
            return
        self._pieces.append(body)
        self._held += len(body)
        if self._held > HELD_BYTES and not self._is_paused and self._transport is not None and self.is_open:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """Note the end; a connection that says more than it was asked is not used again."""
        self.is_whole = self.status > 0
        self._may_stay = not self._is_another and bool(self._parser.should_keep_alive())


class Connections:
    """Open connections to one model server. How many work at a time is bounded by who asks; `most_idle` are kept for later."""

    def __init__(self, url: str, headers: dict[str, str], *, most_idle: int, silence_seconds: float) -> None:
        try:
            from httptools import HttpResponseParser
        except ImportError as error:
            raise MissingExtraError("Serving", "serve") from error
        parts = urlsplit(url)
        self._new_parser = HttpResponseParser
        self._is_secure = parts.scheme == "https"
        self._address = (parts.hostname or "", parts.port or (443 if self._is_secure else 80))
        self._base = parts.path
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in {"host": parts.netloc, **headers}.items())
        self._most_idle = most_idle
        self._silence_seconds = silence_seconds
        self._idle: list[Response] = []
        self._is_closed = False

    @property
    def idle(self) -> int:
        """Return how many connections are kept for later."""
        return len(self._idle)

    @asynccontextmanager
    async def ask(self, method: str, path: str, body: bytes = b"") -> AsyncIterator[Response]:
        """Yield a response whose head is read; its connection is kept if the body was read to its end, and closed if not.

        Raises:
            ServiceError: 502 or 504, whatever went wrong on the way.
        """
        response = await self._asked(method, path, body)
        try:
            yield response
        finally:
            if response.is_reusable and len(self._idle) < self._most_idle and not self._is_closed:
                self._idle.append(response)
            else:
                response.close()

    async def close(self) -> None:
        """Close what is kept."""
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()

    async def _asked(self, method: str, path: str, body: bytes) -> Response:
        """Send a request; one that met a connection which was just being closed is sent again on a new one."""
        head = f"{method} {self._base}{path} HTTP/1.1\r\n{self._lines}content-length: {len(body)}\r\n\r\n".encode(
            "latin-1"
        )
        while True:
            used = self._kept()
            response = used or await self._new()
            try:
                response.send(head, body)
                await response.head(self._silence_seconds)
            except BaseException as error:
                response.close()
                if used and not response.has_received and isinstance(error, ServiceError) and error.status == 502:
                    continue
                raise
            return response

    def _kept(self) -> Response | None:
        while self._idle:
            response = self._idle.pop()
            if response.is_open:
                return response
        return None

    async def _new(self) -> Response:
        context = self._context() if self._is_secure else None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                loop = asyncio.get_running_loop()
                _, made = await loop.create_connection(lambda: Response(self._new_parser), *self._address, ssl=context)
        except OSError as error:  # as TimeoutError and ssl.SSLError are
            raise unreachable() from error
        return made

    def _context(self) -> ssl.SSLContext:
        import ssl

        return ssl.create_default_context()
