"""From a twin to a trained model. A new backend is a file, a line in BACKENDS and an extra; one may come from another package."""

from __future__ import annotations

from unmoor.errors import UsageError, nearest_name
from unmoor.training.backends import axolotl, trl_command, trl_model, trl_sft
from unmoor.training.backends.axolotl_recipe import read_axolotl_recipe
from unmoor.training.backends.backend import Backend
from unmoor.training.backends.elsewhere import backend_elsewhere, names_elsewhere

__all__ = ["BACKENDS", "Backend", "backend_named"]

BACKENDS: dict[str, Backend] = {
    "trl": Backend(
        trl_model.load_tokenizer,
        trl_sft.rule_of,
        trl_sft.count_steps,
        trl_sft.settings_of,
        trl_sft.train,
        trl_command.write_command,
        trl_sft.read_trl_recipe,
        packages=("torch", "transformers", "trl", "peft", "accelerate"),
    ),
    "axolotl": Backend(
        axolotl.load_tokenizer,
        axolotl.rule_of,
        axolotl.count_steps,
        axolotl.settings_of,
        axolotl.train,
        axolotl.write_command,
        read_axolotl_recipe,
        inputs=(axolotl.RECIPE, axolotl.ROWS),
    ),  # its packages lie in another environment, and its log names them
}


def backend_named(name: str) -> Backend:
    """Return the trainer of a name: one of BACKENDS, or what an installed package registers.

    Raises:
        UsageError: there is none, or it cannot be loaded.
    """
    backend = BACKENDS.get(name) or backend_elsewhere(name)
    if backend is None:
        names = [*BACKENDS, *names_elsewhere()]
        raise UsageError(f'Unknown trainer "{name}".{nearest_name(name, names)} Trainers: {", ".join(names)}')
    return backend
