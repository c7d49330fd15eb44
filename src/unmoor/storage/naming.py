"""From what a user writes to a path or an address, and from a pattern to the objects that it names."""

from __future__ import annotations

import re
from pathlib import Path
from shlex import quote

from unmoor.errors import UsageError
from unmoor.storage.address import Address, AnyPath

__all__ = ["as_argument", "located", "matches"]

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<rest>.*)", re.DOTALL)
_CHAINED = re.compile(r"^[a-z0-9+.-]+::[a-z0-9+.-]+://|://.*::[a-z0-9+.-]+://")
_LOCAL = ("file", "local")
_GLOB = re.compile(r"[*?\[]")


def located(name: str | AnyPath) -> AnyPath:
    """Return the path, or the address on other storage, that a user named; `file://` is a path.

    Raises:
        UsageError: a chained address, or one with a password or a signature in it.
    """
    if not isinstance(name, str):
        return name
    found = _SCHEME.fullmatch(name)
    if _CHAINED.search(name):
        raise UsageError("That is a chained address. Next: name the object itself, such as s3://BUCKET/KEY")
    if found is None:
        return Path(name)
    scheme, rest = found["scheme"].lower(), found["rest"].rstrip("/")
    if scheme in _LOCAL:
        return Path(rest or "/")
    before_at = rest.split("/")[0].rpartition("@")[0]
    is_web = scheme in ("http", "https")
    if ":" in before_at or (is_web and (before_at or "?" in rest)):
        raise UsageError(
            f"A {scheme}:// address with a password or a signature in it would stand in the run's plan and report. Next: give "
            "credentials in the environment or the library's own file, and the address without them"
        )
    if not rest:
        raise UsageError(f"{name} names no bucket. Next: {scheme}://BUCKET/KEY")
    return Address(f"{scheme}://{rest}")


def matches(pattern: Address) -> tuple[list[Address], Address]:
    """Return the objects that a pattern names, and the address above its first wildcard."""
    parts = pattern.parts
    fixed = next((index for index, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    if fixed == 0:
        raise UsageError(f"{pattern}: the name of a bucket cannot have a wildcard")
    root = Address(f"{pattern.scheme}://{'/'.join(parts[:fixed])}")
    return root.found("/".join(parts[fixed:])), root


def as_argument(named: str | AnyPath) -> str:
    """Return a path or an address as it is typed in a shell: quoted, with a `./` where a hyphen would make it an option."""
    text = str(named)
    return quote(f"./{text}" if text.startswith("-") else text)
