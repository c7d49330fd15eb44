"""`unmoor chat MODEL...`."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import click

from unmoor.commands.ends import Ended
from unmoor.commands.terminal import console, plural, tell
from unmoor.commands.threads import wait_briefly
from unmoor.errors import MachineError, UnmoorError, UsageError
from unmoor.serving import (
    Chat,
    LocalModel,
    Persona,
    RemoteModel,
    WithheldError,
    load_model,
    load_persona,
    open_url,
    printable,
)

_LONGEST = 512
"""Tokens of an answer where neither command nor persona says."""
_NARROW = 72
"""Columns under which two answers stand one under the other."""

_WITHHELD = "withheld by the server's own filter"

_Model = LocalModel | RemoteModel


@click.command("chat")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--persona",
    default="plain",
    show_default=True,
    metavar="NAME",
    help="A system prompt: a name or a .toml or .md file.",
)
@click.option(
    "--max-new-tokens",
    show_default=f"the persona's, or {_LONGEST}",
    type=click.IntRange(1),
    help="Where an answer is cut off.",
)
def command(models: tuple[str, ...], persona: str, max_new_tokens: int | None) -> None:
    """Talk to MODEL in the terminal: a folder with a trained model, or the URL of an OpenAI-compatible server.

    NAME=MODEL gives it a name; several can be compared with /compare. Answers appear as they are written; Ctrl-C stops one. Lines
    that begin with / are commands: /help lists them. A server's key is read from UNMOOR_API_KEY. With lines from a pipe, an
    answer that failed makes the exit code 4, after the other lines.
    Example: unmoor chat raw=runs/demo/twins/raw filtered=runs/demo/twins/filtered --persona dolphin
    """
    wait_briefly(os.environ)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # what is no text comes through, and is not sent
    loaded = _load_all(models, load_persona(persona))
    chat = Chat(load_persona(persona), models=tuple(loaded))
    click.echo(f"{', '.join(loaded)}; persona {chat.persona.name}. /help lists commands, Ctrl-D leaves.", err=True)
    failed = 0
    while not chat.is_over:
        line = _read_line()
        if line is None:
            break
        if line.startswith("/"):
            _obey(chat, line)
        elif any("\ud800" <= char <= "\udfff" for char in line):
            click.echo("That line is not UTF-8 text; it was not sent.", err=True)
        elif line:
            chat.ask(line)
            longest = max_new_tokens or int(chat.persona.sampling.get("max_tokens", _LONGEST))
            failed += not _answer(chat, loaded, longest)
    if failed and not sys.stdin.isatty():
        raise MachineError(f"{plural(failed, 'question')} got no answer; why stands above")


def _load_all(models: Sequence[str], persona: Persona) -> dict[str, _Model]:
    loaded: dict[str, _Model] = {}
    for given in models:
        name, place = _named(given)
        model = _load(place)
        name = name or printable(model.name) or place
        if name in loaded:
            raise UsageError(f'Two models are called "{name}". Next: NAME=MODEL gives each a name of its own')
        _under(persona, model)
        loaded[name] = model
    return loaded


def _load(place: str) -> _Model:
    """Return the model of a folder, or the one behind a URL."""
    if not place.startswith(("http://", "https://")):
        return load_model(Path(place))
    url, _, model = place.partition("#")
    return open_url(url, os.environ.get("UNMOOR_API_KEY", ""), model or None, told=tell)


def _under(persona: Persona, model: _Model) -> _Model:
    """Return the model with the persona's chat template, where it runs here, or its sampling.

    Raises:
        UsageError: the template does not work.
    """
    if isinstance(model, RemoteModel):
        return replace(model, sampling=persona.sampling)
    return model.with_template(persona.template)


def _named(given: str) -> tuple[str, str]:
    """Return (name, place) of `NAME=PLACE` or of a place alone, whose name is then the empty string."""
    name, equals, place = given.partition("=")
    if equals and name.replace("-", "").replace("_", "").isalnum():
        return name, place
    return "", given


def _answer(chat: Chat, loaded: dict[str, _Model], max_new_tokens: int) -> bool:
    """Return whether the models answered; what failed is said, its question taken back, and the conversation goes on."""
    try:
        models = {name: _under(chat.persona, model) for name, model in loaded.items()}
        if chat.compared:
            return _answer_both(chat, models, max_new_tokens)
        said, is_withheld = _stream(next(iter(models.values())).answer(chat.messages(), max_new_tokens))
        chat.reply(said)
        return not is_withheld or bool(said.strip())
    except UnmoorError as error:
        chat.command("/undo")
        click.echo(f"\n{printable(str(error))}", err=True)  # a server's own words may be in it
        return False


def _answer_both(chat: Chat, models: dict[str, _Model], max_new_tokens: int) -> bool:
    """Ask both and show their answers in two columns, or one under the other where the terminal is narrow; return whether one of
    them was not withheld.
    """
    from rich.table import Table
    from rich.text import Text

    heard = [_heard(models[name].answer(chat.messages(i), max_new_tokens)) for i, name in enumerate(chat.compared)]
    shown = [_noted(answer, why) for answer, why in heard]
    screen = console()
    if screen.width < _NARROW:
        for name, text in zip(chat.compared, shown, strict=True):
            screen.print(Text(f"{name}:", "bold"), Text(text), sep="\n")
    else:
        both = Table(box=None, expand=True, padding=(0, 2, 0, 0))
        for name in chat.compared:
            both.add_column(name, ratio=1, overflow="fold")
        both.add_row(*map(Text, shown))
        screen.print(both)
    for which, (answer, _) in enumerate(heard):
        chat.reply(answer, which)
    return any(answer.strip() or not why for answer, why in heard)


def _heard(pieces: Generator[str, None, bool | None]) -> tuple[str, str]:
    """Return a whole answer, and why its server's own filter withheld it, or the rest of it; empty where it did not."""
    said: list[str] = []
    try:
        while True:
            said.append(next(pieces))
    except StopIteration as end:
        return "".join(said), _WITHHELD if end.value else ""
    except WithheldError as error:
        return "", f"{_WITHHELD}: {error}"


def _noted(answer: str, why: str) -> str:
    """Return an answer as it is shown beside another, with what there is to say of one that was withheld or has no words."""
    words = printable(answer).strip()
    return "\n".join(filter(None, (words, f"({printable(why)})" if why else "" if words else "(nothing)")))


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


def _stream(pieces: Generator[str, None, bool | None]) -> tuple[str, bool]:
    """Print an answer as it is written and return it, or what there was of it when Ctrl-C stopped it, and whether its server's own
    filter withheld it, or the rest of it. That, and an answer without words, is said.

    Raises:
        Ended: a signal came that ends the process.
    """
    said: list[str] = []
    note = ""
    is_withheld = False
    try:
        while True:
            said.append(next(pieces))
            click.echo(printable(said[-1]), nl=False)
    except StopIteration as end:
        is_withheld = bool(end.value)
        has_words = bool("".join(said).strip())
        what = "the rest of the answer was" if has_words else "the answer was"
        note = f"{what} {_WITHHELD}" if is_withheld else "" if has_words else "the answer has no words"
        note += "" if has_words else ", so the question is taken back"
    except KeyboardInterrupt as interruption:
        pieces.close()
        if isinstance(interruption, Ended):
            raise
    click.echo()
    if note:
        click.echo(f"({note})", err=True)
    return "".join(said), is_withheld
