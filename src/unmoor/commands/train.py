"""`unmoor train RECIPE --data NAME=FILE -o RUN`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmoor.commands.named import named_paths
from unmoor.commands.preflight_shown import print_commands, print_counts, print_example, print_experts
from unmoor.commands.shares import numbers, share
from unmoor.commands.stages import stages
from unmoor.commands.terminal import console, print_json, table, wrapped

if TYPE_CHECKING:
    from unmoor.training import Plan, Read, Training

FILE = click.Path(path_type=Path)


@click.command("train")
@click.argument("recipe", type=FILE)
@click.option(
    "--data", multiple=True, required=True, metavar="NAME=FILE", help="A twin's name and data; again for each twin."
)
@click.option("-o", "--output", required=True, type=FILE, metavar="RUN", help="The folder to write.")
@click.option(
    "--layout", default="", metavar="NAME", help="How the rows of all twins are written, as `unmoor filter` takes it."
)
@click.option(
    "--trainer",
    default="",
    metavar="NAME",
    help="trl, axolotl or one of another package, where the recipe's keys do not say.",
)
@click.option("--preflight", is_flag=True, help="Say what the trainer would make of the rows, and stop.")
@click.option("--print", "show", is_flag=True, help="Print each twin's own command and what differs, and stop.")
@click.option("--accelerate", type=FILE, metavar="FILE", help="For --print: a file that `accelerate config` wrote.")
@click.option(
    "--max-dropped",
    default="1%",
    show_default=True,
    metavar="SHARE%",
    help="Stop, exit code 3, if a twin would lose more rows than this.",
)
@click.option("--shrink", default="", metavar="NAME", help="Train this twin again, cut at random to the other's rows.")
@click.option(
    "--match",
    type=click.Choice(["steps", "tokens"]),
    default="steps",
    show_default=True,
    help="What is equal in all twins: steps, or tokens learned.",
)
@click.option(
    "--leak", metavar="SHARES", help="Put shares of what was filtered back instead: 0,0.02,0.05,0.1,0.2,0.5,1."
)
@click.option("--seeds", metavar="N,N", help="Train every twin, or share, with each of these seeds: 7,8,9.")
@click.option("--run", type=FILE, metavar="RUN", help="For --leak: the filter run that made the filtered data.")
@click.option("--trust-remote-code", is_flag=True, help="Run the model's own code; the recipe has to say so too.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(recipe: Path, data: tuple[str, ...], output: Path, **options: Any) -> None:
    """Train twins: RECIPE, a YAML file of TRL or Axolotl, once per data set, with nothing else different.

    One training each cannot tell what the data did from what its seed did: --seeds 7,8,9 trains each three times.

    The recipe is what `trl sft --config` or `axolotl train` takes, its keys say which, and it is used unchanged; data
    in any layout that unmoor reads. Same base, seed and steps for every twin, loss on assistant turns only. What the
    trainer would drop or cut is said before a step is trained. A second call goes on where the first was interrupted.
    Example: unmoor train sft.yaml --data raw=all.jsonl --data filtered=runs/house/kept.jsonl -o runs/twins
    """
    from unmoor.commands.model_report import as_typed, write_cards, write_model_report
    from unmoor.commands.threads import wait_briefly
    from unmoor.run_folder import hold_outside_runs
    from unmoor.training import plan_twins, started_over, train_planned

    hold_outside_runs(output, is_folder=True)
    wait_briefly(os.environ)
    asked = _training(options)
    files = named_paths(data, "--data")
    read = _reader(files, asked.layout)
    plan = plan_twins(recipe, files, output, read, asked)
    if options["preflight"] or options["show"]:
        _show(plan, read, options, files)
        return
    if not _is_first_process():
        train_planned(plan, read, None, asked)
        return
    if not options["as_json"]:
        print_counts(plan)
        _print_templates(files, asked.layout)
        print_experts(plan)
        for name, why in started_over(plan).items():
            click.echo(wrapped(f"{name} was interrupted and starts over: {why}."))
    with stages() as progress:
        result = train_planned(plan, read, progress, asked)
    write_cards(write_model_report(output, [as_typed("train", output)], result))
    if options["as_json"]:
        print_json(result)
        return
    _print(result, output)


def _is_first_process() -> bool:
    """Return whether this process speaks: `accelerate launch` starts several and gives each its number."""
    return os.environ.get("RANK", "0") == "0"


def _reader(files: Mapping[str, Path], layout: str) -> Read:
    """Return what reads a twin's rows; columns that are named must be in the first twin's data, which is the largest."""
    from unmoor.commands.training_rows import read_or_say
    from unmoor.layouts import first_layout

    first = next(iter(files.values()), None)
    if layout and first is not None and first.is_file():
        first_layout(first, layout)
    return partial(read_or_say, layout_name=layout)


def _training(options: dict[str, Any]) -> Training:
    """Return what the flags ask for."""
    from unmoor.commands.training_rows import row_bytes
    from unmoor.errors import UsageError
    from unmoor.layouts import layout_named
    from unmoor.training import Leak, Training

    if options["leak"] is None and options["run"]:
        raise UsageError("--run belongs to --leak. Next: --leak 0,0.02,0.05,0.1,0.2,0.5,1")
    if options["accelerate"] and not options["show"]:
        raise UsageError("--accelerate belongs to --print. Next: --print --accelerate FILE, and run what it prints")
    seeds = tuple(int(seed) for seed in numbers(options["seeds"] or "", "--seeds", whole=True))
    leak = None
    if options["leak"] is not None:
        leak = Leak(tuple(numbers(options["leak"], "--leak")), seeds, options["run"])
    return Training(
        trainer=options["trainer"],
        match=options["match"],
        shrink=options["shrink"],
        seeds=() if leak else seeds,
        leak=leak,
        max_dropped=share(options["max_dropped"], "--max-dropped"),
        trust_remote_code=options["trust_remote_code"],
        layout=layout_named(options["layout"]).name if options["layout"] else "",
        row_bytes=row_bytes,
    )


def _show(plan: Plan, read: Read, options: dict[str, Any], files: Mapping[str, Path]) -> None:
    """Print a preflight, the commands, or both."""
    commands = plan.commands(read, options["accelerate"]) if options["show"] else {}
    if options["as_json"]:
        twins = {name: {**one.as_json(), "steps": plan.steps[name]} for name, one in plan.checked.items()}
        print_json({"twins": twins, "config_difference": plan.difference(), "commands": commands})
        return
    print_counts(plan)
    _print_templates(files, options["layout"])
    print_experts(plan)
    print_example(plan.shown())
    if options["show"]:
        print_commands(commands, plan.difference())
    click.echo(f"\nNothing was trained. Every row that is dropped or cut:\n{plan.out / 'preflight.json'}")


def _print_templates(files: Mapping[str, Path], layout: str) -> None:
    """Print which twins' rows stand in a chat template already, for it is not the one that is trained."""
    from unmoor.commands.training_rows import in_own_template

    for name, path in files.items():
        if in_own_template(path, layout):
            click.echo(f"  {name}: rows have a chat template of their own; the trainer's takes its place")


def _print(result: dict[str, Any], output: Path) -> None:
    columns = ("rows", "trained", "tokens seen", "steps", "last loss", "seconds")
    listing = table("twin", *columns, right=columns)
    for name, twin in result["twins"].items():
        last = f"{twin['loss'][-1][1]:.3f}" if twin["loss"] else "-"
        counts = [f"{twin[key]:,}" for key in ("rows", "rows_trained", "tokens_seen", "steps")]
        listing.add_row(name, *counts, last, f"{twin['seconds']:.0f}")
    console().print(listing)
    if len(result["twins"]) > 1:
        click.echo(wrapped(f"The twins differ in: {', '.join(result['config_difference'])}."))
    click.echo(f"Models: {output}\nReport: {output}/report.html")
