"""From a question to the reply of that server alone: one that points elsewhere is not followed, for the key would go along."""

from __future__ import annotations

import urllib.request
from functools import cache
from http.client import HTTPResponse
from typing import Any, cast

from unmoor.errors import UsageError
from unmoor.records.patterns import pattern_when_used

__all__ = ["headers_with", "opened", "without_key", "without_password"]

_NAME_AND_PASSWORD = pattern_when_used("//[^/]*@")


class _Staying(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None  # and so what points elsewhere is an HTTPError as any other


@cache
def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_Staying)


def opened(question: urllib.request.Request, seconds: float) -> HTTPResponse:
    """Return the reply to a question.

    Raises:
        OSError, HTTPException: the server cannot be reached, is silent, points elsewhere, or answers with an error.
    """
    return cast(HTTPResponse, _opener().open(question, timeout=seconds))


def headers_with(key: str, variable: str) -> dict[str, str]:
    """Return the headers of a question in JSON, with the key if there is one; spaces and line ends around it are no part of it.

    Raises:
        UsageError: the key, read from `variable`, holds what no header can. What Python says of it would quote the key.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            f"{variable} holds a character that no key can have. Next: set it anew, as it was given to you"
        )
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})


def without_key(text: str, key: str) -> str:
    """Return what a server says without the key that was sent to it: some repeat it, and what they say is shown and kept."""
    return text.replace(key.strip(), "[key]") if key.strip() else text


def without_password(url: str) -> str:
    """Return a URL without the name and password in it, as it may be shown and kept."""
    return _NAME_AND_PASSWORD.sub("//", url)
