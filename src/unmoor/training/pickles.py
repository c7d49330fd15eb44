"""From a finished twin's folder to the same folder without pickles, which can run code when they are opened.

A trainer leaves its arguments, its optimiser and the state of its random numbers as pickles: training_args.bin,
optimizer.pt, scheduler.pt, rng_state.pth. They serve to go on with a run that is not finished; a model needs none.
"""

from __future__ import annotations

from pathlib import Path

from unmoor.run_folder import machine_errors

__all__ = ["SUFFIXES", "remove_pickles"]

SUFFIXES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")


def remove_pickles(folder: Path) -> list[Path]:
    """Remove every file under `folder` that has a pickle's name, and return them."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file()]
    with machine_errors(f"Removing what training left in {folder}"):
        for path in found:
            path.unlink(missing_ok=True)  # where several processes train one twin, another was quicker
    return found
