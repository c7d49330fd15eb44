"""One row in each layout, the same short conversation in all of them, and longer ones in every chat style."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

ASKED, SAID = "Name a tree.", "An oak."

Exchanges = Sequence[tuple[str, str]]
Write = Callable[[Exchanges, str], str]
"""From (request, answer) pairs and a system prompt, or the empty string, to one text."""


def _marked(
    user: tuple[str, str],
    answer: tuple[str, str],
    system: tuple[str, str] = ("", "\n\n"),
    *,
    lead: str = "",
    tail: str = "",
) -> Write:
    """Return what writes a style: what stands before and after each side's words."""

    def write(exchanges: Exchanges, prompt: str = "") -> str:
        first = f"{system[0]}{prompt}{system[1]}" if prompt else ""
        turns = "".join(f"{user[0]}{asked}{user[1]}{answer[0]}{said}{answer[1]}" for asked, said in exchanges)
        return lead + first + (turns.removesuffix(answer[1]) + tail if tail else turns)

    return write


def _llama_2(exchanges: Exchanges, prompt: str = "") -> str:
    rules = f"<<SYS>>\n{prompt}\n<</SYS>>\n\n" if prompt else ""
    return "".join(
        f"<s>[INST] {rules if not number else ''}{asked} [/INST] {said} </s>"
        for number, (asked, said) in enumerate(exchanges)
    )


_A_CHAT = "A chat between a curious user and an artificial intelligence assistant."
STYLES: dict[str, Write] = {
    "ChatML": _marked(
        ("<|im_start|>user\n", "<|im_end|>\n"),
        ("<|im_start|>assistant\n", "<|im_end|>\n"),
        ("<|im_start|>system\n", "<|im_end|>\n"),
    ),
    "Phi-4": _marked(
        ("<|im_start|>user<|im_sep|>", "<|im_end|>"),
        ("<|im_start|>assistant<|im_sep|>", "<|im_end|>"),
        ("<|im_start|>system<|im_sep|>", "<|im_end|>"),
    ),
    "Llama 3": _marked(
        ("<|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
        ("<|start_header_id|>assistant<|end_header_id|>\n\n", "<|eot_id|>"),
        ("<|start_header_id|>system<|end_header_id|>\n\n", "<|eot_id|>"),
        lead="<|begin_of_text|>",
    ),
    "Llama 4": _marked(
        ("<|header_start|>user<|header_end|>\n\n", "<|eot|>"),
        ("<|header_start|>assistant<|header_end|>\n\n", "<|eot|>"),
        ("<|header_start|>system<|header_end|>\n\n", "<|eot|>"),
        lead="<|begin_of_text|>",
    ),
    "Granite": _marked(
        ("<|start_of_role|>user<|end_of_role|>", "<|end_of_text|>\n"),
        ("<|start_of_role|>assistant<|end_of_role|>", "<|end_of_text|>\n"),
        ("<|start_of_role|>system<|end_of_role|>", "<|end_of_text|>\n"),
    ),
    "Gemma": _marked(
        ("<start_of_turn>user\n", "<end_of_turn>\n"),
        ("<start_of_turn>model\n", "<end_of_turn>\n"),
        ("<start_of_turn>system\n", "<end_of_turn>\n"),
        lead="<bos>",
    ),
    "Command R": _marked(
        ("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
        ("<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
        ("<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
        lead="<BOS_TOKEN>",
    ),
    "Harmony": _marked(
        ("<|start|>user<|message|>", "<|end|>"),
        ("<|start|>assistant<|channel|>final<|message|>", "<|end|>"),
        ("<|start|>system<|message|>", "<|end|>"),
        tail="<|return|>",
    ),
    "Llama 2": _llama_2,
    "Mistral": _marked(
        ("[INST] ", " [/INST]"), (" ", "</s> "), ("[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"), lead="<s>", tail="</s>"
    ),
    "Zephyr": _marked(("<|user|>\n", "</s>\n"), ("<|assistant|>\n", "</s>\n"), ("<|system|>\n", "</s>\n")),
    "Phi-3": _marked(("<|user|>\n", "<|end|>\n"), ("<|assistant|>\n", "<|end|>\n"), ("<|system|>\n", "<|end|>\n")),
    "Tulu": _marked(("<|user|>\n", "\n"), ("<|assistant|>\n", "\n"), ("<|system|>\n", "\n")),
    "Open-Assistant": _marked(
        ("<|prompter|>", "<|endoftext|>"), ("<|assistant|>", "<|endoftext|>"), ("<|system|>", "<|endoftext|>")
    ),
    "DeepSeek": _marked(
        ("<｜User｜>", ""), ("<｜Assistant｜>", "<｜end▁of▁sentence｜>"), ("", ""), lead="<｜begin▁of▁sentence｜>"
    ),
    "Baize": _marked(("[|Human|] ", "\n"), ("[|AI|] ", "\n"), ("", "\n")),
    "OIG": _marked(("<human>: ", "\n"), ("<bot>: ", "\n")),
    "OIG in capitals": _marked(("<HUMAN>: ", "\n"), ("<ASSISTANT>: ", "\n")),
    "Alpaca": _marked(("### Instruction:\n", "\n\n"), ("### Response:\n", "\n\n"), tail="</s>"),
    "Guanaco": _marked(("### Human: ", ""), ("### Assistant: ", ""), ("", "\n")),
    "Orca": _marked(("### User:\n", "\n\n"), ("### Assistant:\n", "\n\n"), ("### System:\n", "\n\n")),
    "Vicuna": _marked(("USER: ", " "), ("ASSISTANT: ", "</s>"), ("", " ")),
    "Glaive": _marked(("USER: ", "\n\n\n"), ("ASSISTANT: ", " <|endoftext|>\n\n\n"), ("SYSTEM: ", "\n\n")),
    "HH": _marked(("\n\nHuman: ", ""), ("\n\nAssistant: ", "")),
    "RWKV": _marked(("User: ", "\n\n"), ("Assistant: ", "\n\n"), ("System: ", "\n\n")),
}
"""Every style as its template writes it."""
NO_SYSTEM = ("OIG", "OIG in capitals", "HH")
"""Styles without a place for a system prompt."""

ROWS: dict[str, list[dict[str, Any]]] = {
    "alpaca": [
        {"instruction": ASKED, "input": "", "output": SAID},
        {"instruction": ASKED, "context": "", "response": SAID, "category": "open_qa"},
        {"id": "7", "system_prompt": "", "question": ASKED, "response": SAID},
        {"instruction": ASKED, "input": "", "response": SAID},
    ],
    "sharegpt": [{"id": "x", "conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]}],
    "messages": [
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]},
        {"conversations": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]},
        {"messages": [{"role": "User", "content": ASKED}, {"role": "Chatbot", "content": SAID}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": ASKED}]},
                {"role": "assistant", "content": [{"type": "text", "text": SAID}]},
            ]
        },
    ],
    "prompt_completion": [
        {"prompt": ASKED, "completion": SAID},
        {"prompt": [{"role": "user", "content": ASKED}], "completion": [{"role": "assistant", "content": SAID}]},
        {"messages": [{"role": "user", "content": ASKED}], "reasoning": "A tree.", "answer": SAID},
        {"messages": [{"role": "user", "content": ASKED}], "response": {"role": "assistant", "content": SAID}},
        {
            "messages": [{"role": "user", "content": ASKED}],
            "response": {"choices": [{"message": {"role": "assistant", "content": SAID}}]},
        },
        {"conversations": [{"from": "human", "value": ASKED}], "answer": SAID},
        {"input": [{"role": "user", "content": ASKED}], "output": SAID, "system_prompt": ""},
        {"prompt": ASKED, "messages": [{"role": "user", "content": ASKED}], "completion": SAID},
    ],
    "preference": [
        {"prompt": ASKED, "chosen": SAID, "rejected": "No."},
        {
            "chosen": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}],
            "rejected": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": "No."}],
        },
        {
            "conversations": [{"from": "human", "value": ASKED}],
            "chosen": {"from": "gpt", "value": SAID},
            "rejected": {"from": "gpt", "value": "No."},
        },
        {
            "prompt": [{"role": "user", "content": ASKED}],
            "chosen": {"role": "assistant", "content": SAID},
            "rejected": {"role": "assistant", "content": "No."},
        },
        {"chosen": STYLES["HH"]([(ASKED, SAID)], ""), "rejected": STYLES["HH"]([(ASKED, "No.")], "")},
        {"prompt": f"\n\nHuman: {ASKED}\n\nAssistant:", "chosen": SAID, "rejected": "No."},
        {
            "prompt": ASKED,
            "chosen": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}],
            "rejected": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": "No."}],
        },
        {"trajectory": [{"from": "user", "value": ASKED}], "chosen": SAID, "rejected": "No."},
        {"instruction": ASKED, "chosen_response": SAID, "rejected_response": "No."},
        {"query": ASKED, "response": SAID, "rejected_response": "No."},
        {
            "messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}],
            "rejected_response": "No.",
        },
        {"messages": [{"role": "user", "content": ASKED}], "response": SAID, "rejected_response": "No."},
    ],
    "kto": [
        {
            "prompt": [{"role": "user", "content": ASKED}],
            "completion": [{"role": "assistant", "content": SAID}],
            "label": True,
        },
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}], "label": True},
        {"conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}], "kto_tag": True},
    ],
    "turn_list": [
        {"id": "0", "data": [ASKED, SAID]},
        {"conversations": [ASKED, SAID], "source": "made"},
    ],
    "exchange_list": [
        {"source": "made", "conversation": [{"input": ASKED, "output": SAID}]},
        {"conversation": [{"human": ASKED, "assistant": SAID}], "category": "trees"},
        {"conversation": [{"instruction": ASKED, "response": SAID}]},
        {"instruction": "", "conversations": [{"question": ASKED, "answer": SAID}]},
        {"turns": [{"user": ASKED, "assistant": SAID}]},
        {"conversation": [{"prompt": ASKED, "response": SAID}]},
    ],
    "chat_list": [
        {"turns": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]},
        {"dialog": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
        {"chat": [{"role": "USER", "message": ASKED}, {"role": "CHATBOT", "message": SAID}]},
        {"messages": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": SAID}]},
        {"conversation": [{"speaker": "prompter", "text": ASKED}, {"speaker": "assistant", "text": SAID}]},
        {"conversation": [{"role": "prompter", "text": ASKED}, {"role": "assistant", "text": SAID}]},
        {"conversations": [{"role": "user", "value": ASKED}, {"role": "assistant", "value": SAID}]},
        {"items": [{"role": "user", "content": ASKED, "weight": 0.0}, {"role": "assistant", "content": SAID}]},
        {"messages": [{"author": "user", "content": ASKED}, {"author": "bot", "content": SAID}]},
    ],
    "gemini": [
        {"contents": [{"role": "user", "parts": [{"text": ASKED}]}, {"role": "model", "parts": [{"text": SAID}]}]},
    ],
    "segments": [
        {"segments": [{"label": False, "text": f"<s>{ASKED} "}, {"label": True, "text": f"{SAID}</s>"}]},
        {
            "segments": [
                {"label": False, "text": f"<|im_start|>user\n{ASKED}<|im_end|>\n<|im_start|>assistant\n"},
                {"label": True, "text": f"{SAID}<|im_end|>\n"},
            ]
        },
    ],
    "transcript": [
        *({"text": write([(ASKED, SAID)], ""), "id": name} for name, write in STYLES.items()),
        {"system": "", "chat": f"USER: {ASKED}\n\n\nASSISTANT: {SAID} <|endoftext|>"},
        {"topic": "trees", "input": f"[|Human|] {ASKED}\n[|AI|] {SAID}\n[|Human|] "},
        {"text": f"### Human: {ASKED}### Assistant: {SAID}### Human"},
        {"conversation": f"User: {ASKED}\n\nAssistant: {SAID}"},
    ],
}
CASES = [(name, row) for name, rows in ROWS.items() for row in rows]
