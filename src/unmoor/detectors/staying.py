"""From a question to the reply of that server alone: one that points elsewhere is not followed, for the key would go along."""

from __future__ import annotations

import urllib.request
from functools import cache
from http.client import HTTPResponse
from typing import Any, cast

__all__ = ["opened"]


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
