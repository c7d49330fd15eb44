"""From a service to an ASGI application: a door that checks Host and key, and behind it five paths and nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from unmoor.errors import MissingExtraError, ServiceError
from unmoor.serving.server.chat_endpoint import ChatEndpoint
from unmoor.serving.server.openapi import document
from unmoor.serving.server.service import Service
from unmoor.serving.server.wire import Application, Receive, Scope, Send, header, send_error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["PATHS", "build_app"]

PATHS = {
    "/v1/chat/completions": "POST",
    "/v1/models": "GET",
    "/healthz": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
}
"""Every path that answers, and how it is asked."""
_OPEN_PATHS = {"/healthz"}


def build_app(service: Service) -> Application:
    """Return the application.

    Raises:
        MissingExtraError: the parts that serve are not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.exceptions import HTTPException
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtraError("Serving", "serve") from error
    endpoints: dict[str, Any] = {
        "/v1/chat/completions": ChatEndpoint(service),
        "/v1/models": partial(_models, service),
        "/healthz": partial(_health, service),
        "/metrics": partial(_metrics, service),
        "/openapi.json": partial(_openapi, document()),
    }
    app = Starlette(
        routes=[Route(path, endpoints[path], methods=[method]) for path, method in PATHS.items()],
        exception_handlers={ServiceError: _on_service_error, HTTPException: _on_http_error},
        lifespan=partial(_lifespan, service),
    )
    app.router.redirect_slashes = False
    return Door(app, endpoints["/v1/chat/completions"], service)


class Door:
    """Lets in who asks for this server by its name and shows a key; only `/healthz` needs none.

    Chats, nearly all of what is asked, go straight to their endpoint: the way through the framework costs as much as checking them.
    """

    def __init__(self, inside: Application, chats: Application, service: Service) -> None:
        self._inside = inside
        self._chats = chats
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on, or answer with an error."""
        if scope["type"] == "lifespan":
            await self._inside(scope, receive, send)
            return
        request_id = secrets.token_hex(12)
        scope["unmoor.request_id"] = request_id
        try:
            if scope["path"] not in _OPEN_PATHS:
                self._check_host(header(scope, b"host"))
                scope["unmoor.key"] = self._service.keys.identify(header(scope, b"authorization"))
        except ServiceError as error:
            self._service.metrics.count("unmoor_refused_total", status=str(error.status))
            await send_error(send, error, request_id)
            return
        is_chat = scope["path"] == "/v1/chat/completions" and scope["method"] == "POST"
        await (self._chats if is_chat else self._inside)(scope, receive, send)

    def _check_host(self, host: str | None) -> None:
        """Refuse a name that was bent to point here: a page in a browser could otherwise speak to this server."""
        if (host or "").lower() not in self._service.hosts:
            raise ServiceError(
                421,
                "This server does not answer to that Host. Its owner can add one: --allowed-host",
                code="unknown_host",
            )


async def _models(service: Service, request: Request) -> Response:  # noqa: ARG001
    from starlette.responses import JSONResponse

    names = await service.models()
    data = [{"id": name, "object": "model", "created": _STARTED, "owned_by": "owner"} for name in names]
    return JSONResponse({"object": "list", "data": data}, headers=_QUIET)


async def _health(service: Service, request: Request) -> Response:  # noqa: ARG001
    from starlette.responses import JSONResponse

    is_well = await service.is_well()
    return JSONResponse({"status": "ok" if is_well else "upstream unreachable"}, 200 if is_well else 503, _QUIET)


async def _metrics(service: Service, request: Request) -> Response:  # noqa: ARG001
    from starlette.responses import Response

    text = service.metrics.text(service.gauges())
    return Response(text, headers=_QUIET, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _openapi(described: dict[str, Any], request: Request) -> Response:  # noqa: ARG001
    from starlette.responses import JSONResponse

    return JSONResponse(described, headers=_QUIET)


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return _error_response(error, request.scope["unmoor.request_id"])


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Say 404 and 405 as OpenAI's service does."""
    status = getattr(error, "status_code", 500)
    where = f"{request.method} {request.url.path[:200]}"
    made = ServiceError(404, f"Invalid URL ({where}). This server answers {', '.join(PATHS)}.", code="unknown_url")
    if status == 405:
        made = ServiceError(405, f"Not allowed: {where}", code="method_not_supported")
    response = _error_response(made, request.scope["unmoor.request_id"])
    if status == 405:
        response.headers["allow"] = PATHS[request.url.path]
    return response


def _error_response(error: ServiceError, request_id: str) -> Response:
    from starlette.responses import JSONResponse

    headers = {**_QUIET, "x-request-id": request_id}
    if error.retry_after_seconds is not None:
        headers["retry-after"] = str(error.retry_after_seconds)
    return JSONResponse(error.body(), error.status, headers)


@asynccontextmanager
async def _lifespan(service: Service, app: object) -> AsyncIterator[None]:  # noqa: ARG001
    try:
        yield
    finally:
        await service.upstream.close()


_QUIET = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_STARTED = int(time.time())
