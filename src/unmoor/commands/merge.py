"""`unmoor merge SHARD... -o RUN`."""

from __future__ import annotations

from pathlib import Path

import click

from unmoor.commands.found import paired_json, print_pairs
from unmoor.commands.inputs import bad_rows_allowed
from unmoor.commands.observed import observer_of
from unmoor.commands.outputs import RunReport
from unmoor.commands.places import Place, folders_named
from unmoor.commands.terminal import plural, print_json, typed, wrapped
from unmoor.commands.verdicts_here import print_verdicts_here, verdicts_here
from unmoor.engines import Options, merge
from unmoor.run_folder import RUN, read_manifest
from unmoor.storage import AnyPath


@click.command("merge")
@click.argument("shards", nargs=-1, required=True, type=Place())
@click.option("-o", "--output", required=True, type=Place(), metavar="RUN", help="The folder to write.")
@click.option(
    "--pair-list",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The pairs with which the shards were audited, if yours.",
)
@click.option(
    "--max-bad-rows",
    metavar="N|SHARE%",
    help="Stop, exit code 3, if more rows of the whole than this are broken: 10 or 0.1%. By default as the shards were told, of "
    "different words the lowest.",
)
@click.option("--force", is_flag=True, help="Replace the run that lies there.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(
    shards: tuple[AnyPath, ...],
    output: AnyPath,
    *,
    pair_list: Path | None,
    max_bad_rows: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Join the runs of all shards of one data set into one: rows, ledger and counts are, byte for byte, those of a single process.

    Every shard is verified before it is taken. A pattern of addresses, such as 's3://bucket/part-*', is expanded here.
    Example: unmoor merge runs/part-* -o runs/house
    """
    allowed = bad_rows_allowed(max_bad_rows)
    shards = tuple(folder for shard in shards for folder in folders_named(shard))
    pairs = ("--pair-list", pair_list) if pair_list else ()
    bad_rows = ("--max-bad-rows", max_bad_rows) if max_bad_rows else ()
    report = RunReport.of_shards(shards, typed("unmoor merge", *shards, *pairs, *bad_rows, "-o", output))
    plan = read_manifest(shards[0], RUN)
    observer = observer_of(plan.get("pairs"), pair_list)
    limits = Options(**allowed) if allowed else None
    summary = merge(shards, output, observer, force=force, finish=report.write, limits=limits)
    verdicts, on_shards = verdicts_here(output), sum(map(verdicts_here, shards))
    if as_json:
        counted = {"verdicts": verdicts, "verdicts_on_shards": on_shards}
        print_json({**summary.as_json(), **paired_json(summary), **counted, "run": str(output)})
        return
    counts = ", ".join(f"{name} {rows:,}" for name, rows in summary.counts().items() if rows and name != "input")
    click.echo(wrapped(f"{plural(len(shards), 'shard')}, {plural(summary.rows, 'row')}: {counts}"))
    print_pairs(summary)
    click.echo(f"Report:  {output}/report.html")
    if on_shards:
        again = typed("unmoor review", output)
        lie = plural(on_shards, "verdict lies", "verdicts lie")
        click.echo(wrapped(f"{lie} in the shards, and none of them is in the whole. Next: {again}", whole=again))
    if plan["kind"] == "filter":
        print_verdicts_here(output, verdicts)
