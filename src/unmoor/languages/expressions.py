"""A pattern of a pack as its two regular expressions, which are made when a text first wants them."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Pattern"]


class Pattern:
    """`exact` is RE2 syntax for folded text; `wide` the same or more, for Hyperscan, on its UTF-8 bytes between zero bytes.

    Both are read from `source` as they are first wanted: of a pack whose language no text is in, they never are.
    """

    __slots__ = ("_both", "_made", "source")

    def __init__(self, source: str, made: Callable[[], tuple[str, bytes]]) -> None:
        self.source = source
        self._made = made
        self._both: tuple[str, bytes] | None = None

    @property
    def exact(self) -> str:
        return self._read()[0]

    @property
    def wide(self) -> bytes:
        return self._read()[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and (self.source, self._read()) == (other.source, other._read())

    def __hash__(self) -> int:
        return hash(self.source)

    def _read(self) -> tuple[str, bytes]:
        if self._both is None:
            self._both = self._made()
        return self._both
