"""From the signals that end a process to a command that stops as it does at Ctrl-C, wherever Python was as one came."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

__all__ = ["Ended", "heed_ends"]

_AGAIN_AFTER = 0.02
"""Seconds after which a signal comes again whose interruption got lost."""


class Ended(KeyboardInterrupt):
    """A signal that ends the process: unlike Ctrl-C, which may stop a part of what a command does, nothing goes on after it."""


def heed_ends() -> list[int]:
    """Make SIGTERM and SIGHUP, which batch systems and closing terminals send, end a command as Ctrl-C does: what was done is kept.

    Returns what holds the signal's number once one has come. One that is ignored (`nohup`) stays so; `serve` has its own way.
    """
    came: list[int] = []
    sys.unraisablehook = _send_again(came, sys.unraisablehook)
    if sys.argv[1:2] == ["serve"]:
        return came

    def end(number: int, _frame: object) -> None:
        came.append(number)
        raise Ended

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)
    return came


def _send_again(came: list[int], otherwise: Any) -> Any:
    """Return a hook for errors that Python raises where nobody can hear them, as in `__del__` and as weak references end: an
    interruption among them would be lost, and the command go on for ever.
    """

    def hook(lost: Any, /) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            otherwise(lost)
            return
        from threading import Timer

        again = Timer(_AGAIN_AFTER, os.kill, (os.getpid(), came[-1] if came else signal.SIGINT))
        again.daemon = True
        again.start()

    return hook
