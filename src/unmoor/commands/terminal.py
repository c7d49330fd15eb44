"""What the commands print: tables that fit 80 columns, progress with time left, and no byte that could steer a terminal."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import fill
from typing import TYPE_CHECKING, Any, Protocol

import click

from unmoor.records.percent import percent
from unmoor.storage import as_argument

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = [
    "Advance",
    "PlainProgress",
    "console",
    "duration",
    "percent",
    "plural",
    "print_json",
    "progress_bar",
    "short",
    "table",
    "tell",
    "typed",
    "visible",
    "wrapped",
]

_NARROWEST, _USUAL = 20, 80
"""Columns below which nothing can be laid out, and those of a terminal that does not say."""
_WIDE = 72
"""Columns from which progress has a bar and the time that has passed."""
_BAR_WIDTH, _FIGURES_WIDTH = 29, 26
"""Columns that bar and time passed take, and that rate and time left take, with the spaces between."""

_PLAIN_SECONDS = 10.0
"""Seconds between two lines of progress where there is no terminal."""
_HELD = "\0"
"""Stands for a space at which no line is broken; no text that is shown has one."""
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def visible(text: str) -> str:
    """Return `text` with control, zero-width and direction characters shown as `<U+XXXX>`; newlines and tabs stay."""
    return _UNSEEN.sub(lambda match: f"<U+{ord(match.group()):04X}>", text)


def short(text: str, width: int) -> str:
    """Return `text` on one line, visible, at most `width` characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"


def tell(words: str) -> None:
    """Say `words` on standard error, as `visible` shows them."""
    click.echo(visible(words), err=True)


def plural(count: int, one: str, more: str = "") -> str:
    """Return a count and what is counted: "1 row", "2,115 rows"; `more` is the plural of what does not only take an s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time as people say it: 90 s, 12 min, 3 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def wrapped(text: str, *, indent: str = "", whole: str = "") -> str:
    """Return `text` in lines that fit the terminal, broken between words; `whole` is a part that is not broken: a command."""
    held = text.replace(whole, whole.replace(" ", _HELD)) if whole else text
    width = console().width
    lines = fill(
        held, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return lines.replace(_HELD, " ")


def print_json(value: Any) -> None:
    """Print a JSON value for scripts, and nothing else, on standard output: in ASCII where that is not UTF-8."""
    is_utf8 = (sys.stdout.encoding or "").casefold().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not is_utf8, indent=2))


def console(*, is_error: bool = False) -> Console:
    """Return a rich console; without any style where NO_COLOR (which --no-color sets) or a pipe says so."""
    from rich.console import Console

    style = {"color_system": None} if os.environ.get("NO_COLOR") else {}
    made = Console(stderr=is_error, highlight=False, soft_wrap=False, markup=False, **style)  # type: ignore[arg-type]
    if made.width < _NARROWEST:  # COLUMNS=0 says that nobody knows
        made.width = _NARROWEST if made.width > 0 else _USUAL
    return made


def table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """Return a table with plain headings; columns named in `right` hold numbers, those in `whole` names that are not broken."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        made.add_column(
            name, justify="right" if name in right else "left", overflow="fold", no_wrap=name in (*right, *whole)
        )
    return made


class Advance(Protocol):
    """What a progress bar yields: told how much more is done, and how many rows there are by now."""

    def __call__(self, done: int, rows: int | None = None, /) -> None: ...


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Advance]:
    """Show a bar with rate and time left on a terminal; elsewhere a plain line on standard error every ten seconds.

    `total` is None where nobody can know it. The rate is in rows where rows are told, else in whatever `total` counts.
    """
    if not sys.stderr.isatty():
        yield PlainProgress(what, total)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    screen = console(is_error=True)
    is_wide = screen.width >= _WIDE
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *([BarColumn(bar_width=20)] if is_wide else []),
        TextColumn("{task.fields[rate]}"),
        *([TimeElapsedColumn()] if is_wide else []),
        TimeRemainingColumn(),
    )
    room = screen.width - (_FIGURES_WIDTH + (_BAR_WIDTH if is_wide else 0))
    rate = _Rate()
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(short(what, max(8, min(30, room))), total=total, rate="")

        def advance(done: int, rows: int | None = None, /) -> None:
            rate.add(done, rows)
            progress.update(task, advance=done, rate=rate.words())

        yield advance


class _Rate:
    """How fast something goes, in rows where rows are told."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock, self.began = clock, clock()
        self.done = 0
        self._rows: int | None = None

    def add(self, done: int, rows: int | None) -> None:
        self.done += done
        self._rows = rows if rows is not None else self._rows

    def words(self) -> str:
        """Return e.g. "12,000 rows/s"."""
        seconds = max(self.clock() - self.began, 0.001)
        if self._rows is not None:
            return f"{self._rows / seconds:,.0f} rows/s"
        return f"{self.done / seconds:,.1f}/s"


class PlainProgress:
    """Progress for logs: a line every ten seconds, none for what is done sooner; no byte that steers a terminal."""

    def __init__(self, what: str, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._total = what, total
        self._rate = _Rate(clock)
        self._said = self._rate.began

    def __call__(self, done: int, rows: int | None = None, /) -> None:
        """Count, and say a line if the last one is old."""
        self._rate.add(done, rows)
        now = self._rate.clock()
        if now - self._said < _PLAIN_SECONDS:
            return
        self._said = now
        click.echo(f"  {visible(self._what)}: {', '.join(self._parts(now))}", err=True)

    def _parts(self, now: float) -> list[str]:
        if not self._total or not self._rate.done or self._rate.done > self._total:
            return [self._rate.words()]
        share = self._rate.done / self._total
        left = (now - self._rate.began) * (1 - share) / share
        return [f"{share:.0%}", self._rate.words(), f"{duration(left)} left"]


def typed(*parts: object) -> str:
    """Return a command line to be typed: text stays as it is, a path or an address is quoted for the shell."""
    return " ".join(part if isinstance(part, str) else as_argument(str(part)) for part in parts)
