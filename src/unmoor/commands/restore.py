"""`unmoor restore RUN -o FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.engines import restore
from unmoor.errors import UsageError


@click.command("restore")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where to write the input again.")
@click.option("--force", is_flag=True, help="Replace the file that lies there.")
def command(run: Path, output: Path, force: bool) -> None:
    """Rebuild the input of a filter RUN, byte for byte (decompressed; Parquet by values and schema).

    Example: unmoor restore runs/house -o original.jsonl
    """
    if output.exists() and (not force or output.is_dir()):
        raise UsageError(f"{output} is there already. Next: another name, or --force to replace a file")
    rows = restore(run, output)
    click.echo(f"{output}: {rows:,} rows, as they were.")
