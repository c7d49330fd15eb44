"""`unmoor demo`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from unmoor.commands.terminal import console, percent, print_json, table


@click.command("demo")
@click.option(
    "-o",
    "--output",
    default="runs/demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The folder to write.",
)
@click.option("--seed", default=7, show_default=True, help="Seed of data, base model and training.")
@click.option("--force", is_flag=True, help="Replace the demo that lies there.")
@click.option(
    "--data", type=click.Path(path_type=Path), metavar="FILE", help="Only write the built-in data set to FILE."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary for a script.")
def command(output: Path, seed: int, force: bool, data: Path | None, as_json: bool) -> None:
    """See the whole loop on built-in data, on a CPU, in minutes, without a network.

    Makes a data set with inherited alignment, audits it against its known truth, filters it by the policy `dolphin`, trains
    twins of a tiny mixture-of-experts model on both (and on raw data cut at random to the filtered size), asks them the same unseen
    prompts, and writes a report.
    Example: unmoor demo -o runs/demo
    """
    from unmoor.commands.story import tell, write_data

    # Threads that wait spin by default: on two cores that ten programs share, training makes 0.2 steps a second so, 4.6 with this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if data is not None:
        rows = write_data(data, seed)
        click.echo(f"{data}: {rows:,} rows")
        return

    summary = tell(output, seed=seed, force=force)
    if as_json:
        print_json(summary)
        return
    _print(summary, output)


def _print(summary: dict[str, object], output: Path) -> None:
    click.echo()
    columns = ("raw", "raw, fewer rows", "filtered")
    listing = table("what", *columns, right=columns)
    for name, *values in summary["table"]:  # type: ignore[attr-defined]
        listing.add_row(name, *map(_cell, values))
    console().print(listing)
    audit = summary["audit"]
    click.echo(f"\nAudit against the known truth: precision {audit['precision']:.3f}, recall {audit['recall']:.3f}")  # type: ignore[index]
    click.echo(f"{summary['seconds']:.0f} seconds. Report: {output}/report.html")


def _cell(value: object) -> str:
    if value is None:
        return "too few"
    if isinstance(value, str):
        return value
    return percent(value) if isinstance(value, float) else f"{value:,}"
