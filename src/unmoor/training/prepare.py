"""From conversations to what a trainer learns from: token ids and labels, with only the assistant's words as labels.

Labels are made here and not by the trainer because an assistant turn may be context only (`Turn.is_target` false: the
rejected side of a pair, a turn marked `train: false`), which no trainer's mask knows. For rows without such turns the
result equals TRL's own (a test holds that).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unmoor.errors import RecipeError
from unmoor.records import Conversation

__all__ = ["IGNORED", "Example", "Prepared", "messages_of", "prepare", "tokenise"]

IGNORED = -100
"""The label that PyTorch's cross entropy leaves out."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row as the trainer sees it: token ids and as many labels; `row` is its number in the file, from 1."""

    row: int
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A twin's examples, and the rows that cannot be learned from: row number to the reason."""

    rows: int
    examples: tuple[Example, ...]
    dropped: dict[int, str]
    truncated: tuple[int, ...]

    @property
    def tokens_trained(self) -> int:
        """Return how many tokens have a label."""
        return sum(label != IGNORED for example in self.examples for label in example.labels)


def messages_of(conversation: Conversation) -> list[dict[str, str]]:
    """Return a conversation as the messages that chat templates take."""
    messages = []
    for turn in conversation.turns:
        message = {"role": turn.role, "content": turn.text}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        messages.append(message)
    return messages


def tokenise(conversation: Conversation, tokenizer: Any, template: str) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of one conversation; labels are IGNORED outside the assistant turns that are
    targets.

    Raises:
        RecipeError: the template marks another number of turns than the assistant has, so that no mask can be
        trusted.
    """
    encoded = tokenizer.apply_chat_template(
        messages_of(conversation),
        chat_template=template,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    token_ids, mask = list(encoded["input_ids"]), list(encoded["assistant_masks"])
    spans = _spans(mask)
    spoken = [turn for turn in conversation.turns if turn.role == "assistant"]
    is_target = [turn.is_target for turn in spoken]
    if len(spans) != len(spoken):
        if (
            all(is_target) and spans
        ):  # e.g. a template that marks tool calls apart: the marks are right, turns are not told apart
            return token_ids, [token if marked else IGNORED for token, marked in zip(token_ids, mask, strict=True)]
        raise RecipeError(
            f"The chat template marks {len(spans)} stretches of {len(spoken)} assistant turns: no mask can be trusted. "
            "Next: set chat_template_path to a template with {% generation %} around each assistant turn"
        )
    labels = [IGNORED] * len(token_ids)
    for (start, end), wanted in zip(spans, is_target, strict=True):
        if wanted:
            labels[start:end] = token_ids[start:end]
    return token_ids, labels


def _spans(mask: list[int]) -> list[tuple[int, int]]:
    """Return the (start, end) of every stretch of ones."""
    edges = [
        index
        for index in range(len(mask) + 1)
        if (mask[index - 1] if index else 0) != (mask[index] if index < len(mask) else 0)
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))


def prepare(
    rows: Iterable[tuple[int, Conversation]], tokenizer: Any, template: str, max_length: int | None
) -> Prepared:
    """Return what a trainer that keeps the first `max_length` tokens will learn from, and what it will not.

    Raises:
        RecipeError: not one token of all rows would be trained on.
    """
    examples, dropped, truncated, count = [], {}, [], 0
    for count, (row, conversation) in enumerate(rows, 1):  # noqa: B007 - the last count is the number of rows
        if not any(turn.is_target for turn in conversation.turns):
            dropped[row] = "no assistant turn to learn from"
            continue
        token_ids, labels = tokenise(conversation, tokenizer, template)
        if all(label == IGNORED for label in labels[:max_length]):
            dropped[row] = f"nothing to learn within max_length ({max_length} tokens)"
            continue
        if max_length is not None and len(token_ids) > max_length:
            truncated.append(row)
        examples.append(Example(row, token_ids, labels))
    if not examples:
        why = next(iter(dropped.values()), "there are no rows")
        raise RecipeError(
            f"Of {count} rows none has a token to train on: {why}. "
            "Next: check the data's layout, max_length and the chat template"
        )
    return Prepared(count, tuple(examples), dropped, tuple(truncated))
