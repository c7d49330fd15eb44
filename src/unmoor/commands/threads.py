"""From the environment to one in which threads that wait let others work, before PyTorch is loaded and reads it.

Waiting threads spin without end by default, which stalls a machine that others use too: on two cores of which other programs took
one, two twins of the demo's size trained in 50 and 74 seconds, 36 and 51 of them computing, nearly all of it one thread spinning
for the other. Sleeping at once: 17 and 15 seconds, 6 and 6 computing; but a sixth slower on a quiet machine. Here they spin some
microseconds, then sleep. The numbers that come out are the same: how a thread waits changes nothing in what it adds up.
"""

from __future__ import annotations

from collections.abc import MutableMapping

__all__ = ["wait_briefly"]

SPINS = 5000
_OWNERS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables by which an owner has said how threads wait; that stands."""


def wait_briefly(environment: MutableMapping[str, str]) -> None:
    """Ask OpenMP, by which PyTorch computes on a processor, to let a thread that waits spin a moment and then sleep."""
    if not any(name in environment for name in _OWNERS):
        environment.update({"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": str(SPINS)})
