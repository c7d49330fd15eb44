"""From what the server says to ASGI messages, and from ASGI messages to a body of bounded size."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass
from typing import Any

import orjson

from unmoor.errors import ServiceError
from unmoor.serving.server.limits import Limits, overloaded

__all__ = [
    "Application",
    "Bodies",
    "Receive",
    "Scope",
    "Send",
    "header",
    "send_error",
    "send_json",
    "start_stream",
    "unless_gone",
]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_ALWAYS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


def header(scope: Scope, name: bytes) -> str | None:
    """Return the value of a header; None if it is missing or was sent more than once."""
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else None


async def send_json(send: Send, status: int, value: object, headers: dict[str, str] | None = None) -> None:
    """Send a whole JSON answer."""
    body = orjson.dumps(value)
    named = [(name.encode(), words.encode("latin-1", "replace")) for name, words in (headers or {}).items()]
    size = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*size, *_ALWAYS, *named]})
    await send({"type": "http.response.body", "body": body})


async def send_error(send: Send, error: ServiceError, request_id: str) -> None:
    """Send an error as OpenAI's service does; after a body that was not read to its end the connection closes."""
    headers = {"x-request-id": request_id}
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"
    if error.status in {401, 408, 413, 421}:
        headers["connection"] = "close"
    await send_json(send, error.status, error.body(), headers)


async def start_stream(send: Send, request_id: str) -> None:
    """Send the head of an event stream, which nothing on the way may hold back."""
    headers = [
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"x-accel-buffering", b"no"),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": [*headers, *_ALWAYS]})


@dataclass(slots=True)
class Bodies:
    """Reads bodies, and holds only so many bytes of all connections together."""

    limits: Limits
    held_bytes: int = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """Return a body.

        Raises:
            ServiceError: 413 too large, 408 too slow, 503 too many at a time, 400 the client left.
        """
        declared = header(scope, b"content-length") or "0"
        if declared.isdigit() and int(declared) > self.limits.body_bytes:
            raise self._too_large()
        pieces: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ServiceError(400, "The request ended before its body was whole.", code="incomplete_body")
                    piece = message.get("body", b"")
                    size += len(piece)
                    self.held_bytes += len(piece)
                    pieces.append(piece)
                    if size > self.limits.body_bytes:
                        raise self._too_large()
                    if self.held_bytes > self.limits.all_bodies_bytes:
                        raise overloaded()
                    if not message.get("more_body"):
                        return b"".join(pieces)
        except TimeoutError as error:
            raise ServiceError(408, "The request's body took too long to arrive.", code="request_timeout") from error
        finally:
            self.held_bytes -= size

    def _too_large(self) -> ServiceError:
        return ServiceError(
            413,
            f"The request is too large: this server takes bodies of {self.limits.body_bytes} bytes.",
            code="request_too_large",
        )


async def unless_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` while the client is there, and stop it when the client leaves; say whether it was done.

    The work is done by the task that asks, and only the watching is a task of its own: a task costs as much as reading a request.
    """
    doing = asyncio.current_task()
    assert doing is not None
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        while (await receive())["type"] != "http.disconnect":
            pass
        has_left = True
        doing.cancel()

    watching = asyncio.create_task(watch())
    try:
        await work
        return True
    except asyncio.CancelledError:
        if not has_left or doing.uncancel() > 0:  # somebody else cancelled: the server ends
            raise
        return False
    finally:
        watching.cancel()
