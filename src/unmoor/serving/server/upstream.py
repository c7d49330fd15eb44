"""What every source of answers offers the server: a model server behind a URL, or a model in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from unmoor.serving.server.chat_request import ChatRequest

__all__ = ["Batch", "Upstream", "batch_of"]


class Batch(NamedTuple):
    """What has come of an answer since: chat.completion.chunks as JSON bytes, and the same parsed.

    `is_plain` says that every chunk has choices and none an account of tokens, so that nobody need look again.
    """

    data: Sequence[bytes]
    chunks: Sequence[Mapping[str, Any]]
    is_plain: bool = False


def batch_of(chunks: Sequence[Mapping[str, Any]]) -> Batch:
    """Return chunks as a batch."""
    return Batch([orjson.dumps(chunk) for chunk in chunks], chunks)


class Upstream(Protocol):
    """Answers chats. Every method raises ServiceError, and nothing else, when it cannot."""

    async def models(self) -> Sequence[str]:
        """Return the names of the models that can be asked."""
        ...

    async def complete(self, request: ChatRequest) -> Mapping[str, Any]:
        """Return a whole answer, a chat.completion."""
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[Batch, None]:
        """Yield an answer as it is written, each time what has come since; it ends only when the answer is whole.

        Closing it stops the work behind it.
        """
        ...

    async def check(self) -> None:
        """Return when the upstream can be reached, and raise ServiceError when it cannot."""
        ...

    async def close(self) -> None:
        """Let go of connections and threads."""
        ...
