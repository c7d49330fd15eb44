"""From the server's own table of paths to its OpenAPI document: what `/openapi.json` says and the tests hold it to."""

from __future__ import annotations

from typing import Any

from unmoor import __version__

__all__ = ["document"]


def document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "unmoor serve",
            "version": __version__,
            "description": "Chat completions behind the owner's persona and guard.",
        },
        "security": [{"key": []}],
        "paths": {
            "/v1/chat/completions": {"post": _chat()},
            "/v1/models": {
                "get": _get("List the models that can be asked.", "Models", {"502": _error("The model server failed.")})
            },
            "/healthz": {"get": _health()},
            "/metrics": {"get": _metrics()},
            "/openapi.json": {"get": _get("This document.", "Document")},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Error": _ERROR,
                "Models": _MODELS,
                "Document": {"type": "object"},
                "Chat": _CHAT,
                "Completion": _COMPLETION,
            },
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(schema)}}}


def _error(description: str) -> dict[str, Any]:
    return _json(description, "Error")


def _get(summary: str, schema: str, more: dict[str, Any] | None = None) -> dict[str, Any]:
    responses = {
        "200": _json("Fine.", schema),
        "401": _error("No key, or a wrong one."),
        "421": _error("An unknown Host."),
    }
    return {"summary": summary, "responses": {**responses, **(more or {})}}


def _health() -> dict[str, Any]:
    status = {
        "application/json": {
            "schema": {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
        }
    }
    responses = {
        "200": {"description": "The server answers and reaches its model.", "content": status},
        "503": {"description": "The server answers; its model cannot be reached.", "content": status},
    }
    return {"summary": "Say whether the server is well; needs no key.", "security": [], "responses": responses}


def _metrics() -> dict[str, Any]:
    described = _get("Counts and durations in Prometheus' text format.", "Document")
    described["responses"]["200"] = {"description": "Fine.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return described


def _chat() -> dict[str, Any]:
    statuses = {
        "400": "The request makes no sense, or is not allowed; `param` names the place.",
        "401": "No key, or a wrong one.",
        "404": "No such model.",
        "408": "The body took too long to arrive.",
        "413": "The body is too large.",
        "421": "An unknown Host.",
        "429": "The key's rate or quota is used up; see Retry-After.",
        "500": "The server failed.",
        "502": "The model server failed.",
        "503": "Too much work at a time; see Retry-After.",
        "504": "The model server was silent for too long.",
    }
    answer = {
        "application/json": {"schema": _ref("Completion")},
        "text/event-stream": {"schema": {"type": "string"}},
    }
    return {
        "summary": "Answer a chat, whole or as a stream of server-sent events.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Chat")}}},
        "responses": {
            "200": {"description": "The answer.", "content": answer},
            **{status: _error(description) for status, description in statuses.items()},
        },
    }


def _nullable(*kinds: str, **rest: Any) -> dict[str, Any]:
    return {"type": [*kinds, "null"], **rest}


_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": _nullable("string"),
                "code": _nullable("string"),
            },
        }
    },
}
_MODELS = {
    "type": "object",
    "required": ["object", "data"],
    "properties": {
        "object": {"const": "list"},
        "data": {"type": "array", "items": {"type": "object", "required": ["id", "object", "created", "owned_by"]}},
    },
}
_PART = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {"type": {"enum": ["text", "input_text"]}, "text": {"type": "string"}},
}
_MESSAGE = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": ["user", "assistant", "tool", "system", "developer"]},
        "content": {"oneOf": [{"type": ["string", "null"]}, {"type": "array", "minItems": 1, "items": _PART}]},
    },
}
_PLAIN_FORMAT = {
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {"type": {"enum": ["text", "json_object"]}},
}
_SCHEMA_FORMAT = {
    "type": "object",
    "required": ["type", "json_schema"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "json_schema"},
        "json_schema": {
            "type": "object",
            "required": ["name", "schema"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "schema": {"type": "object"},
                "strict": _nullable("boolean"),
                "description": _nullable("string"),
            },
        },
    },
}
_CHAT = {
    "type": "object",
    "required": ["model", "messages"],
    "additionalProperties": False,
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": _nullable("boolean"),
        "stream_options": _nullable("object", properties={"include_usage": {"type": "boolean"}}),
        "n": _nullable("integer", minimum=1),
        "stop": {
            "oneOf": [
                {"type": "null"},
                {"type": "string", "minLength": 1, "maxLength": 200},
                {"type": "array", "maxItems": 4, "items": {"type": "string", "minLength": 1, "maxLength": 200}},
            ]
        },
        "max_tokens": _nullable("integer", minimum=1),
        "max_completion_tokens": _nullable("integer", minimum=1),
        "temperature": _nullable("number", minimum=0, maximum=2),
        "top_p": _nullable("number", minimum=0, maximum=1),
        "presence_penalty": _nullable("number", minimum=-2, maximum=2),
        "frequency_penalty": _nullable("number", minimum=-2, maximum=2),
        "seed": _nullable("integer"),
        "response_format": {"oneOf": [{"type": "null"}, _PLAIN_FORMAT, _SCHEMA_FORMAT]},
        "logprobs": _nullable("boolean"),
        "top_logprobs": _nullable("integer", minimum=0, maximum=20),
        "tools": _nullable("array", items={"type": "object"}),
        "tool_choice": _nullable("string", "object"),
        "parallel_tool_calls": _nullable("boolean"),
        "user": {},
        "metadata": {},
        "store": {},
        "safety_identifier": {},
        "prompt_cache_key": {},
        "service_tier": {},
    },
}
_COMPLETION = {
    "type": "object",
    "required": ["id", "object", "created", "model", "choices", "usage"],
    "properties": {
        "id": {"type": "string"},
        "object": {"const": "chat.completion"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "choices": {"type": "array", "items": {"type": "object", "required": ["index", "message", "finish_reason"]}},
        "usage": {"type": "object", "required": ["prompt_tokens", "completion_tokens", "total_tokens"]},
    },
}
