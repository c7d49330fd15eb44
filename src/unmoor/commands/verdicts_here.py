"""From the folder of a run to the verdicts that lie in it, for the commands that write a run without carrying them out."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.terminal import plural, typed, wrapped
from unmoor.storage import AnyPath

__all__ = ["print_verdicts_here", "verdicts_here"]


def verdicts_here(run: AnyPath) -> int:
    """Return how many verdicts stand in the record of a run's folder; none on object storage, where nobody reviews."""
    if not isinstance(run, Path):
        return 0
    from unmoor.review.exchange import standing_of

    return len(standing_of(run))


def print_verdicts_here(run: AnyPath, verdicts: int) -> None:
    """Say that verdicts on the run that was replaced are not in the one that was written, and what carries them out."""
    if verdicts:
        again = typed("unmoor apply", run)
        lie = plural(verdicts, "verdict lies here from before and is", "verdicts lie here from before and are")
        click.echo(wrapped(f"{lie} not applied to these rows yet. Next: {again}", whole=again))
