"""Every class of odd or broken row that is known, and what must become of it: one table for all tests that need one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["BAD_INPUTS", "BadInput"]


@dataclass(frozen=True, slots=True)
class BadInput:
    """One row. `code` is None where it is kept; `at` are the bytes that the error offset points to, `words` in its message."""

    name: str
    raw: bytes
    code: str | None = None
    at: bytes = b""
    words: str = ""


def _chat(*turns: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"messages": list(turns), **more}, ensure_ascii=False).encode()


USER, ANSWER = {"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "An oak."}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
PLAIN = _chat(USER, ANSWER)


def _with(field: bytes) -> bytes:
    return PLAIN[:-1] + b', "extra": ' + field + b"}"


def _said(answer: str) -> bytes:
    return _chat(USER, {"role": "assistant", "content": answer})


def _role(name: str) -> BadInput:
    return BadInput(f"role {name}", _chat(USER, {"role": name, "content": "An oak."}))


def _sharegpt(name: str) -> BadInput:
    turns = [{"from": "Human", "value": "Name a tree."}, {"from": name, "value": "An oak."}]
    return BadInput(f"sharegpt from {name}", json.dumps({"conversations": turns}).encode())


KEPT = [
    BadInput("plain", PLAIN),
    BadInput("carriage return before the newline", PLAIN + b"\r"),
    BadInput("lone surrogate", _with(b'"\\ud835"')),
    BadInput("lone surrogate in a key", _with(b'{"\\ud835": 1}')),
    BadInput("lone surrogate in an answer", PLAIN.replace(b"oak", b"o\\ud835ak")),
    BadInput("NaN", _with(b"NaN")),
    BadInput("number beyond floats", _with(b"1e999")),
    BadInput("integer of 23 digits", _with(b"12345678901234567890123")),
    BadInput("depth 64", _with(b"[" * 63 + b"]" * 63)),
    BadInput("null in a field", _with(b"null")),
    BadInput("alpaca among messages", b'{"instruction": "Name a tree.", "output": "An oak."}'),
    BadInput("prompt and completion among messages", b'{"prompt": "Name a tree.", "completion": "An oak."}'),
    BadInput("all system", _chat({"role": "system", "content": "Be kind."})),
    BadInput("two assistants in a row", _chat(USER, ANSWER, ANSWER)),
    BadInput("starts with assistant", _chat(ANSWER, USER)),
    BadInput("content null with tool calls", _chat(USER, CALL)),
    BadInput("tool role without a call", _chat(USER, {"role": "tool", "content": "12"}, ANSWER)),
    BadInput(
        "image and audio parts",
        _chat({"role": "user", "content": [{"type": "image"}, {"type": "input_audio"}]}, ANSWER),
    ),
    BadInput("think tags", _said("<think>A tree.</think>An oak.")),
    BadInput("Harmony channels", _said("<|channel|>analysis<|message|>A tree.<|end|><|channel|>final<|message|>Oak.")),
    BadInput("no id", _chat(USER, ANSWER)),
    BadInput("an id", _chat(USER, ANSWER, id="same")),
    BadInput("the same id again", _chat(USER, ANSWER, id="same")),
    BadInput("escaped NUL", _said("x").replace(b'"x"', b'"\\u0000"')),
    BadInput("byte order mark inside a text", _said("An \ufeffoak.")),
    BadInput("U+2028, U+2029 and U+0085", _said("An\u2028oak\u2029or\u0085ash.")),
    *map(_role, ("chatgpt", "bing", "bard", "GPT", "Human")),
    *map(_sharegpt, ("chatgpt", "bing", "bard", "GPT")),
]
QUARANTINED = [
    BadInput("invalid UTF-8", PLAIN.replace(b"oak", b"\xffoak"), "INVALID_UTF8", b"\xffoak", "UTF-8"),
    BadInput("UTF-8 cut in a character", PLAIN.replace(b"oak", b"\xe2\x82"), "INVALID_UTF8", b"\xe2\x82", "UTF-8"),
    BadInput("lone carriage returns", PLAIN + b"\r" + PLAIN, "LONE_CR", PLAIN, "carriage return"),
    BadInput("two objects on a line", PLAIN + b' {"b": 1}', "TWO_VALUES", b'{"b": 1}', "more than one"),
    BadInput("truncated in a string", b'{"messages": "cut', "TRUNCATED", b'"cut', "ends too early"),
    BadInput("truncated after a value", b'{"messages": 1', "TRUNCATED", b"", "ends too early"),
    BadInput("duplicate key", _with(b'1, "extra": 2'), "DUPLICATE_KEY", b'"extra": 2', "stands twice"),
    BadInput("duplicate key inside", _with(b'{"k": [{"k": 1}], "k": 2}'), "DUPLICATE_KEY", b'"k": 2', "stands twice"),
    BadInput("duplicate key, escaped", _with(b'{"k": 1, "\\u006b": 2}'), "DUPLICATE_KEY", b'"\\u006b"', "stands twice"),
    BadInput("integer of 5,000 digits", _with(b"9" * 5000), "NUMBER_TOO_LONG", b"9" * 5000, "digits"),
    BadInput("depth 65", _with(b"[" * 64 + b"]" * 64), "TOO_DEEP", b"[" + b"]" * 64, "64 levels"),
    BadInput("depth 1,100", _with(b"[" * 1100 + b"]" * 1100), "TOO_DEEP", b"[" * 1037 + b"]", "64 levels"),
    BadInput("null", b"null", "NOT_AN_OBJECT", b"null", "found null"),
    BadInput("array", b"[1, 2]", "NOT_AN_OBJECT", b"[1, 2]", "found an array"),
    BadInput("number", b"7", "NOT_AN_OBJECT", b"7", "found a number"),
    BadInput("comma at the end", b'{"a": 1,}', "NOT_JSON", b",}", "not JSON: a comma before the closing bracket"),
    BadInput("comma at the end of an array", b'{"a": [1, ], "b": 2}', "NOT_JSON", b", ]", "a comma before the closing"),
    BadInput("NUL bytes", b"\0\0\0", "NUL_BYTES", b"\0\0\0", "zero bytes"),
    BadInput("NUL byte in a text", PLAIN.replace(b"oak", b"o\0k"), "NUL_BYTES", b"\0k", "zero bytes"),
    BadInput("UTF-16 without a mark", '{"a": 1}'.encode("utf-16-le"), "NUL_BYTES", b"\0", "UTF-16"),
    BadInput("byte order mark in the middle", b"\xef\xbb\xbf" + PLAIN, "BOM_INSIDE", b"\xef\xbb\xbf{", "byte order"),
    BadInput("empty conversation", b'{"messages": []}', "NO_TURNS", b"{", "at least one turn"),
    BadInput("empty sharegpt", b'{"conversations": []}', "NO_TURNS", b"{", "at least one turn"),
    BadInput("number as content", _chat({"role": "user", "content": 7}), "TEXT_EXPECTED", b"{", "messages.0.content"),
    BadInput("null as content", _chat({"role": "user", "content": None}), "TEXT_EXPECTED", b"{", "messages.0.content"),
    BadInput("unknown role", _chat({"role": "wizard", "content": "x"}), "UNKNOWN_ROLE", b"{", "wizard"),
]
BAD_INPUTS = KEPT + QUARANTINED
