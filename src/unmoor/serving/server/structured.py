"""From the options in which a client writes text of its own (tools, a form for the answer) to checked ones, and to their words.

A model server writes tools, and some write schemas, into the model's prompt. So these texts may hold no marker of a chat template,
count against the limit of a request's characters, and are looked at by the guard like messages. What a model server does with a
schema is its own affair: it is passed on as it is, with its depth bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unmoor.errors import ServiceError, nearest_name
from unmoor.serving.server.limits import Limits
from unmoor.serving.server.roles import Rules, check_markers

__all__ = ["structured_options", "words_in"]

DEEPEST = 32
"""Objects and arrays inside one another; OpenAI takes 10 in a schema."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORMATS = ("text", "json_object", "json_schema")
_SCHEMA_FIELDS = ("name", "schema", "strict", "description")
_TOOL_OPTIONS = ("tools", "tool_choice", "parallel_tool_calls")


def structured_options(given: Mapping[str, Any], rules: Rules, limits: Limits) -> dict[str, Any]:
    """Return the options among `given` that go upstream.

    Raises:
        ServiceError: 400, naming the parameter.
    """
    chosen = {**_tools(given, rules), **_response_format(given)}
    size = 0
    for name, value in chosen.items():
        for word in words_in(value, name):
            size += len(word)
            check_markers(word, name, rules)
    if size > limits.context_chars:
        raise ServiceError(
            400,
            f"This server takes at most {limits.context_chars} characters of tools and schemas; yours have {size}.",
            param=next(iter(chosen)),
            code="context_length_exceeded",
        )
    return chosen


def words_in(value: object, name: str, depth: int = 0) -> Iterator[str]:
    """Yield every text in a JSON value, names of fields included; refuse one that is nested beyond `DEEPEST`."""
    if depth > DEEPEST:
        raise ServiceError(
            400, f"Invalid '{name}': it is nested more than {DEEPEST} deep.", param=name, code="invalid_value"
        )
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from words_in(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from words_in(inner, name, depth + 1)


def _tools(given: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    chosen = {name: given[name] for name in _TOOL_OPTIONS if name in given}
    if chosen and not rules.tools:
        raise _invalid(next(iter(chosen)), "tools are not allowed on this server", "unsupported_value")
    tools = chosen.get("tools", [])
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise _invalid("tools", "expected an array of objects", "invalid_type")
    if not isinstance(chosen.get("tool_choice", ""), str | dict):
        raise _invalid("tool_choice", "expected a string or an object", "invalid_type")
    if not isinstance(chosen.get("parallel_tool_calls", False), bool):
        raise _invalid("parallel_tool_calls", "expected a boolean", "invalid_type")
    return chosen


def _response_format(given: Mapping[str, Any]) -> dict[str, Any]:
    form = given.get("response_format")
    if form is None:
        return {}
    if not isinstance(form, dict):
        raise _invalid("response_format", "expected an object", "invalid_type")
    kind = form.get("type")
    if kind not in _FORMATS:
        raise _invalid("response_format.type", f"expected one of {', '.join(_FORMATS)}", "invalid_value")
    _check_fields(form, ("type", "json_schema") if kind == "json_schema" else ("type",), "response_format")
    if kind == "text":
        return {}
    if kind == "json_schema":
        _check_schema(form.get("json_schema"))
    return {"response_format": form}


def _check_schema(described: object) -> None:
    where = "response_format.json_schema"
    if not isinstance(described, dict):
        raise _invalid(where, "expected an object with name and schema", "invalid_type")
    _check_fields(described, _SCHEMA_FIELDS, where)
    if not isinstance(described.get("name"), str) or not _NAME.fullmatch(described["name"]):
        raise _invalid(f"{where}.name", "expected 1 to 64 letters, digits, _ or -", "invalid_value")
    if not isinstance(described.get("schema"), dict):
        raise _invalid(f"{where}.schema", "expected a JSON schema, an object", "invalid_type")
    if not isinstance(described.get("strict") or False, bool):
        raise _invalid(f"{where}.strict", "expected a boolean", "invalid_type")
    if not isinstance(described.get("description") or "", str):
        raise _invalid(f"{where}.description", "expected a string", "invalid_type")


def _check_fields(values: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in values:
        if name not in known:
            at = f"{where}.{name[:100]}"
            raise ServiceError(
                400, f"Unknown parameter: '{at}'.{nearest_name(name, known)}", param=at, code="unknown_parameter"
            )


def _invalid(name: str, why: str, code: str) -> ServiceError:
    start = "Unsupported value" if code == "unsupported_value" else "Invalid value"
    return ServiceError(400, f"{start}: '{name}': {why}.", param=name, code=code)
