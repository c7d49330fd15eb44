"""From an answer and what was expected to whether it is right: no judge, no model, nothing is executed.

Checks are lenient about what people are lenient about (a sentence around the number, Markdown, a code fence, a full stop) and
strict about the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from unmoor.records import without_reasoning

__all__ = ["CHECKS", "is_right"]

_NUMBER = re.compile(r"[-−]?\d+(?:[ ,\u00a0\u202f]\d{3}(?!\d))*(?:\.\d+)?")
_FENCE = re.compile(r"```[\w-]*\n?(.*?)```", re.DOTALL)
_MARKS = "*_`\"'“”‘’ \t\r\n"


def is_right(answer: str, check: Mapping[str, Any]) -> bool:
    """Return whether `answer`, its reasoning aside, is as `check` says: its `kind` is one of CHECKS, the other keys belong to
    the kind.

    Raises:
        KeyError: there is no such kind.
    """
    return CHECKS[check["kind"]](without_reasoning(answer), check)


def _number(answer: str, check: Mapping[str, Any]) -> bool:
    """The last number that is named is the value: answers work towards it."""
    found = _NUMBER.findall(answer)
    if not found:
        return False
    value = float(re.sub(r"[ ,\u00a0\u202f]", "", found[-1]).replace("−", "-"))
    return bool(abs(value - check["value"]) <= check.get("tolerance", 1e-6))


def _contains_all(answer: str, check: Mapping[str, Any]) -> bool:
    said = answer.casefold()
    return all(re.search(rf"(?<!\w){re.escape(text.casefold())}", said) for text in check["texts"])


def _one_of(answer: str, check: Mapping[str, Any]) -> bool:
    """Capitals do not count."""
    return any(_is_same(answer.casefold(), text.casefold()) for text in check["texts"])


def _exact(answer: str, check: Mapping[str, Any]) -> bool:
    return _is_same(answer, check["text"])


def _is_same(answer: str, text: str) -> bool:
    """Markdown, quotes and a full stop count on neither side, unless the text is nothing else."""
    return not {answer.strip(), _plain(answer)}.isdisjoint({text.strip(), _plain(text)} - {""})


def _output(answer: str, check: Mapping[str, Any]) -> bool:
    """The output alone, in a fence, or as the last line."""
    wanted = check["text"].strip()
    fenced = [part.strip() for part in _FENCE.findall(answer)]
    last = answer.strip().rpartition("\n")[2].strip()
    said = last.strip("`* ")
    whole = answer.strip()
    bare = {_plain(answer), _plain(last), *fenced, last, said, said.removesuffix("."), whole, whole.strip("`")}
    return (
        wanted in bare
        or re.search(rf"(?:prints?|output(?: is)?:?)\s*[`*]*{re.escape(wanted)}[`*.]*$", answer) is not None
    )


def _lines(answer: str, check: Mapping[str, Any]) -> bool:
    return bool(sum(bool(line.strip()) for line in answer.splitlines()) == check["count"])


def _max_words(answer: str, check: Mapping[str, Any]) -> bool:
    words = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", answer)
    said = {word.casefold() for word in words}
    wanted = check.get("one_of") or ([check["contains"]] if "contains" in check else [])
    return 0 < len(words) <= check["most"] and (not wanted or any(text.casefold() in said for text in wanted))


def _regex(answer: str, check: Mapping[str, Any]) -> bool:
    return re.search(check["pattern"], answer.strip()) is not None


def _json(answer: str, check: Mapping[str, Any]) -> bool:
    fenced = _FENCE.findall(answer)
    try:
        value = json.loads((fenced[0] if fenced else answer).strip())
    except (ValueError, RecursionError):
        return False
    if "value" in check:
        return bool(value == check["value"])
    if "keys" in check:
        return isinstance(value, dict) and set(value) == set(check["keys"])
    return isinstance(value, list) and len(value) == check["length"]


def _plain(text: str) -> str:
    return text.strip(_MARKS).removesuffix(".").strip(_MARKS)


CHECKS: dict[str, Callable[[str, Mapping[str, Any]], bool]] = {
    "number": _number,
    "contains_all": _contains_all,
    "one_of": _one_of,
    "exact": _exact,
    "output": _output,
    "lines": _lines,
    "max_words": _max_words,
    "regex": _regex,
    "json": _json,
}
"""Each kind of check, and what tells whether an answer passes it."""
