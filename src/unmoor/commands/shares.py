"""From what flags say to numbers: a share as `1%` or `0.01`, and lists such as `0,0.05,1`."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

import click

from unmoor.errors import UsageError

__all__ = ["Between", "numbers", "share"]


class Between(click.FloatRange):
    """A number in a range, of which `nan` is none: click finds it neither too small nor too large."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number that was given."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value} is no number from {self.min} to {self.max}.", param, ctx)
        return number


def share(value: str, flag: str) -> float:
    """Return a share, 0 to 1, from `1%` or `0.01`.

    Raises:
        UsageError: it is neither, or a bare 1, by which some mean 1% and some all.
    """
    text = value.strip()
    try:
        found = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(
            f"{flag} takes a share such as 1% or 0.01; found {value!r}. Next: a share from 0% to 100%, or from 0 to 1"
        )
    if found == 1 and not text.endswith("%"):
        raise UsageError(f"{flag} {text} can mean 1% or 100%. Next: {flag} 1% (or 0.01), or {flag} 100%")
    return found


def numbers(value: str, flag: str, *, whole: bool = False) -> list[float]:
    """Return the numbers of a list with commas; an empty text has none.

    Raises:
        UsageError: a part is not a number, or not a whole one of 0 or more where those are wanted.
    """
    kind, found = "whole numbers" if whole else "numbers", []
    for part in value.split(",") if value.strip() else []:
        try:
            number = float(part)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or (whole and (number < 0 or number != int(number))):
            raise UsageError(f"{flag} takes {kind} with commas between; found {part.strip()!r}")
        found.append(number)
    return found
