"""An S3 server for the session and a bucket for each test."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("s3fs", reason="s3fs is not installed")
pytest.importorskip("moto.server", reason="moto is not installed")

from tests.storage.server import Server, running  # noqa: E402  after the packages that it needs are known to be there

SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY"
SETTINGS = {"config_kwargs": {"read_timeout": 1, "connect_timeout": 1, "retries": {"max_attempts": 1}}}
"""Shorter than s3fs has them, so that a server that hangs is given up within the patience of a test."""


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Server]:
    """The server; requests are not logged."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with running() as server:
        yield server


@pytest.fixture
def s3(s3_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """The server as it is when nothing goes wrong, with credentials and a scratch folder for this test."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("UNMOOR_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setitem(fsspec.config.conf, "s3", SETTINGS)
    s3_server.rule, s3_server.delay_seconds = (lambda _method, _path: None), 0.0
    s3_server.asked.clear()
    s3_server.ranges.clear()
    return s3_server


@pytest.fixture
def objects(s3: Server) -> Any:
    """fsspec's own view of the server, for putting things there and looking past unmoor."""
    return fsspec.filesystem("s3", use_listings_cache=False)


@pytest.fixture
def bucket(objects: Any) -> str:
    """A bucket of its own, by name."""
    name = f"test-{uuid4().hex[:12]}"
    objects.mkdir(name)
    return name
