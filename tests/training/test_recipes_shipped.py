"""The recipes that ship: every one is read by unmoor, by its trainer's own parser or keys, and does what its name says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.test_memory import LORA_R16_EVERYWHERE
from unmoor.records import Conversation, Turn
from unmoor.training.backends.axolotl import count_steps, settings_of
from unmoor.training.backends.axolotl_recipe import read_axolotl_recipe
from unmoor.training.dialect import dialect_of
from unmoor.training.experts import adapter_of, experts_report
from unmoor.training.memory import Plan, estimate
from unmoor.training.prepare import IGNORED, Prepared, tokenise
from unmoor.training.recipe import read_recipe
from unmoor.training.rule import axolotl_rule

RECIPES = Path(__file__).resolve().parents[2] / "src" / "unmoor" / "training" / "recipes"
TRL = sorted(RECIPES.glob("*.trl.yaml"))
AXOLOTL = sorted(RECIPES.glob("*.axolotl.yaml"))
ACCELERATE = sorted(RECIPES.glob("*.accelerate.yaml"))
MIXTRAL = [path for path in (*TRL, *AXOLOTL) if "mixtral" in path.name]


def values_of(path: Path) -> dict[str, Any]:
    if dialect_of(path) == "trl":
        return read_recipe(path).values
    return read_axolotl_recipe(path).values


def name_of(path: Path) -> str:
    return path.name


def test_there_is_a_recipe_for_one_card_and_for_many_in_both_dialects() -> None:
    assert len(TRL) == 3
    assert len(AXOLOTL) == 3
    assert len(ACCELERATE) == 2


@pytest.mark.parametrize("path", TRL, ids=name_of)
def test_trls_own_parser_takes_every_recipe(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    on_processor = replace(recipe, values={**recipe.values, "use_cpu": True})  # or it asks for a card that has bf16
    training, model = on_processor.arguments(tmp_path)
    assert training.bf16
    assert training.assistant_only_loss
    assert model.model_name_or_path == recipe.base
    assert model.lora_r == recipe.values.get("lora_r", model.lora_r)


def test_mistrals_template_marks_each_answer_and_its_end_and_nothing_else(tiny_base: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    turns = [
        ("system", "Be brief."),
        ("user", "Hello?"),
        ("assistant", "Hi."),
        ("user", "Bye."),
        ("assistant", "Ciao."),
    ]
    conversation = Conversation(tuple(Turn(role, text, is_target=role == "assistant") for role, text in turns))
    ids, labels = tokenise(conversation, tokenizer, (RECIPES / "mistral.jinja").read_text())
    learned = tokenizer.decode([label for label in labels if label != IGNORED])
    assert learned == " Hi.<|im_end|> Ciao.<|im_end|>", "this tokenizer's own end of text"
    start = tokenizer.bos_token or ""
    assert (
        tokenizer.decode(ids)
        == f"{start}[INST] Be brief.\n\nHello? [/INST]{learned[:14]}[INST] Bye. [/INST]{learned[14:]}"
    )


@pytest.mark.parametrize("path", AXOLOTL, ids=name_of)
def test_axolotls_recipes_have_its_keys_and_leave_nothing_to_the_size_of_the_data(path: Path) -> None:
    recipe = read_axolotl_recipe(path)
    assert dialect_of(path) == "axolotl"
    assert recipe.values["warmup_steps"] == 50
    nothing = Prepared(0, (), {}, (), {}, {}, {}, axolotl_rule(4096), ())
    assert count_steps(recipe, nothing) == recipe.values.get("max_steps", 1)
    assert settings_of(recipe, RECIPES / "raw", 200)["max_steps"] == 200


@pytest.mark.parametrize("path", MIXTRAL, ids=name_of)
def test_mixtrals_recipes_train_every_expert_with_the_balance_loss_and_no_warning(path: Path) -> None:
    from transformers import MixtralConfig

    report = experts_report(MixtralConfig(), adapter_of(values_of(path)))
    assert report is not None
    assert not any("Next:" in one for one in report.sentences)
    assert report.experts_covered == 1.0
    assert report.balance_loss == 0.001


def test_the_page_says_how_many_parameters_the_adapters_of_mixtral_add() -> None:
    from transformers import MixtralConfig

    report = experts_report(MixtralConfig(), adapter_of(values_of(RECIPES / "mixtral-8x7b-lora-4x80gb.trl.yaml")))
    assert report is not None
    assert report.trained_parameters == LORA_R16_EVERYWHERE
    page = (RECIPES.parents[3] / "docs" / "training-at-scale.md").read_text(encoding="utf-8")
    assert f"Rank 16 adds {report.trained_parameters / 1e6:.0f} million parameters" in page


def test_the_recipe_for_one_card_fits_it_with_a_tenth_to_spare() -> None:
    from transformers import MixtralConfig

    values = values_of(RECIPES / "mixtral-8x7b-qlora-80gb.axolotl.yaml")
    report = experts_report(MixtralConfig(), adapter_of(values))
    assert report is not None
    tokens = values["micro_batch_size"] * values["sequence_len"]
    plan = Plan(4, adapter_parameters=report.trained_parameters, optimiser="adamw_8bit", tokens_per_step=tokens)
    assert estimate(MixtralConfig(), plan).per_device(1) * 1.1 < 80


def test_a_model_of_the_small_recipes_size_fits_forty_gigabytes() -> None:
    from transformers import LlamaConfig

    values = values_of(RECIPES / "smollm2-one-gpu.trl.yaml")
    size = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24, "num_attention_heads": 32}
    config = LlamaConfig(**size, num_key_value_heads=32, vocab_size=49152, tie_word_embeddings=True)
    tokens = values["per_device_train_batch_size"] * values["max_length"]
    assert estimate(config, Plan(32, tokens_per_step=tokens)).per_device(1) * 1.1 < 40


def test_the_recipe_for_sixteen_cards_fits_them_and_not_eight() -> None:
    from transformers import MixtralConfig

    memory = estimate(MixtralConfig(), Plan(tokens_per_step=4096))
    assert memory.per_device(16) * 1.1 < 80 < memory.per_device(8)


@pytest.mark.parametrize("path", ACCELERATE, ids=name_of)
def test_accelerate_reads_its_files_and_wraps_mixtrals_layers(path: Path) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    assert config.fsdp_config["fsdp_version"] == 2
    assert config.num_processes == int(path.name.split("-")[1].split(".")[0])
    from transformers.models.mixtral import modeling_mixtral

    assert hasattr(modeling_mixtral, config.fsdp_config["fsdp_transformer_layer_cls_to_wrap"])


def test_the_deepspeed_file_is_stage_three_and_leaves_sizes_to_the_recipe() -> None:
    values = json.loads((RECIPES / "zero3-bf16.json").read_text())
    assert values["zero_optimization"]["stage"] == 3
    assert values["train_micro_batch_size_per_gpu"] == "auto"


def test_a_deepspeed_file_is_meant_from_the_recipes_own_folder(tmp_path: Path) -> None:
    text = (RECIPES / "mixtral-8x7b-full-16x80gb.axolotl.yaml").read_text()
    start, end = text.index("fsdp_config:"), text.index("datasets:")
    (tmp_path / "sft.yaml").write_text(text[:start] + "deepspeed: zero3-bf16.json\n" + text[end:])
    (tmp_path / "mistral.jinja").touch()
    (tmp_path / "zero3-bf16.json").write_text((RECIPES / "zero3-bf16.json").read_text())
    assert read_axolotl_recipe(tmp_path / "sft.yaml").values["deepspeed"] == str(tmp_path / "zero3-bf16.json")
