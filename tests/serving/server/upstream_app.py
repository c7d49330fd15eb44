"""A small real model server of the OpenAI kind for tests: its answers follow from the prompt, and prompts can make it fail.

The answer to a prompt is its SHA-256 in pieces of four hexadecimal digits, so anybody can check whose answer it is. What a prompt
says in its first word: `die` breaks the connection after three pieces, `late-error` sends an error in mid-stream, `fail` gives a
500, `busy` a 503, `refuse` a 400, `page` a web page, `noise` bytes that are no events, `half` ends in the middle of an event,
`unended` ends without [DONE], `nobody` chunks without choices, `slow` waits between pieces, `mute` never answers, `forbid` a 401,
`calls` calls a tool, `escapes` calls two by turns with escapes in their arguments, `thinks` reasons first, `parts` does so too and
sends its content as a list of parts, a picture among them, `declines` has its answer in the field for refusals, `says TEXT`
answers with TEXT, one character a piece.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MODEL = "echo"


def answer_to(prompt: str, index: int = 0) -> str:
    """Return the answer that this server gives to a prompt, in its choice `index`."""
    if prompt.startswith("says "):
        return prompt.removeprefix("says ")
    return hashlib.sha256(f"{index}:{prompt}".encode()).hexdigest()


@dataclass
class Upstream:
    """The server's state, for tests to look at: the bodies and headers it was sent, and who left."""

    delay_seconds: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    streaming: int = 0
    left: int = 0
    keeps_record: bool = True

    def app(self) -> Starlette:
        """Return the application."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/secret", lambda _: JSONResponse("only for the owner")),
            ]
        )

    async def _models(self, request: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": MODEL, "object": "model"}, {"id": "other", "object": "model"}]}
        )

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        if self.keeps_record:
            self.bodies.append(body)
            self.headers.append(dict(request.headers))
        prompt = body["messages"][-1]["content"]
        word = prompt.split(" ", 1)[0]
        if word in _REFUSALS:
            return _REFUSALS[word]()
        if word == "mute":
            await asyncio.sleep(3_600)
        if body.get("stream"):
            return StreamingResponse(self._stream(body, prompt, word), media_type="text/event-stream")
        choices = [
            {
                "index": index,
                "message": {"role": "assistant", **_whole(prompt, word, index)},
                "finish_reason": "stop",
                **_logprobs(body, [answer_to(prompt, index)]),
            }
            for index in range(body.get("n", 1))
        ]
        await asyncio.sleep(self.delay_seconds * 16)
        return JSONResponse({**_head("chat.completion"), "choices": choices, "usage": _usage(body)})

    async def _stream(self, body: dict[str, Any], prompt: str, word: str) -> AsyncIterator[bytes]:
        self.streaming += 1
        is_whole = False
        try:
            async for piece in self._pieces(body, prompt, word):
                yield piece
            is_whole = True
        finally:
            self.streaming -= 1
            self.left += not is_whole

    async def _pieces(self, body: dict[str, Any], prompt: str, word: str) -> AsyncIterator[bytes]:
        if word == "noise":
            yield b"\x00\xff what is this?\n\n"
            return
        sent = 0
        for delta, index in _deltas(prompt, word, body.get("n", 1)):
            if sent == 3 and word in _TROUBLES:
                yield _TROUBLES[word]
                if word == "die":
                    raise ConnectionAbortedError
                if word == "nobody":
                    continue
                return
            known = _logprobs(body, [delta["content"]] if delta.get("content") else [])
            yield _event([{"index": index, "delta": delta, "finish_reason": None, **known}])
            sent += 1
            await asyncio.sleep(0.2 if word == "slow" else self.delay_seconds)
        for index in range(body.get("n", 1)):
            yield _event([{"index": index, "delta": {}, "finish_reason": "stop"}])
        if body.get("stream_options", {}).get("include_usage"):
            yield _event([], usage=_usage(body))
        if word != "unended":
            yield b"data: [DONE]\n\n"


_REFUSALS = {
    "fail": lambda: JSONResponse({"error": {"message": "CUDA error at /secret/path"}}, 500),
    "busy": lambda: JSONResponse({"error": "queue full"}, 503, {"retry-after": "7"}),
    "refuse": lambda: JSONResponse({"error": {"message": "This model's maximum context length is 9 tokens."}}, 400),
    "page": lambda: HTMLResponse("<html>It works!</html>"),
    "forbid": lambda: JSONResponse({"error": {"message": "bad key"}}, 401),
}
_TROUBLES = {
    "die": b'data: {"half',
    "half": b'data: {"choices": [{"index": 0, "del',
    "late-error": b'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n',
    "nobody": b'data: {"no": "choices"}\n\n',
}


def _deltas(prompt: str, word: str, n: int) -> list[tuple[dict[str, Any], int]]:
    if word == "calls":
        function = [{"name": "look_up", "arguments": ""}, {"arguments": '{"word": "ki'}, {"arguments": 'tten"}'}]
        return [
            ({"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": part}]}, 0) for part in function
        ]
    if word == "escapes":
        parts = [(0, '{"word": "\\\\u006'), (1, '{"word": "a'), (0, 'bitten"}'), (1, ' puppy"}')]
        return [({"tool_calls": [{"index": at, "function": {"arguments": part}}]}, 0) for at, part in parts]
    made: list[tuple[dict[str, Any], int]] = [({"role": "assistant", "content": ""}, index) for index in range(n)]
    if word == "thinks":
        made += [({"reasoning_content": piece}, 0) for piece in ("Let me ", "think.")]
    if word == "declines":
        return [*made, ({"refusal": "I would "}, 0), ({"refusal": "rather not."}, 0)]
    size = 1 if word == "says" else 4
    for index in range(n):
        text = answer_to(prompt, index)
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        made += [({"content": piece}, index) for piece in (_parts(pieces) if word == "parts" else pieces)]
    return made


def _parts(pieces: list[str]) -> list[list[dict[str, Any]]]:
    """Return pieces of an answer as Mistral's models that think send them, with a picture."""
    thoughts = [{"type": "thinking", "thinking": [{"type": "text", "text": text}]} for text in ("Let me ", "think.")]
    texts = [{"type": "text", "text": piece} for piece in pieces]
    return [[part] for part in (*thoughts, {"type": "image_url", "image_url": {"url": "data:,"}}, *texts)]


def _whole(prompt: str, word: str, index: int) -> dict[str, Any]:
    if word == "calls":
        function = {"name": "look_up", "arguments": '{"word": "kitten"}'}
        return {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    if word == "escapes":
        function = {"name": "look_up", "arguments": '{"word": "\\\\u006bitten"}'}
        return {"content": None, "tool_calls": [{"id": "c1", "type": "function", "function": function}]}
    if word == "declines":
        return {"content": None, "refusal": "I would rather not."}
    if word == "parts":
        return {"content": [part for parts in _parts([answer_to(prompt, index)]) for part in parts]}
    return {"content": answer_to(prompt, index), **({"reasoning_content": "Let me think."} if word == "thinks" else {})}


def _logprobs(body: dict[str, Any], tokens: list[str]) -> dict[str, Any]:
    if not body.get("logprobs"):
        return {}
    other = [{"token": "other", "logprob": -2.0, "bytes": None}] if body.get("top_logprobs") else []
    content = [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": other} for token in tokens]
    return {"logprobs": {"content": content, "refusal": None}}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-test", "object": kind, "created": int(time.time()), "model": MODEL}


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    return b"data: " + json.dumps({**_head("chat.completion.chunk"), "choices": choices, **more}).encode() + b"\n\n"


def _usage(body: dict[str, Any]) -> dict[str, int]:
    prompt = sum(len((message["content"] or "").split()) for message in body["messages"])
    return {"prompt_tokens": prompt, "completion_tokens": 16, "total_tokens": prompt + 16}
