"""From a command's help to the page that is printed, in a narrow terminal too.

No argument and no name is broken at its hyphens, and an example stands on lines of its own, which a shell takes as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import wrap

import click

__all__ = ["HelpContext", "examples_in", "with_help_pages"]

_LEAST_FOR_COLUMNS = 68
"""Characters of a line under which what an option does stands below it: beside it there would be some 30."""
_EXAMPLE = re.compile(r"\s*\bExample: ")
_GOES_ON = " \\"
_HELD = "\u2011"
"""Stands for a hyphen at which no line is broken; no help has one."""


class _HelpFormatter(click.HelpFormatter):
    def write(self, string: str) -> None:
        """Write with hyphens as they were."""
        super().write(string.replace(_HELD, "-"))

    def write_text(self, text: str) -> None:
        """Write paragraphs, and the examples after them."""
        super().write_text(_EXAMPLE.split(text)[0].replace("-", _HELD))
        for example in examples_in(text):
            self.write_paragraph()
            self._write_example(f"Example: {example}")

    def _write_example(self, example: str) -> None:
        indent = " " * self.current_indent
        room = self.width - len(indent + _GOES_ON)
        lines = wrap(example, room, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        self.write(indent + f"{_GOES_ON}\n{indent}".join(lines) + "\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options or verbs with what they do beside them, or below them where that would be a narrow column."""
        held = [(first, second.replace("-", _HELD)) for first, second in rows]
        if self.width >= _LEAST_FOR_COLUMNS:
            super().write_dl(held, col_max, col_spacing)
            return
        for first, second in held:
            self.write(f"{'':{self.current_indent}}{first}\n")
            with self.indentation(), self.indentation():
                super().write_text(second)


class HelpContext(click.Context):
    """The context of a command whose help is printed as is said above."""

    formatter_class = _HelpFormatter


def examples_in(text: str) -> list[str]:
    """Return the commands that a help shows after `Example: `, each on one line."""
    return [" ".join(example.split()) for example in _EXAMPLE.split(text)[1:]]


def with_help_pages(command: click.Command) -> click.Command:
    """Return the command with this context, and those below it."""
    command.context_class = HelpContext
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        with_help_pages(below)
    return command
