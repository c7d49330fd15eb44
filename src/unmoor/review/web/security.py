"""From a request to yes or no: only the browser that was given the link, on this machine, from this page.

A local web page can be reached by every other page the browser has open. So the Host must be exactly ours (no name that was bent to
point here), the Origin must be ours where there is one, the browser's own account of the request (Sec-Fetch-*) must fit, a change
needs a header that no form of another page can send, and everything needs a cookie that is given once, in exchange for the token in
the printed link. Pure ASGI: nothing but the standard library.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from unmoor.errors import UsageError

__all__ = [
    "CHANGE_HEADER",
    "CONTENT_SECURITY_POLICY",
    "Guarded",
    "Keys",
    "Place",
    "place_to_bind",
    "refusal",
]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

CHANGE_HEADER = "x-unmoor-review"
"""Must be `1` on every request that changes something; a browser lets no other origin send it without asking us first."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # `no-referrer` would make browsers send `Origin: null` with our own changes (Fetch standard, "append a request Origin header").
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}

_SHORTEST_TOKEN = 16
"""Characters of a token that an owner chooses; ours have 43, of 256 bits."""
_READS = {"GET", "HEAD"}
_OUR_SITES = {"same-origin", "none"}
_KINDS = {
    "navigate": {"document"},
    "same-origin": {"empty"},
    "cors": {"empty", "script"},
    "no-cors": {"script", "style", "image"},
}
"""Sec-Fetch-Mode to the Sec-Fetch-Dest that our own page asks with; frames, workers and sockets are not among them."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is served: a numeric address and a port, and so the only Host and Origin that are answered."""

    address: str
    port: int

    @property
    def host(self) -> str:
        """Return the Host header of an honest request, as browsers write it."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return shown if self.port == 80 else f"{shown}:{self.port}"

    @property
    def origin(self) -> str:
        """Return the Origin header of an honest request."""
        return f"http://{self.host}"

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach the place."""
        return ipaddress.ip_address(self.address).is_loopback


def place_to_bind(address: str, port: int, token: str | None) -> Place:
    """Return where to serve, before any port is taken.

    Raises:
        UsageError: the address is no numeric address of one machine, or is not 127.0.0.1 or ::1 and no token was chosen for it, or
            the token is short.
    """
    try:
        wanted = ipaddress.ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise UsageError(
            f'"{address}" is not a numeric address such as 127.0.0.1. Next: leave out --host, or give the number'
        ) from error
    if wanted.is_unspecified:
        raise UsageError(f"{wanted} means every address of this machine, so no Host could be checked. Next: name one")
    if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise UsageError(f"A token needs {_SHORTEST_TOKEN} or more plain characters; this one has {len(token)}")
    if str(wanted) not in {"127.0.0.1", "::1"} and token is None:
        raise UsageError(
            f"{wanted} can be reached by other machines: the page would be theirs too. "
            "Next: leave out --host, or add --token with a secret of your own"
        )
    return Place(str(wanted), port)


@dataclass(slots=True)
class Keys:
    """The token of the printed link, good for one exchange, and the session that it is exchanged for.

    A link that was used already brings out a fresh one through `announce`, in the terminal and nowhere else.
    """

    announce: Callable[[str], None]
    home: str = "/"
    """Where the link leads: a path of the page's own, with the view that it opens on."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _used: set[str] = field(default_factory=set)

    def exchange(self, token: str) -> bool:
        """Use the token up; return false where it is wrong or was used before."""
        if hmac.compare_digest(token.encode(), self.token.encode()):
            self._used.add(token)
            self.token = secrets.token_urlsafe(32)
            return True
        if token in self._used:
            self.announce(self.token)
        return False

    def fits(self, session: str) -> bool:
        """Say whether a cookie holds the session."""
        return hmac.compare_digest(session.encode(), self.session.encode())


Headers = Mapping[str, tuple[str, ...]]
"""Lower-case name to every value it was sent with."""


def refusal(method: str, headers: Headers, place: Place) -> str:
    """Return why a request is refused, in one plain sentence, or the empty string where it is ours.

    Each header must be there at most once. `Origin` may be absent from reads, `Sec-Fetch-*` from reads too (browsers before 2023,
    scripts), and from changes only where the place is no loopback address, since browsers send them to trustworthy places alone.
    """
    checks = (_wrong_host, _wrong_origin, _wrong_fetch, _wrong_change)
    return next(filter(None, (check(method, headers, place) for check in checks)), "")


def _only(headers: Headers, name: str) -> str | None:
    """Return the one value of a header, None where it is absent, and a value that fits nothing where it is there twice."""
    values = headers.get(name, ())
    return values[0] if len(values) == 1 else None if not values else "\0twice"


def _wrong_host(_: str, headers: Headers, place: Place) -> str:
    if _only(headers, "host") == place.host:
        return ""
    return f"This page answers to http://{place.host} only. Open that address, with the same port if it is forwarded."


def _wrong_origin(method: str, headers: Headers, place: Place) -> str:
    origin = _only(headers, "origin")
    if origin == place.origin or (origin is None and method in _READS):
        return ""
    return "The request came from another page."


def _wrong_fetch(method: str, headers: Headers, place: Place) -> str:
    site, mode, goal = (_only(headers, f"sec-fetch-{name}") for name in ("site", "mode", "dest"))
    if site is mode is goal is None:
        return (
            "" if method in _READS or not place.is_loopback else "The browser did not say where the request came from."
        )
    if site not in _OUR_SITES or (site == "none" and (method not in _READS or mode != "navigate")):
        return (
            "The request came from another site. Copy the link into the address bar instead of following it from there."
        )
    if mode is None or goal not in _KINDS.get(mode, set()):
        return "The page is not to be loaded that way, such as inside a frame."
    if method not in _READS and goal != "empty":
        return "Changes are made by the page's own buttons and keys only."
    return ""


def _wrong_change(method: str, headers: Headers, place: Place) -> str:  # noqa: ARG001
    if method in _READS or (method == "POST" and _only(headers, CHANGE_HEADER) == "1"):
        return ""
    return "Changes are made by the page's own buttons and keys only."


class Guarded:
    """An ASGI application in front of another: what is refused never reaches it, and every answer has the safe headers."""

    def __init__(self, inner: Application, place: Place, keys: Keys) -> None:
        self._inner, self._place, self._keys = inner, place, keys
        self._cookie = f"unmoor_review_{place.port}"  # cookies do not keep ports apart, so the name does

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or hand over; web sockets are closed."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _with_safe_headers(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _grouped(scope["headers"])
        why = refusal(scope["method"], headers, self._place)
        if why:
            await _say(send, 403, why)
        elif scope["path"] == "/enter":
            await self._enter(scope, headers, send)
        elif self._has_session(headers):
            await self._inner(scope, receive, send)
        else:
            await _say(send, 401, "Open the link that stands in the terminal: it lets this browser in, once.")

    async def _enter(self, scope: Scope, headers: Headers, send: Send) -> None:
        token = (parse_qs(scope.get("query_string", b"").decode("ascii", "replace")).get("token") or [""])[0]
        if scope["method"] != "GET" or "sec-purpose" in headers:  # a browser that looks ahead must not use the link up
            await _say(send, 403, "The link is for opening, not for looking ahead.")
        elif self._keys.exchange(token):
            cookie = f"{self._cookie}={self._keys.session}; Path=/; HttpOnly; SameSite=Strict"
            await _say(send, 303, "Come in.", [("location", self._keys.home), ("set-cookie", cookie)])
        elif self._has_session(headers):
            await _say(send, 303, "Come in.", [("location", self._keys.home)])
        else:
            await _say(send, 401, "This link was used before or is not ours. A fresh one stands in the terminal.")

    def _has_session(self, headers: Headers) -> bool:
        pairs = (pair.strip().partition("=") for line in headers.get("cookie", ()) for pair in line.split(";"))
        return any(name == self._cookie and self._keys.fits(value) for name, _, value in pairs)


def _grouped(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, tuple[str, ...]]:
    grouped: dict[str, tuple[str, ...]] = {}
    for name, value in headers:
        key = name.decode("latin-1").lower()
        grouped[key] = (*grouped.get(key, ()), value.decode("latin-1"))
    return grouped


def _with_safe_headers(send: Send) -> Send:
    async def safely(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = [
                (name, value) for name, value in message.get("headers", []) if name.decode().lower() not in _HEADERS
            ]
            safe = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*given, *safe]}
        await send(message)

    return safely


async def _say(send: Send, status: int, words: str, headers: Iterable[tuple[str, str]] = ()) -> None:
    body = words.encode() + b"\n"
    plain = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *headers]
    encoded = [(name.encode(), value.encode()) for name, value in plain]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
