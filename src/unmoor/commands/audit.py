"""`unmoor audit PATH`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unmoor.commands.beside import print_list_beside
from unmoor.commands.found import paired_json, print_files, print_found, print_pairs
from unmoor.commands.inputs import data_options, job_for, run_flags, run_with_progress
from unmoor.commands.places import Place
from unmoor.commands.shares import share
from unmoor.commands.terminal import print_json, typed, wrapped
from unmoor.errors import FoundError, UsageError
from unmoor.storage import AnyPath


@click.command("audit")
@data_options
@click.option("-o", "--output", type=Place(), metavar="RUN", help="Write findings and report to this folder.")
@click.option(
    "--fail-over", metavar="SHARE", help="Exit with 1 if more of the readable rows than this refuse: 1% or 0.01."
)
@click.option(
    "--pairs",
    "with_pairs",
    is_flag=True,
    help="Compare how mirrored subjects are treated: men and women, faiths, parties.",
)
@click.option(
    "--pair-list", type=click.Path(path_type=Path), metavar="FILE", help="Your own pairs, in TOML; implies --pairs."
)
def command(path: AnyPath, output: AnyPath | None, as_json: bool, fail_over: str | None, **options: Any) -> None:
    """Say what PATH inherited, and change nothing.

    PATH is JSON Lines (plain, gzip or zstd), a JSON array or Parquet, or a folder or quoted pattern of such files; the layout is
    recognised. With --wordlist it shows which rows your list and the detectors both take for refusals, and which one of them alone.
    Example: unmoor audit train.jsonl -o runs/audit
    """
    most = None if fail_over is None else share(fail_over, "--fail-over")
    if most is not None and set(options["names"]) == {"wordlist"}:
        raise UsageError(
            "--fail-over counts refusals, and --detector wordlist looks for none. Next: leave out --detector wordlist"
        )
    if (options["with_pairs"] or options["pair_list"]) and set(options["names"]) == {"wordlist"}:
        raise UsageError(
            "--pairs counts answers that decline, lecture or hedge, and --detector wordlist looks for none. "
            "Next: leave out --detector wordlist"
        )
    data, job = job_for(path, None, options)
    pairs = ("--pair-list", options["pair_list"]) if options["pair_list"] else ("--pairs",) * options["with_pairs"]
    again = typed("unmoor audit", path, *run_flags(options), *pairs, "-o", output)
    summary = run_with_progress(data, job, output, options, again)
    if as_json:
        print_json(summary.as_json() | paired_json(summary))
    else:
        print_found(path, summary, options["layout"], options["judge"])
        print_files(summary)
        print_pairs(summary)
        print_list_beside(summary)
        is_list_alone = set(options["names"]) == {"wordlist"}
        without_list = options if is_list_alone else {**options, "wordlist": None}  # to compare with is not to drop by
        after = typed("unmoor filter", path, *run_flags(without_list), "--policy dolphin -o RUN")
        shown = (
            f"Report: {output}/report.html"
            if output
            else wrapped("Report, with the words that were found: the same with -o RUN", whole="-o RUN")
        )
        click.echo(f"\n{shown}\nNext: {after}")
    if most is not None and summary.share_of_readable(summary.refusal_rows) > most:
        told = f"{summary.refusal_rows:,} of {summary.readable_rows():,} readable rows refuse"
        raise FoundError(f"{told}, more than {100 * most:g}%")
