"""`unmoor demo`."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import click

from unmoor.commands.terminal import console, percent, plural, print_json, table, wrapped
from unmoor.commands.threads import wait_briefly

KEEP_FREED_MEMORY = ((-8, 1), (-3, 1 << 30), (-1, 1 << 30))
"""mallopt(3): one arena, nothing under a gigabyte mapped by itself, nothing under a gigabyte given back."""


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
    from unmoor.run_folder import hold_outside_runs

    if data is not None:
        hold_outside_runs(data)
        rows = write_data(data, seed)
        if as_json:
            print_json({"data": str(data), "rows": rows})
        else:
            click.echo(f"{data}: {plural(rows, 'row')}")
        return

    _train_sooner()
    summary = tell(output, seed=seed, force=force)
    if as_json:
        print_json(summary)
        return
    _print(summary, output)


def _train_sooner() -> None:
    """Set up this process for many small steps, before torch is loaded; no number that is computed changes.

    Memory that is freed stays with the process: glibc gives the large blocks of every step back and takes them anew, page by page.
    """
    wait_briefly(os.environ)
    allocator = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if allocator is not None:
        for option, value in KEEP_FREED_MEMORY:
            allocator(option, value)


def _print(summary: dict[str, object], output: Path) -> None:
    click.echo()
    columns = ("raw", "raw, fewer rows", "filtered")
    listing = table("what", *columns, right=columns)
    for name, *values in summary["table"]:  # type: ignore[attr-defined]
        listing.add_row(name, *map(_cell, values))
    console().print(listing)
    audit = summary["audit"]
    found = f"precision {audit['precision']:.3f} ({audit['found_rows']:,} rows found)"  # type: ignore[index]
    recall = f"recall {audit['recall']:.3f} ({audit['true_rows']:,} rows have it)"  # type: ignore[index]
    told = f"Audit against the known truth, of what the policy acts on: {found}, {recall}"
    click.echo(f"\n{wrapped(told)}")
    click.echo(f"{summary['seconds']:.0f} seconds. Report: {output}/report.html")


def _cell(value: object) -> str:
    if value is None:
        return "too few"
    if isinstance(value, str):
        return value
    return percent(value) if isinstance(value, float) else f"{value:,}"
