"""What one running server holds: the upstream, the owner's rules and guard, the limits, and what every key has used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from unmoor.errors import ServiceError, nearest_name
from unmoor.serving.server.keys import Key, KeyRing
from unmoor.serving.server.limits import Allowance, Gate, Limits
from unmoor.serving.server.metrics import Metrics
from unmoor.serving.server.oversight import Oversight
from unmoor.serving.server.roles import Rules
from unmoor.serving.server.upstream import Upstream
from unmoor.serving.server.wire import Bodies

__all__ = ["Service"]

MOST_NAMED = 10
"""Models that an error names; the rest is at /v1/models."""
CHECK_FRESH_SECONDS = 5.0
"""How old the answer of `/healthz` may be: it needs no key, and must not let anybody keep the upstream busy."""


@dataclass(slots=True)
class Service:
    """Everything that the endpoints share; made inside the running event loop or before it."""

    upstream: Upstream
    keys: KeyRing
    hosts: frozenset[str]
    oversight: Oversight
    metrics: Metrics
    rules: Rules = field(default_factory=Rules)
    limits: Limits = field(default_factory=Limits)
    only_models: frozenset[str] = frozenset()
    clock: Callable[[], float] = time.time
    gate: Gate = field(init=False)
    bodies: Bodies = field(init=False)
    _allowances: dict[str, Allowance] = field(init=False)
    _checked_at: float = field(init=False, default=float("-inf"))
    _is_well: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        limits = self.limits
        self.gate = Gate(limits.concurrent, limits.waiting, limits.wait_seconds)
        self.bodies = Bodies(limits)
        self._allowances = {key.name: self._new_allowance(key) for key in self.keys.keys}

    def _new_allowance(self, key: Key) -> Allowance:
        own = (key.requests_per_minute, key.tokens_per_day)
        rate, quota = self.limits.requests_per_minute, self.limits.tokens_per_day
        return Allowance(rate if own[0] is None else own[0], quota if own[1] is None else own[1], self.clock)

    def allowance(self, key: Key) -> Allowance:
        """Return what a key may still do."""
        return self._allowances[key.name]

    def charge(self, key: Key, usage: Mapping[str, int]) -> None:
        """Count what a request used."""
        self._allowances[key.name].charge(usage["total_tokens"])
        self.metrics.count("unmoor_tokens_total", usage["prompt_tokens"], key=key.name, kind="prompt")
        self.metrics.count("unmoor_tokens_total", usage["completion_tokens"], key=key.name, kind="completion")

    async def models(self) -> list[str]:
        """Return the names of the models that clients may ask."""
        return [name for name in await self.upstream.models() if not self.only_models or name in self.only_models]

    async def check_model(self, name: str) -> None:
        """Raise ServiceError 404 unless clients may ask this model."""
        known = await self.models()
        if name not in known:
            raise ServiceError(
                404,
                f"The model {name[:200]!r} does not exist or you do not have access to it.{nearest_name(name[:200], known)} "
                f"Known: {', '.join(known[:MOST_NAMED]) or 'none'}.",
                param="model",
                code="model_not_found",
            )

    async def is_well(self) -> bool:
        """Say whether the upstream could be reached within the last seconds."""
        now = time.monotonic()
        if now - self._checked_at > CHECK_FRESH_SECONDS:
            self._checked_at = now
            try:
                await self.upstream.check()
                self._is_well = True
            except ServiceError:
                self._is_well = False
        return self._is_well

    def gauges(self) -> dict[str, tuple[str, float]]:
        """Return name to help and value of what goes up and down."""
        return {
            "unmoor_answers_now": ("Answers being written.", self.gate.inside),
            "unmoor_waiting_now": ("Requests that wait for their turn.", self.gate.waiting),
            "unmoor_body_bytes_now": ("Bytes of bodies being read.", self.bodies.held_bytes),
        }
