"""From a chat template in Jinja to what llama.cpp can read, and to the few pieces that Ollama's own templates are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Pieces", "pieces_of", "without_generation"]

_GENERATION = re.compile(r"\{%-?\s*(?:end)?generation\s*-?%\}")
_PROBES = ("Zq1xv", "Wk7jp", "Hb4ty", "Mc9rd")
Message = dict[str, str]


def without_generation(template: str) -> str:
    """Return a chat template without the marks that say what a trainer learns from; only transformers knows them."""
    return _GENERATION.sub("", template)


@dataclass(frozen=True, slots=True)
class Pieces:
    """What stands before and after a message of each role, and before an answer."""

    around: dict[str, tuple[str, str]]
    begins: str
    answer: str

    def render(self, chat: list[Message]) -> str:
        """Return a chat as these pieces have it, ready for the next answer."""
        said = (self.around[message["role"]] for message in chat)
        turns = (before + message["content"] + after for (before, after), message in zip(said, chat, strict=True))
        return self.begins + "".join(turns) + self.answer


def pieces_of(tokenizer: Any, *, always_system: bool = False) -> Pieces | None:
    """Return the pieces of a tokenizer's chat template, or None where it is not made of such pieces.

    They are read from a chat with made-up words, and hold only if other chats come out the same, with a system prompt and, unless
    there always is one, without.
    """
    system, user, answer, again = _PROBES
    chat = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": again},
    ]
    try:
        with_answer, without_answer = (_render(tokenizer, chat, add=add) for add in (True, False))
        found = _read(with_answer, without_answer, _first_token(tokenizer))
        chats = [one for one in _chats() if one[0]["role"] == "system" or not always_system]
        if found is None or any(_render(tokenizer, one, add=True) != found.render(one) for one in chats):
            return None
    except Exception:  # a template may raise whatever it likes: then it is not made of such pieces
        return None
    return found


def _first_token(tokenizer: Any) -> str:
    """Return the token that the tokenizer itself puts in front of every text, as llama.cpp then does, or nothing."""
    bos = tokenizer.bos_token
    return str(bos) if bos and tokenizer("x")["input_ids"][:1] == [tokenizer.bos_token_id] else ""


def _render(tokenizer: Any, chat: list[Message], *, add: bool) -> str:
    return str(tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=add))


def _read(with_answer: str, without_answer: str, bos: str) -> Pieces | None:
    if not with_answer.startswith(without_answer) or any(with_answer.count(probe) != 1 for probe in _PROBES):
        return None
    begins = bos if bos and with_answer.startswith(bos) else ""
    gaps = re.split("|".join(_PROBES), without_answer[len(begins) :])
    before_system, after_system, after_user, after_answer, after_again = gaps
    # The second user turn shows where the first one ends: what follows its words is what follows the first's, up to the answer.
    if not after_user.startswith(after_again):
        return None
    before_answer = after_user[len(after_again) :]
    before_user = _before_user(after_system, after_answer)
    return Pieces(
        {
            "system": (before_system, after_system[: len(after_system) - len(before_user)]),
            "user": (before_user, after_again),
            "assistant": (before_answer, after_answer[: len(after_answer) - len(before_user)]),
        },
        begins,
        with_answer[len(without_answer) :],
    )


def _before_user(after_system: str, after_answer: str) -> str:
    """Return what both have at their end, from a tag on: it belongs to the user's turn that follows."""
    same = 0
    while same < min(len(after_system), len(after_answer)) and after_system[-1 - same] == after_answer[-1 - same]:
        same += 1
    shared = after_system[len(after_system) - same :]
    tag = max(
        shared.rfind("<|im_start|>"),
        shared.rfind("<|start_header_id|>"),
        shared.rfind("[INST]"),
        shared.rfind("<start_of_turn>"),
    )
    return shared[tag:] if tag >= 0 else shared


def _chats() -> list[list[Message]]:
    system = {"role": "system", "content": "You are kind."}
    first, answer, second = (
        {"role": "user", "content": "What is up?"},
        {"role": "assistant", "content": "The sky."},
        {"role": "user", "content": "And down?"},
    )
    return [[first], [system, first], [first, answer, second], [system, first, answer, second]]
