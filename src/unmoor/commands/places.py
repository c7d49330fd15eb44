"""From what stands on the command line to a path or the address of an object, and to a refusal where only a path will do."""

from __future__ import annotations

import errno
import re
from typing import Any

import click

from unmoor.errors import UsageError
from unmoor.run_folder import MANIFEST
from unmoor.storage import Address, AnyPath, located, matches

__all__ = ["REMOTE_VERBS", "Place", "folders_named", "refuse_addresses"]

REMOTE_VERBS = frozenset(("audit", "filter", "merge", "verify", "explain", "compare", "restore"))
"""Verbs that read data sets and runs on other storage; the others work with files of this machine."""
_WILDCARD = re.compile(r"[*?\[]")
_ADDRESS = re.compile(r"(?!https?://)[A-Za-z][A-Za-z0-9+.-]+://.")


class Place(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    """A path, or an address such as s3://bucket/key."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AnyPath:  # noqa: ARG002
        """Return what was named.

        Raises:
            UsageError: standard input or output, by the name that other commands have for it; the memory of this process.
        """
        if value == "-" and isinstance(param, click.Option):
            raise UsageError(
                f"unmoor writes files, not to standard output: {param.opts[0]} -. Next: {param.opts[0]} NAME"
            )
        if value == "-":
            raise UsageError(
                "- is standard input, a pipe, and cannot be read twice. Next: write what is in it to a file first"
            )
        place = located(value)
        if isinstance(place, Address) and place.scheme == "memory":
            raise UsageError("memory:// is gone when the command ends. Next: name a folder, or other storage")
        _hold_no_loop(place)
        return place


def _hold_no_loop(place: AnyPath) -> None:
    """Raise OSError (ELOOP) for a link that leads to itself, before hours of work for what is to lie there."""
    try:
        if not isinstance(place, Address):
            place.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise


def folders_named(named: AnyPath) -> list[AnyPath]:
    """Return the run folders that a pattern of addresses names, as a shell does for paths; anything else stays as it is."""
    if not (isinstance(named, Address) and _WILDCARD.search(str(named))):
        return [named]
    found = [manifest.parent for manifest in matches(named / MANIFEST)[0]]
    if not found:
        raise UsageError(f"No finished run matches {named}")
    return list(found)


def refuse_addresses(verb: str, arguments: list[str]) -> None:
    """Raise UsageError where a verb that works on this machine was given an address."""
    found = next((text for text in arguments if _ADDRESS.match(text)), None)
    if found is not None and verb not in REMOTE_VERBS:
        raise UsageError(
            f"unmoor {verb} works with files of this machine, found {Address(found).scheme}://. Next: copy what lies there to a "
            f"folder here, then unmoor {verb} with that"
        )
