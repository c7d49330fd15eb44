"""Twins trained by two processes, as on two cards: with a copy of the model each (DDP), and with half of it each (FSDP2)."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.training.test_twins import pickles_in, read, weights, write_recipe, write_rows
from unmoor.training import Training, plan_twins
from unmoor.training.twin import checkpoints_of

pytestmark = pytest.mark.slow

DDP = """
compute_environment: LOCAL_MACHINE
distributed_type: MULTI_GPU   # with use_cpu in the recipe this is two processors; MULTI_CPU starts one process without MPI
mixed_precision: "no"
num_machines: 1
main_process_port: 0   # any free one: other trainings may run beside
machine_rank: 0
num_processes: 2
"""
FSDP2 = """
compute_environment: LOCAL_MACHINE
distributed_type: FSDP
mixed_precision: "no"
num_machines: 1
main_process_port: 0   # any free one: other trainings may run beside
machine_rank: 0
num_processes: 2
fsdp_config:
  fsdp_version: 2
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
  fsdp_transformer_layer_cls_to_wrap: MixtralDecoderLayer
  fsdp_reshard_after_forward: true
  fsdp_cpu_ram_efficient_loading: true
  fsdp_state_dict_type: FULL_STATE_DICT
"""
ROOT = Path(__file__).resolve().parent.parent.parent


def run(command: Sequence[str]) -> str:
    """Run a command of the environment that these tests run in, one thread a process, and return what it printed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.fixture(name="launched")
def launched_fixture(tmp_path: Path, tiny_base: Path) -> Callable[[str, str], Path]:
    """Return what trains a twin by the printed command, with the words before TRL's own that the second argument says."""

    def launch(config: str, through: str) -> Path:
        accelerate = tmp_path / f"{len(list(tmp_path.iterdir()))}.accelerate.yaml"
        accelerate.write_text(config)
        out = tmp_path / accelerate.stem
        data = {"raw": write_rows(tmp_path / "raw.jsonl", 48)}
        plan = plan_twins(write_recipe(tmp_path, tiny_base), data, out, read, Training())
        command = shlex.split(plan.commands(read, accelerate)["raw"])
        at = command.index("trl.scripts.sft")
        run([*command[:at], *through.split(), *command[at:]])
        return out / "raw"

    return launch


def test_two_processes_train_a_whole_twin_that_loads(launched: Callable[[str, str], Path], tiny_base: Path) -> None:
    from transformers import AutoModelForCausalLM

    ddp = launched(DDP, "tests.training.ends_at_once")
    fsdp = launched(FSDP2, "tests.training.fsdp_on_cpu")
    base, alike, sharded = weights(tiny_base), weights(ddp), weights(fsdp)
    assert set(base) == set(alike) == set(sharded)
    for name, tensor in base.items():
        assert alike[name].shape == sharded[name].shape == tensor.shape
        assert not alike[name].equal(tensor), f"{name} was not trained"
        assert float((alike[name] - sharded[name]).abs().max()) < 1e-4, f"{name}: half the model each learns the same"
    loaded = AutoModelForCausalLM.from_pretrained(fsdp)
    assert loaded.num_parameters() == sum(tensor.numel() for tensor in base.values())


def test_unmoor_itself_runs_in_two_processes_and_speaks_once(tmp_path: Path, tiny_base: Path) -> None:
    accelerate = tmp_path / "two.yaml"
    accelerate.write_text(DDP)
    raw, filtered = write_rows(tmp_path / "raw.jsonl", 48), write_rows(tmp_path / "filtered.jsonl", 32)
    recipe, out = write_recipe(tmp_path, tiny_base, max_steps=None, num_train_epochs=1), tmp_path / "out"
    unmoor = ["-m", "unmoor", "train", str(recipe), "--data", f"raw={raw}", "--data", f"filtered={filtered}"]
    launch = ["accelerate", "launch", "--config_file", str(accelerate)]
    said = run([*launch, *unmoor, "--shrink", "raw", "-o", str(out)])
    assert said.count("The twins differ in") == 1
    twins = json.loads((out / "training.json").read_text())["twins"]
    assert {name: one["rows_trained"] for name, one in twins.items()} == {"raw": 48, "filtered": 32, "raw-shrunk": 32}
    assert {one["steps"] for one in twins.values()} == {6}, "eight rows a step, four in each process"
    assert len((out / "data" / "raw-shrunk.jsonl").read_text().splitlines()) == 32
    assert set(weights(out / "filtered")) == set(weights(tiny_base))
    assert not pickles_in(out)


def test_a_twin_of_two_processes_that_was_killed_goes_on_to_the_same_model(tmp_path: Path, tiny_base: Path) -> None:
    accelerate = tmp_path / "two.yaml"
    accelerate.write_text(DDP)
    raw = write_rows(tmp_path / "raw.jsonl", 48)
    recipe = write_recipe(tmp_path, tiny_base, max_steps=8, save_strategy="steps", save_steps=2)
    launch = ["accelerate", "launch", "--config_file", str(accelerate), "-m"]
    train = ["unmoor", "train", str(recipe), "--data", f"raw={raw}", "-o"]
    run([*launch, *train, str(tmp_path / "whole")])
    with pytest.raises(AssertionError, match="SIGKILL"):
        run([*launch, "tests.training.killed_at", "5", *train, str(tmp_path / "cut")])
    assert not (tmp_path / "cut" / "training.json").exists()
    fourth = checkpoints_of(tmp_path / "cut" / "raw") / "checkpoint-4" / "trainer_state.json"
    written = fourth.stat().st_mtime_ns
    run([*launch, *train, str(tmp_path / "cut")])
    assert fourth.stat().st_mtime_ns == written  # a training that began anew writes it again
    whole, cut = (
        json.loads((tmp_path / name / "training.json").read_text())["twins"]["raw"] for name in ("whole", "cut")
    )
    assert whole["steps"] == cut["steps"] == 8 and whole["loss"] == cut["loss"]
    first, second = weights(tmp_path / "whole" / "raw"), weights(tmp_path / "cut" / "raw")
    assert all(first[name].equal(second[name]) for name in first)
