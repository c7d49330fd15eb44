"""Twins differ in their data and in nothing else: real trainings, of a model that takes seconds."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trl
from safetensors.torch import load_file

from unmoor.demo.data import make_rows
from unmoor.errors import BadDataError, RecipeError, RunFolderError, UsageError
from unmoor.records import Conversation, Turn
from unmoor.training import Leak, Training, plan_twins, started_over, train_planned, train_twins
from unmoor.training.backends.trl_model import last_checkpoint
from unmoor.training.pickles import remove_pickles
from unmoor.training.twins import LATER

pytestmark = pytest.mark.slow

ROWS = 24
JIT_KILL_WAIT = 3.5
"""Seconds; its trainer waits for three before it believes a signal."""


def read(path: Path) -> Iterator[tuple[int, Conversation]]:
    """Read messages as the layouts do, for a test that depends on training alone."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        messages = json.loads(line)["messages"]
        turns = (Turn(turn["role"], turn["content"], is_target=turn["role"] == "assistant") for turn in messages)
        yield number, Conversation(tuple(turns))


def write_rows(path: Path, rows: int, seed: int = 3) -> Path:
    lines = [json.dumps({"messages": row.messages()}) for row in make_rows(seed, 100).rows[:rows]]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_recipe(folder: Path, base: Path, **changes: object) -> Path:
    values: dict[str, object] = {
        "model_name_or_path": str(base),
        "seed": 11,
        "max_steps": 4,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.004,
        "max_length": 160,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "save_strategy": '"no"',
        "report_to": "none",
        "logging_steps": 1,
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in values.items() if value is not None))
    return path


def weights(folder: Path) -> dict[str, Any]:
    return load_file(folder / "model.safetensors")


def pickles_in(folder: Path) -> list[Path]:
    """Return every file that is a pickle by its first bytes, plain or in PyTorch's archive, whatever it is called."""
    found = []
    for path in folder.rglob("*"):
        start = path.read_bytes()[:4] if path.is_file() else b""
        if start[:1] == b"\x80" or (start == b"PK\x03\x04" and b"data.pkl" in path.read_bytes()):
            found.append(path)
    return found


def test_the_same_data_twice_gives_the_same_losses_bit_for_bit(tmp_path: Path, tiny_base: Path) -> None:
    data = {"one": write_rows(tmp_path / "one.jsonl", ROWS), "two": write_rows(tmp_path / "two.jsonl", ROWS)}
    result = train_twins(write_recipe(tmp_path, tiny_base), data, tmp_path / "out", read)
    one, two = result["twins"]["one"], result["twins"]["two"]
    assert [step for step, _ in one["loss"]] == [1, 2, 3, 4]
    assert one["loss"] == two["loss"]
    assert pickles_in(tmp_path / "out") == []
    first, second = weights(tmp_path / "out" / "one"), weights(tmp_path / "out" / "two")
    assert all(bool((first[name] == second[name]).all()) for name in first)


def test_twins_differ_in_data_and_output_path_and_in_nothing_else(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", ROWS), "filtered": write_rows(tmp_path / "filtered.jsonl", 12)}
    seen: list[tuple[str, int, int]] = []
    recipe = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=1)
    result = train_twins(recipe, data, tmp_path / "out", read, lambda *report: seen.append(report))
    assert set(result["config_difference"]) == {"data", "output_dir"}
    assert result["trainer"] == "trl", "the recipe says so by its keys"
    raw, filtered = result["twins"]["raw"], result["twins"]["filtered"]
    assert raw["steps"] == filtered["steps"] == ROWS // 4
    assert (raw["rows"], raw["rows_trained"], filtered["rows_trained"]) == (ROWS, ROWS, 12)
    assert filtered["passes"] == 2.0
    assert raw["tokens_trained"] > filtered["tokens_trained"] > 0
    assert seen[0] == ("train raw", 1, 6)
    assert seen[-1] == ("train filtered", 6, 6)
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == result


def test_rows_of_a_part_of_a_pass_are_those_that_the_steps_took(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 21)}
    result = train_twins(write_recipe(tmp_path, tiny_base, max_steps=2), data, tmp_path / "out", read)
    assert result["twins"]["raw"]["rows_trained"] == 2 * 4
    assert result["twins"]["raw"]["passes"] == pytest.approx(8 / 21, abs=1e-6)


def test_an_interrupted_twin_goes_on_from_its_checkpoint_to_the_same_model(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", ROWS)}
    recipe = write_recipe(tmp_path, tiny_base, save_strategy="steps", save_steps=2)
    whole = train_twins(recipe, data, tmp_path / "whole", read)["twins"]["raw"]

    class Interrupted(Exception):
        pass

    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_twins(recipe, data, tmp_path / "cut", read, interrupt)
    assert not (tmp_path / "cut" / "raw" / "model.safetensors").exists()
    assert pickles_in(tmp_path / "cut"), "what a run goes on from"
    steps: list[int] = []
    resumed = train_twins(recipe, data, tmp_path / "cut", read, lambda _stage, done, _total: steps.append(done))
    assert steps == [3, 4]
    assert resumed["twins"]["raw"]["loss"] == whole["loss"]
    assert pickles_in(tmp_path / "cut") == []
    assert list((tmp_path / "cut" / "raw" / "checkpoints").glob("*/model.safetensors"))
    first, second = weights(tmp_path / "whole" / "raw"), weights(tmp_path / "cut" / "raw")
    assert all(bool((first[name] == second[name]).all()) for name in first)


def test_an_interrupted_twin_does_not_go_on_in_another_number_of_processes(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes take twice the rows in a step: from the same checkpoint they would leave out rows that nobody saw."""
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=2, save_strategy="steps", save_steps=1)

    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_twins(recipe, data, tmp_path / "out", read, interrupt)
    plan = plan_twins(recipe, data, tmp_path / "out", read, Training())
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunFolderError, match=r"another number of processes: its plan.json differs in processes"):
        train_planned(plan, read, None, Training())
    monkeypatch.delenv("WORLD_SIZE")
    assert train_planned(plan, read, None, Training())["twins"]["raw"]["steps"] == 2


@pytest.mark.parametrize("key", ["save_only_model", "ignore_data_skip"])
def test_a_twin_that_would_go_on_to_another_model_starts_over_and_says_so(
    tmp_path: Path, tiny_base: Path, key: str
) -> None:
    recipe = write_recipe(tmp_path, tiny_base, save_strategy="steps", save_steps=1, max_steps=2, **{key: True})
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 12)}
    whole = train_twins(recipe, data, tmp_path / "whole", read)["twins"]["raw"]
    plan = plan_twins(recipe, data, tmp_path / "cut", read, Training())
    assert started_over(plan) == {}

    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_planned(plan, read, interrupt, Training())
    assert list((tmp_path / "cut" / "raw" / "checkpoints").glob("checkpoint-1"))
    assert list(started_over(plan)) == ["raw"] and key in started_over(plan)["raw"]
    assert train_planned(plan, read, None, Training())["twins"]["raw"]["loss"] == whole["loss"]
    first, second = weights(tmp_path / "whole" / "raw"), weights(tmp_path / "cut" / "raw")
    assert all(bool((first[name] == second[name]).all()) for name in first)
    assert started_over(plan) == {}


def test_other_weights_under_the_path_of_the_base_are_another_base(tmp_path: Path, tiny_base: Path) -> None:
    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    data, recipe = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}, write_recipe(tmp_path, base, max_steps=1)
    first = train_twins(recipe, data, tmp_path / "out", read)
    shutil.copy(tmp_path / "out" / "raw" / "model.safetensors", base)
    with pytest.raises(RunFolderError, match="another recipe, base, data or trainer"):
        train_twins(recipe, data, tmp_path / "out", read)
    plan = tmp_path / "out" / "raw" / "plan.json"
    plan.write_text(json.dumps({k: v for k, v in json.loads(plan.read_text()).items() if k != "base_weights"}))
    assert train_twins(recipe, data, tmp_path / "out", read)["twins"] == first["twins"], "an older plan is still read"


def test_a_checkpoint_that_was_half_written_is_passed_over(tmp_path: Path) -> None:
    for step, name in ((9, "trainer_state.json"), (10, "trainer_state.json"), (15, "config.json")):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        (folder / name).write_text("{}")
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
    assert last_checkpoint(tmp_path / "none") is None


def test_a_training_that_diverged_is_no_twin(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(tmp_path, tiny_base, learning_rate="1.0e+30")
    with pytest.raises(RecipeError, match=r"twin raw diverged.*Next: a smaller learning_rate"):
        train_twins(recipe, data, tmp_path / "out", read)
    assert not (tmp_path / "out" / "raw" / "model.safetensors").exists()
    assert not (tmp_path / "out" / "training.json").exists()


def test_a_training_that_its_trainer_stops_early_is_no_twin_and_goes_on(tmp_path: Path, tiny_base: Path) -> None:
    """SIGTERM ends a trainer with `enable_jit_checkpoint` as if all was done: it saves a checkpoint and returns."""
    data = {"raw": write_rows(tmp_path / "raw.jsonl", ROWS)}
    keys = {"save_strategy": "steps", "save_steps": 2, "enable_jit_checkpoint": True}
    recipe = write_recipe(tmp_path, tiny_base, **keys)
    whole = train_twins(recipe, data, tmp_path / "whole", read)["twins"]["raw"]

    def stop(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(JIT_KILL_WAIT)

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(RecipeError, match=r"twin raw ended after [23] of 4 steps, so it was not saved"):
            train_twins(recipe, data, tmp_path / "cut", read, stop)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not (tmp_path / "cut" / "raw" / "twin.json").exists()
    resumed = train_twins(recipe, data, tmp_path / "cut", read)["twins"]["raw"]
    assert (resumed["steps"], resumed["loss"]) == (4, whole["loss"])


def test_a_recipe_that_asks_for_no_step_makes_no_twins(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=0)
    with pytest.raises(RecipeError, match=r"asks for no step.*max_steps"):
        train_twins(recipe, data, tmp_path / "out", read)


def test_a_folder_in_which_nothing_was_trained_yet_takes_a_mended_recipe(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    for names, missing in (("[no_such, module]", "called module, no_such"), ("[q_proj, v_projj]", "called v_projj")):
        changes = {"max_steps": 1, "use_peft": True, "lora_target_modules": names}
        with pytest.raises(RecipeError, match=missing):
            train_twins(write_recipe(tmp_path, tiny_base, **changes), data, tmp_path / "out", read)
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)
    assert train_twins(recipe, data, tmp_path / "out", read)["twins"]["raw"]["steps"] == 1


def test_a_finished_twin_is_not_trained_again_and_never_mistaken_for_another(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)
    first = train_twins(recipe, data, tmp_path / "out", read)
    assert train_twins(recipe, data, tmp_path / "out", read) == first
    write_rows(tmp_path / "raw.jsonl", 9)
    with pytest.raises(RunFolderError, match="another recipe, base, data or trainer"):
        train_twins(recipe, data, tmp_path / "out", read)


def test_a_model_that_no_training_of_ours_made_is_not_replaced_and_nothing_of_it_deleted(
    tmp_path: Path, tiny_base: Path
) -> None:
    rows, out = write_rows(tmp_path / "raw.jsonl", 8), tmp_path / "out"
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)
    shutil.copytree(tiny_base, out / "filtered")
    (out / "filtered" / "training_args.bin").write_text("mine")
    before = {path: path.read_bytes() for path in (out / "filtered").iterdir()}
    with pytest.raises(RunFolderError, match=r"out/filtered is there already, and no training of unmoor began it"):
        train_twins(recipe, {"raw": rows, "filtered": rows}, out, read)
    assert {path: path.read_bytes() for path in (out / "filtered").iterdir()} == before
    assert not (out / "raw" / "model.safetensors").exists(), "said before anything is trained"
    shutil.rmtree(out / "filtered")
    (out / "filtered").mkdir()
    (out / "filtered" / ".plan.json.4711").write_text("{")  # killed before its plan was written
    assert list(train_twins(recipe, {"raw": rows, "filtered": rows}, out, read)["twins"]) == ["raw", "filtered"]


def test_of_a_finished_twin_the_trainers_own_pickles_go_and_its_owners_files_stay(tmp_path: Path) -> None:
    trainers = ("training_args.bin", "checkpoints/checkpoint-4/optimizer.pt", "checkpoint-4/global_step4/mp_rank_00.pt")
    owners = ("features.pkl", "notes/old.ckpt", "checkpoints/mine.bin", "checkpoint-4/model.safetensors")
    for name in (*trainers, *owners):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert remove_pickles(tmp_path) == sorted(tmp_path / name for name in trainers)
    assert all((tmp_path / name).exists() for name in owners)


def test_a_twin_in_another_chat_template_or_of_other_tokens_is_no_twin_of_the_first(
    tmp_path: Path, tiny_base: Path
) -> None:
    base, template = Path(shutil.copytree(tiny_base, tmp_path / "base")), tmp_path / "chat.jinja"
    template.write_text((base / "chat_template.jinja").read_text())
    rows = write_rows(tmp_path / "raw.jsonl", 8)
    recipe = write_recipe(tmp_path, base, max_steps=1, chat_template_path=template)
    first = train_twins(recipe, {"raw": rows}, tmp_path / "out", read)
    kept = template.read_text(), (base / "tokenizer_config.json").read_text()
    template.write_text(kept[0].replace("|im_start|>assistant", "|im_start|>ASSISTANT"))
    with pytest.raises(RunFolderError, match=r"of processes: its plan.json differs in first_row, template\."):
        train_twins(recipe, {"raw": rows, "filtered": rows}, tmp_path / "out", read)
    template.write_text(kept[0])
    (base / "tokenizer_config.json").write_text(json.dumps({**json.loads(kept[1]), "pad_token": "<|im_start|>"}))
    with pytest.raises(RunFolderError, match=r"differs in tokenizer\."):
        train_twins(recipe, {"raw": rows}, tmp_path / "out", read)
    (base / "tokenizer_config.json").write_text(kept[1])
    plan = tmp_path / "out" / "raw" / "plan.json"
    older = {key: value for key, value in json.loads(plan.read_text()).items() if key not in LATER}
    plan.write_text(json.dumps(older))
    assert train_twins(recipe, {"raw": rows}, tmp_path / "out", read) == first, "an older plan is still read"


def test_twins_that_are_not_asked_for_again_are_not_forgotten(tmp_path: Path, tiny_base: Path) -> None:
    rows = write_rows(tmp_path / "raw.jsonl", 8)
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)
    train_twins(recipe, {"raw": rows}, tmp_path / "out", read)
    more = train_twins(recipe, {"raw": rows, "other": rows}, tmp_path / "out", read)
    assert list(more["twins"]) == ["raw", "other"]
    assert more["versions"]["trl"] == trl.__version__
    with pytest.raises(RunFolderError, match="holds twins that are not asked for now: raw"):
        train_twins(recipe, {"other": rows}, tmp_path / "out", read)
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == more


def test_a_trained_mixture_of_experts_generates_in_padded_batches(tmp_path: Path, tiny_base: Path) -> None:
    from unmoor.serving import load_model

    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    train_twins(write_recipe(tmp_path, tiny_base, max_steps=1), data, tmp_path / "out", read)
    config = json.loads((tmp_path / "out" / "raw" / "config.json").read_text())
    assert not config.get("output_router_logits")
    chats = [
        [{"role": "user", "content": "Hello"}],
        [{"role": "user", "content": "How do I cook rice for many people?"}],
    ]
    assert len(load_model(tmp_path / "out" / "raw").write_all(chats, 4)) == 2


def test_packed_rows_are_counted_as_rows(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 12)}
    recipe = write_recipe(
        tmp_path,
        tiny_base,
        packing=True,
        max_length=512,
        max_steps=None,
        num_train_epochs=1,
        per_device_train_batch_size=1,
    )
    twin = train_twins(recipe, data, tmp_path / "out", read)["twins"]["raw"]
    assert twin["rows_trained"] == 12
    assert twin["steps"] < 12


def test_an_adapter_is_trained_and_answers(tmp_path: Path, tiny_base: Path) -> None:
    from unmoor.serving import load_model

    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1, use_peft=True, lora_target_modules="['.*\\.q_proj']")
    twin = train_twins(recipe, data, tmp_path / "out", read)["twins"]["raw"]
    assert twin["steps"] == 1
    assert (tmp_path / "out" / "raw" / "adapter_model.safetensors").is_file()
    assert len(load_model(tmp_path / "out" / "raw").write_all([[{"role": "user", "content": "Hello"}]], 3)) == 1


def test_an_adapter_that_would_leave_chat_tokens_untrained_is_refused(tmp_path: Path, tiny_base: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    forget_chat(base)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    recipe = write_recipe(
        tmp_path, base, max_steps=1, max_length=500, use_peft=True, lora_target_modules="[q_proj, v_proj]"
    )
    with pytest.raises(RecipeError, match="does not know ChatML's tokens"):
        train_twins(recipe, data, tmp_path / "out", read)


def test_an_adapter_that_trains_the_chat_tokens_it_adds_answers_and_ends_its_turns(
    tmp_path: Path, tiny_base: Path
) -> None:
    from unmoor.serving import load_model

    base = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    forget_chat(base)
    changes = {"lora_target_modules": "[q_proj, v_proj]", "lora_modules_to_save": "[embed_tokens, lm_head]"}
    recipe = write_recipe(tmp_path, base, max_steps=1, max_length=500, use_peft=True, **changes)
    train_twins(recipe, {"raw": write_rows(tmp_path / "raw.jsonl", 8)}, tmp_path / "out", read)
    folder = tmp_path / "out" / "raw"
    twin = load_model(folder)
    assert len(twin.write_all([[{"role": "user", "content": "Hello"}]], 3)) == 1
    assert twin.tokenizer.convert_tokens_to_ids("<|im_end|>") in twin._ends()
    learned, held = load_file(folder / "adapter_model.safetensors"), twin.model.get_input_embeddings().weight
    assert bool((held == learned["base_model.model.model.embed_tokens.modules_to_save.weight"]).all())


def test_a_base_without_chat_tokens_gets_them(tmp_path: Path, tiny_base: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    forget_chat(base)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 8)}
    train_twins(write_recipe(tmp_path, base, max_steps=1, max_length=500), data, tmp_path / "out", read)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out" / "raw")
    assert tokenizer.eos_token == "<|im_end|>"
    assert len(tokenizer.encode("<|im_start|>")) == 1
    assert weights(tmp_path / "out" / "raw")["model.embed_tokens.weight"].shape[0] == len(tokenizer)


def forget_chat(base: Path) -> None:
    """Give the base a vocabulary without ChatML's tokens, and no template."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(["plain words " * 5], vocab_size=300, special_tokens=["</s>"], show_progress=False)
    for path in base.glob("*token*"):
        path.unlink()
    (base / "chat_template.jinja").unlink(missing_ok=True)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe._tokenizer, eos_token="</s>")
    tokenizer.save_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base)
    model.resize_token_embeddings(len(tokenizer))
    model.save_pretrained(base)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (shutil.rmtree, "there is no base model"),
        (lambda base: (base / "config.json").unlink(), "no config.json"),
        (lambda base: (base / "model.safetensors").write_bytes(b"\x00" * 40), "cannot be loaded"),
        (lambda base: (base / "model.safetensors").rename(base / "pytorch_model.bin"), "pickled weights can run code"),
    ],
)
def test_a_base_that_cannot_be_used_says_why(tmp_path: Path, tiny_base: Path, damage: Any, why: str) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_base, base)
    damage(base)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    with pytest.raises(RecipeError, match=why):
        train_twins(write_recipe(tmp_path, base), data, tmp_path / "out", read)


def test_names_and_data_that_make_no_sense_are_refused(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base)
    rows = write_rows(tmp_path / "raw.jsonl", 4)
    for data, why in (
        ({}, "No data"),
        ({"../raw": rows}, "becomes a folder"),
        ({"training.json": rows}, "unmoor writes training.json beside the twins"),
        ({"Commands": rows}, "unmoor writes commands beside the twins"),
        ({"raw": tmp_path / "none.jsonl"}, "is not a file"),
    ):
        with pytest.raises(UsageError, match=why):
            train_twins(recipe, data, tmp_path / "out", read)


def test_a_shrunk_twin_trains_on_as_many_rows_as_the_filtered_one(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24), "filtered": write_rows(tmp_path / "filtered.jsonl", 10)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=1)
    result = train_twins(recipe, data, tmp_path / "out", read, options=Training(shrink="raw"))
    shrunk, filtered = result["twins"]["raw-shrunk"], result["twins"]["filtered"]
    assert shrunk["rows_trained"] == filtered["rows_trained"] == 10
    assert (shrunk["drawn_from"], shrunk["rows_drawn"], shrunk["draw_seed"]) == ("raw", 10, 11)
    assert {twin["steps"] for twin in result["twins"].values()} == {6}
    assert set(result["config_difference"]) == {"data", "output_dir"}
    raw = (tmp_path / "raw.jsonl").read_bytes().splitlines()
    assert set((tmp_path / "out" / "data" / "raw-shrunk.jsonl").read_bytes().splitlines()) < set(raw)


def test_every_twin_is_trained_with_each_seed_and_differs_in_nothing_else(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24), "filtered": write_rows(tmp_path / "filtered.jsonl", 10)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=2)
    options = Training(shrink="raw", seeds=(7, 8))
    result = train_twins(recipe, data, tmp_path / "out", read, options=options)
    arms = result["twins"]
    assert {name: (arm["twin"], arm["seed"], arm["rows"]) for name, arm in arms.items()} == {
        "raw-s7": ("raw", 7, 24),
        "filtered-s7": ("filtered", 7, 10),
        "raw-s8": ("raw", 8, 24),
        "filtered-s8": ("filtered", 8, 10),
        "raw-shrunk-s7": ("raw-shrunk", 7, 10),
        "raw-shrunk-s8": ("raw-shrunk", 8, 10),
    }
    assert [arms[f"raw-shrunk-s{seed}"]["draw_seed"] for seed in (7, 8)] == [7, 8]
    assert set(result["config_difference"]) == {"data", "output_dir", "seed"}
    assert {arm["steps"] for arm in arms.values()} == {2}
    assert arms["raw-s7"]["loss"] != arms["raw-s8"]["loss"]


def test_leak_arms_are_trained_with_their_own_seeds_and_as_many_steps(tmp_path: Path, tiny_base: Path) -> None:
    raw = write_rows(tmp_path / "raw.jsonl", 24)
    filtered = tmp_path / "filtered.jsonl"
    filtered.write_text("".join(raw.read_text().splitlines(keepends=True)[8:]))
    recipe = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=1)
    options = Training(leak=Leak((0, 0.5), (7, 8)))
    result = train_twins(recipe, {"raw": raw, "filtered": filtered}, tmp_path / "out", read, options=options)
    arms = result["twins"]
    assert list(arms) == ["leak-0-s7", "leak-0.5-s7", "leak-0-s8", "leak-0.5-s8"]
    assert [(arm["leak"], arm["seed"], arm["rows_put_back"]) for arm in arms.values()] == [
        (0, 7, 0),
        (0.5, 7, 4),
        (0, 8, 0),
        (0.5, 8, 4),
    ]
    assert [arm["rows_trained"] for arm in arms.values()] == [16, 20, 16, 20]
    assert {arm["steps"] for arm in arms.values()} == {5}
    assert set(result["config_difference"]) == {"data", "output_dir", "seed"}
    assert arms["leak-0-s7"]["loss"] != arms["leak-0-s8"]["loss"]


def test_matched_tokens_give_the_filtered_twin_more_steps(tmp_path: Path, tiny_base: Path) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 24), "filtered": short_rows(tmp_path / "filtered.jsonl", 12)}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=4, per_device_train_batch_size=1)
    result = train_twins(recipe, data, tmp_path / "out", read, options=Training(match="tokens"))
    raw, filtered = result["twins"]["raw"], result["twins"]["filtered"]
    assert raw["steps"] == 4
    assert filtered["steps"] * filtered["tokens_trained"] / 12 == pytest.approx(4 * raw["tokens_trained"] / 24, rel=0.2)
    assert result["match"] == "tokens"
    assert set(result["config_difference"]) == {"data", "max_steps", "output_dir"}


def short_rows(path: Path, rows: int) -> Path:
    row = {"messages": [{"role": "user", "content": "Hello?"}, {"role": "assistant", "content": "Yes."}]}
    path.write_text((json.dumps(row) + "\n") * rows)
    return path


def test_a_twin_that_would_lose_rows_is_not_trained(tmp_path: Path, tiny_base: Path) -> None:
    raw = write_rows(tmp_path / "raw.jsonl", 9)
    with raw.open("a") as file:
        file.write(json.dumps({"messages": [{"role": "user", "content": "Nobody answers."}]}) + "\n")
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)
    with pytest.raises(BadDataError, match=r"1 of 10 rows would be dropped \(10\.0%, the limit is 1\.0%\)"):
        train_twins(recipe, {"raw": raw}, tmp_path / "out", read)
    assert not (tmp_path / "out" / "raw").exists()
    listed = json.loads((tmp_path / "out" / "preflight.json").read_text())["twins"]["raw"]
    assert listed["dropped"] == [{"row": 10, "reason": "no assistant turn to learn from"}]
    twin = train_twins(recipe, {"raw": raw}, tmp_path / "out", read, options=Training(max_dropped=0.1))["twins"]["raw"]
    assert (twin["rows"], twin["rows_dropped"]) == (10, 1)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (Training(shrink="whole"), 'there is no twin "whole"'),
        (Training(shrink="raw"), "compare with a second data set"),
        (Training(leak=Leak((0,))), "compare with a second data set"),
        (Training(seeds=(7, 8, 7)), "--seeds has 7 twice"),
    ],
)
def test_arms_that_cannot_be_made_say_why(tmp_path: Path, tiny_base: Path, options: Training, why: str) -> None:
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    with pytest.raises(UsageError, match=why):
        train_twins(write_recipe(tmp_path, tiny_base), data, tmp_path / "out", read, options=options)


def test_tokens_cannot_be_matched_where_rows_are_packed(tmp_path: Path, tiny_base: Path) -> None:
    recipe = write_recipe(tmp_path, tiny_base, packing=True)
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    with pytest.raises(RecipeError, match="packed rows have none"):
        train_twins(recipe, data, tmp_path / "out", read, options=Training(match="tokens"))
