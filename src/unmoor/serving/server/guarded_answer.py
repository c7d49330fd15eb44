"""From an answer to the part of it that may be sent: every text of it goes through the guard before anybody sees it.

What passes is written anew with the fields named here, so that an upstream's other fields (token texts, log probabilities) cannot
carry past the guard what it would have stopped. Calls of tools are held until they are whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import orjson

from unmoor.serving.guard import Ruling
from unmoor.serving.readings import unescaped
from unmoor.serving.server.oversight import Watch
from unmoor.serving.server.troubles import garbled
from unmoor.serving.server.upstream import Batch, batch_of

__all__ = ["guard_stream", "guard_whole"]

MAX_CALLS_CHARS = 8 * 1024 * 1024
"""Calls of tools, as they come, beyond this are no answer; a server that never ends them must not fill the memory."""
PORTION_CHARS = 200
"""Code points of an answer that the guard looks at before others get their turn; they take it a millisecond."""
_AGAIN_CHARS = 400
"""Code points of a text that are looked at again where it goes on after another, as where a model thinks between its words."""
_TEXTS = ("reasoning_content", "reasoning", "content", "refusal")
_HEAD = ("id", "object", "created", "model")


async def guard_whole(answer: Mapping[str, Any], watch: Callable[[], Watch]) -> dict[str, Any]:
    """Return a chat.completion with what may be sent; a choice that was stopped holds the owner's words alone."""
    choices = [await _guard_choice(choice, watch) for choice in answer["choices"]]
    usage = {"usage": answer["usage"]} if isinstance(answer.get("usage"), dict) else {}
    return {**_head(answer), "choices": choices, **usage}


async def _guard_choice(choice: Mapping[str, Any], watch: Callable[[], Watch]) -> dict[str, Any]:
    message = choice["message"]
    kept: dict[str, Any] = {"role": "assistant", "content": None}
    for name in (*_TEXTS, "tool_calls"):
        value = message.get(name)
        if not value or (name in _TEXTS and not isinstance(value, str)):  # as in a stream: what is no text has no words
            continue
        text = value if isinstance(value, str) else _call_text([value])
        safe, ruling = await _whole_by_turns(watch(), text)
        if ruling is not None:
            return _choice(choice, {"role": "assistant", "content": ruling.words}, "content_filter")
        kept[name] = safe if isinstance(value, str) else value
    if kept["content"] is None and not kept.keys() & {"refusal", "tool_calls"}:
        kept["content"] = ""
    return _choice(choice, kept, choice.get("finish_reason"))


async def _whole_by_turns(watch: Watch, text: str) -> tuple[str, Ruling | None]:
    safe = ""
    for portion in _portions(text):
        released, ruling = watch.feed(portion)
        safe += released
        if ruling is not None:
            return safe, ruling
        await asyncio.sleep(0)
    rest, ruling = watch.finish()
    return safe + rest, ruling


def _whole(watch: Watch, text: str) -> tuple[str, Ruling | None]:
    safe, ruling = watch.feed(text)
    if ruling is not None:
        return safe, ruling
    rest, ruling = watch.finish()
    return safe + rest, ruling


def _portions(text: str) -> Iterator[str]:
    return (text[start : start + PORTION_CHARS] for start in range(0, len(text), PORTION_CHARS))


async def guard_stream(
    batches: AsyncGenerator[Batch, None], watch: Callable[[], Watch], n: int
) -> AsyncGenerator[Batch, None]:
    """Yield what may be sent of an answer as it flows; when every choice was stopped, the work behind it is stopped too."""
    choices: dict[int, _Choice] = {}
    last: Mapping[str, Any] = {}
    async with aclosing(batches):
        async for batch in batches:
            last = batch.chunks[-1]
            made: list[dict[str, Any]] = []
            for number, part in enumerate(_joined(batch.chunks)):
                if number:
                    await asyncio.sleep(0)
                made += [{**_head(last), "choices": [safe]} for safe in _choice_of(part, choices, watch).feed(part)]
            if made:
                yield batch_of(made)
            if len(choices) >= n and all(choice.is_stopped for choice in choices.values()):
                return
    rest = [{**_head(last), "choices": [part]} for choice in choices.values() for part in choice.finish(None)]
    if rest:
        yield batch_of(rest)


def _choice_of(part: Mapping[str, Any], choices: dict[int, _Choice], watch: Callable[[], Watch]) -> _Choice:
    index = part.get("index", 0)
    if index not in choices:
        choices[index] = _Choice(index, watch)
    return choices[index]


def _joined(chunks: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the parts of all choices; words of one choice that came in one read are one part, or one for each portion."""
    index, words = 0, ""
    for chunk in chunks:
        for part in chunk["choices"]:
            delta = part["delta"]
            is_words = delta.keys() <= {"content"} and delta.get("content") and not part.get("finish_reason")
            if words and not (is_words and part.get("index", 0) == index):
                yield from _words(index, words)
                words = ""
            if is_words:
                index, words = part.get("index", 0), words + delta["content"]
            else:
                yield part
    yield from _words(index, words)


def _words(index: int, words: str) -> Iterator[Mapping[str, Any]]:
    return ({"index": index, "delta": {"content": portion}} for portion in _portions(words))


class _Choice:
    """One choice of a stream: a watch for the text that flows, and the calls that are held."""

    def __init__(self, index: int, watch: Callable[[], Watch]) -> None:
        self._index = index
        self._new_watch = watch
        self._name = ""
        self._watch: Watch | None = None
        self._watches: dict[str, Watch] = {}
        self._ends: dict[str, str] = {}
        self._again_chars = 0
        self._calls: list[Any] = []
        self._held_chars = 0
        self._has_sent = False
        self.is_stopped = False
        self._is_finished = False

    def feed(self, part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the parts that may be sent, instead of this one."""
        if self.is_stopped or self._is_finished:
            return
        delta = part["delta"]
        if delta.get("role"):
            yield self._part({"role": "assistant", "content": ""})
        for name in _TEXTS:
            if isinstance(delta.get(name), str) and delta[name]:
                yield from self._fed(name, delta[name])
        if delta.get("tool_calls"):
            self._held_chars += len(str(delta["tool_calls"]))
            if self._held_chars > MAX_CALLS_CHARS:
                raise garbled()
            self._calls.append(delta["tool_calls"])
        if part.get("finish_reason"):
            yield from self.finish(part["finish_reason"])

    def finish(self, reason: str | None) -> Iterator[dict[str, Any]]:
        """Yield what was held back, and the end; nothing if it has ended already."""
        if self.is_stopped or self._is_finished:
            return
        self._is_finished = True
        yield from self._end_of_text()
        yield from self._end_of_calls(reason)

    def _fed(self, name: str, text: str) -> Iterator[dict[str, Any]]:
        """Yield what may be sent of a text; what was held back of another that it follows comes first. A text that goes on after
        another is looked at with the end of what was sent of it, so that nothing is split over the place.
        """
        if self._watch is None or name != self._name:
            yield from self._end_of_text()
            self._name, self._watch = name, self._new_watch()
            if name in self._watches:
                self._watch.goes_on_after(self._watches[name])
            self._watches[name] = self._watch
            self._again_chars = len(self._ends.get(name, ""))
            text = self._ends.get(name, "") + text
        if not self.is_stopped:
            yield from self._sent(*self._watch.feed(text))

    def _end_of_text(self) -> Iterator[dict[str, Any]]:
        if self._watch is not None:
            yield from self._sent(*self._watch.finish())

    def _end_of_calls(self, reason: str | None) -> Iterator[dict[str, Any]]:
        if self.is_stopped:
            return
        if self._calls:
            _, ruling = _whole(self._new_watch(), _call_text(self._calls))
            if ruling is not None:
                yield from self._sent("", ruling)
                return
            yield from (self._part({"tool_calls": calls}) for calls in self._calls)
        if reason:
            yield self._part({}, reason)

    def _sent(self, safe: str, ruling: Ruling | None) -> Iterator[dict[str, Any]]:
        new = safe[self._again_chars :]
        self._again_chars -= len(safe) - len(new)
        if new:
            self._has_sent = True
            self._ends[self._name] = (self._ends.get(self._name, "") + new)[-_AGAIN_CHARS:]
            yield self._part({self._name: new})
        if ruling is not None:
            self.is_stopped = True
            gap = "\n\n" if self._has_sent and ruling.words else ""
            yield self._part({"content": gap + ruling.words}, "content_filter")

    def _part(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"index": self._index, "delta": delta, "finish_reason": reason}


def _call_text(calls: Sequence[Any]) -> str:
    """Return the words of all calls, as they were made and as the tool will read them: a phrase that is cut into many deltas, with
    those of other calls between them, is whole again.
    """
    pieces: dict[tuple[str, ...], list[str]] = {}
    for delta in calls:
        for at, call in enumerate(delta if isinstance(delta, list) else [delta]):
            for place, text in _texts_of(call):
                index = call.get("index", at) if isinstance(call, dict) else at
                pieces.setdefault((str(index), *place), []).append(text)
    texts = map("".join, pieces.values())
    return "\n".join(dict.fromkeys(read for text in texts for read in (text, unescaped(text))))


def _texts_of(call: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each text of a call with the names of the fields it stands in; what is no text is given as JSON."""
    if not isinstance(call, dict):
        yield (), _as_text(call)
        return
    for name, part in call.items():
        for field, value in part.items() if isinstance(part, dict) else (("", part),):
            yield (name, field), _as_text(value)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _choice(choice: Mapping[str, Any], message: dict[str, Any], reason: Any) -> dict[str, Any]:
    return {"index": choice.get("index", 0), "message": message, "finish_reason": reason}


def _head(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in _HEAD if name in values}
