"""From two plans of a run to where they differ first: a run goes on only with the plan that it began with."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["first_difference"]


def first_difference(old: Any, new: Any, where: str = "") -> str:
    """Return the first field in which two plans differ, with both values, or the empty string."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            if found := first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else key):
                return found
        return ""
    return "" if old == new else f"{where} was {_brief(old)} and is now {_brief(new)}"


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
