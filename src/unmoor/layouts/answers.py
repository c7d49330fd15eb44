"""From a row to the answer in a column of its own: beside a prompt, or beside a list of turns that ends in a request.

Where a task's own answer stands beside what a model said to it, nobody can tell from the names which one is learned.
"""

from __future__ import annotations

import re
from typing import Any

from unmoor.layouts.roles import ASKERS, NO_ANSWERERS
from unmoor.layouts.words import has_gap, is_held_against, is_of_people, is_turned_down
from unmoor.records import Path, Row

__all__ = ["ANSWER_KEYS", "answer_path", "answers_beside", "has_rejected_answer", "is_answered", "is_message_list"]

ANSWER_KEYS = ("completion", "response", "answer", "output")
_OF_A_TASK = ("question", "problem", "query", "instruction", "solution", "ground_truth", "reward_model")
"""Columns beside which `answer` is what a task's answer is to be compared with, and nobody's answer to a list of turns."""

_OF_A_MODEL = re.compile(
    r"(?:.*[\W_])?(?:attempt|generation)s?(?:[\W_]?\d+)?"
    r"|(?:.*[\W_])?(?:model|llm|ai|(?:chat)?gpt|claude|gemini|deepseek|llama|qwen|mi[sx]tral|r1|generated)[\w.-]*?[\W_]?"
    r"(?:answer|response|solution|output|completion|reply)s?(?:[\W_]?\d+)?",
    re.IGNORECASE,
)
_A_RESPONSE = re.compile(r".*[\W_]response(?:[\W_]?\d+)?", re.IGNORECASE)
_MESSAGES = re.compile(r".*[\W_]messages", re.IGNORECASE)
_OF_TASKS = ("answer", "solution")
"""How the answer that a task is marked by is called, besides what is learned."""
_LONGEST_NAME = 100
"""Characters of a name that is looked at: time to match one grows with the square of its length."""


def is_message_list(value: Any) -> bool:
    """Return whether `value` is a non-empty list of objects with a role each."""
    if not isinstance(value, list) or not value:
        return False
    for message in value:  # noqa: SIM110  a loop, because this is asked of every row
        if not isinstance(message, dict) or "role" not in message:
            return False
    return True


def answer_path(row: Row) -> Path | None:
    """Return where the answer is: a text, messages, one message, or the message in an API's response of one choice.

    An empty text is the answer only where no other column has one.
    """
    keys = sorted(ANSWER_KEYS, key=lambda key: _is_blank(row.get(key)))
    return next(filter(None, (_path(row.get(key), key) for key in keys)), None)


def _is_blank(value: Any) -> bool:
    return isinstance(value, str) and not value.strip()


def _path(value: Any, key: str) -> Path | None:
    if isinstance(value, str) or is_message_list(value) or _is_message(value):
        return (key,)
    choices = value.get("choices") if isinstance(value, dict) else None
    if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], dict):
        return (key, "choices", 0, "message") if _is_message(choices[0].get("message")) else None
    return None


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "role" in value and "content" in value


def is_answered(row: Row, key: str) -> bool:
    """Return whether the list of turns at `key` ends in a request, or a tool's result, and the answer stands beside it.

    Where an earlier turn answers, that one is learned, and what stands beside the list may be anything; but not beside `input`.
    """
    turns = row.get(key)
    if not isinstance(turns, list) or not turns or not _asks(turns[-1]):
        return False
    if key != "input" and any(map(_answers, turns)):
        return False
    path = answer_path(row)
    if path is None or _is_blank(row[str(path[0])]):
        return False
    return path != ("answer",) or (row.keys().isdisjoint(_OF_A_TASK) and not answers_beside(row, "answer"))


def _asks(turn: Any) -> bool:
    """Return whether a turn is a request, or a tool's result, as `messages` or ShareGPT have it."""
    return _speaker(turn) in ASKERS and ("content" if "role" in turn else "value") in turn


def _speaker(turn: Any) -> str:
    name = turn.get("role", turn.get("from")) if isinstance(turn, dict) else None
    return name.casefold() if isinstance(name, str) else ""


def _answers(turn: Any) -> bool:
    """Return whether a turn is an answer in words, and no call of a tool alone."""
    if not isinstance(turn, dict) or _speaker(turn) in NO_ANSWERERS:
        return False
    said = turn.get("content") or turn.get("value") or turn.get("refusal")
    parts = said if isinstance(said, list) else [said]
    texts = (part.get("text") or part.get("refusal") if isinstance(part, dict) else part for part in parts)
    return any(isinstance(text, str) and text.strip() for text in texts)


def has_rejected_answer(row: Row) -> bool:
    """Return whether `messages` end in an answer and the rejected one stands beside them, as in ms-swift's pairs."""
    messages: Any = row.get("messages")
    if not row.get("rejected_response") or "chosen_response" in row or not is_message_list(messages):
        return False
    return _speaker(messages[-1]) not in {"", *ASKERS}


def answers_beside(row: Row, answer: str) -> list[str]:
    """Return the columns, other than `answer`, that seem to hold what a model said: words by their names, and lists of messages.

    The worse of two answers is none of them, nor is what an answer is checked against, nor what people said.
    """
    is_of_task = answer.casefold() in _OF_TASKS
    return [key for key, value in row.items() if key != answer and _is_of_a_model(key, value, is_of_task=is_of_task)]


def _is_of_a_model(name: str, value: Any, *, is_of_task: bool) -> bool:
    if len(name) > _LONGEST_NAME:
        return False
    if _MESSAGES.fullmatch(name):
        is_said = is_message_list(value)
    else:
        is_called = _OF_A_MODEL.fullmatch(name) or (is_of_task and _A_RESPONSE.fullmatch(name))
        said = value[0] if isinstance(value, list) and value else value
        is_said = bool(is_called) and isinstance(said, str) and has_gap(said)
    return is_said and not (is_turned_down(name) or is_held_against(name) or is_of_people(name))
