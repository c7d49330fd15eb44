"""From one POST to `/v1/chat/completions` to its answer: counted, read, checked, ruled on, answered, and stopped if nobody waits.

Errors that come before the first byte of an answer have their own status. After it, an error is the stream's last event, and the
stream then ends without `[DONE]`: a client never takes half an answer for a whole one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from unmoor.errors import ServiceError
from unmoor.serving.guard import Ruling
from unmoor.serving.server.chat_request import ChatRequest, parse_chat
from unmoor.serving.server.guarded_answer import guard_stream, guard_whole
from unmoor.serving.server.keys import Key
from unmoor.serving.server.oversight import GUARD_ERROR
from unmoor.serving.server.service import Service
from unmoor.serving.server.sse import DONE, event_of
from unmoor.serving.server.tally import Tally
from unmoor.serving.server.upstream import Batch
from unmoor.serving.server.wire import Receive, Scope, Send, send_error, send_json, start_stream, unless_gone

__all__ = ["ChatEndpoint"]

LAST_WORDS_SECONDS = 2.0
_LOG = logging.getLogger(__name__)
_NOTHING = Batch((), ())
_SHUTDOWN = ServiceError(503, "The server is shutting down.", kind="server_error", code="shutdown")
_INTERNAL = ServiceError(500, "The server had an error while answering.", kind="server_error", code="internal_error")


@dataclass(slots=True)
class _Call:
    """One request on its way: who asked, when its body was whole, and what was sent."""

    request_id: str
    key: Key
    send: Send
    started: float = 0.0
    status: int = 0
    form: str = "whole"


class ChatEndpoint:
    """The ASGI application behind the one path that answers chats."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = _Call(scope["unmoor.request_id"], scope["unmoor.key"], send)
        metrics = self._service.metrics
        try:
            is_done = await self._handle(call, scope, receive)
            if not is_done:
                metrics.count("unmoor_hangups_total")
        except ServiceError as error:
            call.status = error.status
            await send_error(send, error, call.request_id)
        except Exception:
            _LOG.exception("request %s failed", call.request_id)
            call.status = 500
            await send_error(send, _INTERNAL, call.request_id)
        metrics.count("unmoor_requests_total", key=call.key.name, form=call.form, status=str(call.status or "left"))

    async def _handle(self, call: _Call, scope: Scope, receive: Receive) -> bool:
        """Answer, or raise before anything was sent; say whether the client was there to the end."""
        service = self._service
        service.allowance(call.key).take()
        body = await service.bodies.read(scope, receive)
        call.started = time.monotonic()
        request = parse_chat(body, service.rules, service.limits)
        call.form = "stream" if request.stream else "whole"
        _check_guardable(request, watches_answers=service.oversight.watches_answers)
        return await unless_gone(receive, self._answer(call, request))

    async def _answer(self, call: _Call, request: ChatRequest) -> None:
        service = self._service
        await service.check_model(request.model)
        async with service.gate.turn():
            ruling = await service.oversight.request_apart(request, call.request_id, call.key.name)
            if ruling.action == "refuse":
                await self._refuse(call, request, ruling)
                return
            if ruling.action == "note" and ruling.words:
                request = request.with_note(ruling.words)
            tally = Tally(request)
            try:
                await (self._stream if request.stream else self._whole)(call, request, tally)
            finally:
                if call.status:
                    service.charge(call.key, tally.usage())

    async def _whole(self, call: _Call, request: ChatRequest, tally: Tally) -> None:
        oversight = self._service.oversight
        try:
            async with asyncio.timeout(self._service.limits.answer_seconds):
                answer = await self._service.upstream.complete(request)
        except TimeoutError as error:
            raise _too_long() from error
        tally.whole(answer)
        if oversight.watches_answers:
            answer = await guard_whole(answer, lambda: oversight.watch(request, call.request_id, call.key.name))
        self._first_piece(call)
        await send_json(call.send, 200, {**answer, "usage": tally.usage()}, {"x-request-id": call.request_id})
        self._last_piece(call)

    async def _stream(self, call: _Call, request: ChatRequest, tally: Tally) -> None:
        """Stream an answer; the first piece is awaited before the head is sent, so that early errors have their status."""
        try:
            async with (
                asyncio.timeout(self._service.limits.answer_seconds),
                aclosing(self._events(call, request, tally)) as batches,
            ):
                first = await _first(batches)
                self._first_piece(call)
                await start_stream(call.send, call.request_id)
                await _send_events(call.send, first)
                async for batch in batches:
                    await _send_events(call.send, batch)
                last = event_of(tally.last_chunk()) if request.include_usage else b""
                await call.send({"type": "http.response.body", "body": last + b"data: " + DONE + b"\n\n"})
        except TimeoutError:
            await self._fail(call, _too_long())
        except ServiceError as error:
            await self._fail(call, error)
        except asyncio.CancelledError:  # the client left, or the server's time to finish streams is over
            if call.status:
                await _send_last(call.send, _SHUTDOWN)
            raise
        except Exception:
            _LOG.exception("the stream of request %s failed", call.request_id)
            await self._fail(call, _INTERNAL)
        self._last_piece(call)

    def _events(self, call: _Call, request: ChatRequest, tally: Tally) -> AsyncGenerator[Batch, None]:
        oversight = self._service.oversight
        events = tally.over(self._service.upstream.stream(request))
        if not oversight.watches_answers:
            return events
        return guard_stream(events, lambda: oversight.watch(request, call.request_id, call.key.name), request.n)

    async def _refuse(self, call: _Call, request: ChatRequest, ruling: Ruling) -> None:
        """Answer with the owner's words, as the model would have: an ordinary completion, or a stream of one piece."""
        reason = "content_filter" if ruling.rule == GUARD_ERROR else "stop"
        head = {"id": f"chatcmpl-{call.request_id}", "created": int(time.time()), "model": request.model}
        usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        said = {"role": "assistant", "content": ruling.words}
        part = "delta" if request.stream else "message"
        choices = [{"index": index, part: said, "finish_reason": reason} for index in range(request.n)]
        self._first_piece(call)
        if not request.stream:
            whole = {**head, "object": "chat.completion", "choices": choices, "usage": usage}
            await send_json(call.send, 200, whole, {"x-request-id": call.request_id})
            return
        head["object"] = "chat.completion.chunk"
        chunks = [{**head, "choices": [choice]} for choice in choices]
        if request.include_usage:
            chunks.append({**head, "choices": [], "usage": usage})
        await start_stream(call.send, call.request_id)
        content = b"".join(map(event_of, chunks)) + b"data: " + DONE + b"\n\n"
        await call.send({"type": "http.response.body", "body": content})

    async def _fail(self, call: _Call, error: ServiceError) -> None:
        """End a stream that began with an error event; raise the error where nothing was sent yet."""
        if not call.status:
            raise error
        self._service.metrics.count("unmoor_failed_streams_total", code=error.code or "error")
        await _send_last(call.send, error)

    def _first_piece(self, call: _Call) -> None:
        call.status = 200
        self._service.metrics.observe("unmoor_first_piece_seconds", time.monotonic() - call.started)

    def _last_piece(self, call: _Call) -> None:
        self._service.metrics.observe("unmoor_answer_seconds", time.monotonic() - call.started)


def _check_guardable(request: ChatRequest, *, watches_answers: bool) -> None:
    """Refuse what would show words that the guard does not see: tokens that were not taken, and the text token by token."""
    if watches_answers and request.options.get("logprobs"):
        raise ServiceError(
            400,
            "Unsupported value: 'logprobs': the guard of this server watches answers, and log probabilities would show "
            "words that it has not seen.",
            param="logprobs",
            code="unsupported_value",
        )


async def _first(batches: AsyncGenerator[Batch, None]) -> Batch:
    """Return the first batch; that of an empty answer is empty. (`anext` with a default fails on a generator that ends at once.)"""
    async for batch in batches:
        return batch
    return _NOTHING


async def _send_events(send: Send, batch: Batch) -> None:
    if batch.data:
        content = b"data: " + b"\n\ndata: ".join(batch.data) + b"\n\n"
        await send({"type": "http.response.body", "body": content, "more_body": True})


async def _send_last(send: Send, error: ServiceError) -> None:
    """Say in mid-stream what went wrong, and end without `[DONE]`; a client that reads nothing is not waited for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await send({"type": "http.response.body", "body": event_of(dict(error.body()))})


def _too_long() -> ServiceError:
    return ServiceError(504, "The answer took too long.", kind="server_error", code="answer_timeout")
