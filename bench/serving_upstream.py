"""A model server without a model, as fast as Python allows: from a prompt to its SHA-256 as a stream of tokens, at a set pace.

Run as `python bench/serving_upstream.py PORT TOKENS MILLISECONDS`: so many tokens an answer, so long between two of them (0: all at
once). It speaks just enough HTTP/1.1 for a load generator and a proxy.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from typing import Any

import httptools

MODELS = b'{"object":"list","data":[{"id":"echo","object":"model"}]}'


def answer_to(prompt: str, tokens: int) -> list[str]:
    """Return the tokens of the answer to a prompt: anybody can check whose answer it is."""
    digest = hashlib.sha256(prompt.encode()).hexdigest()
    return [f"{digest[at * 4 % 64 : at * 4 % 64 + 4]}{'.' if at % 8 == 7 else ''} " for at in range(tokens)]


class Connection(asyncio.Protocol):
    """One connection; the callbacks are httptools' names."""

    def __init__(self, tokens: int, delay_seconds: float) -> None:
        self._tokens = tokens
        self._delay_seconds = delay_seconds
        self._work: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        for task in self._work:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        if not body:
            self._whole(MODELS)
            return
        values = json.loads(body)
        task = asyncio.create_task(
            self._answer(values["messages"][-1]["content"], is_stream=values.get("stream", False))
        )
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _whole(self, content: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)

    async def _answer(self, prompt: str, *, is_stream: bool) -> None:
        tokens = answer_to(prompt, self._tokens)
        if not is_stream:
            await asyncio.sleep(self._delay_seconds * len(tokens))
            message = {"role": "assistant", "content": "".join(tokens)}
            self._whole(json.dumps(_chunk("message", message, "stop")).encode())
            return
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        for token in tokens:
            self._event(json.dumps(_chunk("delta", {"content": token}, None)))
            if self._delay_seconds:
                await asyncio.sleep(self._delay_seconds)
        self._event(json.dumps(_chunk("delta", {}, "stop")))
        self._event(json.dumps({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": len(tokens)}}))
        self._event("[DONE]")
        self._transport.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        content = f"data: {data}\n\n".encode()
        self._transport.write(b"%x\r\n%s\r\n" % (len(content), content))


def _chunk(part: str, value: dict[str, str], reason: str | None) -> dict[str, Any]:
    choice = {"index": 0, part: value, "finish_reason": reason}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "echo", "choices": [choice]}


async def main(port: int, tokens: int, milliseconds: float) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(tokens, milliseconds / 1_000), "127.0.0.1", port, backlog=2_048
    )
    await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
