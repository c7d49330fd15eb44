"""`unmoor review RUN`."""

from __future__ import annotations

import getpass
import webbrowser
from pathlib import Path
from typing import Any

import click

from unmoor.commands.row_reading import row_reader, rows_of
from unmoor.commands.terminal import tell, typed
from unmoor.errors import UsageError
from unmoor.run_folder import read_manifest

_OF_SHARD = "Next, if they are to be applied: join all shards, and review the whole"


@click.command("review")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--port", default=0, type=click.IntRange(0, 65535), metavar="N", help="By default any that is free.")
@click.option("--person", metavar="NAME", help="Who judges; by default who is logged in here.")
@click.option("--blind", is_flag=True, help="Hide what the machine said until you have judged.")
@click.option("--no-browser", is_flag=True, help="Print the link and open nothing.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Another of this machine, not 0.0.0.0, needs --token.",
)
@click.option("--token", metavar="SECRET", help="16 or more characters of your own, for the link.")
def command(run: Path, person: str | None, **options: Any) -> None:
    """Judge the findings of RUN on a page of this machine, by mouse or by keys.

    Every verdict is written to RUN/review at once, with who, when and why, and can be undone. Only the browser that
    opens the printed link is let in, once. Example: unmoor review runs/house --person ada
    """
    from unmoor.review.row_files import Reading
    from unmoor.review.store import Store
    from unmoor.review.web.app import Reviewer, build_app
    from unmoor.review.web.desk import home_of
    from unmoor.review.web.security import place_to_bind
    from unmoor.review.web.server import bound_socket, serve

    who = person or _logged_in()
    place_to_bind(options["host"], options["port"], options["token"])
    read_row = row_reader(run)
    store = Store.open(run, who, read_row=read_row, reading=Reading(rows_of, tell))
    home = home_of(store, is_blind=options["blind"])
    store.close()
    reviewer = Reviewer(run.resolve().name, who, is_blind=options["blind"])
    serve(
        lambda _: build_app(lambda: Store.open(run, who, read_row=read_row), reviewer),
        bound_socket(options["host"], options["port"], options["token"]),
        token=options["token"],
        home=home,
        on_link=_Link(run, opens=not options["no_browser"]),
    )


def _logged_in() -> str:
    """Return the name of who is logged in here.

    Raises:
        UsageError: the system knows none, as in a container that runs under a bare number.
    """
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:
        raise UsageError(
            "Verdicts need a name, and the system has none for who is logged in. Next: --person NAME"
        ) from error


class _Link:
    """Prints each link, and opens the first one in the browser."""

    def __init__(self, run: Path, *, opens: bool) -> None:
        self._opens = opens
        manifest = read_manifest(run)
        if manifest.get("shard") is not None:
            self._next = f"\n{run} is a shard: verdicts on it are not in what `unmoor merge` writes. {_OF_SHARD}"
        elif manifest.get("kind") == "filter":
            self._next = f"\nNext, when you have judged: {typed('unmoor apply', run)}"
        else:
            self._next = ""

    def __call__(self, link: str) -> None:
        kept = "The link works once, in one browser. Ctrl-C ends the review; every verdict is kept."
        click.echo(f"Open {link}\n{kept}{self._next}")
        self._next = ""
        if self._opens:
            self._opens = False
            webbrowser.open(link)
