"""`unmoor train RECIPE --data NAME=FILE -o RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unmoor.commands.named import named_paths
from unmoor.commands.stages import stages
from unmoor.commands.terminal import console, print_json, table


@click.command("train")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--data", multiple=True, required=True, metavar="NAME=FILE", help="A twin's name and data; again for each twin."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="RUN", help="The folder to write."
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(recipe: Path, data: tuple[str, ...], output: Path, as_json: bool) -> None:
    """Train twins: RECIPE, a TRL SFT YAML file, once per data set, with nothing else different.

    The recipe is what `trl sft --config` takes and is used unchanged; data in any layout that unmoor reads. Same
    base, seed and steps for every twin, loss on assistant turns only. A second call goes on where the first was
    interrupted. Example: unmoor train sft.yaml --data raw=all.jsonl --data filtered=runs/house/kept.jsonl -o
    runs/twins
    """
    from unmoor.layouts import read_conversations
    from unmoor.training import train_twins

    with stages() as progress:
        result = train_twins(recipe, named_paths(data, "--data"), output, read_conversations, progress)
    if as_json:
        print_json(result)
        return
    _print(result, output)


def _print(result: dict[str, Any], output: Path) -> None:
    columns = ("rows", "rows trained", "tokens trained", "steps", "last loss", "seconds")
    listing = table("twin", *columns, right=columns)
    for name, twin in result["twins"].items():
        last = f"{twin['loss'][-1][1]:.3f}" if twin["loss"] else "-"
        counts = [f"{twin[key]:,}" for key in ("rows", "rows_trained", "tokens_trained", "steps")]
        listing.add_row(name, *counts, last, f"{twin['seconds']:.0f}")
    console().print(listing)
    click.echo(f"The twins differ in: {', '.join(result['config_difference'])}. Models and numbers: {output}")
