"""HTTP from model servers that misbehave on the wire: each way of it is one plain error, and connections are used again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from unmoor.errors import ServiceError
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.connection import HELD_BYTES, MAX_HEAD_BYTES, Connections
from unmoor.serving.server.proxy import MAX_ANSWER_BYTES, Proxy

Answer = TypeVar("Answer")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MODELS = b'{"data": [{"id": "m"}]}'
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(MODELS) + MODELS
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
REQUEST = ChatRequest(model="m", messages=({"role": "user", "content": "x"},), sent=(), max_tokens=5, stream=True)


def talk(handler: Handler, work: Callable[[str], Awaitable[Answer]]) -> Answer:
    """Run a server that answers each connection as `handler` does, and work with its address."""

    async def both() -> Answer:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        try:
            return await work(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        finally:
            server.close()

    return asyncio.run(both())


def saying(content: bytes, *, stays: bool = False) -> Handler:
    """Return a handler that reads one request, says this and hangs up, or stays silent."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        if stays:
            await asyncio.sleep(5)
        writer.close()

    return handle


async def models(url: str) -> tuple[str, ...]:
    proxy = Proxy(url, silence_seconds=0.3)
    try:
        return await proxy.models()
    finally:
        await proxy.close()


async def stream(url: str) -> list[bytes]:
    proxy = Proxy(url, silence_seconds=0.3)
    try:
        return [data async for batch in proxy.stream(REQUEST) for data in batch.data]
    finally:
        await proxy.close()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"", "upstream_died"),
        (b"HTTP/1.1 200", "upstream_died"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "upstream_died"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"dat", "upstream_died"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "upstream_garbled"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "upstream_garbled"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * MAX_HEAD_BYTES, "upstream_garbled"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]", "upstream_garbled"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\xff\xfe\xfd", "upstream_garbled"),
        (b"HTTP/1.1 302 Found\r\nlocation: http://169.254.1.1/\r\ncontent-length: 0\r\n\r\n", "upstream_failed"),
        (b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", "upstream_failed"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_response_that_is_none_is_one_plain_error(said: bytes, code: str) -> None:
    with pytest.raises(ServiceError) as caught:
        talk(saying(said), models)
    assert (caught.value.status, caught.value.code) == (502, code)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"], ids=repr
)
def test_a_server_that_falls_silent_is_a_timeout(said: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        talk(saying(said, stays=True), models)
    assert (caught.value.status, caught.value.code) == (504, "upstream_timeout")


def test_nobody_at_the_port_is_unreachable() -> None:
    with pytest.raises(ServiceError) as caught:
        asyncio.run(models("http://127.0.0.1:9"))
    assert (caught.value.status, caught.value.code) == (502, "upstream_unreachable")


def test_a_body_without_a_stated_length_ends_with_the_connection() -> None:
    assert talk(saying(b"HTTP/1.0 200 OK\r\n\r\n" + MODELS), models) == ("m",)


@pytest.mark.parametrize("values", [b'{"data": 5}', b'{"data": [5, {"id": 6}, {}]}', b"{}"], ids=repr)
def test_a_list_of_models_of_another_form_is_empty(values: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(values)
    assert talk(saying(head + values), models) == ()


@pytest.mark.parametrize(
    "chunk",
    [b"[]", b"5", b'{"choices": {}}', b'{"choices": [5]}', b'{"choices": [{"delta": []}]}',
     b'{"choices": [{"delta": {"content": 5}}]}', b'{"choices": [{"message": {"content": "whole"}}]}',
     b'{"choices": [{"text": "of no chat"}]}', b'{"choices": [{"index": "0", "delta": {}}]}', b"not json"],
    ids=repr,
)  # fmt: skip
def test_a_piece_of_another_form_is_garbled_and_never_reaches_a_client(chunk: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        talk(saying(STREAM + b"data: " + chunk + b"\n\ndata: [DONE]\n\n"), stream)
    assert caught.value.code == "upstream_garbled"


OAK = b'data: {"choices": [{"index": 0, "delta": {"content": "Oak"}}]}\n\n'
USAGE = {"prompt_tokens": 1, "completion_tokens": 2}


@pytest.mark.parametrize(
    ("more", "chunk"),
    [
        (b'data: {"choices": [{"index": 0, "finish_reason": null, "content_filter_offsets": {}}]}\n\ndata: [DONE]\n\n',
         {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}, "delta": {}}]}),
        (b'data: {"choices": [{"index": 0, "delta": null, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n',
         {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        (b'data: {"choices": null, "usage": %s}\n\ndata: [DONE]\n\n' % json.dumps(USAGE).encode(),
         {"choices": [], "usage": USAGE}),
        (b'data: {"usage": %s}\n\ndata: [DONE]\n\n' % json.dumps(USAGE).encode(), {"usage": USAGE, "choices": []}),
        (b'data: {"choices": [{"delta": {"content": "!", "reasoning": [{"type": "text", "text": "Hm"}]}}]}\n\ndata: [DONE]\n\n',
         {"choices": [{"delta": {"content": "!", "reasoning": "Hm"}}]}),
        (b'data: {"choices": [{"delta": {"reasoning": {"summary": [{"text": "Hm"}]}}}]}\n\ndata: [DONE]\n\n',
         {"choices": [{"delta": {"reasoning": "Hm"}}]}),
        (b": a comment\n\ndata: \n\ndata:[DONE]", None),
        (b"data: [DONE] \n\n", None),
        (b'data: {"choices": [{"delta": {"content": "!"}, "error": null}]}\n\ndata: [DONE]\n\n',
         {"choices": [{"delta": {"content": "!"}, "error": None}]}),
    ],
    ids=["no delta", "null", "no choices", "usage alone", "parts beside a text", "one part", "no end of the line",
         "a blank behind the end", "no error"],
)  # fmt: skip
def test_what_model_servers_leave_out_of_a_piece_is_no_failure(more: bytes, chunk: dict[str, Any] | None) -> None:
    *_, last = [json.loads(data) for data in talk(saying(STREAM + OAK + more), stream)]
    assert last == (chunk or json.loads(OAK[6:]))


@pytest.mark.parametrize("is_stream", [False, True])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (b'{"error": {"message": "out of memory", "code": 500}}', "The model server failed: out of memory"),
        (b'{"choices": [], "error": "busy"}', "The model server failed: busy"),
        (b'{"object": "error", "message": "too long"}', "The model server failed: too long"),
        (b'{"error": {"code": 1}}', "The model server failed."),
        (
            b'{"choices": [{"index": 0, "error": {"message": "the provider timed out"}, "finish_reason": "error"}]}',
            "The model server failed: the provider timed out",
        ),
    ],
    ids=["object", "text", "flat", "no words", "in a choice"],
)
def test_an_error_with_status_200_is_told_in_the_server_s_words(values: bytes, words: str, is_stream: bool) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(values)

    async def whole(url: str) -> object:
        proxy = Proxy(url, silence_seconds=0.3)
        try:
            return await proxy.complete(REQUEST)
        finally:
            await proxy.close()

    with pytest.raises(ServiceError, match=words) as caught:
        talk(saying(head + values), stream if is_stream else whole)
    assert (caught.value.status, caught.value.code) == (502, "upstream_failed")


def test_an_error_in_a_choice_of_a_stream_is_told_after_what_came_before() -> None:
    late = b'data: {"choices": [{"delta": {"content": ""}, "error": {"message": "timed out"}, "finish_reason": "error"}]}\n\n'
    with pytest.raises(ServiceError, match="The model server failed: timed out"):
        talk(saying(STREAM + OAK + late), stream)


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(STREAM + b"data: ")
        try:
            for _ in range(1_000):
                writer.write(b"x" * 65_536)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    with pytest.raises(ServiceError) as caught:
        talk(handle, stream)
    assert caught.value.code == "upstream_garbled"


def test_a_whole_answer_without_bound_is_not_read_to_its_end() -> None:
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 1_048_576)
                sent += 1_048_576
                await writer.drain()
        except ConnectionError:
            writer.close()

    with pytest.raises(ServiceError):
        talk(handle, models)
    assert sent < 3 * MAX_ANSWER_BYTES


def test_a_body_is_read_no_faster_than_it_is_taken() -> None:
    sent = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
        try:
            while sent < 1_073_741_824:
                writer.write(b"x" * 65_536)
                sent += 65_536
                await writer.drain()
        except ConnectionError:
            writer.close()

    async def dawdle(url: str) -> None:
        connections = Connections(url, {}, most_idle=1, silence_seconds=5)
        async with connections.ask("GET", "/") as response:
            async for _ in response.pieces(5):
                await asyncio.sleep(0.5)
                break

    talk(handle, dawdle)
    assert sent < HELD_BYTES + 32 * 1_048_576, "the system's buffers, not ours, hold the rest"


def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_replaced() -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        for _ in range(3):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(OK)
        await reader.read(1)  # takes the fourth request's first byte and hangs up without a word
        writer.close()

    async def ask_often(url: str) -> list[int]:
        connections = Connections(url, {}, most_idle=4, silence_seconds=5)
        seen = []
        for _ in range(7):
            async with connections.ask("GET", "/") as response:
                assert b"".join([piece async for piece in response.pieces(5)]) == MODELS
            seen.append(opened)
        await connections.close()
        return seen

    assert talk(handle, ask_often) == [1, 1, 1, 2, 2, 2, 3]


def test_a_response_that_nobody_read_to_its_end_costs_its_connection() -> None:
    async def leave(url: str) -> int:
        connections = Connections(url, {}, most_idle=4, silence_seconds=5)
        async with connections.ask("GET", "/"):
            pass
        return connections.idle

    assert talk(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx", stays=True), leave) == 0
