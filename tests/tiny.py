"""A real model for tests, small enough to make in a second: the demo's architecture after two steps of reading."""

from __future__ import annotations

from pathlib import Path

from unmoor.demo import plain_sentences
from unmoor.training import make_demo_base

SEED = 5


def make_tiny_base(folder: Path) -> Path:
    """Make the model in `folder` and return it."""
    return make_demo_base(plain_sentences(SEED)[:600], folder, seed=SEED, steps=2)
