"""From the owner's limits to yes, wait or no: rates and quotas per key, and a bounded number of answers at a time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from unmoor.errors import ServiceError

__all__ = ["Allowance", "Gate", "Limits"]

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything that is bounded. A limit of 0 for a rate or a quota means none."""

    body_bytes: int = 1024 * 1024
    all_bodies_bytes: int = 64 * 1024 * 1024
    """Bodies held in memory at one time, of all connections together."""
    head_seconds: float = 20.0
    """How long a client may take to say what it wants, key included; a thousand that never do hold nobody up."""
    body_seconds: float = 30.0
    context_chars: int = 200_000
    messages: int = 1_000
    max_tokens: int = 4_096
    choices: int = 8
    concurrent: int = 256
    """Answers being written at one time; vLLM's own default of sequences at a time is of this size."""
    waiting: int = 1_024
    wait_seconds: float = 30.0
    answer_seconds: float = 600.0
    requests_per_minute: int = 600
    tokens_per_day: int = 0


@dataclass(slots=True)
class Allowance:
    """What one key may still do: a bucket of requests that refills evenly, and tokens until the day (UTC) ends.

    `clock` gives seconds since the epoch. A restart of the server forgets what was used.
    """

    requests_per_minute: int
    tokens_per_day: int
    clock: Callable[[], float]
    _requests_left: float = field(init=False)
    _refilled_at: float = field(init=False)
    _day: int = field(init=False)
    _tokens_used: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._requests_left = float(self.requests_per_minute)
        self._refilled_at = self.clock()
        self._day = int(self._refilled_at // SECONDS_PER_DAY)

    def take(self) -> None:
        """Count one request.

        Raises:
            ServiceError: 429 with the seconds to wait, when the rate or the quota is used up.
        """
        now = self.clock()
        self._check_quota(now)
        if not self.requests_per_minute:
            return
        per_second = self.requests_per_minute / 60
        grown = self._requests_left + max(0.0, now - self._refilled_at) * per_second
        self._requests_left, self._refilled_at = min(float(self.requests_per_minute), grown), now
        if self._requests_left < 1:
            wait_seconds = max(1, math.ceil((1 - self._requests_left) / per_second))
            message = (
                f"Rate limit reached: {self.requests_per_minute} requests per minute. Try again in {wait_seconds} s."
            )
            raise _too_many(message, "requests", "rate_limit_exceeded", wait_seconds)
        self._requests_left -= 1

    def charge(self, tokens: int) -> None:
        """Count the tokens of a prompt and its answer, once they are known."""
        self._begin_day(self.clock())
        self._tokens_used += tokens

    def _check_quota(self, now: float) -> None:
        self._begin_day(now)
        if self.tokens_per_day and self._tokens_used >= self.tokens_per_day:
            wait_seconds = max(1, math.ceil((self._day + 1) * SECONDS_PER_DAY - now))
            message = (
                f"You exceeded your quota of {self.tokens_per_day} tokens per day. It begins anew at midnight UTC."
            )
            raise _too_many(message, "insufficient_quota", "insufficient_quota", wait_seconds)

    def _begin_day(self, now: float) -> None:
        day = int(now // SECONDS_PER_DAY)
        if day != self._day:
            self._day, self._tokens_used = day, 0


def _too_many(message: str, kind: str, code: str, wait_seconds: int) -> ServiceError:
    return ServiceError(429, message, kind=kind, code=code, retry_after_seconds=wait_seconds)


class Gate:
    """Lets so many through at a time, lets so many wait, and turns the others away: load costs no memory."""

    def __init__(self, concurrent: int, waiting: int, wait_seconds: float) -> None:
        self._free = asyncio.Semaphore(concurrent)
        self._may_wait = waiting
        self._wait_seconds = wait_seconds
        self.inside = 0
        self.waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold one place.

        Raises:
            ServiceError: 503 with Retry-After, when too many wait already or the wait grew too long.
        """
        await self._enter()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            self._free.release()

    async def _enter(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        if self.waiting >= self._may_wait:
            raise overloaded()
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError as error:
            raise overloaded() from error
        finally:
            self.waiting -= 1


def overloaded(retry_after_seconds: int = 1) -> ServiceError:
    """Return the error for more work than the server can take."""
    return ServiceError(
        503,
        "The server is overloaded: too many requests are waiting. Try again later.",
        kind="server_error",
        code="overloaded",
        retry_after_seconds=retry_after_seconds,
    )
