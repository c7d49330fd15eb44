"""Real servers on loopback for tests: each in a thread of its own, stopped at the end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from unmoor.serving.guard import Guard
from unmoor.serving.server import (
    KeyRing,
    Limits,
    Metrics,
    Oversight,
    Place,
    Rules,
    Service,
    Upstream,
    one_key,
    server_for,
    take_port,
)
from unmoor.serving.server.oversight import InterventionLog

SECRET = "a-secret-of-the-tests"
OTHER_SECRET = "another-secret-of-the-tests"


@dataclass
class Running:
    """A server that runs: its address, and what it holds."""

    url: str
    service: Service
    server: Any
    thread: threading.Thread


@contextmanager
def running_app(app: Any, port: int = 0) -> Iterator[str]:
    """Run an ASGI application and yield its address."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=1))
    with _running(server, Place("127.0.0.1", port)) as (url, _):
        yield url


@contextmanager
def running_service(
    upstream: Upstream,
    *,
    rules: Rules | None = None,
    limits: Limits | None = None,
    guard: Guard | None = None,
    log: InterventionLog | None = None,
    only_models: frozenset[str] = frozenset(),
    drain_seconds: int = 2,
) -> Iterator[Running]:
    """Run our server in front of an upstream; two keys open it, `alice` and `bob`."""
    metrics = Metrics()
    taken, place = take_port(Place("127.0.0.1", 0))
    service = Service(
        upstream=upstream,
        keys=KeyRing([one_key("alice", SECRET), one_key("bob", OTHER_SECRET)]),
        hosts=place.hosts,
        oversight=Oversight(guard, metrics, log),
        metrics=metrics,
        rules=rules or Rules(),
        limits=limits or Limits(),
        only_models=only_models,
    )
    server = server_for(service, drain_seconds)
    with _running(server, place, taken) as (url, thread):
        yield Running(url, service, server, thread)


@contextmanager
def _running(server: Any, place: Place, taken: socket.socket | None = None) -> Iterator[tuple[str, threading.Thread]]:
    if taken is None:
        taken, place = take_port(place)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        assert thread.is_alive(), "the server did not start"
        yield place.url, thread
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        taken.close()
        assert not thread.is_alive(), "the server did not stop"


def wait_until(is_so: Any, seconds: float = 10.0) -> None:
    """Wait until something is so, and fail if it never is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to be in time"
        time.sleep(0.01)
