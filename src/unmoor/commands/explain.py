"""`unmoor explain RUN ROW`."""

from __future__ import annotations

import sys

import click

from unmoor.commands.places import Place
from unmoor.commands.terminal import print_json, visible, wrapped
from unmoor.engines import explain_row
from unmoor.storage import AnyPath


@click.command("explain")
@click.argument("run", type=Place())
@click.argument("row", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print the whole ledger entry for a script.")
def command(run: AnyPath, row: int, as_json: bool) -> None:
    """Say in one sentence why ROW (1 is the first) went where it went, and in which file it stands where there are several.

    The sentence counts turns from 1, the system prompt among them; the ledger, which --json prints, counts them from 0.
    Example: unmoor explain runs/house 17
    """
    entry = explain_row(run, row)
    if as_json:
        print_json(entry)
    else:
        review = " It waits for review." if entry.get("needs_review") else ""
        place = f" (row {entry['row_in_file']} of {entry['file']})" if "file" in entry else ""
        why = entry["reason"] if "reason" in entry else entry["outcome"]
        sentence = visible(f"Row {row}{place} was {why}.{review}")
        click.echo(wrapped(sentence) if sys.stdout.isatty() else sentence)
