"""`unmoor chat MODEL`."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import click

from unmoor.errors import UnmoorError
from unmoor.serving import Chat, load_model, load_persona, printable


@click.command("chat")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--persona",
    default="plain",
    show_default=True,
    metavar="NAME",
    help="A system prompt: a name or a .toml or .md file.",
)
@click.option(
    "--max-new-tokens", default=512, show_default=True, type=click.IntRange(1), help="Where an answer is cut off."
)
def command(model: Path, persona: str, max_new_tokens: int) -> None:
    """Talk to MODEL, a folder with a trained model, in the terminal.

    Answers appear as they are written; Ctrl-C stops one. Lines that begin with / are commands: /help lists them.
    Example: unmoor chat runs/demo/twins/filtered --persona dolphin
    """
    chat = Chat(load_persona(persona))
    loaded = load_model(model)
    click.echo(f"{loaded.name}, persona {chat.persona.name}. /help lists commands, Ctrl-D leaves.", err=True)
    while not chat.is_over:
        line = _read_line()
        if line is None:
            break
        if line.startswith("/"):
            _obey(chat, line)
        elif line:
            chat.ask(line)
            chat.reply(_stream(loaded.answer(chat.messages(), max_new_tokens)))


def _read_line() -> str | None:
    """Return the next line without surrounding blanks; None at the end of the input."""
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        click.echo()
        return None


def _obey(chat: Chat, line: str) -> None:
    try:
        click.echo(printable(chat.command(line)))
    except UnmoorError as error:  # a slip at the keyboard does not end a conversation
        click.echo(str(error), err=True)


def _stream(pieces: Generator[str, None, None]) -> str:
    """Print an answer as it is written and return it, or what there was of it when Ctrl-C stopped it."""
    said: list[str] = []
    try:
        for piece in pieces:
            said.append(piece)
            click.echo(printable(piece), nl=False)
    except KeyboardInterrupt:
        pieces.close()
    click.echo()
    return "".join(said)
