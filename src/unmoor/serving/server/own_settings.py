"""From a model's generation_config.json to what it does to a greedy answer: a model says here what it says in `unmoor chat`.

What changes the scores of the next token alone is done by transformers' own classes; the rest is named, to be told at the start.
"""

from __future__ import annotations

from typing import Any

__all__ = ["own_settings", "passed_over"]

_PASSED_OVER = (
    "num_beams", "guidance_scale", "sequence_bias", "exponential_decay_length_penalty", "forced_bos_token_id",
    "forced_eos_token_id", "watermarking_config", "stop_strings", "max_time", "penalty_alpha", "dola_layers",
)  # fmt: skip
_NEUTRAL = (None, False, 0, 1)


def passed_over(config: Any) -> tuple[str, ...]:
    """Return the names of the settings in a generation config that would change greedy answers and do not."""
    return tuple(name for name in _PASSED_OVER if getattr(config, name, None) not in _NEUTRAL)


def own_settings(config: Any, prompt_tokens: int, device: Any) -> list[Any]:
    """Return what changes the scores of an answer's next token by a generation config, beside its repetition penalty, in the order
    of transformers; `prompt_tokens` stand before the answer.
    """
    import transformers as tf

    ends = config.eos_token_id
    made = {
        "no_repeat_ngram_size": tf.NoRepeatNGramLogitsProcessor,
        "bad_words_ids": lambda words: tf.NoBadWordsLogitsProcessor(words, ends),
        "min_length": lambda least: tf.MinLengthLogitsProcessor(least, ends, device),
        "min_new_tokens": lambda least: tf.MinNewTokensLengthLogitsProcessor(prompt_tokens, least, ends, device),
        "suppress_tokens": lambda tokens: tf.SuppressTokensLogitsProcessor(tokens, device),
        "begin_suppress_tokens": lambda tokens: tf.SuppressTokensAtBeginLogitsProcessor(tokens, prompt_tokens, device),
    }
    if ends is None:  # an answer that nothing ends has no least length
        del made["min_length"], made["min_new_tokens"]
    return [make(value) for name, make in made.items() if (value := getattr(config, name, None))]
