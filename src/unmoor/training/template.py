"""From a tokenizer to a chat template that marks what the assistant says, so that the loss can be kept to it.

A template without `{% generation %}` gives a mask of zeros, and a trainer that trusts it trains on nothing: the stock
templates of Llama 3.1, Qwen3 and Gemma 3 are such. For families it knows TRL has the same template with the marks;
any other gets ChatML.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["CHATML", "END_OF_TURN", "START_OF_TURN", "fault_of", "replacement_of", "training_template"]

START_OF_TURN = "<|im_start|>"
END_OF_TURN = "<|im_end|>"

CHATML = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "{{ '<|im_start|>assistant\n' }}"
    "{% generation %}"
    "{% if message.get('reasoning_content') %}{{ '<think>\n' + message['reasoning_content'] + '\n</think>\n\n' }}{% endif %}"
    "{{ message['content'] + '<|im_end|>' }}"
    "{% endgeneration %}"
    "{{ '\n' }}"
    "{% else %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""ChatML as OpenAI published it and Dolphin used it; the end-of-turn token lies inside the marks, so that the model
learns to stop.
"""


MARKS = re.compile(r"\{%-?\s*generation\s*-?%\}")


def training_template(tokenizer: Any) -> str:
    """Return the tokenizer's own template if it marks the assistant's words, else TRL's marked version, else ChatML."""
    own = tokenizer.chat_template
    if not isinstance(own, str):
        return CHATML
    if MARKS.search(own):
        return own
    from trl.chat_template_utils import get_training_chat_template

    try:
        return str(get_training_chat_template(tokenizer))
    except ValueError:  # TRL knows no marked version of this template
        return CHATML


def replacement_of(tokenizer: Any, template: str, base: str) -> str:
    """Return a sentence where ChatML is learned and the base has no template, or another; else the empty string."""
    own = getattr(tokenizer, "init_kwargs", {}).get("chat_template")
    if template != CHATML or own == CHATML:
        return ""
    if own is None:
        return f"{base} has no chat template: ChatML is learned."
    if not isinstance(own, str):
        return f"{base} has several chat templates: ChatML is learned in their place."
    return f"The chat template of {base} marks no answers: ChatML is learned in its place."


def fault_of(tokenizer: Any, template: str) -> str:
    """Return what is wrong with a template that renders no question with its answer, neither alone nor after a system turn; empty
    if it does, or if it refuses them in words of its own, as some do that want another order of roles.
    """
    chat = [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]
    faults = [_fault(tokenizer, template, one) for one in (chat, [{"role": "system", "content": "s"}, *chat])]
    return faults[0] if all(faults) else ""


def _fault(tokenizer: Any, template: str, chat: list[dict[str, str]]) -> str:
    from jinja2 import TemplateError

    try:
        tokenizer.apply_chat_template(chat, chat_template=template, tokenize=False)
    except Exception as error:  # whatever Jinja raises, it is the template's fault
        if type(error) is TemplateError:  # by raise_exception, which templates call; Jinja's own are subclasses
            return ""
        line = getattr(error, "lineno", None)
        return f"{type(error).__name__}: {error}" + (f" (line {line})" if line else "")
    return ""
