"""The flag `--pack`, which several commands have: folders of packs of the owner's; and what a first run waits for."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from unmoor.commands.terminal import tell
from unmoor.languages import are_read, cache_folder

__all__ = ["pack_option", "say_first_run"]


def say_first_run(codes: Iterable[str] | None) -> None:
    """Say on a terminal that the packs that ship (of `codes`, or all) are about to be read, unless an earlier run did."""
    if sys.stderr.isatty() and not are_read(codes):
        told = "The phrase lists are read for the first time on this machine: some seconds, once"
        tell(f"{told} (kept in {cache_folder()}).")


def _resolved(_context: click.Context, _option: click.Parameter, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(folder.resolve() for folder in folders)


pack_option = click.option(
    "--pack",
    "packs",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=_resolved,
    metavar="FOLDER",
    help="The folder of a pack of your own, beside those that ship; again for more.",
)
