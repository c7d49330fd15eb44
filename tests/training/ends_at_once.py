"""From `python -m tests.training.ends_at_once MODULE ...` to MODULE run, and a process that ends there, with no shutdown of Python.

In torch 2.13 that shutdown now and then waits for ever after training in several processes, with all saved:
github.com/pytorch/pytorch/issues/190489.
"""

from __future__ import annotations

import os
import runpy
import sys

__all__ = ["run_and_end"]


def run_and_end(arguments: list[str]) -> None:
    """Run a module as `python -m` does, and end the process; what the module raises is raised."""
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    run_and_end(sys.argv[1:])
