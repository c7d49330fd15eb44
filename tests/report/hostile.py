"""Payloads that would run, load or disguise something, were text from a data set ever taken for markup. Written for these tests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

RUN = "window.pwned=1"

_TAGS = ["img", "svg", "video", "audio", "body", "details", "iframe", "input", "object", "marquee"]
_EVENTS = ["onerror", "onload", "ontoggle", "onfocus", "onmouseover", "onstart", "onanimationstart"]
_CLOSERS = ["", '">', "'>", "</style>", "</title>", "</textarea>", "-->", "]]>", "</svg>", "</code></pre>"]
_WHOLE = [
    f"<script>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT >",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f"<math><mtext></mtext><script>{RUN}</script></math>",
    f'<a href="javascript:{RUN}">x</a>',
    f'<iframe srcdoc="<script>parent.{RUN[7:]}</script>"></iframe>',
    '<iframe src="http://192.0.2.1/frame"></iframe>',
    '<img src="http://192.0.2.1/pixel.png">',
    '<link rel="stylesheet" href="http://192.0.2.1/style.css">',
    "<style>@import 'http://192.0.2.1/style.css'; * { background: url(http://192.0.2.1/b.png) }</style>",
    '<meta http-equiv="refresh" content="0;url=http://192.0.2.1/">',
    '<base href="http://192.0.2.1/">',
    '<form action="http://192.0.2.1/"><button autofocus>x</button></form>',
    '<p style="background:url(http://192.0.2.1/style.png)">x</p>',
    f"{{{{ self.__init__.__globals__ }}}}{{% for x in () %}}{RUN}",
    "{{ 7 * 7 }}${7*7}<%= 7*7 %>#{7*7}",
    f"&lt;script&gt;{RUN}&lt;/script&gt;",
    f"&#60;script&#62;{RUN}&#60;/script&#62;",
    f"\u003cscript\u003e{RUN}\u003c/script\u003e",
    f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e",
    f"<\x00script>{RUN}</script>",
    f"<script\x0c>{RUN}</script>",
    f'" autofocus onfocus="{RUN}" x="',
    f"' autofocus onfocus='{RUN}' x='",
    f"`onmouseover={RUN}",
    f"![x](javascript:{RUN})",
    f"<!--<img src=--><img src=x onerror={RUN}//>",
    f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    f"<template><script>{RUN}</script></template>",
    f"+ADw-script+AD4-{RUN}+ADw-/script+AD4-",
    "\u202e\u2066evil\u2069\u202c\u200b\ufeff\u00ad\U000e0041",
    "\x1b[2J\x1b]0;title\x07\x08\x7f\x9b31m",
    "a\u2028b\u2029c\x85d",
    "\ud835 lone",
]


def payloads() -> Iterator[str]:
    """Yield 200 payloads: whole ones, then tags with events behind every way of closing what came before."""
    handlers = (
        f'{closer}<{tag} src=x href=x data=x autofocus open tabindex=1 {event}="{RUN}">'
        for closer, tag, event in itertools.product(_CLOSERS, _TAGS, _EVENTS)
    )
    spread = list(handlers)
    step = len(spread) // (200 - len(_WHOLE))
    yield from itertools.islice(itertools.chain(_WHOLE, spread[::step]), 200)


def poisoned(value: Any, payload: str) -> Any:
    """Return facts with the payload in front of every text and every name, but for the few that steer the page."""
    if isinstance(value, str):
        return payload + value
    if isinstance(value, dict):
        return {
            _key(key, payload): item if key in _STEERING else poisoned(item, payload) for key, item in value.items()
        }
    if isinstance(value, list):
        return [poisoned(item, payload) for item in value]
    return value


_STEERING = {"kind", "side", "pieces", "headline"}
_OPEN_NAMES = {"refusal.policy", "en", "sv", "raw", "filtered", "data", "dolphin", "phrases"}


def _key(key: str, payload: str) -> str:
    return payload + key if key in _OPEN_NAMES else key
