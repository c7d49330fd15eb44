"""The command line: one file per verb, each loaded when it is used, none holding logic."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
from typing import Any

import click

from unmoor import __version__
from unmoor.commands.ends import heed_ends
from unmoor.commands.help_pages import HelpContext, examples_in, with_help_pages
from unmoor.errors import UnmoorError

__all__ = ["VERBS", "cli", "main"]

VERBS: dict[str, str] = {
    "demo": "See the whole loop on built-in data: audit, filter, train twins, compare.",
    "audit": "Say what a data set inherited, and change nothing.",
    "filter": "Write what the policy keeps, with a ledger of every decision.",
    "merge": "Join the runs of shards into the run of the whole.",
    "explain": "Say why a row went where it went, or list rows by what was found.",
    "compare": "Say what two policies, or two versions, make of the same rows.",
    "review": "Judge what was found, on a page of this machine.",
    "apply": "Write a run again as people judged it.",
    "labels": "Take verdicts to Argilla or Label Studio, and back.",
    "push": "Publish a filter run on the Hugging Face hub: a dry run unless told.",
    "restore": "Rebuild the input of a filter run, exactly.",
    "verify": "Check every hash and the sums of a run.",
    "policy": "Print a policy that ships, or check one of your own.",
    "score": "Measure the detectors on labelled answers.",
    "train": "Train twins: one recipe, several data sets, nothing else different.",
    "evaluate": "Ask twins the same prompts and compare their refusals.",
    "suites": "List the suites that ship, and write them for lm-eval or Inspect.",
    "dose": "Say how much a model refuses by how much a filter let through.",
    "chat": "Talk to a model in the terminal, with a persona.",
    "export": "Write a model for llama.cpp and Ollama, with its persona.",
    "serve": "Offer a model as an OpenAI-compatible service, with a persona and a guard.",
}
"""Every verb and its one-line help, in the order of a day's work; the module of a verb has its name."""


_READER_LEFT = 141
"""Exit code where the reader of the output, such as `head`, has left: that of a program which SIGPIPE ended, so that a shell that
heeds it (`pipefail`) sees neither success nor a finding."""
_CANNOT_WRITE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG))
_NOTHING_LEFT = frozenset((errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM))
"""No more open files, processes or memory."""
_LOOP = "Symlink loop from "
_TAKES_A_FOLDER = ("audit", "filter")


def _no_color(*, is_hidden: bool) -> click.Option:
    """Return the flag that takes colour out, here and in processes that this one starts; it may stand before the verb, where help
    shows it, and behind."""

    def heed(_context: click.Context, _option: click.Parameter, value: bool) -> None:
        if value:
            os.environ["NO_COLOR"] = "1"

    words = "Print without colour, as with NO_COLOR set."
    return click.Option(
        ["--no-color"], is_flag=True, expose_value=False, is_eager=True, hidden=is_hidden, callback=heed, help=words
    )


class _LazyGroup(click.Group):
    """Loads a verb's module when the verb is used: `--help` and `audit` stay light."""

    context_class = HelpContext

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the order of a day's work."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of a verb."""
        if cmd_name not in VERBS:
            return None
        from unmoor.records.loading import never_collected, uncollected

        with uncollected():
            module = importlib.import_module(f"unmoor.commands.{cmd_name}")
        never_collected()
        command: click.Command = module.command
        if all(option.name != "no_color" for option in command.params):
            command.params.append(_no_color(is_hidden=True))
        return with_help_pages(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest verb where there is none of that name."""
        from unmoor.errors import nearest_name

        if args and args[0] not in VERBS:
            ctx.fail(f'There is no command "{args[0]}".{nearest_name(args[0], VERBS)}')
        if len(args) > 1 and any("://" in text for text in args):
            from unmoor.commands.places import refuse_addresses

            refuse_addresses(args[0], args[1:])
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup, params=[_no_color(is_hidden=False)], context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, "-V", "--version", prog_name="unmoor")
def cli() -> None:
    """Find the alignment your instruction data inherited, decide what stays, train on the rest, measure what the model learned.

    Exit codes: 0 fine, 1 found what it was asked to fail on, 2 misused, 3 bad data over the limit, 4 the machine failed
    """


def main() -> None:
    """Run the command line; every error of ours is one plain message and an exit code."""
    _open_closed_streams()
    _write_any_character()
    # Arrow's own pool keeps what it was given: 80 MB more at the peak of a filter of Parquet, and no faster
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    ended = heed_ends()
    try:
        code = cli.main(prog_name="unmoor", standalone_mode=False)
    except UnmoorError as error:
        _complain(str(error), error)
        code = error.exit_code
    except click.exceptions.Abort as error:  # an interruption, which click has turned into this
        _complain(" ".join(["Stopped.", *getattr(error.__cause__, "__notes__", ())]))
        code = 130
    except click.ClickException as error:
        error.show()
        _show_example(error)
        code = error.exit_code
    except KeyboardInterrupt:
        _complain("Stopped. Nothing was left half-written.")
        code = 130
    except (
        SystemExit
    ) as error:  # click and rich end with 1 where they cannot write any more; no command of ours ends so
        code = _READER_LEFT if error.code == 1 else error.code
    except OSError as error:
        code = _told_of_system(error)
    except RuntimeError as error:
        code = _told_of_system(_of_system(error))
    except MemoryError as error:
        _complain("The machine ran out of memory. Next: --workers 1, or a machine with more", error)
        code = 4
    sys.exit(128 + ended[0] if ended else code if isinstance(code, int) else 0)


def _of_system(error: RuntimeError) -> OSError:
    """Return as an error of the system what Python itself raises of threads and links; raise the error again if it is none."""
    if "can't start new thread" in str(error):
        return OSError(errno.EAGAIN, str(error))
    if str(error).startswith(_LOOP):  # Python 3.13 raises nothing there
        return OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(error).removeprefix(_LOOP).strip("'"))
    raise error


def _told_of_system(error: OSError) -> int:
    """Say what the system would not do, and return the exit code; raise the error again if it is none that a person can mend."""
    if error.errno in _NOTHING_LEFT:
        _complain(
            f"The system gives no more: {error.strerror}. Next: --workers 1, or higher limits, which ulimit -a shows",
            error,
        )
        return 4
    if place := _wrong_place(error) or _no_right(error):
        _complain(place)
        return 2
    if error.errno not in _CANNOT_WRITE:
        raise error
    limit = "raise the limit on the size of a file, which `ulimit -f` shows"
    next_step = limit if error.errno == errno.EFBIG else "make room"
    _complain(f"The output cannot be written: {error.strerror}. Next: {next_step}, or send it elsewhere")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is left in the buffer would fail again at the end
    return 4


def _wrong_place(error: OSError) -> str:
    """Return what is said of a name or place that another one would mend; the empty string of any other error."""
    if error.errno == errno.ELOOP:
        return f"{error.filename} leads through a link to itself. Next: mend the link, or name another place"
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return "The folder that you are in is gone. Next: cd to one that is there"
    if error.errno == errno.ENAMETOOLONG:
        return f"The name {error.filename} is longer than the file system allows. Next: a shorter one"
    if isinstance(error, NotADirectoryError):
        from pathlib import Path

        above = next((str(path) for path in Path(str(error.filename)).parents if path.is_file()), str(error.filename))
        return f"{above} is a file, so nothing can lie below it. Next: name another place"
    if isinstance(error, FileExistsError):
        return f"{error.filename} is a file, and a folder is wanted there. Next: name another place"
    return ""


def _no_right(error: OSError) -> str:
    is_one = isinstance(error, PermissionError) and error.filename
    next_step = "Next: the right to do so, or another place"
    return f"{error.filename} may not be read or written: {error.strerror}. {next_step}" if is_one else ""


def _is_nowhere() -> bool:
    """Return whether the folder that this process works in was deleted."""
    try:
        os.getcwd()  # noqa: PTH109
    except FileNotFoundError:
        return True
    return False


def _open_closed_streams() -> None:
    """Let what is said to a stream that was closed (`2>&-`) go nowhere, instead of into the first file that is opened."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115


def _write_any_character() -> None:
    """Let what the terminal's encoding has not be written as an escape, instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _show_example(error: click.ClickException) -> None:
    """Print the example of the command that was misused: what was missing stands in it; of several files, how they are named."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    verb = context.info_name if context else None
    if verb in _TAKES_A_FOLDER and "unexpected extra argument" in error.message:
        several = f"unmoor {verb} FOLDER, or a pattern in quotes: unmoor {verb} 'data/*.jsonl'"
        click.echo(f"Several files are one data set. Next: {several}", err=True)
        return
    for example in examples_in(context.command.help or "")[:1] if context else ():
        click.echo(f"Example: {example}", err=True)


def _complain(message: str, error: BaseException | None = None) -> None:
    """Say what went wrong on standard error, and what became of the run where `error` has a note of it."""
    from unmoor.commands.terminal import visible

    try:
        click.echo(f"unmoor: {visible('. '.join([message, *getattr(error, '__notes__', ())]))}", err=True)
    except OSError:  # there is nowhere left to say it; the exit code still does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
