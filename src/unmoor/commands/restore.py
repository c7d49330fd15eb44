"""`unmoor restore RUN -o FILE`."""

from __future__ import annotations

import click

from unmoor.commands.places import Place
from unmoor.commands.terminal import plural, wrapped
from unmoor.engines import restore
from unmoor.errors import UsageError
from unmoor.storage import Address, AnyPath


@click.command("restore")
@click.argument("run", type=Place())
@click.option("-o", "--output", required=True, type=Place(), help="Where to write the input again.")
@click.option("--force", is_flag=True, help="Replace the file that lies there.")
def command(run: AnyPath, output: AnyPath, force: bool) -> None:
    """Rebuild the input of a filter RUN, byte for byte (decompressed; Parquet by values and schema).

    Example: unmoor restore runs/house -o original.jsonl
    """
    if isinstance(output, Address):
        raise UsageError(
            f"restore writes to this machine, found {output}. Next: -o FILE, then copy that to the storage"
        )
    if output.is_file() and not force:
        raise UsageError(f"{output} is there already. Next: another name, or --force to replace it")
    rows = restore(run, output)
    told = f"{output}: {plural(rows, 'row')}, as {'it was' if rows == 1 else 'they were'}."
    click.echo(wrapped(told, whole=str(output)))
