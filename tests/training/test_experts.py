"""What a recipe does to a mixture of experts, and which experts answer, on tiny Mixtrals whose right answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unmoor.errors import RecipeError
from unmoor.training.experts import Adapter, ExpertLoad, adapter_of, expert_load, experts_report, load_rows

FUSED = ("mlp.experts.gate_up_proj", "mlp.experts.down_proj")
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
TEXTS = [
    "The bridge was built of stone.",
    "Boil the rice.",
    "A list is sorted by its key, and the key may be a function.",
]


@pytest.fixture
def config(tiny_base: Path) -> Any:
    """The tiny Mixtral's configuration: 2 layers, 4 experts, of which 2 answer."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(tiny_base)


@pytest.fixture
def model(tiny_base: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_base)


@pytest.fixture
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def test_full_fine_tuning_trains_router_and_experts(config: Any) -> None:
    report = experts_report(config, Adapter(router_logits=True))
    assert report is not None
    assert (report.router, report.experts, report.experts_covered) == ("full", "full", 1.0)
    assert not any("Next:" in one for one in report.sentences)
    assert "The router, which chooses the experts, is trained in full." in report.sentences


def test_an_adapter_on_attention_alone_leaves_router_and_experts_as_they_are(config: Any) -> None:
    report = experts_report(config, Adapter(8, ATTENTION))
    assert report is not None
    assert (report.router, report.experts, report.experts_covered) == ("no", "no", 0.0)
    [warning] = [one for one in report.sentences if "covers 0% of the experts" in one]
    assert "lora_target_parameters" in warning
    assert not any("balance" in one for one in report.sentences), "nothing that it balances is trained"


def test_an_adapter_on_all_linear_layers_covers_experts_and_router_in_this_peft(config: Any) -> None:
    report = experts_report(config, Adapter(8, "all-linear"))
    assert report is not None
    assert (report.router, report.experts, report.experts_covered) == ("adapter", "adapter", 1.0)


def test_what_axolotl_collects_as_linear_layers_holds_neither_experts_nor_router(config: Any) -> None:
    report = experts_report(config, adapter_of({"base_model": "x", "adapter": "lora", "lora_target_linear": True}))
    assert report is not None
    assert (report.router, report.experts_covered) == ("no", 0.0)


def test_experts_named_as_parameters_are_covered_and_the_router_is_not(config: Any) -> None:
    report = experts_report(config, Adapter(8, ATTENTION, FUSED))
    assert report is not None
    assert (report.router, report.experts, report.experts_covered) == ("no", "adapter", 1.0)


def test_one_of_the_two_fused_tensors_is_a_share_of_the_experts(config: Any) -> None:
    report = experts_report(config, Adapter(8, ATTENTION, FUSED[1:]))
    assert report is not None
    assert report.experts_covered == pytest.approx(1 / 3), "down_proj is one of three equal matrices"
    assert any("covers 33% of the experts" in one for one in report.sentences)


def test_what_is_said_to_be_trained_is_what_peft_trains_on_the_real_model(config: Any, model: Any) -> None:
    from peft import LoraConfig, get_peft_model

    report = experts_report(config, Adapter(8, ATTENTION, FUSED))
    real = get_peft_model(model, LoraConfig(r=8, target_modules=list(ATTENTION), target_parameters=list(FUSED)))
    assert report is not None
    assert report.trained_parameters == real.get_nb_trainable_parameters()[0]


def test_dropout_on_fused_experts_is_refused_in_words(config: Any) -> None:
    with pytest.raises(RecipeError, match=r"PEFT refuses the adapter.*dropout"):
        experts_report(config, Adapter(8, ATTENTION, FUSED, dropout=0.05))


def test_quantisation_that_passes_the_experts_by_is_told_in_gigabytes() -> None:
    from transformers import MixtralConfig

    report = experts_report(MixtralConfig(), Adapter(16, ATTENTION, FUSED, bits=4))
    reached = experts_report(MixtralConfig(), Adapter(16, ATTENTION, FUSED, bits=4, quantises_experts=True))
    assert report is not None
    assert reached is not None
    assert report.unquantised_gigabytes == pytest.approx(90.2, abs=0.1)
    assert any("90.2 GB of them stay in 16 bits" in one for one in report.sentences)
    assert reached.unquantised_gigabytes == 0


def test_the_balance_loss_is_told_from_the_configuration_and_the_recipe(config: Any) -> None:
    off = experts_report(config, Adapter(router_logits=False))
    on = experts_report(config, Adapter(router_logits=True))
    assert off is not None
    assert on is not None
    assert (off.balance_loss, on.balance_loss) == (0.0, config.router_aux_loss_coef)
    assert any("balance loss is off" in one for one in off.sentences)


def test_trl_balances_unless_told_not_to_and_axolotl_where_the_configuration_says_so(config: Any) -> None:
    config.output_router_logits = False

    def balance(values: dict[str, Any]) -> float:
        report = experts_report(config, adapter_of(values))
        assert report is not None
        return report.balance_loss

    assert balance({"model_name_or_path": "x"}) == config.router_aux_loss_coef
    assert balance({"model_name_or_path": "x", "router_aux_loss_coef": 0.0}) == 0
    assert balance({"base_model": "x"}) == 0
    on = {"output_router_logits": True, "router_aux_loss_coef": 0.02}
    assert balance({"base_model": "x", "model_config": on}) == 0.02


def test_a_model_without_experts_has_no_report() -> None:
    from transformers import LlamaConfig

    small = LlamaConfig(hidden_size=64, intermediate_size=128, num_hidden_layers=1, vocab_size=256)
    assert experts_report(small, Adapter()) is None


def test_both_dialects_say_the_same_adapter() -> None:
    trl = {"model_name_or_path": "x", "use_peft": True, "lora_r": 8, "lora_dropout": 0.0, "load_in_4bit": True}
    axolotl = {"base_model": "x", "adapter": "qlora", "lora_r": 8, "load_in_4bit": True}
    more = {"lora_target_modules": list(ATTENTION), "lora_target_parameters": list(FUSED)}
    logits = {"model_config": {"output_router_logits": True}}
    assert adapter_of({**trl, **more}) == adapter_of({**axolotl, **more, **logits})
    assert adapter_of({**axolotl, **more, "quantize_moe_experts": True}).quantises_experts
    assert adapter_of({"model_name_or_path": "x", "lora_target_modules": ["all-linear"]}).target_modules == "all-linear"
    assert adapter_of({"model_name_or_path": "x", "lora_target_modules": [".*q_proj"]}).target_modules == ".*q_proj"
    assert adapter_of({"base_model": "x", "adapter": "lora", "lora_target_modules": ["q_proj"]}).target_modules == (
        "q_proj",
    )


def rigged(model: Any, chosen: dict[int, tuple[int, int]]) -> Any:
    """Make each layer's router send every token to the two experts of `chosen`, whatever the token."""
    import torch

    for layer, experts in chosen.items():
        block = model.model.layers[layer].mlp

        def rig(_module: Any, _inputs: Any, output: Any, experts: tuple[int, int] = experts) -> Any:
            logits, scores, indices = output
            return logits, scores, torch.tensor(experts).expand_as(indices)

        block.gate.register_forward_hook(rig)
    return model


def test_a_router_that_always_takes_the_same_two_experts_is_seen_to(model: Any, tokenizer: Any) -> None:
    load = expert_load(rigged(model, {0: (1, 3), 1: (0, 2)}), tokenizer, TEXTS)
    assert load.shares == ((0.0, 0.5, 0.0, 0.5), (0.5, 0.0, 0.5, 0.0))
    assert load.entropy == pytest.approx((0.5, 0.5)), "two of four experts: log 2 over log 4"
    assert load.peak == (2.0, 2.0)
    assert load.tokens == sum(len(tokenizer(text)["input_ids"]) for text in TEXTS)


def test_the_share_of_an_expert_is_that_of_the_routers_own_logits(model: Any, tokenizer: Any) -> None:
    import torch

    load = expert_load(model, tokenizer, TEXTS[:1])
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    logits = model(input_ids=ids, output_router_logits=True).router_logits
    for shares, of_layer in zip(load.shares, logits, strict=True):
        chosen = of_layer.topk(2, dim=-1).indices.flatten().bincount(minlength=4)
        assert shares == pytest.approx((chosen / chosen.sum()).tolist())


def test_padding_is_not_counted_whatever_the_batches(model: Any, tokenizer: Any) -> None:
    alone = expert_load(model, tokenizer, TEXTS, batch=1)
    together = expert_load(model, tokenizer, TEXTS, batch=3)
    assert alone.tokens == together.tokens
    for one, other in zip(alone.shares, together.shares, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


def test_looking_leaves_the_model_as_it_was(model: Any, tokenizer: Any) -> None:
    model.train()
    expert_load(model, tokenizer, TEXTS)
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_a_table_tells_each_twins_shares() -> None:
    base = ExpertLoad(((0.5, 0.5),), 10)
    twin = ExpertLoad(((0.75, 0.25),), 10)
    assert load_rows({"base": base, "filtered": twin}) == [
        {"layer": 0, "expert": 0, "base": 0.5, "filtered": 0.75},
        {"layer": 0, "expert": 1, "base": 0.5, "filtered": 0.25},
    ]
    assert (base.entropy, base.peak) == ((1.0,), (1.0,))


def test_without_routers_or_texts_one_is_told(model: Any, tokenizer: Any) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    dense = LlamaForCausalLM(LlamaConfig(hidden_size=64, intermediate_size=64, num_hidden_layers=1, vocab_size=64))
    with pytest.raises(RecipeError, match="no router"):
        expert_load(dense, tokenizer, TEXTS)
    with pytest.raises(RecipeError, match="no text"):
        expert_load(model, tokenizer, [])
