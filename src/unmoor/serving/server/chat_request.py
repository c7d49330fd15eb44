"""From the body of a request to what the model is asked: every key known, every value in its range, the owner's words first.

What is not listed here is refused, so a new option of a model server (its own chat template, a prefix for the answer, adapters) is
closed until somebody looks at it. The body that goes upstream is written anew from what was checked; no byte of the client's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from unmoor.errors import ServiceError, nearest_name
from unmoor.serving.readings import unescaped
from unmoor.serving.server.limits import Limits
from unmoor.serving.server.roles import Rules, checked_messages
from unmoor.serving.server.structured import structured_options, words_in

__all__ = ["ChatRequest", "parse_chat"]

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One checked request.

    `messages` are for the model, with the owner's words first; `sent` are the client's own of them, for the guard; `options`
    holds what goes upstream under its own name: sampling, tools, response_format.
    """

    model: str
    messages: tuple[Message, ...]
    sent: tuple[Message, ...]
    max_tokens: int
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    stop: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def seen(self) -> list[Message]:
        """Return everything that a client wrote, as messages for the guard: calls of tools and what options say in words too."""
        options = "\n".join(word for name in _WORDY for word in words_in(self.options.get(name), name))
        said = [{"role": "user", "content": options}] if options else []
        return [*said, *({**message, "content": _all_words(message)} for message in self.sent)]

    def with_note(self, words: str) -> ChatRequest:
        """Return the request with a note of the owner's added to the system message."""
        first, *rest = self.messages
        if first["role"] == "system":
            noted = {"role": "system", "content": f"{first['content']}\n\n{words}"}
            return replace(self, messages=(noted, *rest))
        return replace(self, messages=({"role": "system", "content": words}, *self.messages))

    def body(self) -> dict[str, Any]:
        """Return the body for a model server; a stream always ends with its usage, which the quotas need."""
        made: dict[str, Any] = {"model": self.model, "messages": list(self.messages), "max_tokens": self.max_tokens}
        if self.stream:
            made |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.n > 1:
            made["n"] = self.n
        if self.stop:
            made["stop"] = list(self.stop)
        return {**made, **self.options}


def _all_words(message: Message) -> str:
    calls = message.get("tool_calls", ())
    called = [word for call in calls for word in (call["id"], *call["function"].values())]
    data = [*called, message["content"]] if message["role"] == "tool" else called
    words = (message["content"], *called, message.get("tool_call_id"), *map(unescaped, data))
    return "\n".join(dict.fromkeys(word for word in words if word))


def parse_chat(body: bytes, rules: Rules, limits: Limits) -> ChatRequest:
    """Return the request in `body`.

    Raises:
        ServiceError: 400, naming the parameter, what was expected and what was found.
    """
    values = _json_object(body)
    for key in values:
        if key not in _KNOWN:
            raise ServiceError(
                400,
                f"Unknown parameter: {key[:100]!r}.{nearest_name(key, _KNOWN)}",
                code="unknown_parameter",
                param=key[:100],
            )
    given = {key: value for key, value in values.items() if value is not None}
    stream = _boolean(given, "stream")
    messages, sent = checked_messages(given.get("messages"), rules, limits)
    sampling = dict(rules.sampling)
    longest = min(sampling.pop("max_tokens", limits.max_tokens), limits.max_tokens)
    return ChatRequest(
        model=_model(given),
        messages=messages,
        sent=sent,
        max_tokens=_max_tokens(given, limits.max_tokens) or longest,
        stream=stream,
        include_usage=_include_usage(given, stream=stream),
        n=_integer(given, "n", 1, limits.choices) or 1,
        stop=_stop(given),
        options={**sampling, **_options(given), **structured_options(given, rules, limits)},
    )


_NUMBERS = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "presence_penalty": (-2.0, 2.0),
    "frequency_penalty": (-2.0, 2.0),
}
"""Parameter to its range, as in OpenAI's reference."""
_IGNORED = ("user", "metadata", "store", "safety_identifier", "service_tier", "prompt_cache_key")
"""What clients send for their vendor's bookkeeping: accepted and dropped."""
_WORDY = ("tools", "tool_choice", "response_format")
"""Options in which a client writes text that a model may read."""
_KNOWN = (
    "model", "messages", "stream", "stream_options", "n", "stop", "max_tokens", "max_completion_tokens", "seed",
    "response_format", "logprobs", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", *_NUMBERS, *_IGNORED,
)  # fmt: skip
_SEED_BOUND = 2**63 - 1
MOST_LOGPROBS = 20
"""Of the likeliest tokens at one place, as in OpenAI's reference."""


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ServiceError(
            400,
            "We could not parse the JSON body of your request. "
            f"Expected a JSON object in UTF-8; found an error at line {error.lineno}, column {error.colno}.",
            code="invalid_json",
        ) from error
    if not isinstance(values, dict):
        raise ServiceError(400, f"Expected a JSON object, but got {_article(values)}.", code="invalid_json")
    return values


def _model(given: Mapping[str, Any]) -> str:
    model = given.get("model")
    if model is None:
        raise ServiceError(400, "you must provide a model parameter", param="model", code="missing_required_parameter")
    if not isinstance(model, str) or not model:
        raise _wrong_type("model", "a string", model)
    return model


def _max_tokens(given: Mapping[str, Any], cap: int) -> int | None:
    both = [name for name in ("max_completion_tokens", "max_tokens") if name in given]
    if len(both) == 2 and given[both[0]] != given[both[1]]:
        raise _unsupported("max_tokens", "give max_completion_tokens or max_tokens, not both")
    return _integer(given, both[0], 1, cap) if both else None


def _include_usage(given: Mapping[str, Any], *, stream: bool) -> bool:
    options = given.get("stream_options")
    if options is None:
        return False
    if not stream:
        raise ServiceError(
            400,
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
            code="invalid_value",
        )
    if not isinstance(options, dict):
        raise _wrong_type("stream_options", "an object", options)
    for key in options:
        if key not in {"include_usage", "include_obfuscation"}:
            name = f"stream_options.{key[:100]}"
            raise ServiceError(400, f"Unknown parameter: {name!r}.", param=name, code="unknown_parameter")
    return _boolean(options, "include_usage")


def _stop(given: Mapping[str, Any]) -> tuple[str, ...]:
    stop = given.get("stop")
    if stop is None:
        return ()
    words = [stop] if isinstance(stop, str) else stop
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _wrong_type("stop", "a string or an array of strings", stop)
    if len(words) > 4 or any(not 1 <= len(word) <= 200 for word in words):
        raise ServiceError(
            400,
            "Invalid 'stop': expected at most 4 strings of 1 to 200 characters.",
            param="stop",
            code="invalid_value",
        )
    return tuple(words)


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes upstream under its own name."""
    chosen: dict[str, Any] = {name: _number(given, name) for name in _NUMBERS if name in given}
    if "seed" in given:
        chosen["seed"] = _integer(given, "seed", -_SEED_BOUND, _SEED_BOUND)
    return {**chosen, **_logprobs(given)}


def _logprobs(given: Mapping[str, Any]) -> dict[str, Any]:
    top = _integer(given, "top_logprobs", 0, MOST_LOGPROBS)
    if not _boolean(given, "logprobs"):
        if top:
            raise _unsupported("top_logprobs", "it needs logprobs to be true")
        return {}
    return {"logprobs": True, **({} if top is None else {"top_logprobs": top})}


def _boolean(given: Mapping[str, Any], name: str) -> bool:
    value = given.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong_type(name, "a boolean", value)
    return bool(value)


def _integer(given: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, "an integer", value)
    _check_range(name, value, least, most, "integer")
    return value


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(name, "a decimal", value)
    _check_range(name, value, *_NUMBERS[name], "decimal")
    return value


def _check_range(name: str, value: float, least: float, most: float, kind: str) -> None:
    if not least <= value <= most:
        is_low = value < least
        side, sign, bound = ("below minimum", ">=", least) if is_low else ("above maximum", "<=", most)
        raise ServiceError(
            400,
            f"Invalid '{name}': {kind} {side} value. Expected a value {sign} {bound}, but got {value} instead.",
            param=name,
            code=f"{kind}_below_min_value" if is_low else f"{kind}_above_max_value",
        )


def _wrong_type(name: str, expected: str, found: object) -> ServiceError:
    return ServiceError(
        400,
        f"Invalid type for '{name}': expected {expected}, but got {_article(found)} instead.",
        param=name,
        code="invalid_type",
    )


def _unsupported(name: str, why: str) -> ServiceError:
    return ServiceError(400, f"Unsupported value: '{name}': {why}.", param=name, code="unsupported_value")


def _article(value: object) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
