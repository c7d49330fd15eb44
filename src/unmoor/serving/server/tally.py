"""From the pieces of an answer to its usage: the model server's own count, or an estimate where it gives none."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.upstream import Batch

__all__ = ["Tally"]

CHARS_PER_TOKEN = 4
"""For the estimate alone: the usual rule of thumb for English text."""


_MOST_TOKENS = 2**31
"""No answer has so many; sums of such numbers are beyond what JSON is written with here."""


@dataclass(slots=True)
class Tally:
    """What one request used so far."""

    request: ChatRequest
    _counted: Mapping[str, Any] | None = None
    _pieces: int = 0
    _head: dict[str, Any] = field(default_factory=dict)

    async def over(self, batches: AsyncGenerator[Batch, None]) -> AsyncGenerator[Batch, None]:
        """Yield the chunks that carry choices; those that only carry the usage are kept here."""
        async with aclosing(batches):
            async for batch in batches:
                if not self._head:
                    self._note(batch.chunks[0])
                if batch.is_plain:
                    self._pieces += len(batch.chunks)
                    yield batch
                elif (shown := self._shown(batch)).chunks:
                    yield shown

    def _shown(self, batch: Batch) -> Batch:
        for chunk in batch.chunks:
            self._note(chunk)
        kept = [at for at, chunk in enumerate(batch.chunks) if chunk["choices"]]
        self._pieces += len(kept)
        return Batch([batch.data[at] for at in kept], [batch.chunks[at] for at in kept])

    def whole(self, answer: Mapping[str, Any]) -> None:
        """Count a whole answer."""
        self._note(answer)
        words = sum(len(str(choice["message"].get("content") or "")) for choice in answer["choices"])
        self._pieces = -(-words // CHARS_PER_TOKEN)

    def usage(self) -> dict[str, int]:
        """Return the tokens of prompt and answer."""
        counted = self._counted or {}
        prompt, answer = _count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens"))
        if prompt is None:
            prompt = -(-sum(len(str(message["content"])) for message in self.request.messages) // CHARS_PER_TOKEN)
        if answer is None:
            answer = self._pieces
        return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}

    def last_chunk(self) -> dict[str, Any]:
        """Return the last chunk of a stream whose client asked for the usage."""
        return {**self._head, "choices": [], "usage": self.usage()}

    def _note(self, chunk: Mapping[str, Any]) -> None:
        if isinstance(chunk.get("usage"), dict):
            self._counted = chunk["usage"]
        if not self._head:
            self._head = {name: chunk[name] for name in ("id", "object", "created", "model") if name in chunk}


def _count(value: object) -> int | None:
    """Return a model server's number if it can be a number of tokens."""
    return value if type(value) is int and 0 <= value < _MOST_TOKENS else None
