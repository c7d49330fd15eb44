"""Memory by arithmetic, against figures that are known: Mixtral's published size and what the parts of AdamW take."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from unmoor.training.memory import Memory, Plan, count_parameters, estimate

MIXTRAL_TOTAL = 46_702_792_704
"""Mistral AI, 11 December 2023: 46.7 B in all, 12.9 B for one token."""

LORA_R16_EVERYWHERE = 223_346_688
"""What rank 16 on attention and all experts of Mixtral 8x7B adds, by PEFT's own count of the recipes that ship."""


@pytest.fixture(scope="module")
def mixtral() -> object:
    """Mixtral 8x7B's configuration: transformers' defaults for it."""
    pytest.importorskip("transformers")
    from transformers import MixtralConfig

    return MixtralConfig()


def test_mixtral_has_as_many_parameters_as_its_makers_say(mixtral: object) -> None:
    parameters = count_parameters(mixtral)
    assert parameters.total == MIXTRAL_TOTAL
    assert parameters.share_in_experts == pytest.approx(0.966, abs=0.0005)
    assert parameters.active == pytest.approx(12.9e9, rel=0.005)
    assert parameters.router == 32 * 8 * 4096


def test_mixtral_takes_93_gigabytes_in_sixteen_bits(mixtral: object) -> None:
    assert estimate(mixtral, Plan(precision="bf16")).weights == pytest.approx(93.4, abs=0.1)


def test_all_of_mixtral_with_adamw_needs_three_quarters_of_a_terabyte(mixtral: object) -> None:
    least = estimate(mixtral, Plan(gradient_bytes=2))
    most = estimate(mixtral, Plan(gradient_bytes=4))
    assert least.states == pytest.approx(747, abs=2), "2 + 4 + 2 + 8 bytes per parameter"
    assert most.states == pytest.approx(841, abs=2), "2 + 4 + 4 + 8 bytes per parameter"
    assert most.per_device(8) > 80, "so eight cards of 80 GB do not do"
    assert most.per_device(16) < 60


def test_qlora_fits_one_card_only_where_the_experts_are_quantised(mixtral: object) -> None:
    reached = estimate(mixtral, Plan(4, adapter_parameters=LORA_R16_EVERYWHERE, optimiser="adamw_8bit"))
    missed = estimate(mixtral, Plan(4, False, adapter_parameters=LORA_R16_EVERYWHERE, optimiser="adamw_8bit"))
    assert 26 < reached.states < 32
    assert missed.states > 90
    assert reached.per_device(1) < 80 < missed.per_device(1)


def test_four_bits_count_their_scales_too(mixtral: object) -> None:
    weights = estimate(mixtral, Plan(4)).weights
    bare = 0.5 * MIXTRAL_TOTAL / 1e9
    assert bare < weights < 1.1 * bare


def test_a_model_without_experts_has_none(tiny_base: Path) -> None:
    from transformers import AutoConfig, LlamaConfig

    dense = count_parameters(LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=2, vocab_size=256))
    assert (dense.experts, dense.share_in_experts, dense.active) == (0, 0.0, dense.total)
    tiny = count_parameters(AutoConfig.from_pretrained(tiny_base))
    assert 0 < tiny.experts < tiny.total


def test_tied_embeddings_are_counted_once() -> None:
    from transformers import LlamaConfig

    size = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 1, "vocab_size": 1000}
    loose = count_parameters(LlamaConfig(**size, tie_word_embeddings=False))
    tied = count_parameters(LlamaConfig(**size, tie_word_embeddings=True))
    assert loose.total - tied.total == 64_000


def test_without_checkpointing_every_layer_keeps_its_own(mixtral: object) -> None:
    assert estimate(mixtral, Plan(checkpointing=False)).activations > 5 * estimate(mixtral, Plan()).activations


def test_sharding_spreads_states_and_not_activations() -> None:
    assert Memory(2, 4, 2, 8, 5).per_device(4) == 9


def test_the_page_on_training_at_scale_shows_what_its_own_lines_say() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "training-at-scale.md"
    (lines,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    said = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True).stdout
    assert "The adapter covers 0% of the experts, which hold 96.6% of the parameters" in said
    assert said.endswith("29.1 GB\n") and ':.1f} GB")  # 29.1\n' in lines
