"""`unmoor dose TRAINING EVALUATION`: how much a model refuses by how much of what the filter found was let through."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from unmoor.commands.terminal import console, percent, print_json, table


@click.command("dose")
@click.argument("training", type=click.Path(path_type=Path))
@click.argument("evaluation", type=click.Path(path_type=Path))
@click.option("--limit", default="5%", show_default=True, metavar="SHARE%", help="The rate that is still good enough.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(training: Path, evaluation: Path, limit: str, as_json: bool) -> None:
    """Say how much a model refuses by how much of what the filter found was let through.

    TRAINING is the folder of `unmoor train --leak`, EVALUATION that of `unmoor evaluate --training TRAINING`, whose report
    draws the curve. Rates are pooled over seeds, with 95% intervals that widen where seeds disagree. Example: unmoor dose
    runs/leaks runs/asked
    """
    from unmoor.commands.shares import share
    from unmoor.evaluation import dose_result
    from unmoor.run_folder import read_json

    most = share(limit, "--limit")
    result = dose_result(read_json(training / "training.json"), read_json(evaluation / "evaluation.json"), most)
    if as_json:
        print_json(result)
        return
    for said in result["sentences"]:
        key = (said["persona"], said["group"])
        _print(key, [row for row in result["rows"] if (row["persona"], row["group"]) == key], said["sentence"])


def _print(key: tuple[str, str], rows: Sequence[Mapping[str, Any]], sentence: str) -> None:
    persona, group = key
    click.echo(f"{group}, persona {persona}")
    columns = ("let through", "answers", "refuses", "95% interval", "by seed")
    listing = table(*columns, right=columns[:-1])
    for row in rows:
        few = row["rate"] is None
        rate = "too few" if few else percent(row["rate"])
        interval = "" if few else f"{percent(row['low'])} to {percent(row['high'])}"
        by_seed = "" if few else " ".join(percent(one) for one in row["per_seed"])
        listing.add_row(percent(row["leak"]), f"{row['n']:,}", rate, interval, by_seed)
    console().print(listing)
    click.echo(textwrap.fill(sentence, 78) + "\n")
