"""From an application to a page on this machine: the place is checked, then the port is taken, then the link is printed."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from unmoor.errors import MissingExtraError, UsageError
from unmoor.review.web.security import Guarded, Keys, Place, place_to_bind

if TYPE_CHECKING:
    from unmoor.review.web.security import Application

__all__ = ["bound_socket", "serve"]

LARGEST_HEAD_BYTES = 32_768
"""A view has some 2 KiB at most. h11 hangs up on a longer head; httptools, which uvicorn prefers, takes one that never ends."""


def bound_socket(address: str, port: int, token: str | None) -> tuple[socket.socket, Place]:
    """Return a listening socket and its place; port 0 takes any that is free.

    Raises:
        UsageError: the place may not be bound (see `place_to_bind`), or the port is taken.
    """
    wanted = place_to_bind(address, port, token)
    taken = socket.socket(socket.AF_INET6 if ":" in wanted.address else socket.AF_INET, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((wanted.address, port))
        taken.listen(64)
    except OSError as error:
        taken.close()
        raise UsageError(
            f"{wanted.host} cannot be taken: {error.strerror}. Next: another --port, or 0 for any"
        ) from error
    return taken, Place(wanted.address, taken.getsockname()[1])


def serve(
    build: Callable[[Place], Application],
    listening: tuple[socket.socket, Place],
    *,
    token: str | None = None,
    home: str = "/",
    on_link: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C; `on_link` is given the link to open, at the start and whenever a used one was opened again. It leads to
    `home`, a path of the page's own.

    Raises:
        MissingExtraError: the web server is not installed.
    """
    uvicorn = _uvicorn()
    taken, place = listening
    keys = Keys(announce=lambda fresh: on_link(_link(place, fresh)), home=home)
    if token is not None:
        keys.token = token
    guarded = Guarded(build(place), place, keys)
    settings = uvicorn.Config(
        guarded,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        ws="none",
        http="h11",
        h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(settings)
    # Ctrl-C before it has begun is no mistake of a programmer's.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    on_link(_link(place, keys.token))
    server.run(sockets=[taken])


def _link(place: Place, token: str) -> str:
    return f"{place.origin}/enter?token={quote(token, safe='')}"


def _uvicorn() -> Any:
    try:
        import uvicorn
    except ImportError as error:
        raise MissingExtraError("The review page", "review") from error
    return uvicorn
