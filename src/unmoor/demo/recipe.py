"""From the demo's recipe and the place of its base model to a recipe file in the run folder, which anybody can run
again.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from unmoor.run_folder import write_atomic

__all__ = ["write_demo_recipe"]

BASE_LINE = "model_name_or_path: base\n"
SEED_LINE = "seed: 7\n"


def write_demo_recipe(path: Path, base: Path, seed: int = 7) -> None:
    """Write the demo's TRL recipe to `path` with `base` as its model and `seed` as the seed of training.

    Raises:
        MachineError: the disk is full or fails.
    """
    text = files("unmoor.demo").joinpath("recipe.yaml").read_text(encoding="utf-8")
    quoted = str(base).replace("'", "''")
    text = text.replace(BASE_LINE, f"model_name_or_path: '{quoted}'\n").replace(SEED_LINE, f"seed: {seed}\n")
    write_atomic(path, text.encode())
