"""From a share to the percentage that people read: by the terminal and in sentences alike."""

from __future__ import annotations

__all__ = ["percent"]


def percent(share: float) -> str:
    """Return a share as a percentage with as many digits as it needs: 0.08%, 3.7%, 41%, 99.9%; only all is 100%, only none 0%."""
    value = share * 100
    if value in (0, 100):
        return f"{value:.0f}%"
    if value < 0.01:
        return "<0.01%"
    if value > 99:
        return f"{min(value, 99.9):.1f}%"
    return f"{value:.2f}%" if value < 1 else f"{value:.1f}%" if value < 10 else f"{value:.0f}%"
