"""From a finished twin's folder to the same folder without pickles, which can run code when they are opened.

A trainer leaves its arguments, its optimiser and the state of its random numbers as pickles: training_args.bin,
optimizer.pt, scheduler.pt, rng_state.pth. They serve to go on with a run that is not finished; a model needs none.
"""

from __future__ import annotations

from pathlib import Path

from unmoor.run_folder import machine_errors

__all__ = ["remove_pickles"]

NAMES = (
    *("training_args.bin", "optimizer.pt", "optimizer.bin", "scheduler.pt", "scaler.pt"),
    *("rng_state*.pth", "pytorch_model*.bin"),
)
"""What the trainer of transformers 5.23 writes as pickles beside a model."""

CHECKPOINTS = ("checkpoint-*", "checkpoints/checkpoint-*", "global_step*")
"""Folders that are a trainer's alone: TRL's, Axolotl's and DeepSpeed's."""

SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
"""Of a pickle in a checkpoint, where accelerate, FSDP and DeepSpeed have many names, with numbers of processes in them."""


def remove_pickles(folder: Path) -> list[Path]:
    """Remove the pickles that a trainer left in a twin's folder and its checkpoints, and return them; other files stay."""
    found = {path for name in NAMES for path in folder.glob(name)}
    for checkpoint in (path for name in CHECKPOINTS for path in folder.glob(name)):
        found |= {path for path in checkpoint.rglob("*") if path.suffix in SUFFIXES}
    removed = sorted(path for path in found if path.is_file())
    with machine_errors(f"Removing what training left in {folder}"):
        for path in removed:
            path.unlink(missing_ok=True)  # where several processes train one twin, another was quicker
    return removed
