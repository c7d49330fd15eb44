"""From a guard to what the server may do: an error of the guard refuses, and every intervention goes to an append-only log."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from unmoor.errors import UsageError
from unmoor.serving.guard import AnswerGuard, Guard, Ruling
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.metrics import Metrics

__all__ = ["GUARD_ERROR", "InterventionLog", "Oversight", "Watch"]

GUARD_ERROR = "guard.error"
"""The rule of a refusal that a guard's own failure caused."""
_NOT_CHECKED = Ruling("refuse", GUARD_ERROR, "", "This could not be checked, so it is not answered.", ())
_SHORT_CHARS = 4_000
"""Code points of a request that are ruled on at once: that takes up to a tenth of a second, a request of 190,000 six."""
_ACTIONS = {"allow", "refuse", "note", "log"}


class InterventionLog:
    """One JSON line for each intervention; without message text unless the owner asked for it."""

    def __init__(self, path: Path, now: Callable[[], str], *, with_text: bool = False) -> None:
        self._now = now
        self.with_text = with_text
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise UsageError(f"The guard's log {path} cannot be written: {error.strerror}") from error

    def write(self, values: dict[str, Any], text: str) -> None:
        """Append one line, in one piece; raises OSError when the disk does."""
        line = {"at": self._now(), **values, **({"text": text} if self.with_text else {})}
        content = orjson.dumps(line) + b"\n"
        if os.write(self._file, content) != len(content):
            raise OSError("the log's disk is full")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


@dataclass(frozen=True, slots=True)
class Oversight:
    """The guard as the server asks it; without one everything is allowed."""

    guard: Guard | None
    metrics: Metrics
    log: InterventionLog | None = None

    @property
    def watches_answers(self) -> bool:
        """Say whether answers must be looked at, or may be passed through as bytes."""
        return self.guard is not None

    def request(self, request: ChatRequest, request_id: str, key_name: str) -> Ruling:
        """Return what the guard rules on a request; a refusal where it fails."""
        if self.guard is None:
            return Ruling("allow", "", "", "", ())
        try:
            return self._kept(
                self.guard.request(request.seen()), ("request", request_id, key_name), _last_text(request)
            )
        except Exception:  # whatever a guard raises, the answer is no
            return self._failed("request", request_id, key_name)

    async def request_apart(self, request: ChatRequest, request_id: str, key_name: str) -> Ruling:
        """Do the same in a thread where the guard may wait for another server or has much to read: other answers flow on."""
        is_short = sum(len(str(message.get("content"))) for message in request.seen()) <= _SHORT_CHARS
        if is_short and not getattr(self.guard, "may_block", False):
            return self.request(request, request_id, key_name)
        return await asyncio.to_thread(self.request, request, request_id, key_name)

    def watch(self, request: ChatRequest, request_id: str, key_name: str) -> Watch:
        """Return what watches one text of the answer, where there is a guard."""
        try:
            assert self.guard is not None
            return Watch(self, self.guard.answer(request.seen()), request_id, key_name)
        except Exception:
            return Watch(self, None, request_id, key_name)

    def _kept(
        self, ruling: Ruling, where: tuple[str, str, str], text: str, told: Set[tuple[str, str]] = frozenset()
    ) -> Ruling:
        """Count and log a ruling and what holds besides, but for what was `told` of the same text already and stops nothing."""
        stage, request_id, key_name = where
        for one in (ruling, *ruling.also):
            if one.action not in _ACTIONS:
                raise ValueError(f"a guard's action is one of {sorted(_ACTIONS)}, found {one.action!r}")
            if one.action != "refuse" and _what(one) in told:
                continue
            self.metrics.count("unmoor_guard_total", stage=stage, action=one.action)
            if one.action != "allow" and self.log is not None:
                values = {"request_id": request_id, "key_name": key_name, "stage": stage, "action": one.action}
                self.log.write({**values, "rule": one.rule, "topic": one.topic, "evidence": one.evidence}, text)
        return ruling

    def _failed(self, stage: str, request_id: str, key_name: str) -> Ruling:
        """Return the refusal of a guard that failed; it stands even if the log fails too, and both are counted."""
        self.metrics.count("unmoor_guard_errors_total", stage=stage)
        try:
            return self._kept(_NOT_CHECKED, (stage, request_id, key_name), "")
        except OSError:
            self.metrics.count("unmoor_guard_errors_total", stage="log")
            return _NOT_CHECKED


class Watch:
    """Watches one text as it flows; once it has stopped the text it lets nothing more through."""

    def __init__(self, oversight: Oversight, watcher: AnswerGuard | None, request_id: str, key_name: str) -> None:
        self._oversight = oversight
        self._watcher = watcher
        self._where = ("answer", request_id, key_name)
        self._seen: list[str] = []
        self._told: set[tuple[str, str]] = set()
        self._told_before: frozenset[tuple[str, str]] = frozenset()
        self.is_over = False

    def goes_on_after(self, earlier: Watch) -> None:
        """Take the text for more of what `earlier` watched, whose end comes again: what was logged of that is not logged anew."""
        self._told_before = earlier._told_before | earlier._told

    def feed(self, text: str) -> tuple[str, Ruling | None]:
        """Return what may be sent now, and the ruling that stops the answer."""
        if self._oversight.log is not None and self._oversight.log.with_text:
            self._seen.append(text)
        return self._ask(lambda watcher: watcher.feed(text))

    def finish(self) -> tuple[str, Ruling | None]:
        """Return what was held back, once the text has ended."""
        safe, ruling = self._ask(lambda watcher: watcher.finish())
        self.is_over = True
        return safe, ruling

    def _ask(self, question: Callable[[AnswerGuard], tuple[str, Ruling | None]]) -> tuple[str, Ruling | None]:
        if self.is_over:
            return "", None
        try:
            if self._watcher is None:
                raise RuntimeError("the guard gave nothing to watch the answer with")
            safe, ruling = question(self._watcher)
            if not isinstance(safe, str):
                raise TypeError("a guard gives text")
            if ruling is not None:
                self._oversight._kept(ruling, self._where, "".join(self._seen), self._told_before)
                self._told.update(map(_what, (ruling, *ruling.also)))
        except Exception:  # whatever a guard raises, the answer stops
            safe, ruling = "", self._oversight._failed(*self._where)
        if ruling is None or ruling.action in {"allow", "note", "log"}:
            return safe, None
        self.is_over = True
        return safe, ruling


def _what(ruling: Ruling) -> tuple[str, str]:
    """Return what a ruling does, and about what."""
    return ruling.action, ruling.topic or ruling.rule


def _last_text(request: ChatRequest) -> str:
    return str(request.seen()[-1]["content"])
