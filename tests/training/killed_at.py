"""From `python -m tests.training.killed_at STEP MODULE ...` to MODULE run, killed in that step of a training."""

from __future__ import annotations

import os
import runpy
import signal
import sys
from typing import Any

__all__ = ["run_and_kill"]


def run_and_kill(step: int, arguments: list[str]) -> None:
    """Run a module as `python -m` does; in the given step of a training the process kills itself."""
    from transformers import Trainer

    take = Trainer.training_step

    def take_or_end(trainer: Trainer, *given: Any, **more: Any) -> Any:
        loss = take(trainer, *given, **more)
        if trainer.state.global_step + 1 == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss

    Trainer.training_step = take_or_end  # type: ignore[method-assign]
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run_and_kill(int(sys.argv[1]), sys.argv[2:])
