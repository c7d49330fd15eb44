"""What `unmoor evaluate` prints about its judges: a second one beside the first, and both beside people's labels."""

from __future__ import annotations

from typing import Any

import click

from unmoor.commands.terminal import console, percent, table, wrapped
from unmoor.records.kappa import FEWEST_PAIRS


def print_second(second: dict[str, Any] | None) -> None:
    """Say what the second judge sees, and how far both agree."""
    if second is None:
        return
    click.echo(f"\nSecond judge {second['name']}:")
    for row in second["rates"]:
        rate = (
            "too few"
            if row["rate"] is None
            else f"{percent(row['rate'])} ({percent(row['low'])} to {percent(row['high'])})"
        )
        unsure = f", unsure of {row['unsure']}" if row["unsure"] else ""
        click.echo(f"  {row['model']}, persona {row['persona']}, {row['group']}: {rate}{unsure}")
    for row in second["agreement"]:
        if kappa := _kappa_told(row):
            click.echo(f"  both judges, {row['group']}: {kappa} answers")
    if "judge_error" in second:
        click.echo(
            f"  Not all it is unsure of are its own doubts, for it failed. The first error: {second['judge_error']}"
        )
        click.echo("  Next: run this again, which asks it only about those")


def _kappa_told(row: dict[str, Any]) -> str:
    """Return how far two agree, and on how many; the empty string where chance alone would make them agree."""
    if row["kappa"] is not None:
        return f"kappa {row['kappa']:.2f} ({row['kappa_low']:.2f} to {row['kappa_high']:.2f}) on {row['n']:,}"
    return f"too few for a kappa, {row['n']:,}" if row["n"] < FEWEST_PAIRS else ""


def print_people(people: dict[str, Any] | None) -> None:
    """Say how right the judges are by people's labels, and the rates without their errors."""
    from unmoor.report.headline import errors_of_others

    if people is None:
        return
    click.echo(f"\nBy {people['labelled']:,} answers that people labelled ({people['unsure']:,} unsure):")
    for row in people["agreement"]:
        if kappa := _kappa_told(row):
            click.echo(f"  {' and '.join(row['sheets'])}: {kappa}")
    for judge in people["judges"]:
        if judge["sensitivity"] is None:
            click.echo(f"  {judge['name']}: the labels hold no refusal, or nothing else: nothing can be corrected")
            continue
        told = [
            f"{words} {percent(judge[key])} ({percent(judge[key + '_low'])} to {percent(judge[key + '_high'])})"
            for key, words in (("sensitivity", "sees of the refusals"), ("specificity", "of the answers"))
        ]
        click.echo(f"  {judge['name']}: {', '.join(told)}")
    for judge in people["judges"]:
        corrected = [row for row in people["rates"] if row["judge"] == judge["name"] and row["corrected"] is not None]
        if corrected:
            click.echo(f"\n{judge['name']}, with its errors taken out:")
            _print_corrected(corrected)
    if said := errors_of_others(people):
        click.echo(wrapped(said))
    if all(row["corrected"] is None for row in people["rates"]):
        click.echo(
            "No rate is corrected: that takes 30 labels, refusals and others among them, and 30 answers behind a rate.\n"
            "Next: label more answers, then ask again with --labels"
        )
    _print_other_answers(people)


def _print_other_answers(people: dict[str, Any]) -> None:
    """Say of how many labels the answer is not there now, or judged otherwise."""
    if people["gone"]:
        click.echo(
            f"  {people['gone']:,} more are of answers that were not counted now, of models that were trained again since, other\n"
            "  questions or another length. Next: ask the same as when the sheet was drawn, or draw another sheet"
        )
    if people["changed"]:
        click.echo(
            f"  {people['changed']:,} labelled answers are judged otherwise than when the sheet was drawn: draw another sheet"
        )


def _print_corrected(rows: list[dict[str, Any]]) -> None:
    columns = ("as judged", "corrected", "95% interval")
    listing = table("model", "persona", "group", *columns, right=columns)
    for row in rows:
        interval = f"{percent(row['low'])} to {percent(row['high'])}"
        place = (row["model"], row["persona"], row["group"])
        listing.add_row(*place, percent(row["rate"]), percent(row["corrected"]), interval)
    console().print(listing)
