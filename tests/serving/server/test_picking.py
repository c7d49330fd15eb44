"""How a token is picked from scores, held against the definitions: softmax, top-p, OpenAI's penalties."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from unmoor.serving.server.picking import Picker, Sampling, sampling_of

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.slow

DRAWS = 20_000


def scores_of(*values: float) -> Tensor:
    import torch

    return torch.tensor(values)


def drawn(sampling: Sampling, scores: Tensor) -> Counter[int]:
    """Return how often each token was drawn, by one picker."""
    picker = Picker(sampling)
    return Counter(int(picker.row(scores).argmax()) for _ in range(DRAWS))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_softmax_says(temperature: float) -> None:
    from scipy.stats import chisquare

    scores = scores_of(0.0, 1.0, -0.5, 2.0, 0.3)
    seen = drawn(Sampling(temperature=temperature, seed=5), scores)
    expected = (scores / temperature).softmax(-1).double()
    wanted = (expected / expected.sum() * DRAWS).tolist()
    assert chisquare([seen[token] for token in range(5)], wanted).pvalue > 0.01  # the seed is fixed: no luck is needed


def test_top_p_leaves_the_likeliest_only() -> None:
    scores = scores_of(3.0, 2.0, -1.0, -2.0)  # 0.72, 0.26, 0.01, 0.005
    assert set(drawn(Sampling(temperature=1.0, top_p=0.9, seed=5), scores)) == {0, 1}
    assert set(drawn(Sampling(temperature=1.0, top_p=0.0, seed=5), scores)) == {0}


def test_a_temperature_of_zero_changes_nothing() -> None:
    picker = Picker(Sampling(seed=5))
    assert picker.changes_nothing
    assert picker.row(scores_of(1.0, 2.0)).tolist() == [1.0, 2.0]


def test_penalties_count_what_was_written_as_openai_defines_them() -> None:
    picker = Picker(Sampling(presence_penalty=0.5, frequency_penalty=0.25))
    rows = [picker.row(scores_of(1.0, 0.9, 0.0)).tolist() for _ in range(3)]
    assert rows[0] == pytest.approx([1.0, 0.9, 0.0])
    assert rows[1] == pytest.approx([0.25, 0.9, 0.0])
    assert rows[2] == pytest.approx([0.25, 0.15, 0.0])


def test_a_models_own_repetition_penalty_counts_the_prompt_too() -> None:
    picker = Picker(Sampling(repetition_penalty=2.0), prompt=[1, 2])
    assert picker.row(scores_of(1.0, 3.0, -1.0)).tolist() == [1.0, 1.5, -2.0]


def test_the_scores_that_are_told_are_the_models_own() -> None:
    import torch

    picker = Picker(Sampling(temperature=0.1, seed=1, alternatives=2))
    scores = scores_of(0.0, 1.0, 2.0)
    token = int(picker.row(scores).argmax())
    known = picker.scores[0]
    logprobs = torch.log_softmax(scores, -1).tolist()
    assert (known.token, known.logprob) == (token, pytest.approx(logprobs[token]))
    assert known.best == ((2, pytest.approx(logprobs[2])), (1, pytest.approx(logprobs[1])))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, Sampling()),
        ({"top_p": 0.5}, Sampling(temperature=1.0, top_p=0.5)),
        ({"temperature": 0, "seed": 3}, Sampling(seed=5)),
        ({"logprobs": True}, Sampling(alternatives=0)),
        ({"logprobs": True, "top_logprobs": 4}, Sampling(alternatives=4)),
    ],
    ids=repr,
)
def test_options_of_a_request_become_sampling(options: dict[str, Any], expected: Sampling) -> None:
    assert sampling_of(options, 2, repetition_penalty=1.0) == expected


@pytest.mark.parametrize("temperature", [1e-320, 1e-40, 1e-5])
@pytest.mark.parametrize("is_half", [False, True])
def test_the_smallest_temperature_takes_the_likeliest_token(temperature: float, is_half: bool) -> None:
    scores = scores_of(-9.0, 20.0, 21.0, 3.0)
    scores = scores.half() if is_half else scores
    picked = Picker(Sampling(temperature=temperature, seed=3)).row(scores).to(scores.dtype)
    assert picked.argmax() == 2
