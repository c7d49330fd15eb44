"""Whether an answer is found to refuse a request, with all packs."""

from __future__ import annotations

from functools import lru_cache

from unmoor.detectors import Detector, load
from unmoor.records import REFUSALS, Conversation, Turn

__all__ = ["refuses"]


@lru_cache
def _detector() -> Detector:
    return load()


def refuses(request: str, answer: str) -> bool:
    """Return whether a refusal is found that is as likely as not."""
    conversation = Conversation((Turn("user", request), Turn("assistant", answer, is_target=True)))
    return any(f.behaviour in REFUSALS and f.probability >= 0.5 for f in _detector().find(conversation))
