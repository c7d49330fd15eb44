"""One row in each layout, the same short conversation in all of them."""

from __future__ import annotations

from typing import Any

ASKED, SAID = "Name a tree.", "An oak."

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
    ],
    "kto": [
        {
            "prompt": [{"role": "user", "content": ASKED}],
            "completion": [{"role": "assistant", "content": SAID}],
            "label": True,
        },
        {"messages": [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}], "label": True},
    ],
}
CASES = [(name, row) for name, rows in ROWS.items() for row in rows]
