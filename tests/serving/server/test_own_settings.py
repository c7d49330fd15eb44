"""What a model's generation_config.json does to the scores of a next token, and what of it is named because it does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from unmoor.serving.server.own_settings import own_settings, passed_over
from unmoor.serving.server.picking import Picker, Sampling

pytestmark = pytest.mark.slow

END = 4


def config_of(**settings: Any) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(**{"eos_token_id": END, **settings})


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({}, [4, 4, 4]),
        ({"min_new_tokens": 2}, [3, 3, 4]),
        ({"min_length": 4}, [3, 3, 4]),
        ({"suppress_tokens": [4]}, [3, 3, 3]),
        ({"begin_suppress_tokens": [4]}, [3, 4, 4]),
        ({"bad_words_ids": [[3], [4, 4]], "eos_token_id": None}, [4, 2, 4]),
        ({"no_repeat_ngram_size": 1}, [4, 3, 2]),
        ({"min_new_tokens": 2, "eos_token_id": None}, [4, 4, 4]),
    ],
    ids=str,
)
def test_a_setting_changes_the_next_token(settings: dict[str, Any], tokens: list[int]) -> None:
    import torch

    prompt = [0, 1]
    picker = Picker(Sampling(), prompt, own_settings(config_of(**settings), len(prompt), torch.device("cpu")))
    assert [int(picker.row(torch.arange(5.0)).argmax()) for _ in range(3)] == tokens


def test_settings_that_would_change_an_answer_and_do_not_are_named() -> None:
    assert passed_over(config_of(temperature=0.5, no_repeat_ngram_size=2, num_beams=1, guidance_scale=1.0)) == ()
    assert passed_over(config_of(num_beams=4, forced_eos_token_id=2)) == ("num_beams", "forced_eos_token_id")
