"""What somebody tries who means harm, with and without a key: on the wire, in paths and headers, through a model server's words."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.serving.server.running import SECRET, Running, running_service, wait_until
from tests.serving.server.test_bad_input import HELLO, post
from tests.serving.server.test_connection import STREAM, models, saying, stream, talk
from tests.serving.server.test_serve_command import LONG, started
from tests.serving.server.upstream_app import Upstream
from tests.serving.server.word_guard import WordGuard
from unmoor.errors import ServiceError
from unmoor.serving.server import Limits, Proxy, Rules
from unmoor.serving.server.protocol import MAX_HEAD_BYTES

KEY = {"authorization": f"Bearer {SECRET}"}
CANARY = "canary-4711"


def connect(server: Running) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def said_to(server: Running, raw: bytes) -> bytes:
    """Return all that the server says to these bytes until it hangs up or is silent for a moment."""
    with connect(server) as connection:
        connection.sendall(raw)
        connection.settimeout(1.0)
        said = b""
        try:
            while piece := connection.recv(65_536):
                said += piece
        except OSError:  # silent for long enough, or hung up on with bytes of ours unread
            pass
        return said


def head(server: Running, line: str = "GET /v1/models HTTP/1.1", *more: str) -> bytes:
    host = server.url.removeprefix("http://")
    return "\r\n".join([line, f"host: {host}", f"authorization: Bearer {SECRET}", *more, "", ""]).encode("latin-1")


# On the wire, before anybody has shown a key.


TRAILERS = b"GET /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (b"GET / HTTP/1.1\r\nx: ", b"a" * 65_536),
        (TRAILERS, b"x: y\r\n" * 10_000),
        (TRAILERS + b"x: ", b"a" * 65_536),
    ],
    ids=["header", "trailers", "trailer"],
)
def test_a_header_without_end_fills_no_memory(server: Running, start: bytes, more: bytes) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with connect(server) as connection:
        connection.sendall(start)
        sent = 0
        with pytest.raises(OSError):
            while sent < 64 * 1_048_576:
                connection.sendall(more)
                sent += len(more)
        assert sent < 32 * 1_048_576, "the system's buffers, not ours, took the rest"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1_024
    assert post(server, HELLO).status_code == 200


@pytest.mark.parametrize("start", ["GET /" + "a" * MAX_HEAD_BYTES, "GET / HTTP/1.1\r\n" + "x: y\r\n" * 20_000])
def test_a_head_that_is_too_long_is_a_431(server: Running, start: str) -> None:
    said = said_to(server, start.encode())
    assert said.startswith(b"HTTP/1.1 431 ") and b"request_header_too_large" in said


@pytest.mark.parametrize(
    ("start", "status"), [(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000, b"431"), (b"no such thing\r\n\r\n", b"400")]
)
def test_a_client_that_is_still_sending_can_read_why_it_was_turned_away(
    server: Running, start: bytes, status: bytes
) -> None:
    with connect(server) as connection:
        connection.sendall(start)
        for _ in range(3):
            time.sleep(0.1)
            connection.sendall(b"x: y\r\n" * 1_000)
        connection.settimeout(10)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 " + status)


def test_requests_in_a_row_are_answered_and_more_than_anybody_sends_are_not(server: Running) -> None:
    assert said_to(server, head(server) * 20).count(b"HTTP/1.1 200 OK") == 20
    said = said_to(server, head(server) * 500)
    assert b"HTTP/1.1 400 " in said and said.count(b"HTTP/1.1 200 OK") < 100


def test_what_follows_a_request_and_is_none_ends_the_connection_without_a_trace(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for raw in (head(server) + b"no such thing\r\n\r\n", head(server) * 3 + b"\x00" * 100):
        assert b"HTTP/1.1 " in said_to(server, raw)
    assert post(server, HELLO).status_code == 200
    assert "Exception" not in caplog.text and "Traceback" not in caplog.text


@pytest.mark.parametrize("begun", [b"", b"GET /v1/models HTTP/1.1\r\nhost: "])
def test_a_client_that_never_finishes_its_head_is_hung_up_on(upstream_url: str, begun: bytes) -> None:
    with running_service(Proxy(upstream_url), limits=Limits(head_seconds=0.3)) as server, connect(server) as connection:
        connection.sendall(begun)
        assert connection.recv(4_096) == b""
        assert post(server, HELLO).status_code == 200


def test_a_connection_that_is_used_again_has_its_time_anew(upstream_url: str) -> None:
    limits = Limits(head_seconds=0.5)
    with running_service(Proxy(upstream_url), limits=limits) as server, httpx.Client(base_url=server.url) as client:
        for _ in range(4):
            assert client.get("/v1/models", headers=KEY).status_code == 200
            time.sleep(0.3)


@pytest.mark.parametrize(
    "more",
    [
        ("content-length: 5", "content-length: 6"),
        ("content-length: 5", "transfer-encoding: chunked"),
        ("transfer-encoding: chunked", "transfer-encoding: identity"),
        ("transfer-encoding: xchunked",),
        ("content-length: +5",),
        ("content-length: 5, 5",),
        ("content-length: 0x5",),
        (" folded: x",),
        ("a b: x",),
        ("content-length : 5",),
    ],
    ids=repr,
)
def test_a_body_whose_length_is_in_doubt_begins_no_second_request(
    server: Running, upstream: Upstream, more: tuple[str, ...]
) -> None:
    hidden = json.dumps({**HELLO, "messages": [{"role": "user", "content": "hidden"}]}).encode()
    second = head(server, "POST /v1/chat/completions HTTP/1.1", f"content-length: {len(hidden)}") + hidden
    said = said_to(server, head(server, "POST /v1/chat/completions HTTP/1.1", *more) + b"0\r\n\r\n" + second)
    assert said.count(b"HTTP/1.1 ") <= 1
    assert b" 200 OK" not in said
    assert not upstream.bodies


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT evil.example:443 HTTP/1.1",
        "GET http://evil.example/v1/models HTTP/1.1",
        "PRI * HTTP/2.0",
        "OPTIONS * HTTP/1.1",
    ],
)
def test_nothing_is_fetched_for_anybody(server: Running, line: str) -> None:
    said = said_to(server, head(server, line))
    assert b"evil" not in said.partition(b"\r\n\r\n")[2].replace(b"evil.example:443", b"")
    assert said.count(b"HTTP/1.1 ") <= 1


def test_an_upgrade_is_not_taken(server: Running) -> None:
    said = said_to(
        server,
        head(server, "GET /v1/models HTTP/1.1", "connection: Upgrade", "upgrade: websocket", "sec-websocket-key: x"),
    )
    assert b" 101 " not in said


@pytest.mark.slow
def test_a_thousand_heads_that_trickle_hold_nobody_up(upstream_url: str) -> None:
    async def trickle(server: Running) -> tuple[int, int]:
        host, port = server.url.removeprefix("http://").split(":")
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(1_000)]
        for _, writer in opened:
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nx: ")
        response = await asyncio.to_thread(post, server, HELLO)
        ends = await asyncio.gather(*(asyncio.wait_for(reader.read(), 20) for reader, _ in opened))
        for _, writer in opened:
            writer.close()
        return response.status_code, len(ends)

    with running_service(Proxy(upstream_url), limits=Limits(head_seconds=5.0)) as server:
        assert asyncio.run(trickle(server)) == (200, 1_000)
        wait_until(lambda: not server.server.server_state.connections)


def test_a_client_that_leaves_with_another_request_behind_its_stream_stops_the_model_server(
    server: Running, upstream: Upstream
) -> None:
    upstream.delay_seconds = 0.05
    body = json.dumps(
        {**HELLO, "messages": [{"role": "user", "content": "says " + "x" * 500}], "stream": True}
    ).encode()
    first = head(server, "POST /v1/chat/completions HTTP/1.1", f"content-length: {len(body)}") + body
    with connect(server) as connection:
        connection.sendall(first + head(server))
        connection.recv(1_024)
        wait_until(lambda: upstream.streaming == 1)
    wait_until(lambda: upstream.streaming == 0 and server.service.gate.inside == 0)
    assert "unmoor_hangups_total 1" in server.service.metrics.text({})


# Keys and paths.


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models?api_key={}",
        "/v1/models?key={}",
        "/v1/models?authorization=Bearer%20{}",
        "/healthz/../v1/models",
        "/healthz%2f..%2fv1/models",
        "//healthz",
        "/healthz;/v1/models",
        "/./healthz",
        "/healthz%00",
        "/v1/../healthz",
        "/%2e/healthz",
        "/healthz\\..\\v1\\models",
        "/v1/models#/healthz",
    ],
)
def test_no_path_stands_in_for_a_key(server: Running, path: str) -> None:
    host = server.url.removeprefix("http://")
    raw = f"GET {path.format(SECRET)} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    assert said_to(server, raw).startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 "))


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer ключ".encode(),
        b"Bearer \xff\xfe",
        f"Bearer {SECRET}\u0301".encode(),
        f"Bearer {SECRET}".replace("a", "\uff41").encode(),
        f"bearer\t{SECRET}".encode(),
        f"Bearer {SECRET}, Bearer {SECRET}".encode(),
        b"Bearer " + b"a" * 30_000,
        SECRET.upper().encode(),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_key_that_only_looks_like_one_opens_nothing(server: Running, sent: bytes) -> None:
    response = httpx.get(f"{server.url}/v1/models", headers=[(b"authorization", sent)])
    assert response.status_code == 401
    assert response.json()["error"]["code"] in {None, "invalid_api_key"}


@pytest.mark.parametrize("name", ["x-api-key", "api-key", "x-forwarded-authorization", "proxy-authorization", "cookie"])
def test_a_key_counts_in_its_own_header_only(server: Running, name: str) -> None:
    assert httpx.get(f"{server.url}/v1/models", headers={name: f"Bearer {SECRET}"}).status_code == 401


def test_what_a_client_says_of_its_way_here_changes_nothing(server: Running, upstream: Upstream) -> None:
    claims = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "evil.example",
        "x-original-url": "/metrics",
        "x-http-method-override": "GET",
    }
    response = httpx.post(
        f"{server.url}/v1/chat/completions", headers={**KEY, **claims, "openai-organization": CANARY}, json=HELLO
    )
    assert response.status_code == 200
    assert not set(upstream.headers[0]) & {*claims, "openai-organization"}


# What is written down.


def test_no_word_of_a_prompt_nor_a_key_is_printed_or_logged_whatever_goes_wrong(
    upstream_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "guard.jsonl"
    policy = tmp_path / "house.toml"
    policy.write_text(
        'name = "house"\nversion = 1\nextends = "dolphin"\n[guard.answer]\n"identity.vendor" = "refuse"\n'
    )
    arguments = (upstream_url, "--policy", str(policy), "--guard-log", str(log))
    with started(*arguments, UNMOOR_API_KEY=LONG) as (said, _):
        headers = {"authorization": f"Bearer {LONG}"}
        words = [
            "die",
            "half",
            "late-error",
            "fail",
            "page",
            "noise",
            "unended",
            "says I am ChatGPT, made by OpenAI.",
            "the synthesis of sarin,",
        ]
        for word in words:
            for stream in (False, True):
                body = {
                    "model": "echo",
                    "stream": stream,
                    "messages": [{"role": "user", "content": f"{word} {CANARY}"}],
                }
                httpx.post(f"{said['url']}/chat/completions", json=body, headers=headers)
        for body in (b"{" + CANARY.encode(), json.dumps({CANARY: 1}).encode()):
            httpx.post(f"{said['url']}/chat/completions", content=body, headers=headers)
        httpx.get(f"{said['url']}/models", headers={"authorization": f"Bearer {CANARY}"})
    assert CANARY not in log.read_text() and log.read_text().count("\n") >= 4
    assert CANARY not in said["printed"] and LONG not in said["printed"]


def test_a_name_with_line_breaks_forges_no_line_of_a_log(server: Running) -> None:
    forged = 'echo"}\n{"at": "now", "action": "allow"'
    response = post(server, {**HELLO, "model": forged})
    assert response.status_code == 404 and "\n" not in response.text.strip()
    metrics = httpx.get(f"{server.url}/metrics", headers=KEY).text
    assert "allow" not in [line.partition(" ")[0] for line in metrics.splitlines()]


# Through the model's own words, and a model server that means harm.


@pytest.mark.parametrize(
    "words",
    [
        'x\n\ndata: {"choices": []}\n\ndata: [DONE]\n\n',
        "a\r\n\r\nb",
        "a\u2028b\u2029c\u0085d",
        "data: [DONE]",
        "\x00\x1b[2J",
        "</script>",
        '"}]}',
    ],
    ids=repr,
)
@pytest.mark.parametrize("guarded", [False, True])
def test_no_words_of_a_model_end_or_forge_an_event(upstream_url: str, words: str, guarded: bool) -> None:
    options: dict[str, Any] = {"guard": WordGuard("never said")} if guarded else {}
    with running_service(Proxy(upstream_url), **options) as server:
        client = openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0)
        messages: list[Any] = [{"role": "user", "content": f"says {words}"}]
        with client:
            chunks = list(client.chat.completions.create(model="echo", messages=messages, stream=True))
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == words


def test_an_event_of_several_lines_stays_one_event() -> None:
    broken = b'data: {"choices": [{"index": 0,\ndata:  "delta": {"content": "x"}}]}\n\ndata: [DONE]\n\n'
    [data] = talk(saying(STREAM + broken), stream)
    assert b"\n" not in data and json.loads(data)["choices"][0]["delta"] == {"content": "x"}


def test_a_second_response_that_nobody_asked_for_is_not_read_as_more_of_the_first() -> None:
    body = b'{"data": [{"id": "m"}]}'
    one = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    forged = one.replace(b'"m"', b'"z"')
    assert talk(saying(one + forged), models) == ("m",)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 23\r\n\r\n" + b'{"data": [{"id": "m"}]}',
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{}   ",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        b"HTTP/2 200\r\n\r\n{}",
    ],
    ids=lambda value: repr(value)[:70],
)
def test_a_response_in_another_form_than_was_asked_for_is_an_error(said: bytes) -> None:
    with pytest.raises(ServiceError) as caught:
        talk(saying(said), models)
    assert caught.value.code in {"upstream_garbled", "upstream_died"}


@pytest.mark.parametrize(
    "kind", [b"application/json", b"text/html", b"text/plain", b"application/octet-stream", b"text/event-stream2"]
)
def test_a_stream_of_another_kind_is_garbled(kind: bytes) -> None:
    said = b"HTTP/1.1 200 OK\r\ncontent-type: " + kind + b'\r\n\r\ndata: {"choices": []}\n\ndata: [DONE]\n\n'
    with pytest.raises(ServiceError) as caught:
        talk(saying(said), stream)
    assert caught.value.code == "upstream_garbled"


async def until_a_stream_is_asked_for(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET"):
        writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 26\r\n\r\n{"data": [{"id": "echo"}]}')


CALLS = b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": "%s"}}]}}]}\n\n' % (
    b"x" * 9_000
)


@pytest.mark.parametrize(
    ("said", "status", "end"),
    [
        (b'data: {"choices": [], "usage": {}}\n\ndata: [DONE]\n\n', 200, b"data: [DONE]\n\n"),
        (b"data: [DONE]\n\n", 200, b"data: [DONE]\n\n"),
        (CALLS * 3_000 + b"data: [DONE]\n\n", 502, b"upstream_garbled"),
    ],
    ids=["count", "nothing", "calls without end"],
)
def test_a_stream_of_nothing_ends_well_and_calls_are_not_held_without_end(said: bytes, status: int, end: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_a_stream_is_asked_for(reader, writer)
        writer.write(STREAM + said)
        writer.close()

    async def ask(url: str) -> tuple[int, bytes]:
        with running_service(Proxy(url), guard=WordGuard()) as server:
            response = await asyncio.to_thread(post, server, {**HELLO, "stream": True})
            return response.status_code, response.content

    got, content = talk(handle, ask)
    assert got == status and end in content


@pytest.mark.parametrize("piece", [b": ping\n\n", b'data: {"choices": [{"index": 0, "delta": {"content": "x"}}]}\n\n'])
def test_a_model_server_that_never_ends_is_ended(piece: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until_a_stream_is_asked_for(reader, writer)
        writer.write(STREAM)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            writer.close()

    async def ask(url: str) -> bytes:
        with running_service(Proxy(url), limits=Limits(answer_seconds=0.5)) as server:
            response = await asyncio.to_thread(post, server, {**HELLO, "stream": True})
            return response.content

    assert b"answer_timeout" in talk(handle, ask)


@pytest.fixture
def guarded(upstream_url: str) -> Iterator[openai.OpenAI]:
    """A guarded server that allows tools."""
    with (
        running_service(Proxy(upstream_url), guard=WordGuard(), rules=Rules(tools=True)) as server,
        openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0) as client,
    ):
        yield client


@pytest.mark.parametrize("stream", [False, True])
def test_a_guarded_answer_that_comes_in_one_read_is_whole(guarded: openai.OpenAI, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "says a kit" + "\u200bten and a kit-ten"}]
    answer: Any = guarded.chat.completions.create(model="echo", messages=messages, stream=stream)
    said = "".join(c.choices[0].delta.content or "" for c in answer) if stream else answer.choices[0].message.content
    assert said == "a kit\u200bten and a kit-ten"
