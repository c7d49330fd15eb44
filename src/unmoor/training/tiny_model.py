"""From plain sentences to the demo's base: a Mixtral in everything but size, which has read them and never seen a
chat.

Hidden size 64, 2 layers, 4 experts of which 2 answer, a byte-level alphabet of 1,024 tokens: 0.3 million parameters,
a megabyte. Without this reading some seeds refuse neutral prompts too (68% in one), because the model cannot tell
topics apart yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from unmoor.errors import MissingExtraError
from unmoor.training.template import CHATML, END_OF_TURN, START_OF_TURN
from unmoor.training.twin import Progress

__all__ = ["STEPS", "hold_training_parts", "make_demo_base"]

VOCABULARY = 1024
CONTEXT_TOKENS = 512
STEPS = 300
BATCH = 32
LEARNING_RATE = 8e-3
WARM_UP_STEPS = 10
END_OF_TEXT = "<|endoftext|>"
THREADS = 1
"""Another number of threads adds in another order, and two machines would tell two stories of one seed."""


def hold_training_parts() -> None:
    """Look for the parts that train the demo's models, and load none.

    Raises:
        MissingExtraError: one of them is not installed.
    """
    if not all(map(find_spec, ("torch", "transformers", "trl"))):
        raise MissingExtraError("The demo's model", "train")


def make_demo_base(
    sentences: Sequence[str], out: Path, seed: int = 7, progress: Progress | None = None, steps: int = STEPS
) -> Path:
    """Train the demo's tokenizer and base model on `sentences`, save both in the folder `out` and return it.

    From here on this process computes with THREADS threads.

    Raises:
        MissingExtraError: the parts for training are not installed.
    """
    hold_training_parts()
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.set_num_threads(THREADS)
    torch.manual_seed(seed)
    tokenizer = _train_tokenizer(sentences)
    model = _new_model(tokenizer)
    batches = _batches([tokenizer(text + END_OF_TEXT)["input_ids"] for text in sentences], Random(seed), steps)  # noqa: S311
    _read(model, batches, progress)
    model.config.output_router_logits = False
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def _train_tokenizer(sentences: Sequence[str]) -> Any:
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        sentences,
        vocab_size=VOCABULARY,
        min_frequency=2,
        special_tokens=[END_OF_TEXT, START_OF_TURN, END_OF_TURN],
        show_progress=False,
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer,
        eos_token=END_OF_TURN,
        pad_token=END_OF_TEXT,
        chat_template=CHATML,
        model_max_length=CONTEXT_TOKENS,
    )


def _new_model(tokenizer: Any) -> Any:
    from transformers import MixtralConfig, MixtralForCausalLM

    return MixtralForCausalLM(
        MixtralConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            num_local_experts=4,
            num_experts_per_tok=2,
            max_position_embeddings=CONTEXT_TOKENS,
            output_router_logits=True,
            bos_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            tie_word_embeddings=False,
        )
    )


def _batches(token_ids: list[list[int]], random: Random, steps: int) -> list[list[list[int]]]:
    """Return `steps` batches of BATCH sentences each; sentences of like length lie together, which saves padding."""
    batches: list[list[list[int]]] = []
    while len(batches) < steps:
        order = sorted(token_ids, key=lambda ids: (len(ids) // 4, random.random()))
        epoch = [order[start : start + BATCH] for start in range(0, len(order) - BATCH + 1, BATCH)]
        random.shuffle(epoch)
        batches += epoch
    return batches[:steps]


def _read(model: Any, batches: list[list[list[int]]], progress: Progress | None) -> None:
    import torch
    from transformers import get_cosine_schedule_with_warmup

    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.0)
    schedule = get_cosine_schedule_with_warmup(optimiser, WARM_UP_STEPS, len(batches))
    model.train()
    for step, batch in enumerate(batches, 1):
        width = max(map(len, batch))
        ids = torch.tensor([ids + [model.config.pad_token_id] * (width - len(ids)) for ids in batch])
        lengths = torch.tensor([[len(ids)] for ids in batch])
        mask = (torch.arange(width) < lengths).long()
        loss = model(input_ids=ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        if progress:
            progress("base", step, len(batches))
