"""What every test may ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import opened_browser

ROOT = Path(__file__).resolve().parent.parent

# On a busy machine an example may take its time. All else is Hypothesis's own profile, which knows whether this is CI.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets to measure on, or a skip where there is none."""
    folder = Path(os.environ.get("UNMOOR_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no public data sets beside the project (set UNMOOR_REAL_DATA)")
    return folder


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished demo, made once for all the tests that need one, in minutes; or the one that `UNMOOR_DEMO_RUN` names."""
    if ready := os.environ.get("UNMOOR_DEMO_RUN"):
        return Path(ready)
    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "unmoor", "demo", "-o", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of a module."""
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The browser of the module, whose pages are closed after each test: what is left open goes on asking and drawing."""
    yield chromium
    for context in chromium.contexts:
        context.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the demo, then the other files of slow tests: where processes share the work file by file, none ends long after
    the other."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: ("demo_run" not in getattr(item, "fixturenames", ()), item.path not in slow))
