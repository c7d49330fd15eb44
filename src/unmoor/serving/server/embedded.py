"""From a checked request to the answer of a model in this process: many at a time, each token by token.

Answers join and leave one batch as they come (`batching`), so a client does not wait for another's answer to end; many users at a
time are still what the model servers behind a URL are for. Without a temperature the answer is greedy, as in `unmoor chat`, and
with what the model's own generation_config.json sets beside sampling.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from unmoor.errors import ServiceError
from unmoor.serving.local_model import LocalModel
from unmoor.serving.server.batching import Batching, Written
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.limits import overloaded
from unmoor.serving.server.own_settings import own_settings, passed_over
from unmoor.serving.server.picking import Picker, sampling_of
from unmoor.serving.server.upstream import Batch, batch_of
from unmoor.serving.server.writing import Writing

__all__ = ["Embedded"]

AT_ONCE = 32
"""Answers written at a time: beyond it a CPU gains nothing more (bench/results/serving.md)."""


class Embedded:
    """A model in this process; `at_once` answers are written at a time, and `waiting` more may wait."""

    def __init__(self, loaded: LocalModel, *, at_once: int = AT_ONCE, waiting: int = 64) -> None:
        _to_best_device(loaded)
        self._loaded = loaded
        self._most = at_once + waiting
        self._coming = 0
        """Answers whose prompts are being read, before they join the batch."""
        self._batching = Batching(loaded, at_once=at_once, context_tokens=loaded.context_tokens)
        self._room_tokens = min(loaded.context_tokens, self._batching.capacity_tokens)

    @property
    def markers(self) -> frozenset[str]:
        """Return the special tokens, which must not come from a client."""
        return frozenset(token for token in self._loaded.tokenizer.all_special_tokens if len(token) > 1)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Return the names of the model's own settings that are not done here."""
        return passed_over(self._loaded.model.generation_config)

    async def models(self) -> tuple[str, ...]:
        """Return the model's name."""
        return (self._loaded.name,)

    async def check(self) -> None:
        """Raise unless the model writes; after a failure it is started again."""
        if not self._batching.is_alive:
            await asyncio.to_thread(self._batching.revive)

    async def complete(self, request: ChatRequest) -> dict[str, Any]:
        """Return a whole answer."""
        choices = [_empty_choice(index) for index in range(request.n)]
        last: Mapping[str, Any] = {}
        async with aclosing(self.stream(request)) as batches:
            async for batch in batches:
                for chunk in batch.chunks:
                    for part in chunk["choices"]:
                        _add(choices[part["index"]], part)
                last = batch.chunks[-1]
        return {**last, "object": "chat.completion", "choices": choices}

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Batch, None]:
        """Yield an answer as its tokens come; closing it stops the model at its next token."""
        _check_options(request)
        await self.check()
        if self._batching.held + self._coming + request.n > self._most:
            raise overloaded()
        self._coming += request.n
        try:
            prompt = await asyncio.to_thread(self._prompt, request)
            talk = _Talk(self._loaded, self._batching, request, prompt, self._room(len(prompt), request))
        finally:
            self._coming -= request.n
        try:
            async for parts in talk.parts():
                yield batch_of([talk.chunk([part]) for part in parts])
            size, written = len(prompt), talk.tokens
            usage = {"prompt_tokens": size, "completion_tokens": written, "total_tokens": size + written}
            yield batch_of([talk.chunk([], usage=usage)])
        finally:
            talk.leave()

    async def close(self) -> None:
        """Stop the model and let go of its memory."""
        await asyncio.to_thread(self._batching.close)

    def _prompt(self, request: ChatRequest) -> list[int]:
        from jinja2 import TemplateError

        tokenizer = self._loaded.tokenizer
        try:
            text = tokenizer.apply_chat_template(list(request.messages), tokenize=False, add_generation_prompt=True)
        except TemplateError as error:  # a template's own raise_exception, such as: roles must alternate
            raise ServiceError(
                400, f"The model's chat template refuses these messages: {error}", param="messages"
            ) from error
        return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _room(self, size: int, request: ChatRequest) -> int:
        """Return how many tokens the answer may have."""
        if size >= self._room_tokens:
            raise ServiceError(
                400,
                f"This model's maximum context length is {self._room_tokens} tokens. "
                f"However, your messages resulted in {size} tokens. Please reduce the length of the messages.",
                param="messages",
                code="context_length_exceeded",
            )
        return min(request.max_tokens, self._room_tokens - size)


class _Talk:
    """One request while it is answered: its choices, and what the model has told of them."""

    def __init__(
        self, loaded: LocalModel, batching: Batching, request: ChatRequest, prompt: list[int], most_tokens: int
    ) -> None:
        self._batching = batching
        self._head = {
            "id": f"chatcmpl-{time.time_ns():x}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": loaded.name,
        }
        self._told: asyncio.Queue[tuple[int, Written]] = asyncio.Queue()
        config = loaded.model.generation_config
        penalty = float(getattr(config, "repetition_penalty", None) or 1.0)
        own = own_settings(config, len(prompt), loaded.model.device)
        pickers = [
            Picker(sampling_of(request.options, index, repetition_penalty=penalty), prompt, own)
            for index in range(request.n)
        ]
        self._choices = [Writing(loaded, index, request.stop, picker.scores) for index, picker in enumerate(pickers)]
        self._tickets: dict[int, int] = {}
        loop = asyncio.get_running_loop()
        try:
            for index, picker in enumerate(pickers):
                self._tickets[index] = batching.submit(prompt, most_tokens, picker, self._hear(loop, index))
        except ServiceError:
            self.leave()
            raise

    @property
    def tokens(self) -> int:
        """Return how many tokens all choices took."""
        return sum(choice.tokens for choice in self._choices)

    async def parts(self) -> AsyncGenerator[list[dict[str, Any]], None]:
        """Yield the parts of choices that have come since, until every choice has ended."""
        yield [choice.first() for choice in self._choices]
        while not all(choice.is_over for choice in self._choices):
            told = [await self._told.get()]
            while not self._told.empty():
                told.append(self._told.get_nowait())
            made = [part for index, written in told for part in self._taken(index, written)]
            if made:
                yield made

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Return a chat.completion.chunk of the answer."""
        return {**self._head, "choices": choices, **more}

    def leave(self) -> None:
        """Take back what is still being written."""
        for ticket in self._tickets.values():
            self._batching.take_back(ticket)

    def _taken(self, index: int, written: Written) -> list[dict[str, Any]]:
        if written.failed:
            raise ServiceError(500, "The model failed.", kind="server_error", code="model_failed")
        choice = self._choices[index]
        made = choice.take(written)
        if choice.is_over:  # by a stop word, which the model does not know of
            self._batching.take_back(self._tickets[index])
        return made

    def _hear(self, loop: asyncio.AbstractEventLoop, index: int) -> Callable[[Written], None]:
        def hear(written: Written) -> None:
            try:
                loop.call_soon_threadsafe(self._told.put_nowait, (index, written))
            except RuntimeError:  # the loop is closed: nobody is there to hear
                self._batching.take_back(self._tickets.get(index, 0))

        return hear


def _empty_choice(index: int) -> dict[str, Any]:
    return {"index": index, "message": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}


def _add(choice: dict[str, Any], part: dict[str, Any]) -> None:
    choice["message"]["content"] += part["delta"].get("content") or ""
    choice["finish_reason"] = part["finish_reason"]
    if part.get("logprobs"):
        known = choice["logprobs"] or {"content": [], "refusal": None}
        choice["logprobs"] = {**known, "content": known["content"] + part["logprobs"]["content"]}


def _to_best_device(loaded: LocalModel) -> None:
    """Move the model to a GPU where there is one."""
    import torch

    if torch.cuda.is_available():
        loaded.model.to("cuda")


def _check_options(request: ChatRequest) -> None:
    """Refuse what this engine would have to ignore."""
    for name in ("response_format", "tools", "tool_choice", "parallel_tool_calls"):
        if request.options.get(name):
            raise ServiceError(
                400,
                f"Unsupported value: '{name}': a model served in process does not offer it; a model server behind a URL may.",
                param=name,
                code="unsupported_value",
            )
