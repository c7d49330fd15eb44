"""From people's verdicts on a run to what `unmoor score --verdicts` prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unmoor.commands.terminal import console, percent, print_json, table, typed, wrapped
from unmoor.errors import UsageError

if TYPE_CHECKING:
    from unmoor.review.calibration import Precision

__all__ = ["score_verdicts"]


def score_verdicts(run: Path, wanted: float, *, as_json: bool) -> None:
    """Print the precision of each behaviour by the verdicts on `run`, and the thresholds that reach the wanted one.

    Raises:
        UsageError: nobody has judged anything, or the verdicts were applied.
    """
    from unmoor.review.calibration import judged_findings, precisions

    found = precisions(judged_findings(run), wanted)
    if not found:
        raise UsageError(f"Nobody has judged a finding of {run}. Next: {typed('unmoor review', run)}")
    if as_json:
        print_json({"run": str(run), "wanted": wanted, "behaviours": [each.as_json() for each in found]})
        return
    _print(found, wanted)


def _print(found: list[Precision], wanted: float) -> None:
    from unmoor.policy import load_policy
    from unmoor.review.calibration import LEAST_JUDGED

    right = ("judged", "right", "95%", "from", "keeps")
    listing = table("behaviour", *right, right=right, whole=("behaviour",))
    for each in found:
        cut = each.cut
        listing.add_row(
            each.behaviour,
            f"{each.judged:,}",
            percent(each.share),
            f"{100 * each.low:.0f}-{100 * each.high:.0f}%",
            f"{cut.threshold:.2f}" if cut else "-",
            percent(cut.found) if cut else "-",
        )
    console().print(listing)
    click.echo(
        "\n"
        + wrapped(
            f'"from" is the lowest threshold at which {percent(wanted)} were right, over {LEAST_JUDGED} or more judged; '
            '"keeps" is the share of the right ones that lie from there on.'
        )
    )
    cuts = [each.cut.threshold for each in found if each.cut]
    if not cuts:
        click.echo(wrapped("No behaviour has so many verdicts yet, or none reached it: no threshold can be named."))
        return
    click.echo("For a policy:\n\n[thresholds]")
    for each in found:
        if each.cut:
            click.echo(f'"{each.behaviour}" = {each.cut.threshold:g}')
    # A policy's `review` may be above none of its thresholds; all policies that ship have the same.
    if min(cuts) < load_policy("dolphin").review_from():
        click.echo(f"review = {min(cuts):g}")
