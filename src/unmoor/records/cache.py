"""From the user's settings to the folder where what is costly to make is kept between runs, and from bytes to a file in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["cache_folder", "keep_in_cache"]


def cache_folder() -> Path:
    """Return where compiled phrases and templates are kept between runs; `XDG_CACHE_HOME` moves it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unmoor"


def keep_in_cache(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; where the folder cannot be written, the next start makes it again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError:
        return
