"""Regular expressions that are compiled when a text first wants them.

The modules of a command hold three hundred, of which it needs a third; to compile one takes Python a third of a millisecond.
"""

from __future__ import annotations

import re
from typing import Any, cast

__all__ = ["pattern_when_used"]

_OWN = (
    *("search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn"),
    *("pattern", "flags", "groups", "groupindex"),
)


class _Used:
    """Has what a compiled pattern has, as attributes of its own: as fast to call as that pattern's."""

    _expression: str
    _flags: int

    def __reduce__(self) -> tuple[Any, ...]:
        # copied by its attributes, an empty one would look for these in itself for ever
        return pattern_when_used, (self._expression, self._flags)


class _WhenUsed(_Used):
    """Stands for a pattern, and has its methods from the first use on."""

    def __init__(self, expression: str, flags: int) -> None:
        self._expression, self._flags = expression, flags

    def __getattr__(self, name: str) -> Any:
        made = re.compile(self._expression, self._flags)
        self.__dict__.update({own: getattr(made, own) for own in _OWN})
        self.__class__ = _Used  # type: ignore[assignment]
        return getattr(made, name)


def pattern_when_used(expression: str, flags: int = 0) -> re.Pattern[str]:
    """Return what is used like `re.compile(expression, flags)`; one that is no regular expression raises at its first use."""
    return cast("re.Pattern[str]", _WhenUsed(expression, flags))
