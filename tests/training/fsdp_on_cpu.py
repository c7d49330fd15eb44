"""From `python -m tests.training.fsdp_on_cpu MODULE ...` to MODULE run with accelerate's FSDP on processors.

accelerate 1.15 gives FSDP to graphics cards and their like only (state.py); on processors it trains by DDP instead and says
nothing. PyTorch's FSDP2 itself shards over gloo as well. The plugin that accelerate made is put where it would be on a card.
"""

from __future__ import annotations

import sys
from typing import Any

from accelerate.state import AcceleratorState
from accelerate.utils import DistributedType

from tests.training.ends_at_once import run_and_end

MADE = AcceleratorState.__init__


def _with_plugin(self: Any, *positional: Any, fsdp_plugin: Any = None, **named: Any) -> None:
    MADE(self, *positional, fsdp_plugin=fsdp_plugin, **named)
    if fsdp_plugin is not None:
        self.fsdp_plugin = fsdp_plugin
    if self.__dict__.get("fsdp_plugin") is not None:
        self.distributed_type = DistributedType.FSDP


if __name__ == "__main__":
    AcceleratorState.__init__ = _with_plugin
    run_and_end(sys.argv[1:])
