"""From a service and a listening socket to a running server, until it is told to stop and its streams have ended."""

from __future__ import annotations

import socket
import sys
from typing import Any

from unmoor.errors import MissingExtraError
from unmoor.serving.server.app import build_app
from unmoor.serving.server.protocol import patient_protocol
from unmoor.serving.server.service import Service

__all__ = ["run_server", "server_for"]

IDLE_SECONDS = 75
"""Longer than the 60 s after which the usual load balancers close an idle connection, so that they close first."""


def server_for(service: Service, drain_seconds: int) -> Any:
    """Return a uvicorn server that answers as `service` says; nothing is bound yet.

    Raises:
        MissingExtraError: the parts that serve are not installed.
    """
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("Serving", "serve") from error
    return uvicorn.Server(
        uvicorn.Config(
            build_app(service),
            http=patient_protocol(service.limits.head_seconds),
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=drain_seconds,
            backlog=2_048,
        )
    )


def run_server(service: Service, listening: socket.socket, drain_seconds: int) -> None:
    """Serve until SIGINT or SIGTERM; streams have `drain_seconds` to finish."""
    _raise_file_limit()
    server_for(service, drain_seconds).run(sockets=[listening])


def _raise_file_limit() -> None:
    """Allow as many open connections as the system lets this user have; 256, a usual default, is less than one busy minute."""
    if sys.platform == "win32":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
