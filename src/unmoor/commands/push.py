"""`unmoor push RUN OWNER/NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unmoor import __version__
from unmoor.commands.terminal import console, print_json, table
from unmoor.errors import FoundError
from unmoor.run_folder import verify


@click.command("push")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--yes", is_flag=True, help="Send it. Without this nothing is sent: what would be is shown.")
@click.option("--public", is_flag=True, help="Everybody can read it; private otherwise.")
@click.option(
    "--license", "licence", default="", metavar="ID", help="The licence of the input, for the card (mit, cc-by-4.0)."
)
@click.option(
    "--also", multiple=True, metavar="WHAT", help="ledger, report, numbers or policy go along; again for each."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan or the result for a script.")
def command(run: Path, repo: str, as_json: bool, licence: str, **options: Any) -> None:
    """Publish a filter run on the Hugging Face hub: kept rows, removed rows as a second config, and the card.

    A dry run unless --yes, private unless --public, one commit. Every hash of RUN is checked first. The token is the one of
    `hf auth login` or HF_TOKEN. Example: unmoor push runs/house my-name/my-data --license cc-by-4.0
    """
    from unmoor.report import licence_doubt, plan_upload, size, upload

    wanted = plan_upload(run, repo, also=options["also"], is_public=options["public"], licence=licence)
    if doubt := licence_doubt(licence):
        click.echo(doubt, err=True)
    wrong = verify(run)
    if wrong:
        raise FoundError(
            f"{run} is not as it was written, and is not published:\n" + "\n".join(f"  {each}" for each in wrong)
        )
    address = upload(wanted, __version__) if options["yes"] else None
    if as_json:
        print_json(
            {
                "repo": repo,
                "sent": address is not None,
                "public": wanted.is_public,
                "files": wanted.sizes(),
                "address": address,
                "mixed_layouts": wanted.mixed_layouts,
            }
        )
        return
    listing = table("file", "size", right=("size",))
    for name, count in wanted.sizes().items():
        listing.add_row(name, size(count))
    console().print(listing)
    if wanted.mixed_layouts:
        told = ", ".join(f"{name} {rows:,}" for name, rows in wanted.mixed_layouts.items())
        console().print(
            f"The input's rows are in several layouts ({told}): `datasets` may refuse to load what stays as one table. "
            "Next: filter and publish the rows of each layout as a data set of their own."
        )
    seen = "public: everybody can read it" if wanted.is_public else "private"
    click.echo(
        f"Sent to {address} ({seen})." if address else f"Nothing was sent. With --yes this goes to {repo} ({seen})."
    )
