"""Help that fits a terminal: nothing is broken at a hyphen or inside a name, and an example can be copied."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from unmoor.commands import VERBS, cli
from unmoor.commands.help_pages import examples_in


def commands_below(verb: str) -> Iterator[click.Command]:
    command = cli.get_command(click.Context(cli), verb)
    assert command is not None
    yield command
    yield from command.commands.values() if isinstance(command, click.Group) else ()


def words_of(text: str | None) -> set[str]:
    return set((text or "").split())


@pytest.mark.parametrize("width", [50, 80])
@pytest.mark.parametrize("verb", VERBS)
def test_help_breaks_no_word_and_no_line_is_too_long(verb: str, width: int) -> None:
    for command in commands_below(verb):
        context = command.context_class(command, info_name=verb, terminal_width=width)
        page = command.get_help(context)
        assert max(map(len, page.splitlines())) <= width, page
        options = [option.get_help_record(context) or ("", "") for option in command.params]
        assert words_of(command.help).union(*(words_of(does) for _, does in options)) - words_of(page) == set(), page


@pytest.mark.parametrize("verb", VERBS)
def test_an_example_in_help_is_copied_as_it_is_run(verb: str) -> None:
    for command in commands_below(verb):
        page = command.get_help(command.context_class(command, info_name=verb, terminal_width=50))
        shown = [lines.replace("\\\n", "") for lines in re.findall(r"Example: ((?:.*\\\n)*.*)", page)]
        assert list(map(shlex.split, shown)) == list(map(shlex.split, examples_in(command.help or "")))


def test_the_first_page_of_help_fits_a_narrow_terminal() -> None:
    page = cli.get_help(cli.context_class(cli, info_name="unmoor", terminal_width=50))
    assert max(map(len, page.splitlines())) <= 50
    assert "  audit\n      Say what a data set inherited, and change\n      nothing.\n" in page
