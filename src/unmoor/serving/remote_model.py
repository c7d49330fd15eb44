"""From the URL of an OpenAI-compatible server to its answers, piece by piece; what goes wrong is said in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from unmoor.errors import MachineError, MissingExtraError, UsageError
from unmoor.records import content_words
from unmoor.serving.local_model import Message, Written

__all__ = ["RemoteModel", "WithheldError", "open_url"]

_WAIT_SECONDS = 120.0
"""Longest silence of a server before it counts as gone."""
_MAX_LINE_BYTES = 1024 * 1024
_MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""More than any answer or list of models; a server that goes on beyond it must not fill the memory."""
_MAX_ERROR_BYTES = 64 * 1024
_WHY = {
    401: "it wants another key. Next: set UNMOOR_API_KEY",
    403: "it does not allow this. Next: check UNMOOR_API_KEY",
    404: "it knows no such model or path. Next: check the URL, which should end in /v1",
    413: "the conversation is too long for it. Next: /new",
    429: "it has had too many requests. Next: wait a little and ask again",
}

_NO_SYSTEM = "system_message_not_allowed"
"""Code of the error by which `unmoor serve` says that its owner alone sets the system prompt."""
_FILTERED = ("content_filter", "invalid_prompt")
"""Codes of the error by which Azure's and OpenAI's service say that their own filter takes no such request."""


class WithheldError(MachineError):
    """A server's own filter refuses the request; the model never saw it."""


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model behind `url` (which ends in /v1), called `name` there; `sampling` is sent along with each request, and `length_key`
    is what the server calls the length allowed.
    """

    name: str
    url: str
    key: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)
    length_key: str = "max_tokens"

    def without_refused(self, error: MachineError) -> RemoteModel | None:
        """Return the model as it is asked without what its server has refused by an `error` 400 that names it, as hosted models
        that think refuse a temperature and call the length `max_completion_tokens`; None where that is not what is wrong.
        """
        said = str(error)
        if not said.startswith(f"{self.url} answers 400:"):
            return None
        if "temperature" in said and "temperature" in self.sampling:
            return replace(
                self, sampling={name: value for name, value in self.sampling.items() if name != "temperature"}
            )
        if "max_tokens" in said and self.length_key == "max_tokens":
            return replace(self, length_key="max_completion_tokens")
        return None

    def answer(self, chat: Sequence[Message], max_new_tokens: int) -> Generator[str, None, bool]:
        """Yield one answer piece by piece, and return whether the server's own filter withheld it, or the rest of it; closing the
        iterator hangs up.

        Raises:
            MachineError: the server is down, slow, refuses (WithheldError where its own filter does), or its answer breaks off or
            makes no sense.
        """
        is_withheld = False
        for piece, why in self._pieces(chat, max_new_tokens):
            is_withheld |= why == "content_filter"
            if piece:
                yield piece
        return is_withheld

    def write(self, chat: Sequence[Message], max_new_tokens: int) -> Written:
        """Return one whole answer, and whether the server says that it was cut at its length, or withheld: by a filter of its own,
        before the model was asked or after.

        Raises:
            MachineError: as `answer` does.
        """
        try:
            pieces = list(self._pieces(chat, max_new_tokens))
        except WithheldError:
            return Written("", is_cut=False, is_withheld=True)
        ends = {why for _, why in pieces}
        return Written("".join(piece for piece, _ in pieces).strip(), "length" in ends, "content_filter" in ends)

    def _pieces(self, chat: Sequence[Message], max_new_tokens: int) -> Iterator[tuple[str, str]]:
        """Yield the pieces of an answer, each with the reason for which it ends there; the empty string where it goes on."""
        httpx = _httpx()
        body = {
            **self.sampling,
            "model": self.name,
            "messages": list(chat),
            self.length_key: max_new_tokens,
            "stream": True,
        }
        try:
            with httpx.stream(
                "POST",
                f"{self.url}/chat/completions",
                json=body,
                headers=_headers(self.key),
                timeout=_WAIT_SECONDS,
                trust_env=False,
            ) as response:
                if response.status_code != 200:
                    why, is_filtered = _reason(response)
                    kind = WithheldError if is_filtered else MachineError
                    raise kind(f"{self.url} answers {response.status_code}: {why}")
                yield from _pieces(_lines(response, self.url), self.url)
        except httpx.TimeoutException as error:
            raise MachineError(f"{self.url} said nothing for {_WAIT_SECONDS:.0f} seconds") from error
        except httpx.HTTPError as error:
            raise MachineError(f"{self.url} cannot be reached, or hung up: {error}") from error


def _headers(key: str) -> dict[str, str]:
    """Return what every request says; nothing may come compressed, since it could unfold to any size."""
    return {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})


def _reason(response: Any) -> tuple[str, bool]:
    """Return why a server does not answer, and whether that is its own filter."""
    if response.status_code in _WHY:
        return _WHY[response.status_code], False
    try:
        error = json.loads(_body(response, _MAX_ERROR_BYTES))["error"]
        next_step = " Next: --persona none, or in a chat /persona none" if error.get("code") == _NO_SYSTEM else ""
        return str(error["message"])[:300] + next_step, error.get("code") in _FILTERED
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return "it does not say why", False


def _body(response: Any, most_bytes: int) -> bytes:
    """Return a body up to the piece with which it passes `most_bytes`."""
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > most_bytes:
            break
    return bytes(body)


def _lines(response: Any, url: str) -> Iterator[str]:
    """Yield the lines of a body, which end at a line feed alone: JSON may hold Unicode's other line separators."""
    held = bytearray()
    size_bytes = 0
    for piece in response.iter_raw():
        size_bytes += len(piece)
        held += piece
        if b"\n" in piece:
            *whole, rest = held.split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
            held = rest
        if len(held) > _MAX_LINE_BYTES or size_bytes > _MAX_ANSWER_BYTES:
            raise MachineError(f"{url} sends more than an answer can be; it was hung up on")
    yield held.decode("utf-8", "replace")


def _pieces(lines: Iterator[str], url: str) -> Iterator[tuple[str, str]]:
    whole: list[str] = []
    is_stream = False
    for line in lines:
        name, _, value = line.partition(":")
        if name.removeprefix("\ufeff") == "data":
            is_stream = True
            data = value.strip()
            if data == "[DONE]":
                return
            if data:
                yield _told(data, url)
        elif not is_stream:
            whole.append(line)
    said = "".join(whole).strip()
    if is_stream or not said.startswith("{"):
        raise MachineError(f"{url}: the answer broke off before its end")
    yield _told(said, url, "message")  # an error, or the answer of a server that streams none


def _told(data: str, url: str, part: Literal["delta", "message"] = "delta") -> tuple[str, str]:
    """Return the words of an event, or of a whole answer, and why the answer ends there; the empty string where it goes on.

    Raises:
        MachineError: it is an error, or no chat completion.
    """
    try:
        event = json.loads(data)
        choices = event.get("choices")
        choice = choices[0] if choices else {}
        if error := event.get("error") or choice.get("error") or (event if event.get("object") == "error" else None):
            words = error.get("message", error) if isinstance(error, dict) else error
            raise MachineError(f"{url}: {(words if isinstance(words, str) else json.dumps(words))[:300]}")
        message = choice.get(part)
        is_empty = part == "delta" and event.keys() & {"choices", "usage"}  # as an account of tokens is
        is_other = message is None and (part == "message" or choice.get("message") or choice.get("text"))
        if is_other if choices else not is_empty:
            raise TypeError
        message = {} if message is None else message
        said, declined = content_words(message.get("content")), content_words(message.get("refusal"))
        if said is None or declined is None:
            raise TypeError
        words = said.text or said.refusal or declined.words  # some models have a place of its own for what they decline
        return words, str(choice.get("finish_reason") or "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise MachineError(f"{url} sent something that is no chat completion: {data[:80]!r}") from error


def open_url(
    url: str, key: str = "", model: str | None = None, *, told: Callable[[str], None] = lambda _words: None
) -> RemoteModel:
    """Return the model behind `url`: the one named, or the first that the server lists, of which is `told` where there are others.

    Raises:
        MachineError: the server is down or refuses. UsageError: it lists no model.
    """
    httpx = _httpx()
    url = url.rstrip("/")
    try:
        with httpx.stream("GET", f"{url}/models", headers=_headers(key), timeout=10.0, trust_env=False) as response:
            if response.status_code != 200:
                raise MachineError(f"{url} answers {response.status_code}: {_reason(response)[0]}")
            listed = _body(response, _MAX_ANSWER_BYTES)
    except httpx.HTTPError as error:
        raise MachineError(
            f"{url} cannot be reached: {error}. Next: is the server running, and is its port right?"
        ) from error
    if len(listed) > _MAX_ANSWER_BYTES:
        raise MachineError(f"{url} sends more than a list of models can be; it was hung up on")
    try:
        names = [str(item["id"]) for item in json.loads(listed)["data"]]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise MachineError(f"{url} does not list its models as an OpenAI-compatible server does") from error
    if not names or (model is not None and model not in names):
        raise UsageError(f"{url} offers {', '.join(names) or 'no model'}" + (f', and not "{model}"' if model else ""))
    if model is None and len(names) > 1:
        told(f"{url} has {len(names)} models, and {names[0]} is asked. Next: {url}#NAME for another")
    return RemoteModel(model or names[0], url, key)


def _httpx() -> Any:
    try:
        import httpx
    except ImportError as error:
        raise MissingExtraError("Talking to a server", "serve") from error
    return httpx
