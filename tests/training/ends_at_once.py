"""From `python -m tests.training.ends_at_once MODULE ...` to MODULE run, and a process that ends there, with nothing freed.

In torch 2.13 a process now and then waits for ever after training in several, with all saved: where its trainer is freed once the
process group was destroyed, or in Python's shutdown. github.com/pytorch/pytorch/issues/190489.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any

__all__ = ["run_and_end"]


def run_and_end(arguments: list[str]) -> None:
    """Run a module as `python -m` does, and end the process; what the module raises is raised."""
    from transformers import Trainer

    kept, prepare = [], Trainer.__init__

    def prepare_and_keep(trainer: Trainer, *settings: Any, **more: Any) -> None:
        kept.append(trainer)
        prepare(trainer, *settings, **more)

    Trainer.__init__ = prepare_and_keep  # type: ignore[method-assign]
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    run_and_end(sys.argv[1:])
