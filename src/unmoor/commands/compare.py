"""`unmoor compare OLD NEW`."""

from __future__ import annotations

import json
from typing import Any

import click

from unmoor.commands.places import Place
from unmoor.commands.terminal import console, plural, print_json, short, table, typed, visible, wrapped
from unmoor.engines import compare_runs
from unmoor.storage import AnyPath

_VALUE_CHARS = 60
_HASHED = "sha256"
_SAME_BY = {
    "ends": "names, sizes, numbers of rows and both ends of their files",
    "name": "names, sizes and numbers of rows of their files",
}
"""What tells that two runs read the same rows, where no hash does."""


@click.command("compare")
@click.argument("old", type=Place())
@click.argument("new", type=Place())
@click.option(
    "--first", type=click.IntRange(0), default=5, show_default=True, help="How many rows to tell with both reasons."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result for a script.")
def command(old: AnyPath, new: AnyPath, first: int, as_json: bool) -> None:
    """Say what differs between OLD and NEW, two runs of the same rows: settings, outcomes, what was found, and in which rows.

    Try a policy, change it, run again, and compare. Example: unmoor compare runs/dolphin runs/house
    """
    compared = compare_runs(old, new, first=first)
    if as_json:
        print_json(compared)
        return
    click.echo(wrapped(_summary(compared)))
    if told := _SAME_BY.get(compared["same_by"]):
        click.echo(
            wrapped(f"That both read the same rows is told by {told} alone: shards that cut a file take no hash of it.")
        )
    _show_plan(compared["plan"])
    _show_outcomes(compared)
    _show_found(compared["found"])
    for row in compared["rows"]:
        _show_row(row)
    left = compared["moved"] + compared["rewritten"] - len(compared["rows"])
    if left and compared["rows"]:
        click.echo(f"\nAnd {plural(left, 'row')} more; --first {left + len(compared['rows'])} tells all.")
    if compared["rows"]:
        click.echo(f"\nWhy: unmoor explain {typed(new)} {compared['rows'][0]['row']}")


def _summary(compared: dict[str, Any]) -> str:
    total, moved, rewritten = compared["input_rows"], compared["moved"], compared["rewritten"]
    if not moved and not rewritten:
        return f"Of {plural(total, 'row')} every one went where it went before."
    parts = [f"{plural(moved, 'row')} went elsewhere"] if moved else []
    parts += [f"{plural(rewritten, 'row is', 'rows are')} rewritten otherwise"] if rewritten else []
    same = plural(compared["same"], "row is", "rows are")
    return f"Of {plural(total, 'row')} {' and '.join(parts)}; {same} the same."


def _show_plan(found: list[Any]) -> None:
    """Say which settings differ; of what is told by its hash alone, the names."""
    told = [one for one in found if not one[0].endswith(_HASHED)]
    hashed = [field.removesuffix(_HASHED).rstrip(".") for field, _, _ in found if field.endswith(_HASHED)]
    if found:
        click.echo("\nsettings, the old value and then the new:")
    for field, old, new in told:
        click.echo(wrapped(visible(f"{field}: {_value(old).removesuffix('.')}, then {_value(new)}"), indent="  "))
    if hashed:
        click.echo(wrapped(visible(f"other contents: {', '.join(hashed)}"), indent="  "))


def _value(value: Any) -> str:
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _VALUE_CHARS)


def _show_outcomes(compared: dict[str, Any]) -> None:
    if not compared["outcomes"]:
        return
    shown = table("old outcome", "new outcome", "rows", right=("rows",))
    for old, counts in sorted(compared["outcomes"].items()):
        for new, rows in sorted(counts.items(), key=lambda one: -one[1]):
            shown.add_row(old, new, f"{rows:,}")
    click.echo("")
    console().print(shown)


def _show_found(found: dict[str, dict[str, int]]) -> None:
    behaviours = sorted({*found["only_old"], *found["only_new"]})
    if not behaviours:
        return
    shown = table("found in rows", "only old", "only new", right=("only old", "only new"))
    for name in behaviours:
        shown.add_row(visible(name), f"{found['only_old'].get(name, 0):,}", f"{found['only_new'].get(name, 0):,}")
    click.echo("")
    console().print(shown)


def _show_row(row: dict[str, Any]) -> None:
    place = f" (row {row['row_in_file']} of {row['file']})" if "file" in row else ""
    click.echo(f"\nRow {row['row']}{visible(place)}")
    for name in ("old", "new"):
        click.echo(wrapped(visible(f"{name}: {row[name]['reason']}"), indent="  "))
