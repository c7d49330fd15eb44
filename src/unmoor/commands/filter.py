"""`unmoor filter PATH --policy NAME -o RUN`."""

from __future__ import annotations

import shlex
from typing import Any

import click
from click.core import ParameterSource

from unmoor.commands.checked import checked_policy
from unmoor.commands.found import print_done, print_found
from unmoor.commands.inputs import data_options, job_for, run_flags, run_with_progress
from unmoor.commands.places import Place
from unmoor.commands.shares import Between
from unmoor.commands.terminal import print_json, typed
from unmoor.commands.verdicts_here import print_verdicts_here, verdicts_here
from unmoor.errors import UsageError
from unmoor.policy import SHIPPED
from unmoor.storage import AnyPath

_ONLY_WITH = {
    "--ray-address": ("engine", "ray"),
    "--ray-shards": ("engine", "ray"),
    "--dedup-threshold": ("dedup", "minhash"),
}
"""Flags that do nothing without a value of another one."""


@click.command("filter")
@data_options
@click.option(
    "--policy", "policy_name", default="dolphin", show_default=True, help=f"A TOML file, or {', '.join(SHIPPED)}."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=Place(),
    metavar="RUN",
    help="The folder to write, or an address to upload to.",
)
@click.option(
    "--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where it runs."
)
@click.option("--ray-address", metavar="ADDR", help="A running Ray cluster; without it Ray is started here.")
@click.option(
    "--dedup",
    type=click.Choice(["exact", "minhash"]),
    help="Of rows that say the same, or nearly the same, keep the first that the policy keeps.",
)
@click.option(
    "--dedup-threshold",
    type=Between(0.5, 1.0),
    default=0.8,
    show_default=True,
    help="How alike for minhash, 0 to 1: Jaccard's measure of five words in a row, of request and answer each.",
)
@click.option("--ray-shards", type=click.IntRange(1), help="Parts for Ray; by default one per 256 MiB.")
def command(path: AnyPath, policy_name: str, output: AnyPath, as_json: bool, **options: Any) -> None:
    """Write what the policy keeps of PATH, what it removes, and a ledger of every decision.

    RUN holds kept, removed, quarantine, ledger, report, data set card and, written last, MANIFEST.json. Rows that are not
    changed keep their bytes, and `unmoor restore` undoes it all. Example: unmoor filter train.jsonl --policy dolphin -o runs/house
    """
    _refuse_idle_flags(options)
    policy = checked_policy(policy_name, options["packs"], detectors=options["names"], wordlist=options["wordlist"])
    if options["wordlist"] is None and policy.acts_on() == {"wordlist"} and set(policy.rules.values()) <= {"keep"}:
        click.echo(
            f"Nothing will be found to act on: {policy.shown_name} acts on wordlist alone, and no list is given. "
            "Next: --wordlist FILE",
            err=True,
        )
    data, job = job_for(path, policy, options)
    options["path"] = path
    again = typed("unmoor filter", path, *run_flags(options), "--policy", shlex.quote(policy_name), "-o", output)
    summary = run_with_progress(data, job, output, options, again)
    verdicts = verdicts_here(output)
    if as_json:
        excepted = {phrase: summary.excepted_rows[phrase] for phrase in sorted(policy.phrases)}
        print_json(
            {
                **summary.as_json(),
                **({"excepted": excepted} if excepted else {}),
                **({"copied": dict(sorted(summary.copied_rows.items()))} if summary.copied_rows else {}),
                "verdicts": verdicts,
                "run": str(output),
            }
        )
        return
    print_found(path, summary, options["layout"], options["judge"])
    print_done(summary, policy, output, options["shard"])
    if options["shard"] is None:
        print_verdicts_here(output, verdicts)


def _refuse_idle_flags(options: dict[str, Any]) -> None:
    """Raise a UsageError for a flag that would do nothing: who gives it takes it for done."""
    source = click.get_current_context().get_parameter_source
    for flag, (other, value) in _ONLY_WITH.items():
        is_given = source(flag.removeprefix("--").replace("-", "_")) is ParameterSource.COMMANDLINE
        if is_given and options[other] != value:
            raise UsageError(f"{flag} does nothing without --{other} {value}. Next: give both, or neither")
