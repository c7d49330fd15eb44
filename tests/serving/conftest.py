"""What the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import make_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny base model."""
    return make_tiny_base(tmp_path_factory.mktemp("tiny") / "base")
