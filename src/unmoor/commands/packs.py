"""The flag `--pack`, which several commands have: folders of packs of the owner's."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["pack_option"]


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
