"""From the numbers of a run to what a person reads in a terminal of 80 columns."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.terminal import console, percent, short, table
from unmoor.engines import Summary
from unmoor.policy import Policy
from unmoor.records import BEHAVIOURS

__all__ = ["print_done", "print_found"]


def print_found(path: Path, summary: Summary) -> None:
    """Say how the file was read and which behaviours it holds."""
    languages = ", ".join(f"{code} {count:,}" for code, count in summary.languages.most_common(5)) or "none"
    click.echo(f"{short(str(path), 60)}: {summary.rows:,} rows, {summary.source.describe()}")
    mixed = (
        ""
        if len(summary.layouts) < 2
        else f" (mixed: {', '.join(f'{n} {c:,}' for n, c in summary.layouts.most_common())})"
    )
    click.echo(f"Layout {summary.layout}{mixed}, guessed from the first rows; --layout NAME overrides.")
    click.echo(f"Languages: {languages}\n")
    names = [*BEHAVIOURS, *sorted(set(summary.behaviour_rows) - set(BEHAVIOURS))]
    listing = table("behaviour", "rows", "share", "what it is", right=("rows", "share"))
    for name in names:
        if rows := summary.behaviour_rows[name]:
            listing.add_row(name, f"{rows:,}", percent(rows / summary.rows), BEHAVIOURS.get(name, "matches your list"))
    if listing.row_count:
        console().print(listing)
    absent = [name for name in names if not summary.behaviour_rows[name]]
    if absent:
        console().print(
            f"\nNot found: {', '.join(absent)}" if listing.row_count else "No behaviour was found in any row."
        )
    share = percent(summary.refusal_rows / summary.rows) if summary.rows else "0%"
    click.echo(f"Rows with any refusal: {summary.refusal_rows:,} ({share})")
    bad = summary.outcomes["quarantined"]
    if bad:
        click.echo(f"Rows that could not be read: {bad:,} (quarantine.jsonl of a run says where and why)")


def print_done(summary: Summary, policy: Policy, output: Path) -> None:
    """Say what the policy did and where the results lie."""
    counts = summary.counts()
    click.echo(f"\nPolicy {policy.name}, version {policy.version}:")
    listing = table("outcome", "rows", "share", right=("rows", "share"))
    for outcome, rows in counts.items():
        if outcome != "input" and rows:
            listing.add_row(outcome, f"{rows:,}", percent(rows / summary.rows))
    listing.add_row("input", f"{summary.rows:,}", "")
    console().print(listing)
    if summary.review_rows:
        click.echo(f"\nRows for a person to look at: {summary.review_rows:,} (review.jsonl)")
    click.echo(
        f"\nReport:  {output}/report.html\nWhy:     unmoor explain {output} ROW\nUndo:    unmoor restore {output} -o FILE"
    )
