"""Loading what stays loaded, without looking for unreachable cycles in it again and again: that is a sixth of the time to start."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

__all__ = ["never_collected", "uncollected"]


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from collecting while modules or packs are loaded: hundreds of thousands of objects, none of which goes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def never_collected() -> None:
    """Leave all that is there by now out of every later collection; once in a process, for rubbish among it would stay."""
    gc.freeze()
