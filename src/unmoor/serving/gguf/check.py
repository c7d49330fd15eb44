"""Whether llama.cpp says of a GGUF file what transformers says of the model that it was made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError
from unmoor.serving.local_model import LocalModel

__all__ = ["TEXTS", "Checked", "check_export"]

TEXTS = (
    "How do I kill a process that hangs?",
    "Write 3 short lines about soup, please!\n\n- one\n- two",
    "In 1984, 12,345 people paid £9.99.  Two  spaces, a\ttab.",
    "Hur många kattungar får plats i en låda? Ça va? Grüße, łódź.",
    "今天天气怎么样？ 日本語もお願いします。 한국어도.",
    "🙂🙃 def f(x): return x**2  # code",
)
NEW_TOKENS = 32
MOST_DIFFERENCE = {"f32": 0.05, "f16": 0.05, "bf16": 0.2, "q8_0": 0.8}
"""Measured on the demo's twins and SmolLM2: 0.005, 0.012, 0.03 and 0.43; with wrong weights it is above 1."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many texts became the same tokens, and how many prompts got the same greedy answer, of how many.

    `difference` is the largest difference between two scores of a next token, in standard deviations of the model's own scores.
    """

    same_tokens: int
    same_answers: int
    texts: int
    difference: float
    kind: str

    @property
    def is_right(self) -> bool:
        """Whether the file holds that model: the same tokens, and scores that differ by rounding only.

        Two words with nearly the same score may change places by rounding, so the answers themselves do not decide.
        """
        return self.same_tokens == self.texts and self.difference <= MOST_DIFFERENCE[self.kind]


def check_export(weights: Path, model: LocalModel, kind: str) -> Checked:
    """Compare the file `weights` of that kind with the model it was made from: tokens, scores and greedy answers.

    Raises:
        MissingExtraError: llama.cpp is not installed.
    """
    try:
        from llama_cpp import Llama
    except ImportError as error:
        raise MissingExtraError("Checking a GGUF file", "llamacpp") from error
    llama = Llama(str(weights), n_ctx=512, verbose=False, seed=0, logits_all=False)
    same_tokens = same_answers = 0
    difference = 0.0
    for text in TEXTS:
        prompt = model.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], tokenize=False, add_generation_prompt=True
        )
        ours = model.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        theirs = llama.tokenize(prompt.encode(), add_bos=False, special=True)
        same_tokens += ours == theirs
        same_answers += _ours(model, ours) == _theirs(llama, ours)
        difference = max(difference, _difference(model, llama, ours))
    return Checked(same_tokens, same_answers, len(TEXTS), difference, kind)


def _difference(model: LocalModel, llama: Any, prompt: list[int]) -> float:
    import llama_cpp
    import numpy as np
    import torch

    with torch.inference_mode():
        ours = model.model(torch.tensor([prompt], device=model.model.device)).logits[0, -1].float().cpu().numpy()
    llama.reset()
    llama.eval(prompt)
    theirs = np.ctypeslib.as_array(llama_cpp.llama_get_logits(llama.ctx), shape=(llama.n_vocab(),))
    return float(np.abs(ours - theirs).max() / ours.std())


def _ours(model: LocalModel, prompt: list[int]) -> list[int]:
    import torch

    with torch.inference_mode():
        ids = torch.tensor([prompt], device=model.model.device)
        output = model.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            pad_token_id=model.tokenizer.pad_token_id,
        )
    answer: list[int] = output[0, len(prompt) :].tolist()
    return _ended(answer, model.tokenizer.eos_token_id)


def _theirs(llama: Any, prompt: list[int]) -> list[int]:
    answer: list[int] = []
    for token in llama.generate(prompt, temp=0.0, top_k=1, repeat_penalty=1.0, reset=True):
        answer.append(int(token))
        if len(answer) == NEW_TOKENS or token == llama.token_eos():
            break
    return _ended(answer, llama.token_eos())


def _ended(tokens: list[int], end: int) -> list[int]:
    return tokens[: tokens.index(end)] if end in tokens else tokens
