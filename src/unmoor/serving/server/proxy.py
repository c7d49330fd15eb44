"""From a checked request to an OpenAI-compatible model server and back: vLLM, SGLang, llama.cpp, Ollama.

Two paths are asked, `/v1/models` and `/v1/chat/completions`, with a body that was written anew and with the owner's key for the
upstream, never the client's. Whatever the upstream does, dying in the middle of an answer included, ends in one ServiceError.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import orjson

from unmoor.errors import ServiceError, UsageError
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.connection import Connections, Response
from unmoor.serving.server.limits import overloaded
from unmoor.serving.server.spoken import put_in_words
from unmoor.serving.server.sse import DONE, EventReader
from unmoor.serving.server.troubles import died, failed, garbled
from unmoor.serving.server.upstream import Batch

__all__ = ["Proxy", "upstream_url"]

MODELS_FRESH_SECONDS = 30.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""A whole answer, or an error's body, beyond this is not read."""
_MAX_QUOTED_CHARS = 500


def upstream_url(url: str) -> str:
    """Return the address below which `/models` and `/chat/completions` are asked.

    Raises:
        UsageError: not http or https, or with a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"{url} is not the address of a model server, such as http://127.0.0.1:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"{parts.scheme}://{parts.hostname}: give the address alone; a key goes into --upstream-key-file"
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith('/v1') else path + '/v1'}"


class Proxy:
    """A model server behind a URL, asked over connections that stay open."""

    def __init__(
        self, url: str, *, key: str | None = None, concurrent: int = 256, silence_seconds: float = 120.0
    ) -> None:
        headers = {"accept-encoding": "identity", "user-agent": "unmoor", "content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._silence_seconds = silence_seconds
        self._connections = Connections(
            upstream_url(url), headers, most_idle=concurrent, silence_seconds=silence_seconds
        )
        self._models: tuple[str, ...] = ()
        self._models_at = float("-inf")
        self._asking = asyncio.Lock()

    async def models(self) -> tuple[str, ...]:
        """Return what the upstream serves, asked anew every half minute, by one request at a time."""
        if self._are_old():
            async with self._asking:
                if self._are_old():
                    await self.check()
        return self._models

    async def check(self) -> None:
        """Ask the upstream for its models."""
        async with self._open("GET", "/models", b"") as response:
            values = _json(await self._read(response))
        items = values.get("data")
        names = [item.get("id") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        self._models = tuple(name for name in names if isinstance(name, str))
        self._models_at = time.monotonic()

    async def complete(self, request: ChatRequest) -> dict[str, Any]:
        """Return a whole answer."""
        async with self._open("POST", "/chat/completions", orjson.dumps(request.body())) as response:
            values = _json(await self._read(response))
        _check_whole(values)
        return values

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Batch, None]:
        """Yield the events of an answer as they come off the wire; only `[DONE]` ends it well."""
        async with self._open("POST", "/chat/completions", orjson.dumps(request.body())) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "text/event-stream":
                raise (_error_of([await self._read(response)]) if kind == "application/json" else None) or garbled()
            reader = EventReader()
            async for piece in response.pieces(self._silence_seconds):
                data = reader.feed(piece)
                done = next((place for place, one in enumerate(data) if one.strip() == DONE), None)
                if done != 0 and data:
                    yield _batch(data[:done])
                if done is not None:
                    await response.to_end()
                    return
            if not reader.ends_well():
                raise died()

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    def _are_old(self) -> bool:
        return time.monotonic() - self._models_at > MODELS_FRESH_SECONDS

    @asynccontextmanager
    async def _open(self, method: str, path: str, body: bytes) -> AsyncIterator[Response]:
        """Yield a response with status 200; another status is an error."""
        async with self._connections.ask(method, path, body) as response:
            if response.status != 200:
                raise await self._refusal(response)
            yield response

    async def _read(self, response: Response) -> bytes:
        """Return a body of bounded size."""
        pieces, size = [], 0
        async for piece in response.pieces(self._silence_seconds):
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise garbled()
            pieces.append(piece)
        return b"".join(pieces)

    async def _refusal(self, response: Response) -> ServiceError:
        """Return what a status other than 200 means for the client."""
        status = response.status
        if status in {400, 404, 413, 422}:
            try:
                words = _quoted(_json(await self._read(response)))
            except ServiceError:
                words = ""
            shown = 404 if status == 404 else 400
            return ServiceError(shown, words or "The model server refused the request.", code="upstream_refused")
        if status in {429, 503}:
            after = response.headers.get("retry-after", "")
            return overloaded(min(int(after), 3_600) if after.isascii() and after.isdigit() else 1)
        if status in {401, 403}:
            return failed("The model server refuses this server's key.")
        return failed(f"The model server failed with status {status}.")


def _json(content: bytes) -> dict[str, Any]:
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise garbled() from error
    if not isinstance(values, dict):
        raise garbled()
    return values


def _batch(data: Sequence[bytes]) -> Batch:
    """Return the chunks of one read, every one parsed and looked at: this is the proxy's hottest loop, hence its plainness."""
    is_plain, is_changed = True, False
    try:
        chunks = list(map(orjson.loads, data))
        for chunk in chunks:
            choices = chunk.get("choices")
            if choices is None:
                choices, is_changed = _without_choices(chunk), True
            if len(choices) != 1 or "usage" in chunk or "error" in chunk:
                is_plain = False
                _checked(chunk, choices)
            for choice in choices:
                if "error" in choice:
                    _checked(chunk, choices)
                delta = choice.get("delta")
                # as where only a filter has something to say
                if delta is None and not choice.get("message") and not choice.get("text"):
                    delta = choice["delta"] = {}
                    is_changed = True
                text = delta.get("content")
                if text.__class__ is not str or not text or len(delta) > 1:
                    is_changed |= put_in_words(delta)
                if choice.get("index", 0).__class__ is not int:
                    raise garbled()
    except (orjson.JSONDecodeError, TypeError, AttributeError) as error:
        raise _error_of(data) or garbled() from error
    return Batch(list(map(orjson.dumps, chunks)) if is_changed else data, chunks, is_plain)


def _without_choices(chunk: dict[str, Any]) -> list[Any]:
    """Put an empty list into a chunk without choices that has the usage, and return it.

    Raises:
        ServiceError: it has no usage.
    """
    if chunk.get("error") or not isinstance(chunk.get("usage"), dict):
        raise _error_of([orjson.dumps(chunk)]) or garbled()
    chunk["choices"] = []
    return []


def _checked(chunk: dict[str, Any], choices: object) -> list[Any]:
    if not isinstance(choices, list) or chunk.get("error") or any(map(_failed, choices)):
        raise _error_of([orjson.dumps(chunk)]) or garbled()
    return choices


def _failed(choice: object) -> bool:
    """Return whether a choice says that it failed, as routers between several servers have it."""
    return isinstance(choice, dict) and bool(choice.get("error"))


def _error_of(data: Sequence[bytes]) -> ServiceError | None:
    """Return how a model server says with status 200, or in mid-stream, that it failed: with an error, beside choices or in one."""
    for item in data:
        try:
            chunk = _json(item)
        except ServiceError:
            return None
        choices = chunk.get("choices")
        said = next(filter(_failed, choices), chunk) if isinstance(choices, list) and not chunk.get("error") else chunk
        if said.get("error") or said.get("object") == "error":  # the latter of older releases of vLLM
            words = _quoted(said)
            return failed(f"The model server failed: {words}" if words else "The model server failed.")
    return None


def _check_whole(values: dict[str, Any]) -> None:
    """Raise unless `values` has choices that each hold a message, and make its texts texts, so that nothing later meets another
    shape.
    """
    for choice in _checked(values, values.get("choices")):
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise garbled()
        if not isinstance(choice.get("index", 0), int):
            raise garbled()
        put_in_words(choice["message"])


def _quoted(values: dict[str, Any]) -> str:
    """Return the upstream's own words about an error, in any of the forms that model servers use."""
    error = values.get("error") or values
    words = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return "".join(char for char in str(words or "") if char.isprintable())[:_MAX_QUOTED_CHARS]
