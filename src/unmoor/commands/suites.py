"""`unmoor suites export -o FOLDER` and `unmoor suites list`."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.terminal import console, plural, print_json, table


@click.group("suites")
def command() -> None:
    """Say which suites ship, and write suites for lm-eval or Inspect, judged as here.

    Example: unmoor suites export --to lm-eval --suite look-alikes -o runs/lm-eval
    """


@command.command("list", short_help="List the suites that ship.")
@click.option("--json", "as_json", is_flag=True, help="Print the list for a script.")
def show(as_json: bool) -> None:
    """List the suites that ship, and what each is for. Example: unmoor suites list"""
    from unmoor.evaluation.built_in import BUILT_IN, about, built_in

    rows = [{"name": name, "prompts": len(built_in(name)), "about": about(name)} for name in BUILT_IN]
    if as_json:
        print_json(rows)
        return
    listing = table("suite", "prompts", "what it is for", right=("prompts",))
    for row in rows:
        listing.add_row(str(row["name"]), f"{row['prompts']:,}", str(row["about"]))
    console().print(listing)


@command.command("export", short_help="Write suites for lm-eval or Inspect.")
@click.option(
    "--to", "harness", type=click.Choice(["lm-eval", "inspect"]), required=True, help="Whose task files to write."
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    required=True,
    metavar="NAME|FILE",
    help="A suite, as for evaluate; again for each.",
)
@click.option("--persona", default="none", show_default=True, metavar="NAME", help="A system prompt: a name or a file.")
@click.option(
    "--max-new-tokens", default=256, show_default=True, type=click.IntRange(1), help="Where an answer is cut off."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="The folder to write."
)
@click.option("--json", "as_json", is_flag=True, help="Print the names for a script.")
def export(harness: str, suites: tuple[str, ...], persona: str, output: Path, **options: int) -> None:
    """Write suites as a task folder of lm-eval or as tasks of Inspect.

    The same prompts under the same persona, greedy answers, and the verdicts of `unmoor evaluate`: refuses by our detectors,
    right by the suite's checks, asymmetry of mirrored pairs. unmoor has to be installed where the harness runs.
    Example: unmoor suites export --to inspect --suite ordinary --suite look-alikes -o runs/inspect
    """
    from unmoor.evaluation import Prompt, join_suites
    from unmoor.evaluation.exported import HARNESSES, export_suites
    from unmoor.serving import load_persona

    asked: dict[str, list[Prompt]] = {}
    for prompt in join_suites(suites):
        asked.setdefault(prompt.suite, []).append(prompt)
    names = export_suites(asked, output, harness, load_persona(persona), options["max_new_tokens"])
    started = HARNESSES[harness].command.format(folder=output, tasks=",".join(names))
    if options["as_json"]:
        print_json({"tasks": names, "command": started, "prompts": sum(map(len, asked.values()))})
        return
    click.echo(
        f"{output}: {', '.join(names)}, {plural(sum(map(len, asked.values())), 'prompt')}. Next, with a model's folder:"
    )
    click.echo(f"  {started}")
