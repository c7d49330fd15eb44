"""`unmoor verify RUN`."""

from __future__ import annotations

import click

from unmoor.commands.places import Place
from unmoor.commands.terminal import print_json, wrapped
from unmoor.errors import FoundError
from unmoor.run_folder import FILES, read_manifest, verify
from unmoor.storage import AnyPath


@click.command("verify")
@click.argument("run", type=Place())
@click.option("--json", "as_json", is_flag=True, help="Print the result for a script.")
def command(run: AnyPath, as_json: bool) -> None:
    """Check that every file of RUN is the one that was written, and that its counts add up.

    Exit code 1 if anything is wrong. Example: unmoor verify runs/house
    """
    wrong = verify(run)
    files = read_manifest(run, FILES)["files"]
    if as_json:
        print_json({"ok": not wrong, "files": len(files), "wrong": wrong})
    elif not wrong:
        click.echo(wrapped(f"{run}: {len(files)} files and the counts are as written.", whole=str(run)))
    if wrong:
        raise FoundError(f"{run} is not as it was written:\n" + "\n".join(f"  {line}" for line in wrong))
