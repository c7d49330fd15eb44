"""From requests to answers: a route for each thing the page can ask for, none of which takes a path or runs what it is sent.

Each answer is made in one of two threads, each with a store of its own: one for what the person waits for (the next item, a
verdict), one for what may take its time (counts over a million findings, the audit).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from unmoor.errors import MissingExtraError, UnmoorError
from unmoor.review.web import desk
from unmoor.review.web.render import STATIC, static_file

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from unmoor.review.store import Store
    from unmoor.review.web.security import Application

__all__ = ["build_app"]

MOST_FIELDS = 50
LARGEST_BODY_BYTES = 65_536
"""A verdict with a note of 2,000 characters has some 10 KiB at most."""

Answer = desk.Answer
Maker = Callable[["desk.Desk", Mapping[str, str]], Answer]

READS: dict[str, Maker] = {
    "/": desk.review_page,
    "/item": desk.item_fragment,
    "/step": desk.step_fragment,
    "/lines": desk.lines_fragment,
    "/turns": desk.turns_fragment,
    "/text": desk.text_fragment,
}
SLOW_READS: dict[str, Maker] = {
    "/counts": desk.counts_fragment,
    "/all": desk.all_dialog,
    "/audit": desk.audit_page,
    "/agreement": desk.agreement_page,
}
CHANGES: dict[str, Maker] = {
    "/decide": desk.decide,
    "/decide-all": desk.decide_all,
    "/undo": desk.undo,
    "/redo": desk.redo,
}


class _Worker:
    """One thread with a desk of its own, made on its first use."""

    def __init__(self, make_desk: Callable[[], desk.Desk]) -> None:
        self._make = make_desk
        self._desk: desk.Desk | None = None
        self._thread = ThreadPoolExecutor(max_workers=1)

    async def answer(self, maker: Maker, asked: Mapping[str, str]) -> Answer:
        """Return what `maker` answers, made in the thread; errors of ours become plain words."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, maker, asked)

    def _run(self, maker: Maker, asked: Mapping[str, str]) -> Answer:
        try:
            self._desk = self._desk or self._make()
            return maker(self._desk, asked)
        except UnmoorError as error:
            return Answer(str(error), status=409, is_page=False)


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who reviews what: the name of the run as shown, the person, and whether the machine's verdict is hidden."""

    run_name: str
    person: str
    is_blind: bool = False


def build_app(open_store: Callable[[], Store], reviewer: Reviewer) -> Application:
    """Return the application; `open_store` is called once for each thread that reads.

    Raises:
        MissingExtraError: Starlette is not installed.
    """
    routing, requests = _starlette()

    def make_desk() -> desk.Desk:
        return desk.Desk(open_store(), reviewer.run_name, reviewer.person, reviewer.is_blind)

    quick, slow = _Worker(make_desk), _Worker(make_desk)

    def reading(maker: Maker, worker: _Worker) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return _response(await worker.answer(maker, dict(request.query_params)))

        return endpoint

    def changing(maker: Maker) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            sent = await _form(request)
            return _response(await quick.answer(maker, sent) if sent is not None else _TOO_LARGE)

        return endpoint

    routes = [routing.Route(path, reading(maker, quick), methods=["GET"]) for path, maker in READS.items()]
    routes += [routing.Route(path, reading(maker, slow), methods=["GET"]) for path, maker in SLOW_READS.items()]
    routes += [routing.Route(path, changing(maker), methods=["POST"]) for path, maker in CHANGES.items()]
    routes += [routing.Route(path, _static, methods=["GET"]) for path in STATIC]
    app: Application = requests.Starlette(routes=routes, exception_handlers={Exception: _failed})
    return app


_TOO_LARGE = Answer("That is more than a verdict and a note.", status=413, is_page=False)


def _starlette() -> tuple[Any, Any]:
    try:
        from starlette import applications, routing
    except ImportError as error:
        raise MissingExtraError("The review page", "review") from error
    return routing, applications


async def _form(request: Request) -> dict[str, str] | None:
    """Return the fields of a form, the first of each name; None where it is larger than any form of ours."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY_BYTES:
            return None
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


async def _static(request: Request) -> Response:
    from starlette.responses import Response

    content, kind = static_file(request.url.path)
    return Response(content, media_type=kind)


async def _failed(_: Request, __: Exception) -> Response:
    """Answer for an error that is none of ours; the server goes on to print it in the terminal."""
    words = "The review server failed here; the terminal says how. What it confirmed before is kept."
    return _response(Answer(words, status=500, is_page=False))


def _response(answer: Answer) -> Response:
    from starlette.responses import Response

    headers = {}
    if answer.url:
        headers["HX-Replace-Url"] = answer.url
    if answer.events:
        headers["HX-Trigger"] = json.dumps(answer.events)  # ASCII: everything else is escaped
    kind = "text/html; charset=utf-8" if answer.is_page else "text/plain; charset=utf-8"
    return Response(answer.body.encode("utf-8", "replace"), answer.status, headers, kind)
