"""From Axolotl's command to the end of its process: heard line by line, and ended with all that it started if we are."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from unmoor.training.backends.axolotl_log import Heard, lines_of
from unmoor.training.backends.axolotl_recipe import foreign_plugins
from unmoor.training.twin import Progress, Twin

__all__ = ["run_child"]

NO_REPORTS = {"AXOLOTL_DO_NOT_TRACK": "1"}
"""Axolotl sends its makers the recipe, less paths and names, unless it is told not to; whoever wants that says so."""

NO_LOCAL_MODULES = {"PYTHONSAFEPATH": "1"}
"""Axolotl starts `python -m axolotl.cli.train`, and with `-m` a torch.py in the current folder is taken for torch. Where a recipe
loads a plugin of the user's own, which may lie there, modules are found as without unmoor.
"""


def run_child(command: list[str], twin: Twin, log: Path, heard: Heard, progress: Progress | None) -> int:
    """Run the child to its end, its words in `log`, or end it and all its processes if we are interrupted; return its status."""
    own = foreign_plugins(twin.recipe.values)
    with (
        _exits_on_sigterm(),
        log.open("wb") as words,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**NO_REPORTS, **({} if own else NO_LOCAL_MODULES), **os.environ},
        ) as child,
    ):
        try:
            assert child.stdout is not None
            for line in lines_of(child.stdout):
                words.write(line + b"\n")
                words.flush()
                if heard.hear(line.decode("utf-8", "replace")) and progress:
                    progress(f"train {twin.name}", heard.step, twin.max_steps)
            return child.wait()
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)


@contextmanager
def _exits_on_sigterm() -> Iterator[None]:
    """Make SIGTERM, which a batch system sends, an exit that cleans up: otherwise the child would train on without us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
