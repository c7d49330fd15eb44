"""`unmoor labels export RUN FILE` and `unmoor labels import RUN FILE`."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.row_reading import row_reader, rows_of
from unmoor.commands.terminal import plural, print_json
from unmoor.errors import UsageError

_NO_JSON = (".csv", ".gz", ".jsonl", ".ndjson", ".parquet", ".tsv", ".xlsx", ".zst")


@click.group("labels")
def command() -> None:
    """Take findings and verdicts to Argilla or Label Studio, and bring verdicts back.

    Example: unmoor labels export runs/house tasks.json --to label-studio
    """


@command.command("export", short_help="Write findings and verdicts to a file.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--to", "tool", type=click.Choice(["argilla", "label-studio"]), required=True, help="Whose JSON to write."
)
@click.option("--judged", "only_judged", is_flag=True, help="Only findings that somebody has judged.")
@click.option("--waiting", "only_waiting", is_flag=True, help="Only findings that wait for a person.")
@click.option("--force", is_flag=True, help="Replace the files that lie there.")
@click.option("--json", "as_json", is_flag=True, help="Print the count for a script.")
def export(run: Path, file: Path, tool: str, **options: bool) -> None:
    """Write the findings of RUN, and what people said of them, to FILE.

    For Label Studio the labelling interface is written beside FILE, with the ending .xml.
    Example: unmoor labels export runs/house records.json --to argilla
    """
    from unmoor.review.exchange import export_labels
    from unmoor.review.label_studio import CONFIG
    from unmoor.run_folder import hold_outside_runs

    _hold_json(file)
    interface = _interface_of(file) if tool == "label-studio" else None
    for path in (file, *([interface] if interface is not None else [])):
        hold_outside_runs(path)
        if path.exists() and (not options["force"] or path.is_dir()):
            raise UsageError(f"{path} is there already. Next: another name, or --force to replace a file")
    if not file.parent.is_dir():
        raise UsageError(f"There is no folder {file.parent} to write {file.name} into. Next: make it, or name another")
    only = {name: options[name] for name in ("only_judged", "only_waiting")}
    count = export_labels(run, file, tool, read_row=row_reader(run), rows_of=rows_of, **only)
    if interface is not None:
        interface.write_text(CONFIG, encoding="utf-8")
    if options["as_json"]:
        print_json({"findings": count, "file": str(file), "interface": str(interface) if interface else None})
        return
    click.echo(
        f"{file}: {plural(count, 'finding')}." + (f" The labelling interface is {interface}." if interface else "")
    )


def _hold_json(file: Path) -> None:
    """Raise UsageError for a name that says that something else than JSON is in the file."""
    if file.suffix.lower() in _NO_JSON:
        raise UsageError(
            f"What is written is JSON, and {file} is named as if it were not. Next: {file.with_suffix('.json')}"
        )


def _interface_of(file: Path) -> Path:
    """Return where the labelling interface goes.

    Raises:
        UsageError: it would take the place of the findings.
    """
    if file.suffix.lower() == ".xml":
        raise UsageError(
            f"The labelling interface is written beside {file}, with the ending .xml, and would take its place. "
            f"Next: {file.with_suffix('.json')}"
        )
    return file.with_suffix(".xml")


@command.command("import", short_help="Add the verdicts of a file to a run.")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--person", metavar="NAME", help="Whose verdicts they are, where the file says no name or only an id.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts for a script.")
def bring(run: Path, file: Path, person: str | None, as_json: bool) -> None:
    """Add the verdicts in FILE, JSON as Argilla or Label Studio exports it, to RUN.

    What a person says there already is not added again, and each person can undo their part as one step. The same two verbs carry
    verdicts from one run to another. Example: unmoor labels import runs/house export.json
    """
    from unmoor.review.exchange import import_labels

    done = import_labels(run, file, person=person)
    if as_json:
        print_json({"added": done.added, "known": done.known, "stale": done.stale})
        return
    if not done.added + done.known + done.stale:
        click.echo(f"{file} asks about {plural(done.asked, 'finding')} and holds no verdict yet. Nothing was added.")
        return
    click.echo(f"{run}: {plural(done.added, 'verdict')} added, {plural(done.known, 'was', 'were')} there already.")
    if done.stale:
        are = plural(done.stale, "verdict is", "verdicts are")
        click.echo(f"{are} on findings that this run does not hold, and left out.")
