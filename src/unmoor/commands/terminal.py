"""What the commands print: tables that fit 80 columns, progress with time left, and no byte that could steer a terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["console", "percent", "print_json", "progress_bar", "short", "table", "visible"]

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def visible(text: str) -> str:
    """Return `text` with control, zero-width and direction characters shown as `<U+XXXX>`; newlines and tabs stay."""
    return _UNSEEN.sub(lambda match: f"<U+{ord(match.group()):04X}>", text)


def short(text: str, width: int) -> str:
    """Return `text` on one line, visible, at most `width` characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def percent(share: float) -> str:
    """Return a share as a percentage with as many digits as it needs: 0.08%, 3.7%, 41%."""
    value = share * 100
    if value == 0:
        return "0%"
    return f"{value:.2f}%" if value < 1 else f"{value:.1f}%" if value < 10 else f"{value:.0f}%"


def print_json(value: Any) -> None:
    """Print a JSON value for scripts, and nothing else, on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def console(*, is_error: bool = False) -> Console:
    """Return a rich console; without colour where NO_COLOR or a pipe says so."""
    from rich.console import Console

    return Console(stderr=is_error, highlight=False, soft_wrap=False, markup=False)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Return a table with plain headings; columns named in `right` hold numbers."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=name in right)
    return made


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show a bar with rate and time left on a terminal; elsewhere say on standard error when it begins.

    The yielded function takes how much more is done. `total` is None where nobody can know it.
    """
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(is_error=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, advance=done)
