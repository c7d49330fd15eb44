"""A real S3 server of this machine, moto's, that can be told to fail as storage does: denied, busy, slow, gone."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

__all__ = ["Server", "running"]

BUSY = ("503 Slow Down", "SlowDown")
DENIED = ("403 Forbidden", "AccessDenied")
Rule = Callable[[str, str], tuple[str, str] | None]


@dataclass
class Server:
    """Where the server is, what was asked of it, and how it is to answer: `rule` gets method and path, and may give an error."""

    url: str
    rule: Rule = lambda _method, _path: None
    delay_seconds: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    """First and last byte of what was asked for in parts."""

    def count(self, method: str, ending: str) -> int:
        """Return how often something was asked for."""
        return sum(1 for one, path in self.asked if one == method and path.endswith(ending))


@contextmanager
def running() -> Iterator[Server]:
    """Serve S3 at a free port of the loopback device."""
    answer = DomainDispatcherApplication(create_backend_app)
    server = Server("")

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        server.asked.append((method, path))
        if part := re.fullmatch(r"bytes=(\d+)-(\d+)", environ.get("HTTP_RANGE", "")):
            server.ranges.append((int(part[1]), int(part[2])))
        time.sleep(server.delay_seconds)
        wrong = server.rule(method, path)
        if wrong is None:
            return answer(environ, start)  # type: ignore[no-any-return]
        status, code = wrong
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]

    listening = make_server("127.0.0.1", 0, app, threaded=True)
    server.url = f"http://127.0.0.1:{listening.port}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        thread.join()
