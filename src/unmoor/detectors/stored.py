"""From a file of weights to its arrays: plain ones in one .npz, read without pickle, and only those of this version's features."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from unmoor.errors import PackError

__all__ = ["read_weights"]


def read_weights(path: Path, features: tuple[str, ...], script: str) -> tuple[dict[str, Any], str] | None:
    """Return the arrays of a file and its SHA-256; None where there is none. `script` makes it anew.

    Raises:
        PackError: the weights belong to other features than this version has.
    """
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    if tuple(arrays["features"]) != features:
        raise PackError(f"{path.name} was trained for other features. Next: python models/detector/{script}")
    return arrays, hashlib.sha256(path.read_bytes()).hexdigest()
